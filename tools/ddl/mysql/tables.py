"""What stands in a CREATE TABLE of MySQL and MariaDB, and again in ALTER TABLE: columns, keys,
constraints, options.

https://dev.mysql.com/doc/refman/8.4/en/create-table.html, https://mariadb.com/kb/en/create-table/
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ..model import At, Column, IndexPart, PartitionBy, Sql, Type
from ..state import MAX_PARTS
from ..tokens import words
from .columns import Attributes
from .keys import KeyReader
from .types import TEXTUAL, charset_of, read_charset, read_collation, read_type


class TableReader(KeyReader):
    """Reads clauses into a table; what it cannot read is reported and left out."""

    def elements(self) -> None:
        """The parenthesised list of a CREATE TABLE."""
        reader = self.reader
        reader.expects("(")
        for _ in range(MAX_PARTS):
            self.lenient(self.element)
            if not reader.sees_any(",", ")"):
                self._unread("not understood in a table's definition", start=reader.offset)
            if not reader.takes(","):
                reader.expects(")")
                return
        raise reader.error("more than an engine takes in one table")

    def element(self) -> None:
        """One column, key or constraint; keys are added by `finish`."""
        if self.table.full:
            raise self.reader.error("more than an engine takes in one table")
        if self.reader.sees("PERIOD", "FOR"):
            self.period()
        elif self.is_key():
            self._later.append(self.key())
        else:
            self.column()

    def finish(self) -> None:
        """Add the keys, in the order in which they stand."""
        for add in self._later:
            add()
        self._later.clear()

    def is_key(self) -> bool:
        """Whether a key or constraint comes, not a column of such a name."""
        return self.reader.sees_any(
            "CONSTRAINT", "PRIMARY", "UNIQUE", "INDEX", "KEY", "FULLTEXT", "SPATIAL", "FOREIGN"
        ) or (self.reader.sees("CHECK", "("))

    def column(self, *, place: bool = True) -> Column:
        """A column with its attributes; added at the end when `place`."""
        at = self.fold.place(self.reader.offset)
        name = self.reader.name()
        typed = read_type(self.reader)
        attributes = Attributes(self, name, typed)
        try:
            attributes.read()
        finally:  # what was read before an attribute that is not understood counts
            column = attributes.column(at)
            if place:
                known = self.table.column(name)
                if known in self.table.columns:
                    self.fold.skip(f"the column `{known}` exists already", self.reader.offset)
                else:
                    self.table.columns[name] = column
            self._later += attributes.keys
        return column

    def period(self) -> None:
        """PERIOD FOR name (start, end), of MariaDB."""
        self.reader.expects("PERIOD", "FOR")
        name = self.reader.name()
        at = self.fold.place(self.reader.offset)
        columns = self.reader.names()
        self._later.append(lambda: self._add_period(name, columns, at))

    def _add_period(self, name: str, columns: tuple[str, ...], at: At) -> None:
        known = [self.table.column(column) for column in columns]
        self.table.options[f"period for {name.lower()}"] = ", ".join(known)
        for column in known:
            self._make_not_null(column, at)

    def option(self) -> bool:
        """One table option, if one comes."""
        reader, table = self.reader, self.table
        default = reader.takes("DEFAULT")
        if (
            reader.takes("CHARACTER", "SET")
            or reader.takes("CHAR", "SET")
            or reader.takes("CHARSET")
        ):
            self._new_charset(read_charset(reader), "")
        elif reader.takes("COLLATE"):
            collation = read_collation(reader)
            self._new_charset(charset_of(collation) or table.charset, collation)
        elif default:
            raise reader.error("a character set or collation expected")
        elif reader.takes_any("ENGINE", "TYPE"):
            reader.takes("=")
            table.engine = engine_name(self.option_value())
        elif reader.takes("COMMENT"):
            reader.takes("=")
            table.comment = reader.string()
        elif reader.takes("TABLESPACE"):
            reader.takes("=")
            table.tablespace = self.option_value()
            if reader.takes("STORAGE"):
                table.options["storage"] = reader.name().lower()
        elif reader.takes("WITH", "SYSTEM", "VERSIONING"):
            table.options["system versioning"] = "yes"
        elif reader.takes("DATA", "DIRECTORY") or reader.takes("INDEX", "DIRECTORY"):
            option = reader.tokens[reader.position - 2].key.lower() + " directory"
            reader.takes("=")
            table.options[option] = self.option_value()
        elif reader.takes("START", "TRANSACTION"):
            pass  # of CREATE TABLE … SELECT when replicated
        elif reader.token.kind in ("word", "quoted"):
            return self._plain_option()
        else:
            return False
        return True

    def _plain_option(self) -> bool:
        reader = self.reader
        name = reader.token.text.lower()
        after = reader.tokens[reader.position + 1].key
        if after != "=" and name not in _OPTIONS:
            return False
        reader.position += 1
        reader.takes("=")
        value = self.option_value()
        if value.lower() == "default" and name in _OPTIONS:
            self.table.options.pop(name, None)
        else:
            self.table.options[name] = value.lower() if name in _WORDS else value
        return True

    def _new_charset(self, charset: str, collation: str) -> None:
        """Set the default; columns that had the old one keep it."""
        table = self.table
        if (table.charset or table.collation) and table.charset != charset:
            for name, column in table.columns.items():
                if is_textual(column.type) and not column.charset and not column.collation:
                    table.columns[name] = replace(
                        column, charset=table.charset, collation=table.collation
                    )
        table.charset, table.collation = charset, collation

    def partition_by(self) -> None:
        """PARTITION BY up to the query or the end."""
        reader = self.reader
        start = reader.position
        reader.expects("PARTITION", "BY")
        linear = reader.takes("LINEAR")
        strategy = reader.name().lower()
        columns = reader.takes("COLUMNS")
        if reader.takes("ALGORITHM", "="):
            reader.next()
        parts: tuple[IndexPart, ...] = ()
        if reader.sees("("):
            inside = reader.position + 1
            text = reader.group()
            tokens = reader.tokens[inside : reader.position - 1]
            if columns or strategy == "key" or len(tokens) == 1:
                parts = tuple(
                    IndexPart(Sql(self.table.column(token.text)))
                    for token in tokens
                    if token.key != ","
                )
            else:
                parts = (IndexPart(Sql(text), is_column=False),)
        while not reader.done and not reader.sees_any("AS", "SELECT", "IGNORE", "REPLACE", "UNION"):
            if reader.sees("("):
                reader.skip_group()
            else:
                reader.next()
        strategy = f"{'linear ' * linear}{strategy}{' columns' * columns}"
        self.table.partition_by = PartitionBy(strategy, parts, reader.source(start))

    def inherit_charset(self) -> None:
        """Drop from columns what is the table's default; give BINARY its collation."""
        table = self.table
        for name, column in table.columns.items():
            if "binary" in column.options and table.charset:
                options = {k: v for k, v in column.options.items() if k != "binary"}
                bin_ = f"{table.charset}_bin"
                column = replace(column, charset=table.charset, collation=bin_, options=options)
                table.columns[name] = column
            if not column.charset and not column.collation:
                continue
            same = (
                column.collation == table.collation
                if column.collation and table.collation
                else (column.charset, column.collation) == (table.charset, table.collation)
            )
            if same and (table.charset or table.collation):
                table.columns[name] = replace(column, charset="", collation="")


