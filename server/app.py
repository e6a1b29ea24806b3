"""The MCP server: the tools, the prompt and the resources; no judgement of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mcp import MCPError
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts import Prompt
from mcp.types import INVALID_PARAMS, Completion

from . import prompts, version
from .calls import TOOLS
from .calls.run import encodable
from .completions import complete
from .resources import Skills, add_resources
from .service import Service

if TYPE_CHECKING:
    from .http.access import Access

INSTRUCTIONS = """\
Backend Architect: deterministic evidence for backend work. It reads documents, never the network \
or a database of yours, and changes nothing.

- `review_api`: whenever an OpenAPI or Swagger document (2.0 to 3.2, one file or many) is written, \
changed or relied on.
- `review_schema`: whenever tables, a dump or migrations (PostgreSQL, MySQL, MariaDB, SQLite) are \
written or changed. It folds a folder of migrations into the schema they leave behind.
- `design_schema`: whenever a database is to be designed: from a domain model that you fill in, \
DDL whose promises were executed, with the questions that the model leaves open.
- `plan_migration`: before a database in use is changed (PostgreSQL, SQLite): the steps from one \
schema to another, or for your script, rehearsed on a private database.
- `security_checklist`: before an API or a system goes live, or when its security is asked about: \
controls decided by its documents, each with evidence and the test that would settle it; answer \
its questions in `answers` and call again.

Pass `document: {"path": "openapi.yaml"}` rather than pasting text: files may be larger than your \
context (up to 32 MiB). Every finding says what, where (file:line:column), why and how to mend it. \
Read the verdict first: a defect is provable, a risk is likely to hurt. One group is one cause: \
mend the cause, then call again until it passes. `rule://{id}` explains a rule with examples.

The prompt `backend-architect` (also `persona://backend-architect` and the skill) gives the \
architect's way of working: reliability and data integrity first, security by default, \
observability; plans, never executes migrations; no frontend; no operating of infrastructure."""


def build(service: Service, access: Access | None = None) -> MCPServer[Service]:
    """A server with every tool, prompt and resource, working through `service`.

    `access` says who may call over HTTP; None: anyone.
    """

    @asynccontextmanager
    async def lifespan(_: MCPServer[Service]) -> AsyncGenerator[Service]:
        yield service

    server = MCPServer(
        "backend-architect",
        title="Backend Architect",
        version=version(),
        instructions=INSTRUCTIONS,
        tools=[*TOOLS],
        extensions=[Skills()],
        lifespan=lifespan,
        log_level="WARNING",
        auth=access.settings if access else None,
        token_verifier=access.verifier if access else None,
    )

    for action in prompts.actions().values():
        server.add_prompt(_prompt(action))

    async def completed(ref: Any, argument: Any, context: Any) -> Completion:
        known = (context.arguments if context else None) or {}
        return complete(ref, argument.name, argument.value, known.get("dialect", ""))

    server.completion()(completed)  # type: ignore[no-untyped-call]  # the SDK's fault

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


def _prompt(action: prompts.Action) -> Prompt:
    """An action as the SDK serves it, with the arguments that it takes."""

    def of_any(task: str = "") -> str:
        return prompts.prompt(action.name, encodable(task))

    def of_a_database(task: str = "", dialect: str = "", engine_version: str = "") -> str:
        given = (encodable(each) for each in (task, dialect, engine_version))
        return prompts.prompt(action.name, *given)

    make = of_a_database if action.name in prompts.OF_A_DATABASE else of_any
    return Prompt.from_function(
        make, name=action.name, title=action.title, description=action.description
    )


def _check_prompt(params: Any) -> None:
    """The SDK answers an unknown prompt or argument with an opaque internal error."""
    name = str(params.get("name", ""))
    action = prompts.actions().get(name)
    if action is None:
        message = f"There is no prompt {name[:80]!r}; there are {', '.join(prompts.actions())}"
        raise MCPError(code=INVALID_PARAMS, message=message)
    for argument in map(str, params.get("arguments") or {}):
        if argument not in action.arguments:
            takes = " and ".join(map(repr, action.arguments))
            message = f"{name} has no argument {argument[:80]!r}; it takes {takes}"
            raise MCPError(code=INVALID_PARAMS, message=message)
