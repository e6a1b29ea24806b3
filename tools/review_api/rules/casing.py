"""Rules about names: they are cased alike throughout an API."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from ...openapi.api import Api
from ...openapi.conventions import STANDARD, casing
from ...openapi.document import Node
from ...openapi.values import listing, mapping
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ...source import Path
from .authorities import NAMES


@rule(
    "api/field-casing-inconsistent",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Write the name as the API's others, and keep the old one for as long as clients use it",
    references=[NAMES],
    bad="""
    components:
      schemas:
        Pet:
          type: object
          properties: &fields
            first_name: {type: string}
            last_name: {type: string}
            birth_place: {type: string}
            chip_number: {type: string}
            owner_name: {type: string}
            vet_name: {type: string}
            food_brand: {type: string}
            fur_colour: {type: string}
            eye_colour: {type: string}
            coat_length: {type: string}
            tailLength: {type: string}
    paths:
      /pets/first:
        get: &get
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
            first_name: {type: string}
            last_name: {type: string}
            birth_place: {type: string}
            chip_number: {type: string}
            owner_name: {type: string}
            vet_name: {type: string}
            food_brand: {type: string}
            fur_colour: {type: string}
            eye_colour: {type: string}
            coat_length: {type: string}
            tail_length: {type: string}
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
def field_casing_inconsistent(api: Api, _: Api) -> Iterator[Hit]:
    """A property or query parameter is cased unlike nearly all others.

    Who has typed `created_at` a hundred times types it once more where the API says `createdAt`:
    a property read so is undefined and one sent so is ignored, without an error. Reported where at
    least ten names, and nine of ten, agree; names that fit several casings (`id`) do not vote.
    Names that OAuth or OpenID Connect fix, extensions, locales, acronyms, and properties that are
    called after a value of an `enum` are left out.
    """
    properties: dict[str, list[tuple[Node, Path]]] = {
        name: [(schema, ("properties", name)) for schema in schemas]
        for name, schemas in api.declaring.items()
        if isinstance(name, str)
    }
    yield from _miscased(properties, "properties", STANDARD | _values(api))
    queries = _parameters(api, "query")
    yield from _miscased(queries, "query parameters", STANDARD)


def _values(api: Api) -> frozenset[str]:
    """The texts that an `enum` lists: a property called so is keyed by the value."""
    return frozenset(
        value
        for schema in api.having("enum")
        for value in listing(schema.value["enum"])
        if isinstance(value, str)
    )


