"""What stands in a CREATE TABLE of SQLite: columns, constraints, options; and parts of an index.

https://www.sqlite.org/lang_createtable.html, https://www.sqlite.org/lang_createindex.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..model import (
    At,
    Check,
    Column,
    Deferrable,
    ForeignKey,
    Generated,
    IndexPart,
    Key,
    Name,
    NotNull,
    Sql,
    Table,
    Type,
)
from ..state import MAX_PARTS, Draft, Fold, put, read_action, read_match
from ..tokens import NotUnderstood, Reader


def type_of(declared: str) -> Type:
    """A declared type, in lower case and with single blanks, split into name and arguments."""
    name, _, args = declared.strip().rstrip(")").partition("(")
    return Type(
        " ".join(name.lower().split()),
        tuple("".join(arg.split()) for arg in args.split(",") if arg.strip()),
    )


def is_rowid(table: Draft | Table, key: Key) -> bool:
    """Whether the primary key is an alias of the rowid: INTEGER PRIMARY KEY, and not DESC.

    https://www.sqlite.org/lang_createtable.html#rowid
    """
    column = table.columns.get(key.columns[0]) if len(key.columns) == 1 else None
    return (
        key.primary
        and not table.without_rowid
        and not key.descending
        and column is not None
        and column.type == Type("integer")
    )


@dataclass(slots=True)
class _Building:
    """A column while its constraints are read."""

    fields: dict[str, Any] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)


class TableReader:
    """Reads the definition of a table; what it cannot read is reported and left out."""

    def __init__(self, fold: Fold, reader: Reader, table: Draft) -> None:
        self.fold = fold
        self.reader = reader
        self.table = table
        self._later: list[Callable[[], None]] = []

    def definition(self) -> None:
        """Everything behind the name: columns, constraints, options."""
        reader = self.reader
        reader.expects("(")
        for _ in range(MAX_PARTS):
            self._lenient(self.constraint if self._is_constraint() else self.column)
            if self._is_constraint():
                continue  # the comma between constraints may be missing
            if not reader.sees_any(",", ")"):
                self._lenient(self._unknown)
            if not reader.takes(","):
                break
        else:
            raise reader.error("more than an engine takes in one table")
        reader.expects(")")
        self._table_options()
        self.finish()

    def _unknown(self) -> None:
        raise self.reader.error("not understood in a table's definition")

    def _table_options(self) -> None:
        reader = self.reader
        while not reader.done and not reader.sees(";"):
            if reader.takes("WITHOUT", "ROWID"):
                self.table.without_rowid = True
            elif reader.takes("STRICT"):
                self.table.strict = True
            else:
                error = reader.error("a table option expected")
                reader.rest()
                self.fold.skip(error.reason, error.offset)
                return
            reader.takes(",")

    def finish(self) -> None:
        """Add the constraints, which need all columns, and the nullability that follows."""
        for add in self._later:
            add()
        self._later.clear()
        key = self.table.primary_key
        if key is None:
            return
        rowid = is_rowid(self.table, key)
        if rowid or self.table.without_rowid or self.table.strict:
            for name in key.columns:
                column = self.table.columns.get(name)
                if column is not None and column.not_null is None:
                    self.table.columns[name] = replace(column, not_null=NotNull(at=key.at))

    def _lenient(self, read: Callable[[], object]) -> None:
        try:
            read()
        except NotUnderstood as error:
            reader = self.reader
            reader.skip_item()
            end = reader.tokens[max(reader.position - 1, 0)].end
            self.fold.skip(error.reason, error.offset, max(end, error.offset + 1))

    def _is_constraint(self) -> bool:
        reader = self.reader
        return (
            reader.sees("CONSTRAINT")
            or reader.sees("PRIMARY", "KEY")
            or reader.sees("FOREIGN", "KEY")
            or reader.sees("UNIQUE", "(")
            or reader.sees("CHECK", "(")
        )

    # Columns

    def column(self) -> None:
        """A column with its constraints."""
        reader = self.reader
        at = self.fold.place(reader.offset)
        name = reader.name()
        if self.table.column(name) in self.table.columns:
            raise NotUnderstood(f"the column `{name}` exists already", reader.offset)
        type = self._type()
        building = _Building()
        try:
            while not reader.done and not reader.sees_any(",", ")", ";"):
                if self.table.columns and self._begins_constraint_after_column():
                    break
                if not self._column_constraint(name, building):
                    raise reader.error("a column constraint expected")
        finally:  # what was read before a clause that is not understood counts
            self.table.columns[name] = Column(
                name, type, options=building.options, at=at, **building.fields
            )

    def _begins_constraint_after_column(self) -> bool:
        return self.reader.sees("FOREIGN", "KEY")

    def _type(self) -> Type:
        reader = self.reader
        start = reader.position
        while reader.token.kind in ("word", "quoted", "string") and not reader.sees_any(
            *AFTER_TYPE
        ):
            reader.next()
        said = [token.text for token in reader.tokens[start : reader.position]]
        args = reader.group() if said and reader.sees("(") else ""
        name = " ".join(" ".join(said).lower().split())
        return Type(name, type_of(f"({args})").args)

    def _column_constraint(self, name: str, column: _Building) -> bool:
        reader = self.reader
        at = self.fold.place(reader.offset)
        symbol = reader.name() if reader.takes("CONSTRAINT") else ""
        if reader.takes("PRIMARY", "KEY"):
            descending = reader.takes_any("ASC", "DESC") == "DESC"
            conflict = self._conflict()
            if reader.takes("AUTOINCREMENT"):
                column.fields["auto_increment"] = True
            key = Key(
                symbol,
                (name,),
                primary=True,
                on_conflict=conflict,
                descending=(name,) if descending else (),
                at=at,
            )
            self._later.append(lambda: self._add_key(key))
        elif reader.takes("NOT", "NULL"):
            column.fields["not_null"] = NotNull(symbol, at=at)
            conflict = self._conflict()
            if conflict:
                column.options["not null on conflict"] = conflict
        elif reader.takes("NULL"):
            self._conflict()
        elif reader.takes("UNIQUE"):
            unique = Key(symbol, (name,), on_conflict=self._conflict(), at=at)
            self._later.append(lambda: self._add_key(unique))
        elif reader.takes("CHECK"):
            self._check(symbol, at)
        elif reader.takes("DEFAULT"):
            column.fields["default"] = self._default()
        elif reader.takes("COLLATE"):
            column.fields["collation"] = _collation(reader.name())
        elif reader.takes("REFERENCES"):
            self._references(symbol, (name,), at)
        elif reader.takes("GENERATED", "ALWAYS", "AS") or reader.takes("AS"):
            expression = Sql(reader.group())
            stored = reader.takes_any("STORED", "VIRTUAL") == "STORED"
            column.fields["generated"] = Generated(expression, stored)
        else:
            return bool(symbol)  # a name without a constraint is allowed
        return True

    def _default(self) -> Sql | None:
        reader = self.reader
        if reader.sees("("):
            return Sql(reader.group())
        if reader.takes("NULL"):
            return None
        start = reader.position
        if not reader.takes_any("+", "-"):
            reader.takes(".")
        reader.takes(".")
        reader.next()
        return Sql(reader.source(start))

    def _conflict(self) -> str:
        if not self.reader.takes("ON", "CONFLICT"):
            return ""
        word = self.reader.takes_any("ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE")
        if not word:
            raise self.reader.error("a conflict resolution expected")
        return "" if word == "ABORT" else word.lower()  # the default

    # Constraints

    def constraint(self) -> None:
        """A table constraint."""
        reader = self.reader
        at = self.fold.place(reader.offset)
        symbol = reader.name() if reader.takes("CONSTRAINT") else ""
        if reader.takes("PRIMARY", "KEY"):
            self._table_key(symbol, at, primary=True)
        elif reader.takes("UNIQUE"):
            self._table_key(symbol, at, primary=False)
        elif reader.takes("CHECK"):
            self._check(symbol, at)
            self._conflict()  # read and ignored
        elif reader.takes("FOREIGN", "KEY"):
            columns = reader.names()
            reader.expects("REFERENCES")
            self._references(symbol, columns, at)
        elif not symbol:
            raise reader.error("a constraint expected")

    def _table_key(self, symbol: str, at: At, *, primary: bool) -> None:
        reader = self.reader
        parts: list[IndexPart] = []
        reader.expects("(")
        while True:
            parts.append(index_part(reader, self.table))
            if not reader.takes(","):
                break
        if primary and reader.takes("AUTOINCREMENT"):
            name = str(parts[0].expression)
            self._later.append(lambda: self._auto_increment(name))
        reader.expects(")")
        key = Key(
            symbol,
            tuple(str(part.expression) for part in parts),
            primary=primary,
            options={
                f"collate {part.expression}": part.collation for part in parts if part.collation
            },
            on_conflict=self._conflict(),
            descending=tuple(str(part.expression) for part in parts if part.descending),
            at=at,
        )
        self._later.append(lambda: self._add_key(key, of_table=True))

    def _auto_increment(self, name: str) -> None:
        name = self.table.column(name)
        if name in self.table.columns:
            self.table.columns[name] = replace(self.table.columns[name], auto_increment=True)

    def _add_key(self, key: Key, *, of_table: bool = False) -> None:
        """Add a key; DESC of a table's PRIMARY KEY does not keep INTEGER from being the rowid."""
        name = self.table.column
        key = replace(
            key,
            columns=tuple(map(name, key.columns)),
            descending=tuple(map(name, key.descending)),
            options={f"collate {name(k[8:])}": v for k, v in key.options.items()},
        )
        lacking = self.table.lacks(key.columns)
        if lacking:
            self.fold.report(f"a key on the column `{lacking}`, which is not there", key.at)
            return
        if of_table and is_rowid(self.table, replace(key, descending=())):
            key = replace(key, descending=())
        if key.primary and self.table.primary_key is not None:
            self.fold.report("a second primary key", key.at)
            return
        put(self.table.keys, key)

    def _check(self, symbol: str, at: At) -> None:
        put(self.table.checks, Check(symbol, Sql(self.reader.group()), at=at))

    def _references(self, symbol: str, columns: tuple[str, ...], at: At) -> None:
        reader = self.reader
        target = Name(self.table.name.schema, reader.name())
        key = ForeignKey(symbol, columns, target, reader.names() if reader.sees("(") else (), at=at)
        while True:
            if reader.takes("ON", "DELETE"):
                key = replace(key, on_delete=read_action(reader))
            elif reader.takes("ON", "UPDATE"):
                key = replace(key, on_update=read_action(reader))
            elif reader.takes("ON", "INSERT"):
                read_action(reader)
            elif reader.takes("MATCH"):
                key = replace(key, match=read_match(reader))
            elif reader.takes("NOT", "DEFERRABLE"):
                self._initially()
            elif reader.takes("DEFERRABLE"):
                key = replace(key, deferrable=self._initially() or "deferrable")
            else:
                break
        self._later.append(lambda: self._add_reference(key))

    def _initially(self) -> Deferrable:
        if not self.reader.takes("INITIALLY"):
            return ""
        return "initially deferred" if self.reader.next().key == "DEFERRED" else ""

    def _add_reference(self, key: ForeignKey) -> None:
        own = key.table.name.lower() == self.table.name.name.lower()
        columns = tuple(map(self.table.column, key.columns))
        key = replace(key, columns=columns)
        lacking = self.table.lacks(columns)
        if lacking:
            self.fold.report(f"a foreign key on the column `{lacking}`, which is not there", key.at)
            return
        if own:
            primary = self.table.primary_key
            referenced = key.referenced or (primary.columns if primary else ())
            key = replace(
                key,
                table=self.table.name,
                referenced=tuple(map(self.table.column, referenced)),
            )
        put(self.table.foreign_keys, self.fold.resolve(key))


