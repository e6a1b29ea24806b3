"""A checklist as plain data, as docs/security.md documents it."""

from __future__ import annotations

from typing import Any, Final

from backend_architect.tools.security_checklist.checklist import Checklist

from .. import version
from .json import SCHEMA_VERSION

TOOL: Final = "security_checklist"


def data(checklist: Checklist) -> dict[str, Any]:
    """The whole checklist; keys are only ever added to."""
    return {
        **head(checklist),
        "controls": list(checklist.controls),
        "open_questions": list(checklist.questions),
        "matrix": checklist.matrix,
        "data_inventory": list(checklist.inventory),
        "threats": list(checklist.threats),
        "conflicts": list(checklist.conflicts),
        "diagrams": list(checklist.diagrams),
        "undecided": list(checklist.undecided),
        "not_applicable": list(checklist.not_applicable),
    }


def head(checklist: Checklist) -> dict[str, Any]:
    """Everything but the lists."""
    return {
        "tool": TOOL,
        "version": version(),
        "schema_version": SCHEMA_VERSION,
        "summary": {
            "verdict": verdict(checklist),
            **checklist.summary,
            "notes": list(checklist.notes),
        },
    }


def verdict(checklist: Checklist) -> str:
    """`fail` where something is not met, `open` where something is unknown, else `pass`."""
    found = checklist.summary["counts"]
    if found["not_met"] or found["partial"]:
        return "fail"
    return "open" if found["unknown"] or found["undecided"] else "pass"
