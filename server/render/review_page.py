"""One page of a review: of its findings, or of the view that was asked for."""

from __future__ import annotations

from functools import partial
from typing import Any

from backend_architect.tools.report import Report, View

from . import pieces
from .json import head, shortened, view
from .markdown import heading
from .page import Page
from .page import page as findings_page
from .pieces import Piece, size_of, size_of_text
from .view_text import continued_lines, head_lines, row_lines


def page(
    report: Report, max_tokens: int, cursor: str | None = None, detail: str = "concise"
) -> Page:
    """One page of a report. Raises `BadCursor`."""
    if report.view is None:
        return findings_page(report, max_tokens, cursor, detail)
    kind = report.view.kind
    parts = [
        Piece("\n".join(row_lines(kind, row)), ((("view", "rows"), row),))
        for row in report.view.rows
    ]
    return pieces.page(parts, partial(_head, report, report.view), max_tokens, cursor, kind)


def markdown(report: Report, shown: View) -> str:
    """A whole view."""
    lines = [heading(report, report.overviews, report.notes), *head_lines(shown.kind, shown.head)]
    for row in shown.rows:
        lines += row_lines(shown.kind, row)
    return "\n".join(lines)


def _head(report: Report, shown: View, room: int, first: bool) -> tuple[str, dict[str, Any]]:
    """The verdict and what holds of all rows, in half the room at most; later only the title."""
    for most in (1_000, 20, 5, 1) if first else (0,):
        data = head(report)
        summary = data["summary"]
        summary["documents"] = [shortened(o, most, 20 * most + 30) for o in report.overviews[:1]]
        summary["notes"] = summary["notes"][:most]
        top = _cut(shown.head, most)
        data |= {"groups": [], "findings": [], "view": view(View(shown.kind, top, ()), ())}
        if first:
            lines = [heading(report, summary["documents"], summary["notes"])]
            lines += head_lines(shown.kind, top)
        else:
            lines = [f"# {report.tool}, continued", "", *continued_lines(shown.kind)]
        text = "\n".join(lines)
        if max(size_of_text(text), size_of(data)) <= room // 2:
            break
    return text, data


def _cut(top: dict[str, Any], most: int) -> dict[str, Any]:
    """What holds of all rows with less in it; half a diagram would be none."""
    return {key: _less(key, value, most) for key, value in top.items()}


def _less(key: str, value: Any, most: int) -> Any:
    if key == "diagram":
        return value if most > 5 else ""
    if isinstance(value, list):
        return value[:most]
    if isinstance(value, dict):
        return dict(list(value.items())[:most])
    return value[: 50 * most] if isinstance(value, str) else value
