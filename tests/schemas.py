"""Examples of schema rules: SQL with what it is to be read as in its comments."""

from __future__ import annotations

import json
import re
from typing import Any

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema import review
from backend_architect.tools.engines.facts import read_facts
from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Report

_ENGINE = re.compile(r"-- (postgres|mysql|mariadb|sqlite)(?: ([\d.]+))?\n")
_FACTS = re.compile(r"^-- facts: (.*)$", re.M)


def reviewed(
    example: str, profile: str = "default", only: tuple[str, ...] = (), prove: bool = False
) -> Report:
    """The report on an example.

    Its first line may name the engine (`-- mysql 8.0`), a line `-- facts: {…}` gives facts, what
    follows a line `-- queries` are the application's.
    """
    ddl, _, queries = example.partition("\n-- queries\n")
    engine = _ENGINE.match(example)
    facts = _FACTS.search(example)
    options: dict[str, Any] = {}
    if facts:
        options["facts"] = read_facts(json.loads(facts[1]))
    if queries:
        options["queries"] = {"queries.sql": queries}
    return review(
        {"schema.sql": ddl},
        "schema.sql",
        Dialect(engine[1]) if engine else Dialect.POSTGRES,
        tuple(map(int, engine[2].split("."))) if engine and engine[2] else (),
        policy=Policy(profile=profile, only_rules=only),
        prove=prove,
        **options,
    )
