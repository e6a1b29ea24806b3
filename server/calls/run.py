"""A call of a tool: its job is run, and a page of what comes back is the answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, TextContent, ToolAnnotations

from ..jobs import STAGES, Request
from ..render.page import BadCursor, Page
from ..service import Failed, Refused, Service

T = TypeVar("T")
Call = Context[Service, Any]
"""A call, with the service that the server was built on."""

Paged = Callable[[Any, int, str | None, str], Page]
"""From a report, a size in tokens, a cursor, "concise" or "full", to the page of it."""

READ_ONLY = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


def roots(ctx: Call) -> tuple[Path, ...]:
    """The folders that a call may read."""
    return ctx.request_context.lifespan_context.roots


async def answer(
    ctx: Call,
    job: str,
    request: Request,
    page: Paged,
    shown: tuple[int, str | None, Literal["concise", "full"]],
) -> CallToolResult:
    """The `page` that is `shown` (size, cursor, detail) of a job's report. Raises `ToolError`."""
    steps = 0

    async def progress(stage: str) -> None:
        nonlocal steps
        steps += 1
        await ctx.report_progress(steps, STAGES[job], stage)

    try:
        report = await ctx.request_context.lifespan_context.run(job, request, progress)
        part = page(report, *shown)
    except (Refused, Failed, BadCursor) as error:
        raise ToolError(encodable(str(error))) from None
    return CallToolResult(
        content=[TextContent(type="text", text=encodable(part.text))],
        structured_content=encodable(part.data),
    )


def encodable(value: T) -> T:
    """Without unpaired surrogates: JSON can escape them, and an answer with one ends the server."""
    cleaned: T = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return cleaned
