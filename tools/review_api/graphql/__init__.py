"""Review a GraphQL schema: SDL of one file or many, and the operations of clients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from ...graphql.graph import Graph
from ...graphql.reading import read
from ...judge import judge
from ...policy import Policy
from ...report import Report, grouped
from ...rule import select
from .findings import findings_of
from .overview import overview
from .rules import RULES

TOOL: Final = "review_api"
ENDINGS: Final = (".graphql", ".gql", ".graphqls")


def review_graphql(
    texts: Mapping[str, str],
    name: str,
    policy: Policy | None = None,
    progress: Callable[[str], object] = lambda stage: None,
) -> Report:
    """Review the schema that the files define together; `name` stands for them in the report.

    Raises `SourceError` (no SDL, too large, too deep) and `UnknownRule`.
    """
    policy = policy or Policy()
    progress("loading")
    schema = read(texts)
    rules = select(RULES, policy.profile, policy.only_rules)
    rules = tuple(rule for rule in rules if policy.severities.get(rule.id, 1) is not None)
    graph = Graph(schema)
    progress("checking rules")
    hits, notes = judge(rules, partial(_subjects, graph), graph)
    progress("locating findings")
    found = policy.asked(findings_of(hits, schema.texts, policy))
    kept = policy.new(policy.kept(found))
    return Report(
        TOOL,
        grouped(kept, {rule.id: rule.title for rule in rules}),
        (overview(graph, name),),
        (*notes, *policy.notes),
        len(found) - len(kept),
    )


def _subjects(graph: Graph, kind: str) -> Iterable[Any]:
    match kind:
        case "schema":
            return (graph,)
        case "type":
            return graph.schema.types.values()
        case "field":
            return [each for owner in graph.schema.selectable for each in owner.fields.values()]
        case _:
            return graph.schema.mutations
