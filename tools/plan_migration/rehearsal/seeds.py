"""Adversarial rows for a rehearsal: the largest and the emptiest values, nulls, every enum value.

Most rows keep what the current *and* the target schema demand, so that a plan can reach its end.
The others (`Rough`) keep only what holds now: nulls in a column that becomes NOT NULL, duplicates
where a key is added, orphans without a validated foreign key. A step that refuses them shows what
its pre-flight query is for; then they are removed, and it runs again.

Nothing is guessed for long: a table whose checks refuse what is tried stays empty, and is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from ...ddl.expressions import columns_of
from ...ddl.model import Check, Column, ForeignKey, Name, Schema, Sql, Table, Type
from ...ddl.postgres.nodes import made_name
from ...ddl.postgres.text import ident, idents, literal, qualified
from .sessions import Done, Session, Values
from .shapes import Shape, shape_of
from .values import candidates, distinct, is_text, literals, within

ROWS: Final = 6  # of each table, and as many as an enum has values
MAX_ROWS: Final = 20
MAX_SHIFT: Final = 12  # other values for one row
MAX_WITHIN: Final = 100  # values of a partition's range
MAX_TRIES: Final = 120  # at rows of a table that its constraints refuse
MAX_FILLED: Final = 200  # values of new columns in a table

Row = Mapping[str, str | None]  # values as text; a column that is not there gets its default


@dataclass(frozen=True, slots=True)
class Rough:
    """A row that the current schema allows and the target may not; `columns` and `row` as read."""

    table: Name
    why: str
    columns: tuple[str, ...]
    row: Values


@dataclass(slots=True)
class Planted:
    """What was planted: rows as read back, by table, and what could not be."""

    columns: dict[Name, tuple[str, ...]] = field(default_factory=dict)
    rows: dict[Name, list[Values]] = field(default_factory=dict)
    rough: list[Rough] = field(default_factory=list)
    empty: dict[Name, str] = field(default_factory=dict)  # tables that have no row, and why

    def values(self, table: Name, columns: Sequence[str]) -> list[Values]:
        """What rows of a table have in some columns."""
        known = self.columns.get(table, ())
        if not set(columns) <= set(known):
            return []
        places = [known.index(column) for column in columns]
        return [tuple(row[place] for place in places) for row in self.rows.get(table, ())]


class Seeder:
    """Plants rows through a session of the sandbox role."""

    def __init__(self, session: Session, current: Schema, target: Schema) -> None:
        self._session, self._current, self._target = session, current, target
        self.planted = Planted()

    def plant(self) -> Planted:
        """Rows of all tables, referenced ones first."""
        tables = [t for t in self._current.tables.values() if _holds_rows(t)]
        for table in _in_order(tables, self._target):
            rules = _Rules(self._current, self._target, table)
            with self._checked(rules):
                self._plant(rules)
        for table in tables:
            rules = _Rules(self._current, self._target, table)
            for why, row in self._rough_rows(rules):
                if (done := self._insert(table, [row])).ok:
                    columns = tuple(table.columns)
                    self.planted.rough += [Rough(table.name, why, columns, r) for r in done.rows]
        return self.planted

    @contextmanager
    def _checked(self, rules: _Rules) -> Iterator[None]:
        """Let the server refuse what the target's new checks will refuse, where it can say so."""
        table = qualified(rules.table.name)
        added = []
        for check in rules.new_checks() if rules.target else ():
            name = ident(check.name if check.name not in rules.table.checks else check.name + "_")
            sql = f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check.expression}) NOT VALID"
            if self._session.run(sql).ok:
                added.append(name)
        yield
        for name in added:
            self._session.run(f"ALTER TABLE {table} DROP CONSTRAINT {name}")

    def _plant(self, rules: _Rules) -> None:
        table = rules.table
        count = min(MAX_ROWS, max([ROWS, *(len(c) for c in rules.choices.values())]))
        rows = [self._row(rules, number) for number in range(count)]
        done = self._insert(table, rows)
        kept = list(done.rows)
        if not done.ok:
            kept, done = self._one_by_one(rules, rows)
        self.planted.columns[table.name] = tuple(table.columns)
        self.planted.rows[table.name] = kept
        if not kept:
            self.planted.empty[table.name] = f"{done.sqlstate}: {done.message}"

    def _one_by_one(self, rules: _Rules, rows: list[Row]) -> tuple[list[Values], Done]:
        """Insert each; one that a constraint refuses is tried with other values."""
        kept: list[Values] = []
        tries = MAX_TRIES
        first = Done()
        for number, row in enumerate(rows):
            shift = 0
            while tries:
                tries -= 1
                done = self._insert(rules.table, [row])
                if done.ok:
                    kept += done.rows
                    break
                first = first if first.sqlstate else done
                shift += 1
                if shift > MAX_SHIFT:
                    break
                row = self._row(rules, number, shift, rules.blamed(done))
        return kept, first

    def _row(
        self,
        rules: _Rules,
        number: int,
        shift: int = 0,
        blamed: frozenset[str] = frozenset(),
    ) -> Row:
        """A row; at a further try, `shift`, the blamed columns get other values, or none."""
        row: dict[str, str | None] = {}
        tried = 0  # blamed columns that may be null; all combinations take their turn
        for place, column in enumerate(rules.columns()):
            name, nullable = column.name, rules.nullable(column)
            choices = rules.choices[name]
            if column.identity or _is_counted(column):
                continue
            if name in blamed:
                null = nullable and shift >> tried & 1
                tried += nullable
                turn = number + shift * (place + 1)
                row[name] = choices[turn % len(choices)] if choices and not null else None
                if name in rules.unique and name in rules.shapes and not null:
                    row[name] = rules.distinct(column, number + shift)
                elif name in rules.unique and row[name] and shift <= MAX_SHIFT // 2:
                    row[name] = within(self._current, column.type, row[name] or "", number)
            elif number == 0 and _CONSTANT(column.default or ""):
                continue
            elif number == ROWS - 1 and nullable:
                row[name] = None
            elif name in rules.unique:
                row[name] = rules.distinct(column, number)
            elif choices:
                row[name] = choices[number % len(choices)]
            elif column.not_null and column.default is None:
                row[name] = ""
        for foreign_key in rules.foreign_keys:
            row |= self._reference(foreign_key, number + shift, row)
        return row

    def _reference(self, foreign_key: ForeignKey, number: int, row: Row) -> Row:
        if any(row.get(column, "") is None for column in foreign_key.columns):
            return {}
        found = self.planted.values(foreign_key.table, foreign_key.referenced)
        if not found:
            return dict.fromkeys(foreign_key.columns)
        return dict(zip(foreign_key.columns, found[number % len(found)], strict=True))

    def _rough_rows(self, rules: _Rules) -> Iterator[tuple[str, Row]]:
        table, target = rules.table, rules.target
        if target is None or target.name != table.name:  # under another name none is found again
            return
        plain = self._row(rules, 40)
        for column in table.columns.values():
            after = target.columns.get(column.name)
            if column.generated or after is None:
                continue
            if after.not_null and not _demands(column):
                yield f"{column.name} is null", {**plain, column.name: None}
            if after.type != column.type:
                for value in candidates(self._current, column.type):
                    yield f"{column.name} is {value[:20]!r}", {**plain, column.name: value}
        firsts = self.planted.rows.get(table.name, [])[:1]
        for columns in rules.new_unique_sets():
            for first in firsts:
                same = {c: first[list(table.columns).index(c)] for c in columns}
                yield f"a duplicate in {', '.join(columns)}", {**plain, **same}
        for foreign_key in rules.new_foreign_keys():
            orphan = {
                name: distinct(self._current, table.columns[name].type, 990)
                for name in foreign_key.columns
            }
            yield f"an orphan in {', '.join(foreign_key.columns)}", {**plain, **orphan}
        for check in rules.new_checks():
            for name in sorted(columns_of(check.expression) & set(table.columns)):
                values = candidates(self._current, table.columns[name].type)
                for value in (*literals(check.expression), *values)[:6]:
                    yield f"{name} is {value[:20]!r}", {**plain, name: value}

    def _insert(self, table: Table, rows: Sequence[Row]) -> Done:
        return self._session.run(insert(table, rows))

    def remove_rough(self, table: Name, now: Schema) -> int:
        """Delete the rough rows of a table, as far as its columns are still there."""
        removed = 0
        there = now.tables.get(table)
        for rough in [r for r in self.planted.rough if r.table == table and there]:
            assert there
            removed += self._delete(there, rough.columns, rough.row)
            self.planted.rough.remove(rough)
        return removed

    def fill(self, table: Name, now: Schema) -> int:
        """Values in all rows for new columns that get NOT NULL, which no plan can know.

        All columns of a table with another name are new.
        """
        there, after = now.tables.get(table), self._target.tables.get(table)
        if there is None or after is None:
            return 0
        before = self._current.tables.get(table)
        known = before.columns if before else {}
        rules = _Rules(now, self._target, there)
        filled = 0
        for name, column in after.columns.items():
            if column.not_null and name in there.columns and name not in known:
                while filled < MAX_FILLED and self._fill_row(rules, name, filled):
                    filled += 1
        return filled

    def _fill_row(self, rules: _Rules, column: str, number: int) -> bool:
        """Whether there was a row without a value, and one was found for it."""
        table, name = qualified(rules.table.name), ident(column)
        row = f"SELECT tableoid, ctid FROM {table} WHERE {name} IS NULL LIMIT 1"
        for shift in range(MAX_SHIFT):
            blamed = frozenset((column,)) if shift else frozenset[str]()
            value = self._row(rules, ROWS + number, shift, blamed).get(column)
            if value is None:
                continue
            sql = f"UPDATE {table} SET {name} = {literal(value)} WHERE (tableoid, ctid) = ({row})"
            if (done := self._session.run(sql)).ok:
                return done.count > 0
        return False

    def remove_one(self, table: Name, now: Schema) -> int:
        """Delete a planted row of a table, the last one that can be."""
        there = now.tables.get(table)
        planted = self.planted.rows.get(table, [])
        for row in reversed(planted):
            if there and self._delete(there, self.planted.columns[table], row):
                planted.remove(row)
                return 1
        return 0

    def _delete(self, there: Table, columns: Sequence[str], values: Values) -> int:
        key = there.primary_key.columns if there.primary_key else columns
        row = dict(zip(columns, values, strict=True))
        wanted = [c for c in key if c in row and c in there.columns]
        if not wanted:
            return 0
        where = " AND ".join(equal(name, row[name]) for name in wanted)
        return self._session.run(f"DELETE FROM {qualified(there.name)} WHERE {where}").count

    def another(self, table: Table, schema: Schema, changed: Sequence[str]) -> list[str]:
        """Inserts, the first that runs will do, of a row with the extremes of changed columns."""
        rules = _Rules(schema, schema, table)
        plain = dict(self._row(rules, 50))
        target = self._target if table.name in self._current.tables else schema
        foreign_keys = _Rules(schema, target, table).foreign_keys
        for foreign_key in foreign_keys:
            plain |= self._reference(foreign_key, 50, plain)
        found = []
        for turn in (1, 0, 2):
            row = dict(plain)
            for name in changed:
                referring = any(name in fk.columns for fk in foreign_keys)
                choices = rules.choices.get(name)
                if choices and not referring:
                    row[name] = choices[turn % len(choices)]
            found.append(insert(table, [row]))
        return list(dict.fromkeys(found))

    def as_before(self, table: Table) -> str:
        """The insert of a row as the current schema's application may write it."""
        rules = _Rules(self._current, self._target, table)
        with self._checked(rules):
            return self._accepted(rules)

    def _accepted(self, rules: _Rules) -> str:
        blamed: frozenset[str] = frozenset()
        statements = []
        for shift in range(MAX_SHIFT):
            statements.append(insert(rules.table, [self._row(rules, 60, shift, blamed)]))
            self._session.send("BEGIN")
            done = self._session.run(statements[-1])
            self._session.send("ROLLBACK")
            if done.ok:
                return statements[-1]
            blamed = rules.blamed(done)
        return statements[0]


