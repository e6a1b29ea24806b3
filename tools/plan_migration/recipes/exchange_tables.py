"""The steps by which a table beside another one takes its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ...ddl.diff import dotted
from ...ddl.model import ForeignKey, Name, Table
from ...ddl.postgres.text import ident, idents, qualified
from ..context import Context
from ..model import Phase, Query, Step, Undo
from .backfill import keyset, once
from .base import BATCH, MANUAL, ObjectKey, altered, listed, step
from .beside import Move, tree
from .constraints import named, orphans, validated
from .indexes import duplicates
from .partitions import accepted

_REFERENCE: Final = (MANUAL + "ddl-partitioning.html",)


class Exchange:
    """The steps that put one table in the place of another."""

    def __init__(self, move: Move, ctx: Context, early: bool) -> None:
        self.move, self.ctx = move, ctx
        self.of, self.new = qualified(move.name), qualified(move.new(move.name))
        self.old = qualified(move.old(move.name))
        self.mark: ObjectKey = ("table", dotted(move.old(move.name)))
        shown = {dotted(table.name) for table in tree(move.after, move.name)}
        shown.add(dotted(move.name))
        self.keys: list[ObjectKey] = [self.mark]
        self.keys += [("column", dotted(move.name), column) for column in move.source.columns]
        self.keys += [
            change.object
            for change in ctx.changes
            if len(change.object) > 1
            and (change.object[1] in shown or change.object[2:3] == (".".join(move.name),))
            and not (early and change.object[0] == "table")
        ]
        if not early:
            self.keys.append(("table", dotted(move.name)))
        self.keys += [("table", each) for each in sorted(shown - {dotted(move.name)})]
        self.keys = list(dict.fromkeys(self.keys))

    def steps(self) -> Iterator[Step]:
        """All of them, in order."""
        if self.ctx.is_small(self.move.name) or not self.move.identity:
            yield self._at_once()
            return
        yield self._made()
        yield self._synced()
        yield from self._copied()
        yield self._swapped()
        yield from self._validated()
        yield self._dropped()

    def _at_once(self) -> Step:
        move = self.move
        small = self.ctx.is_small(move.name)
        why = (
            "The table is small: copying it under lock takes no time."
            if small
            else "There is no way online: it takes a key of columns that are never NULL, together"
            " with plain columns to partition by, to tell rows apart on both sides. Everybody waits"
            " while the rows are copied."
        )
        return step(
            Phase.EXPAND,
            f"Make {self.of} {self._kind()}",
            self._copied_whole(move),
            why,
            self._way_back(),
            self.keys,
            preflight=tuple(_refused(move)),
            hazards=() if small else ("blocks reads and writes", "rewrite"),
            references=_REFERENCE,
        )

    def _way_back(self) -> Undo:
        """Copied once more, as long as the old table takes every row."""
        back = Move(self.move.name, self.move.after, self.move.before)
        sql = tuple(self._copied_whole(back))
        if _takes_all(back) and not [*_refused(back)]:
            return Undo(sql)
        event = "a row is written that the old table does not take"
        return Undo(sql, "until", event, "nothing, but it fails while there is one")

    def _copied_whole(self, move: Move) -> list[str]:
        columns = idents(move.columns)
        source, target = qualified(move.name), qualified(move.new(move.name))
        refer = [each for each in move.referring() if each[2]]
        return [
            f"LOCK TABLE {source} IN ACCESS EXCLUSIVE MODE",
            *move.made(),
            f"INSERT INTO {target} ({columns}) OVERRIDING SYSTEM VALUE"
            f" SELECT {columns} FROM {source}",
            *(self._untied(other, key) for other, key, _ in move.referring()),
            *move.attended(move.source, move.name, gone=True),
            *move.exchanged(),
            *move.attended(move.target, move.name, gone=False),
            f"DROP TABLE {qualified(move.old(move.name))}",
            *(self._tied(other, key) for other, _, key in refer if key),
        ]

    def _kind(self) -> str:
        by = self.move.target.partition_by
        return f"partitioned by {by.strategy}" if by else "an ordinary table"

    def _made(self) -> Step:
        guard = self.move.guard()
        emitter = self.ctx.writes_target.tables
        extra = [emitter.index(self.move.new(self.move.name), guard)] if guard else []
        return step(
            Phase.EXPAND,
            f"Create {self.new}, {self._kind()}, beside {self.of}",
            [*self.move.made(), *extra],
            "PostgreSQL cannot partition a table in place, nor undo it. Nobody uses the new one"
            " yet; its foreign keys and indexes take no time while it is empty.",
            f"DROP TABLE {self.new}",
            self.keys,
            references=_REFERENCE,
        )

    def _synced(self) -> Step:
        move = self.move
        function = f"DROP FUNCTION {qualified(move.function(back=False))}()"
        forced = move.source.force_row_security
        return step(
            Phase.EXPAND,
            f"Keep {self.new} like {self.of}",
            move.synced(),
            "From now on each write to the one is a write to the other, in the same transaction,"
            " whoever writes. CREATE TRIGGER waits for transactions that have written to the table,"
            " so none is missed.",
            [*move.untriggered(False, move.name), function, f"TRUNCATE {self.new}"],
            self.keys,
            preflight=tuple(_refused(move)),
            hazards=("run it as a role with BYPASSRLS: the owner does not see all rows",) * forced,
            references=(MANUAL + "sql-createtrigger.html",),
        )

    def _copied(self) -> Iterator[Step]:
        move, of = self.move, self.of
        row = move.row
        progress = qualified(Name(move.name.schema, move.function(back=False).name + "_copied"))
        columns = idents(row)
        same = " AND ".join(f"n.{ident(c)} = o.{ident(c)}" for c in move.identity)
        missing, extra = (
            Query(
                f"SELECT count(*) FROM {one} o WHERE NOT EXISTS"
                f" (SELECT FROM {other} n WHERE {same})",
                "0",
                f"Rows of {one} that {other} does not have.",
            )
            for one, other in ((of, self.new), (self.new, of))
        )
        self.counts = (missing, extra)
        yield step(
            Phase.MIGRATE,
            f"Prepare to copy {of}",
            f"CREATE TABLE {progress} AS SELECT {columns} FROM {of} ORDER BY {columns} LIMIT 1",
            "It remembers where the next batch starts.",
            f"DROP TABLE {progress}",
            self.keys,
        )
        yield step(
            Phase.MIGRATE,
            f"Copy {of} to {self.new}",
            keyset(of, progress, row, self._batch(), self.ctx.version),
            f"{BATCH:,} rows at a time, each batch in a transaction of its own, going on from where"
            " the last one ended. It locks the rows that it copies, so that none can change or go"
            " meanwhile, and leaves alone what the trigger has written: that is newer. Pause"
            " between batches as long as replicas lag.",
            [
                f"DELETE FROM {progress}",
                f"INSERT INTO {progress} SELECT {columns} FROM {of} ORDER BY {columns} LIMIT 1",
            ],
            self.keys,
            batched=True,
            verify=(Query(f"SELECT count(*) FROM {progress}", "0", "0 when all is done."), missing),
        )
        yield step(
            Phase.MIGRATE,
            f"Finish copying {of}",
            f"DROP TABLE {progress}",
            "Every row is there.",
            Undo(),
            self.keys,
            preflight=self.counts,
        )

    def _batch(self) -> str:
        move = self.move
        columns = idents(move.columns)
        locked = ", ".join(f"o.{ident(column)}" for column in move.columns)
        mine, its = (", ".join(f"{t}.{ident(c)}" for c in move.row) for t in ("o", "batch"))
        return f"""rows {once(self.ctx.version)} (
    SELECT {locked} FROM {self.of} o, batch WHERE ({mine}) = ({its}) FOR SHARE OF o
), copied AS (
    INSERT INTO {self.new} ({columns}) OVERRIDING SYSTEM VALUE
    SELECT {columns} FROM rows ON CONFLICT ({idents(move.identity)}) DO NOTHING
)"""

    def _swapped(self) -> Step:
        move, name = self.move, self.move.name
        refer = [*move.referring()]
        forth = [
            f"LOCK TABLE {self.of}, {self.new} IN ACCESS EXCLUSIVE MODE",
            *(self._untied(other, key) for other, key, _ in refer),
            *move.untriggered(False, name),
            *move.attended(move.source, name, gone=True),
            *move.exchanged(),
            *move.attended(move.target, name, gone=False),
            *(self._tied(other, key, late=True) for other, _, key in refer if key),
            *move.synced(back=True),
        ]
        back = [
            f"LOCK TABLE {self.of}, {self.old} IN ACCESS EXCLUSIVE MODE",
            *(self._untied(other, key) for other, _, key in refer if key),
            *move.untriggered(True, name),
            f"DROP FUNCTION {qualified(move.function(back=True))}()",
            *move.attended(move.target, name, gone=True),
            *move.restored(),
            *move.attended(move.source, name, gone=False),
            *move.trigger(back=False),
            *(self._tied(other, key) for other, key, _ in refer),
        ]
        keys = [("foreign key", dotted(other.name), key.name) for other, key, _ in refer]
        return step(
            Phase.MIGRATE,
            f"Put {self.new} in the place of {self.of}",
            forth,
            "Only names and the catalog change, in one short transaction. From now on a trigger"
            f" keeps {self.old} like {self.of}, so that it can be undone." + self._weaker(),
            back,
            [*self.keys, *keys],
            preflight=self.counts,
            drops=tuple(
                ("foreign key", dotted(other.name), key.name)
                for other, key, after in refer
                if after is None
            ),
            references=_REFERENCE,
        )

    def _weaker(self) -> str:
        """What PostgreSQL does not keep unique any more once the old table is gone."""
        kept = [set(columns) for columns in self.move.target.unique_sets()]
        lost = [c for c in self.move.source.unique_sets() if not any(k <= set(c) for k in kept)]
        if not lost:
            return ""
        shown = "; ".join(f"({listed(columns)})" for columns in lost)
        return (
            f" Once {self.old} is gone PostgreSQL no longer keeps {shown} unique: keys of a"
            " partitioned table must have its partition columns."
        )

    def _untied(self, other: Table, key: ForeignKey) -> str:
        return altered(other, f"DROP CONSTRAINT {ident(key.name)}")

    def _tied(self, other: Table, key: ForeignKey, late: bool = False) -> str:
        late = late and not (other.partition_by and self.ctx.version < 18)
        given = replace(key, valid=False) if late else key
        text = self.ctx.writes_target.tables.foreign_key(other, given)
        return altered(other, f"ADD {named(text, key.name)}")

    def _validated(self) -> Iterator[Step]:
        for other, _, key in self.move.referring():
            if key and key.valid and key.enforced:
                of = ("foreign key", dotted(other.name), key.name)
                if not (other.partition_by and self.ctx.version < 18):
                    yield validated(
                        other, key.name, Phase.MIGRATE, (of, self.mark), orphans(other, key)
                    )

    def _dropped(self) -> Step:
        move = self.move
        guard = move.guard()
        gone = {t.name for t in tree(move.before, move.name)} - set(move.after.tables)
        keys: list[ObjectKey] = [self.mark, *(("table", dotted(n)) for n in sorted(gone))]
        functions = [f"DROP FUNCTION {qualified(move.function(back))}()" for back in (False, True)]
        same = " AND ".join(f"n.{ident(c)} = o.{ident(c)}" for c in move.identity)
        missing = f"SELECT count(*) FROM {self.old} o WHERE NOT EXISTS"
        return step(
            Phase.CONTRACT,
            f"Drop {self.old}, which was {self.of}",
            [
                *move.untriggered(True, move.name),
                *functions,
                f"DROP TABLE {self.old}",
                *([f"DROP INDEX {qualified(Name(move.name.schema, guard.name))}"] if guard else []),
            ],
            f"Only once nobody wants to go back: {self.of} has every row.",
            Undo((), "no_return", "", f"nothing: {self.of} has every row of {self.old}"),
            keys,
            drops=tuple(keys),
            preflight=(
                Query(
                    f"{missing} (SELECT FROM {self.of} n WHERE {same})",
                    "0",
                    "Rows that would be lost.",
                ),
            ),
            references=_REFERENCE,
        )


def _refused(move: Move) -> Iterator[Query]:
    """Rows that the new table would not take."""
    of = qualified(move.name)
    if condition := accepted(move.target, tree(move.after, move.name)[1:]):
        yield Query(
            f"SELECT count(*) FROM {of} WHERE ({condition}) IS NOT TRUE",
            "0",
            "No partition takes them: each write of such a row fails from the next step on.",
        )
    known = [set(columns) for columns in move.source.unique_sets()]
    for key in move.target.keys.values():
        if not any(columns <= set(key.columns) for columns in known):
            yield duplicates(move.name, key.columns, key.nulls_not_distinct)


def _takes_all(move: Move) -> bool:
    """Whether a partition of the new table takes whatever comes."""
    by, partitions = move.target.partition_by, tree(move.after, move.name)[1:]
    bounds = [each.partition_of.bound.upper() for each in partitions if each.partition_of]
    return by is None or by.strategy == "hash" or "DEFAULT" in bounds
