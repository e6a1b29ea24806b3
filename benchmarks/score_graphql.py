"""Score the changes between GraphQL schemas against graphql-core's own finding of breaks.

    python benchmarks/score_graphql.py [--mutations 200] [--seed 1] SCHEMA

Makes single mutations of the schema (a field, argument, value, member, type … added, removed or
changed) and compares, for each, in both directions, what is breaking and dangerous by us with what
graphql-core's `find_breaking_changes` and `find_dangerous_changes` say. Prints the mutations
judged, those that agree, and each that does not.
"""

from __future__ import annotations

import random
import re
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from graphql import build_schema, find_breaking_changes, find_dangerous_changes, parse

from backend_architect.tools.graphql.changes import Effect, changes
from backend_architect.tools.graphql.reading import read

SAME = {  # kinds of graphql-core by ours
    "type removed": "TYPE_REMOVED",
    "type kind changed": "TYPE_CHANGED_KIND",
    "union member removed": "TYPE_REMOVED_FROM_UNION",
    "enum value removed": "VALUE_REMOVED_FROM_ENUM",
    "required input field added": "REQUIRED_INPUT_FIELD_ADDED",
    "interface no longer implemented": "IMPLEMENTED_INTERFACE_REMOVED",
    "field removed": "FIELD_REMOVED",
    "input field removed": "FIELD_REMOVED",
    "field type changed": "FIELD_CHANGED_KIND",
    "input field type changed": "FIELD_CHANGED_KIND",
    "required argument added": "REQUIRED_ARG_ADDED",
    "argument removed": "ARG_REMOVED",
    "argument type changed": "ARG_CHANGED_KIND",
    "directive removed": "DIRECTIVE_REMOVED",
    "directive argument removed": "DIRECTIVE_ARG_REMOVED",
    "required directive argument added": "REQUIRED_DIRECTIVE_ARG_ADDED",
    "directive no longer repeatable": "DIRECTIVE_REPEATABLE_REMOVED",
    "directive location removed": "DIRECTIVE_LOCATION_REMOVED",
    "enum value added": "VALUE_ADDED_TO_ENUM",
    "union member added": "TYPE_ADDED_TO_UNION",
    "optional input field added": "OPTIONAL_INPUT_FIELD_ADDED",
    "optional argument added": "OPTIONAL_ARG_ADDED",
    "interface implemented": "IMPLEMENTED_INTERFACE_ADDED",
    "argument default changed": "ARG_DEFAULT_VALUE_CHANGE",
    "input field default changed": "INPUT_FIELD_DEFAULT_VALUE_CHANGE",
}
OURS_ONLY = {  # what graphql-core does not look at
    *("directive argument default changed", "directive argument type changed"),
    *("query type changed", "mutation type changed"),
}


