"""Rules about parameters and headers: where they may stand, and what is ignored there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ...openapi.api import Api, Operation
from ...openapi.document import Node
from ...openapi.kinds import Version
from ...openapi.values import listing, mapping
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, Place, rule
from .authorities import RFC9110

PARAMETER: Final = "https://spec.openapis.org/oas/v3.1.1#parameter-object"
HEADER: Final = "https://spec.openapis.org/oas/v3.1.1#header-object"
SWAGGER: Final = "https://spec.openapis.org/oas/v2.0.html"

_FORMS: Final = ("multipart/form-data", "application/x-www-form-urlencoded")


@rule(
    "api/header-definition-ignored",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="api",
    fix="Say it where it counts: `content` for media types, `security` for credentials",
    references=[PARAMETER, "https://spec.openapis.org/oas/v3.1.1#response-object"],
    bad="""
    paths:
      /pets/count:
        get:
          parameters:
            - {name: Accept, in: header, schema: {type: string, enum: [application/json]}}
    """,
    good="""
    paths:
      /pets/count:
        get:
          parameters:
            - {name: Accept-Language, in: header, schema: {type: string, enum: [de, en]}}
    """,
)
def header_definition_ignored(api: Api, _: Api) -> Iterator[Hit]:
    """A header is described where the specification has descriptions of it ignored.

    Media types and credentials have places of their own. A parameter named `Accept`,
    `Content-Type` or `Authorization`, or a response header `Content-Type`, is not generated, not
    validated and not shown, whatever it says; `Accept` and `Authorization` are no headers of
    responses.
    """
    if api.version is not Version.V20:
        for parameter in api.nodes("parameter"):
            name = str(parameter.get("name"))
            if parameter.get("in") == "header" and name.lower() in _REQUESTED:
                yield _ignored(parameter.place("name"), f"the parameter {quoted(name)} is ignored")
    for response in api.nodes("response"):
        for name in mapping(response.get("headers")):
            at = response.place("headers", name)
            if name.lower() == "content-type" and api.version is not Version.V20:
                yield _ignored(at, f"the response header {quoted(name)} is ignored")
            elif name.lower() in ("accept", "authorization"):
                yield _ignored(at, f"{quoted(name)} is no header of responses")


def _ignored(at: Place, message: str) -> Hit:
    return Hit(at, message, cause=message)


_REQUESTED: Final = ("accept", "content-type", "authorization")


@rule(
    "api/header-name-invalid",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Use letters, digits and hyphens",
    references=[f"{RFC9110}#section-5.1", f"{RFC9110}#section-5.6.2"],
    bad="""
    paths:
      /health:
        get:
          responses:
            '200': {description: Up, headers: {Up Time: {schema: {type: integer}}}}
            '503': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /health:
        get:
          responses:
            '200': {description: Up, headers: {Up-Time: {schema: {type: integer}}}}
            '503': {$ref: '#/components/responses/Problem'}
    """,
)
def header_name_invalid(api: Api, _: Api) -> Iterator[Hit]:
    """The name of a header is none that HTTP can carry.

    A field name is a token: letters, digits and a few signs, no space and no colon. Servers and
    proxies refuse the message, or take the name for the beginning of another one.
    """
    named = [
        (name, holder.place("headers", name))
        for kind in ("response", "encoding")
        for holder in api.nodes(kind)
        for name in mapping(holder.get("headers"))
    ]
    for kind in ("parameter", "security_scheme"):
        for node in api.nodes(kind):
            if node.get("in") == "header":
                named.append((node.get("name"), node.place("name")))
    for name, place in named:
        if isinstance(name, str) and not _TOKEN.fullmatch(name):
            yield Hit(place, f"{quoted(name)} is no name of a header")


_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@rule(
    "api/header-without-schema",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="header",
    fix="Give the header a `schema`",
    references=[HEADER, PARAMETER],
    bad="""
    paths:
      /health:
        get:
          responses:
            '200': {description: Up, headers: {Age: {description: In seconds}}}
            '503': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /health:
        get:
          responses:
            '200': {description: Up, headers: {Age: {schema: {type: integer}}}}
            '503': {$ref: '#/components/responses/Problem'}
    """,
)
def header_without_schema(header: Node, api: Api) -> Iterator[Hit]:
    """A header has neither `schema` nor `content`.

    A header is described like a parameter, which must have one of the two: without it nobody
    knows how to write or read the value.
    """
    if (
        api.version is not Version.V20
        and not {"schema", "content", "$ref"} & mapping(header.value).keys()
    ):
        yield Hit(header.place(), f"the header {quoted(header.key[-1])} has no `schema`")


@rule(
    "api/body-described-twice",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="operation",
    fix="Merge them: one `in: body` parameter with an object, or `formData` fields only",
    references=[f"{SWAGGER}#parameter-object"],
    bad="""
    swagger: '2.0'
    paths:
      /pets:
        post:
          consumes: [application/json]
          parameters:
            - {name: pet, in: body, schema: {type: object, maxProperties: 9}}
            - {name: owner, in: body, schema: {type: object, maxProperties: 9}}
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
def body_described_twice(operation: Operation, api: Api) -> Iterator[Hit]:
    """A request has several bodies, or a body beside form fields.

    A request carries one body. Of two `body` parameters, or of one beside `formData`, clients
    send one and drop the other.
    """
    if api.version is not Version.V20:
        return
    bodies = list(operation.parameters_in("body"))
    forms = list(operation.parameters_in("formData"))
    if len(bodies) > 1 or (bodies and forms):
        what = f"{len(bodies)} bodies" if len(bodies) > 1 else "a body"
        what += " and form fields" if forms else ""
        owner = operation.node if "parameters" in operation.node.value else operation.item
        yield Hit(
            owner.place("parameters"),
            f"{quoted(operation)} has {what}",
            related=tuple(listed.at.place() for listed in (*bodies, *forms)[:4]),
        )


