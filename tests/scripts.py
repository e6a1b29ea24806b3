"""Examples of migration scripts: SQL with what it runs on in its comments."""

from __future__ import annotations

import re
from collections.abc import Iterable

from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect, Schema
from backend_architect.tools.engines.facts import Facts
from backend_architect.tools.plan_migration.context import Context
from backend_architect.tools.plan_migration.hazards import judge
from backend_architect.tools.plan_migration.model import Hazard
from backend_architect.tools.rule import Rule

_CURRENT = re.compile(r"^-- current: (.*)$", re.M)
_RUNNER = re.compile(r"^-- runner: (.*)$", re.M)
_VERSION = re.compile(r"^-- postgres (\d+)$", re.M)
_SQLITE = re.compile(r"^-- sqlite ?([\d.]*)$", re.M)


def context(sql: str, facts: Facts | None = None) -> Context:
    """What a script runs on.

    Comments say it: `-- current: CREATE TABLE …;` the schema, `-- runner: alembic`, `-- pooler`,
    `-- postgres 11`, `-- sqlite` or `-- sqlite 3.24`.
    """
    tables = "\n".join(_CURRENT.findall(sql))
    engine, lite = dialect(sql), _SQLITE.search(sql)
    schema = load({"s": tables}, engine).schema if tables else Schema(engine)
    runner, version = _RUNNER.search(sql), _VERSION.search(sql)
    return Context(
        schema,
        schema,
        (),
        int(version[1]) if version else 18,
        facts or Facts(),
        runner=runner[1] if runner else "psql",
        pooler="-- pooler" in sql,
        exact=tuple(map(int, lite[1].split("."))) if lite and lite[1] else (),
    )


def dialect(sql: str) -> Dialect:
    """The engine that a script is for."""
    return Dialect.SQLITE if _SQLITE.search(sql) else Dialect.POSTGRES


def judged(
    sql: str, rules: Iterable[Rule] | None = None, facts: Facts | None = None
) -> list[Hazard]:
    """The hazards of a script, of the default profile unless `rules` are given."""
    loaded = load({"script.sql": sql}, dialect(sql))
    return list(judge(loaded, context(sql, facts), rules))
