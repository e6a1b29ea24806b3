"""Rules about the design of resources that are a matter of style: paths, and the whole life."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...names import words
from ...openapi.api import TEMPLATE, Api, Operation
from ...openapi.conventions import convention
from ...openapi.resources import Kind, Resource, Role, is_plural, resources
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, Place, rule
from .authorities import NAMES

_RESOURCES = "https://google.aip.dev/121"
_RESOURCE_NAMES = "https://google.aip.dev/122"
_METHODS = "https://www.rfc-editor.org/rfc/rfc9110#section-9"
MAX_DEPTH = 3  # items inside items: Zalando's RESTful API guidelines, 147


def _paths(api: Api) -> dict[str, Place]:
    paths = api.root.get("paths")
    return {
        path: api.root.place("paths", path)
        for path in (paths if isinstance(paths, dict) else ())
        if path[:1] == "/"
    }


@rule(
    "api/resource-not-readable",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Add a GET for the item or the collection",
    references=[_RESOURCES],
    bad="""
    paths:
      /pets:
        post: {}
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        delete: {}
    """,
    good="""
    paths:
      /pets:
        post: {}
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
        delete: {}
    """,
)
def resource_not_readable(api: Api, _: Api) -> Iterator[Hit]:
    """What clients create can be removed or changed, but not read.

    A client whose request timed out cannot find out whether it took effect, and one that lost what
    it had stored cannot recover. What is inside another resource may be read with that one.
    """
    for resource in _created(api):
        if Role.READ in resource.missing and not resource.parent:
            yield Hit(
                resource.having(Role.CREATE)[0].operation.node.place(),
                f"{quoted(resource.path)} can be created, but not read",
                cause="resources can be created, but not read",
            )


def _created(api: Api) -> list[Resource]:
    collections = (each for each in resources(api) if each.kind is Kind.COLLECTION)
    return [each for each in collections if each.item_path and each.having(Role.CREATE)]


@rule(
    "api/resource-not-deletable",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Add a DELETE for the item, or say how it ends: expiry, archiving, a final state",
    references=[_RESOURCES],
    bad="""
    paths:
      /pets: &collection {post: {}}
      /pets/{id}: &item
        parameters:
          - {name: id, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
        delete: {}
      /cats: *collection
      /cats/{id}: *item
      /dogs: *collection
      /dogs/{id}: *item
      /owls: *collection
      /owls/{id}: *item
      /rats: *collection
      /rats/{id}:
        parameters:
          - {name: id, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
    """,
    good="""
    paths:
      /pets: &collection {post: {}}
      /pets/{id}: &item
        parameters:
          - {name: id, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
        delete: {}
      /cats: *collection
      /cats/{id}: *item
      /dogs: *collection
      /dogs/{id}: *item
      /owls: *collection
      /owls/{id}: *item
      /rats: *collection
      /rats/{id}: *item
    """,
)
def resource_not_deletable(api: Api, _: Api) -> Iterator[Hit]:
    """What clients create cannot be deleted, where nearly all else can.

    Test data and mistakes stay for ever, and a person's data cannot be removed on demand. Reported
    where four of five resources that clients create, and four at least, have a DELETE.
    """
    ballots = [(Role.DELETE not in each.missing, each) for each in _created(api)]
    found = convention(ballots, support=4, share=0.8)
    for _deletable, resource in found.outliers if found and found.choice else ():
        yield Hit(
            resource.having(Role.CREATE)[0].operation.node.place(),
            f"{quoted(resource.path)} can be created, but not deleted",
            cause="resources can be created, but not deleted",
        )


@rule(
    "api/path-nested-deeply",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Address the inner resource by its own identifier: `/comments/{commentId}`",
    references=["https://opensource.zalando.com/restful-api-guidelines/#147", _RESOURCE_NAMES],
    bad="""
    paths:
      /shops/{shop}/owners/{owner}/pets/{pet}/toys/{toy}:
        parameters:
          - {name: shop, in: path, required: true, schema: {type: string, maxLength: 36}}
          - {name: owner, in: path, required: true, schema: {type: string, maxLength: 36}}
          - {name: pet, in: path, required: true, schema: {type: string, maxLength: 36}}
          - {name: toy, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
    """,
    good="""
    paths:
      /toys/{toy}:
        parameters:
          - {name: toy, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
    """,
)
def path_nested_deeply(api: Api, _: Api) -> Iterator[Hit]:
    """A path goes through more than three items.

    Clients have to know the whole chain to reach the last, each level can be inconsistent with the
    next, and a resource that moves gets another URL.
    """
    for path, at in _paths(api).items():
        depth = sum(1 for step in path.split("/") if TEMPLATE.fullmatch(step))
        if depth > MAX_DEPTH:
            message = f"{quoted(path)} goes through {depth} items"
            yield Hit(at, message, cause=f"paths go through more than {MAX_DEPTH} items")


_VERB = re.compile(
    r"_(get|fetch|retrieve|list|create|add(?!_on)|insert|put|patch|update|edit|modify|delete|remove)"
    r"(_(?!requests?_)[a-z0-9]+)*_"
)


@rule(
    "api/path-with-verb",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Name the resource, and let the method say what is done",
    references=[_RESOURCE_NAMES, _METHODS],
    bad="""
    paths:
      /getPet/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
    """,
    good="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
    """,
)
def path_with_verb(api: Api, _: Api) -> Iterator[Hit]:
    """A path says what the method says: get, create, update, delete.

    The same thing then has a URL for each action, so that caches, permissions and logs by URL do
    not see that they belong together. Verbs that HTTP has no method for (`/cancel`) are fine.
    """
    for path, at in _paths(api).items():
        for step in path.split("/"):
            if _VERB.fullmatch(words(TEMPLATE.sub("", step))):
                yield Hit(
                    at,
                    f"{quoted(path)} has the verb {quoted(step)}",
                    cause="paths have verbs that are methods of HTTP",
                )
                break


_COLLECTIVE = re.compile(
    r"_(metadata|data|media|people|staff|history|inventory|stock|tracking|info|information|content"
    r"|feedback|equipment|software|hardware|catalog|env|id|key|type|index|directory|search)_$"
)


@rule(
    "api/path-plural-mixed",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Name the collection as the others are named",
    references=[NAMES, _RESOURCE_NAMES],
    bad="""
    paths:
      /pets/{id}: &item
        parameters:
          - {name: id, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
      /cats/{id}: *item
      /dogs/{id}: *item
      /owls/{id}: *item
      /rats/{id}: *item
      /hens/{id}: *item
      /eels/{id}: *item
      /bees/{id}: *item
      /elks/{id}: *item
      /cow/{id}: *item
    """,
    good="""
    paths:
      /pets/{id}: &item
        parameters:
          - {name: id, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
      /cats/{id}: *item
      /dogs/{id}: *item
      /owls/{id}: *item
      /rats/{id}: *item
      /hens/{id}: *item
      /eels/{id}: *item
      /bees/{id}: *item
      /elks/{id}: *item
      /cows/{id}: *item
    """,
)
def path_plural_mixed(api: Api, _: Api) -> Iterator[Hit]:
    """A collection is named in the singular where nearly all are in the plural, or the reverse.

    Which of the two a path has must be looked up each time. Reported where nine of ten names of
    collections, and nine at least, agree; words that have no plural do not vote.
    """
    collections = (each for each in resources(api) if each.item_path and each.identifiers)
    named = {each.name: each for each in collections if not _COLLECTIVE.search(words(each.name))}
    found = convention(
        ((is_plural(name), each) for name, each in named.items()), support=9, share=0.9
    )
    for plural, resource in found.outliers if found else ():
        yield Hit(
            _paths(api)[resource.uses[0].operation.path],
            f"{quoted(resource.name)} is in the {'plural' if plural else 'singular'}",
            cause=f"{found.ratio if found else ''} names of collections are in the"
            f" {'singular' if plural else 'plural'}",
        )


@rule(
    "api/response-array-bare",
    Severity.INFO,
    FindingClass.STYLE,
    on="operation",
    opt_in=True,
    fix="Return an object that holds the array, beside what tells of pages",
    references=["https://opensource.zalando.com/restful-api-guidelines/#110"],
    bad="""
    paths:
      /pets:
        get:
          responses:
            '200':
              description: The pets
              content:
                application/json:
                  schema: {type: array, items: {type: string}}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets:
        get:
          responses:
            '200':
              description: The pets
              content:
                application/json:
                  schema: {type: object, properties: {data: {type: array, items: {type: string}}}}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def response_array_bare(operation: Operation, api: Api) -> Iterator[Hit]:
    """The body of a successful response is an array.

    Nothing can be added beside its items: a cursor, a total or a warning would break every client,
    where an object only gets one more member.
    """
    for code, response in operation.success:
        if any(api.types(body.schema) == {"array"} for body in api.bodies(response)):
            yield Hit(
                operation.node.place("responses", code),
                f"{quoted(operation)} answers {code} with a bare array",
                cause="responses are bare arrays",
            )
