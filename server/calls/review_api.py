"""The tool `review_api`."""

from __future__ import annotations

from typing import Annotated, Literal

from mcp.types import CallToolResult
from pydantic import Field

from backend_architect.tools.report import clean

from ..answer import ReviewAnswer
from ..jobs import ReviewRequest
from ..render.review_page import page
from ..strict import strict_tool
from .arguments import (
    AsOf,
    Baseline,
    Cursor,
    Detail,
    Document,
    MaxTokens,
    OnlyRule,
    Profile,
    given,
)
from .run import READ_ONLY, Call, answer, roots


async def review_api(
    ctx: Call,
    document: Document,
    previous: Annotated[
        Document | None, Field(description="The version before: tells what breaks its clients")
    ] = None,
    usage: Annotated[
        Document | None,
        Field(description="With `previous`: HAR, a client's document, consumers"),
    ] = None,
    rule_profile: Profile = None,
    only_rule: OnlyRule = None,
    only_pointer: Annotated[
        str | None,
        Field(description="Only findings at or below this JSON pointer: /paths/~1users"),
    ] = None,
    prove: Annotated[
        bool | None,
        Field(description="Apply each fix and review again; unset: if the document is small"),
    ] = None,
    baseline: Baseline = None,
    view: Annotated[
        Literal["findings", "matrix", "resources", "contract"],
        Field(
            description="matrix: who may call what, with outliers; resources: map with Mermaid;"
            " contract: endpoint by endpoint, for people"
        ),
    ] = "findings",
    detail: Detail = "concise",
    as_of: AsOf = None,
    max_tokens: MaxTokens = 4_000,
    cursor: Cursor = None,
) -> Annotated[CallToolResult, ReviewAnswer]:
    """Review an OpenAPI or Swagger document (2.0, 3.0, 3.1, 3.2; JSON or YAML).

    Finds what breaks or will hurt: violations of the specification, dangling references, path
    and parameter faults, missing or contradictory responses, unprotected operations, weak
    security schemes, contradictory schemas, unbounded lists. Every finding has file, line,
    column, JSON pointer, affected operations, reason and fix; one cause is one group. Answers
    with the verdict, an overview of the API and the groups, worst first. With `previous`: what
    the new version breaks, with a payload that shows it, for whom, and the version step.
    """
    request = ReviewRequest(
        roots(ctx),
        path=document.path,
        text=document.text,
        name=clean(document.name or "document", 200),
        rule_profile=rule_profile,
        only_rules=tuple(only_rule or ()),
        only_pointer=only_pointer or "",
        as_of=as_of,
        prove=prove,
        baseline=baseline,
        view="" if view == "findings" else view,
        previous=given(previous, "previous"),
        usage=given(usage, "usage"),
    )
    return await answer(ctx, "review_api", request, page, (max_tokens, cursor, detail))


TOOL = strict_tool(review_api, title="Review an API", annotations=READ_ONLY)
