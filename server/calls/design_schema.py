"""The tool `design_schema`."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from mcp.types import CallToolResult
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..answer import DesignAnswer
from ..jobs import DesignRequest, Given
from ..render.design_page import page
from ..strict import strict_tool
from .arguments import Cursor, EngineVersion, MaxTokens
from .run import READ_ONLY, Call, answer, roots

_FILES = ("path", "text")


class Model(BaseModel):
    """A domain model: a file (YAML or JSON), its text, or its parts inline.

    This is an outline; the resource `domain-model://schema.json` has every field, and
    `domain-model://examples/ledger.yaml` is a whole one. What is left out is assumed, and asked.
    """

    model_config = ConfigDict(extra="allow")  # every field is checked by the model itself

    path: str | None = Field(None, max_length=4096, description="File, relative to a root")
    text: str | None = Field(None, description="The model as YAML or JSON")
    name: str | None = Field(None, max_length=48, description="snake_case")
    entities: list[dict[str, Any]] | None = Field(
        None,
        description='[{"name": "invoice", "purpose", "attributes": [{"name": "total", "type":'
        ' "money", "currency": "EUR", "required", "unique", "sensitivity"}], "key", "unique",'
        ' "invariants": [{"kind": "check", "name", "expression"}], "states", "subtype_of",'
        ' "dependencies", "volume": {"rows"}, "retention", "audit", "concurrency"}]. Types: text'
        " email url integer decimal money quantity date time instant period date_period duration"
        " enum boolean uuid json binary point ip",
    )
    relationships: list[dict[str, Any]] | None = Field(
        None,
        description='[{"name": "customer", "source": "invoice", "target": "customer",'
        ' "targets_per_source": "1", "sources_per_target": "0..*", "owned", "on_delete"}]',
    )
    access_patterns: list[dict[str, Any]] | None = Field(
        None,
        description='[{"name", "entity", "filters": [{"attribute", "operator"}], "sort", "joins",'
        ' "page", "per_second", "latency_ms"}] or {"name", "entity", "sql"}',
    )
    tenancy: dict[str, Any] | None = Field(
        None, description='{"kind": "shared", "entity": "organisation"}'
    )
    audit: str | None = Field(None, description="none, who_when, history")

    @model_validator(mode="after")
    def _one_of(self) -> Model:
        given = [self.path is not None, self.text is not None, bool(self._parts())]
        if sum(given) != 1:
            raise ValueError("give exactly one of `path`, `text` and the model's own fields")
        return self

    def _parts(self) -> dict[str, Any]:
        said = self.model_dump(exclude_unset=True)
        return {key: value for key, value in said.items() if key not in _FILES}

    def given(self) -> Given:
        """The model as a job takes it."""
        if self.path is not None:
            return Given((self.path,))
        text = self.text if self.text is not None else json.dumps(self._parts())
        return Given((), text, "model")


async def design_schema(
    ctx: Call,
    model: Model,
    dialect: Annotated[
        Literal["postgres", "mysql", "mariadb", "sqlite"] | None,
        Field(description="Unset: the model's, or postgres"),
    ] = None,
    engine_version: EngineVersion = "",
    prove: Annotated[bool, Field(description="Try every promise on a private engine")] = True,
    detail: Annotated[
        Literal["concise", "full"],
        Field(description="full: also each decision and promise, dictionary, sample rows"),
    ] = "concise",
    max_tokens: MaxTokens = 6_000,
    cursor: Cursor = None,
) -> Annotated[CallToolResult, DesignAnswer]:
    """Design a database schema from a domain model, and prove it on a private engine.

    Entities, relationships, invariants, access patterns, tenancy, retention in; production-grade
    DDL out: types, keys, constraints, triggers, row-level security, roles, audit, partitions. Each
    decision has its reason; each promise (a row that must be accepted, one that must be refused, a
    tenant that must not see another's) was executed. What the model leaves open comes back as
    questions with what was assumed.
    """
    request = DesignRequest(
        roots(ctx),
        model=model.given(),
        dialect=dialect,
        engine_version=engine_version,
        prove=prove,
    )
    return await answer(ctx, "design_schema", request, page, (max_tokens, cursor, detail))


TOOL = strict_tool(design_schema, title="Design a schema", annotations=READ_ONLY)
