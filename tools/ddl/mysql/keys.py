"""Keys and constraints of MySQL and MariaDB, and the indexes that InnoDB adds.

https://dev.mysql.com/doc/refman/8.4/en/create-index.html,
https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from ..model import At, Check, Dialect, ForeignKey, Index, IndexPart, Key, Name, NotNull, Sql
from ..state import Draft, Fold, free, put, read_action, read_match
from ..tokens import NotUnderstood, Reader, words


@dataclass(slots=True)
class KeyDefinition:
    """A key as written: how it begins, its parts and its options."""

    kind: str  # primary, unique, index, fulltext, spatial
    name: str
    parts: tuple[IndexPart, ...]
    method: str = ""
    comment: str = ""
    invisible: bool = False
    conditional: bool = False  # IF NOT EXISTS
    options: dict[str, str] = field(default_factory=dict)
    at: At | None = None


class KeyReader:
    """Reads keys and constraints into a table; what it cannot read is reported and left out."""

    def __init__(self, fold: Fold, reader: Reader, table: Draft, name: Callable[[], Name]) -> None:
        self.fold = fold
        self.reader = reader
        self.table = table
        self.table_name = name
        self.mariadb = fold.dialect is Dialect.MARIADB
        self._later: list[Callable[[], None]] = []  # keys, which need all columns

    def lenient(self, read: Callable[[], object]) -> None:
        """Read up to the next comma; report what does not read."""
        try:
            read()
        except NotUnderstood as error:
            self._unread(error.reason, error.offset)

    def _unread(self, reason: str, start: int) -> None:
        self.reader.skip_item()
        reader = self.reader
        end = reader.tokens[max(reader.position - 1, 0)].end
        self.fold.skip(reason, start, max(end, start + 1))

    def _make_not_null(self, name: str, at: At | None) -> None:
        column = self.table.columns.get(name)
        if column is not None and column.not_null is None:
            self.table.columns[name] = replace(column, not_null=NotNull(at=at))

    def key(self) -> Callable[[], None]:
        """A key, index or constraint; what adds it to the table."""
        reader = self.reader
        at = self.fold.place(reader.offset)
        symbol = ""
        if reader.takes("CONSTRAINT"):
            reader.takes("IF", "NOT", "EXISTS")
            if not reader.sees_any("PRIMARY", "UNIQUE", "FOREIGN", "CHECK"):
                symbol = reader.name()
        if reader.takes("PRIMARY", "KEY"):
            reader.takes("IF", "NOT", "EXISTS")
            definition = self._key_definition("primary", at)
            definition.name = "PRIMARY"
            return lambda: self.add_key(definition)
        if reader.takes("UNIQUE"):
            reader.takes_any("INDEX", "KEY")
            unique = self._key_definition("unique", at)
            unique.name = unique.name or symbol
            return lambda: self.add_key(unique)
        if reader.takes("FOREIGN", "KEY"):
            return self._foreign_key(symbol, at)
        if reader.takes("CHECK"):
            check = self.check(symbol, at)
            return lambda: self.add_check(check)
        kind = reader.takes_any("FULLTEXT", "SPATIAL").lower()
        if not reader.takes_any("INDEX", "KEY") and not kind:
            raise reader.error("a key expected")
        index = self._key_definition(kind or "index", at)
        return lambda: self.add_key(index)

    def _key_definition(self, kind: str, at: At | None) -> KeyDefinition:
        reader = self.reader
        conditional = reader.takes("IF", "NOT", "EXISTS")
        named = not reader.sees("(") and not reader.sees_any("USING", "TYPE")
        name = reader.name() if named else ""
        definition = self.key_parts(kind, name, at)
        definition.conditional = conditional
        return definition

    def key_parts(self, kind: str, name: str, at: At | None) -> KeyDefinition:
        """What follows a key's name: method, parts and options."""
        definition = KeyDefinition(kind, name, (), at=at)
        self._method(definition)
        definition.parts = self._parts(definition)
        self._key_options(definition)
        return definition

    def _method(self, definition: KeyDefinition) -> bool:
        if not self.reader.takes_any("USING", "TYPE"):
            return False
        definition.method = self.reader.takes_any("BTREE", "HASH", "RTREE").lower()
        if not definition.method:
            raise self.reader.error("`BTREE` or `HASH` expected")
        return True

    def _parts(self, definition: KeyDefinition) -> tuple[IndexPart, ...]:
        self.reader.expects("(")
        parts = [self._part(definition)]
        while self.reader.takes(","):
            parts.append(self._part(definition))
        self.reader.expects(")")
        return tuple(parts)

    def _part(self, definition: KeyDefinition) -> IndexPart:
        reader = self.reader
        if reader.sees("("):
            part = IndexPart(Sql(reader.group()), is_column=False)
        else:
            part = IndexPart(Sql(reader.name()))
            if reader.takes("("):
                part = replace(part, length=reader.integer())
                reader.expects(")")
            elif reader.takes("WITHOUT", "OVERLAPS"):
                definition.options["without_overlaps"] = "yes"
        descending = reader.takes_any("ASC", "DESC") == "DESC"
        return replace(part, descending=descending)

    def _key_options(self, definition: KeyDefinition) -> None:
        reader = self.reader
        while not reader.done and not reader.sees_any(",", ")"):
            if self._method(definition) or reader.takes("VISIBLE"):
                continue
            if reader.takes("COMMENT"):
                definition.comment = reader.string()
            elif reader.takes("INVISIBLE") or reader.takes("IGNORED"):
                definition.invisible = True
            elif reader.takes("NOT", "IGNORED"):
                pass
            elif reader.takes("WITH", "PARSER"):
                definition.options["parser"] = reader.name()
            elif reader.sees_any("ALGORITHM", "LOCK", "WAIT", "NOWAIT"):
                return  # of CREATE INDEX
            else:
                option = reader.takes_any(
                    "KEY_BLOCK_SIZE", "ENGINE_ATTRIBUTE", "SECONDARY_ENGINE_ATTRIBUTE", "CLUSTERING"
                )
                if not option:
                    raise reader.error("an index option expected")
                reader.takes("=")
                definition.options[option.lower()] = self.option_value()

    def add_key(self, definition: KeyDefinition) -> None:
        """Add a primary key, or an index under its name or the one that it gets."""
        parts = tuple(self._known_part(part) for part in definition.parts)
        lacking = self.table.lacks(str(part.expression) for part in parts if part.is_column)
        if lacking and not definition.options.get("without_overlaps"):
            self._report(f"a key on the column `{lacking}`, which is not there", definition.at)
            return
        if definition.kind == "primary":
            self._add_primary_key(definition, parts)
            return
        if not definition.name:
            self._drop_implied(plain_columns(parts))
        name = definition.name or self._index_name(parts)
        if any(name.lower() == known.lower() for known in self.table.indexes):
            if not definition.conditional:
                self._report(f"the index `{name}` exists already", definition.at)
            return
        self.table.indexes[name] = Index(
            name,
            parts,
            unique=definition.kind == "unique",
            method=self._index_method(definition),
            options=definition.options,
            invisible=definition.invisible,
            comment=definition.comment,
            at=definition.at,
        )
        self._drop_implied(self.table.indexes[name].columns)

    def _report(self, reason: str, at: At | None) -> None:
        self.fold.report(reason, at)

    def _add_primary_key(self, definition: KeyDefinition, parts: tuple[IndexPart, ...]) -> None:
        if self.table.primary_key is not None:
            if not definition.conditional:
                self._report("a second primary key", definition.at)
            return
        columns = tuple(str(part.expression) for part in parts)
        lengths = tuple(part.length for part in parts)
        options = dict(definition.options)
        overlaps = options.pop("without_overlaps", "")
        if definition.method == "hash" and self._index_method(definition) == "hash":
            options["using"] = "hash"
        put(
            self.table.keys,
            Key(
                "PRIMARY",
                columns,
                primary=True,
                without_overlaps=bool(overlaps),
                options=options,
                lengths=lengths if any(lengths) else (),
                descending=tuple(str(part.expression) for part in parts if part.descending),
                comment=definition.comment,
                at=definition.at,
            ),
        )
        if not any(lengths):
            self._drop_implied(columns)
        for name in columns:
            self._make_not_null(name, definition.at)

    def _known_part(self, part: IndexPart) -> IndexPart:
        """The part with its column's name as declared; a prefix of all of it is none."""
        if not part.is_column:
            return part
        name = self.table.column(part.expression)
        column = self.table.columns.get(name)
        length = part.length
        if column is not None and length is not None and column.type.args == (str(length),):
            length = None
        return replace(part, expression=Sql(name), length=length)

    def _index_name(self, parts: tuple[IndexPart, ...]) -> str:
        first = parts[0]
        base = str(first.expression) if first.is_column else "functional_index"
        return free([*self.table.indexes, "PRIMARY"], base)

    def _index_method(self, definition: KeyDefinition) -> str:
        """What holds: most engines make a b-tree whatever was asked for."""
        if definition.kind in ("fulltext", "spatial"):
            return definition.kind
        if definition.method == "rtree":
            return "spatial"
        if self.table.engine.lower() in HASHING:
            return definition.method or "hash"
        return "btree"

    def _drop_implied(self, columns: tuple[str, ...]) -> None:
        """An index that serves a foreign key as well replaces the one that the key made."""
        for implied in sorted(self.table.implied):
            index = self.table.indexes.get(implied)
            if index is not None and columns[: len(index.parts)] == index.columns:
                del self.table.indexes[implied]
                self.table.implied.discard(implied)

    def _foreign_key(self, symbol: str, at: At | None) -> Callable[[], None]:
        conditional = self.reader.takes("IF", "NOT", "EXISTS")
        index = "" if self.reader.sees("(") else self.reader.name()
        columns = self.reader.names()
        self.reader.expects("REFERENCES")
        key = self.references(columns, at)
        return lambda: self.add_foreign_key(
            replace(key, name=symbol or index), index=symbol or index, conditional=conditional
        )

    def references(self, columns: tuple[str, ...], at: At | None) -> ForeignKey:
        """What follows REFERENCES, without a name."""
        reader = self.reader
        key = ForeignKey(
            "", columns, self.table_name(), reader.names() if reader.sees("(") else (), at=at
        )
        while True:
            if reader.takes("MATCH"):
                key = replace(key, match=read_match(reader))
            elif reader.takes("ON", "DELETE"):
                key = replace(key, on_delete=read_action(reader))
            elif reader.takes("ON", "UPDATE"):
                key = replace(key, on_update=read_action(reader))
            else:
                return key

    def add_foreign_key(
        self, key: ForeignKey, index: str = "", *, conditional: bool = False
    ) -> None:
        """Add a foreign key under its name or the one that it gets, with the index it needs."""
        keys = self.table.foreign_keys
        if key.name and any(key.name.lower() == known.lower() for known in keys):
            if not conditional:
                self._report(f"the foreign key `{key.name}` exists already", key.at)
            return
        columns = tuple(self.table.column(column) for column in key.columns)
        lacking = self.table.lacks(columns)
        if lacking:
            self._report(f"a foreign key on the column `{lacking}`, which is not there", key.at)
            return
        name = key.name or self._generated_name(keys, f"{self.table.name.name}_ibfk_")
        enforced = self.table.engine.lower() not in _WITHOUT_FOREIGN_KEYS
        key = replace(key, name=name, columns=columns, enforced=enforced)
        keys[name] = self.fold.resolve(key)
        cover(self.table, key, index)

    def ignore_reference(self, key: ForeignKey) -> None:
        """REFERENCES at a column, which MySQL reads and forgets (before 9.0)."""
        put(self.table.foreign_keys, self.fold.resolve(replace(key, enforced=False)))

    @staticmethod
    def _generated_name(taken: Iterable[str], prefix: str) -> str:
        numbers = [0]
        for name in taken:
            digits = name[len(prefix) :]
            if name.lower().startswith(prefix.lower()) and digits.isdigit() and len(digits) < 10:
                numbers.append(int(digits))
        return f"{prefix}{max(numbers) + 1}"

    def check(self, symbol: str, at: At | None) -> Check:
        """What follows CHECK."""
        expression = Sql(self.reader.group())
        enforced = not self.reader.takes("NOT", "ENFORCED")
        if enforced:
            self.reader.takes("ENFORCED")
        return Check(symbol, expression, enforced=enforced, at=at)

    def add_check(self, check: Check) -> None:
        """Add a check under its name or the one that it gets."""
        name = check.name
        if not name and self.mariadb:
            name = free([*self.table.checks, "CONSTRAINT"], "CONSTRAINT", first=1)
        elif not name:
            name = self._generated_name(self.table.checks, f"{self.table.name.name}_chk_")
        elif any(name.lower() == known.lower() for known in self.table.checks):
            self._report(f"the check `{name}` exists already", check.at)
            return
        self.table.checks[name] = replace(check, name=name)

    def option_value(self) -> str:
        """A string without its quotes, a list in parentheses, or one token."""
        reader = self.reader
        if reader.token.kind == "string":
            return reader.string()
        if reader.sees("("):
            return f"({reader.group()})"
        if reader.token.kind == "quoted":
            return reader.name()
        start = reader.position
        reader.takes_any("-", "+")
        reader.next()
        return reader.source(start)


def cover(table: Draft, key: ForeignKey, name: str = "") -> None:
    """Add the index that InnoDB makes for a foreign key when none begins with its columns.

    https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html
    """
    width = len(key.columns)
    covering = [
        index.columns[:width] for index in table.indexes.values() if index.method == "btree"
    ]
    primary = table.primary_key
    if primary is not None and not any(primary.lengths):
        covering.append(primary.columns[:width])
    if key.columns in covering:
        return
    name = free([*table.indexes, "PRIMARY"], name or key.columns[0])
    table.indexes[name] = Index(
        name, tuple(IndexPart(Sql(column)) for column in key.columns), at=key.at
    )
    table.implied.add(name)


def plain_columns(parts: tuple[IndexPart, ...]) -> tuple[str, ...]:
    """The columns that an index of these parts begins with."""
    return Index("", parts).columns


HASHING: Final = frozenset(("memory", "ndbcluster"))  # engines with hash indexes, their default
_WITHOUT_FOREIGN_KEYS: Final = words(
    "myisam memory csv archive blackhole federated mrg_myisam aria"
)
