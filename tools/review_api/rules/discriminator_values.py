"""Rules about the values of discriminators: which schema they choose, and whether it takes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...openapi.api import Api
from ...openapi.constraints import Statement
from ...openapi.document import Node
from ...openapi.kinds import Version
from ...openapi.values import listing, mapping
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ...source import pointer
from .wording import few, is_component

_DISCRIMINATOR = "https://spec.openapis.org/oas/v3.1.1#discriminator-object"


@rule(
    "api/discriminator-value-refused",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="discriminator",
    fix="Map the value that the schema has, or correct the schema",
    references=[_DISCRIMINATOR],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            cause:
              oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}]
              discriminator:
                propertyName: kind
                mapping: {cat: '#/components/schemas/Cat', dog: '#/components/schemas/Dog'}
        Cat: {type: object, required: [kind], properties: {kind: {const: cat}}}
        Dog: {type: object, required: [kind], properties: {kind: {const: hound}}}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            cause:
              oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}]
              discriminator:
                propertyName: kind
                mapping: {cat: '#/components/schemas/Cat', dog: '#/components/schemas/Dog'}
        Cat: {type: object, required: [kind], properties: {kind: {const: cat}}}
        Dog: {type: object, required: [kind], properties: {kind: {const: dog}}}
    """,
)
def discriminator_value_refused(node: Node, api: Api) -> Iterator[Hit]:
    """A discriminator maps a value to a schema that refuses it.

    The value chooses the schema, and the schema's own `const`, `enum` or type excludes the value:
    no message is both chosen and valid. One of the two was renamed.
    """
    name = node.get("propertyName")
    for value, text in mapping(node.get("mapping")).items():
        target = _named(api, text)
        if target is None or not isinstance(name, str):
            continue
        refusal = _refusal(api, target, name, str(value))
        if refusal is not None:
            said = _values_of(api, target, name)
            takes = f"takes {few(said)}" if said else f"refuses it by `{refusal.keyword}`"
            message = f"{quoted(value)} is mapped to {quoted(target.key[-1])}"
            message += f", whose {quoted(name)} {takes}"
            at = node.place("mapping", value)
            related = (refusal.node.place(*([refusal.keyword] if refusal.keyword else [])),)
            yield Hit(at, message, cause=message, related=related)


@rule(
    "api/discriminator-value-unmapped",
    Severity.WARNING,
    FindingClass.RISK,
    on="discriminator",
    fix="Map each value to its schema",
    references=[_DISCRIMINATOR],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            cause:
              oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}]
              discriminator: {propertyName: kind}
        Cat: {type: object, required: [kind], properties: {kind: {const: cat}}}
        Dog: {type: object, required: [kind], properties: {kind: {const: dog}}}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            cause:
              oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}]
              discriminator:
                propertyName: kind
                mapping: {cat: '#/components/schemas/Cat', dog: '#/components/schemas/Dog'}
        Cat: {type: object, required: [kind], properties: {kind: {const: cat}}}
        Dog: {type: object, required: [kind], properties: {kind: {const: dog}}}
    """,
)
def discriminator_value_unmapped(node: Node, api: Api) -> Iterator[Hit]:
    """A discriminator's value is the name of no schema, and nothing maps it to one.

    Without a `mapping` the value is taken for the name of a component. Where the schemas demand
    other values, generated clients look for a class that does not exist and fail on every message.
    """
    owner, name = node.parent, node.get("propertyName")
    if api.version is Version.V20 or owner is None or not isinstance(name, str):
        return
    mapped = {id(_named(api, text)) for text in mapping(node.get("mapping")).values()}
    lost: dict[str, list[str]] = {}
    for keyword in ("oneOf", "anyOf"):
        for member in listing(owner.get(keyword)):
            found = api.description.resolve(member)
            if found is None or not is_component(found) or id(found) in mapped:
                continue
            component = str(found.key[-1])
            if _refusal(api, found, name, component) is not None:
                values = [each for each in _values_of(api, found, name) if isinstance(each, str)]
                lost.setdefault(component, values)
    if any(lost.values()):
        first, values = next((name, values) for name, values in lost.items() if values)
        message = f"{quoted(values[0], 40)} means {quoted(first)}, and no `mapping` says so"
        yield Hit(
            node.place(),
            message,
            cause="a discriminator has no `mapping` for values that are not names of schemas",
            evidence=f"schemas that take other values than their names: {len(lost)}",
            patch=_mapping(node, lost),
        )


def _mapping(node: Node, lost: dict[str, list[str]]) -> tuple[dict[str, object], ...]:
    """The patch that maps the values, if each schema is meant by other ones."""
    values = [value for taken in lost.values() for value in taken]
    if node.get("mapping") is not None or len(set(values)) < len(values) or not all(lost.values()):
        return ()
    entries = {
        value: f"#/components/schemas/{component}"
        for component, taken in lost.items()
        for value in taken
    }
    return ({"op": "add", "path": pointer((*node.path, "mapping")), "value": entries},)


def _named(api: Api, text: object) -> Node | None:
    """The component of the root document that a mapping names, by reference or by name."""
    if not isinstance(text, str) or (text[:1] != "#" and ("/" in text or "." in text)):
        return None
    schemas = mapping(mapping(api.root.get("components")).get("schemas"))
    return api.description.node_at(schemas.get(text.rpartition("/")[2]))


def _refusal(api: Api, schema: Node, name: str, value: str) -> Statement | None:
    """What in a schema excludes this value of the property."""
    stated = api.satisfiability.stated(name, list(api.satisfiability.parts(schema)))
    return api.satisfiability.refused(value, *stated) if stated else None


def _values_of(api: Api, schema: Node, name: str) -> list[object]:
    """The values that a schema lists for a property."""
    asked = api.satisfiability
    stated = asked.stated(name, list(asked.parts(schema)))
    listed = [values for part in asked.parts(*stated) if (values := asked.values(part))]
    return min(listed, key=len) if listed else []
