"""The tool `security_checklist`."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import (
    AcceptedElicitation,
    Elicit,
    ElicitationResult,
    Resolve,
)
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..answer import ChecklistAnswer
from ..jobs import ChecklistRequest, Given
from ..render.checklist_page import page
from ..service import Failed, Refused
from ..strict import strict_tool
from .arguments import Cursor, Document, MaxTokens, given
from .asking import Replies, asked
from .run import READ_ONLY, Call, answer, encodable, roots

_FILES = ("path", "text")


class System(BaseModel):
    """A system's description: a file (YAML or JSON), its text, or its parts inline.

    An outline; the resource `system-description://schema.json` has every field. What is left out
    is unknown, and asked.
    """

    model_config = ConfigDict(extra="allow")  # every field is checked by the description itself

    path: str | None = Field(None, max_length=4096, description="File, relative to a root")
    text: str | None = Field(None, description="The description as YAML or JSON")
    exposure: Literal["public", "partner", "internal"] | None = None
    authentication: dict[str, Any] | None = Field(
        None,
        description='{"methods": ["password", "oidc", "api_key"], "passwords": {"min_length"},'
        ' "sessions", "tokens": {"algorithm", "audience_checked", "access_minutes"}, "oauth",'
        ' "mfa", "recovery", "one_time_codes"}',
    )
    roles: list[dict[str, Any]] | None = Field(
        None,
        description='[{"name": "user", "may": ["GET /orders/{id} own"]}, {"name": "admin",'
        ' "privileged": true, "may": ["*"]}]',
    )
    tenancy: dict[str, Any] | None = Field(
        None, description='{"kind": "none" | "shared", "key": "tenant_id", "taken_from": "token"}'
    )
    data: list[dict[str, Any]] | None = Field(
        None,
        description='[{"name", "sensitivity": "personal", "fields", "retention_days",'
        ' "encryption"}]',
    )
    components: list[dict[str, Any]] | None = Field(
        None, description='[{"name": "orders", "kind": "service", "zone": "cluster", "holds"}]'
    )
    flows: list[dict[str, Any]] | None = Field(
        None, description='[{"source", "target", "protocol", "tls", "authentication", "data"}]'
    )
    stack: dict[str, Any] | None = Field(
        None, description='{"frameworks": ["fastapi"], "datastores": ["postgres"]}'
    )
    compliance: list[Literal["pci_dss", "gdpr", "hipaa", "soc2"]] | None = None

    @model_validator(mode="after")
    def _one_of(self) -> System:
        given = [self.path is not None, self.text is not None, bool(self._parts())]
        if sum(given) > 1:
            raise ValueError("give only one of `path`, `text` and the description's own fields")
        return self

    def _parts(self) -> dict[str, Any]:
        said = self.model_dump(exclude_unset=True)
        return {key: value for key, value in said.items() if key not in _FILES}

    def given(self) -> Given:
        """The description as a job takes it."""
        if self.path is not None:
            return Given((self.path,))
        text = self.text if self.text is not None else json.dumps(self._parts())
        return Given((), text, "system")


def _request(
    ctx: Call,
    api: Document | None,
    schema: Document | None,
    authorization: Document | None,
    system: System | None,
    dialect: str | None,
    replies: dict[str, str],
) -> ChecklistRequest:
    return ChecklistRequest(
        roots(ctx),
        api=given(api, "openapi"),
        schema=given(schema, "schema.sql"),
        authorization=given(authorization, "authorization"),
        system=system.given() if system else None,
        dialect=dialect,
        replies=tuple(sorted(replies.items())),
    )


async def ask(
    ctx: Call,
    api: Document | None,
    schema: Document | None,
    authorization: Document | None,
    system: System | None,
    dialect: str | None,
    answers: dict[str, str] | None,
    ask_user: bool,
    cursor: str | None,
) -> Replies | Elicit[Replies]:
    """The first questions, unless there are answers already."""
    request = _request(ctx, api, schema, authorization, system, dialect, {})
    try:
        return await asked(ctx, request, ask_user and answers is None and cursor is None)
    except (Refused, Failed) as error:
        raise ToolError(encodable(str(error))) from None


async def security_checklist(
    ctx: Call,
    replies: Annotated[ElicitationResult[Replies], Resolve(ask)],
    api: Annotated[Document | None, Field(description="OpenAPI document or GraphQL SDL")] = None,
    schema: Annotated[Document | None, Field(description="SQL DDL: file or folder")] = None,
    authorization: Annotated[
        Document | None, Field(description="Role table, OpenFGA model, Cedar or OPA data")
    ] = None,
    system: Annotated[
        System | None, Field(description="What documents do not say: sign-in, roles, flows")
    ] = None,
    dialect: Literal["postgres", "mysql", "mariadb", "sqlite"] | None = None,
    answers: Annotated[
        dict[str, str] | None,
        Field(
            max_length=2_000,
            description="To `open_questions`, by id (or `id@GET /path` for one subject)",
        ),
    ] = None,
    ask_user: Annotated[
        bool, Field(description="Show the first questions to the user, where the client can")
    ] = True,
    detail: Annotated[
        Literal["concise", "full"], Field(description="full: every subject with evidence")
    ] = "concise",
    max_tokens: MaxTokens = 6_000,
    cursor: Cursor = None,
) -> Annotated[CallToolResult, ChecklistAnswer]:
    """Decide security controls (OWASP ASVS 5, API Top 10) by the system's own documents.

    Any of: API, database schema, authorisation model, description. Each control per operation,
    field, table or flow: not met, partial, unknown, met (verified or declared), with the place it
    rests on, the request that would settle it, how to implement it. Most dangerous first; then the
    questions that would decide most, matrix of roles, sensitive data, threats, diagrams.
    """
    said = replies.data.by_question() if isinstance(replies, AcceptedElicitation) else {}
    request = _request(
        ctx, api, schema, authorization, system, dialect, {**said, **(answers or {})}
    )
    return await answer(ctx, "security_checklist", request, page, (max_tokens, cursor, detail))


TOOL = strict_tool(security_checklist, title="Security checklist", annotations=READ_ONLY)
