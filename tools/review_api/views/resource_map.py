"""The resource map: what the paths stand for, what can be done to each, how they hang together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ...openapi.api import Api
from ...openapi.relations import Relation, relations
from ...openapi.resources import Resource, Role, resources
from ...report import Finding, View
from .cells import operations, text, texts

MAX_DRAWN = 60  # resources: a larger diagram cannot be read


def resource_map(api: Api, findings: Iterable[Finding], below: str) -> View:
    """A row for each resource; the `diagram` (Mermaid) is of the outermost ones if all are many."""
    shown = set(operations(api, below))
    found = [each for each in resources(api) if any(use.operation in shown for use in each.uses)]
    pointing = {each: relations(api)[each] for each in found}
    kinds = Counter(each.kind.value for each in found)
    head: dict[str, Any] = {
        "resources": len(found),
        "kinds": dict(kinds.most_common()),
        "incomplete": sum(bool(each.missing) for each in found),
        "diagram": _diagram(found, pointing),
    }
    return View("resources", head, tuple(_row(each, pointing[each]) for each in found))


def _row(each: Resource, pointing: tuple[Relation, ...]) -> dict[str, Any]:
    return {
        "resource": text(each.path),
        "name": text(each.name, 100),
        "kind": each.kind.value,
        "within": text(each.parent),
        "identifiers": texts(each.identifiers),
        "operations": [
            {"role": use.role.value, "operation": text(use.operation)} for use in each.uses
        ],
        "reads": texts(each.reads),
        "writes": texts(each.writes),
        "missing": [role.value for role in each.missing],
        "relations": [
            {"to": text(relation.target), "by": text(relation.via, 100), "many": relation.many}
            for relation in pointing
        ],
    }


def _diagram(found: Sequence[Resource], pointing: dict[Resource, tuple[Relation, ...]]) -> str:
    """A Mermaid flowchart: what lies within what, and (dotted) which model points to which."""
    drawn = found if len(found) <= MAX_DRAWN else [each for each in found if not each.parent]
    if not 1 < len(drawn) <= MAX_DRAWN:
        return ""
    numbers = {each.path: f"r{number}" for number, each in enumerate(drawn)}
    return "\n".join(["flowchart LR", *_boxes(drawn, numbers), *_arrows(drawn, numbers, pointing)])


def _boxes(drawn: Sequence[Resource], numbers: dict[str, str]) -> Iterator[str]:
    for each in drawn:
        roles = [role.value for role in Role if role is not Role.ACTION and each.having(role)]
        actions = len(each.having(Role.ACTION))
        said = ", ".join(
            roles + [f"{actions} actions" if actions > 1 else "1 action"] * bool(actions)
        )
        yield f'  {numbers[each.path]}["{_label(each.name)}<br/>{said}"]'


def _arrows(
    drawn: Sequence[Resource],
    numbers: dict[str, str],
    pointing: dict[Resource, tuple[Relation, ...]],
) -> Iterator[str]:
    for each in drawn:
        own = numbers[each.path]
        if each.parent in numbers:
            yield f"  {numbers[each.parent]} --> {own}"
        targets = {relation.target: relation.via for relation in reversed(pointing[each])}
        for target, via in sorted(targets.items()):
            if target in numbers and target not in (each.parent, each.path):
                yield f'  {own} -. "{_label(via)}" .-> {numbers[target]}'


def _label(name: str) -> str:
    """A name in a quoted label of Mermaid, where only letters and digits mean nothing."""
    return re.sub(r"[^\w ./-]", lambda match: f"#{ord(match[0])};", text(name, 60))
