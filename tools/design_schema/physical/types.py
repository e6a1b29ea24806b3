"""Which type of an engine holds a logical type, and what the type alone does not keep.

PostgreSQL: https://www.postgresql.org/docs/current/datatype.html
MySQL: https://dev.mysql.com/doc/refman/8.4/en/data-types.html
SQLite: https://www.sqlite.org/datatype3.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ...ddl.model import Dialect
from ..domain.model import Attribute
from ..logical.model import PERIODS, Field

MOST_OF_EMAIL: Final = 254  # RFC 5321, 4.5.3.1.3
MOST_OF_URL: Final = 2_048
MOST_OF_VALUE: Final = 63  # characters of an enum's value: as in the domain model
SMALL_TEXT: Final = 255  # of MySQL's text that is indexed and has no limit of its own
_TEXTS: Final = frozenset({"text", "email", "url", "enum"})
_DECIMALS: Final = frozenset({"decimal", "money", "quantity"})
# ISO 4217: currencies whose smallest unit is not a hundredth.
_MINOR_UNITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW", "each"), 4),
}


def digits(said: Attribute) -> tuple[int, int]:
    """Precision and scale of a number with a fraction."""
    if said.scale is not None:
        scale = said.scale
    elif said.type == "money":
        scale = _MINOR_UNITS.get(said.currency or "each", 2)
    else:
        scale = 6 if said.type == "quantity" else 4
    return said.precision or max(19, scale + 1), scale


def longest(said: Attribute) -> int | None:
    """Characters that a text may have; None: as many as it wants."""
    if said.type == "enum":
        return MOST_OF_VALUE
    return said.max_length or {"email": MOST_OF_EMAIL, "url": MOST_OF_URL}.get(said.type)


def type_of(field: Field, dialect: Dialect, *, indexed: bool) -> str:
    """The type of the field's columns, as DDL has it. `indexed`: an index or a key has it."""
    said = field.type
    if dialect is Dialect.POSTGRES:
        return _in_postgres(said) + "[]" * said.array
    if said.array:
        return "TEXT" if dialect is Dialect.SQLITE else "json"
    if dialect is Dialect.SQLITE:
        return _in_sqlite(said)
    return _in_mysql(said, dialect, indexed)


def _in_postgres(said: Attribute) -> str:
    if said.type in _DECIMALS:
        precision, scale = digits(said)
        return f"numeric({precision},{scale})"
    return _POSTGRES[said.type]


def _in_sqlite(said: Attribute) -> str:
    if said.type in _DECIMALS:
        precision, scale = digits(said)
        return f"DECIMAL({precision},{scale})"
    return _SQLITE.get(said.type, "TEXT")


def _in_mysql(said: Attribute, dialect: Dialect, indexed: bool) -> str:
    if said.type in _DECIMALS:
        precision, scale = digits(said)
        return f"decimal({precision},{scale})"
    if said.type in _TEXTS:
        most = longest(said) or (SMALL_TEXT if indexed else None)
        return f"varchar({most})" if most and most <= 4_000 else "mediumtext"
    if said.type == "uuid":
        return "uuid" if dialect is Dialect.MARIADB else "binary(16)"
    if said.type == "binary":
        small = said.max_length is not None and said.max_length <= 4_000
        return f"varbinary({said.max_length})" if small else "longblob"
    return _MYSQL[said.type]


_POSTGRES: Final = {
    "text": "text",
    "email": "text",
    "url": "text",
    "enum": "text",
    "integer": "bigint",
    "date": "date",
    "time": "time",
    "instant": "timestamptz",
    "period": "tstzrange",
    "date_period": "daterange",
    "duration": "interval",
    "boolean": "boolean",
    "uuid": "uuid",
    "json": "jsonb",
    "binary": "bytea",
    "ip": "inet",
    "point": "point",
}
_SQLITE: Final = {
    "integer": "INTEGER",
    "boolean": "INTEGER",
    "duration": "INTEGER",
    "binary": "BLOB",
}
_MYSQL: Final = {
    "integer": "bigint",
    "date": "date",
    "time": "time",
    "instant": "datetime(6)",
    "period": "datetime(6)",
    "date_period": "date",
    "duration": "bigint",
    "boolean": "tinyint(1)",
    "json": "json",
    "ip": "varchar(45)",
    "point": "point",
}


