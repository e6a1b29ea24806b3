"""What a fold of DDL keeps between two statements: tables in the making, and the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Literal, Self, TypeAlias, TypeVar

from ..engines.limits import quote
from .model import (
    Action,
    At,
    Check,
    Column,
    Dialect,
    ForeignKey,
    Function,
    Grants,
    Index,
    IndexPart,
    Key,
    Name,
    Namespace,
    Opaque,
    PartitionBy,
    Schema,
    Sequence,
    Sql,
    Table,
    Trigger,
    Unread,
    View,
)
from .script import Statement
from .tokens import Reader, identifiers, renamed

MAX_PARTS = 4096  # columns, indexes or constraints of one table; no engine allows more
MAX_TEXT = 200  # characters kept of what is not understood

T = TypeVar("T")
Match: TypeAlias = Literal["simple", "full", "partial"]
_ACTIONS: Final[tuple[Action, ...]] = (
    *("restrict", "cascade", "set null", "no action", "set default"),
)
_MATCHES: Final[tuple[Match, ...]] = ("full", "partial", "simple")


def spelled(names: Iterable[str], name: str) -> str:
    """The name as it is among `names`, whatever its case; itself when it is not there."""
    known = names if isinstance(names, Mapping) else list(names)
    if name in known:
        return name
    folded = name.lower()
    return next((each for each in known if each.lower() == folded), name)


def free(taken: Iterable[str], name: str, first: int = 2, joint: str = "_") -> str:
    """The name, or with the first number behind it that makes it new, whatever its case."""
    known = {each.lower() for each in taken}
    found, number = name, first
    while found.lower() in known:
        found, number = f"{name}{joint}{number}", number + 1
    return found


@dataclass(slots=True)
class Draft:
    """A table in the making: the fields of a `Table`, and which of its indexes are implied."""

    dialect: Dialect
    name: Name
    columns: dict[str, Column] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    foreign_keys: dict[str, ForeignKey] = field(default_factory=dict)
    checks: dict[str, Check] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    persistence: Literal["permanent", "unlogged", "temporary"] = "permanent"
    partition_by: PartitionBy | None = None
    options: dict[str, str] = field(default_factory=dict)
    tablespace: str = ""
    engine: str = ""
    charset: str = ""
    collation: str = ""
    without_rowid: bool = False
    strict: bool = False
    comment: str = ""
    at: At | None = None
    implied: set[str] = field(default_factory=set)  # indexes that a foreign key made

    def table(self) -> Table:
        """The table."""
        names = [f.name for f in fields(self) if f.name not in ("dialect", "implied")]
        return Table(**{name: getattr(self, name) for name in names})

    def copy(self) -> Draft:
        """The same, to be changed in another way."""
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        parts: dict[str, Any] = {n: copy(v) for n, v in values.items() if isinstance(v, dict | set)}
        return replace(self, **parts)

    @property
    def primary_key(self) -> Key | None:
        """The primary key."""
        return next((key for key in self.keys.values() if key.primary), None)

    @property
    def full(self) -> bool:
        """Whether the table has more than an engine takes."""
        things: list[Mapping[str, object]] = [
            *(self.columns, self.indexes, self.keys, self.foreign_keys, self.checks)
        ]
        return any(len(each) >= MAX_PARTS for each in things)

    def column(self, name: str) -> str:
        """The column's name as declared."""
        return spelled(self.columns, name)

    def lacks(self, columns: Iterable[str]) -> str:
        """The first of these columns that the table does not have, else an empty text."""
        return next((column for column in columns if column not in self.columns), "")

    def place_column(self, column: Column, after: str | None, instead: str = "") -> None:
        """Put a column behind another, first when that is empty, last or in place when None."""
        others = [
            (column if name == instead and after is None else each)
            for name, each in self.columns.items()
            if name != instead or after is None
        ]
        if column not in others:
            place = len(others)
            if after is not None:
                names = [each.name for each in others]
                place = names.index(after) + 1 if after in names else 0 if not after else place
            others.insert(place, column)
        self.columns = {each.name: each for each in others}

    def rename_column(self, old: str, new: str) -> None:
        """Rename a column here: keys, indexes, own foreign keys, expressions."""
        written = quote(self.dialect, new)

        def name(column: str) -> str:
            return new if column == old else column

        def names(columns: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(map(name, columns))

        def sql(expression: Sql) -> Sql:
            return Sql(renamed(expression, old, written, self.dialect))

        def part(each: IndexPart) -> IndexPart:
            expression = each.expression
            return replace(
                each,
                expression=Sql(name(expression)) if each.is_column else sql(expression),
            )

        def column(each: Column) -> Column:
            if each.generated is not None:
                changed = sql(each.generated.expression)
                each = replace(each, generated=replace(each.generated, expression=changed))
            return replace(each, name=name(each.name))

        self.columns = {name(key): column(each) for key, each in self.columns.items()}
        self.keys = rekeyed(
            self.keys,
            lambda key: replace(key, columns=names(key.columns), descending=names(key.descending)),
        )
        self.foreign_keys = rekeyed(
            self.foreign_keys, lambda key: replace(key, columns=names(key.columns))
        )
        self.checks = rekeyed(
            self.checks, lambda check: replace(check, expression=sql(check.expression))
        )
        self.indexes = {
            key: replace(
                index,
                parts=tuple(map(part, index.parts)),
                where=None if index.where is None else sql(index.where),
            )
            for key, index in self.indexes.items()
        }

    def drop_column(self, name: str) -> None:
        """Drop a column from the table, its indexes and keys, with what cannot do without it."""
        del self.columns[name]
        self.keys = {
            label: replace(
                key,
                columns=tuple(c for c in key.columns if c != name),
                descending=tuple(c for c in key.descending if c != name),
                lengths=tuple(
                    n for c, n in zip(key.columns, key.lengths, strict=False) if c != name
                ),
            )
            for label, key in self.keys.items()
            if key.columns != (name,)
        }
        for label, index in list(self.indexes.items()):
            parts = tuple(
                part for part in index.parts if not (part.is_column and part.expression == name)
            )
            if parts:
                self.indexes[label] = replace(index, parts=parts)
            else:
                del self.indexes[label]
        self.foreign_keys = {
            label: key for label, key in self.foreign_keys.items() if name not in key.columns
        }
        columns = {column.lower() for column in self.columns}
        for label, check in list(self.checks.items()):
            used = identifiers(check.expression, self.dialect)
            if name.lower() in used and not used & columns:
                del self.checks[label]


def _folded(name: Name) -> Name:
    return Name(name.schema.lower(), name.name.lower())


def label(thing: Key | ForeignKey | Check) -> str:
    """What tells a constraint from the others of its table: its name, or what it says."""
    if thing.name:
        return thing.name
    if isinstance(thing, Check):
        return f"check ({thing.expression})"
    columns = ", ".join(thing.columns)
    if isinstance(thing, ForeignKey):
        return f"foreign key ({columns})"
    return f"{'primary key' if thing.primary else 'unique'} ({columns})"


C = TypeVar("C", Key, ForeignKey, Check)


def rekeyed(things: Mapping[str, C], change: Callable[[C], C]) -> dict[str, C]:
    """Constraints changed, each under its label."""
    found: dict[str, C] = {}
    for each in things.values():
        put(found, change(each))
    return found


def put(things: dict[str, C], thing: C) -> None:
    """Add a constraint under its label; a number tells nameless ones apart that say the same."""
    things[label(thing) if thing.name else free(things, label(thing), joint=" ")] = thing


def read_action(reader: Reader) -> Action:
    """What follows ON DELETE and ON UPDATE."""
    for action in _ACTIONS:
        if reader.takes(*action.upper().split()):
            return action
    raise reader.error("a referential action expected")


def read_match(reader: Reader) -> Match:
    """What follows MATCH; neither engine does more than read it."""
    for match in _MATCHES:
        if reader.takes(match.upper()):
            return match
    raise reader.error("`FULL`, `PARTIAL` or `SIMPLE` expected")


class Fold:
    """The state between two statements; `unread` collects what did not enter it."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.namespaces: dict[str, Namespace] = {}
        self.tables: dict[Name, Draft] = {}
        self.views: dict[Name, View] = {}
        self.sequences: dict[Name, Sequence] = {}
        self.functions: dict[str, Function] = {}
        self.opaque: dict[tuple[str, str], Opaque] = {}
        self.grants = Grants()
        self.unread: list[Unread] = []
        self.charset = ""
        self.collation = ""
        self.statement = Statement("", 0, "")
        self.reader = Reader("", dialect)  # of the statement
        self._spelled: dict[Name, Name] = {}  # tables and views share a namespace

    def copy(self) -> Self:
        """The same, to fold other statements onto."""
        twin = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict | list | set):
                setattr(twin, name, copy(value))
        twin.tables = {name: draft.copy() for name, draft in self.tables.items()}
        return twin

    def read_whole(self, read: Callable[[], None]) -> None:
        """Read the current statement to its end. Raises `NotUnderstood`."""
        self.reader = Reader(self.statement.text, self.dialect)
        self.reader.takes(";")
        if self.reader.done:
            return
        read()
        self.reader.takes(";")
        if not self.reader.done:
            raise self.reader.error("not understood")

    def place(self, offset: int) -> At:
        """The place of an offset in the current statement."""
        return At(self.statement.file, self.statement.offset + offset)

    def skip(self, reason: str, offset: int = 0, end: int | None = None) -> None:
        """Report the current statement, or the part of it from `offset`, as not understood."""
        text = self.statement.text[offset:end]
        clipped = text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
        self.unread.append(Unread(self.place(offset), clipped, reason))

    def report(self, reason: str, at: At | None) -> None:
        """Report the clause at a place of the current statement."""
        self.skip(reason, at.offset - self.statement.offset if at else 0)

    def schema(self) -> Schema:
        """All of it."""
        return Schema(
            self.dialect,
            namespaces=self.namespaces,
            sequences=self.sequences,
            tables={name: draft.table() for name, draft in self.tables.items()},
            views=self.views,
            functions=self.functions,
            opaque=self.opaque,
            grants=self.grants,
            charset=self.charset,
            collation=self.collation,
            unread=tuple(self.unread),
        )

    def known(self, things: Mapping[Name, T], name: Name) -> Name:
        """The name as it is among the keys, whatever its case; itself when it is not there."""
        if name in things:
            return name
        found = self._spelled.get(_folded(name), name)
        return found if found in things else name

    def add_table(self, draft: Draft) -> None:
        """Add a table."""
        self.tables[draft.name] = draft
        self._spelled[_folded(draft.name)] = draft.name

    def add_view(self, view: View) -> None:
        """Add a view."""
        self.views[view.name] = view
        self._spelled[_folded(view.name)] = view.name

    def resolve(self, key: ForeignKey) -> ForeignKey:
        """The foreign key with table and columns as declared there, when the table is known."""
        name = self.known(self.tables, key.table)
        target = self.tables.get(name)
        if target is None:
            return key
        referenced = key.referenced
        if not referenced and target.primary_key is not None:
            referenced = target.primary_key.columns
        return replace(
            key, table=name, referenced=tuple(target.column(column) for column in referenced)
        )

    def resolve_all(self) -> None:
        """Resolve the foreign keys whose targets came later."""
        for draft in self.tables.values():
            draft.foreign_keys = {
                label: self.resolve(key) for label, key in draft.foreign_keys.items()
            }

    def rename_references(self, old: Name, new: Name) -> None:
        """Follow a table's new name in the foreign keys of all tables."""
        for draft in self.tables.values():
            for label, key in draft.foreign_keys.items():
                if _folded(key.table) == _folded(old):
                    draft.foreign_keys[label] = replace(key, table=new)

    def rename_referenced(self, table: Name, old: str, new: str) -> None:
        """Follow a column's new name in the foreign keys of all tables."""
        for draft in self.tables.values():
            for label, key in draft.foreign_keys.items():
                if key.table == table and old in key.referenced:
                    referenced = tuple(new if c == old else c for c in key.referenced)
                    draft.foreign_keys[label] = replace(key, referenced=referenced)
