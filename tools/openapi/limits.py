"""What a description says about limits on calls: how often, how many attempts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..names import words
from .api import Api, Operation
from .values import mapping

_SPEAKS = re.compile(
    r"too many|rate[ -]?limit|throttl|lock(ed|s)?[ -]?out|account (is |gets )?locked|quota|captcha"
    r"|(attempts?|tries|requests) (exceeded|remaining|left|allowed|per)"
    r"|(max(imum)?|number of|limit(ed)? to)\b.{0,30}\b(attempts|tries|requests)",
    re.I,
)
_HEADER = re.compile(r"_rate_?limit_")


def limits_calls(operation: Operation) -> bool:
    """Whether the description says, of this operation or the whole API, that calls are limited."""
    api = operation.api
    return (
        api.once(_speaks_of_limits)
        or "429" in operation.responses
        or any(_HEADER.search(words(name)) for name in _headers(operation))
        or any(map(_SPEAKS.search, _texts(operation)))
        or any("captcha" in str(listed.node.get("name")).lower() for listed in operation.parameters)
        or any(
            "captcha" in name.lower()
            for body in operation.request_bodies
            for name in api.properties(body.schema)
        )
    )


def _speaks_of_limits(api: Api) -> bool:
    told = str(mapping(api.root.get("info")).get("description"))[:100_000]
    return _SPEAKS.search(told) is not None


def _headers(operation: Operation) -> Iterator[str]:
    for response in operation.responses.values():
        yield from map(str, mapping(response.get("headers")))


def _texts(operation: Operation) -> Iterator[str]:
    for node in (operation.node, *operation.responses.values()):
        yield f"{node.get('summary')} {node.get('description')}"[:2000]
