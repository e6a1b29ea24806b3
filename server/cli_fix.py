"""What `review-api` does with fixes: write them, show the difference, or an OpenAPI Overlay."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from difflib import unified_diff
from typing import TYPE_CHECKING, Literal, TypeAlias

import click

from .terminal import CLEAN, FOUND, printed, refused

if TYPE_CHECKING:
    from backend_architect.tools.review_api import Correction

    from .jobs import ReviewRequest

Change: TypeAlias = Literal["write", "diff", "overlay"]


def write(requests: Mapping[str, ReviewRequest]) -> None:
    """Write the corrected documents; of standard input, print it and exit."""
    from .jobs import REFUSALS, correct_api

    for request in requests.values():
        try:
            corrections, workspace = correct_api(request)
            for each in corrections if request.path else ():
                workspace.write(each.before.name, each.after.text)
                click.echo(f"corrected {each.before.name}", err=True)
        except REFUSALS as error:
            refused(str(error))
        if not request.path:
            _piped(corrections, request)


def _piped(corrections: Sequence[Correction], request: ReviewRequest) -> None:
    from backend_architect.tools.source import decode

    corrected = [each.after.text for each in corrections if each.before.name == request.name]
    text = corrected[0] if corrected else decode(request.text or "", request.name)
    click.echo(text, nl=False)
    sys.exit(CLEAN)


def show(requests: Mapping[str, ReviewRequest], change: Change) -> None:
    """Print what would be corrected, and exit."""
    from .jobs import REFUSALS, correct_api

    texts = []
    for request in requests.values():
        try:
            texts += [
                _diff(each) if change == "diff" else _overlay(each)
                for each in correct_api(request)[0]
            ]
        except REFUSALS as error:
            refused(str(error))
    if texts:
        printed(("" if change == "diff" else "---\n").join(texts).removesuffix("\n"))
    sys.exit(FOUND if texts else CLEAN)


def _diff(each: Correction) -> str:
    name = each.before.name
    before, after = (source.text.splitlines(keepends=True) for source in (each.before, each.after))
    changed = unified_diff(before, after, f"a/{name}", f"b/{name}")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in changed
    )


def _overlay(each: Correction) -> str:
    import yaml

    from backend_architect.tools.editing.overlay import overlay

    name = each.before.name
    made = overlay(f"Corrections of {name}", name, each.before.data, each.after.data)
    text: str = yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=1_000)
    return text
