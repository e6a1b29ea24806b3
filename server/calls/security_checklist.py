"""The tool `security_checklist`."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from mcp.types import CallToolResult
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..answer import ChecklistAnswer
from ..jobs import ChecklistRequest, Given
from ..render.checklist_page import page
from ..strict import strict_tool
from .arguments import Cursor, Document, MaxTokens, given
from .run import READ_ONLY, Call, answer, roots

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


async def security_checklist(
    ctx: Call,
    api: Annotated[Document | None, Field(description="OpenAPI document")] = None,
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
    questions that would decide most, matrix of roles, sensitive data, threats.
    """
    request = ChecklistRequest(
        roots(ctx),
        api=given(api, "openapi"),
        schema=given(schema, "schema.sql"),
        authorization=given(authorization, "authorization"),
        system=system.given() if system else None,
        dialect=dialect,
        replies=tuple(sorted((answers or {}).items())),
    )
    return await answer(ctx, "security_checklist", request, page, (max_tokens, cursor, detail))


TOOL = strict_tool(security_checklist, title="Security checklist", annotations=READ_ONLY)
