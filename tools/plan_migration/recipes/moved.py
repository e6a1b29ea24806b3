"""Columns on their way to another table: triggers carry what is written to either, both ways.

The one that is written last wins; both hold every value from the end of the backfill to the
contract. https://www.postgresql.org/docs/current/plpgsql-trigger.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from ...ddl.model import Name, Table
from ...ddl.postgres.nodes import made_name
from ...ddl.postgres.text import dollar_quoted, ident, idents, qualified
from ..context import Context
from ..model import Phase, Query, Step, Undo
from ..moves import Moved, Pairs, demanded
from .backfill import drained, keyset, once
from .base import BATCH, MANUAL, ObjectKey, column_key, step
from .twin import differs
from .written import drop_part

_Columns: TypeAlias = tuple[str, ...]


def with_moves(steps: list[Step], ctx: Context) -> list[Step]:
    """The steps with those of moved columns: after what is made, before what goes."""
    moves = [made for move in ctx.moved for made in _moved(move, ctx)]
    if not moves:
        return steps
    last = [each for each in steps if each.phase is Phase.CONTRACT]
    return [*(each for each in steps if each.phase is not Phase.CONTRACT), *moves, *last]


def _moved(move: Moved, ctx: Context) -> Iterator[Step]:
    """Carry, fill, stop."""
    source, target = ctx.current.tables[move.source], ctx.target.tables[move.target]
    (mine, its), (old, new) = _sides(move.rows), _sides(move.values)
    is_child = move.child == "target"
    forth = _Flow("forth", source, target, (mine, its), (old, new), is_child, ctx)
    back = _Flow("back", target, source, (its, mine), (new, old), not is_child, ctx)
    shown = f"{idents(old)} of {qualified(source.name)}"
    to = qualified(target.name)
    triggers = [forth.key, back.key]
    objects: list[ObjectKey] = [
        *triggers,
        *(column_key(source, name) for name in old),
        *(column_key(target, name) for name in new),
    ]
    made = [*forth.made(), *back.made()]
    gone = [*forth.gone(), *back.gone()]
    yield step(
        Phase.EXPAND,
        f"Keep {shown} and {to} alike",
        made,
        "Triggers carry what old code writes to the new place, and what new code writes back; the"
        " last one wins.",
        gone,
        objects,
        hazards=tuple(_hazards(forth, back)),
        references=(MANUAL + "plpgsql-trigger.html",),
    )
    yield from _filled(forth, shown, objects)
    yield step(
        Phase.CONTRACT,
        f"Stop keeping {shown} and {to} alike",
        gone,
        "Only once no instance of the old code is left.",
        Undo(tuple(made)),
        objects,
        drops=tuple(triggers),
        before="no instance of the old code runs",
        preflight=(Query(forth.apart(lost=True), "0", "Values that have no place in the target."),),
        references=(MANUAL + "sql-droptrigger.html",),
    )


def _sides(pairs: Pairs) -> tuple[_Columns, _Columns]:
    return tuple(a for a, _ in pairs), tuple(b for _, b in pairs)


def _hazards(forth: _Flow, back: _Flow) -> Iterator[str]:
    if not forth.makes_rows and forth.child:
        yield f"rows of {forth.origin} without a row of {forth.to} have no place for their values"
    if back.child and not back.makes_rows:
        yield (
            f"old code does not see what new code writes where {back.to} has no row: none can be"
            " made for it"
        )
    if forth.makes_rows and any(forth.here.columns[name].default for name in forth.values[0]):
        yield (
            f"a default makes a row of {forth.to} for each new row of {forth.origin}: the new code"
            " must say ON CONFLICT when it inserts one"
        )


def _filled(forth: _Flow, shown: str, objects: list[ObjectKey]) -> Iterator[Step]:
    """Values for the rows that are there, in the order of the key that both share."""
    keys = forth.rows[0]
    source, columns = forth.here, idents(keys)
    progress = qualified(
        Name(source.name.schema, made_name(source.name.name, forth.values[0][0], "backfill"))
    )
    left = Query(forth.apart(lost=False), "0", "Values that are not there yet.")
    to = forth.to
    yield step(
        Phase.MIGRATE,
        f"Prepare the backfill of {to} from {shown}",
        f"CREATE TABLE {progress} AS SELECT {columns} FROM {forth.origin}"
        f" ORDER BY {columns} LIMIT 1",
        "It remembers where the next batch starts.",
        f"DROP TABLE IF EXISTS {progress}",
        [forth.key, *(column_key(source, name) for name in forth.values[0])],
    )
    yield step(
        Phase.MIGRATE,
        f"Backfill {to} from {shown}",
        keyset(forth.origin, progress, keys, forth.batch(), forth.ctx.version),
        f"{BATCH:,} rows at a time. Each batch is a transaction of its own, goes on from where the"
        " last one ended, and leaves what is in the new place already: it is newer.",
        Undo(),  # what is filled harms nothing: old code does not know the place
        objects,
        batched=True,
        preflight=(drained(source, forth.name),),
        verify=(
            Query(f"SELECT count(*) FROM {progress}", "0", "0 when every batch is done."),
            left,
        ),
    )
    yield step(
        Phase.MIGRATE,
        f"Finish the backfill of {to} from {shown}",
        f"DROP TABLE {progress}",
        "Every value is in both places.",
        Undo(),
        objects,
        preflight=(left,),
        verify=(left,),
    )


@dataclass(frozen=True)
class _Flow:
    """What is written to one table, carried to another one.

    `rows` and `values` have the columns of both sides. `child`: a row there needs the one here.
    """

    label: str
    here: Table
    there: Table
    rows: tuple[_Columns, _Columns]
    values: tuple[_Columns, _Columns]
    child: bool
    ctx: Context

    @property
    def name(self) -> str:
        """Triggers run in the order of their names: this one after the user's."""
        return made_name(f"zy_{self.here.name.name}", self.values[0][0], self.label)

    @property
    def key(self) -> ObjectKey:
        """The trigger's key."""
        return ("trigger", *column_key(self.here, self.name)[1:])

    @property
    def origin(self) -> str:
        """The table that is written, for a statement."""
        return qualified(self.here.name)

    @property
    def to(self) -> str:
        """The table that follows, for a statement."""
        return qualified(self.there.name)

    @cached_property
    def _owned(self) -> bool:
        """Whether only one version knows the table that follows, so that its rows are made here."""
        name = self.there.name
        return self.child and not (
            name in self.ctx.current.tables and name in self.ctx.target.tables
        )

    @cached_property
    def makes_rows(self) -> bool:
        """Whether a row that is missing there is made."""
        return self._owned and not demanded(self.there, {*self.rows[1], *self.values[1]})

    @cached_property
    def _required(self) -> tuple[str, ...]:
        """Columns here whose values a row there cannot be without."""
        pairs = zip(*self.values, strict=True)
        return tuple(a for a, b in pairs if self._owned and self.there.columns[b].not_null)

    # Conditions

    def _given(self, row: str) -> str:
        """Whether a row here has what makes a row there."""
        if self._required:
            return " AND ".join(f"{row}.{ident(name)} IS NOT NULL" for name in self._required)
        return f"num_nonnulls({_of(row, self.values[0])}) > 0"

    def _differ(
        self, one: str, columns: tuple[str, ...], other: str, others: tuple[str, ...]
    ) -> str:
        return " OR ".join(
            differs(f"{one}.{ident(a)}", f"{other}.{ident(b)}", self.there.columns[name].type)
            for a, b, name in zip(columns, others, self.values[1], strict=True)
        )

    def apart(self, lost: bool) -> str:
        """How many rows here have other values than theirs there; `lost`: or none there at all."""
        join = "LEFT JOIN" if lost or self.makes_rows else "JOIN"
        on = f"({_of('t', self.rows[1])}) = ({_of('s', self.rows[0])})"
        differ = self._differ("s", self.values[0], "t", self.values[1])
        given = "" if lost or not self._required else f"{self._given('s')} AND "
        return (
            f"SELECT count(*) FROM {self.origin} s {join} {self.to} t ON {on}"
            f" WHERE {given}({differ})"
        )

    # The backfill

    def batch(self) -> str:
        """The values of a batch; its rows are locked, so that no older value comes late."""
        moving = f"""moving {once(self.ctx.version)} (
    SELECT s.* FROM {self.origin} s
    WHERE ({_of("s", self.rows[0])}) IN (SELECT {idents(self.rows[0])} FROM batch)
    FOR NO KEY UPDATE
)"""
        values = _of("s", self.values[0])
        if self.makes_rows:
            return f"""{moving}, filled AS (
    INSERT INTO {self.to} ({idents((*self.rows[1], *self.values[1]))})
    SELECT {_of("s", self.rows[0])}, {values} FROM moving s WHERE {self._given("s")}
    ON CONFLICT ({idents(self.rows[1])}) DO NOTHING
)"""
        return f"""{moving}, filled AS (
    UPDATE {self.to} t SET ({idents(self.values[1])}) = ROW({values}) FROM moving s
    WHERE ({_of("t", self.rows[1])}) = ({_of("s", self.rows[0])})
    AND num_nonnulls({_of("t", self.values[1])}) = 0 AND {self._given("s")}
)"""

    # The triggers

    def made(self) -> list[str]:
        """The function and its triggers."""
        call = f"FOR EACH ROW EXECUTE FUNCTION {self._function}()"
        create = f"CREATE TRIGGER {ident(self.name)} AFTER INSERT OR UPDATE"
        if not self.child:
            create += " OR DELETE"
        sql = [self._body(), f"{create} ON {self.origin} {call}"]
        if self._owned:
            sql.append(
                f"CREATE TRIGGER {ident(self._remover)} BEFORE DELETE ON {self.origin} {call}"
            )
        return sql

    def gone(self) -> list[str]:
        """What drops them."""
        names = [self.name, *([self._remover] if self._owned else [])]
        return [
            *(drop_part("trigger", name, self.here.name) for name in names),
            f"DROP FUNCTION {self._function}()",
        ]

    @property
    def _remover(self) -> str:
        """Of a row there, which who deletes the one here does not know."""
        return made_name(self.name, "", "first")

    @property
    def _function(self) -> str:
        return qualified(Name(self.here.name.schema, self.name))

    def _body(self) -> str:
        changed = self._differ("NEW", self.values[0], "OLD", self.values[0])
        moved = f"({_of('NEW', self.rows[0])}) IS DISTINCT FROM ({_of('OLD', self.rows[0])})"
        body = f"""
BEGIN
    {self._deleted(moved)}
    IF TG_OP = 'UPDATE' AND NOT ({moved} OR {changed})
        OR {self._alike()} THEN
        RETURN NULL;
    END IF;
    {self._written()}
    RETURN NULL;
END
"""
        return (
            f"CREATE FUNCTION {self._function}() RETURNS trigger LANGUAGE plpgsql"
            f" SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS {dollar_quoted(body)}"
        )

    def _alike(self) -> str:
        """Whether the row there has the values already, as when it was the one that was written."""
        differ = self._differ("t", self.values[1], "NEW", self.values[0])
        its = self._its("NEW", "t.")
        return f"EXISTS (SELECT FROM {_full(self.there.name)} t WHERE {its} AND NOT ({differ}))"

    def _deleted(self, moved: str) -> str:
        """What a row that goes, or gets another key, leaves there."""
        if self._owned:
            return f"""IF TG_OP = 'DELETE' THEN
        DELETE FROM {_full(self.there.name)} WHERE {self._its("OLD")};
        RETURN OLD;
    END IF;"""
        if self.child:
            return ""
        return f"""IF TG_OP = 'DELETE' THEN
        IF pg_trigger_depth() = 1 THEN
            {self._emptied("OLD")}
        END IF;
        RETURN NULL;
    ELSIF TG_OP = 'UPDATE' AND {moved} THEN
        {self._emptied("OLD")}
    END IF;"""

    def _written(self) -> str:
        """What follows the values of a row that is inserted or updated."""
        if self.makes_rows:
            empty = self._emptied("NEW")
            if self._required:
                empty = f"DELETE FROM {_full(self.there.name)} WHERE {self._its('NEW')};"
            return f"""IF {self._given("NEW")} THEN
        {self._upsert()}
    ELSE
        {empty}
    END IF;"""
        return f"""IF TG_OP = 'INSERT' AND num_nonnulls({_of("NEW", self.values[0])}) = 0 THEN
        {self._taken()}
    ELSE
        {self._updated()}
    END IF;"""

    def _upsert(self) -> str:
        table, values = _full(self.there.name), self.values[1]
        return f"""INSERT INTO {table} ({idents((*self.rows[1], *values))})
        VALUES ({_of("NEW", self.rows[0])}, {_of("NEW", self.values[0])})
        ON CONFLICT ({idents(self.rows[1])}) DO UPDATE
        SET ({idents(values)}) = ROW({_of("EXCLUDED", values)});"""

    def _updated(self) -> str:
        values = _of("NEW", self.values[0])
        return (
            f"UPDATE {_full(self.there.name)} t SET ({idents(self.values[1])}) = ROW({values})"
            f" WHERE {self._its('NEW', 't.')};"
        )

    def _emptied(self, row: str) -> str:
        nulls = ", ".join("NULL" for _ in self.values[1])
        return (
            f"UPDATE {_full(self.there.name)} t SET ({idents(self.values[1])}) = ROW({nulls})"
            f" WHERE {self._its(row, 't.')}"
            f" AND num_nonnulls({_of('t', self.values[1])}) > 0;"
        )

    def _taken(self) -> str:
        """A row that comes without values gets those that are there."""
        return f"""UPDATE {_full(self.here.name)} s
        SET ({idents(self.values[0])}) = ROW({_of("t", self.values[1])})
        FROM {_full(self.there.name)} t WHERE {self._its("NEW", "t.")}
        AND ({_of("s", self.rows[0])}) = ({_of("NEW", self.rows[0])})
        AND num_nonnulls({_of("t", self.values[1])}) > 0;"""

    def _its(self, row: str, table: str = "") -> str:
        there = ", ".join(f"{table}{ident(name)}" for name in self.rows[1])
        return f"({there}) = ({_of(row, self.rows[0])})"


def _of(row: str, columns: _Columns) -> str:
    return ", ".join(f"{row}.{ident(name)}" for name in columns)


def _full(name: Name) -> str:
    return f"{ident(name.schema)}.{ident(name.name)}"
