"""Types and default values of MySQL and MariaDB, as their catalogs show them.

https://dev.mysql.com/doc/refman/8.4/en/data-types.html, https://mariadb.com/kb/en/data-types/
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from ..model import Sql, Type
from ..tokens import Reader, words

NUMERIC: Final = words("tinyint smallint mediumint int bigint decimal float double year bit")
TEXTUAL: Final = words("char varchar tinytext text mediumtext longtext enum set json")
_INTEGERS: Final = words("tinyint smallint mediumint int bigint")


@dataclass(slots=True)
class Typed:
    """A type as read, with the character set and collation that its words ask for."""

    type: Type
    charset: str = ""
    collation: str = ""
    binary: bool = False  # the binary collation of whatever character set holds
    serial: bool = False


def charset_name(name: str) -> str:
    """The name in the catalog: `utf8` is an alias of `utf8mb3`."""
    folded = name.lower()
    return "utf8mb3" if folded == "utf8" else folded


def collation_name(name: str) -> str:
    """The name in the catalog: those of `utf8` are of `utf8mb3`."""
    folded = name.lower()
    return f"utf8mb3{folded[4:]}" if folded.startswith("utf8_") else folded


def charset_of(collation: str) -> str:
    """The character set that a collation belongs to; empty when its name does not tell."""
    charset = collation.partition("_")[0]
    return "" if charset.startswith("uca1400") else charset  # MariaDB: of several


def read_charset(reader: Reader) -> str:
    """A character set's name behind CHARACTER SET or CHARSET."""
    reader.takes("=")
    return charset_name(_word(reader))


def read_collation(reader: Reader) -> str:
    """A collation's name behind COLLATE."""
    reader.takes("=")
    return collation_name(_word(reader))


def _word(reader: Reader) -> str:
    return reader.string() if reader.token.kind == "string" else reader.name()


def read_type(reader: Reader) -> Typed:
    """A data type with its own attributes: length, UNSIGNED, ZEROFILL, CHARACTER SET, COLLATE."""
    if reader.token.kind != "word":
        raise reader.error("a data type expected")
    name = reader.next().text.lower()
    national = name in ("national", "nchar", "nvarchar")
    if name == "national":
        name = reader.next().text.lower()
    name = _long_name(reader, name.removeprefix("n") if national else name)
    if name in ("enum", "set"):
        found = Typed(Type(name, values=_values(reader)))
    else:
        found = _plain(name, _args(reader), reader)
    if national:
        found.charset = "utf8mb3"
    _attributes(reader, found)
    return found


def _long_name(reader: Reader, name: str) -> str:
    """Types of two words, by one name."""
    if name in ("char", "character", "nchar"):
        if reader.takes_any("VARYING", "VARCHAR"):
            return "varchar"
        return "binary" if reader.takes("BYTE") else "char"
    if name == "double":
        reader.takes("PRECISION")
    if name == "long":
        if reader.takes("VARBINARY"):
            return "mediumblob"
        _ = reader.takes_any("VARCHAR", "VARCHARACTER") or reader.takes("CHAR", "VARYING")
        return "mediumtext"
    return _ALIASES.get(name, name)


def _args(reader: Reader) -> tuple[str, ...]:
    if not reader.takes("("):
        return ()
    args = [reader.next().text]
    while reader.takes(","):
        args.append(reader.next().text)
    reader.expects(")")
    return tuple(args)


def _values(reader: Reader) -> tuple[str, ...]:
    reader.expects("(")
    values = [_value(reader)]
    while reader.takes(","):
        values.append(_value(reader))
    reader.expects(")")
    return tuple(values)


def _value(reader: Reader) -> str:
    return reader.string().rstrip(" ")  # not stored, as the manual says of ENUM


