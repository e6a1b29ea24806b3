"""Rules about work that goes on after the answer, and about work on many things at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from ...names import words
from ...openapi.api import Api, Operation
from ...openapi.document import Node
from ...openapi.models import headers_of, members
from ...openapi.purposes import segments, spoken
from ...openapi.resources import Role, uses
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import RFC9110

_LONG_RUNNING = "https://google.aip.dev/151"
_BATCH = "https://google.aip.dev/231"
_MULTI_STATUS = "https://www.rfc-editor.org/rfc/rfc4918#section-13"

_LEADING = re.compile(r"_(location|link|links|retry_after|(azure_)?async_?operation|operation_id)_")
_HANDLE = re.compile(
    r"_(id|ids|gid|sid|uuid|guid|key|ur[il]s?|href|links?|_links|location|status|state|phase|token"
    r"|job|jobs|task|tasks|operation|operations|name|progress|data|results?|items|reference)_$"
)
_INGESTED = re.compile(
    r"_(events?|logs?|metrics?|traces?|spans?|telemetry|analytics|pings?|beacons?|heartbeats?"
    r"|notifications?|messages?|emails?|sms|resend|redeliver|deliver(y|ies)|attempts|purge|signals?"
    r"|track|cancel|stop|abort)_"
)


@rule(
    "api/accepted-without-status",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Return the URL of a status resource in `Location`, or the id of the job in the body",
    references=[f"{RFC9110}#section-15.3.3", _LONG_RUNNING],
    bad="""
    paths:
      /exports:
        post:
          responses:
            '202': {description: The export has been started}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /exports:
        post:
          responses:
            '202':
              description: The export has been started
              headers:
                Location: {schema: {type: string, format: uri-reference}}
            '400': {$ref: '#/components/responses/Problem'}
      /exports/{exportId}:
        parameters:
          - {name: exportId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
    """,
)
def accepted_without_status(api: Api, _: Api) -> Iterator[Hit]:
    """`202 Accepted` leads to nothing that tells what became of the request.

    The work may still fail, and the client never hears of it: it shows success, or sends the
    request again. RFC 9110 wants the answer to describe the status and point to a monitor.
    Left out are operations on something that can be read, where the outcome shows, and events,
    messages and other things that are only handed over.
    """
    accepting = [
        (operation, operation.responses["202"])
        for operation in api.operations
        if "202" in operation.responses and operation.method not in ("get", "head", "query")
    ]
    silent = [
        operation
        for operation, response in accepting
        if not (_leads_on(response, api) or _outcome_shows(operation) or _is_handed_over(operation))
    ]
    for operation in silent:
        yield Hit(
            operation.node.place("responses", "202"),
            f"{quoted(operation)} answers `202` and names no place for the outcome",
            cause=f"{len(silent)} of {len(accepting)} `202` answers name no place for the outcome",
        )


def _leads_on(response: Node, api: Api) -> bool:
    headers = any(_LEADING.search(words(name)) for name in headers_of(response))
    if headers or response.get("links"):
        return True
    for body in api.bodies(response):
        fields = api.properties(body.schema)
        inner = (name for node in fields.values() for name in api.properties(node))
        if not fields or any(_HANDLE.search(words(name)) for name in chain(fields, inner)):
            return True  # what is inside is not known, or is a handle
    return False


def _outcome_shows(operation: Operation) -> bool:
    found = uses(operation.api).get(operation)
    if found is None:
        return False
    resource, use = found
    readable = bool(resource.having(Role.READ, Role.LIST))
    return use.role is not Role.CREATE and readable and "{" in operation.path


def _is_handed_over(operation: Operation) -> bool:
    return any(map(_INGESTED.search, (*segments(operation), *spoken(operation))))


_BULK = re.compile(r"_(bulk|batch|multiple|mass)_")
_READING = re.compile(r"_(get|list|fetch|read|retrieve|search|query|find|provides?|export)_")
_ATOMIC = re.compile(r"atomic|all[- ]or[- ]nothing|transaction|none (of|will|is|are)|partial", re.I)
_OUTCOME = re.compile(
    r"_(errors?|fail(ed|ures?)|results?|succe(eded|ss(es|ful)?)|skipped|rejected|status(es)?"
    r"|warnings?|job|task|count|counts)_"
)


@rule(
    "api/bulk-without-results",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Return a result for each item (207, or 200 with a list), or say that it is all or nothing",
    references=[_MULTI_STATUS, _BATCH],
    bad="""
    paths:
      /pets/bulk-delete:
        post:
          requestBody: &ids
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    ids:
                      type: array
                      maxItems: 100
                      items: {type: string, maxLength: 36}
          responses:
            '204': {description: The pets are gone}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets/bulk-delete:
        post:
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    ids:
                      type: array
                      maxItems: 100
                      items: {type: string, maxLength: 36}
          responses:
            '207':
              description: What became of each pet
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      results:
                        type: array
                        items:
                          type: object
                          properties: {id: {type: string}, status: {type: integer}}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def bulk_without_results(api: Api, _: Api) -> Iterator[Hit]:
    """A call on many things answers with one result for all of them.

    When the third of ten fails, the client cannot tell whether the others were done: to send all
    again repeats some, not to send them loses some. Either each item has a result, or the
    description says that nothing happens unless all succeeds.
    """
    for operation in api.operations:
        if not _works_on_many(operation) or _ATOMIC.search(_described(operation)):
            continue
        success = [(code, node) for code, node in operation.success if code != "202"]
        if success and not any(code == "207" or _tells(node, api) for code, node in success):
            yield Hit(
                operation.node.place("responses", success[0][0]),
                f"{quoted(operation)} tells nothing of the single items",
                cause="calls on many things answer with one result for all",
            )


def _works_on_many(operation: Operation) -> bool:
    if operation.method in ("get", "head", "options", "query"):
        return False
    names = spoken(operation)
    if not any(map(_BULK.search, names)) or any(map(_READING.search, names)):
        return False
    api = operation.api
    return any(
        members(node, api) is not None
        for body in operation.request_bodies
        for node in (body.schema, *api.properties(body.schema).values())
        if node is not None
    )


def _described(operation: Operation) -> str:
    answers = (node.get("description") for _, node in operation.success)
    return " ".join(str(text) for text in (operation.node.get("description"), *answers))[:5000]


def _tells(response: Node, api: Api) -> bool:
    """Whether a body has a list, or fields for what failed; or is not known."""
    for body in api.bodies(response):
        fields = api.properties(body.schema)
        if not fields or any(_OUTCOME.search(words(name)) for name in fields):
            return True
        if any(members(node, api) is not None for node in fields.values()):
            return True
    return False
