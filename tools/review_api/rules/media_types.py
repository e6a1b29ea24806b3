"""Rules about media types and how the parts of bodies are encoded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ...openapi.api import Api, Operation
from ...openapi.document import Node
from ...openapi.kinds import Version
from ...openapi.values import listing, mapping
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, Place, rule

MEDIA_TYPE: Final = "https://spec.openapis.org/oas/v3.1.1#media-type-object"
ENCODING: Final = "https://spec.openapis.org/oas/v3.1.1#encoding-object"
NAMES: Final = "https://www.rfc-editor.org/rfc/rfc6838#section-4.2"
REGISTRY: Final = "https://www.iana.org/assignments/media-types/"

URLENCODED: Final = "application/x-www-form-urlencoded"


def _written(api: Api) -> Iterator[tuple[str, Place]]:
    """Every media type that is a key of `content`, or listed in `consumes` or `produces`."""
    for node in api.nodes("media_type"):
        if node.key[:1] == ("content",):
            yield str(node.key[-1]), node.place()
    if api.version is Version.V20:
        for owner in (api.root, *api.nodes("operation")):
            for field in ("consumes", "produces"):
                for index, each in enumerate(listing(owner.get(field))):
                    if isinstance(each, str):
                        yield each, owner.place(field, index)


@rule(
    "api/media-type-invalid",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Write `type/subtype`, as `application/json`",
    references=[NAMES, "https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1"],
    bad="""
    paths:
      /pets/photo:
        put:
          requestBody:
            content: {image/ png: {}}
    """,
    good="""
    paths:
      /pets/photo:
        put:
          requestBody:
            content: {image/png: {}}
    """,
)
def media_type_invalid(api: Api, _: Api) -> Iterator[Hit]:
    """A media type is none.

    A media type is a type and a subtype with a slash between, without blanks, then parameters.
    No header `Content-Type` or `Accept` equals this one, so that nothing described here is found.
    """
    for name, at in _written(api):
        if not _RANGE.fullmatch(name):
            yield Hit(
                at, f"{quoted(name)} is no media type", cause=f"{quoted(name)} is no media type"
            )


_TOKEN: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_RANGE: Final = re.compile(
    rf"(\*/\*|{_TOKEN}/{_TOKEN})(\s*;\s*({_TOKEN}=({_TOKEN}|\"[^\"]*\"))?)*|{_TOKEN}/\{{[^}}]+\}}"
)


@rule(
    "api/media-type-unregistered",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Correct the spelling; a format of your own is `application/vnd.…`",
    references=[REGISTRY, NAMES],
    bad="""
    paths:
      /pets/photo:
        put:
          requestBody:
            content: {aplication/pdf: {}}
    """,
    good="""
    paths:
      /pets/photo:
        put:
          requestBody:
            content: {application/pdf: {}}
    """,
)
def media_type_unregistered(api: Api, _: Api) -> Iterator[Hit]:
    """The part of a media type before the slash is not registered.

    There are eleven of them, and a new one needs a standard. Mostly it is misspelt: the body is
    then of an unknown type to every client.
    """
    for name, at in _written(api):
        top = name.partition("/")[0].strip().lower()
        if _RANGE.fullmatch(name) and top not in _TOP_LEVEL and not top.startswith("x-"):
            message = f"{quoted(name)} begins with no registered type"
            yield Hit(at, message, cause=message)


_TOP_LEVEL: Final = {
    *("application", "audio", "example", "font", "haptics", "image", "message", "model"),
    *("multipart", "text", "video", "*"),
}


@rule(
    "api/encoding-of-no-property",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="media_type",
    fix="Name the property as the schema does, or declare it there",
    references=[MEDIA_TYPE],
    bad="""
    paths:
      /pets/photo:
        put:
          requestBody:
            content:
              multipart/form-data:
                schema: {type: object, properties: {photo: {}}, additionalProperties: false}
                encoding: {foto: {contentType: image/png}}
    """,
    good="""
    paths:
      /pets/photo:
        put:
          requestBody:
            content:
              multipart/form-data:
                schema: {type: object, properties: {photo: {}}, additionalProperties: false}
                encoding: {photo: {contentType: image/png}}
    """,
)
def encoding_of_no_property(media_type: Node, api: Api) -> Iterator[Hit]:
    """An encoding is given for a property that the schema does not have.

    Each key of `encoding` must be a property of the schema. The part that was meant is sent with
    the default encoding, and nobody is told.
    """
    schema = api.description.child(media_type, "schema")
    if schema is None or not (parts := api.parts(schema)):
        return
    if any(_OPEN & mapping(part.value).keys() for part in parts):
        return
    known = api.properties(schema)
    for name in mapping(media_type.get("encoding")):
        if name not in known:
            at = media_type.place("encoding", name)
            yield Hit(at, f"the schema has no property {quoted(name)}, which is encoded")


_OPEN: Final = {"oneOf", "anyOf", "if", "patternProperties", "$dynamicRef", "dependentSchemas"}


@rule(
    "api/encoding-ignored",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="media_type",
    fix="Remove it, or send the body as a form",
    references=[MEDIA_TYPE, ENCODING],
    bad="""
    paths:
      /pets/photo:
        put:
          requestBody:
            content:
              application/json:
                schema: {type: object, properties: {photo: {}}, additionalProperties: false}
                encoding: {photo: {contentType: image/png}}
    """,
    good="""
    paths:
      /pets/photo:
        put:
          requestBody:
            content:
              multipart/form-data:
                schema: {type: object, properties: {photo: {}}, additionalProperties: false}
                encoding: {photo: {contentType: image/png}}
    """,
)
def encoding_ignored(media_type: Node, api: Api) -> Iterator[Hit]:
    """An encoding has no effect on a body of this type.

    `encoding` is for forms and multipart bodies of requests. In it, `style`, `explode` and
    `allowReserved` are for URL-encoded forms (from 3.1 also for `multipart/form-data`), `headers`
    for multipart bodies, and of the headers not `Content-Type`, which has a keyword of its own.
    """
    encodings = mapping(media_type.get("encoding"))
    if not encodings or media_type.key[:1] != ("content",):
        return
    name = str(media_type.key[-1]).partition(";")[0].strip().lower()
    around = media_type.place()
    if name != URLENCODED and not name.startswith("multipart/"):
        owner = media_type.parent.kind.split("_")[0] if media_type.parent else "body"
        message = f"{quoted('encoding')} has no effect in {quoted(name)} of a {owner}"
        yield Hit(media_type.place("encoding"), message, cause=message, related=(around,))
        return
    for part, encoding in encodings.items():
        for keyword in _ignored_in(name, mapping(encoding), api.version):
            message = f"{quoted(keyword)} of an encoding has no effect in {quoted(name)}"
            at = media_type.place("encoding", part, *keyword.split("/"))
            yield Hit(at, message, cause=message, related=(around,))


def _ignored_in(name: str, encoding: dict[str, Any], version: Version) -> Iterator[str]:
    styled = name == URLENCODED or (name == "multipart/form-data" and version is not Version.V30)
    for keyword in ("style", "explode", "allowReserved"):
        if keyword in encoding and not styled:
            yield keyword
    if "headers" in encoding and name == URLENCODED:
        yield "headers"
    for header in mapping(encoding.get("headers")):
        if header.lower() == "content-type":
            yield f"headers/{header}"


@rule(
    "api/media-types-undeclared",
    Severity.INFO,
    FindingClass.RISK,
    on="operation",
    fix="Set `consumes` and `produces`, once for the document",
    references=["https://spec.openapis.org/oas/v2.0.html#operation-object"],
    bad="""
    swagger: '2.0'
    paths:
      /pets:
        post:
          parameters:
            - {name: pet, in: body, schema: {type: object, maxProperties: 9}}
    """,
    good="""
    swagger: '2.0'
    paths:
      /pets:
        post:
          consumes: [application/json]
          parameters:
            - {name: pet, in: body, schema: {type: object, maxProperties: 9}}
    """,
)
def media_types_undeclared(operation: Operation, api: Api) -> Iterator[Hit]:
    """Nobody says which media type a body has.

    Swagger 2.0 has no default for `consumes` and `produces`: some generators take JSON, others
    send and accept anything, and a server that is strict answers 415 or 406.
    """
    if api.version is not Version.V20:
        return
    given = operation.node.value.keys() | api.root.value.keys()
    if "consumes" not in given and any(operation.parameters_in("body")):
        yield _undeclared(operation, "consumes", "receives a body")
    if "produces" not in given and any(
        "schema" in mapping(response.value) for response in operation.responses.values()
    ):
        yield _undeclared(operation, "produces", "answers with a body")


def _undeclared(operation: Operation, field: str, does: str) -> Hit:
    message = f"{quoted(operation)} {does}, and no {quoted(field)} says of which type"
    return Hit(operation.node.place(), message, cause=f"no {quoted(field)} gives a media type")


@rule(
    "api/body-without-schema",
    Severity.INFO,
    FindingClass.RISK,
    on="media_type",
    opt_in=True,
    fix="Give the body a `schema`",
    references=[MEDIA_TYPE, "CWE-20"],
    bad="""
    paths:
      /pets:
        post:
          requestBody: {content: {application/json: {example: {name: Rex}}}}
    """,
    good="""
    paths:
      /pets:
        post:
          requestBody:
            content: {application/json: {schema: {type: object, maxProperties: 9}}}
    """,
)
def body_without_schema(media_type: Node, api: Api) -> Iterator[Hit]:
    """A JSON body has no schema.

    Anything may be in it: nothing is validated, generated code has no type for it, and readers
    guess from the example.
    """
    name = str(media_type.key[-1])
    if "json" in name and {"schema", "itemSchema", "$ref"}.isdisjoint(mapping(media_type.value)):
        yield Hit(media_type.place(), f"a body of {quoted(name)} has no schema")
