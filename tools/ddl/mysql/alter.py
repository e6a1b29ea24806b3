"""ALTER TABLE of MySQL and MariaDB, action by action.

https://dev.mysql.com/doc/refman/8.4/en/alter-table.html, https://mariadb.com/kb/en/alter-table/
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ..model import Name
from ..state import C, Draft, Fold, rekeyed, spelled
from ..tokens import Reader
from .keys import cover
from .tables import TableReader, is_textual
from .types import charset_of, read_charset, read_collation, read_default


class Alter:
    """The actions of one ALTER TABLE, applied one after the other."""

    def __init__(self, fold: Fold, reader: Reader, table: Draft, name: Callable[[], Name]) -> None:
        self.fold = fold
        self.reader = reader
        self.table = table
        self.tables = TableReader(fold, reader, table, name)
        self.table_name = name

    def read(self) -> None:
        """All actions."""
        while not self.reader.done:
            start = self.reader.position
            self.tables.lenient(self._action)
            self.tables.finish()
            if not self.reader.done and not self.reader.sees(","):
                if self.reader.position > start and self._follows():
                    continue
                offset = self.reader.offset
                self.reader.skip_item()
                self.fold.skip("an action that is not understood", offset)
                if self.reader.sees(")"):
                    return
            self.reader.takes(",")
        self.tables.inherit_charset()
        for key in self.table.foreign_keys.values():
            if key.name:  # MySQL forgets the others
                cover(self.table, key)

    def _follows(self) -> bool:
        """Whether what comes may follow without a comma: options, partitions."""
        return not self.reader.sees_any(
            "ADD", "DROP", "MODIFY", "CHANGE", "ALTER", "RENAME", "CONVERT", ")"
        )

    def _action(self) -> None:
        reader = self.reader
        for word, action in (
            ("ADD", self._add),
            ("DROP", self._drop),
            ("MODIFY", self._modify),
            ("CHANGE", self._change),
            ("ALTER", self._alter),
            ("RENAME", self._rename),
            ("CONVERT", self._convert),
        ):
            if reader.takes(word):
                action()
                return
        if self._data_only():
            return
        if reader.sees("PARTITION", "BY"):
            self.tables.partition_by()
        elif reader.takes("REMOVE", "PARTITIONING"):
            self.table.partition_by = None
        elif reader.takes("REORGANIZE", "PARTITION"):
            self._reorganize()
        elif reader.takes("COALESCE", "PARTITION"):
            reader.takes_any("NO_WRITE_TO_BINLOG", "LOCAL")
            self._count(-reader.integer())
        elif reader.takes("CONVERT", "PARTITION"):
            raise reader.error("converting partitions is not followed")
        elif not self.tables.option():
            raise reader.error("an action expected")

    def _data_only(self) -> bool:
        """Actions without effect on the schema."""
        reader = self.reader
        if reader.takes_any("FORCE", "NOWAIT"):
            return True
        if reader.takes_any("ALGORITHM", "LOCK", "WAIT"):
            reader.takes("=")
            reader.next()
            return True
        if reader.takes("ENABLE", "KEYS") or reader.takes("DISABLE", "KEYS"):
            return True
        if reader.takes("WITH", "VALIDATION") or reader.takes("WITHOUT", "VALIDATION"):
            return True
        if reader.takes("ORDER", "BY"):
            while not reader.done:
                reader.next()
            return True
        if reader.takes_any(
            "DISCARD",
            "IMPORT",
            "TRUNCATE",
            "ANALYZE",
            "CHECK",
            "OPTIMIZE",
            "REBUILD",
            "REPAIR",
            "EXCHANGE",
        ):
            while not reader.done and not reader.sees(","):
                reader.next()
            while not reader.done and not reader.sees_any(
                *("ADD", "DROP", "MODIFY", "CHANGE", "ALTER", "RENAME", "CONVERT", "ENGINE")
            ):
                reader.next()  # names of further partitions
            return True
        return False

    # ADD

    def _add(self) -> None:
        reader = self.reader
        if reader.takes("SYSTEM", "VERSIONING"):
            self.table.options["system versioning"] = "yes"
        elif reader.sees("PERIOD", "FOR"):
            self.tables.period()
        elif reader.takes("PARTITION"):
            self._add_partition()
        elif self.tables.is_key():
            self.tables.element()
        else:
            reader.takes("COLUMN")
            conditional = reader.takes("IF", "NOT", "EXISTS")
            if reader.takes("("):
                while True:
                    self._add_column(conditional=conditional)
                    if not reader.takes(","):
                        break
                reader.expects(")")
            else:
                self._add_column(conditional=conditional)

    def _add_column(self, *, conditional: bool) -> None:
        if self.tables.is_key():
            self.tables.element()
            return
        known = self.table.column(self.reader.token.text)
        exists = known in self.table.columns
        if exists and not conditional:
            raise self.reader.error(f"the column `{known}` exists already")
        column = self.tables.column(place=not exists)
        after = self._after()
        if not exists and after is not None:
            self.table.place_column(column, after, column.name)

    def _after(self) -> str | None:
        """The column that stands before; empty for FIRST, None for no word on it."""
        if self.reader.takes("FIRST"):
            return ""
        return self.table.column(self.reader.name()) if self.reader.takes("AFTER") else None

    # DROP

    def _drop(self) -> None:
        reader, table = self.reader, self.table
        if reader.takes("PRIMARY", "KEY"):
            reader.takes("IF", "EXISTS")
            if not table.keys:
                raise reader.error("no primary key to drop")
            table.keys.clear()
        elif reader.takes("FOREIGN", "KEY"):
            self._drop_from(table.foreign_keys, "foreign key")
        elif reader.takes("INDEX") or reader.takes("KEY"):
            self.drop_index()
        elif reader.takes("CHECK"):
            self._drop_from(table.checks, "check")
        elif reader.takes("CONSTRAINT"):
            self._drop_constraint()
        elif reader.takes("SYSTEM", "VERSIONING"):
            table.options.pop("system versioning", None)
        elif reader.takes("PERIOD", "FOR"):
            conditional = reader.takes("IF", "EXISTS")
            found = table.options.pop(f"period for {reader.name().lower()}", None)
            if found is None and not conditional:
                raise reader.error("no such period")
        elif reader.takes("PARTITION"):
            self._drop_partitions()
        else:
            reader.takes("COLUMN")
            conditional = reader.takes("IF", "EXISTS")
            name = self._column(optional=conditional)
            reader.takes_any("RESTRICT", "CASCADE")
            if name:
                table.drop_column(name)

    def _column(self, *, optional: bool = False) -> str:
        offset = self.reader.position
        name = self.table.column(self.reader.name())
        if name in self.table.columns:
            return name
        if optional:
            return ""
        self.reader.position = offset
        raise self.reader.error("no such column")

    def _drop_from(self, things: dict[str, C], what: str) -> None:
        conditional = self.reader.takes("IF", "EXISTS")
        name = spelled(things, self.reader.name())
        if name in things:
            del things[name]
        elif not conditional:
            self.reader.position -= 1
            raise self.reader.error(f"no such {what}")

    def drop_index(self) -> None:
        """Drop the index whose name comes."""
        conditional = self.reader.takes("IF", "EXISTS")
        name = self.reader.name()
        if name.upper() == "PRIMARY" and self.table.keys:
            self.table.keys.clear()
            return
        known = spelled(self.table.indexes, name)
        if known in self.table.indexes:
            del self.table.indexes[known]
            self.table.implied.discard(known)
        elif not conditional:
            self.reader.position -= 1
            raise self.reader.error("no such index")

    def _drop_constraint(self) -> None:
        table = self.table
        conditional = self.reader.takes("IF", "EXISTS")
        name = self.reader.name()
        if name.upper() == "PRIMARY" and table.keys:
            table.keys.clear()
            return
        for things in (table.checks, table.foreign_keys, table.indexes):
            known = spelled(things, name)
            if known in things:
                del things[known]
                return
        if not conditional:
            self.reader.position -= 1
            raise self.reader.error("no such constraint")

    # MODIFY, CHANGE, ALTER, RENAME

    def _modify(self) -> None:
        self.reader.takes("COLUMN")
        conditional = self.reader.takes("IF", "EXISTS")
        position = self.reader.position
        name = self._column(optional=conditional)
        self.reader.position = position
        self._redefine(name)

    def _change(self) -> None:
        self.reader.takes("COLUMN")
        conditional = self.reader.takes("IF", "EXISTS")
        self._redefine(self._column(optional=conditional))

    def _redefine(self, old: str) -> None:
        column = self.tables.column(place=False)
        after = self._after()
        if not old:
            return  # IF EXISTS
        if column.name != old:
            self._rename_column(old, column.name)
        primary = self.table.primary_key
        if primary is not None and column.name in primary.columns and column.not_null is None:
            column = replace(column, not_null=self.table.columns[column.name].not_null)
        self.table.place_column(column, after, column.name)

    def _rename_column(self, old: str, new: str) -> None:
        self.table.rename_column(old, new)
        self.fold.rename_referenced(self.table.name, old, new)

    def _alter(self) -> None:
        reader, table = self.reader, self.table
        if reader.takes("INDEX") or reader.takes("KEY"):
            reader.takes("IF", "EXISTS")
            name = spelled(table.indexes, reader.name())
            if name not in table.indexes:
                raise reader.error("no such index")
            hidden = reader.takes("INVISIBLE") or reader.takes("IGNORED")
            if not hidden and not (reader.takes("VISIBLE") or reader.takes("NOT", "IGNORED")):
                raise reader.error("`VISIBLE` or `INVISIBLE` expected")
            table.indexes[name] = replace(table.indexes[name], invisible=hidden)
        elif reader.takes("CHECK") or reader.takes("CONSTRAINT"):
            name = spelled(table.checks, reader.name())
            if name not in table.checks:
                raise reader.error("no such check")
            enforced = not reader.takes("NOT")
            reader.expects("ENFORCED")
            table.checks[name] = replace(table.checks[name], enforced=enforced)
        else:
            self._alter_column()

    def _alter_column(self) -> None:
        reader, table = self.reader, self.table
        reader.takes("COLUMN")
        name = self._column(optional=reader.takes("IF", "EXISTS"))
        if not name:
            reader.skip_item()
            return
        column = table.columns[name]
        if reader.takes("SET", "DEFAULT"):
            table.columns[name] = replace(column, default=read_default(reader, column.type))
        elif reader.takes("DROP", "DEFAULT"):
            table.columns[name] = replace(column, default=None)
        elif reader.takes("SET"):
            hidden = reader.takes("INVISIBLE")
            if not hidden:
                reader.expects("VISIBLE")
            table.columns[name] = replace(column, invisible=hidden)
        else:
            raise reader.error("`SET` or `DROP DEFAULT` expected")

    def _rename(self) -> None:
        reader, table = self.reader, self.table
        if reader.takes("COLUMN"):
            old = self._column(optional=reader.takes("IF", "EXISTS"))
            reader.expects("TO")
            new = reader.name()
            if old:
                self._rename_column(old, new)
        elif reader.takes("INDEX") or reader.takes("KEY"):
            conditional = reader.takes("IF", "EXISTS")
            old = spelled(table.indexes, reader.name())
            if old not in table.indexes and not conditional:
                raise reader.error("no such index")
            reader.expects("TO")
            new = reader.name()
            table.indexes = {
                (new if name == old else name): (replace(index, name=new) if name == old else index)
                for name, index in table.indexes.items()
            }
            table.implied.discard(old)
        else:
            _ = reader.takes_any("TO", "AS") or reader.takes("=")
            rename_table(self.fold, table, self.table_name())

    # Character sets and partitions

    def _convert(self) -> None:
        reader, table = self.reader, self.table
        if reader.takes("PARTITION") or reader.takes("TABLE"):
            raise reader.error("converting between tables and partitions is not followed")
        reader.expects("TO")
        if not reader.takes("CHARSET"):
            reader.expects("CHARACTER", "SET")
        charset = "" if reader.takes("DEFAULT") else read_charset(reader)
        collation = read_collation(reader) if reader.takes("COLLATE") else ""
        table.charset, table.collation = charset or charset_of(collation), collation
        for name, column in table.columns.items():
            if is_textual(column.type):
                table.columns[name] = replace(column, charset="", collation="")

    def _definitions(self) -> tuple[str, list[tuple[str, str]]]:
        """The head of PARTITION BY, and each partition's name and definition."""
        partitioned = self.table.partition_by
        if partitioned is None:
            raise self.reader.error("the table is not partitioned")
        reader = Reader(partitioned.text, self.fold.dialect)
        while not reader.done and not reader.sees("(", "PARTITION"):
            if reader.sees("("):
                reader.skip_group()
            else:
                reader.next()
        head = reader.source(0)
        return head, _partitions(reader)

    def _set_definitions(self, head: str, found: list[tuple[str, str]]) -> None:
        partitioned = self.table.partition_by
        if partitioned is not None:
            text = f"{head} ({', '.join(definition for _, definition in found)})"
            self.table.partition_by = replace(partitioned, text=text)

    def _add_partition(self) -> None:
        reader = self.reader
        reader.takes("IF", "NOT", "EXISTS")
        reader.takes_any("NO_WRITE_TO_BINLOG", "LOCAL")
        if reader.takes("PARTITIONS"):
            self._count(reader.integer())
            return
        head, found = self._definitions()
        added = _partitions(reader)
        last = found[-1:] if found and "MAXVALUE" in found[-1][1].upper() else []
        self._set_definitions(head, [*found[: len(found) - len(last)], *added, *last])

    def _drop_partitions(self) -> None:
        self.reader.takes("IF", "EXISTS")
        names = self._names()
        head, found = self._definitions()
        self._set_definitions(head, [each for each in found if each[0].lower() not in names])

    def _names(self) -> list[str]:
        names = [self.reader.name().lower()]
        while self.reader.takes(","):
            names.append(self.reader.name().lower())
        return names

    def _reorganize(self) -> None:
        self.reader.takes_any("NO_WRITE_TO_BINLOG", "LOCAL")
        if self.reader.done:
            return
        names = self._names()
        self.reader.expects("INTO")
        added = _partitions(self.reader)
        head, found = self._definitions()
        places = [place for place, each in enumerate(found) if each[0].lower() in names]
        first = min(places, default=len(found))
        kept = [each for each in found if each[0].lower() not in names]
        self._set_definitions(head, [*kept[:first], *added, *kept[first:]])

    def _count(self, more: int) -> None:
        """Change PARTITIONS n."""
        partitioned = self.table.partition_by
        found = _PARTITIONS.search(partitioned.text) if partitioned else None
        if partitioned is None or found is None:
            raise self.reader.error("the number of partitions is not known")
        text = partitioned.text
        number = int(found[1]) + more
        text = f"{text[: found.start(1)]}{number}{text[found.end(1) :]}"
        self.table.partition_by = replace(partitioned, text=text)


