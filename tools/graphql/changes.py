"""What changed between two GraphQL schemas, as flat records, each of a kind with its effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from ..rule import Place
from .model import Applied, Directive, Field, Input, Part, Schema, Type, TypeRef

P = TypeVar("P", bound=Part)


class Effect(StrEnum):
    """What a change does to the operations of clients."""

    BREAKING = "breaking"  # some that were valid are no longer, or get what they do not expect
    DANGEROUS = "dangerous"  # all stay valid, some may behave otherwise
    COMPATIBLE = "compatible"


B, D, C = Effect
KINDS: Final[dict[str, Effect]] = {
    "type removed": B,
    "type added": C,
    "type kind changed": B,
    "type description changed": C,
    "field removed": B,
    "field added": C,
    "field type changed": B,
    "field type narrowed": C,
    "field description changed": C,
    "field deprecated": C,
    "field no longer deprecated": C,
    "field deprecation reason changed": C,
    "argument removed": B,
    "required argument added": B,
    "optional argument added": D,
    "argument type changed": B,
    "argument type widened": C,
    "argument default changed": D,
    "argument default added": C,
    "argument description changed": C,
    "input field removed": B,
    "required input field added": B,
    "optional input field added": D,
    "input field type changed": B,
    "input field type widened": C,
    "input field default changed": D,
    "input field default added": C,
    "input field description changed": C,
    "input field deprecated": C,
    "input field no longer deprecated": C,
    "enum value removed": B,
    "enum value added": D,
    "enum value description changed": C,
    "enum value deprecated": C,
    "enum value no longer deprecated": C,
    "enum value deprecation reason changed": C,
    "union member removed": B,
    "union member added": D,
    "interface no longer implemented": B,
    "interface implemented": D,
    "directive removed": B,
    "directive added": C,
    "directive description changed": C,
    "directive location removed": B,
    "directive location added": C,
    "directive no longer repeatable": B,
    "directive repeatable": C,
    "directive argument removed": B,
    "required directive argument added": B,
    "optional directive argument added": C,
    "directive argument type changed": B,
    "directive argument type widened": C,
    "directive argument default changed": D,
    "directive argument default added": C,
    "directive argument description changed": C,
    "query type changed": B,
    "mutation type changed": B,
    "subscription type changed": B,
    "directive used": C,
    "directive no longer used": C,
}
"""Every kind of change. Where graphql-core judges one, too, it judges alike."""


@dataclass(frozen=True, slots=True)
class Change:
    """A difference: `place` is in the new schema, or in the old where the part is gone."""

    kind: str
    coordinate: str
    place: Place
    is_in_old: bool = False
    before: str = ""
    after: str = ""

    @property
    def effect(self) -> Effect:
        """What it does to clients."""
        return KINDS[self.kind]


def changes(old: Schema, new: Schema) -> Iterator[Change]:
    """Every difference, by coordinate; each once."""
    for kind in ("query", "mutation", "subscription"):
        before, after = old.roots.get(kind, ""), new.roots.get(kind, "")
        if before and after and before != after:
            place = new.types[after].place if after in new.types else Place("", ())
            yield Change(f"{kind} type changed", after, place, False, before, after)
    yield from _applied("schema", old.applied, new.applied)
    for one, other in _pairs(old.types, new.types):
        if other is None:
            assert one is not None
            yield Change("type removed", one.name, one.place, True)
        elif one is None:
            yield Change("type added", other.name, other.place)
        else:
            yield from _types(one, other)
    for first, second in _pairs(old.directives, new.directives):
        yield from _directives(first, second)


def _types(old: Type, new: Type) -> Iterator[Change]:
    if old.kind != new.kind:
        yield Change("type kind changed", new.name, new.place, False, old.kind, new.kind)
        return
    yield from _described("type", old, new)
    for one, other in _pairs(old.fields, new.fields):
        yield from _fields(one, other)
    yield from _inputs("input field", old.inputs, new.inputs)
    for value, now in _pairs(old.values, new.values):
        yield from _kept("enum value", value, now)
    named = (
        ("union member", old.members, new.members, "added", "removed"),
        ("interface", old.interfaces, new.interfaces, "implemented", "no longer implemented"),
    )
    for what, before, after, came, went in named:
        for name in before.keys() - after.keys():
            yield Change(f"{what} {went}", old.name, before[name], True, name, "")
        for name in after.keys() - before.keys():
            yield Change(f"{what} {came}", new.name, after[name], False, "", name)


def _fields(old: Field | None, new: Field | None) -> Iterator[Change]:
    yield from _kept("field", old, new)
    if old is None or new is None:
        return
    if old.type != new.type:
        kind = "field type narrowed" if _is_narrower(old.type, new.type) else "field type changed"
        yield Change(kind, new.coordinate, new.place, False, old.type.text, new.type.text)
    yield from _inputs("argument", old.arguments, new.arguments)


def _inputs(what: str, old: Mapping[str, Input], new: Mapping[str, Input]) -> Iterator[Change]:
    for one, other in _pairs(old, new):
        if other is None:
            assert one is not None
            yield Change(f"{what} removed", one.coordinate, one.place, True)
        elif one is None:
            need = "required" if other.must_be_given else "optional"
            yield Change(f"{need} {what} added", other.coordinate, other.place)
        else:
            yield from _input(what, one, other)


def _input(what: str, old: Input, new: Input) -> Iterator[Change]:
    if old.type != new.type:
        kind = "type widened" if _is_wider(old.type, new.type) else "type changed"
        yield Change(
            f"{what} {kind}", new.coordinate, new.place, False, old.type.text, new.type.text
        )
    if old.default != new.default:
        before, after = old.default or "", new.default or ""
        came = "added" if old.default is None else "changed"
        yield Change(f"{what} default {came}", new.coordinate, new.place, False, before, after)
    yield from _described(what, old, new)
    if what == "input field":
        yield from _deprecated(what, old, new)


def _directives(old: Directive | None, new: Directive | None) -> Iterator[Change]:
    if new is None:
        assert old is not None
        yield Change("directive removed", old.coordinate, old.place, True)
        return
    if old is None:
        yield Change("directive added", new.coordinate, new.place)
        return
    yield from _described("directive", old, new)
    for location in sorted(set(old.locations) - set(new.locations)):
        yield Change("directive location removed", new.coordinate, new.place, False, location)
    for location in sorted(set(new.locations) - set(old.locations)):
        yield Change("directive location added", new.coordinate, new.place, False, "", location)
    if old.is_repeatable != new.is_repeatable:
        kind = "directive repeatable" if new.is_repeatable else "directive no longer repeatable"
        yield Change(kind, new.coordinate, new.place)
    yield from _inputs("directive argument", old.arguments, new.arguments)


def _kept(what: str, old: Part | None, new: Part | None) -> Iterator[Change]:
    """That a part came, went, or is described or deprecated otherwise."""
    if new is None:
        assert old is not None
        yield Change(f"{what} removed", old.coordinate, old.place, True)
    elif old is None:
        yield Change(f"{what} added", new.coordinate, new.place)
    else:
        yield from _described(what, old, new)
        yield from _deprecated(what, old, new)


def _described(what: str, old: Part, new: Part) -> Iterator[Change]:
    if (old.description or "") != (new.description or ""):
        yield Change(f"{what} description changed", new.coordinate, new.place)
    yield from _applied(new.coordinate, old.directives, new.directives)


def _deprecated(what: str, old: Part, new: Part) -> Iterator[Change]:
    before, after = old.deprecated, new.deprecated
    if before == after:
        return
    if before is None:
        yield Change(f"{what} deprecated", new.coordinate, new.place, False, "", after or "")
    elif after is None:
        yield Change(f"{what} no longer deprecated", new.coordinate, new.place)
    elif f"{what} deprecation reason changed" in KINDS:
        yield Change(
            f"{what} deprecation reason changed", new.coordinate, new.place, False, before, after
        )


def _applied(
    coordinate: str, old: tuple[Applied, ...], new: tuple[Applied, ...]
) -> Iterator[Change]:
    """Directives that are used here, or no longer; `@deprecated` has kinds of its own."""
    before = {_use(each): each for each in old if each.name != "deprecated"}
    after = {_use(each): each for each in new if each.name != "deprecated"}
    for use in sorted(before.keys() - after.keys()):
        yield Change("directive no longer used", coordinate, before[use].place, True, use)
    for use in sorted(after.keys() - before.keys()):
        yield Change("directive used", coordinate, after[use].place, False, "", use)


def _use(applied: Applied) -> str:
    given = ", ".join(f"{name}: {value}" for name, value in sorted(applied.arguments.items()))
    return f"@{applied.name}({given})" if given else f"@{applied.name}"


def _pairs(old: Mapping[str, P], new: Mapping[str, P]) -> Iterator[tuple[P | None, P | None]]:
    """What both have, then what one has, by name."""
    for name in (*old, *(each for each in new if each not in old)):
        yield old.get(name), new.get(name)


def _is_narrower(old: TypeRef, new: TypeRef) -> bool:
    """Whether every value of the new output type is one of the old: null given up, at any depth."""
    return _only(old, new, lambda lost, gained: not lost and bool(gained))


def _is_wider(old: TypeRef, new: TypeRef) -> bool:
    """Whether the new input type takes every value of the old: null allowed, at any depth."""
    return _only(old, new, lambda lost, gained: not gained and bool(lost))


def _only(old: TypeRef, new: TypeRef, allowed: Callable[[Any, Any], bool]) -> bool:
    """Whether two types of one name and depth differ in `!` only, and only as allowed."""
    if old.name != new.name or old.wraps.count("[]") != new.wraps.count("[]"):
        return False
    before, after = _required(old), _required(new)
    lost = [a and not b for a, b in zip(before, after, strict=True)]
    gained = [b and not a for a, b in zip(before, after, strict=True)]
    return allowed(any(lost), any(gained))


def _required(found: TypeRef) -> list[bool]:
    """For each depth whether null is excluded: `[Pet!]` is no, yes."""
    levels, strict = [], False
    for wrap in found.wraps:
        if wrap == "!":
            strict = True
        else:
            levels.append(strict)
            strict = False
    return [*levels, strict]
