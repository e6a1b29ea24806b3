"""The declared shape of answers: what `docs/report.md` documents, as models for output schemas."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

SeverityWord = Literal["error", "warning", "info"]
ClassWord = Literal["defect", "risk", "style"]
NextCursor = Annotated[str | None, Field(default_factory=lambda: None)]  # null on the last page


class Place(BaseModel):
    """Line and column count from 1."""

    file: str
    line: int
    column: int
    pointer: str


class FindingData(BaseModel):
    """One finding; evidence, fix, patch, related and affects with `detail: full`."""

    rule: str
    severity: SeverityWord
    class_: ClassWord = Field(alias="class")
    message: str
    fingerprint: str
    location: Place
    confidence: str | None = None
    cause: str | None = None
    evidence: str | None = None
    fix: str | None = None
    patch: list[dict[str, Any]] | None = None
    ddl: list[str] | None = None
    proof: str | None = None
    related: list[Place] | None = None
    affects: list[str] | None = None
    references: list[str] | None = None
    change: dict[str, Any] | None = None


class GroupData(BaseModel):
    """Findings with one cause."""

    rule: str
    severity: SeverityWord
    class_: ClassWord = Field(alias="class")
    confidence: str
    count: int
    message: str
    fix: str
    ddl: list[str] | None = None
    proof: str | None = None
    patches: int | None = None
    affects: list[str]
    references: list[str] | None = None


class SummaryData(BaseModel):
    """The verdict, counts by severity, notes, and an overview of each document."""

    verdict: Literal["fail", "warn", "pass"]
    counts: dict[str, int]
    groups: int
    findings: int
    ignored: int
    notes: list[str]
    documents: list[dict[str, Any]]


class ReviewAnswer(BaseModel):
    """One page of a report."""

    tool: str
    version: str
    schema_version: str
    summary: SummaryData
    groups: list[GroupData]
    findings: list[FindingData]
    view: dict[str, Any] | None = None
    omitted: dict[str, int] | None = None
    next_cursor: NextCursor


class PlanAnswer(BaseModel):
    """One page of a plan; docs/plan.md names the keys of its parts."""

    tool: str
    version: str
    schema_version: str
    summary: dict[str, Any]
    steps: list[dict[str, Any]]
    hazards: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    rehearsal: dict[str, Any]
    omitted: dict[str, int] | None = None
    next_cursor: NextCursor


class DesignAnswer(BaseModel):
    """One page of a design; docs/design.md names the keys of its parts."""

    tool: str
    version: str
    schema_version: str
    summary: dict[str, Any]
    ddl: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    promises: list[dict[str, Any]]
    omitted: dict[str, int] | None = None
    next_cursor: NextCursor


class ChecklistAnswer(BaseModel):
    """One page of a checklist; docs/security.md names the keys of its parts."""

    tool: str
    version: str
    schema_version: str
    summary: dict[str, Any]
    controls: list[dict[str, Any]]
    open_questions: list[dict[str, Any]]
    matrix: dict[str, Any]
    data_inventory: list[dict[str, Any]]
    threats: list[dict[str, Any]]
    omitted: dict[str, int] | None = None
    next_cursor: NextCursor
