"""Rules on what is left out, where nearly all others like it have it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from ...openapi.api import Api, Operation
from ...openapi.conventions import convention
from ...openapi.values import listing, mapping, types_of
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from ...source import pointer
from .authorities import RFC9110
from .shared import answer_patch

_SUPPORT = 8  # operations that document it


@rule(
    "api/not-found-response-missing",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Document 404 with the API's error model",
    references=[f"{RFC9110}#section-15.5.5"],
    bad="""
    paths:
      /pets/{id}:
        get: &usual
          security: [{key: []}]
          parameters: &id
            - {name: id, in: path, required: true, schema: {type: string, maxLength: 9}}
          responses:
            '200': {description: The one asked for}
            '400': {$ref: '#/components/responses/Problem'}
            '401': {$ref: '#/components/responses/Problem'}
            '404': {$ref: '#/components/responses/Problem'}
      /vets/{id}: {get: *usual}
      /cats/{id}: {get: *usual}
      /dogs/{id}: {get: *usual}
      /owners/{id}: {get: *usual}
      /visits/{id}: {get: *usual}
      /bills/{id}: {get: *usual}
      /rooms/{id}: {get: *usual}
      /shelves/{id}: {get: *usual}
      /keys/{id}:
        get:
          security: [{key: []}]
          parameters: *id
          responses:
            '200': {description: The one asked for}
            '400': {$ref: '#/components/responses/Problem'}
            '401': {$ref: '#/components/responses/Problem'}
    components:
      securitySchemes:
        key: {type: apiKey, in: header, name: X-Key}
    """,
    good="""
    paths:
      /pets/{id}:
        get: &usual
          security: [{key: []}]
          parameters: &id
            - {name: id, in: path, required: true, schema: {type: string, maxLength: 9}}
          responses:
            '200': {description: The one asked for}
            '400': {$ref: '#/components/responses/Problem'}
            '401': {$ref: '#/components/responses/Problem'}
            '404': {$ref: '#/components/responses/Problem'}
      /vets/{id}: {get: *usual}
      /cats/{id}: {get: *usual}
      /dogs/{id}: {get: *usual}
      /owners/{id}: {get: *usual}
      /visits/{id}: {get: *usual}
      /bills/{id}: {get: *usual}
      /rooms/{id}: {get: *usual}
      /shelves/{id}: {get: *usual}
      /keys/{id}:
        get: *usual
    components:
      securitySchemes:
        key: {type: apiKey, in: header, name: X-Key}
    """,
)
def not_found_response_missing(api: Api, _: Api) -> Iterator[Hit]:
    """An operation on one thing documents no 404, unlike nearly all others.

    A client that asks for what is gone has to know how it is told: by 404, by 410, or by an empty
    success. Where nearly all operations say 404, the one that does not was forgotten or behaves
    otherwise, and both hurt. Reported where at least eight operations, and nine of ten, document
    it. Those that create what is not there, or document no error at all, are left out.
    """
    items = (
        each
        for each in api.operations
        if each.path.rstrip("/").endswith("}") and not _creates(each)
    )
    yield from _outliers(items, "404", "operations on one thing", api)


def _creates(operation: Operation) -> bool:
    """Whether it makes what is not there, or does not say what it does when it succeeds."""
    codes = [code for code, _ in operation.success]
    return "201" in codes or (operation.method == "put" and not codes)


@rule(
    "api/unauthorized-response-missing",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Document 401 with the API's error model",
    references=[f"{RFC9110}#section-15.5.2", "https://www.rfc-editor.org/rfc/rfc6750#section-3"],
    bad="""
    paths:
      /pets/{id}:
        get: &usual
          security: [{key: []}]
          parameters: &id
            - {name: id, in: path, required: true, schema: {type: string, maxLength: 9}}
          responses:
            '200': {description: The one asked for}
            '400': {$ref: '#/components/responses/Problem'}
            '401': {$ref: '#/components/responses/Problem'}
            '404': {$ref: '#/components/responses/Problem'}
      /vets/{id}: {get: *usual}
      /cats/{id}: {get: *usual}
      /dogs/{id}: {get: *usual}
      /owners/{id}: {get: *usual}
      /visits/{id}: {get: *usual}
      /bills/{id}: {get: *usual}
      /rooms/{id}: {get: *usual}
      /shelves/{id}: {get: *usual}
      /keys/{id}:
        get:
          security: [{key: []}]
          parameters: *id
          responses:
            '200': {description: The one asked for}
            '400': {$ref: '#/components/responses/Problem'}
            '404': {$ref: '#/components/responses/Problem'}
    components:
      securitySchemes:
        key: {type: apiKey, in: header, name: X-Key}
    """,
    good="""
    paths:
      /pets/{id}:
        get: &usual
          security: [{key: []}]
          parameters: &id
            - {name: id, in: path, required: true, schema: {type: string, maxLength: 9}}
          responses:
            '200': {description: The one asked for}
            '400': {$ref: '#/components/responses/Problem'}
            '401': {$ref: '#/components/responses/Problem'}
            '404': {$ref: '#/components/responses/Problem'}
      /vets/{id}: {get: *usual}
      /cats/{id}: {get: *usual}
      /dogs/{id}: {get: *usual}
      /owners/{id}: {get: *usual}
      /visits/{id}: {get: *usual}
      /bills/{id}: {get: *usual}
      /rooms/{id}: {get: *usual}
      /shelves/{id}: {get: *usual}
      /keys/{id}:
        get: *usual
    components:
      securitySchemes:
        key: {type: apiKey, in: header, name: X-Key}
    """,
)
def unauthorized_response_missing(api: Api, _: Api) -> Iterator[Hit]:
    """An operation that needs a credential documents no 401, unlike nearly all others.

    Tokens expire in the middle of work. Clients renew them on 401; where an operation does not say
    that it answers so, generated code treats it as an unknown failure. Reported where at least
    eight protected operations, and nine of ten, document it. Those that document no error at all
    are another rule's.
    """
    protected = (each for each in api.operations if each.protected)
    yield from _outliers(protected, "401", "operations that need a credential", api)


def _outliers(operations: Iterable[Operation], code: str, called: str, api: Api) -> Iterator[Hit]:
    told = ((_tells(each, code), each) for each in operations if any(each.errors))
    found = convention(told, _SUPPORT)
    if found is None or not found.choice:
        return
    for _, operation in found.outliers:
        yield Hit(
            operation.node.place("responses"),
            f"{quoted(operation)} documents no {code}",
            cause=f"{found.ratio} {called} document {code}, these do not",
            patch=answer_patch(operation, code, api),
        )


def _tells(operation: Operation, code: str) -> bool:
    return not {code, f"{code[0]}XX"}.isdisjoint(mapping(operation.node.get("responses")))


@rule(
    "api/tag-undeclared",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Correct the tag, or declare it under `tags`",
    references=["https://spec.openapis.org/oas/v3.1.1#tag-object"],
    bad="""
    tags: [{name: pets, description: Who lives here}]
    paths:
      /pets:
        get: {tags: [pets]}
        put: {tags: [pets]}
        post: {tags: [pets]}
        patch: {tags: [pets]}
        delete: {tags: [pet]}
    """,
    good="""
    tags: [{name: pets, description: Who lives here}]
    paths:
      /pets:
        get: {tags: [pets]}
        put: {tags: [pets]}
        post: {tags: [pets]}
        patch: {tags: [pets]}
        delete: {tags: [pets]}
    """,
)
def tag_undeclared(api: Api, _: Api) -> Iterator[Hit]:
    """An operation has a tag that is not declared, unlike nearly all others.

    Documentation puts it into a section of its own, without description and at the end, and
    generators make a client class for it: mostly the tag is a slip of the pen. Reported where tags
    are declared, and four of five that operations have are.
    """
    declared = [mapping(tag).get("name") for tag in listing(api.root.get("tags"))]
    used = [
        (tag in declared, (operation.node.place("tags", index), tag))
        for operation in api.operations
        for index, tag in enumerate(listing(operation.node.get("tags")))
        if isinstance(tag, str)
    ]
    found = convention(used, 4, 0.8)
    for _given, (place, tag) in found.outliers if found and found.choice else ():
        near = get_close_matches(tag, [each for each in declared if isinstance(each, str)], n=1)
        hint = f"; {quoted(near[0])} is" if near else ""
        message = f"the tag {quoted(tag)} is not declared{hint}"
        patch = {"op": "replace", "path": pointer(place.path), "value": near[0]} if near else None
        yield Hit(place, message, cause=message, patch=(patch,) if patch else ())


@rule(
    "api/array-of-anything",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Add `items` with the schema of one element",
    references=["https://json-schema.org/draft/2020-12/json-schema-core#section-10.3.1"],
    bad="""
    components:
      schemas:
        Problem:
          type: object
          properties:
            a: {type: array, items: {type: string}}
            b: {type: array, items: {type: string}}
            c: {type: array, items: {type: string}}
            d: {type: array, items: {type: string}}
            e: {type: array}
    """,
    good="""
    components:
      schemas:
        Problem:
          type: object
          properties:
            a: {type: array, items: {type: string}}
            b: {type: array, items: {type: string}}
            c: {type: array, items: {type: string}}
            d: {type: array, items: {type: string}}
            e: {type: array, items: {type: string}}
    """,
)
def array_of_anything(api: Api, _: Api) -> Iterator[Hit]:
    """An array does not say what it holds, unlike nearly all others.

    Since OpenAPI 3.1 `items` may be left out, and the array then holds anything: generated code has
    a list of unknowns, and nothing that is put into it is checked. Reported where four of five
    arrays say it. Up to 3.0 it is `api/array-items-missing`.
    """
    arrays = [
        (any(_says_items(part.value) for part in api.parts(schema)), schema)
        for schema in (api.having("type") if api.version.modern else ())
        if types_of(schema.value) - {"null"} == {"array"}
    ]
    found = convention(arrays, 4, 0.8)
    for _given, schema in found.outliers if found and found.choice else ():
        yield Hit(
            schema.place("type"),
            "an array does not say what its `items` are",
            cause=f"{found.ratio} arrays say what they hold, these do not" if found else "",
        )


def _says_items(schema: object) -> bool:
    return not {"items", "prefixItems", "contains", "enum", "const"}.isdisjoint(mapping(schema))