@rule(
    "api/form-not-consumed",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="operation",
    fix="Set `consumes` to `multipart/form-data` (files need it) or to"
    " `application/x-www-form-urlencoded`",
    references=[f"{SWAGGER}#parameter-object"],
    bad="""
    swagger: '2.0'
    paths:
      /pets/photo:
        post:
          consumes: [application/json]
          parameters:
            - {name: photo, in: formData, type: file}
    """,
    good="""
    swagger: '2.0'
    paths:
      /pets/photo:
        post:
          consumes: [multipart/form-data]
          parameters:
            - {name: photo, in: formData, type: file}
    """,
)
def form_not_consumed(operation: Operation, api: Api) -> Iterator[Hit]:
    """Form fields are sent to an operation that does not consume forms.

    Fields in `formData` need one of the two media types of forms, a file needs `multipart/
    form-data`: with another in `consumes`, clients send what the server refuses.
    """
    if api.version is not Version.V20:
        return
    forms = list(operation.parameters_in("formData"))
    consumed = listing(operation.node.get("consumes", api.root.get("consumes")))
    types = {str(each).partition(";")[0].strip().lower() for each in consumed}
    has_file = any(listed.node.get("type") == "file" for listed in forms)
    if forms and not types & set(_FORMS[:1] if has_file else _FORMS):
        what = "a file" if has_file else "form fields"
        said = ", ".join(sorted(types)) or "nothing"
        yield Hit(
            operation.node.place(*(["consumes"] if "consumes" in operation.node.value else [])),
            f"{quoted(operation)} takes {what} and consumes {quoted(said)}",
            related=tuple(listed.at.place() for listed in forms[:4]),
        )


@rule(
    "api/parameter-keyword-ignored",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="parameter",
    fix="Remove the keyword, or move the parameter to the query",
    references=[PARAMETER],
    bad="""
    openapi: 3.0.4
    paths:
      /pets/{name}:
        parameters:
          - name: name
            in: path
            required: true
            allowReserved: true
            schema: {type: string, maxLength: 36}
        delete: {}
    """,
    good="""
    openapi: 3.0.4
    paths:
      /pets/{name}:
        parameters:
          - {name: name, in: path, required: true, schema: {type: string, maxLength: 36}}
          - {name: at, in: query, allowReserved: true, schema: {type: string, maxLength: 36}}
        delete: {}
    """,
)
def parameter_keyword_ignored(parameter: Node, api: Api) -> Iterator[Hit]:
    """A parameter has a keyword that has no effect where it is.

    `allowReserved` (up to 3.1) and `allowEmptyValue` are for queries. `allowEmptyValue` beside a
    style in which an empty value cannot be written is ignored, too.
    """
    location = parameter.get("in")
    where = f"in: {location}"
    reserves = api.version in (Version.V30, Version.V31) and location != "query"
    if reserves and parameter.get("allowReserved") is True:
        yield _without_effect(parameter, "allowReserved", where)
    if parameter.get("allowEmptyValue") is True:
        style = parameter.get("style")
        if location not in ("query", "formData"):
            yield _without_effect(parameter, "allowEmptyValue", where)
        elif style in ("spaceDelimited", "pipeDelimited", "deepObject"):
            yield _without_effect(parameter, "allowEmptyValue", f"style: {style}")


def _without_effect(parameter: Node, keyword: str, beside: str) -> Hit:
    message = f"{quoted(keyword)} has no effect beside {quoted(beside)}"
    name = quoted(parameter.get("name"))
    at, other = parameter.place(keyword), parameter.place("name")
    return Hit(at, f"{message} of {name}", cause=message, related=(other,))


@rule(
    "api/parameter-style-undefined",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="parameter",
    fix="Choose a style that is defined for the type: `form` for lists, `deepObject` for objects",
    references=["https://spec.openapis.org/oas/v3.1.1#style-values"],
    bad="""
    paths:
      /pets/count:
        get:
          parameters:
            - {name: ids, in: query, style: deepObject, schema: {type: array, maxItems: 9}}
    components: {schemas: {Problem: {type: object}}}
    """,
    good="""
    paths:
      /pets/count:
        get:
          parameters:
            - name: range
              in: query
              style: deepObject
              schema: {type: object, additionalProperties: {type: integer}}
    """,
)
def parameter_style_undefined(parameter: Node, api: Api) -> Iterator[Hit]:
    """A style is not defined for the type of the parameter.

    `deepObject` is for objects, `spaceDelimited` and `pipeDelimited` are for lists and objects.
    For other types the specification leaves open what is sent, and tools differ.
    """
    style = parameter.get("style")
    allowed = _FOR.get(style) if isinstance(style, str) else None
    if allowed is None:
        return
    types = api.types(api.description.child(parameter, "schema")) - {"null"}
    if types and not types & allowed:
        kind = " or ".join(sorted(types))
        yield Hit(
            parameter.place("style"),
            f"{quoted(f'style: {style}')} is not defined for {quoted(parameter.get('name'))},"
            f" a value of type {quoted(kind)}",
            cause=f"{quoted(f'style: {style}')} is not defined for values of type {quoted(kind)}",
            related=(parameter.place("name"),),
        )


_FOR: Final = {
    "deepObject": frozenset(["object"]),
    "spaceDelimited": frozenset(["array", "object"]),
    "pipeDelimited": frozenset(["array", "object"]),
}
