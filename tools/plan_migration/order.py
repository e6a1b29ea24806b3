"""In which order the steps run: what another needs comes before it, phase by phase.

A step says which objects it makes, changes and removes; the schemas say which object needs which.
An object is made after what it needs in the target, and removed before what it needed; what a
changed object no longer needs goes after the change. A step that must wait for one of a later
phase moves to that phase.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Any, Final, TypeAlias

from ..ddl.diff import dotted, flatten
from ..ddl.model import (
    Column,
    ForeignKey,
    Function,
    Index,
    Key,
    Name,
    Opaque,
    Schema,
    Sql,
    Trigger,
    Type,
    View,
)
from ..ddl.postgres.text import ident
from .context import Context
from .model import Phase, Step
from .words import words

ObjectKey: TypeAlias = tuple[str, ...]
_PHASES: Final = {phase: number for number, phase in enumerate(Phase)}
_RANKS: Final = {
    kind: rank
    for rank, kinds in enumerate(
        (
            ("database", "schema"),
            ("extension",),
            ("opaque",),
            ("enum", "domain", "composite", "attribute", "range"),
            ("sequence",),
            ("function",),
            ("table",),
            ("column",),
            ("check", "key", "exclusion", "index"),
            ("foreign key",),
            ("view",),
            ("trigger", "rule", "policy"),
            ("grant", "revoked"),
        )
    )
    for kind in kinds
}
_RELATIONS: Final = ("table", "view", "sequence", "enum", "domain", "composite", "range")
_CONSTRAINTS: Final = ("key", "foreign key", "check", "exclusion")


def ordered(steps: Sequence[Step], ctx: Context) -> tuple[Step, ...]:
    """The steps in an order in which each can run, numbered from 1."""
    before = _before(steps, ctx)
    after: dict[int, list[int]] = defaultdict(list)
    for number, needed in before.items():
        for other in needed:
            after[other].append(number)
    place = {n: (_PHASES[s.phase], _rank(s), n) for n, s in enumerate(steps)}
    waiting = {n: set(before.get(n, ())) for n in place}
    ready = [place[n] for n, needed in waiting.items() if not needed]
    heapify(ready)
    remaining = sorted(place.values(), reverse=True)
    done: list[Step] = []
    phase = Phase.EXPAND
    while waiting:
        while ready:
            number = heappop(ready)[2]
            if waiting.pop(number, None) is None:
                continue
            phase = max(phase, steps[number].phase, key=_PHASES.__getitem__)
            done.append(replace(steps[number], id=str(len(done) + 1), phase=phase))
            for other in after[number]:
                if other in waiting:
                    waiting[other].discard(number)
                    if not waiting[other]:
                        heappush(ready, place[other])
        while remaining and remaining[-1][2] not in waiting:
            remaining.pop()
        if remaining:  # a cycle: the first goes without what it needs
            ready.append(remaining[-1])
    return tuple(done)


def _rank(step: Step) -> int:
    """What is made goes from the general to the particular, what is removed the other way."""
    rank = min((_RANKS.get(key[0], 99) for key in step.objects), default=99)
    return -rank if step.drops else rank


def _before(steps: Sequence[Step], ctx: Context) -> dict[int, set[int]]:
    """For each step the numbers of those that must come before it."""
    touching: dict[ObjectKey, list[int]] = defaultdict(list)
    for number, step in enumerate(steps):
        for key in step.objects:
            touching[key].append(number)
    current, target = (_flat(schema, touching) for schema in (ctx.current, ctx.target))
    dropping = {k: _dropping(k, numbers, steps, target) for k, numbers in touching.items()}
    making = {k: _making(numbers, dropping[k], steps) for k, numbers in touching.items()}
    before: dict[int, set[int]] = defaultdict(set)
    carried = {key for step in steps for key in step.carries}
    for numbers in _chains(steps):
        for first, second in pairwise(numbers):
            before[second].add(first)
    needed_now, needed_then = (
        _Needs(ctx.current, touching, False),
        _Needs(ctx.target, touching, True),
    )
    for key, numbers in touching.items():
        drops = dropping[key]
        needed: set[ObjectKey] = set()
        if key in target:
            made = [n for n in numbers if n not in drops or n in making[key]]
            item = target[key]
            whole = isinstance(item, Key) and item.primary  # with its columns' NOT NULL
            needed = needed_then.of(key, item)
            for other in needed & target.keys():
                earlier = touching[other] if whole else making[other]
                _edges(before, earlier, [n for n in made if n not in touching[other]])
        if key in current:
            gone = drops or (numbers if key in target else [])
            for other in needed_now.of(key, current[key]):
                if drops or other not in target:
                    _edges(before, gone, dropping[other])
                if key[0] == "column" and key in target and other not in target:
                    _edges(before, numbers, dropping[other])  # what is left of its old type
                freed = key[0] in _CONSTRAINTS and other[0] == "column" and not dropping[other]
                if freed and other not in needed and key not in carried:
                    _edges(before, drops, [n for n in touching[other] if n not in numbers])
    for removed, added, name in _same_names(touching, current, target):
        freeing, taking = dropping[removed], making[added]
        if removed[0] == "column":
            freeing = _saying(("DROP NOT NULL", f"CONSTRAINT {name} "), touching[removed], steps)
            freeing = freeing or dropping[removed]
        if added[0] == "column":
            taking = _saying((name,), touching[added], steps)
        _edges(before, freeing, taking)
    return before


def _saying(parts: Sequence[str], numbers: list[int], steps: Sequence[Step]) -> list[int]:
    """The steps whose statements have one of some texts."""
    return [n for n in numbers if any(part in sql for sql in steps[n].sql for part in parts)]


def _flat(schema: Schema, touched: Iterable[ObjectKey]) -> Mapping[ObjectKey, object]:
    """The objects of a schema, of tables those of the touched ones."""
    names = {key[1] for key in touched if len(key) > 1}
    tables = {name: table for name, table in schema.tables.items() if dotted(name) in names}
    return flatten(replace(schema, tables=tables))


def _chains(steps: Sequence[Step]) -> Iterable[list[int]]:
    """The steps of each object, in their order."""
    chains: dict[ObjectKey, list[int]] = defaultdict(list)
    for number, step in enumerate(steps):
        for key in dict.fromkeys((*step.objects, *step.carries)):
            chains[key].append(number)
    return chains.values()


def _dropping(
    key: ObjectKey, numbers: list[int], steps: Sequence[Step], target: Mapping[ObjectKey, object]
) -> list[int]:
    found = [n for n in numbers if key in steps[n].drops]
    return found or ([] if key in target else numbers[-1:])


def _making(numbers: list[int], dropping: list[int], steps: Sequence[Step]) -> list[int]:
    """The steps after which the object can be used; what is left to the contract does not count."""
    made = numbers[numbers.index(dropping[-1]) + 1 :] if dropping else numbers
    early = [n for n in made if steps[n].phase is not Phase.CONTRACT]
    return early or made or dropping[-1:]


def _edges(before: dict[int, set[int]], first: Iterable[int], second: Iterable[int]) -> None:
    for number in second:
        before[number].update(n for n in first if n != number)


def _same_names(
    touching: Iterable[ObjectKey],
    current: Mapping[ObjectKey, object],
    target: Mapping[ObjectKey, object],
) -> Iterator[tuple[ObjectKey, ObjectKey, str]]:
    """Objects that give up a name, with others that take it, and the name as it is written."""
    freed: dict[ObjectKey, list[ObjectKey]] = defaultdict(list)
    taken: list[tuple[ObjectKey, ObjectKey]] = []
    for key in touching:
        now, then = {*_names(key, current)}, {*_names(key, target)}
        for name in now - then:
            freed[name].append(key)
        taken += [(key, name) for name in sorted(then - now)]
    for key, name in taken:
        yield from ((other, key, ident(name[-1])) for other in freed[name] if other != key)


def _names(key: ObjectKey, objects: Mapping[ObjectKey, object]) -> Iterator[ObjectKey]:
    """The names that an object takes among others, where it is there."""
    item = objects.get(key)
    if item is None:
        return
    if key[0] in _RELATIONS:
        yield "type", key[1]  # a relation's rows have one
    if key[0] in _RELATIONS and key[0] not in ("enum", "domain", "range"):
        yield "relation", key[1]
    if key[0] in ("index", "key", "exclusion"):
        yield "relation", f"{key[1].rpartition('.')[0]}.{key[2]}"
    if key[0] in _CONSTRAINTS:
        yield "constraint", key[1], key[2]
    if isinstance(item, Column) and item.not_null and item.not_null.name:
        yield "constraint", key[1], item.not_null.name
    if key[0] == "function":
        yield "function", key[1]


class _Needs:
    """Which of some objects another one needs, as far as names tell; more rather than less."""

    def __init__(self, schema: Schema, keys: Iterable[ObjectKey], made: bool) -> None:
        self._made = made
        self._keys = frozenset(keys)
        self._named: dict[str, list[ObjectKey]] = defaultdict(list)
        self._columns: dict[str, list[ObjectKey]] = defaultdict(list)
        self._of_table: dict[str, list[ObjectKey]] = defaultdict(list)
        self._indexes: dict[str, list[ObjectKey]] = defaultdict(list)
        tables = {dotted(name): name for name in (*schema.tables, *schema.views)}
        self._names = tables
        self._triggered: dict[Name, list[str]] = defaultdict(list)
        for table in schema.tables.values():
            for trigger in table.triggers.values():
                if trigger.function:
                    self._triggered[trigger.function].append(dotted(table.name))
        for key in self._keys:
            if key[0] in (*_RELATIONS, "function", "opaque"):
                self._named[_bare(key)].append(key)
            elif key[0] == "column":
                self._columns[key[1]].append(key)
            elif key[0] in ("key", "index"):
                self._of_table[key[1]].append(key)
                self._indexes[key[2]].append(key)

    def of(self, key: ObjectKey, item: Any) -> set[ObjectKey]:
        """The objects that this one needs."""
        return {other for other in self._of(key, item) if other != key and other in self._keys}

    def _of(self, key: ObjectKey, item: Any) -> Iterator[ObjectKey]:
        owner = key[1] if len(key) > 1 else ""
        if key[0] not in ("schema", "extension", "grant", "revoked"):
            yield "schema", owner.partition(".")[0].strip('"')
        if len(key) == 3 and key[0] not in ("opaque",):
            for kind in ("table", "view", "domain", "composite"):
                yield kind, owner
        if key[0] == "sequence" and self._made:
            return  # it is given to its owner afterwards
        if isinstance(item, tuple) and key[0] in ("grant", "revoked"):
            yield from self._granted(key)
            return
        said = words(" ".join(texts(item)))
        relations = {owner} if len(key) == 3 else set()
        for name in _referred(item):
            for kind in (*_RELATIONS, "function"):
                yield kind, dotted(name)
            relations.add(dotted(name))
        for word in said:
            for other in self._named.get(word, ()):
                yield other
                if other[0] in ("table", "view"):
                    relations.add(other[1])
        relations |= {shown for shown, name in self._names.items() if name.name in said}
        for relation in relations:
            for column in self._columns.get(relation, ()):
                if column[2] in said:
                    yield column
        yield from self._special(item)

    def _granted(self, key: ObjectKey) -> Iterator[ObjectKey]:
        bare = words(key[2])
        for word in bare:
            yield from self._named.get(word, ())
        for kind in ("schema", "extension"):
            yield kind, key[2]
        for relation, name in self._names.items():
            if name.name in bare:
                for column in self._columns.get(relation, ()):
                    if column[2] in key[5:]:
                        yield column

    def _special(self, item: Any) -> Iterator[ObjectKey]:
        if isinstance(item, ForeignKey):
            target = dotted(item.table)
            yield "table", target
            for column in item.referenced:
                yield "column", target, column
            yield from self._of_table.get(target, ())
        elif isinstance(item, Index) and item.parent:
            yield from self._indexes.get(item.parent.name, ())
        elif isinstance(item, Function):  # its body is read when a trigger fires
            named = words(item.body)
            for relation in self._triggered.get(item.name, ()):
                yield from (key for key in self._columns.get(relation, ()) if key[2] in named)


def _bare(key: ObjectKey) -> str:
    """An object's name without schema and arguments."""
    name = key[2] if key[0] == "opaque" and len(key) > 2 else key[1]
    name = name.partition("(")[0]
    return name.rpartition(".")[2].strip('"')


