"""What clients send that an attacker would turn: addresses to fetch, work to repeat, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..names import words
from .api import TEMPLATE, Api, Operation
from .document import Node
from .sensitivity import objects, receivers
from .values import mapping

MAX_VALUES = 300  # of one request


class Value(NamedTuple):
    """A value of a request: `where` is path, query, header, cookie, formData or body."""

    name: str
    where: str
    schema: Node
    example: object
    top: bool  # no property of a nested object
    around: str  # the objects it is nested in: `config`, `events[]`


def values(api: Api, operation: Operation) -> Iterator[Value]:
    """Parameters, and the properties of the first body, those of nested objects included."""
    for _, parameter in operation.parameters:
        schema = api.schema_of(parameter)
        where = str(parameter.get("in"))
        if schema is not None and where in ("path", "query", "header", "cookie", "formData"):
            example = parameter.get("example", mapping(schema.value).get("example"))
            yield Value(str(parameter.get("name")), where, schema, example, True, "")
    if operation.method in ("get", "head", "options"):
        return
    left = MAX_VALUES
    for body in operation.request_bodies[:1]:
        shown = _example_of(api, operation)
        for part in objects(api, body.schema):
            for name, schema in part.properties.items():
                if left and schema.get("readOnly") is not True:
                    left -= 1
                    example = schema.get("example", shown.get(name) if not part.path else None)
                    yield Value(str(name), "body", schema, example, not part.path, part.path)


def named_values(api: Api, names: re.Pattern[str]) -> Iterator[tuple[Operation, Value]]:
    """The values of requests whose name, as words, has a match; each once, where it is written.

    With each comes the first operation, by its name, that is sent it.
    """
    yield from _named_parameters(api, names)
    for name, owners in api.declaring.items():
        if names.search(words(name)):
            for schema, owner in _written(api, owners, name).items():
                users = receivers(api, owner)
                if users and schema.get("readOnly") is not True:
                    around = _around(owner)
                    example = schema.get("example", _example_of(api, users[0]).get(name))
                    yield users[0], Value(str(name), "body", schema, example, not around, around)


def _written(api: Api, owners: list[Node], name: str) -> dict[Node, Node]:
    """The schemas of a property in requests, each once, with an object that has it."""
    found: dict[Node, Node] = {}
    for owner in filter(api.received, owners):
        schema = api.description.resolve(mapping(owner.get("properties")).get(name))
        if schema is not None:
            found.setdefault(schema, owner)
    return found


def _around(owner: Node) -> str:
    """The properties around an object, innermost first, and the component it is written in."""
    names = [
        n.key[1] for n in (owner, *owner.ancestors()) if n.kind == "schema" and len(n.key) == 2
    ]
    return ".".join(map(str, reversed(names)))


def _named_parameters(api: Api, names: re.Pattern[str]) -> Iterator[tuple[Operation, Value]]:
    seen: set[Node] = set()
    for operation in sorted(api.operations, key=str):
        for _, node in operation.parameters:
            if node in seen or not names.search(words(node.get("name"))):
                continue
            seen.add(node)
            schema, where = api.schema_of(node), str(node.get("in"))
            if schema is not None and where != "body":
                example = node.get("example", mapping(schema.value).get("example"))
                yield operation, Value(str(node.get("name")), where, schema, example, True, "")


def _example_of(api: Api, operation: Operation) -> dict[str, Any]:
    """The example of a request's media type."""
    body = api.description.child(operation.node, "requestBody")
    for media in mapping(body.get("content") if body else None).values():
        example = mapping(media).get("example")
        if isinstance(example, dict):
            return example
        for named in mapping(mapping(media).get("examples")).values():
            return mapping(mapping(named).get("value"))
    return {}


def has(api: Api, schema: Node, *keys: str) -> bool:
    """Whether a schema or what it includes has one of the keywords."""
    return any(part.get(key) is not None for part in api.parts(schema) for key in keys)


def is_file(api: Api, schema: Node) -> bool:
    """Whether a value is a file: of 2.0, or by its format."""
    if api.types(schema) == {"file"}:
        return True
    formats = {str(part.get("format")) for part in api.parts(schema)}
    return bool(formats & {"binary", "byte"})


def is_address(api: Api, value: Value) -> bool:
    """Whether a value is a URL that the client chooses, by its format, name or example."""
    text = words(value.name)
    if any(
        part.get("format") in ("uri", "url", "uri-reference") for part in api.parts(value.schema)
    ):
        return True
    if _ADDRESS.search(text) and not _NO_ADDRESS.search(text):
        return True
    return isinstance(value.example, str) and re.match(r"https?://", value.example) is not None