@rule(
    "api/name-casing-inconsistent",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Write the name as the API's others",
    references=[NAMES],
    bad="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {operationId: getPet}
        delete: {operationId: deletePet}
        put: {operationId: putPet}
        patch: {operationId: patchPet}
      /vets/{vetId}:
        parameters:
          - {name: vetId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {operationId: getVet}
        delete: {operationId: deleteVet}
        put: {operationId: putVet}
        patch: {operationId: patchVet}
      /owners/{ownerId}:
        parameters:
          - {name: ownerId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {operationId: getOwner}
        delete: {operationId: deleteOwner}
        put: {operationId: put_owner}
    """,
    good="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {operationId: getPet}
        delete: {operationId: deletePet}
        put: {operationId: putPet}
        patch: {operationId: patchPet}
      /vets/{vetId}:
        parameters:
          - {name: vetId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {operationId: getVet}
        delete: {operationId: deleteVet}
        put: {operationId: putVet}
        patch: {operationId: patchVet}
      /owners/{ownerId}:
        parameters:
          - {name: ownerId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {operationId: getOwner}
        delete: {operationId: deleteOwner}
        put: {operationId: putOwner}
    """,
)
def name_casing_inconsistent(api: Api, _: Api) -> Iterator[Hit]:
    """An operationId, path segment, component or enum value is cased unlike nearly all others.

    These names become methods, classes and constants of generated code, and addresses that people
    type. Which casing an API has does not matter, having one does. Reported where at least ten
    names, and nine of ten, agree.
    """
    segments, operations = _Declared(list), _Declared(list)
    for operation in api.operations:
        for segment in dict.fromkeys(operation.path.split("/")):
            if not re.search(r"[{}.:#]", segment):
                segments[segment].append((operation.item, ()))
        if "operationId" in operation.node.value:
            operations[str(operation.node.get("operationId"))].append(
                (operation.node, ("operationId",))
            )
    yield from _miscased(segments, "path segments")
    yield from _miscased(_parameters(api, "path"), "path parameters")
    yield from _miscased(operations, "operation ids")
    yield from _miscased(_schemas(api), "schema names")
    values = _Declared(list)
    for schema in api.having("enum"):
        for index, value in enumerate(listing(schema.get("enum"))):
            if isinstance(value, str):
                values[value].append((schema, ("enum", index)))
    yield from _miscased(values, "enum values")


_Declared = defaultdict[str, list[tuple[Node, Path]]]
"""Where names are declared: the node, and the steps from it to the name."""


def _parameters(api: Api, location: str) -> _Declared:
    """The parameters of a location by name, each at its `name`."""
    found = _Declared(list)
    for parameter in api.nodes("parameter"):
        if parameter.get("in") == location and isinstance(parameter.get("name"), str):
            found[parameter.value["name"]].append((parameter, ("name",)))
    return found


def _schemas(api: Api) -> _Declared:
    found = _Declared(list)
    for schema in api.nodes("schema"):
        if schema.parent is not None and schema.parent.kind in ("components", "document"):
            found[str(schema.key[-1])].append((schema, ()))
    return found


def _miscased(
    declared: Mapping[str, list[tuple[Node, Path]]], what: str, standard: Iterable[str] = ()
) -> Iterator[Hit]:
    found = casing(declared.keys() - set(standard))
    if found is None:
        return
    for chosen, name in sorted(found.outliers):
        for node, steps in declared[name]:
            yield Hit(
                node.place(*steps),
                f"{quoted(name)} is {chosen}, unlike the API's other {what}",
                cause=f"nearly all {what} are {found.choice}, these are not",
                evidence=f"{found.ratio} {what} that show a casing are {found.choice}",
            )


@rule(
    "api/property-name-collision",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Keep one of the two, and deprecate the other",
    references=["https://openapi-generator.tech/docs/customization/#name-mapping"],
    bad="""
    paths:
      /pets/first:
        put:
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    first_name: {type: string}
                    firstName: {type: string}
    """,
    good="""
    paths:
      /pets/first:
        put:
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    first_name: {type: string}
                    last_name: {type: string}
    """,
)
def property_name_collision(api: Api, _: Api) -> Iterator[Hit]:
    """Two properties of one object differ in casing only.

    Code generators turn both into the same field or method: one is lost, or gets a number that
    moves with the order of the file. People, too, take one for the other, and servers that match
    names without regard to case keep the last. Properties marked as deprecated are left out.
    """
    spellings: dict[str, list[str]] = defaultdict(list)
    for name in api.declaring:
        if isinstance(name, str):
            spellings[_plain(name)].append(name)
    for names in map(sorted, spellings.values()):
        first: dict[Node, str] = {}
        for name in names if len(names) > 1 else ():
            for schema in api.declaring[name]:
                if mapping(schema.value["properties"][name]).get("deprecated") is True:
                    continue
                earlier = first.setdefault(schema, name)
                if earlier != name:
                    message = f"{quoted(name)} and {quoted(earlier)} differ in casing only"
                    at, other = (schema.place("properties", each) for each in (name, earlier))
                    yield Hit(at, message, cause=message, related=(other,))


def _plain(name: str) -> str:
    """The name as generated code may spell it; signs that are no letters are kept: `+1`, `-1`."""
    return re.sub(r"(?<=[A-Za-z0-9])[_-](?=[A-Za-z0-9])", "", name).lower()
