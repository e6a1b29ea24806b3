"""Whether one version of a schema admits what another does: a value that shows it does not.

A witness is a value that one schema admits and the other refuses, by a validator of each. That
none is found proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from .api import Api
from .document import Node
from .inclusion import Inclusion
from .instances import Instances
from .translation import Direction
from .validation import Rejection

MAX_LEAVES: Final = 12  # values of a part that are tried within the whole


class Witness(NamedTuple):
    """A message that one side admits and the other refuses."""

    value: Any


class Half(NamedTuple):
    """One side of a message: its API, the schema of the whole, of the part, and the way there."""

    api: Api
    whole: Node
    part: Node
    path: tuple[str, ...]


class Subsumption:
    """Witnesses, looked for once for each pair of schemas and direction."""

    def __init__(self) -> None:
        self._known: dict[Any, tuple[Any, ...]] = {}
        self._instances: dict[tuple[Node, Direction], Instances] = {}

    def witness(
        self,
        admits: Half,
        refuses: Half,
        direction: Direction,
        because: Callable[[Rejection], bool] = lambda rejection: True,
    ) -> Witness | None:
        """A whole message that one side admits and the other refuses, for the reason meant."""
        leaves = [
            leaf
            for leaf in self._leaves(admits, refuses, direction)
            if any(map(because, refuses.api.validation.rejections(refuses.part, leaf, direction)))
        ]
        if not admits.path and not refuses.path:
            return Witness(leaves[0]) if leaves else None
        made = self._of(admits.api, admits.whole, direction)
        for leaf in leaves[:MAX_LEAVES]:
            try:
                value = made.around(made.root, admits.path, leaf)
            except (LookupError, ValueError, TypeError):
                break
            if self._differs(admits, refuses, admits.whole, refuses.whole, value, direction):
                return Witness(value)
        return None

    def included(self, admits: Half, refuses: Half, direction: Direction) -> bool:
        """Whether the one side certainly admits only what the other does, in this part."""
        wide = self._of(refuses.api, refuses.part, direction)
        narrow = self._of(admits.api, admits.part, direction)

        def admitted(value: Any) -> bool | None:
            return refuses.api.validation.admits(refuses.part, value, direction)

        return Inclusion(wide, narrow, admitted).holds()

    def _leaves(self, admits: Half, refuses: Half, direction: Direction) -> tuple[Any, ...]:
        key = (admits.part, refuses.part, direction)
        if key not in self._known:
            self._known[key] = tuple(self._search(admits, refuses, direction))
        return self._known[key]

    def _search(self, admits: Half, refuses: Half, direction: Direction) -> list[Any]:
        ours = self._of(admits.api, admits.part, direction)
        theirs = self._of(refuses.api, refuses.part, direction)
        one, two = ours.flat(ours.root), theirs.flat(theirs.root)
        if ours.circular or theirs.circular:
            return []
        values = [*ours.values(ours.root, two), *theirs.values(theirs.root, one)]
        found: list[Any] = []
        for value in values:
            if self._differs(admits, refuses, admits.part, refuses.part, value, direction):
                found.append(value)
        return sorted(found, key=_reads_badly)

    def _differs(
        self, admits: Half, refuses: Half, one: Node, two: Node, value: Any, direction: Direction
    ) -> bool:
        mine, its = admits.api.validation, refuses.api.validation
        return (
            its.admits(two, value, direction) is False
            and mine.admits(one, value, direction) is True
        )

    def _of(self, api: Api, schema: Node, direction: Direction) -> Instances:
        key = (schema, direction)
        if key not in self._instances:
            self._instances[key] = Instances(api.validation.schema(schema, direction))
        return self._instances[key]


def _reads_badly(value: Any) -> int:
    """Short values read best, if they are not empty."""
    text = repr(value)
    return len(text) + 5 * text.count("''")
