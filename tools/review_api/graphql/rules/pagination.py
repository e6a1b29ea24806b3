"""How lists are paged: Relay connections, and lists without any bound."""

from __future__ import annotations

from collections.abc import Iterator

from ....graphql.graph import Graph
from ....graphql.model import Field, Type
from ....report import Confidence, FindingClass, Severity, quoted
from ....rule import Hit, rule

CONNECTIONS = "https://relay.dev/graphql/connections.htm"
COST = "https://cheatsheetseries.owasp.org/cheatsheets/GraphQL_Cheat_Sheet.html"


@rule(
    "graphql/connection-malformed",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="type",
    fix="Add the field, or call the type otherwise",
    references=[CONNECTIONS],
    bad="""
    type Query { pets(first: Int, after: String): PetConnection }
    type PetConnection { edges: [PetEdge], pageInfo: PageInfo! }
    type PetEdge { node: Pet }
    type PageInfo {
      hasNextPage: Boolean!, hasPreviousPage: Boolean!
      startCursor: String, endCursor: String
    }
    type Pet { id: ID! }
    """,
    good="""
    type Query { pets(first: Int, after: String): PetConnection }
    type PetConnection { edges: [PetEdge], pageInfo: PageInfo! }
    type PetEdge { node: Pet, cursor: String! }
    type PageInfo {
      hasNextPage: Boolean!, hasPreviousPage: Boolean!
      startCursor: String, endCursor: String
    }
    type Pet { id: ID! }
    """,
)
def connection_malformed(found: Type, graph: Graph) -> Iterator[Hit]:
    """A connection lacks what the Relay specification demands of it.

    Clients that page by the specification read `edges`, `node`, `cursor` and `pageInfo` of every
    type called `…Connection`: where one is missing they stop at the first page or fail.
    """
    if not found.name.endswith("Connection") or found.kind != "object":
        return
    for name in ("edges", "pageInfo"):
        if name not in found.fields:
            message = f"{quoted(found.name)} has no {quoted(name)}"
            yield Hit(found.place, message, cause=message)
    edges = found.fields.get("edges")
    edge = graph.type_of(edges) if edges else None
    if edges and not edges.type.is_list:
        yield Hit(edges.place, f"{quoted(edges.coordinate)} is no list")
    for name in ("node", "cursor"):
        if edge is not None and edge.kind == "object" and name not in edge.fields:
            message = f"{quoted(edge.name)} has no {quoted(name)}"
            yield Hit(edge.place, message, related=(found.place,))


@rule(
    "graphql/page-info-malformed",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="type",
    fix="Add the field, of the type `Boolean!`, or `String` for cursors",
    references=[CONNECTIONS],
    bad="""
    type Query { pets(first: Int, after: String): PetConnection }
    type PetConnection { edges: [PetEdge], pageInfo: PageInfo! }
    type PetEdge { node: Pet, cursor: String! }
    type PageInfo {
      hasPreviousPage: Boolean!
      startCursor: String, endCursor: String
    }
    type Pet { id: ID! }
    """,
    good="""
    type Query { pets(first: Int, after: String): PetConnection }
    type PetConnection { edges: [PetEdge], pageInfo: PageInfo! }
    type PetEdge { node: Pet, cursor: String! }
    type PageInfo {
      hasNextPage: Boolean!, hasPreviousPage: Boolean!
      startCursor: String, endCursor: String
    }
    type Pet { id: ID! }
    """,
)
def page_info_malformed(found: Type, graph: Graph) -> Iterator[Hit]:
    """`PageInfo` lacks what the Relay specification demands of it.

    Clients read `hasNextPage` and `endCursor` of every page; without them no loop over pages
    ends.
    """
    if found.name != "PageInfo" or found.kind != "object":
        return
    for name in ("hasNextPage", "hasPreviousPage", "startCursor", "endCursor"):
        if name not in found.fields:
            message = f"`PageInfo` has no {quoted(name)}"
            yield Hit(found.place, message, cause=message)


@rule(
    "graphql/connection-arguments-missing",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="field",
    fix="Add `first: Int` and `after: String`",
    references=[CONNECTIONS],
    bad="""
    type Query { pets: PetConnection }
    type PetConnection { edges: [PetEdge], pageInfo: PageInfo! }
    type PetEdge { node: Pet, cursor: String! }
    type PageInfo {
      hasNextPage: Boolean!, hasPreviousPage: Boolean!
      startCursor: String, endCursor: String
    }
    type Pet { id: ID! }
    """,
    good="""
    type Query { pets(first: Int, after: String): PetConnection }
    type PetConnection { edges: [PetEdge], pageInfo: PageInfo! }
    type PetEdge { node: Pet, cursor: String! }
    type PageInfo {
      hasNextPage: Boolean!, hasPreviousPage: Boolean!
      startCursor: String, endCursor: String
    }
    type Pet { id: ID! }
    """,
)
def connection_arguments_missing(field: Field, graph: Graph) -> Iterator[Hit]:
    """A field that returns a connection cannot be asked for a page.

    A connection takes `first` and `after`, or `last` and `before`. Without them the server
    decides how many there are, and the next page is out of reach.
    """
    found = graph.type_of(field)
    if found is None or not found.name.endswith("Connection") or not graph.is_connection(found):
        return
    names = field.arguments.keys()
    if not ({"first", "after"} <= names or {"last", "before"} <= names):
        yield Hit(
            field.place,
            f"{quoted(field.coordinate)} takes neither `first` and `after` nor `last` and `before`",
            cause="fields that return connections cannot be asked for a page",
        )


@rule(
    "graphql/list-unbounded",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    confidence=Confidence.MEDIUM,
    fix="Page it: a connection with `first` and `after`, or `limit` with a maximum",
    references=[COST],
    bad="""
    type Query { pets: [Pet!]! }
    type Pet { id: ID! }
    """,
    good="""
    type Query { pets(limit: Int = 20): [Pet!]! }
    type Pet { id: ID! }
    """,
)
def list_unbounded(graph: Graph, _: Graph) -> Iterator[Hit]:
    """A list of things that are stored has no argument that bounds it.

    One query reads, serialises and ships the whole table, and within other lists once for each of
    them. Reported of fields of the query type whose items have an id, where no argument (`first`,
    `limit`, `ids` …) says how many.
    """
    root = graph.schema.root("query")
    for field in root.fields.values() if root else ():
        asked = any(argument.type.is_list for argument in field.arguments.values())
        whole = field.type.is_list and not asked and not graph.is_paged(field)
        if whole and graph.is_entity(field.type.name):
            yield Hit(
                field.place,
                f"{quoted(field.coordinate)} returns all {quoted(field.type.name)} at once",
                cause="lists of what is stored have no bound",
            )
