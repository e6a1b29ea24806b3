"""Facts about who may call what: operations, schemes, addresses, what an object is chosen by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...names import words
from ...openapi.access import Access
from ...openapi.api import Api, Operation
from ...openapi.authorization import SAFE, Row, disclosed_identifiers, matrix, outliers
from ...openapi.document import Node
from ...openapi.naming import comes_before_login
from ...openapi.values import mapping
from ...report import clean, quoted
from ..facts import Basis, Call, Chosen, Fact, Kind, Told


def access_facts(api: Api) -> Iterator[Fact]:
    """Operations with what they ask for, and how requests choose objects."""
    yield from _servers(api)
    yield from _schemes(api)
    for row in api.once(matrix):
        yield _operation(row)
        yield from _purposes(row)
        yield from _chosen(row)
    for outlier in outliers(api):
        note = f"{outlier.kind}: {quoted(outlier.contrast.operation)} asks for more"
        at = outlier.row.operation.node.place()
        yield Fact(
            Kind.OUTLIER, subject_of(outlier.row.operation), outlier.kind.value, Basis.DERIVED,
            at, note,
        )  # fmt: skip
    for row, identifier, teller, told in api.once(disclosed_identifiers):
        note = f"{quoted(teller)} returns {quoted(identifier.name)} of other people"
        value = Told(identifier.name, subject_of(teller))
        yield Fact(
            Kind.DISCLOSES, subject_of(row.operation), value, Basis.DERIVED, told.place(), note
        )


def subject_of(operation: Operation) -> str:
    """How an operation is called in answers: `GET /path/{id}`."""
    return clean(str(operation), 300)


def _operation(row: Row) -> Fact:
    operation, access = row.operation, row.access
    call = Call(
        operation.method,
        operation.path,
        clean(str(operation.node.get("operationId") or ""), 200),
        clean(str(access), 200),
        access.open_because,
        operation.protected,
        access.scopes,
        row.privileged,
        comes_before_login(operation),
        operation.method not in SAFE,
        row.denials,
        operation.node.get("deprecated") is True,
    )
    place = operation.node.place()
    return Fact(Kind.OPERATION, subject_of(operation), call, Basis.OBSERVED, place, _needs(access))


def _needs(access: Access) -> str:
    if access.anonymous:
        return f"anyone may call it: {access.open_because}"
    if access.credential_parameters:
        return f"takes {quoted(access.credential_parameters[0])}"
    return f"declares {quoted(access)}"


def _purposes(row: Row) -> Iterator[Fact]:
    for purpose in sorted(row.purposes):
        note = f"its names say that it is to {purpose}"
        yield Fact(
            Kind.PURPOSE, subject_of(row.operation), purpose.value, Basis.HEURISTIC,
            row.operation.node.place(), note,
        )  # fmt: skip


def _chosen(row: Row) -> Iterator[Fact]:
    for identifier in row.identifiers:
        value = Chosen(identifier.name, identifier.where, identifier.kind, identifier.guessable)
        easy = ", which is easily guessed" if identifier.guessable else ""
        note = f"the {identifier.where} names the object by {quoted(identifier.name)}{easy}"
        yield Fact(
            Kind.SELECTS, subject_of(row.operation), value, Basis.OBSERVED,
            identifier.node.place(), note,
        )  # fmt: skip


def _servers(api: Api) -> Iterator[Fact]:
    servers = api.root.get("servers")
    for number, server in enumerate(servers if isinstance(servers, list) else ()):
        url = clean(str(mapping(server).get("url", "")), 200)
        at = api.root.place("servers", number)
        yield Fact(Kind.SERVER, "api", url, Basis.OBSERVED, at, f"the server is {quoted(url)}")
    schemes = api.root.get("schemes")
    host = api.root.get("host", "")
    for number, scheme in enumerate(schemes if isinstance(schemes, list) else ()):
        url = clean(f"{scheme}://{host}", 200)
        at = api.root.place("schemes", number)
        yield Fact(Kind.SERVER, "api", url, Basis.OBSERVED, at, f"the server is {quoted(url)}")


def _schemes(api: Api) -> Iterator[Fact]:
    for name, node in api.security_schemes.items():
        for flow in _flows(node) or [{}]:
            value = _scheme(node) | flow
            told = ", ".join(str(part) for part in value.values() if isinstance(part, str))
            note = f"scheme {quoted(name)}: {clean(told, 200)}"
            place = node.place()
            yield Fact(Kind.SCHEME, clean(str(name), 80), value, Basis.OBSERVED, place, note)


def _scheme(node: Node) -> dict[str, Any]:
    keys = ("type", "scheme", "in", "bearerFormat")
    return {key: clean(str(node.get(key)).lower(), 80) for key in keys if node.get(key)} | (
        {"name": clean(str(node.get("name")), 80)} if node.get("name") else {}
    )


def _flows(node: Node) -> list[dict[str, Any]]:
    flows = mapping(node.get("flows")) or (
        {str(node.get("flow")): node.value} if node.get("flow") else {}
    )
    return [
        {
            "flow": words(flow).strip("_"),
            **{
                key: clean(str(mapping(told).get(key)), 200)
                for key in ("authorizationUrl", "tokenUrl", "refreshUrl")
                if mapping(told).get(key)
            },
            "scopes": tuple(
                clean(str(scope), 80) for scope in mapping(mapping(told).get("scopes"))
            ),
        }
        for flow, told in flows.items()
    ]
