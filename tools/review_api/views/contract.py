"""The contract of an API for people: endpoint by endpoint, with what a caller has to know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from ...names import words
from ...openapi.access import access_of
from ...openapi.api import Api, Body, Listed, Operation
from ...openapi.authorization import Row, matrix
from ...openapi.document import Node
from ...openapi.models import component_name, members
from ...openapi.purposes import Purpose, answered
from ...openapi.sensitivity import Sense
from ...openapi.values import listing, mapping
from ...report import Finding, View
from ...source import pointer
from .cells import operations, text, texts

MAX_FIELDS = 40  # of one body
SAFE = ("get", "head", "options", "trace", "query")
IDEMPOTENT = (*SAFE, "put", "delete")
SECRET = (Sense.PASSWORD, Sense.SECRET, Sense.CODE, Sense.PAYMENT)


def contract(api: Api, findings: Iterable[Finding], below: str) -> View:
    """A row for each operation: who may call, what goes in, what comes back, what to mind."""
    remarks = _remarks(findings)
    shown = list(operations(api, below))
    rows = tuple(_endpoint(each, remarks) for each in shown)
    info = mapping(api.root.get("info"))
    servers = [mapping(each).get("url", "") for each in listing(api.root.get("servers"))]
    head: dict[str, Any] = {
        "description": text(info.get("description", ""), 1_000),
        "servers": texts(servers, 200),
        "operations": len(shown),
    }
    return View("contract", head, rows)


def _remarks(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """The findings of each operation: those in it, and those of components it uses."""
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        for operation in finding.affects:
            found[operation].append(finding)
        steps = finding.location.pointer.split("/")
        if steps[1:2] == ["paths"] and len(steps) > 3:
            path = steps[2].replace("~1", "/").replace("~0", "~")
            found[f"{steps[3].upper()} {path}"].append(finding)
    return found


def _endpoint(operation: Operation, remarks: dict[str, list[Finding]]) -> dict[str, Any]:
    node, name = operation.node, text(operation)
    about = remarks.get(str(operation), [])
    worst = sorted(dict.fromkeys((-f.severity, f.rule, f.message) for f in about))
    return {
        "operation": name,
        "pointer": text(pointer(node.path), 500),
        "summary": text(node.get("summary") or node.get("description") or "", 300),
        "deprecated": node.get("deprecated") is True,
        "needs": text(access_of(operation)),
        "parameters": [_parameter(each, operation.api) for each in operation.parameters],
        "bodies": [_body(each, operation.api) for each in operation.request_bodies],
        "responses": [
            _response(code, response, operation.api)
            for code, response in operation.responses.items()
        ],
        "retry": _retry(operation),
        "limits": [*_limits(operation)],
        "security": [*_considerations(operation)],
        "findings": [{"rule": rule, "message": message} for _, rule, message in worst],
    }


def _parameter(listed: Listed, api: Api) -> dict[str, Any]:
    node = listed.node
    return {
        "name": text(node.get("name", ""), 100),
        "in": text(node.get("in", ""), 20),
        "type": _type(api.schema_of(node), api),
        "required": node.get("required") is True,
        "description": text(node.get("description", ""), 120),
    }


def _body(body: Body, api: Api) -> dict[str, Any]:
    return {
        "media_type": text(body.media_type, 100),
        "type": _type(body.schema, api),
        "fields": [*_fields(body.schema, api)],
    }


def _fields(schema: Node | None, api: Api) -> Iterator[dict[str, Any]]:
    required = {
        name
        for part in api.parts(schema)
        for name in listing(part.get("required"))
        if isinstance(name, str)
    }
    properties = [*api.properties(schema).items()]
    for name, node in properties[:MAX_FIELDS]:
        yield {"name": text(name, 100), "type": _type(node, api), "required": name in required}
    if len(properties) > MAX_FIELDS:
        yield {"name": f"… {len(properties) - MAX_FIELDS} more", "type": "", "required": False}


def _response(code: str, response: Node, api: Api) -> dict[str, Any]:
    bodies = [*api.bodies(response)]
    return {
        "code": text(code, 10),
        "description": text(response.get("description", ""), 160),
        "media_types": texts(body.media_type for body in bodies if body.media_type),
        "type": _type(bodies[0].schema, api) if bodies else "",
        "headers": texts(mapping(response.get("headers"))),
    }


_BOUNDS = (
    ("minimum", "≥ {}"), ("exclusiveMinimum", "> {}"), ("maximum", "≤ {}"),
    ("exclusiveMaximum", "< {}"), ("multipleOf", "multiple of {}"),
    ("minLength", "at least {} characters"), ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"), ("maxItems", "at most {} items"),
    ("pattern", "matches {}"), ("default", "default {}"),
)  # fmt: skip


def _type(schema: Node | None, api: Api) -> str:
    """A schema in a few words: `string (uuid)`, `Pet`, `list of Pet, at most 100 items`."""
    if schema is None:
        return ""
    said = _noun(schema, api)
    for part in api.parts(schema):
        value = mapping(part.value)
        if isinstance(value.get("format"), str) and "(" not in said:
            said += f" ({text(value['format'], 40)})"
        if choices := listing(value.get("enum")):
            more = ", …" if len(choices) > 8 else ""
            said += f" of {', '.join(texts(choices[:8], 40))}{more}"
        for keyword, phrase in _BOUNDS:
            if type(value.get(keyword)) in (int, float, str):
                said += f", {phrase.format(text(value[keyword], 60))}"
        if component_name(part):
            break
    return said


def _noun(schema: Node, api: Api) -> str:
    if inner := members(schema, api):
        return f"list of {_named(inner, api)}"
    return _named(schema, api)


def _named(schema: Node, api: Api) -> str:
    parts = api.parts(schema)
    name = next((name for part in parts if (name := component_name(part))), "")
    types = " or ".join(sorted(api.types(schema)))
    if name and (not types or types == "object"):
        return text(name, 80)
    alternatives = [key for key in ("oneOf", "anyOf") if any(part.get(key) for part in parts)]
    return types or ("one of several" if alternatives else "any")


def _retry(operation: Operation) -> str:
    """Whether a caller that got no answer may send the same again (RFC 9110, 9.2.2)."""
    keys = [
        text(name, 60)
        for listed in operation.parameters_in("header")
        if "idempotency" in (name := str(listed.node.get("name"))).lower()
    ]
    if operation.method in IDEMPOTENT:
        return "may be repeated"
    if keys:
        return f"may be repeated with the same `{keys[0]}`"
    return "may take effect twice if repeated"


def _limits(operation: Operation) -> Iterator[str]:
    headers = {
        name.lower(): code
        for code, response in operation.responses.items()
        for name in mapping(response.get("headers"))
    }
    if "429" in operation.responses:
        wait = ", `Retry-After` says when to try again" if "retry-after" in headers else ""
        yield f"answers 429 when called too often{wait}"
    told = sorted(name for name in headers if "ratelimit" in name or "rate-limit" in name)
    if told:
        yield f"tells the rate limit in {', '.join(f'`{text(name, 60)}`' for name in told)}"


def _considerations(operation: Operation) -> Iterator[str]:
    """What the document gives reason to check, beyond what it declares."""
    row = _row(operation)
    chosen = [each for each in row.identifiers if each.where != "body" or _is_id(each.name)]
    for each in chosen if not row.access.anonymous else ():
        guess = ", which is easily guessed" if each.guessable else ""
        name = f"`{text(each.name, 60)}` ({each.where}{guess})"
        yield f"the caller chooses the object by {name}: check that it is theirs"
    for purpose in sorted(row.purposes):
        few = purpose in (Purpose.ADMINISTRATION, Purpose.DEBUGGING)
        care = "only few should be able to" if few else "attackers repeat this: limit attempts"
        yield f"serves to {purpose.value}: {care}"
    held = {field.sense.value for field in answered(operation) if field.sense in SECRET}
    if held:
        yield f"the answer holds {', '.join(sorted(held))}"


def _is_id(name: str) -> bool:
    return words(name).endswith(("_id_", "_uuid_", "_guid_"))


def _row(operation: Operation) -> Row:
    return operation.api.once(_rows)[operation]


def _rows(api: Api) -> dict[Operation, Row]:
    return {row.operation: row for row in matrix(api)}
