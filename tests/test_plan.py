"""The planner as a whole: two schemas in, rehearsed steps and their Markdown and data out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backend_architect.server.render.plan import data, verdict
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.plan_migration import Inputs, Unplannable, plan
from backend_architect.tools.plan_migration.model import Plan

BEFORE = "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric, note text);"
AFTER = """
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL, state text DEFAULT 'open');
CREATE INDEX orders_state_idx ON orders (state);
CREATE VIEW open_orders AS SELECT id FROM orders WHERE state = 'open';
"""
DOCUMENTED = (Path(__file__).parents[1] / "docs/plan.md").read_text("utf-8")


def planned(before: str, after: str) -> Plan:
    inputs = Inputs({"before.sql": before}, {"after.sql": after})
    return plan(inputs, Dialect.POSTGRES, (18,))


@pytest.fixture(scope="module")
def made() -> Plan:
    return planned(BEFORE, AFTER)


def test_a_plan_reaches_its_target(made: Plan) -> None:
    assert verdict(made) == "rehearsed", made.rehearsal
    assert made.rehearsal["target_reached"]
    assert made.rehearsal["mismatches"] == []


def test_an_index_built_concurrently_stands_alone(made: Plan) -> None:
    (step,) = [each for each in made.steps if "CONCURRENTLY" in " ".join(each.sql)]
    assert step.transaction == "none"
    assert len(step.sql) == 1


def test_a_lost_column_is_named_and_counted(made: Plan) -> None:
    (step,) = [each for each in made.steps if each.loses_data]
    assert (step.phase, step.undo.verdict) == ("contract", "no_return")
    assert any("count(*)" in query.sql for query in step.preflight)


def test_the_same_schema_needs_no_step() -> None:
    assert verdict(planned(AFTER, AFTER)) == "empty"


def test_without_a_target_there_is_nothing_to_plan() -> None:
    with pytest.raises(Unplannable, match="`target`"):
        plan(Inputs({"a.sql": BEFORE}), Dialect.POSTGRES)


def keys(section: str) -> list[str]:
    found = re.search(rf"^## {section}\n(.*?)(?=^#|\Z)", DOCUMENTED, re.MULTILINE | re.DOTALL)
    assert found
    return re.findall(r"^\| `(\w+)` \|", found[1], re.MULTILINE)


def test_the_keys_are_the_documented_ones(made: Plan) -> None:
    shown = data(made)
    assert list(shown) == keys("The plan")
    assert list(shown["summary"]) == keys("`summary`")
    assert list(shown["steps"][0]) == keys("A step")
    assert set(shown["rehearsal"]) <= set(keys("`rehearsal`"))


def test_the_keys_of_a_hazard_are_the_documented_ones() -> None:
    inputs = Inputs({"a.sql": BEFORE}, None, {"m.sql": "DROP TABLE orders;"})
    judged = data(plan(inputs, Dialect.POSTGRES, (18,), rehearsal=False))
    assert list(judged["hazards"][0]) == keys("A hazard")


def test_before_18_a_not_null_has_no_name_to_compare() -> None:
    """Rehearsed on 18, the exchanged column's NOT NULL gets a name that none has on 14."""
    after = BEFORE.replace("total numeric", "total numeric NOT NULL")
    wider = after.replace("total numeric", "total text")
    inputs = Inputs({"a.sql": after}, {"b.sql": wider})
    assert verdict(plan(inputs, Dialect.POSTGRES, (14,))) == "rehearsed"
