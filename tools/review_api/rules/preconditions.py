"""Rules about conditional requests: updates that do not overwrite what another has changed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...names import words
from ...openapi.api import Api, Operation
from ...openapi.document import Node
from ...openapi.values import mapping
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule

_RFC = "https://www.rfc-editor.org/rfc/rfc9110"
_LOST_UPDATE = f"{_RFC}#section-13.1.1"


@rule(
    "api/update-without-precondition",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Take `If-Match`, and answer 412 when the resource has changed (428 when it is missing)",
    references=[_LOST_UPDATE, "https://www.rfc-editor.org/rfc/rfc6585#section-3"],
    bad="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get:
          responses:
            '200':
              description: A pet
              headers: {ETag: {schema: {type: string}}}
            '404': {$ref: '#/components/responses/Problem'}
        put: {}
    """,
    good="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get:
          responses:
            '200':
              description: A pet
              headers: {ETag: {schema: {type: string}}}
            '404': {$ref: '#/components/responses/Problem'}
        put:
          parameters:
            - {name: If-Match, in: header, required: true, schema: {type: string, maxLength: 99}}
          responses:
            '200': {description: Changed}
            '412': {$ref: '#/components/responses/Problem'}
    """,
)
def update_without_precondition(api: Api, _: Api) -> Iterator[Hit]:
    """An update cannot be made to depend on what the client has read.

    Two people open the same record, both save, and the first change is gone without an error: the
    lost update. Reported only where the API knows better: reading the resource returns an `ETag`,
    or most updates take `If-Match`. A version in the request body counts as a precondition.
    """
    updates = [op for op in api.operations if op.method in ("put", "patch") and "}" in op.path]
    guarded = [operation for operation in updates if _guarded(operation)]
    tagged = {
        id(op.item)
        for op in api.operations
        if op.method == "get" and any("ETag" in headers for headers in _headers(op))
    }
    usual = len(guarded) >= 5 and 2 * len(guarded) > len(updates)
    for operation in updates:
        if operation in guarded or not (usual or id(operation.item) in tagged):
            continue
        if id(operation.item) in tagged:
            cause = "resources are read with an `ETag`, and updated without `If-Match`"
            evidence = f"`GET {operation.path}` returns an `ETag`"
        else:
            cause = f"{len(guarded)} of {len(updates)} updates take `If-Match`, these do not"
            evidence = f"such as {quoted(guarded[0])}"
        yield Hit(
            operation.node.place(),
            f"{quoted(operation)} may overwrite what another client has changed",
            cause=cause,
            evidence=evidence,
        )


_VERSION = re.compile(r"_(version|revision|rev|e_?tag|row_version|lock_version|resource_version)_$")


def _guarded(operation: Operation) -> bool:
    """Whether the client can say which state its change is made to."""
    parameters = (str(listed.node.get("name")) for listed in operation.parameters)
    return bool(_preconditions(operation)) or any(
        _VERSION.search(words(name)) for name in (*_fields(operation), *parameters)
    )


def _fields(operation: Operation) -> Iterator[str]:
    """The fields of the request body, and of the members of lists in it."""
    api = operation.api
    for body in operation.request_bodies:
        for name, schema in api.properties(body.schema).items():
            yield name
            yield from api.properties(api.description.child(schema, "items"))


def _preconditions(operation: Operation) -> set[str]:
    """The conditional headers of RFC 9110, 13.1 that it takes, in lower case."""
    names = (str(p.node.get("name")).lower() for p in operation.parameters_in("header"))
    return {name for name in names if name in _CONDITIONS}


_CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range")


def _headers(operation: Operation) -> Iterator[set[str]]:
    for _, response in operation.success:
        yield {
            "ETag" if name.lower() == "etag" else name for name in mapping(response.get("headers"))
        }


@rule(
    "api/precondition-unpaired",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Describe both sides: the conditional header, and the status that answers it",
    references=[f"{_RFC}#section-13.1", f"{_RFC}#section-15.5.13"],
    bad="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        put:
          responses:
            '200': {description: Changed}
            '412': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        put:
          parameters:
            - {name: If-Match, in: header, schema: {type: string, maxLength: 99}}
          responses:
            '200': {description: Changed}
            '412': {$ref: '#/components/responses/Problem'}
    """,
)
def precondition_unpaired(api: Api, _: Api) -> Iterator[Hit]:
    """An operation has a conditional header or its answer, but not both.

    412 says that a condition of the request was false: where no conditional header is described,
    clients cannot send one. And who sends `If-Match` must know that 412 may come, or takes it for
    an unknown error and repeats the request, which fails for ever.
    """
    for operation in api.operations:
        conditions = _preconditions(operation)
        codes = mapping(operation.node.get("responses"))
        fails = conditions & {"if-match", "if-unmodified-since"}
        if "412" in codes and not _guarded(operation):
            yield Hit(
                operation.node.place("responses", "412"),
                f"{quoted(operation)} answers 412, but takes no conditional header",
                cause="operations answer 412, but take no conditional header",
            )
        elif fails and codes.keys().isdisjoint(("412", "4XX", "default")):
            yield Hit(
                operation.node.place(*(["responses"] if codes else [])),
                f"{quoted(operation)} takes a conditional header, but documents no 412",
                cause="operations take a conditional header, but document no 412",
                evidence=", ".join(quoted(name) for name in sorted(fails)),
            )


