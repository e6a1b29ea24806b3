"""The command `plan-migration`."""

from __future__ import annotations

import gc
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .terminal import (
    CLEAN,
    FOUND,
    Named,
    common_options,
    expanded,
    indented,
    printed,
    progress,
    refused,
)

if TYPE_CHECKING:
    from backend_architect.tools.plan_migration.model import Plan

    from .jobs import MigrationRequest

RUNNERS = ("psql", "alembic", "django", "flyway", "golang-migrate", "liquibase", "prisma", "rails")
RATES = ("scan", "build", "rewrite", "update")


def _rates(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, float]:
    """`scan=500000000` as pairs."""
    rates = {}
    for text in given:
        kind, _equals, number = text.partition("=")
        try:
            rates[kind] = float(number)
        except ValueError:
            rates[kind] = math.nan
        if kind not in RATES or not 0 < rates[kind] < math.inf:
            raise click.BadParameter(f"{text!r} is none; `scan=500000000` would be one")
    return rates


@click.command("plan-migration")
@click.option("--current", multiple=True, help="The schema as it is: file or folder; repeatable.")
@click.option("--target", multiple=True, help="The schema to reach; repeatable.")
@click.option("--migration", multiple=True, help="Instead of --target: a script, to be judged.")
@click.option("--dialect", type=click.Choice(["postgres", "sqlite"]), help="Default: told.")
@click.option("--engine-version", default="", help="16; default: the newest.")
@click.option("--facts", help="File with what `facts-query` returned.")
@click.option(
    "--rate", "rates", multiple=True, callback=_rates,
    help="Measured, a second: scan, build, rewrite (bytes), update (rows): scan=500000000.",
)  # fmt: skip
@click.option("--queries-before", multiple=True, help="The SQL of the code that is in use.")
@click.option("--queries-after", multiple=True, help="The SQL of the new code.")
@click.option(
    "--rename",
    "renames",
    multiple=True,
    help="orders.customer=buyer, mood.ok=fine, users.city=addresses.city; see docs/plan.md.",
)
@click.option("--runner", type=click.Choice(RUNNERS), default="psql", show_default=True)
@click.option("--pooler", is_flag=True, help="A transaction pooler is in front.")
@click.option("--rehearsal/--no-rehearsal", default=True, show_default=True)
@common_options
def plan_migration(
    current: tuple[str, ...],
    target: tuple[str, ...],
    migration: tuple[str, ...],
    dialect: str | None,
    engine_version: str,
    facts: str | None,
    rates: dict[str, float],
    queries_before: tuple[str, ...],
    queries_after: tuple[str, ...],
    renames: tuple[str, ...],
    runner: str,
    pooler: bool,
    rehearsal: bool,
    form: str,
    fail_on: str,
    rule_profile: str | None,
    only_rule: tuple[str, ...],
    detail: str,
    max_tokens: int | None,
    cursor: str | None,
    as_of: Any,
    roots: tuple[Path, ...],
) -> None:
    """Plan a schema change without downtime, and rehearse it on a private database.

    From --current to --target, or to what --migration (a script, which is judged) makes of it.
    A folder is read as a history of migrations; - is standard input. No database of yours is
    touched.
    Exit code 0: planned, no hazard at or above --fail-on; 1: hazards, or the rehearsal refuses the
    plan; 2: an input cannot be read.
    """
    from .jobs import MigrationRequest

    documents = [expanded(n) for n in (current, target, migration, queries_before, queries_after)]
    inputs = [*(name for names in documents for name in names), *([facts] if facts else [])]
    named = Named(roots, inputs)
    texts = [named.given(*names) if names else None for names in documents]
    request = MigrationRequest(
        named.roots,
        current=texts[0],
        target=texts[1],
        migration=texts[2],
        queries_before=texts[3],
        queries_after=texts[4],
        facts=named.given(facts) if facts else None,
        dialect=dialect,
        engine_version=engine_version,
        rates=tuple(sorted(rates.items())),
        renames=renames,
        runner=runner,
        pooler=pooler,
        rehearsal=rehearsal,
        rule_profile=rule_profile,
        only_rules=only_rule,
        as_of=as_of.date() if as_of else None,
        names_from=Path.cwd(),
    )
    plan = _planned(request)
    printed(_rendered(plan, form, detail, max_tokens, cursor))
    sys.exit(_exit_code(plan, fail_on))


def _planned(request: MigrationRequest) -> Plan:
    from . import jobs

    gc.freeze()
    gc.enable()
    try:
        with progress(jobs.STAGES["plan_migration"]) as tell:
            return jobs.plan_migration(request, tell("plan")).answer
    except jobs.REFUSALS as error:
        refused(str(error))


def _exit_code(plan: Plan, fail_on: str) -> int:
    from backend_architect.tools.report import Severity

    from .render.plan import verdict

    if verdict(plan) == "refused":
        return FOUND
    threshold = Severity[fail_on.upper()] if fail_on != "never" else None
    found = threshold is not None and (plan.worst or 0) >= threshold
    return FOUND if found else CLEAN


def _rendered(
    plan: Plan, form: str, detail: str, max_tokens: int | None, cursor: str | None
) -> str:
    from .render import github, plan_page, plan_text, sarif
    from .render import plan as render
    from .render.page import BadCursor

    if form == "sarif":
        return indented(sarif.sarif(render.report(plan)))
    if form == "github":
        return github.github(render.report(plan))
    if max_tokens is None and cursor is None and (detail == "concise" or form == "json"):
        return plan_text.markdown(plan) if form == "markdown" else indented(render.data(plan))
    try:
        shown = plan_page.page(plan, max_tokens or sys.maxsize // 4, cursor, detail)
    except BadCursor as error:
        refused(str(error))
    return shown.text if form == "markdown" else indented(shown.data)