class _Rules:
    """What rows of a table have to keep: what is demanded now, and what the target will."""

    def __init__(self, current: Schema, target: Schema, table: Table) -> None:
        self.table = table
        self._current, self._target = current, target
        self.target = target.tables.get(table.name)
        both = [table, *([self.target] if self.target else [])]
        self._both = both
        there = set(table.columns)
        sets = [set(key.columns) for each in both for key in each.keys.values()]
        sets += [set(i.columns) for each in both for i in each.indexes.values() if i.unique]
        sets += [
            {str(part.expression) for part in exclusion.parts}
            for each in both
            for exclusion in each.exclusions.values()
        ]
        keys = {(fk.columns, fk.table): fk for each in both for fk in each.foreign_keys.values()}
        self.foreign_keys = [
            fk
            for fk in keys.values()
            if fk.enforced and set(fk.columns) <= there and fk.referenced and not fk.inherited
        ]
        referring = {column for fk in self.foreign_keys for column in fk.columns}
        self.bounded = _bounded(current, table) or _bounded(target, self.target)
        self.unique = {
            column
            for columns in sets
            for column in (columns - referring if len(columns) > 1 else columns) & there
            if column not in self.bounded
        }
        self.checks: dict[str, Check] = {n: c for each in both for n, c in each.checks.items()}
        self.shapes = self._shapes()
        self.choices = {
            column.name: self._choices(current, target, column) for column in self.columns()
        }

    def columns(self) -> Iterator[Column]:
        """Those that can be written."""
        return (column for column in self.table.columns.values() if not column.generated)

    def nullable(self, column: Column) -> bool:
        """Whether null keeps all rules."""
        keyed = any(
            column.name in (t.primary_key.columns if t.primary_key else ()) for t in self._both
        )
        after = self.target.columns.get(column.name) if self.target else None
        bounded = column.name in self.bounded or self._demanded(column)
        return not (keyed or bounded or column.not_null or (after and after.not_null))

    def narrower(self, column: Column) -> tuple[Schema, Type]:
        """The type whose values serve now and then: the one that a text is to become."""
        after = self.target.columns.get(column.name) if self.target else None
        if after and is_text(self._current, column.type) and not is_text(self._target, after.type):
            return self._target, after.type
        return self._current, column.type

    def distinct(self, column: Column, number: int) -> str | None:
        """A value that is another for each number, as the checks that can be read want it."""
        shape = self.shapes.get(column.name)
        value = distinct(*self.narrower(column), number)
        if shape and not (value and shape.accepts(value)):
            return shape.text(number) if is_text(self._current, column.type) else value
        return value

    def _shapes(self) -> dict[str, Shape]:
        """What can be read in the checks of both schemas, of columns and of their domains."""
        checks = [check.expression for table in self._both for check in table.checks.values()]
        found = {}
        for column in self.columns():
            said = [*checks, *self._said_of_domain(column)]
            shape = shape_of(column.name, [c for c in said if column.name in columns_of(c)])
            if shape and not column.type.array:
                found[column.name] = shape
        return found

    def _said_of_domain(self, column: Column) -> Iterator[str]:
        for schema in (self._current, self._target):
            domain = schema.domains.get(Name(column.type.schema, column.type.name))
            for check in domain.checks.values() if domain else ():
                yield _of_column(column, check)

    def blamed(self, done: Done) -> frozenset[str]:
        """The columns whose values may be why a row was refused."""
        check = self.checks.get(done.constraint)
        named = columns_of(check.expression) & set(self.table.columns) if check else None
        return frozenset(named or self.table.columns)

    def new_unique_sets(self) -> Iterator[tuple[str, ...]]:
        """Columns that become unique."""
        assert self.target
        now = set(self.table.unique_sets())
        for columns in self.target.unique_sets():
            if columns not in now and set(columns) <= set(self.table.columns):
                yield columns

    def new_foreign_keys(self) -> Iterator[ForeignKey]:
        """Those that nothing checks yet."""
        assert self.target
        now = {fk.columns for fk in self.table.foreign_keys.values() if fk.valid}
        for fk in (*self.target.foreign_keys.values(), *self.table.foreign_keys.values()):
            if fk.columns not in now and set(fk.columns) <= set(self.table.columns):
                yield fk

    def new_checks(self) -> Iterator[Check]:
        """Those that nothing checks yet."""
        assert self.target
        for name, check in self.target.checks.items():
            now = self.table.checks.get(name)
            if now is None or not now.valid or now.expression != check.expression:
                yield check
        for column in self.table.columns.values():
            yield from self._of_domain(column)

    def _of_domain(self, column: Column) -> Iterator[Check]:
        """What the column's domain will check, and does not yet."""
        name = Name(column.type.schema, column.type.name)
        before, after = self._current.domains.get(name), self._target.domains.get(name)
        if before is None or after is None or column.type.array:
            return
        for check in after.checks.values():
            if check.name not in before.checks:
                said = Sql(_of_column(column, check))
                yield Check(made_name(column.name, check.name, "check"), said)

    def _demanded(self, column: Column) -> bool:
        """Whether the column's domain will take no NULL."""
        domain = self._target.domains.get(Name(column.type.schema, column.type.name))
        return domain is not None and domain.not_null is not None

    def _choices(self, current: Schema, target: Schema, column: Column) -> tuple[str, ...]:
        now = candidates(current, column.type)
        after = self.target.columns.get(column.name) if self.target else None
        if after and (after.type != column.type or after.type.schema):
            then = candidates(target, after.type)
            fitting = tuple(value for value in now if value in then)
            now = fitting or (then if is_text(current, column.type) else now[:1])
        wanted: list[str] = []
        for check in self.checks.values():
            if column.name in check.expression:
                wanted += literals(check.expression)
        if column.name in self.bounded:
            return self.bounded[column.name]
        values = tuple(dict.fromkeys((*now, *wanted)))
        shape = self.shapes.get(column.name)
        if shape is None:
            return values
        made = shape.texts() if is_text(current, column.type) else ()
        return tuple(dict.fromkeys((*made, *filter(shape.accepts, values)))) or values


