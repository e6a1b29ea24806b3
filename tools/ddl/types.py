"""What a type is, whatever an engine calls it: its family, its width, its longest value."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from .model import Dialect, Type


class Family(StrEnum):
    """Kinds of types that behave alike in every engine."""

    INTEGER = "integer"
    DECIMAL = "decimal"  # exact
    FLOAT = "float"
    MONEY = "money"  # PostgreSQL's, whose scale depends on the locale
    BOOLEAN = "boolean"
    TEXT = "text"  # no declared length
    VARCHAR = "varchar"
    CHAR = "char"  # padded with blanks
    BINARY = "binary"
    BIT = "bit"
    DATE = "date"
    TIME = "time"
    TIMETZ = "timetz"
    TIMESTAMP = "timestamp"  # a date and a time of no zone
    TIMESTAMPTZ = "timestamptz"  # a moment
    INTERVAL = "interval"
    YEAR = "year"
    UUID = "uuid"
    JSON = "json"  # kept as written
    JSONB = "jsonb"  # kept parsed; MySQL's json is of this kind
    XML = "xml"
    ENUM = "enum"
    SET = "set"
    ARRAY = "array"
    RANGE = "range"
    NETWORK = "network"
    GEOMETRIC = "geometric"
    VECTOR = "vector"
    TEXT_SEARCH = "text search"
    KEY_VALUE = "key-value"
    SYSTEM = "system"  # oid and the like: references into PostgreSQL's own catalog
    USER = "user"  # an enum, domain or composite of the schema
    OTHER = "other"


def family(type: Type, dialect: Dialect) -> Family:
    """The family of a type as its engine treats it; USER for a name that no engine defines.

    MySQL's `tinyint(1)` is a boolean and its `timestamp` a moment. SQLite's are told by common
    names, then by the affinity rules (https://www.sqlite.org/datatype3.html#determination_of_column_affinity).
    """
    if type.array:
        return Family.ARRAY
    name = type.name.lower()
    if dialect is Dialect.POSTGRES:
        if type.schema not in ("", "pg_catalog"):
            return _EXTENSIONS.get(name, Family.USER)
        if name.startswith("interval"):
            return Family.INTERVAL
        return _POSTGRES.get(name) or _EXTENSIONS.get(name, Family.USER)
    if dialect is Dialect.SQLITE:
        return _sqlite(name)
    if name == "tinyint" and type.args == ("1",):
        return Family.BOOLEAN
    if dialect is Dialect.MARIADB and name == "json":
        return Family.JSON
    return _MYSQL.get(name, Family.OTHER)


def int_width(type: Type, dialect: Dialect) -> int | None:
    """The bytes of an integer type: 1, 2, 3, 4 or 8; None for any other type.

    Every integer of SQLite can grow to 8 bytes, whatever its column is called.
    """
    if family(type, dialect) is not Family.INTEGER:
        return None
    return 8 if dialect is Dialect.SQLITE else _WIDTHS.get(type.name.lower())


def max_length(type: Type) -> int | None:
    """The declared length of a character, binary or bit type; None when it has none.

    It counts characters, bytes or bits as the type does. SQLite keeps it but does not enforce it.
    """
    if type.array or not _HAS_LENGTH.search(type.name.lower()):
        return None
    if not type.args:
        return 1 if type.name.lower() in ("char", "character", "bit", "binary") else None
    return int(type.args[0]) if type.args[0].isascii() and type.args[0].isdigit() else None


_HAS_LENGTH: Final = re.compile(
    r"^(.*char(acter)?( varying)?2?|text|(var)?binary|blob|bit( varying)?)$"
)


def _sqlite(name: str) -> Family:
    """By the names that people use, then by affinity; no type at all is a blob."""
    for pattern, found in _SQLITE:
        if pattern.search(name):
            return found
    return Family.BINARY if not name else Family.DECIMAL  # NUMERIC affinity


def _table(lines: dict[Family, str]) -> dict[str, Family]:
    return {name.strip(): kind for kind, names in lines.items() for name in names.split(",")}


_WIDTHS: Final = {
    "tinyint": 1,
    "smallint": 2,
    "mediumint": 3,
    "int": 4,
    "integer": 4,
    "bigint": 8,
}

# https://www.postgresql.org/docs/18/datatype.html, names as format_type prints them.
_POSTGRES: Final = _table(
    {
        Family.INTEGER: "smallint, integer, bigint",
        Family.DECIMAL: "numeric",
        Family.FLOAT: "real, double precision",
        Family.MONEY: "money",
        Family.BOOLEAN: "boolean",
        Family.TEXT: "text, name",
        Family.VARCHAR: "character varying",
        Family.CHAR: 'character, bpchar, "char"',
        Family.BINARY: "bytea",
        Family.BIT: "bit, bit varying",
        Family.DATE: "date",
        Family.TIME: "time without time zone",
        Family.TIMETZ: "time with time zone",
        Family.TIMESTAMP: "timestamp without time zone",
        Family.TIMESTAMPTZ: "timestamp with time zone",
        Family.UUID: "uuid",
        Family.JSON: "json",
        Family.JSONB: "jsonb",
        Family.XML: "xml",
        Family.RANGE: "int4range, int8range, numrange, tsrange, tstzrange, daterange,"
        "int4multirange, int8multirange, nummultirange, tsmultirange, tstzmultirange,"
        "datemultirange",
        Family.NETWORK: "inet, cidr, macaddr, macaddr8",
        Family.GEOMETRIC: "point, line, lseg, box, path, polygon, circle",
        Family.TEXT_SEARCH: "tsvector, tsquery",
        Family.SYSTEM: "oid, regclass, regcollation, regconfig, regdictionary, regnamespace,"
        "regoper, regoperator, regproc, regprocedure, regrole, regtype, xid, xid8, cid, tid,"
        "pg_lsn, pg_snapshot, txid_snapshot",
        Family.OTHER: "jsonpath, refcursor, record, anyelement, anyarray, void, trigger",
    }
)
_EXTENSIONS: Final = _table(
    {
        Family.TEXT: "citext",
        Family.KEY_VALUE: "hstore",
        Family.GEOMETRIC: "geometry, geography, raster, cube",
        Family.VECTOR: "vector, halfvec, sparsevec",
        Family.OTHER: "ltree, lquery, ltxtquery, isn, seg",
    }
)
# https://dev.mysql.com/doc/refman/8.4/en/data-types.html, https://mariadb.com/kb/en/data-types/
_MYSQL: Final = _table(
    {
        Family.INTEGER: "tinyint, smallint, mediumint, int, integer, bigint",
        Family.DECIMAL: "decimal, numeric, dec, fixed",
        Family.FLOAT: "float, double, double precision, real",
        Family.BOOLEAN: "bool, boolean",
        Family.TEXT: "tinytext, text, mediumtext, longtext",
        Family.VARCHAR: "varchar, nvarchar, varchar2",
        Family.CHAR: "char, nchar",
        Family.BINARY: "binary, varbinary, tinyblob, blob, mediumblob, longblob",
        Family.BIT: "bit",
        Family.DATE: "date",
        Family.TIME: "time",
        Family.TIMESTAMP: "datetime",
        Family.TIMESTAMPTZ: "timestamp",
        Family.YEAR: "year",
        Family.JSONB: "json",
        Family.UUID: "uuid",
        Family.NETWORK: "inet4, inet6",
        Family.ENUM: "enum",
        Family.SET: "set",
        Family.GEOMETRIC: "geometry, point, linestring, polygon, multipoint, multilinestring,"
        "multipolygon, geometrycollection, geomcollection",
        Family.VECTOR: "vector",
    }
)
# Names first, then the affinity rules in their order.
_SQLITE: Final = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"^bool(ean)?$", Family.BOOLEAN),
        (r"^(timestamptz|timestamp with time zone)$", Family.TIMESTAMPTZ),
        (r"^(datetime|timestamp)", Family.TIMESTAMP),
        (r"^date$", Family.DATE),
        (r"^time( without time zone)?$", Family.TIME),
        (r"^(uuid|guid|uniqueidentifier)$", Family.UUID),
        (r"^jsonb$", Family.JSONB),
        (r"^json$", Family.JSON),
        (r"^(var)?binary$|^bytea$|^image$", Family.BINARY),
        (r"^interval$", Family.INTERVAL),
        (r"^(decimal|numeric|number|money|currency)$", Family.DECIMAL),
        (r"int", Family.INTEGER),
        (r"varchar|char(acter)? varying|varying character", Family.VARCHAR),
        (r"char", Family.CHAR),
        (r"clob|text|^string$", Family.TEXT),
        (r"blob", Family.BINARY),
        (r"real|floa|doub", Family.FLOAT),
    )
)
