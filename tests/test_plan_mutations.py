"""Good plans spoiled in the ways that people spoil them: a rehearsal or a hazard notices each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest

from backend_architect.tools.ddl.diff import changes
from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.plan_migration import Inputs, plan
from backend_architect.tools.plan_migration.context import Context
from backend_architect.tools.plan_migration.model import Phase, Step
from backend_architect.tools.plan_migration.operations.effects import with_effects
from backend_architect.tools.plan_migration.own_hazards import with_hazards
from backend_architect.tools.plan_migration.rehearsal.run import rehearse
from backend_architect.tools.postgres.cluster import Cluster

SHOP = """
    CREATE TABLE buyer (id int PRIMARY KEY, email text, name text NOT NULL);
    CREATE TABLE sale (
        id serial PRIMARY KEY,
        buyer_id int,
        qty int,
        note text
    );
"""
TARGETS = {
    "wider key": SHOP.replace("serial", "bigserial"),
    "other type": SHOP.replace("qty int", "qty bigint"),
    "required": SHOP.replace("qty int", "qty int NOT NULL"),
    "checked": SHOP.replace("qty int", "qty int CONSTRAINT few CHECK (qty > 0)"),
    "referring": SHOP.replace("buyer_id int", "buyer_id int CONSTRAINT own REFERENCES buyer"),
    "dropped": SHOP.replace(",\n        note text", ""),
    "exchanged": SHOP.replace("note text", "remark text"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A migration with the steps that were planned for it, and what these say of themselves."""

    context: Context
    steps: tuple[Step, ...]

    def problems(self, steps: Sequence[Step], server: Cluster) -> set[str]:
        """What hazards and rehearsal say of some steps, beyond what the planned ones say."""
        marked = with_hazards(with_effects(steps, self.context), self.context)
        seen = rehearse(self.context.current, self.context.target, (), marked, cluster=server)
        found = {hazard for step in marked for hazard in step.hazards}
        said = {hazard for step in self.steps for hazard in step.hazards}
        return found - said | {f"{w.kind} {w.error}" for w in seen.witnesses}


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with Cluster.start() as started:
        yield started


def case(name: str) -> Case:
    current, target = (load({"a": s}, Dialect.POSTGRES).schema for s in (SHOP, TARGETS[name]))
    inputs = Inputs({"a": SHOP}, {"b": TARGETS[name]})
    made = plan(inputs, Dialect.POSTGRES, (18,), rehearsal=False)
    return Case(Context(current, target, tuple(changes(current, target)), 18), made.steps)


def rewritten(steps: Sequence[Step], pattern: str, by: str) -> list[Step]:
    """The steps with a pattern replaced in their statements; it must occur."""
    changed = [
        replace(s, sql=tuple(re.sub(pattern, by, q, flags=re.S) for q in s.sql)) for s in steps
    ]
    assert changed != list(steps)
    return changed


@pytest.mark.parametrize("name", TARGETS)
def test_good_plans_raise_no_alarm(name: str, server: Cluster) -> None:
    good = case(name)
    assert not good.problems(good.steps, server)


@pytest.mark.parametrize("name", ["wider key", "other type", "dropped", "exchanged"])
def test_the_contract_phase_first(name: str, server: Cluster) -> None:
    good = case(name)
    last = [s for s in good.steps if s.phase is Phase.CONTRACT]
    rest = [s for s in good.steps if s.phase is not Phase.CONTRACT]
    assert last
    swapped = [replace(s, phase=Phase.EXPAND) for s in last]
    assert good.problems([*swapped, *(replace(s, phase=Phase.CONTRACT) for s in rest)], server)


@pytest.mark.parametrize("name", ["wider key", "other type"])
def test_without_the_backfill(name: str, server: Cluster) -> None:
    good = case(name)
    left = [step for step in good.steps if not step.batched]
    assert len(left) < len(good.steps)
    assert good.problems(left, server)


@pytest.mark.parametrize("name", ["required", "checked", "referring", "wider key"])
def test_without_not_valid(name: str, server: Cluster) -> None:
    good = case(name)
    assert good.problems(rewritten(good.steps, " NOT VALID", ""), server)


@pytest.mark.parametrize("name", ["wider key", "other type"])
@pytest.mark.parametrize(
    ("pattern", "by"),
    [
        (r"LIMIT \d{2,}", ""),
        (r"LIMIT \d{2,}", "LIMIT 1000000000"),
        (r"FROM batch WHERE .*?\)\n\)", "\n)"),
    ],
)
def test_a_batch_of_all_rows(name: str, pattern: str, by: str, server: Cluster) -> None:
    good = case(name)
    assert good.problems(rewritten(good.steps, pattern, by), server)


@pytest.mark.parametrize("name", ["wider key", "other type"])
def test_a_backfill_that_overwrites(name: str, server: Cluster) -> None:
    """A trigger that hears of every update would put the value right."""
    good = case(name)
    heard = {"wider key": "id", "other type": "qty"}[name]
    deaf = rewritten(good.steps, "INSERT OR UPDATE ON", f"INSERT OR UPDATE OF {heard} ON")
    constant = {"wider key": "t.id::bigint + 1", "other type": "7"}[name]
    spoiled = rewritten(deaf, r"SET (\w+_new) = .*?(?=\n)", rf"SET \1 = {constant}")
    assert good.problems(spoiled, server)


def test_a_trigger_that_does_not_hear_of_updates(server: Cluster) -> None:
    good = case("other type")
    assert good.problems(rewritten(good.steps, "INSERT OR UPDATE ON", "INSERT ON"), server)
