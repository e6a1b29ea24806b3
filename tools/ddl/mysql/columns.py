"""The attributes of a column in MySQL and MariaDB.

https://dev.mysql.com/doc/refman/8.4/en/create-table.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from ..model import At, Column, Generated, IndexPart, NotNull, Sql
from .keys import KeyDefinition, KeyReader
from .types import Typed, charset_of, now, read_charset, read_collation, read_default


class Attributes:
    """The attributes of one column, in any order."""

    def __init__(self, tables: KeyReader, name: str, typed: Typed) -> None:
        self.tables = tables
        self.reader = tables.reader
        self.name = name
        self.typed = typed
        self.fields: dict[str, Any] = {}
        self.options: dict[str, str] = {"binary": "yes"} if typed.binary else {}
        self.keys: list[Callable[[], None]] = []
        if typed.serial:
            self._serial()

    def column(self, at: At | None) -> Column:
        """The column as far as read."""
        return Column(
            self.name,
            self.typed.type,
            charset=self.typed.charset,
            collation=self.typed.collation,
            options=self.options,
            at=at,
            **self.fields,
        )

    def read(self) -> None:
        """All attributes."""
        while not self.reader.done and not self.reader.sees_any(",", ")", "FIRST", "AFTER"):
            if not (self._value() or self._key() or self._other()):
                raise self.reader.error("a column attribute expected")

    def _value(self) -> bool:
        reader = self.reader
        if reader.takes("NOT", "NULL"):
            self.fields["not_null"] = NotNull(at=self._here())
            if reader.takes("ENABLE"):
                pass  # MariaDB, Oracle mode
        elif reader.takes("NULL"):
            self.fields["not_null"] = None
        elif reader.takes("DEFAULT"):
            self.fields["default"] = read_default(reader, self.typed.type)
        elif reader.takes("ON", "UPDATE"):
            reader.next()
            self.fields["on_update"] = now(reader.group() if reader.sees("(") else "")
        elif reader.takes("AUTO_INCREMENT"):
            self.fields["auto_increment"] = True
            self.fields.setdefault("not_null", NotNull(at=self._here()))
        elif reader.takes("SERIAL", "DEFAULT", "VALUE"):
            self._serial()
        elif reader.takes("GENERATED", "ALWAYS", "AS") or reader.takes("AS"):
            self._generated()
        else:
            return False
        return True

    def _here(self) -> At:
        return self.tables.fold.place(self.reader.tokens[max(self.reader.position - 2, 0)].start)

    def _serial(self) -> None:
        self.fields |= {"auto_increment": True, "not_null": NotNull()}
        self._later_key("unique")

    def _generated(self) -> None:
        reader = self.reader
        if reader.takes("ROW"):
            edge = reader.takes_any("START", "END")
            if not edge:
                raise reader.error("`START` or `END` expected")
            self.fields |= {"generated": Generated(Sql(f"ROW {edge}"), stored=True)}
            self.fields["not_null"] = NotNull(at=self._here())
            return
        if reader.takes("IDENTITY"):
            raise reader.error("no identity columns in this engine")
        expression = Sql(reader.group())
        kind = reader.takes_any("VIRTUAL", "STORED", "PERSISTENT")
        self.fields["generated"] = Generated(expression, kind in ("STORED", "PERSISTENT"))

    def _key(self) -> bool:
        reader = self.reader
        start = reader.position
        offset = reader.offset
        symbol = ""
        if reader.takes("CONSTRAINT"):
            symbol = "" if reader.sees("CHECK") else reader.name()
        if reader.takes("PRIMARY", "KEY") or reader.takes("PRIMARY") or reader.takes("KEY"):
            self._later_key("primary", offset)
        elif reader.takes("UNIQUE"):
            reader.takes("KEY")
            self._later_key("unique", offset)
        elif reader.takes("REFERENCES"):
            self._reference(symbol, offset)
        elif reader.takes("CHECK"):
            self._check(symbol, offset)
        else:
            reader.position = start
            return False
        return True

    def _later_key(self, kind: str, offset: int | None = None) -> None:
        at = self.tables.fold.place(self.reader.offset if offset is None else offset)
        name = "PRIMARY" if kind == "primary" else ""
        definition = KeyDefinition(kind, name, (IndexPart(Sql(self.name)),), at=at)
        if kind == "primary":
            self.fields["not_null"] = self.fields.get("not_null") or NotNull(at=at)
        self.keys.append(lambda: self.tables.add_key(definition))

    def _reference(self, symbol: str, offset: int) -> None:
        tables = self.tables
        key = tables.references((self.name,), tables.fold.place(offset))
        if tables.mariadb:
            named = replace(key, name=symbol)
            self.keys.append(lambda: tables.add_foreign_key(named, symbol))
        else:
            self.keys.append(lambda: tables.ignore_reference(key))

    def _check(self, symbol: str, offset: int) -> None:
        check = self.tables.check(symbol, self.tables.fold.place(offset))
        if self.tables.mariadb and not symbol:
            check = replace(check, name=self.name)  # as its catalog names it
        self.keys.append(lambda: self.tables.add_check(check))

    def _other(self) -> bool:
        reader = self.reader
        if reader.takes("COMMENT"):
            self.fields["comment"] = reader.string()
        elif reader.takes("COLLATE"):
            self.typed.collation = read_collation(reader)
            self.typed.charset = self.typed.charset or charset_of(self.typed.collation)
        elif reader.takes("CHARACTER", "SET") or reader.takes("CHARSET"):
            self.typed.charset = read_charset(reader)
        elif reader.takes("INVISIBLE"):
            self.fields["invisible"] = True
        elif reader.takes("VISIBLE"):
            pass
        elif reader.takes("COLUMN_FORMAT"):
            self.options["column_format"] = reader.name().lower()
        elif reader.takes("STORAGE"):
            self.fields["storage"] = reader.name().lower()
        elif reader.takes("COMPRESSED"):
            self.fields["compression"] = reader.name().lower() if reader.takes("=") else "zlib"
        elif reader.takes("SRID") or reader.takes("REF_SYSTEM_ID", "="):
            self.options["srid"] = str(reader.integer())
        elif reader.sees("WITH", "SYSTEM", "VERSIONING") or reader.sees(
            "WITHOUT", "SYSTEM", "VERSIONING"
        ):
            self.options["system versioning"] = "yes" if reader.sees("WITH") else "no"
            reader.position += 3
        elif reader.sees_any(*_ATTRIBUTES) or reader.tokens[reader.position + 1].key == "=":
            name = reader.name().lower()  # the latter: an attribute of MariaDB's engines
            reader.takes("=")
            self.options[name] = self.tables.option_value()
        else:
            return False
        return True


_ATTRIBUTES: Final = ("ENGINE_ATTRIBUTE", "SECONDARY_ENGINE_ATTRIBUTE")
