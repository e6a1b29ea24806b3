"""Rules about how much one call can ask for or send."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ...openapi.api import PAGE_SIZE, Api, Body, Operation, page_style
from ...openapi.conventions import convention
from ...openapi.document import Node
from ...openapi.lists import ListAnswer, component, items_of, list_answered, list_in, lists_of
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import API4


@rule(
    "api/collection-unpaginated",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Page the list as the API's other lists do, or bound the array with `maxItems`",
    references=[*API4, "CWE-770"],
    bad="""
    paths:
      /pets:
        get:
          responses:
            '200':
              description: All pets
              content:
                application/json:
                  schema: {type: array, items: {$ref: '#/components/schemas/Pet'}}
            '400': {$ref: '#/components/responses/Problem'}
        post: {}
    components:
      schemas:
        Pet: {type: object, properties: {name: {type: string}}}
    """,
    good="""
    paths:
      /pets:
        get:
          parameters:
            - {name: cursor, in: query, schema: {type: string, maxLength: 200}}
            - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100}}
          responses:
            '200':
              description: A page of pets, with a link to the next
              content:
                application/json:
                  schema: {type: array, items: {$ref: '#/components/schemas/Pet'}}
            '400': {$ref: '#/components/responses/Problem'}
        post: {}
    components:
      schemas:
        Pet: {type: object, properties: {name: {type: string}}}
    """,
)
def collection_unpaginated(api: Api, _: Api) -> Iterator[Hit]:
    """A list that grows is returned whole.

    It is fast in every test and slow for the customers who use the product most: one call reads,
    serialises and ships the whole table, until it times out for good. Paging added later breaks
    clients that count on the complete list. Reported only where the description itself shows that
    the list grows: clients add or remove members, the same model is paged elsewhere, or it is a
    history. A paging parameter, a `Link` header, a token of the next page in the body, a list of
    ids in the query and `maxItems` up to 1,000 all bound an answer.
    """
    lists = lists_of(api)
    growth = _Growth(api, lists)
    whole = [(found, why) for found in lists if not found.bounded and (why := growth.of(found))]
    for found, why in whole:
        yield Hit(
            found.operation.node.place(),
            f"{quoted(found.operation)} returns the list whole, and {why}",
            cause=f"{len(whole)} lists that grow are returned whole,"
            f" {sum(found.bounded for found in lists)} are bounded",
        )


@rule(
    "api/pagination-inconsistent",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Page the list as the API's other lists do",
    references=["https://google.aip.dev/158", *API4],
    bad="""
    paths:
      /pets:
        get: &paged
          parameters: &paging
            - {name: cursor, in: query, schema: {type: string, maxLength: 200}}
            - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100}}
          responses: &page
            '200':
              description: A page
              content: {application/json: {schema: {$ref: '#/components/schemas/Page'}}}
            '400': {$ref: '#/components/responses/Problem'}
      /vets: {get: *paged}
      /cats: {get: *paged}
      /dogs: {get: *paged}
      /owners: {get: *paged}
      /visits: {get: {responses: *page}}
    components: &components
      schemas:
        Page:
          type: object
          properties:
            data: {type: array, items: {type: object, properties: {name: {type: string}}}}
            nextCursor: {type: string}
    """,
    good="""
    paths:
      /pets:
        get: &paged
          parameters: &paging
            - {name: cursor, in: query, schema: {type: string, maxLength: 200}}
            - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100}}
          responses: &page
            '200':
              description: A page
              content: {application/json: {schema: {$ref: '#/components/schemas/Page'}}}
            '400': {$ref: '#/components/responses/Problem'}
      /vets: {get: *paged}
      /cats: {get: *paged}
      /dogs: {get: *paged}
      /owners: {get: *paged}
      /visits: {get: *paged}
    components: &components
      schemas:
        Page:
          type: object
          properties:
            data: {type: array, items: {type: object, properties: {name: {type: string}}}}
            nextCursor: {type: string}
    """,
)
def pagination_inconsistent(api: Api, _: Api) -> Iterator[Hit]:
    """A list is paged otherwise than nearly all others of the API.

    One loop over pages serves all lists of an API, but this one: it gets the first page only, asks
    in vain, or never ends. Reported where at least five lists, and four of five, are paged in one
    way, and this one in another, or leads to a next page that no parameter asks for.
    """
    lists = lists_of(api)
    found = convention(((page_style(each.operation), each) for each in lists), 5, 0.8)
    if found is None or not found.choice:
        return
    for style, outlier in found.outliers:
        if style or outlier.continued:
            how = f"by {style}" if style else "without a parameter that asks for the next page"
            what = f"{quoted(outlier.operation)} is paged {how}"
            yield Hit(
                outlier.operation.node.place(),
                f"{what}, {found.ratio} lists by {found.choice}",
                cause=f"{found.ratio} lists are paged by {found.choice}, these are not",
            )


_HISTORY = re.compile(
    r"^(activit(y|ies)|audit-?(logs?|trail)|events|history|logs|messages|notifications|records"
    r"|transactions)$"
)


_SEARCH = re.compile(r"(search|query|filter|find|lookup|list)[^/]*$", re.I)


class _Growth:
    """What in a description shows that a list grows."""

    def __init__(self, api: Api, lists: tuple[ListAnswer, ...]) -> None:
        self.posts: dict[str, Operation] = {}
        self.deletes: dict[str, Operation] = {}
        self.created: dict[Node, Operation] = {}
        self.paged: dict[Node, Operation] = {}
        for found in lists:
            if found.model and page_style(found.operation):
                self.paged.setdefault(found.model, found.operation)
        for operation in api.operations:
            path = operation.path.rstrip("/")
            if operation.method == "post" and not _SEARCH.search(path):
                self.posts[path] = operation
                for model in _created(operation):
                    self.created.setdefault(model, operation)
            elif operation.method == "delete" and path.endswith("}"):
                self.deletes.setdefault(path.rpartition("/")[0], operation)

    def of(self, found: ListAnswer) -> str:
        """The evidence for one list; empty if there is none."""
        path, model = found.operation.path.rstrip("/"), found.model
        post = self.posts.get(path)
        if post and _adds(post, model):
            return f"{quoted(post)} adds to it"
        if model in self.paged:
            return f"{quoted(self.paged[model])} pages the same {quoted(model.key[-1])}"
        if model in self.created:
            return f"{quoted(self.created[model])} creates more {quoted(model.key[-1])}"
        if path in self.deletes:
            return f"its members come and go ({quoted(self.deletes[path])})"
        last = path.rpartition("/")[2]
        return f"{quoted(last)} grow with time" if _HISTORY.match(last.lower()) else ""


def _created(post: Operation) -> Iterator[Node]:
    """The components of which the operation makes another."""
    answer = post.responses.get("201")
    yield from _models(post, post.api.bodies(answer))
    if answer or "{" not in post.path:  # else it may well be an action on what exists
        yield from _models(post, post.request_bodies)


def _adds(post: Operation, model: Node | None) -> bool:
    """Whether a POST to the list makes members of it; it may be an action on them."""
    if model is None or "201" in post.responses:
        return True
    answers = [body for _, answer in post.success for body in post.api.bodies(answer)]
    models = set(_models(post, (*post.request_bodies, *answers)))
    return not models or model in models


def _models(operation: Operation, bodies: Iterable[Body]) -> Iterator[Node]:
    """The components that bodies have, or lists in them."""
    for _, schema in bodies:
        found = list_in(schema, operation)
        model = component(items_of(found.array, operation.api) if found else schema)
        if model is not None:
            yield model


@rule(
    "api/page-size-unbounded",
    Severity.WARNING,
    FindingClass.RISK,
    on="operation",
    fix="Set a `maximum`, and enforce it on the server",
    references=[*API4, "CWE-770"],
    bad="""
    paths:
      /pets:
        get:
          parameters:
            - {name: cursor, in: query, schema: {type: string, maxLength: 200}}
            - {name: limit, in: query, schema: {type: integer, minimum: 1, default: 20}}
    """,
    good="""
    paths:
      /pets:
        get:
          parameters:
            - {name: cursor, in: query, schema: {type: string, maxLength: 200}}
            - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100}}
    """,
)
def page_size_unbounded(operation: Operation, api: Api) -> Iterator[Hit]:
    """A client may ask for a page of any size.

    With `limit=100000000` paging protects nothing: one request makes the database read and the
    server hold a whole table. Without the bound in the description neither gateway nor generated
    validation stops it, and nobody can tell whether the server does. A maximum that only the
    parameter's description states is taken at its word.
    """
    style = page_style(operation)
    if not style:
        return
    if list_answered(operation) is None and (style == "limit only" or _answers_one(operation)):
        return
    for _, parameter in operation.parameters:
        name = str(parameter.get("name"))
        if PAGE_SIZE.search(name.lstrip("$")) and parameter.get("in") in ("query", "header"):
            schema = api.schema_of(parameter)
            is_number = bool(api.types(schema) & {"integer", "number"})
            if is_number and not _has_maximum(parameter, schema, api):
                message = f"the page size {quoted(name)} has no maximum"
                yield Hit(parameter.place(), message, cause=message)


def _answers_one(operation: Operation) -> bool:
    """Whether it answers with an object of known properties: one thing, or a stream of them."""
    api = operation.api
    bodies = [body for _, response in operation.success for body in api.bodies(response)]
    return any(api.properties(body.schema) for body in bodies)


_STATED = re.compile(
    r"\b(max(imum)?|at most|up to|no more than|limited to|between|range|exceed)\b"
    r"((?!default)[^.;]){0,60}\d|\d\s?(-|\u2013|to|\.\.)\s?\d",
    re.I,
)


def _has_maximum(parameter: Node, schema: Node | None, api: Api) -> bool:
    parts = api.parts(schema)
    bounds = ("maximum", "exclusiveMaximum", "enum", "const")
    texts = [node.get("description") for node in (parameter, *parts)]
    return any(part.get(bound) is not None for part in parts for bound in bounds) or any(
        isinstance(text, str) and _STATED.search(text) for text in texts
    )
