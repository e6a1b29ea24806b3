"""Tables taken over from the fold of another script, with the names that they take."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import repeat

from ..model import Name
from .state import Relation, State


class Conflict(Exception):
    """A table would have had other names, or other rights, if its statements had been folded."""


class Adoption:
    """Puts tables of one state into another; plain ones, without parents and children."""

    def __init__(self, source: State, state: State) -> None:
        self._source, self._state = source, state
        self._relations: dict[Name, dict[Name, Relation]] = defaultdict(dict)
        for name, relation in source.relations.items():
            self._relations[relation.home][name] = relation
        self._sequences: dict[Name, list[Name]] = defaultdict(list)
        for name, sequence in source.sequences.items():
            if sequence.owned_by:
                self._sequences[sequence.owned_by[0]].append(name)

    def __call__(self, name: Name) -> None:
        """Take over a table with its sequences, unless it is there. Raises `Conflict`."""
        state, draft = self._state, self._source.tables[name].copy()
        if name in state.tables:
            return
        if state.relations.keys() & self._relations[name].keys():
            raise Conflict
        state.put_table(draft)
        state.relations |= self._relations[name]
        for sequence in self._sequences[name]:
            state.put_sequence(self._source.sequences[sequence])
        names = [constraint.name for constraint in draft.constraints()]
        for column in draft.columns.values():
            if column.not_null:
                names.append(column.not_null.name)
            if column.type.schema:
                state.used_types.add(column.type.name)
        for constraint in map(Name, repeat(name.schema), names):
            state.constraint_names[constraint] += 1
            if state.constraint_names[constraint] > self._source.constraint_names[constraint]:
                raise Conflict
        for key in draft.foreign_keys.values():
            state.referrers.setdefault(key.table, Counter())[name] += 1

    def check(self) -> None:
        """Whether the names that PostgreSQL chose depend on none but the same tables' names.

        Raises `Conflict`.
        """
        source, state = self._source, self._state
        numbered = source.numbered | state.numbered
        if numbered and _holders(source, numbered) != _holders(state, numbered):
            raise Conflict
        if source.default_grants or state.default_grants:
            raise Conflict


def _holders(state: State, stems: set[str]) -> list[tuple[Name, str]]:
    """The tables with names of constraints and indexes that begin so, in order."""
    found = []
    for name, draft in state.tables.items():
        named = [column.not_null.name for column in draft.columns.values() if column.not_null]
        named += [constraint.name for constraint in draft.constraints()]
        named += draft.indexes
        found += [(name, each) for each in named if each.rstrip("0123456789") in stems]
    return found
