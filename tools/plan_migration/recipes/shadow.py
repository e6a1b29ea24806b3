"""A column of another type beside the old one: synced, filled, then exchanged by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ...ddl.diff import dotted
from ...ddl.expressions import columns_of
from ...ddl.model import Column, ForeignKey, Index, IndexPart, Key, Name, Sql, Table
from ...ddl.postgres.nodes import made_name
from ...ddl.postgres.text import default_text, deferrable, ident, literal, qualified, type_text
from ..context import Context
from ..model import Phase, Step, Undo
from ..order import texts
from ..words import words
from .backfill import backfill
from .base import MANUAL, altered, column_key, step, temporary
from .constraints import named, validated
from .dependants import around
from .indexes import concurrently

_REFERENCE: Final = (MANUAL + "sql-altertable.html#SQL-ALTERTABLE-NOTES",)


def possible(table: Table, before: Column, after: Column, ctx: Context) -> bool:
    """Whether a column beside it can take its place; else ALTER COLUMN TYPE has to do."""
    name = before.name
    related = [t for t in ctx.current.tables.values() if table.name in t.inherits]
    changed = [
        change
        for change in ctx.changes
        if change.object[1:2] == (dotted(table.name),)
        and change.object[0] in ("key", "index", "check", "exclusion", "foreign key")
        and name in words(" ".join((*texts(change.before), *texts(change.after))))
    ]
    numbered = before.identity is not None and after.identity is not None
    plain = not (before.generated or after.generated) and (
        numbered or not (before.identity or after.identity)
    )
    alone = not (table.partition_by or table.partition_of or table.inherits or related)
    parts = [p for index in table.indexes.values() for p in index.parts]
    simple = not any(
        not part.is_column and name in words(part.expression) for part in parts
    ) and not any(index.where and name in words(index.where) for index in table.indexes.values())
    excluded = any(
        name in words(str(part.expression)) for e in table.exclusions.values() for part in e.parts
    )
    generated = any(
        c.generated and name in words(c.generated.expression) for c in table.columns.values()
    )
    tied = any(
        name in key.columns if each.name == table.name else name in key.referenced
        for each in ctx.current.tables.values()
        for key in each.foreign_keys.values()
        if each.name == table.name or key.table == table.name
    )
    fits = not tied or {before.type.name, after.type.name} <= {"smallint", "integer", "bigint"}
    settled = before.not_null == after.not_null and not before.options and not table.of_type
    return (
        plain
        and alone
        and simple
        and fits
        and settled
        and not (changed or excluded or generated or table.foreign)
        and table.replica_identity in ("default", "full", "nothing")
        and bool(table.keys)
    )


class _Shadow:
    """The names and texts of one exchange."""

    def __init__(
        self, now: Table, table: Table, before: Column, after: Column, ctx: Context
    ) -> None:
        self.now, self.table, self.before, self.after, self.ctx = now, table, before, after, ctx
        self.name, self.of = ident(after.name), qualified(table.name)
        self.new, self.old = temporary(after.name, "new"), temporary(after.name, "old")
        self.key = column_key(table, after.name)
        base = made_name(table.name.name, after.name, "sync")
        self.function = qualified(Name(table.name.schema, base))
        self.trigger = ident(base)

    def text(self, target: str, value: str, lenient: bool = False) -> list[str]:
        """A trigger that keeps one column like the other; `lenient`: NULL for what does not fit."""
        set_it = f"NEW.{ident(target)} := {value};"
        if lenient:
            null = f"NEW.{ident(target)} := NULL;"
            set_it = f"BEGIN {set_it} EXCEPTION WHEN data_exception THEN {null} END;"
        body = f"BEGIN {set_it} RETURN NEW; END"
        return [
            f"CREATE OR REPLACE FUNCTION {self.function}() RETURNS trigger LANGUAGE plpgsql"
            f" AS $$ {body} $$",
            f"CREATE TRIGGER {self.trigger} BEFORE INSERT OR UPDATE ON {self.of}"
            f" FOR EACH ROW EXECUTE FUNCTION {self.function}()",
        ]

    def drop(self) -> list[str]:
        """The trigger and its function, gone."""
        return [f"DROP TRIGGER {self.trigger} ON {self.of}", f"DROP FUNCTION {self.function}()"]


def shadowed(
    now: Table, table: Table, before: Column, after: Column, ctx: Context, forth: str, back: str
) -> Iterator[Step]:
    """Steps from the old type to the new; `forth` and `back` convert `{}`, a reference."""
    s = _Shadow(now, table, before, after, ctx)
    yield from _filled(s, forth)
    exchange = _Exchange(s)
    yield from exchange.prepare()
    yield exchange.swap(forth, back)
    yield from exchange.validate()
    yield step(
        Phase.CONTRACT,
        f"Drop the old {s.name} of {s.of}",
        [*s.drop(), altered(table, f"DROP COLUMN {ident(s.old)}")],
        "Only once no instance of the old code is left; until then the exchange can be undone.",
        Undo((), "no_return", "", "nothing but what the new type cannot hold"),
        [s.key],
    )


def _filled(s: _Shadow, forth: str) -> Iterator[Step]:
    bare = replace(s.after, name=s.new)
    column = s.ctx.writes_target.tables.column(s.table, bare, plain=True)
    yield step(
        Phase.EXPAND,
        f"Add a column beside {s.name} of {s.of}",
        [
            altered(s.table, f"ADD COLUMN {column}"),
            *s.text(s.new, forth.format(f"NEW.{s.name}")),
        ],
        f"ALTER COLUMN TYPE would write every row anew under ACCESS EXCLUSIVE. A trigger keeps"
        f" {ident(s.new)} like {s.name} from now on, whoever writes.",
        [*s.drop(), altered(s.table, f"DROP COLUMN {ident(s.new)}")],
        [s.key],
        references=_REFERENCE,
    )
    missing = f"{ident(s.new)} IS DISTINCT FROM {forth.format(s.name)}"
    qualified_missing = f"t.{ident(s.new)} IS DISTINCT FROM {forth.format(f't.{s.name}')}"
    for each in backfill(s.table, bare, forth.format(f"t.{s.name}"), s.ctx, qualified_missing):
        plain = tuple(
            q._replace(sql=q.sql.replace(qualified_missing, missing)) for q in each.verify
        )
        before = tuple(
            q._replace(sql=q.sql.replace(qualified_missing, missing)) for q in each.preflight
        )
        yield replace(each, objects=(s.key,), verify=plain, preflight=before)


class _Exchange:
    """What stands on the old column is built on the new one, then names change at once."""

    def __init__(self, s: _Shadow) -> None:
        self.s = s
        self.down: list[str] = []
        self.up: list[str] = []
        self.late: list[tuple[Table, ForeignKey]] = []
        self.checks: list[str] = []

    def prepare(self) -> Iterator[Step]:
        """Indexes, keys and NOT NULL of the new column, online."""
        s = self.s
        if s.after.not_null:
            check = made_name(s.table.name.name, s.new, "given")
            condition = f"CHECK ({ident(s.new)} IS NOT NULL)"
            yield step(
                Phase.MIGRATE,
                f"Check {ident(s.new)} of {s.of} IS NOT NULL, not valid",
                altered(s.table, f"ADD CONSTRAINT {ident(check)} {condition} NOT VALID"),
                "So that the exchange can set NOT NULL without reading a row.",
                altered(s.table, f"DROP CONSTRAINT {ident(check)}"),
                [s.key],
            )
            yield validated(s.table, check, Phase.MIGRATE, (s.key,))
            self.checks.append(check)
        for index in s.table.indexes.values():
            if self._uses(index.parts, index.include):
                yield self._index(index)
                self.down.append(f"DROP INDEX {self._full(index.name)}")
                fresh = temporary(index.name)
                self.up.append(f"ALTER INDEX {self._full(fresh)} RENAME TO {ident(index.name)}")
        for key in s.table.keys.values():
            if s.after.name in (*key.columns, *key.include):
                parts = tuple(IndexPart(Sql(column)) for column in key.columns)
                index = Index(
                    key.name,
                    parts,
                    unique=True,
                    include=key.include,
                    nulls_not_distinct=key.nulls_not_distinct,
                    options=key.options,
                )
                yield self._index(index)
                self._key(key)

    def _uses(self, parts: tuple[IndexPart, ...], include: tuple[str, ...]) -> bool:
        name = self.s.after.name
        return name in include or any(p.is_column and p.expression == name for p in parts)

    def _full(self, index: str) -> str:
        return qualified(Name(self.s.table.name.schema, index))

    def _index(self, index: Index) -> Step:
        s = self.s

        def moved(column: str) -> str:
            return s.new if column == s.after.name else column

        fresh = replace(
            index,
            name=temporary(index.name),
            parts=tuple(
                replace(p, expression=Sql(moved(p.expression))) if p.is_column else p
                for p in index.parts
            ),
            include=tuple(map(moved, index.include)),
        )
        made = concurrently(s.table.name, fresh, s.ctx, s.key)
        return replace(made, phase=Phase.MIGRATE)

    def _key(self, key: Key) -> None:
        s = self.s
        self._referring(key)
        self.down.append(altered(s.table, f"DROP CONSTRAINT {ident(key.name)}"))
        kind = "PRIMARY KEY" if key.primary else "UNIQUE"
        using = ["USING INDEX", ident(temporary(key.name)), *deferrable(key.deferrable)]
        self.up.append(
            altered(s.table, f"ADD CONSTRAINT {ident(key.name)} {kind} {' '.join(using)}")
        )

    def _referring(self, key: Key) -> None:
        """Foreign keys of other tables that need the key: not valid at first, then validated."""
        s = self.s
        for other in s.ctx.current.tables.values():
            after = s.ctx.target.tables.get(other.name)
            for each in other.foreign_keys.values():
                if each.table != s.table.name or set(each.referenced) != set(key.columns):
                    continue
                of = ("foreign key", dotted(other.name), each.name)
                if each.inherited or after is None or each.name not in after.foreign_keys:
                    continue
                if of not in s.ctx.changed and (other.name != s.table.name):
                    self.down.insert(0, altered(other, f"DROP CONSTRAINT {ident(each.name)}"))
                    self._late(after, after.foreign_keys[each.name])

    def _late(self, table: Table, key: ForeignKey) -> None:
        emitter = self.s.ctx.writes_target.tables
        text = named(emitter.foreign_key(table, replace(key, valid=False)), key.name)
        self.up.append(altered(table, f"ADD {text}"))
        self.late.append((table, key))

    def swap(self, forth: str, back: str) -> Step:
        """One short transaction."""
        s = self.s
        around_it = around(s.now, frozenset({s.after.name}), s.ctx)
        alter = f"ALTER COLUMN {ident(s.new)}"
        sql = list(around_it.down)
        for key in s.table.foreign_keys.values():
            if s.after.name in key.columns:
                sql.append(altered(s.table, f"DROP CONSTRAINT {ident(key.name)}"))
                self._late(s.table, key)
        checks = [
            check
            for check in s.table.checks.values()
            if s.after.name in columns_of(check.expression)
        ]
        sql += [altered(s.table, f"DROP CONSTRAINT {ident(check.name)}") for check in checks]
        sql += self.down
        sql += [f"DROP TRIGGER {s.trigger} ON {s.of}"]
        if s.after.not_null:
            sql += self._not_null(alter)
        owned = [
            qualified(sequence.name)
            for sequence in s.ctx.current.sequences.values()
            if sequence.owned_by == (s.table.name, s.after.name)
        ]
        if s.before.default is not None:
            sql.append(altered(s.table, f"ALTER COLUMN {s.name} DROP DEFAULT"))
        if s.after.default is not None:
            sql.append(altered(s.table, f"{alter} SET DEFAULT {default_text(s.after.default)}"))
        sql += [
            altered(s.table, f"RENAME COLUMN {s.name} TO {ident(s.old)}"),
            altered(s.table, f"RENAME COLUMN {ident(s.new)} TO {s.name}"),
        ]
        sql += self._identity()
        sql += [f"ALTER SEQUENCE {name} OWNED BY {s.of}.{s.name}" for name in owned]
        for check in checks:
            text = s.ctx.writes_target.tables.check(
                replace(check, valid=False), f"CONSTRAINT {ident(check.name)} "
            )
            sql.append(altered(s.table, f"ADD {text}"))
            self.checks.append(check.name)
        sql += [*self.up, *around_it.up]
        sql += s.text(s.old, back.format(f"NEW.{s.name}"), lenient=True)
        return step(
            Phase.MIGRATE,
            f"Exchange {s.name} of {s.of}",
            sql,
            "Only names and the catalog change, in one short transaction under ACCESS EXCLUSIVE."
            f" From now on a trigger keeps {ident(s.old)} like {s.name}, so that it can be undone.",
            Undo(
                (),
                "no_return",
                "",
                f"nothing: {ident(s.old)} keeps every value that {type_text(s.before.type)} can"
                " hold; the way back is the same exchange in the other direction",
            ),
            [s.key, *around_it.objects],
            drops=(s.key,),
            references=_REFERENCE,
        )

    def _not_null(self, alter: str) -> list[str]:
        """Set on the new column under the name of the old one's; the old one may be NULL."""
        s = self.s
        assert s.after.not_null is not None
        given = s.after.not_null.name
        drop = altered(s.table, f"ALTER COLUMN {s.name} DROP NOT NULL")
        old = [drop]
        if s.before.identity:  # it needs its NOT NULL for a while
            stale = ident(temporary(given, "old"))
            rename = altered(s.table, f"RENAME CONSTRAINT {ident(given)} TO {stale}")
            old = [rename] if s.ctx.version >= 18 and given else []
        check = altered(s.table, f"DROP CONSTRAINT {ident(self.checks[0])}")
        if s.ctx.version >= 18 and given:
            text = f"ADD CONSTRAINT {ident(given)} NOT NULL {ident(s.new)}"
            return [*old, altered(s.table, text), check]
        return [*old, altered(s.table, f"{alter} SET NOT NULL"), check]

    def _identity(self) -> list[str]:
        """The new column's sequence goes on where the old one's stands."""
        s = self.s
        if s.before.identity is None or s.after.identity is None:
            return []
        old = s.before.identity.sequence
        stale = Name(old.schema, temporary(old.name, "old"))
        new = qualified(s.after.identity.sequence)
        add = s.ctx.writes_target.tables.identity(s.table, s.after, s.after.identity)
        return [
            f"ALTER SEQUENCE {qualified(old)} RENAME TO {ident(stale.name)}",
            altered(s.table, f"ALTER COLUMN {s.name} ADD {add}"),
            f"SELECT setval({literal(new)}, last_value, is_called) FROM {qualified(stale)}",
            altered(s.table, f"ALTER COLUMN {ident(s.old)} DROP IDENTITY"),
            altered(s.table, f"ALTER COLUMN {ident(s.old)} DROP NOT NULL"),
        ]

    def validate(self) -> Iterator[Step]:
        """What was not valid at first."""
        s = self.s
        for table, key in self.late:
            of = ("foreign key", dotted(table.name), key.name)
            if key.valid:
                yield validated(table, key.name, Phase.MIGRATE, (s.key, of))
        for name in self.checks[1 if s.after.not_null else 0 :]:
            if s.table.checks[name].valid:
                yield validated(s.table, name, Phase.MIGRATE, (s.key,))
