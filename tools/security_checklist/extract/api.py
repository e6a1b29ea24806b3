"""Facts of an OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator

from ...openapi.api import Api
from ..facts import Fact
from .access import access_facts
from .held import held_facts
from .inputs import input_facts
from .signin import signin_facts
from .surface import surface_facts


def api_facts(api: Api) -> Iterator[Fact]:
    """All that a document tells; the texts in it are data, none of them is followed."""
    yield from access_facts(api)
    yield from held_facts(api)
    yield from input_facts(api)
    yield from signin_facts(api)
    yield from surface_facts(api)
