"""What is on its way out, and how clients learn of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....graphql.graph import Graph
from ....graphql.model import DEFAULT_REASON, Part
from ....report import FindingClass, Severity, quoted
from ....rule import Hit, rule
from .validity import SPEC


@rule(
    "graphql/deprecation-without-reason",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Give `reason` with the successor",
    references=[f"{SPEC}#sec--deprecated"],
    bad="""
    type Query { old: Int @deprecated, new: Int }
    """,
    good="""
    type Query { old: Int @deprecated(reason: "Use `new`"), new: Int }
    """,
)
def deprecation_without_reason(graph: Graph, _: Graph) -> Iterator[Hit]:
    """A deprecation does not say what to use instead.

    Clients see that something goes, and neither why nor where to: they stay.
    """
    for part in deprecated(graph):
        if (part.deprecated or "").strip('" ') in ("", DEFAULT_REASON):
            yield Hit(
                part.place,
                f"{quoted(part.coordinate)} is deprecated without a reason",
                cause="deprecations without a reason",
            )


@rule(
    "graphql/deprecation-without-date",
    Severity.INFO,
    FindingClass.STYLE,
    on="schema",
    opt_in=True,
    fix="Name a date in the reason: `Use x. Removed after 2027-06-30`",
    references=[f"{SPEC}#sec--deprecated"],
    bad="""
    type Query { old: Int @deprecated(reason: "Use `new`"), new: Int }
    """,
    good="""
    type Query { old: Int @deprecated(reason: "Use `new`. Removed after 2027-06-30"), new: Int }
    """,
)
def deprecation_without_date(graph: Graph, _: Graph) -> Iterator[Hit]:
    """A deprecation does not say until when it stays.

    Without a date nobody plans the move, and nothing is ever removed.
    """
    for part in deprecated(graph):
        if not DATE.search(part.deprecated or ""):
            yield Hit(
                part.place,
                f"the deprecation of {quoted(part.coordinate)} names no date",
                cause="deprecations name no date",
            )


def deprecated(graph: Graph) -> Iterator[Part]:
    """The parts of types that are deprecated."""
    for each in graph.schema.types.values():
        owned: list[Part] = [*each.values.values(), *each.inputs.values()]
        for field in each.fields.values():
            owned += [field, *field.arguments.values()]
        yield from (part for part in owned if part.deprecated is not None)


DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}/\d{4}|version \d|v\d|\d+\.\d+")