_ADDRESS = re.compile(
    r"_(ur[il]|callback|web_?hook|endpoint|redirect(_ur[il])?|return_to|next_url|continue_to)_$"
)
_NO_ADDRESS = re.compile(r"_(base|encoded|template|pattern|id|name|type|secret|events?)_$")
REDIRECTS = re.compile(  # an address that browsers are sent to
    r"_(redirect(_ur[il])?|return(_to|_url)?|next(_url)?|continue(_to|_url)?"
    r"|(success|cancel|failure|error|back|landing|logout)_ur[il])_"
)
_DISPLAY = re.compile(  # shown to people, not fetched by the server as a rule
    r"_(home_?page|website|blog|profile|html|logo|icon|docs|documentation|terms|privacy|help"
    r"|support|display|public|social|link|setup|details|log|environment|external|repository|repo)_"
)
_FETCHED = re.compile(
    r"_\w+_endpoint_|_(api|callback|hook|web_?hook|fetch|proxy|import|source|src|feed|server|upstream|image"
    r"|avatar|picture|photo|file|remote|download|scrape|crawl|preview|jwks|manifest)_"
)
_PLAIN = re.compile(r"^_(target_)?(ur[il]|address|endpoint|host|link)_$")
_FETCHES = re.compile(
    r"_(web_?hooks?|hooks?|callbacks?|imports?|fetch|proxy|crawl|scrape|previews?|unfurl|screenshots?"
    r"|mirrors?|migrations?|feeds?|ping|probe|download|remote)_"
)


ADDRESSES = re.compile(f"{_ADDRESS.pattern}|{_FETCHED.pattern}|{_PLAIN.pattern}")
"""Names that `is_address` and `is_fetched` may agree on."""


def is_fetched(operation: Operation, value: Value) -> bool:
    """Whether the server seems to call an address, rather than to keep or show it.

    Told by the value's name; where that is only `url`, by the path and the objects around it; and
    by an example on a machine that only the server would reach.
    """
    text = words(value.name)
    if value.where == "path" or _DISPLAY.search(text) or REDIRECTS.search(text):
        return False
    if _FETCHED.search(text):
        return True
    around = words(f"{TEMPLATE.sub('', operation.path)} {value.around}")
    inside = isinstance(value.example, str) and _INSIDE.match(value.example)
    return bool(inside or (_PLAIN.match(text) and _FETCHES.search(around)))


_INSIDE = re.compile(r"https?://(localhost|127\.|10\.|192\.168\.|169\.254\.|[\w-]+(:\d+)?(/|$))")


def is_guarded(api: Api, operation: Operation, value: Value) -> bool:
    """Whether the description says which addresses are refused or allowed, or a pattern does."""
    told = (
        str(node.get("description"))[:2000] for node in (operation.node, *api.parts(value.schema))
    )
    patterns = (str(part.get("pattern")) for part in api.parts(value.schema))
    return any(map(_GUARDED.search, told)) or any(map(_HOST_PINNED.match, patterns))


_GUARDED = re.compile(
    r"(?<!no )(?<!without )(?<!without an )(?<!without a )"
    r"\b(allow(ed)?[ -]?(list|hosts?|domains?|origins?)|white-?list)|publicly (reachable|routable)"
    r"|(internal|private|loopback|link-local|non-public)\b[\w ,-]{0,40}"
    r"(refused|rejected|blocked|denied|forbidden|disallowed|not (allowed|permitted|accepted))"
    r"|(refuse|reject|block|den(y|ie)|forbid)\w*\b[\w ,-]{0,40}"
    r"(internal|private|loopback|link-local|non-public)\b",
    re.I,
)
_HOST_PINNED = re.compile(r"\^https?\??:(\\?/){2}(\(\S{1,60}\))?[\w\\.-]{4,}")


REPEATS = re.compile(
    r"_(repeats?|repetitions?|times|retries|retry|iterations?|loops?|copies|depth|rounds|threads)_"
    r"|_(number|num|count|no)_of_|_(width|height|duration|pages|batch_size)_"
)
_MULTIPLIES = re.compile(
    r"_(repeats|retries|(retry|repeat)_count|copies)_|_(how_many|times|repeat)_$"
)


def repeats(api: Api, value: Value) -> bool:
    """Whether a value is a number without maximum that may make the server work longer."""
    numeric = api.types(value.schema) & {"integer", "number"}
    bounded = has(api, value.schema, "maximum", "exclusiveMaximum", "enum", "const")
    return bool(numeric) and not bounded and REPEATS.search(words(value.name)) is not None


def multiplies(value: Value) -> bool:
    """Whether what repeats, repeats the whole work of the call."""
    return value.where != "path" and _MULTIPLIES.search(words(value.name)) is not None