_PARTITIONS: Final = re.compile(r"\bPARTITIONS (\d{1,6})\b", re.IGNORECASE)


def _partitions(reader: Reader) -> list[tuple[str, str]]:
    """A parenthesised list of partition definitions, each with its name."""
    found = []
    reader.expects("(")
    while True:
        start = reader.position
        reader.expects("PARTITION")
        name = reader.name()
        reader.skip_item()
        found.append((name, reader.source(start)))
        if not reader.takes(","):
            break
    reader.expects(")")
    return found


def rename_table(fold: Fold, table: Draft, new: Name) -> None:
    """Give the table a new name, and with it the generated names of its constraints."""
    old = table.name
    if new != old and new in fold.tables:
        fold.skip(f"the table `{new}` exists already")
        return
    del fold.tables[old]
    table.name = new

    def renamed(name: str) -> str:
        for kind in ("_ibfk_", "_chk_"):
            if name.startswith(old.name + kind):
                return new.name + name[len(old.name) :]
        return name

    table.foreign_keys = rekeyed(
        table.foreign_keys, lambda key: replace(key, name=renamed(key.name))
    )
    table.checks = rekeyed(table.checks, lambda check: replace(check, name=renamed(check.name)))
    fold.rename_references(old, new)
    fold.add_table(table)
