"""Which types say what they mean: ids, moments, null, enums, unions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....graphql.graph import Graph
from ....graphql.model import Field, Input, Type
from ....report import FindingClass, Severity, quoted
from ....rule import Hit, rule
from .validity import SPEC
from .votes import outliers

MOMENT = re.compile(r"[a-z](At|DateTime|Timestamp)$|_(at|datetime|timestamp)$")


@rule(
    "graphql/id-not-id",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    fix="Make it `ID!`",
    references=[f"{SPEC}#sec-ID"],
    bad="""
    type Query { a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J }
    type A { id: ID! }
    type B { id: ID! }
    type C { id: ID! }
    type D { id: ID! }
    type E { id: ID! }
    type F { id: ID! }
    type G { id: ID! }
    type H { id: ID! }
    type I { id: ID! }
    type J { id: Int! }
    """,
    good="""
    type Query { a: A, j: J }
    type A { id: ID! }
    type J { id: ID! }
    """,
)
def id_not_id(graph: Graph, _: Graph) -> Iterator[Hit]:
    """A field `id` is not of the type `ID`, unlike nearly all others.

    Caches of clients key objects by `id` of the type `ID`; an `Int` overflows at 2 147 483 647
    and is not found in the cache. Reported where at least five fields, and nine of ten, are `ID`.
    """
    ids = [
        (owner.fields["id"].type.name == "ID", owner.fields["id"])
        for owner in graph.schema.selectable
        if "id" in owner.fields
    ]
    for field in outliers(ids, 5):
        yield Hit(
            field.place,
            f"{quoted(field.coordinate)} is {quoted(field.type.text)}, not `ID`",
            cause="some ids are not of the type `ID`",
        )


@rule(
    "graphql/moment-as-text",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    fix="Use the scalar that the others have",
    references=["https://scalars.graphql.org/"],
    bad="""
    scalar DateTime
    type Query { a: A }
    type A { createdAt: DateTime, updatedAt: DateTime, soldAt: DateTime, paidAt: String }
    """,
    good="""
    scalar DateTime
    type Query { a: A }
    type A { createdAt: DateTime, updatedAt: DateTime, soldAt: DateTime, paidAt: DateTime }
    """,
)
def moment_as_text(graph: Graph, _: Graph) -> Iterator[Hit]:
    """A moment is a `String`, where the schema has a scalar for it.

    Nobody checks the format: each client writes another one, and the server fails on some.
    Reported of fields and inputs called as moments (`createdAt`), where at least three others
    have the scalar.
    """
    moments: list[Field | Input] = []
    for each in graph.schema.types.values():
        moments += [field for field in each.fields.values() if MOMENT.search(field.name)]
        moments += [entry for entry in each.inputs.values() if MOMENT.search(entry.name)]
    scalars = [part.type.name for part in moments if part.type.name in graph.schema.types]
    if len(scalars) < 3:
        return
    usual = max(sorted(set(scalars)), key=scalars.count)
    for part in moments:
        if part.type.name == "String":
            yield Hit(
                part.place,
                f"{quoted(part.coordinate)} is a `String`, other moments are {quoted(usual)}",
                cause="moments are texts",
            )


@rule(
    "graphql/list-item-nullable",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    fix="Write `[T!]`",
    references=[f"{SPEC}#sec-Combining-List-and-Non-Null"],
    bad="""
    type Query { a: A }
    type A { a: [Int!]
      b: [Int!]
      c: [Int!]
      d: [Int!]
      e: [Int!]
      f: [Int!]
      g: [Int!]
      h: [Int!]
      i: [Int!]
      j: [Int!]
      k: [Int]
    }
    """,
    good="""
    type Query { a: A }
    type A { a: [Int!], k: [Int!] }
    """,
)
def list_item_nullable(graph: Graph, _: Graph) -> Iterator[Hit]:
    """Items of a list may be null, unlike those of nearly all lists.

    Each client has to check each item, or crashes on the first hole. Reported where at least ten
    lists, and nine of ten, have items that are never null.
    """
    lists = [
        (not field.type.has_nullable_items, field)
        for owner in graph.schema.selectable
        for field in owner.fields.values()
        if field.type.is_list and not field.name.startswith("_")
    ]
    for field in outliers(lists, 10):
        yield Hit(
            field.place,
            f"items of {quoted(field.coordinate)}, {quoted(field.type.text)}, may be null",
            cause="items of some lists may be null",
        )


@rule(
    "graphql/enum-value-duplicate",
    Severity.WARNING,
    FindingClass.RISK,
    on="type",
    fix="Keep one of the two, and deprecate the other",
    references=[f"{SPEC}#sec-Enums"],
    bad="""
    type Query { a: A }
    enum A { red, RED }
    """,
    good="""
    type Query { a: A }
    enum A { RED, BLUE }
    """,
)
def enum_value_duplicate(found: Type, graph: Graph) -> Iterator[Hit]:
    """Values of an enum differ in case only.

    Generated code spells both alike: one is lost, or the code does not compile.
    """
    seen: dict[str, str] = {}
    for name, value in found.values.items():
        other = seen.setdefault(name.lower(), name)
        if other != name:
            message = f"{quoted(value.coordinate)} and {quoted(other)} differ in case only"
            yield Hit(value.place, message)


@rule(
    "graphql/union-of-one",
    Severity.INFO,
    FindingClass.STYLE,
    on="type",
    opt_in=True,
    fix="Use the type itself",
    references=[f"{SPEC}#sec-Unions"],
    bad="""
    type Query { a: U }
    union U = A
    type A { id: ID! }
    """,
    good="""
    type Query { a: U }
    union U = A | B
    type A { id: ID! }
    type B { id: ID! }
    """,
)
def union_of_one(found: Type, graph: Graph) -> Iterator[Hit]:
    """A union has one member.

    Clients write a fragment for it where the type itself would do; it may be meant for later.
    """
    if found.kind == "union" and len(found.members) == 1:
        message = f"{quoted(found.name)} has one member"
        yield Hit(found.place, message, cause="unions have one member")


@rule(
    "graphql/scalar-unspecified",
    Severity.INFO,
    FindingClass.STYLE,
    on="type",
    opt_in=True,
    fix="Add `@specifiedBy(url: …)` or a description",
    references=[f"{SPEC}#sec--specifiedBy"],
    bad="""
    type Query { a: Decimal }
    scalar Decimal
    """,
    good="""
    type Query { a: Decimal }
    scalar Decimal @specifiedBy(url: "https://example.org/decimal")
    """,
)
def scalar_unspecified(found: Type, graph: Graph) -> Iterator[Hit]:
    """A scalar does not say what it is.

    `scalar Decimal` may be a number or a text, of any format: `@specifiedBy` leads to the rules.
    """
    if found.kind == "scalar" and not found.description and not found.applied("specifiedBy"):
        message = f"{quoted(found.name)} does not say what it is"
        yield Hit(found.place, message, cause="scalars do not say what they are")
