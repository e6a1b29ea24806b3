"""A design as plain data, as docs/design.md documents it, and as files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from backend_architect.tools.design_schema.decision import Decision
from backend_architect.tools.design_schema.design import Design
from backend_architect.tools.design_schema.diagram import diagram
from backend_architect.tools.design_schema.domain.questions import Question, questions
from backend_architect.tools.design_schema.logical.normal import Normalised, normalised
from backend_architect.tools.design_schema.promises.model import Kept

from .. import version
from .design_growth import data as growth
from .design_indexes import data as indexes
from .design_indexes import head as planner
from .json import SCHEMA_VERSION, finding

TOOL: Final = "design_schema"


def data(design: Design) -> dict[str, Any]:
    """The whole design; the keys are documented in docs/design.md and only ever added to."""
    return {
        **head(design),
        "ddl": design.ddl,
        "questions": [question(each) for each in questions(design.domain)],
        "decisions": [decision(each) for each in design.blueprint.decisions],
        "normal_forms": [normal(each) for each in normalised(design.domain)],
        **indexes(design.indexes),
        **growth(design.growth),
        "promises": [promise(each) for each in design.kept],
        "findings": [finding(each) for each in design.findings],
        "jobs": [{"name": name, "sql": sql} for name, sql in (design.blueprint.jobs or {}).items()],
        "diagram": diagram(design.blueprint.schema),
        "diagrams": diagrams(design),
    }


def head(design: Design) -> dict[str, Any]:
    """Everything but the lists."""
    blueprint = design.blueprint
    return {
        "tool": TOOL,
        "version": version(),
        "schema_version": SCHEMA_VERSION,
        "summary": {
            "verdict": verdict(design),
            "dialect": str(blueprint.dialect),
            "engine_version": ".".join(map(str, blueprint.version)),
            "proved_on": design.engine,
            **planner(design.indexes),
            "tables": len(blueprint.schema.tables),
            "promises": len(design.kept),
            "kept": sum(each.is_kept for each in design.kept),
            "untried": len(untried(design)),
            "findings": len(design.findings),
            "notes": [*blueprint.notes, *design.notes],
        },
    }


def verdict(design: Design) -> str:
    """`refused`, `proved`, or `designed`: what is known of the design as a whole."""
    if design.broken or design.findings:
        return "refused"
    return "proved" if design.engine else "designed"


def untried(design: Design) -> list[Kept]:
    """Promises of which nothing is known."""
    return [each for each in design.kept if not each.is_kept and not each.failure]


def question(each: Question) -> dict[str, Any]:
    """What the model leaves open."""
    return {
        "about": each.about,
        "text": each.asks,
        "assumed": each.assumed,
        "changes": each.changes,
    }


def decision(each: Decision) -> dict[str, Any]:
    """A choice and its reason."""
    return {
        "about": each.about,
        "what": each.what,
        "why": each.why,
        "authority": each.authority,
        "source": each.source,
    }


def promise(each: Kept) -> dict[str, Any]:
    """A promise, and how it fared: kept, broken or untried."""
    state = "kept" if each.is_kept else "broken" if each.failure else "untried"
    return {
        "name": each.promise.name,
        "about": list(each.promise.about),
        "says": each.promise.says,
        "state": state,
        "reason": each.failure or getattr(each, "untried", ""),
    }


def normal(each: Normalised) -> dict[str, Any]:
    """An entity by its dependencies."""
    return {
        "entity": each.entity,
        "keys": list(each.keys),
        "violations": [
            {"form": v.form, "dependency": str(v.dependency), "why": v.why} for v in each.violations
        ],
        "third_normal_form": _parts(each.third),
        "boyce_codd": _parts(each.boyce_codd),
        "note": each.note,
    }


def diagrams(design: Design) -> dict[str, str]:
    """Diagrams of the areas of a model, where it has several: each with its own tables only."""
    areas: dict[str, set[str]] = {}
    for entity in design.domain.entities:
        if entity.area:
            areas.setdefault(entity.area, set()).add(design.logical.by_entity[entity.name])
    schema = design.blueprint.schema
    if len(areas) < 2:
        return {}
    return {
        area: diagram(
            replace(schema, tables={n: t for n, t in schema.tables.items() if n.name in names})
        )
        for area, names in areas.items()
    }


def _parts(found: Any) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "parts": [
            {"attributes": sorted(p.attributes), "keys": [sorted(k) for k in p.keys]}
            for p in found.parts
        ],
        "lossless": found.lossless,
        "lost": [str(each) for each in found.lost],
    }


def files(design: Design) -> Iterator[tuple[str, str]]:
    """The files of a design, by name: DDL, diagram, dictionary, proof, sample rows, data."""
    import json

    from . import design_text as text

    yield "schema.sql", design.ddl
    yield "diagram.mmd", diagram(design.blueprint.schema) + "\n"
    for area, chart in diagrams(design).items():
        yield f"diagram-{area}.mmd", chart + "\n"
    yield "dictionary.md", text.dictionary(design) + "\n"
    yield "proof.md", text.proof(design) + "\n"
    yield "sample.sql", text.sample(design) + "\n"
    yield "design.json", json.dumps(data(design), indent=2, ensure_ascii=False) + "\n"
