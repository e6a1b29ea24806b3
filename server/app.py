"""The MCP server: names, descriptions and schemas of tools; no judgement of its own."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from mcp import MCPError
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import INVALID_PARAMS, CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, model_validator

from backend_architect.tools.report import clean

from . import prompts, version
from .answer import PlanAnswer, ReviewAnswer
from .jobs import STAGES, Given, MigrationRequest, Request, ReviewRequest, SchemaRequest
from .render import MIN_TOKENS, plan_page
from .render.page import BadCursor, page
from .resources import Skills, add_resources
from .service import Failed, Refused, Service
from .strict import strict_tool

T = TypeVar("T")
Runner = Literal[
    "psql", "alembic", "django", "flyway", "golang-migrate", "liquibase", "prisma", "rails"
]

INSTRUCTIONS = """\
Backend Architect: deterministic evidence for backend work. It reads documents, never the network \
or a database of yours, and changes nothing.

- `review_api`: whenever an OpenAPI or Swagger document (2.0 to 3.2, one file or many) is written, \
changed or relied on.
- `review_schema`: whenever tables, a dump or migrations (PostgreSQL, MySQL, MariaDB, SQLite) are \
written or changed. It folds a folder of migrations into the schema they leave behind.
- `plan_migration`: before a database in use is changed (PostgreSQL, SQLite): the steps from one \
schema to another, or for your script, rehearsed on a private database.

Pass `document: {"path": "openapi.yaml"}` rather than pasting text: files may be larger than your \
context (up to 32 MiB). Every finding says what, where (file:line:column), why and how to mend it. \
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

    path: str | None = Field(
        None, max_length=4096, description="File (of SQL also a folder), relative to a root"
    )
    text: str | None = Field(None, description="The document itself, if it is no file")
    name: str | None = Field(None, max_length=200, description="Name for `text` in answers")

    @model_validator(mode="after")
    def _one_of(self) -> Document:
        if (self.path is None) == (self.text is None):
            raise ValueError("give exactly one of `path` and `text`")
        return self

    def given(self, default: str) -> Given:
        """The document as a job takes it; `default` names a text without a name."""
        paths = (self.path,) if self.path is not None else ()
        return Given(paths, self.text, clean(self.name or default, 200))


class Facts(Document):
    """Facts of production: a `path`, a `text`, or the JSON object itself in `data`."""

    data: dict[str, Any] | None = Field(None, description="The answer of `facts-query` itself")

    @model_validator(mode="after")
    def _one_of(self) -> Facts:
        if sum(value is not None for value in (self.path, self.text, self.data)) != 1:
            raise ValueError("give exactly one of `path`, `text` and `data`")
        return self

    def given(self, default: str) -> Given:
        """The facts as a job takes them."""
        if self.data is not None:
            return Given((), json.dumps(self.data), default)
        return super().given(default)


def _given(document: Document | None, default: str) -> Given | None:
    return document.given(default) if document else None


EngineVersion = Annotated[
    str, Field(max_length=40, description="16, 8.0.36; sharpens what is true of it")
]
FactsGiven = Annotated[
    Facts | None,
    Field(description="Sizes and growth: what `backend-architect facts-query` returned"),
]
Profile = Annotated[
    Literal["default", "all"] | None,
    Field(description="`all` adds opt-in rules; unset: the workspace's settings"),
]
OnlyRule = Annotated[list[str] | None, Field(max_length=50, description="Run only these rule ids")]
Detail = Annotated[
    Literal["concise", "full"],
    Field(description="concise: groups with examples; full: every finding with evidence"),
]
AsOf = Annotated[date | None, Field(description="Date against which expiry of ignores is judged")]
MaxTokens = Annotated[int, Field(ge=MIN_TOKENS, le=20_000, description="Size limit of the answer")]
Cursor = Annotated[str | None, Field(description="`next_cursor` of the last answer: its next page")]


def build(service: Service) -> MCPServer[Any]:
    """A server with every tool, prompt and resource, working through `service`."""

    async def answer(
        ctx: Context[Any, Any],
        job: str,
        request: Request,
        shown: tuple[int, str | None, Literal["concise", "full"]],
    ) -> CallToolResult:
        """The page `shown` (size, cursor, detail) of a job's report."""
        steps = 0

        async def progress(stage: str) -> None:
            nonlocal steps
            steps += 1
            await ctx.report_progress(steps, STAGES[job], stage)

        try:
            report = await service.run(job, request, progress)
            size, cursor, detail = shown
            paged = plan_page.page if job == "plan_migration" else page
            part = paged(report, size, cursor, detail)
        except (Refused, Failed, BadCursor) as error:
            raise ToolError(_encodable(str(error))) from None
        return CallToolResult(
            content=[TextContent(type="text", text=_encodable(part.text))],
            structured_content=_encodable(part.data),
        )

    async def review_api(
        ctx: Context[Any, Any],
        document: Document,
        rule_profile: Profile = None,
        only_rule: OnlyRule = None,
        only_pointer: Annotated[
            str | None,
            Field(description="Only findings at or below this JSON pointer: /paths/~1users"),
        ] = None,
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
        return await answer(ctx, "review_api", request, (max_tokens, cursor, detail))

    async def review_schema(
        ctx: Context[Any, Any],
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
            service.roots,
            document=document.given("schema.sql"),
            dialect=dialect,
            engine_version=engine_version,
            facts=_given(facts, "facts.json"),
            queries=_given(queries, "queries.sql"),
            prove=prove,
            rule_profile=rule_profile,
            only_rules=tuple(only_rule or ()),
            only_pointer=only_pointer or "",
            as_of=as_of,
        )
        return await answer(ctx, "review_schema", request, (max_tokens, cursor, detail))

    async def plan_migration(
        ctx: Context[Any, Any],
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
            service.roots,
            current=_given(current, "current.sql"),
            target=_given(target, "target.sql"),
            migration=_given(migration, "migration.sql"),
            queries_before=_given(queries_before, "queries_before.sql"),
            queries_after=_given(queries_after, "queries_after.sql"),
            dialect=dialect,
            engine_version=engine_version,
            facts=_given(facts, "facts.json"),
            rates=tuple(sorted((rates or {}).items())),
            renames=tuple(renames or ()),
            runner=runner,
            pooler=pooler,
            rehearsal=rehearsal,
            rule_profile=rule_profile,
            only_rules=tuple(only_rule or ()),
            as_of=as_of,
        )
        return await answer(ctx, "plan_migration", request, (max_tokens, cursor, detail))

    server = MCPServer(
        "backend-architect",
        title="Backend Architect",
        version=version(),
        instructions=INSTRUCTIONS,
        tools=[
            strict_tool(review_api, title="Review an API", annotations=READ_ONLY),
            strict_tool(review_schema, title="Review a schema", annotations=READ_ONLY),
            strict_tool(plan_migration, title="Plan a migration", annotations=READ_ONLY),
        ],
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
