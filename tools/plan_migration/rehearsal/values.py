"""Values of a PostgreSQL type that break things: the largest, the smallest, empty, not ASCII.

All are text as the type's input function reads it (manual, chapter 8 "Data Types").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ...ddl.model import Name, Schema, Type

LONG: Final = 300  # characters of a long text
_WORDS: Final = ("Straße 漢字 😀", 'O\'Brien \\ "x"', " a b ")

_PLAIN: Final[Mapping[str, tuple[str, ...]]] = {
    "smallint": ("1", "32767", "-32768", "0"),
    "integer": ("1", "2147483647", "-2147483648", "0"),
    "bigint": ("1", "9223372036854775807", "-9223372036854775808", "0"),
    "oid": ("1", "4294967295", "0"),
    "real": ("1.5", "3.4e38", "-1e-37", "0"),
    "double precision": ("1.5", "1.7e308", "-1e-307", "0"),
    "money": ("1.00", "92233720368547758.07", "-92233720368547758.08", "0"),
    "boolean": ("t", "f"),
    "date": ("2024-02-29", "9999-12-31", "0001-01-01", "1970-01-01"),
    "timestamp": ("2024-02-29 12:00:00.123456", "9999-12-31 23:59:59.999999", "0001-01-01"),
    "time": ("12:00:00.123456", "23:59:59.999999", "00:00:00"),
    "interval": ("1 day", "100 years", "-1 month", "0"),
    "uuid": (
        "00000000-0000-4000-8000-000000000001",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "00000000-0000-0000-0000-000000000000",
    ),
    "json": ('{"a": 1}', "[]", "{}", "null", '"漢字"'),
    "bytea": ("\\x61", "\\x" + "ff" * LONG, "\\x", "\\x00"),
    "inet": ("192.0.2.1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "0.0.0.0/0"),
    "cidr": ("192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0"),
    "macaddr": ("08:00:2b:01:02:03", "ff:ff:ff:ff:ff:ff"),
    "macaddr8": ("08:00:2b:01:02:03:04:05", "ff:ff:ff:ff:ff:ff:ff:ff"),
    "tsvector": ("a b", ""),
    "tsquery": ("a & b", ""),
    "xml": ("<a/>",),
    "point": ("(1,2)",),
    "line": ("{1,2,3}",),
    "lseg": ("[(0,0),(1,1)]",),
    "box": ("(1,1),(0,0)",),
    "path": ("[(0,0),(1,1)]",),
    "polygon": ("((0,0),(1,1),(1,0))",),
    "circle": ("<(0,0),1>",),
    "pg_lsn": ("0/1",),
    "ltree": ("a.b", ""),
    "hstore": ("a=>1", ""),
    "regclass": ("pg_catalog.pg_class",),
}
_TEXTS: Final = frozenset({"text", "character varying", "citext", "name", "character", '"char"'})
_RANGES: Final = {
    "int4range": ("[1,2)", "empty", "(,)"),
    "int8range": ("[1,2)", "empty", "(,)"),
    "numrange": ("[1,2]", "empty", "(,)"),
    "daterange": ("[2024-01-01,2024-02-01)", "empty", "(,)"),
    "tsrange": ("[2024-01-01,2024-02-01)", "empty", "(,)"),
    "tstzrange": ("[2024-01-01,2024-02-01)", "empty", "(,)"),
}


def candidates(schema: Schema, type: Type) -> tuple[str, ...]:
    """Values worth trying, a plain one first and the largest second; none for an unknown type."""
    if type.array:
        element = candidates(schema, Type(type.name, type.args, type.schema))
        return ("{}", "{NULL}", *(f"{{{_quoted(value)}}}" for value in element[:2]))
    if type.schema:
        return _of_user(schema, type)
    name = _short(type.name)
    if name in _TEXTS:
        return _texts(name, type.args)
    if name == "numeric":
        return _numerics(type.args)
    if name in ("bit", "bit varying"):
        length = int(type.args[0]) if type.args else 1
        return "0" * length, "1" * length
    if name == "vector":
        length = int(type.args[0]) if type.args else 3
        return (f"[{','.join(['1'] * length)}]",)
    return _RANGES.get(name) or _PLAIN.get("json" if name == "jsonb" else name, ())


def distinct(schema: Schema, type: Type, number: int) -> str | None:
    """A plain value that is another for each number; None where there is none."""
    type = base(schema, type)
    name = _short(type.name)
    if type.array or type.schema:
        several = candidates(schema, type)
        return several[number] if number < len(several) else None
    if name in ("smallint", "integer", "bigint", "numeric", "real", "double precision", "oid"):
        return str(number + 2)
    if name in _TEXTS:
        most = int(type.args[0]) if type.args else {"name": 63, '"char"': 1}.get(name, LONG)
        most = 1 if name == "character" and not type.args else most
        value = f"{number}{_WORDS[number % len(_WORDS)]}".strip() if most > 20 else str(number)
        return value if len(value) <= most else None
    month = f"20{number // 12 % 100:02}-{number % 12 + 1:02}"
    if name in ("date", "timestamp"):
        return f"{month}-01"
    if name in _RANGES:
        numbers = name in ("int4range", "int8range", "numrange")
        return f"[{number},{number + 1})" if numbers else f"[{month}-01,{month}-02)"
    if name == "uuid":
        return f"00000000-0000-4000-8000-{number:012}"
    if name == "inet":
        return f"192.0.2.{number % 250}"
    if name in ("json", "jsonb"):
        return f'{{"a": {number}}}'
    if name == "bytea":
        return f"\\x{number:08x}"
    several = candidates(schema, type)
    return several[number] if number < len(several) else None


def within(schema: Schema, type: Type, value: str, number: int) -> str:
    """A text that contains a value, another for each number; of other types the value itself."""
    free = is_text(schema, type) and not base(schema, type).args
    return f"{number}{value}{number}" if free else value


def is_text(schema: Schema, type: Type) -> bool:
    """Whether a type is one of characters, of any length."""
    type = base(schema, type)
    return _short(type.name) in _TEXTS and not type.array and not type.schema


def base(schema: Schema, type: Type) -> Type:
    """The type behind domains."""
    for _ in range(20):
        domain = schema.domains.get(Name(type.schema, type.name))
        if domain is None or type.array:
            break
        type = domain.type
    return type


def literals(expression: str) -> tuple[str, ...]:
    """The constants of an expression, and for numbers their neighbours."""
    found: dict[str, None] = {}
    for text, number in _CONSTANT.findall(expression[:5_000]):
        if number and len(number) < 20:
            whole = int(number.partition(".")[0] or 0)
            found |= dict.fromkeys((number, str(whole + 1), str(whole - 1)))
        elif not number:
            found[text.replace("''", "'")] = None
    return tuple(found)[:40]


_CONSTANT: Final = re.compile(r"'((?:[^']|'')*)'|(?<![\w.])(-?\d+(?:\.\d+)?)(?![\w.])")


def _short(name: str) -> str:
    return name.partition(" with")[0].strip()


def _of_user(schema: Schema, type: Type) -> tuple[str, ...]:
    name = Name(type.schema, type.name)
    if enum := schema.enums.get(name):
        return enum.values
    if domain := schema.domains.get(name):
        wanted = [v for check in domain.checks.values() for v in literals(check.expression)]
        return (*candidates(schema, domain.type), *wanted)
    if composite := schema.composites.get(name):
        return (f"({',' * (len(composite.attributes) - 1)})",)
    if range := schema.ranges.get(name):
        bounds = candidates(schema, range.subtype)[:1]
        return ("empty", "(,)", *(f"[{_quoted(bound)},)" for bound in bounds))
    return candidates(schema, Type(type.name, type.args))  # an extension's


def _texts(name: str, args: tuple[str, ...]) -> tuple[str, ...]:
    if name == '"char"':
        return "a", "z"
    most = int(args[0]) if args else {"character": 1, "name": 60}.get(name, LONG)
    wide = "ÿ" * (30 if name == "name" else min(most, 10_000))
    cut = tuple(word[:most] for word in _WORDS)
    return ("a", wide, "", *cut)


def _numerics(args: tuple[str, ...]) -> tuple[str, ...]:
    if not args:
        return "1.5", "1" + "0" * 30, "-0.000000000000000001", "0", "NaN"
    precision, scale = int(args[0]), int(args[1]) if len(args) > 1 else 0
    digits = "9" * precision
    if scale < 0 or scale > precision:
        return ("0",)
    largest = f"{digits[scale:] or '0'}.{'9' * scale}".rstrip(".")
    return ("1" if precision > scale else "0"), largest, f"-{largest}", "0"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