def _bounded(schema: Schema, table: Table | None) -> dict[str, tuple[str, ...]]:
    """Values that a partition takes, where a plain column says which one that is."""
    if table is None:
        return {}
    parent = schema.tables.get(table.partition_of.parent) if table.partition_of else None
    parts = (
        [table]
        if parent
        else [
            each
            for each in schema.tables.values()
            if each.partition_of and each.partition_of.parent == table.name
        ]
    )
    by = (parent or table).partition_by
    if by is None or by.strategy == "hash" or not all(part.is_column for part in by.parts):
        return {}
    bounds = [part.partition_of.bound for part in parts if part.partition_of]
    values = [value for bound in bounds for value in _within(bound)]
    return {part.expression: tuple(values) for part in by.parts[:1]} if values else {}


def _within(bound: str) -> list[str]:
    """Values within a bound: from its lower end on, or those of its list."""
    low, _, high = bound.partition(") TO (")
    found = literals(low)
    if not found or not found[0].isdigit():
        return [*found]
    first, *rest = [int(found[0]), *(int(each) for each in literals(high)[:1] if each.isdigit())]
    return [str(number) for number in range(first, min([*rest, first + MAX_WITHIN]))] or [found[0]]


def without_unchecked(schema: Schema) -> Schema:
    """The schema with nothing that would refuse or change rows though it does not hold for all.

    No triggers, policies and rules, no constraints that are not validated.
    """
    tables = {}
    for name, table in schema.tables.items():
        tables[name] = replace(
            table,
            triggers={},
            policies={},
            rules={},
            row_security=False,
            force_row_security=False,
            foreign_keys={n: fk for n, fk in table.foreign_keys.items() if fk.valid},
            checks={n: check for n, check in table.checks.items() if check.valid},
            columns={
                n: replace(column, not_null=None)
                if column.not_null and not column.not_null.valid
                else column
                for n, column in table.columns.items()
            },
        )
    return replace(schema, tables=tables)


