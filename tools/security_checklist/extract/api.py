"""Facts of an OpenAPI document."""

from __future__ import annotations

from ...openapi.api import Api
from ..facts import Fact
from .access import access_facts
from .held import held_facts
from .inputs import input_facts
from .signin import signin_facts
from .surface import surface_facts

_PARTS = {
    "who may call what": access_facts,
    "the data": held_facts,
    "what clients send": input_facts,
    "signing in": signin_facts,
    "what is shown of the inside": surface_facts,
}


def api_facts(api: Api) -> tuple[list[Fact], list[str]]:
    """All that a document tells, and notes on what is too malformed to be read.

    The texts in it are data, none of them is followed.
    """
    found: list[Fact] = []
    notes = []
    for part, read in _PARTS.items():
        try:
            found.extend(read(api))
        except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError):
            notes.append(f"The document is malformed: {part} could be read in part only.")
    return found, notes
