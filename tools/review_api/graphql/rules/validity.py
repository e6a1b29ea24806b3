"""What the GraphQL specification demands of a schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from ....graphql.graph import Graph
from ....report import FindingClass, Severity, clean, quoted
from ....rule import Hit, Place, rule

if TYPE_CHECKING:
    from graphql import GraphQLError

SPEC: Final = "https://spec.graphql.org/September2025/"
FEDERATION: Final = frozenset(
    (
        *("key", "shareable", "external", "requires", "provides", "extends", "link", "tag"),
        *("inaccessible", "override", "interfaceObject", "composeDirective", "authenticated"),
        *("requiresScopes", "policy", "cost", "listSize", "context", "fromContext"),
    )
)
MAX_ERRORS: Final = 200


@rule(
    "graphql/schema-invalid",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="schema",
    fix="Correct the definition",
    references=[f"{SPEC}#sec-Type-System"],
    bad="""
    type Query { pet(id: ID!): Pett }
    """,
    good="""
    type Query { pet(id: ID!): Pet }
    type Pet { id: ID! }
    """,
)
def schema_invalid(graph: Graph, _: Graph) -> Iterator[Hit]:
    """A definition breaks a rule of the type system.

    A name that is not defined, two definitions of one name, an object that does not have the
    fields of its interface: servers do not start with it, and tools stop at the first such fault.
    Directives and types that Apollo Federation adds are known.
    """
    for error in _errors(graph)[:MAX_ERRORS]:
        message = clean(str(error.message), 300).rstrip(".")
        if not _is_of_federation(message, graph):
            message = re.sub(r"['\"]([^'\"]*)['\"]", lambda name: quoted(name[1]), message)
            yield Hit(_place(error), message[:1].lower() + message[1:], cause=message)


def _errors(graph: Graph) -> list[GraphQLError]:
    """What graphql-core has against the definitions, then against the schema they make."""
    from graphql import GraphQLError, build_ast_schema, concat_ast, validate_schema
    from graphql.validation.validate import validate_sdl

    document = concat_ast(graph.schema.asts)
    try:
        found = list(validate_sdl(document))
        if any(not _is_of_federation(str(each.message), graph) for each in found):
            return found
        return list(validate_schema(build_ast_schema(document, assume_valid_sdl=True)))
    except (GraphQLError, TypeError, KeyError, RecursionError):
        return []  # of a part of a federated graph


def _is_of_federation(message: str, graph: Graph) -> bool:
    named = re.search(r'Unknown directive [\'"]@(\w+)', message)
    if named:
        return named[1] in FEDERATION and named[1] not in graph.schema.directives
    extended = "Cannot extend type" in message and "not defined" in message
    rootless = "Query root type must be provided" in message
    federated = any(
        not FEDERATION.isdisjoint(each.name for each in found.directives)
        for found in graph.schema.types.values()
    )
    unknown = re.search(r"Unknown type ['\"](\w+)", message)
    elsewhere = unknown is not None and (
        unknown[1] in graph.schema.types or unknown[1].startswith(("_", "FieldSet"))
    )
    return federated and (extended or rootless or elsewhere)


def _place(error: Any) -> Place:
    nodes = error.nodes or ()
    node = nodes[-1] if nodes else None
    if node is None or node.loc is None:
        return Place("", (), 0)
    return Place(node.loc.source.name, ("sdl", node.loc.start), node.loc.start)
