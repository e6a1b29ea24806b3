"""The tool `review_schema`."""

from __future__ import annotations

from typing import Annotated, Literal

from mcp.types import CallToolResult
from pydantic import Field

from ..answer import ReviewAnswer
from ..jobs import SchemaRequest
from ..render.page import page
from ..strict import strict_tool
from .arguments import (
    AsOf,
    Baseline,
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


async def review_schema(
    ctx: Call,
    document: Document,
    dialect: Annotated[
        Literal["postgres", "mysql", "mariadb", "sqlite"] | None,
        Field(description="Unset: told from the text, if that is clear"),
    ] = None,
    engine_version: EngineVersion = "",
    facts: FactsGiven = None,
    queries: Annotated[
        Document | None, Field(description="The application's SQL, to be judged with it")
    ] = None,
    prove: Annotated[
        bool | None,
        Field(description="Try each fix on a private engine; unset: if the schema is small"),
    ] = None,
    rule_profile: Profile = None,
    only_rule: OnlyRule = None,
    only_pointer: Annotated[
        str | None,
        Field(description="Only this object, its diagram with neighbours: /tables/orders"),
    ] = None,
    baseline: Baseline = None,
    detail: Detail = "concise",
    as_of: AsOf = None,
    max_tokens: MaxTokens = 4_000,
    cursor: Cursor = None,
) -> Annotated[CallToolResult, ReviewAnswer]:
    """Review a relational schema: DDL, a dump, or a folder of migrations in any usual layout.

    Folds all statements into the schema they leave behind, then finds what is provably wrong
    or will hurt: missing keys, unindexed or dangling foreign keys, redundant indexes, lossy
    types, constraints that do not constrain, row security without effect. Every finding has
    file, line, column, reason and, where it can, DDL that mends it (never run on a database of
    yours). Answers with the verdict, an overview with an ER diagram, and the groups, worst
    first.
    """
    request = SchemaRequest(
        roots(ctx),
        document=document.given("schema.sql"),
        dialect=dialect,
        engine_version=engine_version,
        facts=given(facts, "facts.json"),
        queries=given(queries, "queries.sql"),
        prove=prove,
        rule_profile=rule_profile,
        only_rules=tuple(only_rule or ()),
        only_pointer=only_pointer or "",
        as_of=as_of,
        baseline=baseline,
    )
    return await answer(ctx, "review_schema", request, page, (max_tokens, cursor, detail))


TOOL = strict_tool(review_schema, title="Review a schema", annotations=READ_ONLY)
