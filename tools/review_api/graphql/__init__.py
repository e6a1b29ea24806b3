"""Review a GraphQL schema: SDL of one file or many, and the operations of clients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from hashlib import blake2b
from typing import Any, Final

from ...graphql.graph import Graph
from ...graphql.model import Schema
from ...graphql.reading import read
from ...judge import Hits, finding, judge
from ...policy import Policy
from ...report import Finding, Location, Report, clean, grouped
from ...rule import Place, select
from ...source import pointer, positions
from .overview import overview
from .rules import RULES

TOOL: Final = "review_api"
ENDINGS: Final = (".graphql", ".gql", ".graphqls")
MAX_POINTER: Final = 300


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
    found = policy.asked(findings_of(hits, schema, policy))
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


def findings_of(hits: Hits, schema: Schema, policy: Policy) -> list[Finding]:
    """The findings, each at its line and column; a fault seen twice at one place counts once."""
    at = _locations({place for _, hit in hits for place in (hit.at, *hit.related)}, schema.texts)
    seen: Counter[str] = Counter()
    found: dict[tuple[str, Location, str], Finding] = {}
    for rule, hit in sorted(hits, key=lambda each: each[1].message):
        key = (rule.id, at[hit.at], hit.message)
        if key in found:
            continue
        named = f"{rule.id}\0" + "\0".join(map(str, hit.at.path))
        seen[named] += 1
        digest = blake2b(f"{named}\0{seen[named]}".encode("utf-8", "replace"), digest_size=8)
        related = tuple(at[place] for place in hit.related)
        found[key] = finding(rule, hit, at[hit.at], digest.hexdigest(), policy, related)
    return list(found.values())


def _locations(places: set[Place], texts: Mapping[str, str]) -> dict[Place, Location]:
    offsets: dict[str, set[int]] = {}
    for place in places:
        offsets.setdefault(place.file, set()).add(place.offset or 0)
    found = {file: positions(texts.get(file, ""), here) for file, here in offsets.items()}
    return {
        place: Location(
            place.file,
            *found[place.file][place.offset or 0],
            clean(pointer(place.path), MAX_POINTER),
        )
        for place in places
    }