def insert(table: Table, rows: Sequence[Row]) -> str:
    """The statement that inserts some rows and returns them, all columns as in the table."""
    names = [name for name in table.columns if any(name in row for row in rows)]
    back = f" RETURNING {idents(table.columns)}" if table.columns else ""
    if not names:
        return f"INSERT INTO {qualified(table.name)} DEFAULT VALUES{back}"
    tuples = ", ".join(f"({', '.join(_value(row, name) for name in names)})" for row in rows)
    return f"INSERT INTO {qualified(table.name)} ({idents(names)}) VALUES {tuples}{back}"


def _value(row: Row, name: str) -> str:
    if name not in row:
        return "DEFAULT"
    value = row[name]
    return "NULL" if value is None else literal(value)


def equal(column: str, value: str | None) -> str:
    """A condition that holds for the value as it was read, also for types without equality."""
    if value is None:
        return f"{ident(column)} IS NULL"
    return f"pg_catalog.format('%s', {ident(column)}) = {literal(value)}"


def _of_column(column: Column, check: Check) -> str:
    """A domain's check as said of a column."""
    return re.sub(r"\bVALUE\b", lambda _: ident(column.name), check.expression, flags=re.I)


def _demands(column: Column) -> bool:
    return column.not_null is not None and column.not_null.valid


def _is_counted(column: Column) -> bool:
    """Whether a sequence fills it, so that later rows do not collide with planted ones."""
    return column.default is not None and "nextval(" in column.default


# Other defaults may be the clock's or at random, and each run gives the same rows.
_CONSTANT: Final = re.compile(r"('[^']*'|-?[\d.]+|true|false)(::[\w \"().,]+)?", re.I).fullmatch


def _holds_rows(table: Table) -> bool:
    return not table.foreign and table.partition_of is None and table.persistence != "temporary"


def _in_order(tables: Sequence[Table], target: Schema) -> list[Table]:
    """Tables after those they refer to, or will; a cycle is entered at the first by name."""
    waiting = {table.name: table for table in sorted(tables, key=lambda t: t.name)}
    needs = {
        table.name: {
            key.table
            for each in (table, target.tables.get(table.name, table))
            for key in each.foreign_keys.values()
            if key.table != table.name
        }
        for table in tables
    }
    found: list[Table] = []
    while waiting:
        ready = [table for table in waiting.values() if not needs[table.name] & waiting.keys()]
        ready = ready or [next(iter(waiting.values()))]
        for table in ready:
            found.append(waiting.pop(table.name))
    return found