def _plain(name: str, args: tuple[str, ...], reader: Reader) -> Typed:
    if name == "serial":
        return Typed(Type("bigint", modifiers=frozenset({"unsigned"})), serial=True)
    if name in ("bool", "boolean"):
        return Typed(Type("tinyint", ("1",)))
    if name == "float4":
        name, args = "float", ()
    elif name == "float8":
        name, args = "double", ()
    if name == "float" and len(args) == 1:
        name, args = ("float" if _number(args[0]) <= 24 else "double"), ()
    if name in _SIZED and args:
        sizes = _SIZED[name]
        wide = 4 if name == "text" else 1  # utf8mb4 counts four bytes a character
        length = _number(args[0]) * wide
        name, args = next((n for n, limit in sizes if length <= limit), sizes[-1][0]), ()
    if name == "year" or (name in ("datetime", "timestamp", "time") and args == ("0",)):
        args = ()
    if name == "decimal":
        args = (*args, *("10", "0")[len(args) :])
    elif name in ("bit", "char", "binary"):
        args = args or ("1",)
    return Typed(Type(name, args))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _attributes(reader: Reader, found: Typed) -> None:
    modifiers = set(found.type.modifiers)
    while True:
        if reader.takes("UNSIGNED"):
            modifiers.add("unsigned")
        elif reader.takes("ZEROFILL"):
            modifiers |= {"unsigned", "zerofill"}
        elif reader.takes("SIGNED"):
            pass
        elif reader.takes("CHARACTER", "SET") or reader.takes_any("CHARSET"):
            found.charset = read_charset(reader)
        elif reader.sees("CHAR", "SET"):
            reader.position += 2
            found.charset = read_charset(reader)
        elif reader.takes("COLLATE"):
            found.collation = read_collation(reader)
        elif found.type.name == "char" and reader.takes("BYTE"):
            found.type = replace(found.type, name="binary")
        elif reader.takes("ASCII"):
            found.charset = "latin1"
        elif reader.takes("UNICODE"):
            found.charset = "ucs2"
        elif reader.takes("BINARY"):
            found.binary = True
        else:
            break
    if found.binary and found.charset:
        found.collation, found.binary = f"{found.charset}_bin", False
    if "binary" in (found.charset, found.collation):
        name = found.type.name
        found.type = replace(found.type, name=_BINARY.get(name, name))
        found.charset = found.collation = ""
    args = found.type.args
    if found.type.name in _INTEGERS and "zerofill" not in modifiers:
        # The display width does nothing; MySQL keeps that of tinyint(1) alone.
        args = args if (found.type.name, args) == ("tinyint", ("1",)) and not modifiers else ()
    elif found.type.name in _INTEGERS:
        args = args or (_WIDTHS[found.type.name],)
    found.type = replace(found.type, args=args, modifiers=frozenset(modifiers))
    if found.collation and not found.charset:
        found.charset = charset_of(found.collation)


def read_default(reader: Reader, type: Type) -> Sql | None:
    """The value behind DEFAULT; None for NULL. An expression has no parentheses around it."""
    if reader.sees("("):
        return Sql(reader.group())
    if reader.takes("NULL"):
        return None
    start = reader.position
    if reader.takes_any("+", "-"):
        pass
    elif reader.takes("NEXT", "VALUE", "FOR") or reader.takes("PREVIOUS", "VALUE", "FOR"):
        reader.path()
        return Sql(reader.source(start))
    moment = reader.takes_any(*_NOW)
    if moment:
        precision = reader.group() if reader.sees("(") else ""
        return now(precision)
    token = reader.next()
    if token.kind == "word":
        while reader.takes("."):
            reader.name()
        if reader.sees("("):
            reader.skip_group()
        elif reader.token.kind in ("string", "number"):  # _utf8mb4'…', DATE '…', x '…'
            reader.next()
    elif token.kind == "string":
        reader.position = start
        return literal(reader.string(), type)
    return value(reader.source(start), type)


def now(precision: str) -> Sql:
    """CURRENT_TIMESTAMP, as the catalog writes it and its synonyms."""
    digits = precision.strip()
    return Sql(f"CURRENT_TIMESTAMP({digits})" if digits not in ("", "0") else "CURRENT_TIMESTAMP")