def main() -> None:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("schema", type=Path)
    arguments.add_argument("--mutations", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    text = given.schema.read_text("utf-8")
    agreeing = judged = 0
    original = Both(text)
    for name, changed in mutations(text, given.mutations, given.seed):
        mutated = Both(changed)
        for direction, old, new in (("→", original, mutated), ("←", mutated, original)):
            judged += 1
            ours, theirs = by_us(old, new), by_core(old, new)
            agreeing += ours == theirs
            if ours != theirs:
                print(f"  {name} {direction}: ours {dict(ours)}, graphql-core {dict(theirs)}")
    print(f"{agreeing:,} of {judged:,} comparisons agree with graphql-core")
    sys.exit(agreeing != judged)


class Both:
    """A schema as we read it, and as graphql-core does."""

    def __init__(self, text: str) -> None:
        self.ours, self.theirs = read({"s": text}), build_schema(text, assume_valid=True)


def by_us(old: Both, new: Both) -> Counter[str]:
    """The kinds of what is breaking or dangerous, in graphql-core's words."""
    return Counter(
        SAME.get(each.kind, each.kind)
        for each in changes(old.ours, new.ours)
        if each.effect is not Effect.COMPATIBLE and each.kind not in OURS_ONLY
    )


def by_core(old: Both, new: Both) -> Counter[str]:
    """The kinds by graphql-core, but for scalars of its own that are used no longer."""
    breaks = find_breaking_changes(old.theirs, new.theirs)
    dangers = find_dangerous_changes(old.theirs, new.theirs)
    built_in = re.compile(r"(Standard scalar )?(Int|Float|String|Boolean|ID) was removed")
    return Counter(kind.name for kind, said in (*breaks, *dangers) if not built_in.match(said))


def mutations(text: str, count: int, seed: int) -> Iterator[tuple[str, str]]:
    """So many single mutations of a schema, of all kinds in turn: a kind, and the changed text."""
    chance = random.Random(seed)
    nodes = list(walked(parse(text)))
    by_kind: dict[str, list[Any]] = {}
    for node in nodes:
        by_kind.setdefault(type(node).__name__, []).append(node)
    made = tried = 0
    while made < count and tried < 20 * count:
        name, edit = KINDS[tried % len(KINDS)]
        tried += 1
        changed = edit(text, by_kind, chance)
        if changed is not None and changed != text:
            made += 1
            yield name, changed


def walked(node: Any) -> Iterator[Any]:
    """Every node of a document."""
    yield node
    for key in node.keys:
        inner = getattr(node, key, None)
        for each in inner if isinstance(inner, tuple | list) else (inner,):
            if hasattr(each, "keys") and hasattr(each, "loc"):
                yield from walked(each)


def without(owner: str, members: str) -> Edit:
    """Removes one of several members of an owner."""

    def edit(text: str, nodes: Nodes, chance: random.Random) -> str | None:
        found = [n for n in nodes.get(owner, ()) if len(getattr(n, members) or ()) > 1]
        if not found:
            return None
        gone = chance.choice(list(getattr(chance.choice(found), members)))
        before = text[: gone.loc.start].rstrip()
        if members == "types":  # of a union: with the sign before or after it
            after = text[gone.loc.end :].lstrip()
            if before.endswith("|"):
                return before[:-1] + after if after else before[:-1]
            return before + " " + after.removeprefix("|")
        return text[: gone.loc.start] + text[gone.loc.end :]

    return edit


def beside(owner: str, members: str, new: str) -> Edit:
    """Adds a member before one that is there."""

    def edit(text: str, nodes: Nodes, chance: random.Random) -> str | None:
        found = [n for n in nodes.get(owner, ()) if getattr(n, members)]
        if not found:
            return None
        at = chance.choice(found)
        start = getattr(at, members)[0].loc.start
        return f"{text[:start]}{new} {text[start:]}"

    return edit


def instead(owner: str, part: str, new: str) -> Edit:
    """Puts another text in place of a part; `{}` stands for what was there."""

    def edit(text: str, nodes: Nodes, chance: random.Random) -> str | None:
        found = [n for n in nodes.get(owner, ()) if getattr(n, part)]
        if not found:
            return None
        old = getattr(chance.choice(found), part).loc
        was = text[old.start : old.end]
        if new == "{}!" and was.endswith("!"):
            return None
        return text[: old.start] + new.format(was) + text[old.end :]

    return edit


def another_default(text: str, nodes: Nodes, chance: random.Random) -> str | None:
    found = [
        n
        for n in nodes.get("InputValueDefinitionNode", ())
        if text[n.type.loc.start : n.type.loc.end] == "Int"
    ]
    if not found:
        return None
    node = chance.choice(found)
    end = node.default_value.loc.end if node.default_value else node.type.loc.end
    return f"{text[: node.type.loc.end]} = 7321{text[end:]}"


def one_more_type(text: str, nodes: Nodes, chance: random.Random) -> str | None:
    return text + "\ntype Mutant { a: Int }\n"


Nodes = dict[str, list[Any]]
Edit = Callable[[str, Nodes, random.Random], str | None]
OBJECT, INPUT, ENUM = (f"{kind}TypeDefinitionNode" for kind in ("Object", "InputObject", "Enum"))
FIELD, VALUE = "FieldDefinitionNode", "InputValueDefinitionNode"
KINDS: tuple[tuple[str, Edit], ...] = (
    ("field removed", without(OBJECT, "fields")),
    ("field added", beside(OBJECT, "fields", "mutant: Int")),
    ("field type changed", instead(FIELD, "type", "Float")),
    ("field type not null", instead(FIELD, "type", "{}!")),
    ("field type a list", instead(FIELD, "type", "[{}]")),
    ("argument removed", without(FIELD, "arguments")),
    ("argument added", beside(FIELD, "arguments", "mutant: Int")),
    ("required argument added", beside(FIELD, "arguments", "mutant: Int!")),
    ("input or argument not null", instead(VALUE, "type", "{}!")),
    ("input or argument type changed", instead(VALUE, "type", "Float")),
    ("default changed", another_default),
    ("value removed", without(ENUM, "values")),
    ("value added", beside(ENUM, "values", "MUTANT")),
    ("member removed", without("UnionTypeDefinitionNode", "types")),
    ("input field removed", without(INPUT, "fields")),
    ("input field added", beside(INPUT, "fields", "mutant: Int")),
    ("required input field added", beside(INPUT, "fields", "mutant: Int!")),
    ("type added", one_more_type),
)


if __name__ == "__main__":
    main()
