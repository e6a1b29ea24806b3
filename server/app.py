"""The MCP server: names, descriptions and schemas of tools; no judgement of its own."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from mcp import MCPError
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import INVALID_PARAMS, CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field, model_validator

from backend_architect.tools.report import clean

from . import prompts, version
from .answer import ReviewAnswer
from .jobs import ReviewRequest
from .render import MIN_TOKENS
from .render.page import BadCursor, page
from .resources import Skills, add_resources
from .service import Failed, Refused, Service
from .strict import strict_tool

T = TypeVar("T")

INSTRUCTIONS = """\
Backend Architect: deterministic evidence for backend work. It reads documents, never the network, \
and changes nothing.

Use `review_api` whenever an OpenAPI or Swagger document (2.0 to 3.2, JSON or YAML, one file or \
many) is written, changed or relied on. Pass `document: {"path": "openapi.yaml"}` rather than \
pasting text: it reads files that would not fit your context (up to 32 MiB), and says of each \
finding what, where (file:line:column, JSON pointer), who is affected, why, and how to mend it. \
Read the verdict first: a defect is provable, a risk is likely to hurt. One group is one cause: \
mend the cause, then call again until it passes. `rule://{id}` explains a rule with examples.

The prompt `backend-architect` (also `persona://backend-architect` and the skill) gives the \
architect's way of working: reliability and data integrity first, security by default, \
observability; plans, never executes migrations; no frontend; no operating of infrastructure."""

READ_ONLY = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


class Document(BaseModel):
    """A document: a `path` in the workspace, or its `text`."""

    model_config = ConfigDict(extra="forbid")

    path: str | None = Field(None, max_length=4096, description="File, relative to a root")
    text: str | None = Field(None, description="The document itself, if it is no file")
    name: str | None = Field(
        None, max_length=200, description="Name for `text` in answers, e.g. openapi.yaml"
    )

    @model_validator(mode="after")
    def _one_of(self) -> Document:
        if (self.path is None) == (self.text is None):
            raise ValueError('give exactly one of `path` and `text`: {"path": "openapi.yaml"}')
        return self


def build(service: Service) -> MCPServer[Any]:
    """A server with every tool, prompt and resource, working through `service`."""

    async def review_api(
        ctx: Context[Any, Any],
        document: Document,
        rule_profile: Annotated[
            Literal["default", "all"] | None,
            Field(description="`all` adds opt-in rules; unset: the workspace's settings"),
        ] = None,
        only_rule: Annotated[
            list[str] | None, Field(max_length=50, description="Run only these rule ids")
        ] = None,
        only_pointer: Annotated[
            str | None,
            Field(description="Only findings at or below this JSON pointer: /paths/~1users"),
        ] = None,
        detail: Annotated[
            Literal["concise", "full"],
            Field(description="concise: groups with examples; full: every finding with evidence"),
        ] = "concise",
        as_of: Annotated[
            date | None, Field(description="Date against which expiry of ignores is judged")
        ] = None,
        max_tokens: Annotated[
            int, Field(ge=MIN_TOKENS, le=20_000, description="Size limit of the answer")
        ] = 4_000,
        cursor: Annotated[
            str | None, Field(description="`next_cursor` of the last answer: its next page")
        ] = None,
    ) -> Annotated[CallToolResult, ReviewAnswer]:
        """Review an OpenAPI or Swagger document (2.0, 3.0, 3.1, 3.2; JSON or YAML).

        Finds what breaks or will hurt: violations of the specification, dangling references, path
        and parameter faults, missing or contradictory responses, unprotected operations, weak
        security schemes, contradictory schemas, unbounded lists. Every finding has file, line,
        column, JSON pointer, affected operations, reason and fix; one cause is one group. Answers
        with the verdict, an overview of the API and the groups, worst first.
        """
        request = ReviewRequest(
            service.roots,
            path=document.path,
            text=document.text,
            name=clean(document.name or "document", 200),
            rule_profile=rule_profile,
            only_rules=tuple(only_rule or ()),
            only_pointer=only_pointer or "",
            as_of=as_of,
        )
        steps = 0

        async def progress(stage: str) -> None:
            nonlocal steps
            steps += 1
            await ctx.report_progress(steps, 3, stage)

        try:
            report = await service.review_api(request, progress)
            shown = page(report, max_tokens, cursor, detail)
        except (Refused, Failed, BadCursor) as error:
            raise ToolError(_encodable(str(error))) from None
        return CallToolResult(
            content=[TextContent(type="text", text=_encodable(shown.text))],
            structured_content=_encodable(shown.data),
        )

    server = MCPServer(
        "backend-architect",
        title="Backend Architect",
        version=version(),
        instructions=INSTRUCTIONS,
        tools=[strict_tool(review_api, title="Review an API", annotations=READ_ONLY)],
        extensions=[Skills()],
        log_level="WARNING",
    )

    @server.prompt(name=prompts.NAME, title="Backend Architect")
    def backend_architect(task: str = "") -> str:
        """Work as a backend architect: reliability and data integrity first."""
        return prompts.prompt(_encodable(task))

    async def middleware(ctx: Any, call_next: Any) -> Any:
        if ctx.method == "prompts/get":
            _check_prompt(ctx.params or {})
        result = await call_next(ctx)
        if ctx.method == "tools/list":
            service.workers.start()  # not before: it would slow the first list down
        return result

    server.middleware.append(middleware)
    add_resources(server)
    return server


def _encodable(value: T) -> T:
    """Without unpaired surrogates: JSON can escape them, and an answer with one ends the server."""
    cleaned: T = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return cleaned


def _check_prompt(params: Any) -> None:
    """The SDK answers an unknown prompt or argument with an opaque internal error."""
    name = str(params.get("name", ""))
    if name != prompts.NAME:
        message = f"There is no prompt {name[:80]!r}; the only one is {prompts.NAME!r}"
        raise MCPError(code=INVALID_PARAMS, message=message)
    for argument in map(str, params.get("arguments") or {}):
        if argument != "task":
            message = f"{prompts.NAME} has no argument {argument[:80]!r}; it takes 'task'"
            raise MCPError(code=INVALID_PARAMS, message=message)
