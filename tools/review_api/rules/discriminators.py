"""Rules about the property that tells alternatives apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...openapi.api import Api
from ...openapi.document import Node
from ...openapi.kinds import Version
from ...openapi.values import listing, mapping
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule

DISCRIMINATOR: Final = "https://spec.openapis.org/oas/v3.1.1#discriminator-object"


@rule(
    "api/discriminator-property-undeclared",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Declare the property in each alternative, with the values it has there",
    references=[DISCRIMINATOR],
    bad="""
    paths:
      /pets:
        post:
          requestBody:
            content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}
    components:
      schemas:
        Cat: {type: object, properties: {lives: {type: integer}}}
        Pet:
          oneOf: [{$ref: '#/components/schemas/Cat'}]
          discriminator: {propertyName: kind}
    """,
    good="""
    paths:
      /pets:
        post:
          requestBody:
            content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}
    components:
      schemas:
        Cat: {type: object, required: [kind], properties: {kind: {type: string, enum: [Cat]}}}
        Pet:
          oneOf: [{$ref: '#/components/schemas/Cat'}]
          discriminator: {propertyName: kind}
    """,
)
def discriminator_property_undeclared(api: Api, _: Api) -> Iterator[Hit]:
    """An alternative does not declare the property that tells it apart.

    The discriminator names a property that nothing promises to be there: clients do not send it,
    readers do not expect it, and deserialisers cannot choose.
    """
    for schema, name, variant in _variants(api):
        if name not in api.properties(variant):
            yield Hit(
                schema.place("discriminator"),
                f"{quoted(api.schema_name(variant))} does not declare {quoted(name)}",
                cause=f"alternatives do not declare {quoted(name)}",
                related=(variant.place(),),
            )


@rule(
    "api/discriminator-property-optional",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Add the property to `required`",
    references=[DISCRIMINATOR, "https://spec.openapis.org/oas/v2.0.html#schema-object"],
    bad="""
    paths:
      /pets:
        post:
          requestBody:
            content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}
    components:
      schemas:
        Cat: {type: object, properties: {kind: {type: string, enum: [Cat]}}}
        Pet:
          oneOf: [{$ref: '#/components/schemas/Cat'}]
          discriminator: {propertyName: kind}
    """,
    good="""
    paths:
      /pets:
        post:
          requestBody:
            content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}
    components:
      schemas:
        Cat: {type: object, required: [kind], properties: {kind: {type: string, enum: [Cat]}}}
        Pet:
          oneOf: [{$ref: '#/components/schemas/Cat'}]
          discriminator: {propertyName: kind}
    """,
)
def discriminator_property_optional(api: Api, _: Api) -> Iterator[Hit]:
    """The property that tells alternatives apart may be left out.

    Without it a value is of no known kind: what happens then is undefined. In 2.0 it must be
    required.
    """
    for schema, name, variant in _variants(api):
        required = {
            each for part in api.parts(variant) for each in map(str, listing(part.get("required")))
        }
        if name in api.properties(variant) and name not in required:
            yield Hit(
                schema.place("discriminator"),
                f"{quoted(name)} of {quoted(api.schema_name(variant))} is not required",
                cause=f"{quoted(name)} tells alternatives apart and is not required",
                related=(variant.place(),),
            )


def _variants(api: Api) -> Iterator[tuple[Node, str, Node]]:
    """Schemas with a discriminator, the property it names, and each schema that needs it."""
    for schema in api.having("discriminator"):
        found = schema.value["discriminator"]
        name = found if api.version is Version.V20 else mapping(found).get("propertyName")
        if not isinstance(name, str):
            continue
        members = [
            member
            for keyword in ("oneOf", "anyOf")
            for value in listing(schema.value.get(keyword))
            if (member := api.description.resolve(value)) is not None
        ]
        if members and name in api.properties(schema):
            continue  # it stands beside the alternatives, for all of them
        for variant in members or [schema]:
            if _is_object(variant, api):
                yield schema, name, variant


def _is_object(schema: Node, api: Api) -> bool:
    """Whether its properties are known: not so of alternatives within alternatives."""
    inner = {"oneOf", "anyOf", "not", "if"}
    return bool(api.properties(schema)) and all(
        inner.isdisjoint(mapping(part.value)) for part in api.parts(schema)
    )
