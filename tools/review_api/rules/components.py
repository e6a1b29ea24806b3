"""Rules about components: whether anything uses them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from ...openapi.api import Api
from ...openapi.document import Node, Unit
from ...openapi.kinds import OPENAPI_3, Version, name_of
from ...openapi.values import mapping
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ...source import pointer


@rule(
    "api/component-unused",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Remove it, or refer to it where it was meant to be used",
    references=["https://spec.openapis.org/oas/v3.1.1#components-object"],
    bad="""
    components:
      schemas:
        Pet: {type: object}
    """,
    good="""
    paths:
      /pets:
        get:
          responses:
            '200':
              description: One pet
              content:
                application/json:
                  schema: {$ref: '#/components/schemas/Pet'}
            '400': {$ref: '#/components/responses/Problem'}
    components:
      schemas:
        Pet: {type: object}
    """,
)
def component_unused(api: Api, _: Api) -> Iterator[Hit]:
    """No operation uses a component, over any number of references.

    Readers take it for part of the API, generators turn it into code that nobody calls, and every
    change of a shared schema has to be checked against it. Often it is the sign of a reference that
    was meant for it and now leads elsewhere.
    """
    if not (api.root.get("paths") or api.root.get("webhooks")):
        return  # a library of components for other documents
    if any(broken.reason in ("remote", "unreadable") for broken in api.description.broken.values()):
        return  # what could not be read may refer back
    components = list(_components(api))
    uses = _uses(api)
    reached = _reach(uses, {None})
    if all(node.unit in reached for node in components):
        return
    # An extension or a description may name a component too: webhooks before 3.1, say.
    names = _names_elsewhere(api)
    named = {n.unit for n in components if not names.isdisjoint(("#" + pointer(n.path), n.key[-1]))}
    reached = _reach(uses, {None, *named})
    while subtypes := [node.unit for node in components if _is_subtype(node, reached, api)]:
        reached |= _reach(uses, subtypes)
    users: dict[Unit | None, list[str]] = {}
    for user, used in uses.items():
        for unit in used - {user}:
            users.setdefault(unit, []).append(user.label if user else "")
    for node in components:
        if node.unit in reached:
            continue
        where, also = pointer(node.path), sorted(users.get(node.unit, ()))
        word = name_of(node.kind).removesuffix(" Object").lower()
        message = f"no operation uses the {word} {quoted(node.key[-1])}"
        yield Hit(
            node.place(),
            message,
            cause="no operation uses these components",
            evidence="used only by " + ", ".join(map(quoted, also)) if also else "",
            patch=() if also else ({"op": "remove", "path": where},),
        )


def _components(api: Api) -> Iterator[Node]:
    """The components of the root document, but for security schemes, which are used by name."""
    old = api.version is Version.V20
    holder = mapping(api.root.value if old else api.root.get("components"))
    for key in ("definitions", "parameters", "responses") if old else OPENAPI_3["components"]:
        for name, value in mapping(holder.get(key)).items():
            node = api.description.node_at(value)
            if key != "securitySchemes" and node is not None and node.key == (key, name):
                yield node


def _uses(api: Api) -> dict[Unit | None, set[Unit | None]]:
    """Which components each component refers to; None stands for the paths and all the rest."""
    homes: dict[Unit, Unit | None] = {}

    def home(node: Node) -> Unit | None:
        if node.unit not in homes:
            around = (step.unit for step in (node, *node.ancestors()))
            homes[node.unit] = next((unit for unit in around if unit.component), None)
        return homes[node.unit]

    uses: dict[Unit | None, set[Unit | None]] = {}
    for node, _, _ in api.description.references:
        target = api.description.target(node)
        if target is not None:
            uses.setdefault(home(node), set()).add(home(target))
    for node, schema in api.mapped_schemas():
        uses.setdefault(home(node), set()).add(home(schema))
    return uses


def _reach(
    uses: dict[Unit | None, set[Unit | None]], start: Iterable[Unit | None]
) -> set[Unit | None]:
    """All that can be reached from the start over any number of references."""
    reached = set(start)
    stack = list(reached)
    while stack:
        found = uses.get(stack.pop(), set()) - reached
        reached |= found
        stack.extend(found)
    return reached


def _is_subtype(schema: Node, reached: set[Unit | None], api: Api) -> bool:
    """Whether a schema extends one in use whose discriminator can name it."""
    return schema.unit not in reached and any(
        part is not schema and part.unit in reached and part.get("discriminator")
        for part in api.parts(schema)
    )


_POINTER = re.compile(r"""#/(?:components/\w+|definitions|parameters|responses)/[^\s"'<>`,)\]}]+""")


def _names_elsewhere(api: Api) -> set[str]:
    """The pointers and names of components that stand in the text other than in a reference."""
    root = api.description.root
    pointers = Counter(_POINTER.findall(root.text))
    pointers.subtract(reference.text for reference in api.description.references)
    for node in api.nodes("discriminator"):
        pointers.subtract(map(str, mapping(node.get("mapping")).values()))
    names = {pointer for pointer, count in pointers.items() if count > 0}
    stack = [value for key, value in api.root.value.items() if key.startswith("x-")]
    while stack:
        value = stack.pop()
        if isinstance(value, dict | list):
            stack.extend(value.values() if isinstance(value, dict) else value)
        else:
            names.add(str(value))
    return names
