from __future__ import annotations

import pytest

from backend_architect.tools.ddl.model import Dialect, Type
from backend_architect.tools.ddl.types import Family, family, int_width, max_length

POSTGRES, MYSQL, MARIADB, SQLITE = Dialect


@pytest.mark.parametrize(
    ("dialect", "type", "expected"),
    [
        (POSTGRES, Type("bigint"), Family.INTEGER),
        (POSTGRES, Type("timestamp with time zone", ("3",)), Family.TIMESTAMPTZ),
        (POSTGRES, Type("interval day to second"), Family.INTERVAL),
        (POSTGRES, Type("text", array=True), Family.ARRAY),
        (POSTGRES, Type("citext", schema="extensions"), Family.TEXT),
        (POSTGRES, Type("mood", schema="public"), Family.USER),
        (POSTGRES, Type("point", schema="public"), Family.USER),
        (MYSQL, Type("tinyint", ("1",)), Family.BOOLEAN),
        (MYSQL, Type("tinyint", ("4",)), Family.INTEGER),
        (MYSQL, Type("datetime"), Family.TIMESTAMP),
        (MYSQL, Type("timestamp"), Family.TIMESTAMPTZ),
        (MYSQL, Type("json"), Family.JSONB),
        (MARIADB, Type("json"), Family.JSON),
        (MYSQL, Type("double precision"), Family.FLOAT),
        (SQLITE, Type("BIGINT UNSIGNED"), Family.INTEGER),
        (SQLITE, Type("nvarchar", ("20",)), Family.VARCHAR),
        (SQLITE, Type("CLOB"), Family.TEXT),
        (SQLITE, Type("datetime"), Family.TIMESTAMP),
        (SQLITE, Type(""), Family.BINARY),
        (SQLITE, Type("anything"), Family.DECIMAL),
    ],
)
def test_family(dialect: Dialect, type: Type, expected: Family) -> None:
    assert family(type, dialect) is expected


def test_width() -> None:
    assert int_width(Type("smallint"), POSTGRES) == 2
    assert int_width(Type("mediumint"), MYSQL) == 3
    assert int_width(Type("tinyint"), SQLITE) == 8
    assert int_width(Type("numeric"), POSTGRES) is None
    assert int_width(Type("integer", array=True), POSTGRES) is None


def test_length() -> None:
    assert max_length(Type("character varying", ("20",))) == 20
    assert max_length(Type("character varying")) is None
    assert max_length(Type("character")) == 1
    assert max_length(Type('"char"')) is None
    assert max_length(Type("numeric", ("10", "2"))) is None
    assert max_length(Type("varbinary", ("16",))) == 16
