"""Media types of two messages: which are one and the same."""

from __future__ import annotations

from ..api import Body


def by_name(bodies: tuple[Body, ...], listed: tuple[str, ...]) -> dict[str, Body]:
    """Bodies by media type; in 2.0, where a body has none, by those that are listed."""
    found = {}
    for body in bodies:
        for name in (body.media_type,) if body.media_type else listed or ("application/json",):
            found[name] = body
    return found


def parts_of(media_type: str) -> tuple[str, frozenset[str]]:
    """A media type without its parameters, and these."""
    name, *parameters = media_type.lower().split(";")
    return name.strip(), frozenset(p.strip() for p in parameters)


def matched(
    before: dict[str, Body], after: dict[str, Body]
) -> tuple[list[tuple[str, str]], list[str], list[str]]:
    """Media types by name, then without their parameters, then by ranges."""
    left, right = list(before), list(after)
    pairs = []
    for fits in (_same, _same_name, _same_range):
        for one in list(left):
            two = next((each for each in right if fits(one, each)), None)
            if two is not None:
                pairs.append((one, two))
                left.remove(one)
                right.remove(two)
    return pairs, left, right


def _same(one: str, two: str) -> bool:
    return parts_of(one) == parts_of(two)


def _same_name(one: str, two: str) -> bool:
    return parts_of(one)[0] == parts_of(two)[0]


def _same_range(one: str, two: str) -> bool:
    return _holds(one, two) or _holds(two, one)


def _holds(wide: str, narrow: str) -> bool:
    """Whether a range holds a media type: application/*, application/json of …+json."""
    (major, _, minor), (other, _, sub) = (parts_of(x)[0].partition("/") for x in (wide, narrow))
    if major not in ("*", other):
        return False
    return minor in ("*", sub) or sub.endswith("+" + minor)


def renamed(one: str, two: str) -> tuple[str, str]:
    """What became of the parameters of a media type: action and effect."""
    ours, theirs = parts_of(one)[1], parts_of(two)[1]
    if theirs < ours:
        return "generalized", "widens"
    if ours < theirs:
        return "specialized", "narrows"
    return "changed", "changes"
