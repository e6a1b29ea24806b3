"""What the arguments of several tools have in common."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backend_architect.tools.report import clean

from ..jobs import Given
from ..render import MIN_TOKENS


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


def given(document: Document | None, default: str) -> Given | None:
    """An optional document as a job takes it; `default` names a text without a name."""
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
Baseline = Annotated[
    str | None,
    Field(max_length=4096, description="File of accepted findings: only new ones are shown"),
]
AsOf = Annotated[date | None, Field(description="Date against which expiry of ignores is judged")]
MaxTokens = Annotated[int, Field(ge=MIN_TOKENS, le=20_000, description="Size limit of the answer")]
Cursor = Annotated[str | None, Field(description="`next_cursor` of the last answer: its next page")]
