"""A plan as text, as pages, and as data: what a reader sees of it, whole and within a budget."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from backend_architect.server.render.page import BadCursor, tokens
from backend_architect.server.render.plan import data, report, verdict
from backend_architect.server.render.plan_page import page
from backend_architect.server.render.plan_text import markdown
from backend_architect.server.render.plan_timeline import gantt
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.engines.facts import Facts, TableFacts
from backend_architect.tools.plan_migration import Inputs, plan
from backend_architect.tools.plan_migration.model import Phase, Plan, Seconds, Step, Undo

BEFORE = "CREATE TABLE orders (id bigint PRIMARY KEY, customer text, total numeric, note text);"
AFTER = """
CREATE TABLE orders (
    id bigint PRIMARY KEY, customer text UNIQUE, total numeric NOT NULL, state text
);
CREATE INDEX orders_state_idx ON orders (state);
CREATE VIEW open_orders AS SELECT id FROM orders WHERE state = 'open';
"""
SCRIPT = """
ALTER TABLE orders ADD COLUMN buyer text;
CREATE INDEX orders_total ON orders (total);
"""


@pytest.fixture(scope="module")
def made() -> Plan:
    """A plan that was not rehearsed."""
    inputs = Inputs({"before.sql": BEFORE}, {"after.sql": AFTER})
    return plan(inputs, Dialect.POSTGRES, (18,), rehearsal=False)


@pytest.fixture(scope="module")
def judged() -> Plan:
    """A plan for a script with hazards, on a big table."""
    facts = Facts(tables={("public", "orders"): TableFacts(rows=10**8, bytes=10**10)})
    inputs = Inputs({"before.sql": BEFORE}, None, {"script.sql": SCRIPT})
    return plan(inputs, Dialect.POSTGRES, (16,), facts, rehearsal=False)


def seen(*witnesses: dict[str, Any], reached: bool = True) -> dict[str, Any]:
    return {
        "engine": "PostgreSQL 18.6",
        "ran": True,
        "target_reached": reached,
        "undo_verified": True,
        "witnesses": list(witnesses),
        "queries": [],
        "steps": [],
        "notes": [],
    }


def witness(kind: str, step: str = "1", **more: Any) -> dict[str, Any]:
    found = {"kind": kind, "step": step, "statement": "SELECT 1", "error": "42703: no such column"}
    return {**found, "rows": [], **more}


def step(number: int, phase: Phase = Phase.EXPAND, **more: Any) -> Step:
    title = f"Add column c{number}"
    sql = (f"ALTER TABLE t ADD COLUMN c{number} int",)
    return Step(phase, title, sql, "It is new.", Undo(), str(number), **more)


# The text


def test_every_step_stands_in_the_table_and_below_it(made: Plan) -> None:
    text = markdown(made)
    for each in made.steps:
        assert f"\n| {each.id} | {each.title} |" in text
        assert f"\n### {each.id}. {each.title}\n" in text
        for sql in each.sql:
            assert sql in text
    prose = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)
    assert ".." not in prose


def test_what_concerns_all_steps_is_said_once(made: Plan) -> None:
    text = markdown(made)
    assert text.count("lock_timeout") == 1
    assert text.count("xact_start < now()") == 1
    assert text.count("transaction of its own") == 1
    links = re.findall(r"https://\S+?(?=[,\n])", text)
    assert len(links) == len(set(links))


def test_the_new_code_is_deployed_between_the_phases(made: Plan) -> None:
    text = markdown(made)
    gate = "**Deploy the new code, until no instance of the old one is left.**"
    assert text.index("## Expand") < text.index(gate) < text.index("## Contract")
    assert "## Migrate" not in text


def test_the_new_code_waits_for_the_step_that_says_so() -> None:
    steps = (
        step(1),
        step(2, Phase.MIGRATE),
        step(3, Phase.MIGRATE, after="the new code may be deployed"),
        step(4, Phase.MIGRATE),
        step(5, Phase.CONTRACT),
    )
    text = markdown(Plan("postgres", (18,), steps))
    deploy = text.index("**Deploy the new code; both versions run.**")
    gone = text.index("**Wait until no instance of the old code is left.**")
    assert text.index("### 3. ") < deploy < text.index("### 4. ") < gone < text.index("### 5. ")
    assert text.count("## Migrate\n") == 1


def test_unknown_times_are_explained_and_known_ones_are_ranges(made: Plan, judged: Plan) -> None:
    assert "Time `?`: it depends on sizes that are not known; give `facts`." in markdown(made)
    assert "`?`" not in markdown(judged)
    assert re.search(r"\| 40 s to 10 min \|", markdown(judged)), markdown(judged)


def test_the_chart_is_as_long_as_the_steps(judged: Plan) -> None:
    lengths = [int(n) for n in re.findall(r" :(\d+)ms$", gantt(judged), re.MULTILINE)]
    highest = [each.duration.high for each in judged.steps if each.duration]
    assert lengths == [round(1000 * high) for high in highest]


def test_hazards_come_before_the_steps_with_their_places(judged: Plan) -> None:
    text = markdown(judged)
    for number, each in enumerate(judged.hazards, 1):
        where = f"script.sql:{each.location.line}:{each.location.column}"
        assert f"\n{number}. **{each.severity.word}** `{each.rule}` {where}: {each.message}" in text
    assert text.index("## Hazards in the script") < text.index("\n### 1. ")


# The verdict


@pytest.mark.parametrize(
    ("rehearsal", "word", "said"),
    [
        ({}, "planned", "**Planned for PostgreSQL 18, not rehearsed**."),
        ({"ran": False, "reason": "none here"}, "planned", "not rehearsed**: none here."),
        (seen(), "rehearsed", "reaches the target; every undo holds as stated."),
        (seen(reached=False), "refused", "on PostgreSQL 18.6, the target is not reached."),
        (seen(witness("step fails")), "refused", "on PostgreSQL 18.6, a step fails."),
        (seen(witness("old query")), "refused", "old code fails before the contract phase."),
        (seen(witness("new query")), "refused", "new code fails at the end."),
        (seen(witness("interleaving")), "refused", "the backfill loses writes."),
        (seen(witness("undo")), "rehearsed", "reaches the target;"),
    ],
)
def test_the_verdict_says_what_was_seen(rehearsal: dict[str, Any], word: str, said: str) -> None:
    shown = Plan("postgres", (18,), (step(1),), rehearsal=rehearsal)
    assert verdict(shown) == word
    assert said in markdown(shown).splitlines()[2]


def test_what_a_step_says_of_itself_is_no_surprise() -> None:
    steps = (step(1, hazards=("breaks old code",)),)
    shown = Plan("postgres", (16,), steps, rehearsal=seen(witness("old query")))
    assert verdict(shown) == "rehearsed"
    first = markdown(shown).splitlines()[2]
    assert first.startswith(
        "**Rehearsed** on PostgreSQL 18.6 (planned for 16): reaches the target;"
    )
    assert "old code fails after step 1, as the step says." in first


def test_a_witness_is_shown_with_its_statement_rows_and_error() -> None:
    script = {"ran": True, "witnesses": [witness("old query", "s.sql:1", rows=["row 7"], more=2)]}
    shown = Plan("postgres", (18,), (step(1),), rehearsal={**seen(), "script": script})
    assert (
        "**Your script as it is**, run on the same rows:\n"
        "- old code fails after s.sql:1: `SELECT 1` (and 2 statements alike)"
        " → 42703: no such column. row 7"
    ) in markdown(shown)


def test_sqlite_locks_the_database() -> None:
    inputs = Inputs({"a.sql": "CREATE TABLE t (a int);"}, {"b.sql": "CREATE TABLE t (a, b);"})
    text = markdown(plan(inputs, Dialect.SQLITE, (3, 40), rehearsal=False))
    assert "**Planned for SQLite 3.40, not rehearsed**." in text
    assert "| RESERVED on the database; EXCLUSIVE on the database | writes |" in text


# Pages


BIG = Plan("postgres", (18,), tuple(step(n, duration=Seconds(1, 2)) for n in range(1, 150)))
WIDE = Plan("postgres", (18,), (step(1), replace(step(2), sql=("SELECT 1",) * 20_000), step(3)))


@pytest.mark.parametrize("budget", [500, 1_000, 4_000, 20_000])
@pytest.mark.parametrize("detail", ["concise", "full"])
@pytest.mark.parametrize("which", ["made", "judged", "big", "wide"])
def test_pages_hold_each_part_once_within_the_budget(
    which: str, detail: str, budget: int, request: pytest.FixtureRequest
) -> None:
    plans = {"big": BIG, "wide": WIDE}
    whole: Plan = plans[which] if which in plans else request.getfixturevalue(which)
    steps, hazards, cursor = [], 0, None
    while True:
        shown = page(whole, budget, cursor, detail)
        assert tokens(shown.text) <= budget
        assert tokens(json.dumps(shown.data, ensure_ascii=False)) <= budget
        assert shown.text.count("```") % 2 == 0
        steps += [each["id"] for each in shown.data["steps"]]
        hazards += len(shown.data["hazards"])
        cursor = shown.data["next_cursor"]
        if cursor is None:
            break
    assert steps == [each.id for each in whole.steps]
    assert hazards == len(whole.hazards)


def test_a_step_too_large_for_a_page_is_named() -> None:
    shown = page(WIDE, 20_000, page(WIDE, 20_000).data["next_cursor"])
    assert "### 2. Add column c2\n\nLarger than this page: ask with a greater `max_tokens`." in (
        shown.text
    )
    assert [each["id"] for each in shown.data["steps"]] == ["2", "3"]
    assert set(shown.data["steps"][0]) == {"id", "phase", "title"}


def test_a_cursor_of_another_plan_is_refused(made: Plan) -> None:
    for cursor, said in [
        ("1.000000000000", "another answer"),
        ("one", "no cursor of an earlier answer"),
    ]:
        with pytest.raises(BadCursor, match=said):
            page(made, 1_000, cursor)


# Data


def test_the_observations_are_in_the_full_answer(made: Plan) -> None:
    observed = {
        "id": "1",
        "locks": [{"table": "orders", "mode": "AccessExclusiveLock"}],
        "rewrites": [],
        "scans": [],
        "rounds": 1,
        "interleavings": 0,
        "undo": {"verdict": "lossless"},
    }
    rehearsed = replace(made, rehearsal={**seen(), "steps": [observed]})
    full = page(rehearsed, 20_000, None, "full")
    assert full.data["rehearsal"]["steps"] == [observed]
    assert "- observed: took ACCESS EXCLUSIVE on orders; its undo is lossless\n" in full.text
    assert "steps" not in page(rehearsed, 20_000).data["rehearsal"]


def test_hazards_as_findings_have_distinct_fingerprints(judged: Plan) -> None:
    twice = report(replace(judged, hazards=(*judged.hazards, *judged.hazards)))
    assert len({finding.fingerprint for finding in twice.findings}) == 2 * len(judged.hazards)
    assert [finding.rule for finding in report(judged).findings] == sorted(
        (hazard.rule for hazard in judged.hazards),
        key=lambda rule: [finding.rule for finding in report(judged).findings].index(rule),
    )


def test_equal_input_gives_equal_bytes(judged: Plan) -> None:
    facts = Facts(tables={("public", "orders"): TableFacts(rows=10**8, bytes=10**10)})
    inputs = Inputs({"before.sql": BEFORE}, None, {"script.sql": SCRIPT})
    again = plan(inputs, Dialect.POSTGRES, (16,), facts, rehearsal=False)
    assert json.dumps(data(again)) == json.dumps(data(judged))
