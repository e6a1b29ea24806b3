"""What can be reached, and how far a query can go."""

from __future__ import annotations

from collections.abc import Iterator

from ....graphql.graph import Graph
from ....graphql.model import Type
from ....report import Confidence, FindingClass, Severity, quoted
from ....rule import Hit, rule
from .validity import SPEC

COST = "https://cheatsheetseries.owasp.org/cheatsheets/GraphQL_Cheat_Sheet.html"


@rule(
    "graphql/type-unreachable",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    fix="Remove the type, or add the field that was meant",
    references=[f"{SPEC}#sec-Root-Operation-Types"],
    bad="""
    type Query { a: Int }
    type Lost { id: ID! }
    """,
    good="""
    type Query { a: Found }
    type Found { id: ID! }
    """,
)
def type_unreachable(graph: Graph, _: Graph) -> Iterator[Hit]:
    """No operation can reach a type.

    It is dead, or the field that leads to it was forgotten. Types with `@key` belong to a
    federated graph and are left out.
    """
    if not graph.schema.roots:
        return
    for name, found in graph.schema.types.items():
        if name not in graph.reachable:
            users = ", ".join(map(quoted, sorted(set(graph.users.get(name, ())) - {name})[:3]))
            yield Hit(
                found.place,
                f"no operation can reach {quoted(name)}",
                cause="no operation can reach these types",
                evidence=f"used only by {users}" if users else "",
            )


@rule(
    "graphql/interface-unimplemented",
    Severity.INFO,
    FindingClass.RISK,
    on="type",
    fix="Remove the interface, or write `implements`",
    references=[f"{SPEC}#sec-Interfaces"],
    bad="""
    type Query { a: Node }
    interface Node { id: ID! }
    """,
    good="""
    type Query { a: Node }
    interface Node { id: ID! }
    type A implements Node { id: ID! }
    """,
)
def interface_unimplemented(found: Type, graph: Graph) -> Iterator[Hit]:
    """No object implements an interface.

    A field of it can return nothing.
    """
    if found.kind != "interface" or found.applied("key"):
        return
    if not any(found.name in each.interfaces for each in graph.schema.types.values()):
        yield Hit(found.place, f"no object implements {quoted(found.name)}")


@rule(
    "graphql/query-depth-unbounded",
    Severity.INFO,
    FindingClass.STYLE,
    on="schema",
    opt_in=True,
    fix="Limit depth and cost on the server, and page the lists",
    references=[COST],
    bad="""
    type Query { a(first: Int): [A] }
    type A { id: ID!, bs(first: Int): [B] }
    type B { id: ID!, as(first: Int): [A] }
    """,
    good="""
    type Query { a(first: Int): [A] }
    type A { id: ID!, bs(first: Int): [B] }
    type B { id: ID!, a: A }
    """,
)
def query_depth_unbounded(graph: Graph, _: Graph) -> Iterator[Hit]:
    """Lists lead back to the type they start from: queries multiply.

    `a { bs { as { bs …` reads more rows with every level than the last. A server needs limits of
    depth and cost; nothing in a schema says whether it has them.
    """
    ways = sorted(graph.circles(), key=lambda way: (len(way), way))
    if ways:
        owner, name = ways[0][0].split(".")
        shortest = quoted(" → ".join(ways[0]))
        yield Hit(
            graph.schema.types[owner].fields[name].place,
            f"lists lead back to where they start in {len(ways)} ways, such as {shortest}",
        )


@rule(
    "graphql/lists-nested-unpaged",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    confidence=Confidence.MEDIUM,
    fix="Page the inner list, too",
    references=[COST],
    bad="""
    type Query { pets(ids: [ID!]!): [Pet!]! }
    type Pet { id: ID!, visits: [Visit!]! }
    type Visit { id: ID!, pet: Pet }
    """,
    good="""
    type Query { pets(ids: [ID!]!): [Pet!]! }
    type Pet { id: ID!, visits(first: Int): [Visit!]! }
    type Visit { id: ID!, pet: Pet }
    """,
)
def lists_nested_unpaged(graph: Graph, _: Graph) -> Iterator[Hit]:
    """A list within a list, neither of them with a bound.

    One small query reads the product of both. Reported where the outer list is a field of the
    query type and the inner one of its items, and both hold things that are stored.
    """
    root = graph.schema.root("query")
    outer = {
        field.type.name: field
        for field in (root.fields.values() if root else ())
        if field.type.is_list and graph.is_entity(field.type.name) and not graph.is_paged(field)
    }
    for name, field in outer.items():
        for inner in graph.schema.types[name].fields.values():
            whole = inner.type.is_list and not graph.is_paged(inner)
            if whole and graph.is_entity(inner.type.name):
                around = quoted(field.coordinate)
                yield Hit(
                    inner.place,
                    f"{quoted(inner.coordinate)} is a whole list in each item of {around}",
                    cause="lists within lists have no bound",
                    related=(field.place,),
                )
