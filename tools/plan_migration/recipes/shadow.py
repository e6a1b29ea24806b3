"""A column of another type beside the old one: synced, filled, then exchanged by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ...ddl.diff import Change, changes, dotted
from ...ddl.model import Column, Name, Table
from ...ddl.postgres.nodes import made_name
from ...ddl.postgres.text import ident, qualified, type_text
from ..context import Context
from ..model import Phase, Step, Undo
from ..words import words
from .backfill import backfill
from .base import MANUAL, ObjectKey, altered, column_key, no_rows, step, temporary
from .constraints import validated
from .exchange import Exchange
from .fitting import BITS
from .twin import differs
from .types import conversion, cost, is_total, unfit

_REFERENCE: Final = (MANUAL + "sql-altertable.html#SQL-ALTERTABLE-NOTES",)
_STAMPS: Final = {"timestamp without time zone", "timestamp with time zone"}
_TYPES: Final = ("enum", "domain", "composite", "range")


def retyped(ctx: Context) -> tuple[Context, list[Step]]:
    """The migration that is left after such exchanges, and the steps that make them."""
    found = [change for change in ctx.changes if _is_exchanged(change, ctx)]
    if not found:
        return ctx, []
    tables = dict(ctx.current.tables)
    for change in found:
        table = tables[ctx.names[change.object[1]]]
        column = _between(change.before, change.after)
        tables[table.name] = replace(table, columns={**table.columns, column.name: column})
    between = replace(ctx.current, tables=tables)
    first = replace(ctx, target=between, changes=tuple(changes(ctx.current, between)))
    rest = replace(ctx, current=between, changes=tuple(changes(between, ctx.target)))
    exchanges = [_exchange(c, first) for c in first.changes if c.object[0] == "column"]
    return rest, [*_steps(_children_first(exchanges))]


def _is_exchanged(change: Change, ctx: Context) -> bool:
    if change.object[0] != "column" or "type" not in change.fields:
        return False
    table = ctx.tables_before[change.object[1]]
    before, after = change.before, change.after
    return (
        cost(before.type, after.type) == "rewrite"
        and not ctx.is_small(table.name)
        and _can_be(table, before, after, ctx)
    )


def _between(before: Column, after: Column) -> Column:
    """The column with the new type, and what cannot be without it."""
    made = replace(before, type=after.type, collation=after.collation)
    if before.identity and after.identity:
        return replace(made, identity=after.identity)
    if before.identity or after.identity:
        return made
    return replace(made, default=after.default)


def _can_be(table: Table, before: Column, after: Column, ctx: Context) -> bool:
    """Whether a column beside it can take its place; else ALTER COLUMN TYPE has to do."""
    name = before.name
    heirs = any(table.name in each.inherits for each in ctx.current.tables.values())
    alone = not (table.partition_by or table.partition_of or table.inherits or heirs)
    plain = not (before.generated or after.generated or table.foreign or table.of_type)
    excluded = any(
        name in words(str(part.expression)) for e in table.exclusions.values() for part in e.parts
    )
    generated = any(
        c.generated and name in words(c.generated.expression) for c in table.columns.values()
    )
    return alone and plain and not (excluded or generated) and _ties_hold(table, before, after, ctx)


def _ties_hold(table: Table, before: Column, after: Column, ctx: Context) -> bool:
    """Whether operators of both types compare them with what refers to the column."""
    tied = any(
        before.name in key.columns if each.name == table.name else before.name in key.referenced
        for each in ctx.current.tables.values()
        for key in each.foreign_keys.values()
        if table.name in (each.name, key.table)
    )
    return not tied or {before.type.name, after.type.name} <= BITS.keys()


def _exchange(change: Change, ctx: Context) -> Exchange:
    return Exchange(ctx.tables_before[change.object[1]], change.before, change.after, ctx)


def _children_first(exchanges: list[Exchange]) -> list[Exchange]:
    """What refers to a column comes before it: no value is there that the child cannot hold."""
    left, found = list(exchanges), []
    while left:
        free = [e for e in left if not any(_refers(o, e) for o in left if o is not e)] or left[:1]
        found += free
        left = [e for e in left if e not in free]
    return found


def _refers(child: Exchange, parent: Exchange) -> bool:
    return any(
        key.table == parent.table.name
        and parent.before.name in key.referenced
        and table.name == child.table.name
        and child.before.name in key.columns
        for table, key in child.foreign_keys.values()
    )


def _steps(exchanges: list[Exchange]) -> Iterator[Step]:
    """One exchange after the other; a foreign key is validated after the last one that takes it."""
    for number, exchange in enumerate(exchanges):
        later = {key for each in exchanges[number + 1 :] for key in each.foreign_keys}
        earlier = {key for each in exchanges[:number] for key in each.foreign_keys}
        yield from _Shadow(exchange).steps(frozenset(earlier), frozenset(later))


class _Shadow:
    """The steps of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        table, self.before, self.after = exchange.table, exchange.before, exchange.after
        self.table, self.twin = table, exchange.twin
        self.of, self.name = qualified(table.name), ident(self.before.name)
        self.new, self.old = ident(self.twin.new.name), ident(temporary(self.before.name, "old"))
        self.total = is_total(self.before.type, self.after.type)
        # Triggers run in the order of their names: this one last, when the value is final.
        self.sync = made_name(f"zz_{table.name.name}", self.before.name, "sync")
        self.function = qualified(Name(table.name.schema, self.sync))
        self.key = column_key(table, self.before.name)
        self.gone = column_key(table, temporary(self.before.name, "old"))

    def steps(self, pending: frozenset[ObjectKey], taken: frozenset[ObjectKey]) -> Iterator[Step]:
        """Add, fill, build, exchange, validate, drop.

        `pending` foreign keys an exchange before has left not valid, `taken` ones are left so.
        """
        yield self._added()
        yield from self._filled()
        yield from self._given()
        yield from self.twin.index_steps(self.key, f"It takes the place of the one on {self.name}.")
        yield self._exchanged(pending)
        yield from self._validated(taken)
        yield self._dropped()

    def _sync(self, target: str, value: str, guard: str = "") -> str:
        """The function that keeps one column like the other; `guard` says what it holds."""
        assign = f"NEW.{target} := {value};"
        if guard == "fails":
            null = f"NEW.{target} := NULL;"
            assign = f"BEGIN {assign} EXCEPTION WHEN data_exception THEN {null} END;"
        elif guard:
            assign = f"NEW.{target} := CASE WHEN {guard} THEN {value} END;"
        return (
            f"CREATE OR REPLACE FUNCTION {self.function}() RETURNS trigger LANGUAGE plpgsql"
            f" AS $$ BEGIN {assign} RETURN NEW; END $$"
        )

    def _sync_forth(self) -> str:
        value = _converted(self.before, self.after, f"NEW.{self.name}")
        return self._sync(self.new, value, "" if self.total else "fails")

    def _sync_back(self) -> str:
        value = _converted(self.after, self.before, f"NEW.{self.name}")
        guard = "" if is_total(self.after.type, self.before.type) else "fails"
        bits = BITS.get(self.before.type.name)
        if guard and bits and self.after.type.name in BITS:  # cheaper than to catch an error
            guard = f"NEW.{self.name} BETWEEN {-(2**bits)} AND {2**bits - 1}"
        return self._sync(self.old, value, guard)

    def _drop_sync(self) -> list[str]:
        trigger = f"DROP TRIGGER {ident(self.sync)} ON {self.of}"
        return [trigger, f"DROP FUNCTION {self.function}()"]

    def _added(self) -> Step:
        trigger = (
            f"CREATE TRIGGER {ident(self.sync)} BEFORE INSERT OR UPDATE ON {self.of}"
            f" FOR EACH ROW EXECUTE FUNCTION {self.function}()"
        )
        return step(
            Phase.EXPAND,
            f"Add a column beside {self.name} of {self.of}",
            [*self.twin.added(), self._sync_forth(), trigger],
            f"ALTER COLUMN TYPE would write every row anew under ACCESS EXCLUSIVE. A trigger keeps"
            f" {self.new} like {self.name} from now on, whoever writes.{self._zoned()}",
            [*self._drop_sync(), altered(self.table, f"DROP COLUMN {self.new}")],
            [self.key],
            references=_REFERENCE,
        )

    def _zoned(self) -> str:
        """What the values depend on besides the column."""
        if {self.before.type.name, self.after.type.name} != _STAMPS:
            return ""
        return (
            " A time with a zone is made of one without by the TimeZone of the session that writes:"
            " it must be the one that the values are in for every writer and for the backfill."
        )

    def _filled(self) -> Iterator[Step]:
        value = _converted(self.before, self.after, f"t.{self.name}")
        ctx = self.exchange.ctx
        first = () if self.total else unfit(self.table, self.before, self.after, ctx)
        for each in backfill(self.table, self.twin.new, value, ctx, self._apart(), self.sync):
            asked = (*each.preflight, *first) if each.batched else each.preflight
            yield replace(each, objects=(self.key,), preflight=asked)

    def _apart(self) -> str:
        """The condition that the new column of a row `t` is not like the old one."""
        old = f"t.{self.name}"
        using = conversion(self.before.name, self.before.type, self.after.type)
        value = _converted(self.before, self.after, old)
        same = value if using else f"{old}::{type_text(self.after.type)}"
        return differs(f"t.{self.new}", same, self.after.type)

    def _given(self) -> Iterator[Step]:
        if not self.after.not_null:
            return
        check = self.exchange.given
        condition = f"CHECK ({self.new} IS NOT NULL)"
        yield step(
            Phase.MIGRATE,
            f"Check {self.new} of {self.of} IS NOT NULL, not valid",
            altered(self.table, f"ADD CONSTRAINT {ident(check)} {condition} NOT VALID"),
            "So that the exchange can set NOT NULL without reading a row.",
            altered(self.table, f"DROP CONSTRAINT {ident(check)}"),
            [self.key],
        )
        yield validated(self.table, check, Phase.MIGRATE, (self.key,))

    def _exchanged(self, pending: frozenset[ObjectKey]) -> Step:
        type_of = type_text(self.before.type)
        apart = f"SELECT t.* FROM {self.of} t WHERE {self._apart()} LIMIT 10"
        unfit = no_rows(apart, f"{type_text(self.after.type)} cannot hold their {self.name}.")
        return step(
            Phase.MIGRATE,
            f"Exchange {self.name} of {self.of}",
            self.exchange.forth(self._sync_back()),
            "Only names and the catalog change, in one short transaction under ACCESS EXCLUSIVE."
            f" From now on a trigger keeps {self.old} like {self.name}, so that it can be undone."
            " The undo builds the indexes of keys and checks foreign keys under its lock.",
            Undo(
                tuple(self.exchange.back(self._sync_forth(), pending)),
                "until",
                f"a value is written that {type_of} cannot hold",
                "nothing: it fails then",
            ),
            [self.key, self.gone],
            carries=self.exchange.carried,
            preflight=() if self.total else (unfit,),
            hazards=self._hazards(),
            references=_REFERENCE,
        )

    def _hazards(self) -> tuple[str, ...]:
        order = f"{self.name} is the last column then: INSERT without a list of columns breaks"
        unfit = "code that writes what the new type cannot hold fails"
        return (order,) if self.total else (order, unfit)

    def _validated(self, taken: frozenset[ObjectKey]) -> Iterator[Step]:
        """What was not valid at first."""
        for name in self.exchange.checks:
            if self.table.checks[name].valid:
                made = validated(self.table, name, Phase.MIGRATE, (self.key,))
                yield replace(made, carries=(("check", self.key[1], name),))
        for of, (table, each) in self.exchange.foreign_keys.items():
            if each.valid and of not in taken and self.exchange.is_late(of):
                made = validated(table, each.name, Phase.MIGRATE, (self.key,))
                yield replace(made, carries=(of,))

    def _dropped(self) -> Step:
        return step(
            Phase.CONTRACT,
            f"Drop the old {self.name} of {self.of}",
            [*self._drop_sync(), altered(self.table, f"DROP COLUMN {self.old}")],
            "Only once it is sure that nobody wants the old type back: until then the exchange can"
            " be undone. Its indexes go with it.",
            Undo((), "no_return", "", f"nothing: {self.name} has every value"),
            [self.gone],
            carries=self._old_type(),
        )

    def _old_type(self) -> tuple[ObjectKey, ...]:
        """A type of the user's can only go after the last column of it."""
        old = self.before.type
        name = dotted(Name(old.schema, old.name))
        return tuple((kind, name) for kind in _TYPES) if old.schema else ()


def _converted(source: Column, target: Column, reference: str) -> str:
    """The value of one column, to be found at `reference`, for the other one."""
    using = conversion(source.name, source.type, target.type)
    return using.replace(ident(source.name), reference, 1) if using else reference