def literal(text: str, type: Type) -> Sql:
    """A string as SQL, or the number that it stands for where the column is one."""
    stripped = text.strip()
    if type.name in NUMERIC - {"bit"} and _NUMBER.fullmatch(stripped):
        return value(stripped, type)
    if type.name in ("datetime", "timestamp") and _DATE.fullmatch(stripped):
        return string(f"{stripped} 00:00:00")
    return string(text)


def value(source: str, type: Type) -> Sql:
    """A default that is no string: numbers without needless digits, TRUE and FALSE as numbers."""
    folded = source.upper()
    if folded in ("TRUE", "FALSE"):
        return Sql("1" if folded == "TRUE" else "0")
    if not _NUMBER.fullmatch(source):
        return Sql(source)
    if type.name == "bit" and source.isdigit() and len(source) < 20:
        return Sql(f"b'{int(source):b}'")
    sign = "-" if source.startswith("-") else ""
    whole, point, rest = source.lstrip("+-").partition(".")
    if "e" in rest.lower() or "e" in whole.lower():
        return Sql(source.lstrip("+"))
    if type.name == "decimal" and len(type.args) == 2:
        scale = _number(type.args[1])
        rest = rest.ljust(scale, "0") if len(rest) <= scale <= 38 else rest
        point = "." if rest else ""
    if type.name in TEXTUAL:
        return string(source)
    if type.name in ("float", "double"):
        rest = rest.rstrip("0")
        point = "." if rest else ""
    whole = whole.lstrip("0") or "0"
    return Sql(f"{sign}{whole}{point}{rest}")


def string(text: str) -> Sql:
    """A string literal."""
    return Sql("'" + _SPECIAL.sub(lambda match: _WRITTEN[match[0]], text) + "'")


def is_literal(expression: str) -> bool:
    """Whether a default can be written without parentheses around it."""
    return _LITERAL.fullmatch(expression) is not None


_NOW: Final = ("CURRENT_TIMESTAMP", "NOW", "LOCALTIME", "LOCALTIMESTAMP")
_NUMBER: Final = re.compile(r"[+-]?(\d++(\.\d*+)?|\.\d++)(e[+-]?\d++)?", re.IGNORECASE)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_LITERAL: Final = re.compile(
    r"[+-]?(\d++(\.\d*+)?|\.\d++)(e[+-]?\d++)?|CURRENT_TIMESTAMP(\(\d\))?|0x[0-9a-f]+"
    r"|(b|x|n|_\w+ ?)?'([^'\\]|''|\\.)*'",
    re.IGNORECASE | re.DOTALL,
)
_SPECIAL: Final = re.compile(r"['\\\0\n\r\x1a]")
_WRITTEN: Final = {
    "'": "''",
    "\\": "\\\\",
    "\0": "\\0",
    "\n": "\\n",
    "\r": "\\r",
    "\x1a": "\\Z",
}
_BINARY: Final = {
    "char": "binary",
    "varchar": "varbinary",
    "tinytext": "tinyblob",
    "text": "blob",
    "mediumtext": "mediumblob",
    "longtext": "longblob",
}
_WIDTHS: Final = {"tinyint": "3", "smallint": "5", "mediumint": "8", "int": "10", "bigint": "20"}
_SIZED: Final = {
    "text": (
        ("tinytext", 255),
        ("text", 65_535),
        ("mediumtext", 16_777_215),
        ("longtext", 2**32),
    ),
    "blob": (
        ("tinyblob", 255),
        ("blob", 65_535),
        ("mediumblob", 16_777_215),
        ("longblob", 2**32),
    ),
}
_ALIASES: Final = {
    "int1": "tinyint",
    "int2": "smallint",
    "int3": "mediumint",
    "middleint": "mediumint",
    "int4": "int",
    "integer": "int",
    "int8": "bigint",
    "dec": "decimal",
    "numeric": "decimal",
    "fixed": "decimal",
    "number": "decimal",
    "real": "double",
    "varcharacter": "varchar",
    "varchar2": "varchar",
    "raw": "varbinary",
    "clob": "longtext",
    "geomcollection": "geometrycollection",
}