def index_part(reader: Reader, table: Draft) -> IndexPart:
    """A column or an expression, with COLLATE, ASC and DESC."""
    start = reader.position
    while not reader.done and not reader.sees_any(",", ")") and not reader.sees("AUTOINCREMENT"):
        if reader.sees("("):
            reader.skip_group()
        else:
            reader.next()
    end = reader.position
    if end == start:
        raise reader.error("a column or an expression expected")
    tokens = reader.tokens
    descending = False
    if end - start > 1 and tokens[end - 1].key in ("ASC", "DESC"):
        descending = tokens[end - 1].key == "DESC"
        end -= 1
    collation = ""
    if end - start > 2 and tokens[end - 2].key == "COLLATE":
        collation = _collation(tokens[end - 1].text, explicit=True)
        end -= 2
    while end - start > 2 and tokens[start].key == "(" and tokens[end - 1].key == ")":
        if end - start != 3:
            break
        start, end = start + 1, end - 1
    token = tokens[start]
    if end - start == 1 and token.kind in ("word", "quoted", "string"):
        name = table.column(token.text)
        own = table.columns[name].collation if name in table.columns else ""
        same = collation == (own or "BINARY")
        return IndexPart(Sql(name), descending=descending, collation="" if same else collation)
    return IndexPart(
        Sql(reader.source(start, end)),
        is_column=False,
        descending=descending,
        collation="" if collation == "BINARY" else collation,
    )


def _collation(name: str, *, explicit: bool = False) -> str:
    """A collation's name; those of SQLite in upper case, and none for the default."""
    folded = name.upper()
    if folded == "BINARY":
        return folded if explicit else ""
    return folded if folded in ("NOCASE", "RTRIM") else name


AFTER_TYPE: Final = (
    *("CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE"),
    *("REFERENCES", "GENERATED", "AS", "FOREIGN"),
)