def is_textual(type: Type) -> bool:
    """Whether columns of the type have a character set."""
    return type.name in TEXTUAL - {"json"}


def engine_name(name: str) -> str:
    """A storage engine's name as the catalog writes it."""
    return _ENGINES.get(name.lower(), name)


_ENGINES: Final = {
    name.lower(): name
    for name in words(
        "InnoDB MyISAM MEMORY CSV ARCHIVE BLACKHOLE FEDERATED MRG_MyISAM ndbcluster Aria"
        " RocksDB TokuDB SEQUENCE SPIDER CONNECT Columnstore S3 Mroonga OQGRAPH"
    )
} | {"heap": "MEMORY", "merge": "MRG_MyISAM", "ndb": "ndbcluster", "maria": "Aria"}
_OPTIONS: Final = words(
    "auto_increment avg_row_length autoextend_size checksum page_checksum table_checksum"
    " compression connection delay_key_write encryption engine_attribute insert_method ietf_quotes"
    " key_block_size max_rows min_rows pack_keys password row_format secondary_engine"
    " secondary_engine_attribute sequence stats_auto_recalc stats_persistent stats_sample_pages"
    " transactional union page_compressed page_compression_level encrypted encryption_key_id"
    " storage"
)
_WORDS: Final = frozenset(("row_format", "insert_method"))
