"""Rules about what clients send that the server acts on: addresses, counts, files."""

from __future__ import annotations

from collections.abc import Iterator

from ...openapi.api import Api, Operation
from ...openapi.document import Node
from ...openapi.inputs import (
    ADDRESSES,
    REPEATS,
    Value,
    has,
    is_address,
    is_fetched,
    is_file,
    is_guarded,
    multiplies,
    named_values,
    repeats,
    values,
)
from ...openapi.values import mapping
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import API4, API7

_SSRF = (
    "https://cheatsheetseries.owasp.org/cheatsheets/"
    "Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html"
)
_UPLOAD = "https://cheatsheetseries.owasp.org/cheatsheets/File_Upload_Cheat_Sheet.html"


@rule(
    "api/server-side-request-possible",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Fetch from allowed hosts only, refuse internal addresses after resolving the name, follow"
    " no redirects, and do not return what was fetched",
    references=["CWE-918", *API7, _SSRF, "ASVS 5.0.0 V1.3.6"],
    bad="""
    paths:
      /me:
        patch:
          requestBody:
            content:
              application/merge-patch+json:
                schema:
                  type: object
                  properties:
                    avatar_url: {type: string, format: uri, maxLength: 2000}
    """,
    good="""
    paths:
      /me:
        patch:
          requestBody:
            content:
              application/merge-patch+json:
                schema:
                  type: object
                  properties:
                    homepage_url: {type: string, format: uri, maxLength: 2000}
    """,
)
def server_side_request_possible(api: Api, _: Api) -> Iterator[Hit]:
    """The server is sent an address that it will fetch.

    A server stands where its clients cannot: beside the metadata service of the cloud, beside
    databases and admin pages without login. An address of a webhook, an import or a picture that
    clients choose makes it fetch from there, and the answer, an error or the time that it takes
    tells the client what it found. Told by names: links that are only kept or shown are left alone,
    and so is what an enumeration or a pattern bounds, or where the description says which
    addresses are refused.
    """
    for operation, value in named_values(api, ADDRESSES):
        if _is_address_to_fetch(api, operation, value):
            yield Hit(
                value.schema.place(),
                f"{quoted(operation)} is sent {quoted(value.name)}, an address that the server"
                " seems to fetch",
                cause="clients choose addresses that the server fetches",
                related=(operation.node.place(),),
            )


def _is_address_to_fetch(api: Api, operation: Operation, value: Value) -> bool:
    types = api.types(value.schema)
    return (
        (not types or "string" in types)
        and not has(api, value.schema, "enum", "const")
        and is_address(api, value)
        and is_fetched(operation, value)
        and not is_guarded(api, operation, value)
    )


@rule(
    "api/work-multiplier-unbounded",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Set `maximum` to what the server is ready to do for one call, or decide it on the server",
    references=["CWE-770", "CWE-1284", *API4, "ASVS 5.0.0 V2.2.1"],
    bad="""
    paths:
      /messages/sent:
        post:
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [number_of_repeats]
                  properties:
                    number_of_repeats: {type: integer, minimum: 0}
    """,
    good="""
    paths:
      /messages/sent:
        post:
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [number_of_repeats]
                  properties:
                    number_of_repeats: {type: integer, minimum: 0, maximum: 3}
    """,
)
def work_multiplier_unbounded(api: Api, _: Api) -> Iterator[Hit]:
    """A client says how often the server is to repeat its work, without a maximum.

    One request of a hundred bytes becomes a million calls, messages or copies: the server is its
    own attacker, or that of whom it calls, and a limit on requests does not help. Told by names
    that say `repeats`, `retries` or `copies`.
    """
    for operation, value in named_values(api, REPEATS):
        if repeats(api, value) and multiplies(value):
            yield Hit(
                value.schema.place(),
                f"{quoted(operation)} is told by {quoted(value.name)} how often to repeat its work,"
                " without `maximum`",
                cause=f"{quoted(value.name)} repeats work without a maximum",
                related=(operation.node.place(),),
            )


@rule(
    "api/upload-unbounded",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    opt_in=True,
    fix="Say which types (`encoding.contentType`) and which size (`413`, `maxLength`) are accepted,"
    " and check both on the server",
    references=["CWE-434", "CWE-770", *API4, _UPLOAD, "ASVS 5.0.0 V5.2.1", "ASVS 5.0.0 V5.2.2"],
    bad="""
    paths:
      /me/picture:
        put:
          requestBody:
            required: true
            content:
              multipart/form-data:
                schema:
                  type: object
                  properties:
                    file: {type: string, format: binary}
    """,
    good="""
    paths:
      /me/picture:
        put:
          requestBody:
            required: true
            content:
              multipart/form-data:
                schema:
                  type: object
                  properties:
                    file: {type: string, format: binary, maxLength: 1000000}
                encoding:
                  file: {contentType: 'image/png, image/jpeg'}
    """,
)
def upload_unbounded(api: Api, _: Api) -> Iterator[Hit]:
    """A file may be of any size or type.

    The size of an upload is memory, disk and time of whatever looks at it, and a type that nobody
    checks is how scripts get beside pictures. Few descriptions say it, which is why this is for
    APIs that choose to: `413` or `maxLength` tells the size; a media type or `encoding` the type.
    """
    for operation, value in _files(api):
        untold = [] if _tells_size(api, operation, value) else ["size"]
        untold += [] if _tells_type(api, operation, value) else ["type"]
        if untold:
            any_ = f"any {' and '.join(untold)}"
            yield Hit(
                value.schema.place(),
                f"{quoted(value.name)} of {quoted(operation)} may be of {any_}",
                cause=f"files may be of {any_}",
                related=(operation.node.place(),),
            )


def _tells_size(api: Api, operation: Operation, value: Value) -> bool:
    return "413" in operation.responses or has(api, value.schema, "maxLength")


def _tells_type(api: Api, operation: Operation, value: Value) -> bool:
    body = api.description.child(operation.node, "requestBody")
    for media_type in mapping(body.get("content") if body else None).values():
        encoding = mapping(mapping(media_type).get("encoding"))
        if mapping(encoding.get(value.name)).get("contentType"):
            return True
    return has(api, value.schema, "contentMediaType")


def _files(api: Api) -> Iterator[tuple[Operation, Value]]:
    seen: set[Node] = set()
    for operation in sorted(api.operations, key=str):
        for value in values(api, operation):
            if value.schema not in seen and is_file(api, value.schema):
                seen.add(value.schema)
                yield operation, value