@rule(
    "api/concurrency-control-missing",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    opt_in=True,
    confidence=Confidence.MEDIUM,
    fix="Return an `ETag` (or a version) when a resource is read, and take `If-Match` on updates",
    references=[_LOST_UPDATE, "https://www.rfc-editor.org/rfc/rfc6585#section-3"],
    bad="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
        put: {}
    """,
    good="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
        put:
          parameters:
            - {name: If-Match, in: header, schema: {type: string, maxLength: 99}}
          responses:
            '200': {description: Changed}
            '412': {$ref: '#/components/responses/Problem'}
    """,
)
def concurrency_control_missing(api: Api, _: Api) -> Iterator[Hit]:
    """No update of the API can be made to depend on what the client has read.

    Of two changes at the same time the last one wins, whole: without an `ETag`, a version or a time
    of the last change in the request, the server cannot tell that the first exists.
    """
    updates = [op for op in api.operations if op.method in ("put", "patch") and "}" in op.path]
    if updates and not any(map(_guarded, updates)):
        yield Hit(
            api.root.place("paths"),
            f"none of {len(updates)} updates takes a precondition or a version",
            evidence=", ".join(quoted(operation) for operation in updates[:3]),
        )


@rule(
    "api/precondition-by-date",
    Severity.INFO,
    FindingClass.STYLE,
    on="parameter",
    opt_in=True,
    fix="Take `If-Match` or `If-None-Match` with an entity tag",
    references=[f"{_RFC}#section-8.8.2.2", f"{_RFC}#section-13.1.4"],
    bad="""
    paths:
      /pets:
        get:
          parameters:
            - {name: If-Modified-Since, in: header, schema: {type: string, maxLength: 40}}
    """,
    good="""
    paths:
      /pets:
        get:
          parameters:
            - {name: If-None-Match, in: header, schema: {type: string, maxLength: 99}}
    """,
)
def precondition_by_date(parameter: Node, _: Api) -> Iterator[Hit]:
    """A condition compares dates, which tell states apart by the second only.

    Two changes within a second have the same date, so the second one is missed or overwritten. An
    entity tag has no such limit, and servers that are given both must ignore the date.
    """
    name = str(parameter.get("name"))
    if parameter.get("in") == "header" and re.fullmatch(r"if-(un)?modified-since", name, re.I):
        yield Hit(
            parameter.place("name"),
            f"{quoted(name)} compares dates",
            cause="conditions compare dates",
        )
