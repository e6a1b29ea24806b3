"""Rules about one thing that is typed, or written, alike throughout an API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from ...names import words
from ...openapi.api import Api
from ...openapi.conventions import convention, family_of, is_moment, moment_of
from ...openapi.document import Node
from ...openapi.values import mapping
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, Place, rule
from .authorities import NAMES

_TIMES = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6"

_Use = tuple[str, Node, dict[str, Any]]
"""A property or parameter: its name, the node that declares it, and its schema."""


def _at(use: _Use) -> Place:
    name, owner, _ = use
    return owner.place(*(() if owner.kind == "parameter" else ("properties", name)))


def _uses(api: Api, wanted: Callable[[str], object]) -> Iterator[_Use]:
    """The properties and parameters with such a name that name a type."""
    resolve = api.description.resolve
    for name, schemas in api.declaring.items():
        for schema in schemas if isinstance(name, str) and wanted(name) else ():
            value = schema.value["properties"][name]
            if type(value) is dict and "$ref" in value:
                value = target.value if (target := resolve(value)) else None
            if type(value) is dict and "type" in value:
                yield name, schema, value
    for parameter in api.nodes("parameter"):
        name, node = parameter.get("name"), api.schema_of(parameter)
        typed = node is not None and "type" in mapping(node.value)
        if node is not None and typed and isinstance(name, str) and wanted(name):
            yield name, parameter, node.value


def _is_specific(name: str) -> bool:
    """Whether a name is of several words: `status` means another thing in each object."""
    return words(name).count("_") > 2


@rule(
    "api/field-type-inconsistent",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Give it the type it has elsewhere, or another name if it is another thing",
    references=[NAMES],
    bad="""
    paths:
      /pets:
        get: &query
          parameters: [{name: owner_id, in: query, schema: {type: integer, format: int32}}]
          responses:
            '200':
              description: A pet
              content:
                application/json:
                  schema: {type: object, properties: {owner_id: {type: integer}}}
            '404': {$ref: '#/components/responses/Problem'}
      /cats:
        get: *query
      /dogs:
        get:
          responses:
            '200':
              description: A dog
              content:
                application/json:
                  schema: {type: object, properties: {owner_id: {type: string}}}
            '404': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets:
        get: &query
          parameters: [{name: owner_id, in: query, schema: {type: integer, format: int32}}]
          responses:
            '200':
              description: A pet
              content:
                application/json:
                  schema: {type: object, properties: {owner_id: {type: integer}}}
            '404': {$ref: '#/components/responses/Problem'}
      /cats:
        get: *query
      /dogs:
        get: *query
    """,
)
def field_type_inconsistent(api: Api, _: Api) -> Iterator[Hit]:
    """A property or parameter has another type than nearly everywhere else.

    Clients keep the value of one answer to send it in the next call, compare it and join by it: a
    number is not equal to the string of its digits, and a typed client rejects the outlier. Usually
    it was declared by hand where the others share a component. Reported for names of several words
    that stand for one scalar type in at least four places and four of five.
    """
    by_words: dict[str, list[tuple[str, _Use]]] = defaultdict(list)
    for name, together in groupby(_uses(api, _is_specific), itemgetter(0)):
        families = ((family_of(use[2]["type"]), use) for use in together)
        by_words[words(name)] += ((family, use) for family, use in families if family)
    for cast in by_words.values():
        found = convention(cast, support=4, share=0.8)
        if found is None:
            continue
        for family, use in found.outliers:
            said = f"{found.ratio} declarations say {found.choice}"
            yield Hit(
                _at(use),
                f"{quoted(use[0])} is a {family} here, {said}",
                cause=f"{quoted(use[0])} has another type than nearly everywhere else",
            )


@rule(
    "api/moment-format-inconsistent",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Write moments as the rest of the API does",
    references=[_TIMES, "https://google.aip.dev/142"],
    bad="""
    components:
      schemas:
        Pet:
          type: object
          properties: &times
            created_at: {type: string, format: date-time}
            updated_at: {type: string, format: date-time}
            adopted_at: {type: string, format: date-time}
            chipped_at: {type: string, format: date-time}
            neutered_at: {type: string, format: date-time}
            vaccinated_at: {type: string, format: date-time}
            fed_at: {type: string, format: date-time}
            weighed_at: {type: string, format: date-time}
            seen_at: {type: string, format: date-time}
            released_at: {type: string, format: date-time}
            caught_at: {type: integer}
    paths:
      /pets/first:
        get:
          responses:
            '200':
              description: A pet
              content:
                application/json: {schema: {$ref: '#/components/schemas/Pet'}}
            '404': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    components:
      schemas:
        Pet:
          type: object
          properties:
            created_at: {type: string, format: date-time}
            updated_at: {type: string, format: date-time}
            adopted_at: {type: string, format: date-time}
            chipped_at: {type: string, format: date-time}
            neutered_at: {type: string, format: date-time}
            vaccinated_at: {type: string, format: date-time}
            fed_at: {type: string, format: date-time}
            weighed_at: {type: string, format: date-time}
            seen_at: {type: string, format: date-time}
            released_at: {type: string, format: date-time}
            caught_at: {type: string, format: date-time}
    paths:
      /pets/first:
        get:
          responses:
            '200':
              description: A pet
              content:
                application/json: {schema: {$ref: '#/components/schemas/Pet'}}
            '404': {$ref: '#/components/responses/Problem'}
    """,
)
def moment_format_inconsistent(api: Api, _: Api) -> Iterator[Hit]:
    """A moment is written unlike nearly all moments of the API.

    One clock in seconds since 1970, the next as text, the third without saying how: each needs code
    of its own, and the mistake is silent, as seconds taken for milliseconds are a valid date in
    1970. A plain string where others say `date-time` keeps clients from parsing it at all.
    """
    ballots = [(moment_of(use[2]), use) for use in _uses(api, is_moment)]
    found = convention([(how, use) for how, use in ballots if how and how != "date"])
    if found is None:
        return
    others = _written(found.choice)
    for how, use in found.outliers:
        yield Hit(
            _at(use),
            f"{quoted(use[0])} is {_written(how)}, unlike the API's other moments",
            cause=f"moments are {_written(how)} here, nearly all others are {others}",
            evidence=f"{found.ratio} are {others}",
        )


def _written(how: str) -> str:
    return how if how.startswith("a ") else f"a {quoted(how)} string"