def _referred(item: Any) -> Iterator[Name]:
    """The names in an object that are known to be of others."""
    if isinstance(item, Name):
        yield item
    elif isinstance(item, Type) and item.schema:
        yield Name(item.schema, item.name)
    elif isinstance(item, (tuple, list)):
        for value in item:
            yield from _referred(value)
    elif is_dataclass(item):
        for each in fields(item):
            if each.name not in _SILENT:
                yield from _referred(getattr(item, each.name))


_SILENT: Final = frozenset({"name", "comment", "at", "owner", "inherited", "path"})


def texts(item: Any) -> Iterator[str]:
    """Everything in an object that may name another."""
    if isinstance(item, str):
        yield item if isinstance(item, Sql) else f'"{item}"'
    elif isinstance(item, Name):
        return
    elif isinstance(item, Type):
        if not item.schema:
            yield f'"{item.name}"'
    elif isinstance(item, Opaque):
        yield item.sql
    elif isinstance(item, Function):
        yield from texts(item.arguments)
        yield item.returns
        if item.sql_body is not None or item.language == "sql":
            yield item.sql_body or item.body
    elif isinstance(item, View):
        yield item.query
    elif isinstance(item, Trigger):
        yield from texts((item.update_of, item.when))
        yield f'"{item.function.name}"' if item.function else ""
    elif isinstance(item, Mapping):
        for key, value in item.items():
            yield f'"{key}"'
            yield from texts(value)
    elif isinstance(item, (tuple, list, frozenset)):
        for value in item:
            yield from texts(value)
    elif is_dataclass(item):
        for each in fields(item):
            if each.name not in _SILENT:
                yield from texts(getattr(item, each.name))