def checks_of(field: Field, dialect: Dialect, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """What the type alone does not keep: a word for the constraint's name, and the condition.

    `names` are the field's columns, as they are to be written.
    """
    said, (name, *more) = field.type, names
    if said.array:
        if dialect is not Dialect.POSTGRES:
            yield "list", f"{name} IS NULL OR json_valid({name})"
        return
    if said.type in PERIODS:
        yield from _of_period(name, more, dialect, said.required)
    elif said.type in _TEXTS:
        yield from _of_text(said, name, dialect)
    elif said.type in (*_DECIMALS, "integer"):
        if limits := [*_of_number(said, name)]:
            yield "range", " AND ".join(limits)
    elif said.type == "duration":
        yield "positive", f"{name} >= {_ZERO.get(dialect, '0')}"
    elif said.type == "json" and dialect is Dialect.SQLITE:
        yield "json", f"{name} IS NULL OR json_valid({name})"  # of NULL it says 0
    elif said.type == "boolean" and dialect is not Dialect.POSTGRES:
        yield "boolean", f"{name} IN (0, 1)"
    elif said.type == "binary" and said.max_length:
        length = "octet_length" if dialect is not Dialect.SQLITE else "length"
        yield "length", f"{length}({name}) <= {said.max_length}"
    elif dialect is Dialect.SQLITE and said.type in _SQLITE_TEXTS:
        yield "format", _SQLITE_TEXTS[said.type].format(name)


_ZERO: Final = {Dialect.POSTGRES: "interval '0'"}
# SQLite has no type for these: the text is as its own functions write it.
_SQLITE_TEXTS: Final = {
    "date": "{0} IS date({0})",
    "time": "{0} IS time({0})",
    "instant": "{0} IS NULL OR datetime({0}) IS NOT NULL",
    "uuid": "length({0}) = 36",
}


def _of_period(
    name: str, more: list[str], dialect: Dialect, required: bool
) -> Iterator[tuple[str, str]]:
    if dialect is Dialect.POSTGRES:
        yield "given", f"NOT isempty({name})"
        return
    (end,) = more
    yield "order", f"{name} < {end}"
    if not required:
        yield "both", f"({name} IS NULL) = ({end} IS NULL)"


def _of_text(said: Attribute, name: str, dialect: Dialect) -> Iterator[tuple[str, str]]:
    length = "length" if dialect is Dialect.SQLITE else "char_length"
    if said.type == "enum":
        if said.growth != "often":
            listed = ", ".join(_quoted(value, dialect) for value in said.values)
            yield "known", f"{name} IN ({listed})"
        return
    most, least = longest(said), said.min_length or 0
    terms = [f"{length}({name}) >= {least}"] if least else []
    if most is not None:
        terms.append(f"{length}({name}) <= {most}")
    if terms:
        yield "length", " AND ".join(terms)
    if said.type == "email":
        yield "address", f"{name} LIKE '_%@_%'"
    if said.pattern and dialect is not Dialect.SQLITE:
        operator = "~" if dialect is Dialect.POSTGRES else "REGEXP"
        yield "pattern", f"{name} {operator} {_quoted(said.pattern, dialect)}"


def _of_number(said: Attribute, name: str) -> Iterator[str]:
    for operator, limit in ((">=", said.minimum), ("<=", said.maximum)):
        if limit is not None:
            yield f"{name} {operator} {int(limit) if limit == int(limit) else limit}"


def _quoted(text: str, dialect: Dialect) -> str:
    if dialect in (Dialect.MYSQL, Dialect.MARIADB):
        text = text.replace("\\", "\\\\")
    return "'" + text.replace("'", "''") + "'"


def default_of(field: Field, dialect: Dialect, version: tuple[int, ...]) -> str:
    """The default of the field's column as SQL; empty when it has none."""
    if field.role == "public_id":
        return _fresh_uuid(dialect, version)
    value, kind = field.type.default, field.type.type
    if value is None:
        return ""
    if value == "now" and kind in ("instant", "date", "time"):
        return _NOW[dialect, kind]
    if isinstance(value, bool):
        return str(value).lower() if dialect is Dialect.POSTGRES else str(int(value))
    if isinstance(value, str):
        return _quoted(value, dialect)
    return str(int(value)) if value == int(value) else str(value)


def _fresh_uuid(dialect: Dialect, version: tuple[int, ...]) -> str:
    match dialect:
        case Dialect.POSTGRES:
            return "uuidv7()" if version >= (18,) else "gen_random_uuid()"
        case Dialect.MARIADB:
            return "uuid()"
        case Dialect.MYSQL:
            return "(uuid_to_bin(uuid(), 1))"
    half = "substr(hex(randomblob(2)), 2)"  # version 4 and variant 10, RFC 9562, 5.4
    return (
        f"(lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || {half} || '-a' ||"
        f" {half} || '-' || hex(randomblob(6))))"
    )


_NOW: Final = {
    (Dialect.POSTGRES, "instant"): "now()",
    (Dialect.POSTGRES, "date"): "CURRENT_DATE",
    (Dialect.POSTGRES, "time"): "LOCALTIME",
    (Dialect.SQLITE, "instant"): "CURRENT_TIMESTAMP",
    (Dialect.SQLITE, "date"): "CURRENT_DATE",
    (Dialect.SQLITE, "time"): "CURRENT_TIME",
    **{
        (dialect, kind): f"({said})" if kind != "instant" else said
        for dialect in (Dialect.MYSQL, Dialect.MARIADB)
        for kind, said in (
            ("instant", "CURRENT_TIMESTAMP(6)"),
            ("date", "CURRENT_DATE"),
            ("time", "CURRENT_TIME"),
        )
    },
}
