"""What the emitters of MySQL and SQLite have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from .model import Action, Name


def listed(lines: Sequence[str]) -> str:
    """The lines of a definition in parentheses."""
    return "(\n  " + ",\n  ".join(lines) + "\n)"


def action(event: str, does: Action) -> list[str]:
    """ON DELETE or ON UPDATE, unless it is the default."""
    return [f"ON {event} {does.upper()}"] if does != "no action" else []


def in_order(uses: Mapping[Name, Set[str]]) -> list[Name]:
    """Objects after those whose names they use; `uses` has the names in lower case.

    Where they go in circles, the order in which they came. No recursion: views may be many.
    """
    by_name = {name.name.lower(): name for name in uses}
    needs = {
        name: [by_name[each] for each in sorted(used & by_name.keys()) if by_name[each] != name]
        for name, used in uses.items()
    }
    done: dict[Name, None] = {}
    entered: set[Name] = set()
    for first in uses:
        stack = [first]
        while stack:
            name = stack[-1]
            entered.add(name)
            missing = [n for n in needs[name] if n not in done and n not in entered]
            if missing:
                stack.append(missing[0])
            else:
                done[name] = None
                stack.pop()
    return list(done)
