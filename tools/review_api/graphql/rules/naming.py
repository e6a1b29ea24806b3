"""Names and descriptions: conventions, all opt-in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....graphql.graph import Graph
from ....graphql.model import Part, Type
from ....report import FindingClass, Severity, quoted
from ....rule import Hit, rule
from .validity import SPEC


@rule(
    "graphql/type-name-casing",
    Severity.INFO,
    FindingClass.STYLE,
    on="type",
    opt_in=True,
    fix="Write it in PascalCase",
    references=[f"{SPEC}#sec-Names"],
    bad="""
    type Query { a: pet }
    type pet { id: ID! }
    """,
    good="""
    type Query { a: Pet }
    type Pet { id: ID! }
    """,
)
def type_name_casing(found: Type, graph: Graph) -> Iterator[Hit]:
    """A type is not in PascalCase.

    Types of generated code are; others stand out in every query.
    """
    if not PASCAL.fullmatch(found.name):
        message = f"{quoted(found.name)} is not in PascalCase"
        yield Hit(found.place, message, cause="types are not in PascalCase")


@rule(
    "graphql/field-name-casing",
    Severity.INFO,
    FindingClass.STYLE,
    on="schema",
    opt_in=True,
    fix="Write it in camelCase",
    references=[f"{SPEC}#sec-Names"],
    bad="""
    type Query { pet_count: Int }
    """,
    good="""
    type Query { petCount: Int }
    """,
)
def field_name_casing(graph: Graph, _: Graph) -> Iterator[Hit]:
    """A field, argument or input is not in camelCase.

    Clients in most languages read such names through code that expects camelCase.
    """
    for part in _selectable(graph):
        if not CAMEL.fullmatch(part.name):
            message = f"{quoted(part.coordinate)} is not in camelCase"
            yield Hit(part.place, message, cause="fields are not in camelCase")


@rule(
    "graphql/enum-value-casing",
    Severity.INFO,
    FindingClass.STYLE,
    on="type",
    opt_in=True,
    fix="Write it in UPPER_CASE",
    references=[f"{SPEC}#sec-Enum-Value"],
    bad="""
    type Query { a: A }
    enum A { red }
    """,
    good="""
    type Query { a: A }
    enum A { RED }
    """,
)
def enum_value_casing(found: Type, graph: Graph) -> Iterator[Hit]:
    """A value of an enum is not in UPPER_CASE.

    Values in capitals cannot be taken for fields.
    """
    for value in found.values.values():
        if not UPPER.fullmatch(value.name):
            message = f"{quoted(value.coordinate)} is not in UPPER_CASE"
            yield Hit(value.place, message, cause="values of enums are not in UPPER_CASE")


@rule(
    "graphql/input-name",
    Severity.INFO,
    FindingClass.STYLE,
    on="type",
    opt_in=True,
    fix="Call it `…Input`",
    references=[f"{SPEC}#sec-Input-Objects"],
    bad="""
    type Query { a(by: Filter): Int }
    input Filter { b: Int }
    """,
    good="""
    type Query { a(by: FilterInput): Int }
    input FilterInput { b: Int }
    """,
)
def input_name(found: Type, graph: Graph) -> Iterator[Hit]:
    """An input type is not called `…Input`.

    In variables and generated code it is taken for what the server answers.
    """
    if found.kind == "input" and not found.name.endswith(("Input", "input")):
        message = f"{quoted(found.name)} is not called `…Input`"
        yield Hit(found.place, message, cause="inputs are not called so")


@rule(
    "graphql/field-repeats-type",
    Severity.INFO,
    FindingClass.STYLE,
    on="type",
    opt_in=True,
    fix="Leave the type's name out",
    references=[f"{SPEC}#sec-Names"],
    bad="""
    type Query { a: Pet }
    type Pet { petName: String }
    """,
    good="""
    type Query { a: Pet }
    type Pet { name: String }
    """,
)
def field_repeats_type(found: Type, graph: Graph) -> Iterator[Hit]:
    """A field repeats the name of its type.

    `pet { petName }` says it twice.
    """
    if found.name in graph.schema.roots.values():
        return
    prefix = found.name[:1].lower() + found.name[1:]
    for field in found.fields.values():
        rest = field.name.removeprefix(prefix)
        if rest != field.name and rest[:1].isupper():
            message = f"{quoted(field.coordinate)} repeats the name of its type"
            yield Hit(field.place, message, cause="fields repeat the names of their types")


@rule(
    "graphql/description-missing",
    Severity.INFO,
    FindingClass.STYLE,
    on="schema",
    opt_in=True,
    fix="Describe it",
    references=[f"{SPEC}#sec-Descriptions"],
    bad="""
    "How many"
    type Query { a: Int }
    """,
    good="""
    "How many"
    type Query { "The first" a: Int }
    """,
)
def description_missing(graph: Graph, _: Graph) -> Iterator[Hit]:
    """A type or a field of a root has no description.

    The schema is the documentation: what has none is guessed.
    """
    roots = set(graph.schema.roots.values())
    for each in graph.schema.types.values():
        parts: list[Part] = [each]
        if each.name in roots:
            parts = list(each.fields.values())
        for part in parts:
            if not part.description:
                message = f"{quoted(part.coordinate)} has no description"
                yield Hit(part.place, message, cause="no description")


@rule(
    "graphql/description-in-comment",
    Severity.INFO,
    FindingClass.STYLE,
    on="type",
    opt_in=True,
    fix="Write it between quotes",
    references=[f"{SPEC}#sec-Descriptions"],
    bad="""
    type Query { a: Pet }
    # Who lives here
    type Pet { id: ID! }
    """,
    good="""
    type Query { a: Pet }
    "Who lives here"
    type Pet { id: ID! }
    """,
)
def description_in_comment(found: Type, graph: Graph) -> Iterator[Hit]:
    """A description is written as a comment.

    Comments are not part of the schema: introspection, portals and generated code do not have
    them.
    """
    text = graph.schema.texts.get(found.place.file, "")
    line = text.rfind("\n", 0, found.place.offset or 0)
    before = text[text.rfind("\n", 0, max(line, 0)) + 1 : max(line, 0)]
    if not found.description and before.startswith("#") and not before.startswith("#import"):
        message = f"the description of {quoted(found.name)} is a comment"
        yield Hit(found.place, message, cause="descriptions are comments")


@rule(
    "graphql/root-field-required",
    Severity.INFO,
    FindingClass.STYLE,
    on="schema",
    opt_in=True,
    fix="Let it be null",
    references=[f"{SPEC}#sec-Handling-Execution-Errors"],
    bad="""
    type Query { a: Int! }
    """,
    good="""
    type Query { a: Int }
    """,
)
def root_field_required(graph: Graph, _: Graph) -> Iterator[Hit]:
    """A field of the query type is never null.

    When it fails, null goes up to the root: the whole answer is lost, other fields included.
    """
    for kind in ("query", "mutation"):
        root = graph.schema.root(kind)
        for field in root.fields.values() if root else ():
            if field.type.is_required:
                message = f"{quoted(field.coordinate)} is never null"
                yield Hit(field.place, message, cause="fields of roots are never null")


PASCAL = re.compile(r"_{0,2}[A-Z][A-Za-z0-9]*")
CAMEL = re.compile(r"_{0,2}[a-z][A-Za-z0-9]*")
UPPER = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


def _selectable(graph: Graph) -> Iterator[Part]:
    for each in graph.schema.types.values():
        yield from each.inputs.values()
        for field in each.fields.values():
            yield field
            yield from field.arguments.values()
