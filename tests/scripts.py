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


def context(sql: str, facts: Facts | None = None) -> Context:
    """What a script runs on.

    Comments say it: `-- current: CREATE TABLE …;` the schema, `-- runner: alembic`, `-- pooler`,
    `-- postgres 11`.
    """
    tables = "\n".join(_CURRENT.findall(sql))
    schema = load({"s": tables}, Dialect.POSTGRES).schema if tables else Schema(Dialect.POSTGRES)
    runner, version = _RUNNER.search(sql), _VERSION.search(sql)
    return Context(
        schema,
        schema,
        (),
        int(version[1]) if version else 18,
        facts or Facts(),
        runner=runner[1] if runner else "psql",
        pooler="-- pooler" in sql,
    )


def judged(
    sql: str, rules: Iterable[Rule] | None = None, facts: Facts | None = None
) -> list[Hazard]:
    """The hazards of a script, of the default profile unless `rules` are given."""
    loaded = load({"script.sql": sql}, Dialect.POSTGRES)
    return list(judge(loaded, context(sql, facts), rules))
