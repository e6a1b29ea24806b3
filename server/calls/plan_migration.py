"""The tool `plan_migration`."""

from __future__ import annotations

from typing import Annotated, Literal

from mcp.types import CallToolResult
from pydantic import Field, PositiveFloat

from ..answer import PlanAnswer
from ..jobs import MigrationRequest
from ..render.plan_page import page
from ..strict import strict_tool
from .arguments import (
    AsOf,
    Cursor,
    Detail,
    Document,
    EngineVersion,
    FactsGiven,
    MaxTokens,
    OnlyRule,
    Profile,
    given,
)
from .run import READ_ONLY, Call, answer, roots

Runner = Literal[
    "psql", "alembic", "django", "flyway", "golang-migrate", "liquibase", "prisma", "rails"
]


async def plan_migration(
    ctx: Call,
    current: Annotated[Document | None, Field(description="The schema as it is")] = None,
    target: Annotated[Document | None, Field(description="The schema to reach")] = None,
    migration: Annotated[
        Document | None, Field(description="Instead of `target`: your script, to be judged")
    ] = None,
    dialect: Literal["postgres", "sqlite"] | None = None,
    engine_version: EngineVersion = "",
    facts: FactsGiven = None,
    rates: Annotated[
        dict[Literal["scan", "build", "rewrite", "update"], PositiveFloat] | None,
        Field(description="Measured: bytes (update: rows) a second"),
    ] = None,
    queries_before: Annotated[
        Document | None, Field(description="The SQL of the code now in use")
    ] = None,
    queries_after: Annotated[Document | None, Field(description="Of the new code")] = None,
    renames: Annotated[
        list[str] | None,
        Field(
            max_length=1_000,
            description="Of a column `orders.customer=buyer`, a table `orders=purchases`,"
            " an enum value `mood.ok=fine`; a column that moves `users.city=addresses.city`"
            " or is made of others `people.name=first || last`",
        ),
    ] = None,
    runner: Annotated[Runner, Field(description="What runs the migration")] = "psql",
    pooler: Annotated[bool, Field(description="A transaction pooler stands between")] = False,
    rehearsal: bool = True,
    rule_profile: Profile = None,
    only_rule: OnlyRule = None,
    as_of: AsOf = None,
    detail: Detail = "concise",
    max_tokens: MaxTokens = 4_000,
    cursor: Cursor = None,
) -> Annotated[CallToolResult, PlanAnswer]:
    """Plan a schema change without downtime, and rehearse it on a private database.

    Expand, migrate data, contract: each step with the locks it takes, what it blocks and for
    how long, how to undo and to check it. Rehearsed, with old and new queries in between: what
    fails is shown as a witness. Judges your own script by the same facts. Never connects to a
    database of yours.
    """
    request = MigrationRequest(
        roots(ctx),
        current=given(current, "current.sql"),
        target=given(target, "target.sql"),
        migration=given(migration, "migration.sql"),
        queries_before=given(queries_before, "queries_before.sql"),
        queries_after=given(queries_after, "queries_after.sql"),
        dialect=dialect,
        engine_version=engine_version,
        facts=given(facts, "facts.json"),
        rates=tuple(sorted((rates or {}).items())),
        renames=tuple(renames or ()),
        runner=runner,
        pooler=pooler,
        rehearsal=rehearsal,
        rule_profile=rule_profile,
        only_rules=tuple(only_rule or ()),
        as_of=as_of,
    )
    return await answer(ctx, "plan_migration", request, page, (max_tokens, cursor, detail))


TOOL = strict_tool(plan_migration, title="Plan a migration", annotations=READ_ONLY)
