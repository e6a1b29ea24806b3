"""Rules about limits of the rate of calls, and what clients are told of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...openapi.api import Api, Operation
from ...openapi.document import Node
from ...openapi.values import mapping
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import API4
from .shared import answer_patch

_429 = "https://www.rfc-editor.org/rfc/rfc6585#section-4"
_RETRY_AFTER = "https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3"
_RATE_LIMIT = "https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/"


@rule(
    "api/rate-limit-without-retry-after",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Answer 429 with `Retry-After`, and describe the header",
    references=[_429, _RETRY_AFTER, _RATE_LIMIT],
    bad="""
    paths:
      /pets:
        get:
          responses:
            '200': {description: Pets}
            '429': {description: Slow down}
    """,
    good="""
    paths:
      /pets:
        get:
          responses:
            '200': {description: Pets}
            '429':
              description: Slow down
              headers:
                Retry-After: {description: Seconds, schema: {type: integer}}
    """,
)
def rate_limit_without_retry_after(api: Api, _: Api) -> Iterator[Hit]:
    """A 429 response does not say when to try again.

    Each client then guesses: the polite one waits too long, the others retry at once and keep the
    limit exceeded, all together when the window opens. `Retry-After` is the standard way to say it;
    a header with the time of the reset, a field of the body or a sentence count, too. The
    `RateLimit` headers are an IETF draft still.
    """
    yield from _silent(api, "429", "does not say when to try again")


@rule(
    "api/unavailable-without-retry-after",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    opt_in=True,
    fix="Answer 503 with `Retry-After`, and describe the header",
    references=["https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4", _RETRY_AFTER],
    bad="""
    paths:
      /pets:
        get:
          responses:
            '200': {description: Pets}
            '503': {description: The service is down}
    """,
    good="""
    paths:
      /pets:
        get:
          responses:
            '200': {description: Pets}
            '503':
              description: The service is down
              headers:
                Retry-After: {description: Seconds, schema: {type: integer}}
    """,
)
def unavailable_without_retry_after(api: Api, _: Api) -> Iterator[Hit]:
    """A 503 response does not say when to try again.

    A service that comes back under the retries of everybody at once goes down again. With
    `Retry-After` it decides when, and can spread the clients.
    """
    yield from _silent(api, "503", "does not say when to try again")


_TELLS = re.compile(r"retry.?after|reset|rate.?limit$", re.I)


def _silent(api: Api, code: str, complaint: str) -> Iterator[Hit]:
    """The responses of the code, each once, that say nothing of the time to wait."""
    answers = dict.fromkeys(
        response for operation in api.operations if (response := operation.responses.get(code))
    )
    silent = [response for response in answers if not _tells(response, api)]
    for response in silent:
        yield Hit(
            response.place(),
            f"the {quoted(code)} response {complaint}",
            cause=f"{len(silent)} of {len(answers)} descriptions of {quoted(code)} do not say"
            " when to try again",
        )


def _tells(response: Node, api: Api) -> bool:
    fields = (name for body in api.bodies(response) for name in api.properties(body.schema))
    return (
        any(_TELLS.search(str(name)) for name in (*mapping(response.get("headers")), *fields))
        or re.search(r"retry.?after", str(response.get("description")), re.I) is not None
    )


@rule(
    "api/rate-limit-response-missing",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Document 429 as the other operations do; if there is no limit, say so",
    references=[_429, *API4, "CWE-770"],
    bad="""
    paths:
      /pets:
        get: &limited
          responses: &answers
            '200': {description: Done}
            '400': {$ref: '#/components/responses/Problem'}
            '429': {description: Wait, headers: {Retry-After: {schema: {type: integer}}}}
        head: *limited
        options: *limited
        put: *limited
        delete: *limited
      /vets:
        get: *limited
        head: *limited
        options: *limited
        put: *limited
        delete: *limited
      /cats:
        get: *limited
        head: *limited
        options: *limited
        put: *limited
        delete: *limited
      /owners:
        get: *limited
        head: *limited
        options: *limited
        delete: *limited
        put:
          responses:
            '204': {description: Done}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets:
        get: &limited
          responses: &answers
            '200': {description: Done}
            '400': {$ref: '#/components/responses/Problem'}
            '429': {description: Wait, headers: {Retry-After: {schema: {type: integer}}}}
        put: *limited
    """,
)
def rate_limit_response_missing(api: Api, _: Api) -> Iterator[Hit]:
    """An operation documents no 429, unlike nearly all others.

    Either it is the one call without a limit, and the one that an attacker or a loop gone wild
    will find, or clients are not told of the limit. Reported where at least ten operations, and
    nine of ten, document 429. Those that document no error at all are another rule's.
    """
    limited = [operation for operation in api.operations if _limited(operation)]
    others = [
        operation
        for operation in api.operations
        if not _limited(operation) and (any(operation.errors) or not operation.can_fail)
    ]
    if len(limited) < 10 or len(limited) < 0.9 * len(api.operations):
        return
    for operation in others:
        yield Hit(
            operation.node.place(*(["responses"] if operation.node.get("responses") else [])),
            f"{quoted(operation)} documents no 429",
            cause=f"{len(limited)} of {len(api.operations)} operations document 429, these do not",
            patch=answer_patch(operation, "429", api),
        )


def _limited(operation: Operation) -> bool:
    return not {"429", "4XX"}.isdisjoint(mapping(operation.node.get("responses")))


@rule(
    "api/rate-limit-undocumented",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    opt_in=True,
    fix="Limit the rate of calls by client, and document 429 with `Retry-After`",
    references=[_429, *API4, "CWE-770"],
    bad="""
    paths:
      /pets:
        get: {}
    """,
    good="""
    paths:
      /pets:
        get:
          responses:
            '200': {description: Pets}
            '429': {description: Wait, headers: {Retry-After: {schema: {type: integer}}}}
    """,
)
def rate_limit_undocumented(api: Api, _: Api) -> Iterator[Hit]:
    """No operation of the API says that it limits the rate of calls.

    One client can then use up what all share, by accident or not, and passwords can be tried at
    line speed. If a gateway in front has limits, its 429 reaches the clients all the same: those
    that do not expect it lose data or retry without end.
    """
    if api.operations and not any(map(_limited, api.operations)):
        yield Hit(
            api.root.place("paths"),
            f"none of {len(api.operations)} operations documents 429",
        )
