"""Regular expressions as databases share them: strings that match one, and whether a string does.

The plain ones: literals, classes, groups, `|`, `?`, `*`, `+`, `{m,n}`,
`^`, `$`, `.`, `\\d`, `\\w`, `\\s`. Anything else is not understood, and says so. Matching keeps the
set of places it may have come to, and takes no more than nodes × length² steps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

MAX_REPEAT: Final = 1_000
MAX_DEPTH: Final = 30
MAX_CHOICES: Final = 200  # characters of a range that are written


class NotUnderstood(ValueError):
    """An expression, or a part of one, that is not of the plain kind."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of a set, or outside of it; in the set are ranges."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False

    def has(self, char: str) -> bool:
        """Whether the character is meant."""
        return any(low <= char <= high for low, high in self.ranges) != self.negated

    def nth(self, number: int) -> str:
        """A printable character of the set."""
        choices = _choices(self)
        return choices[number % len(choices)]

    @property
    def size(self) -> int:
        """How many characters there are to choose from."""
        return len(_choices(self))


@dataclass(frozen=True, slots=True)
class Edge:
    """`^` or `$`."""

    end: bool


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of them."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """So many times; `most` None: any number."""

    part: Node
    least: int
    most: int | None


Node: TypeAlias = Chars | Edge | Sequence | Either | Repeat


def matches(pattern: str, text: str, fold: bool = False) -> bool:
    """Whether the pattern is found in the text. Raises `NotUnderstood`."""
    if fold:
        pattern, text = pattern.lower(), text.lower()
    return bool(_ends(parsed(pattern), text, frozenset(range(len(text) + 1))))


def example(pattern: str, number: int = 0, least: int = 0, most: int = 10**6) -> str | None:
    """A string of that length in which the pattern is found, another for each number if possible.

    None where none was found.
    """
    try:
        node = parsed(pattern)
    except NotUnderstood:
        return None
    fallback = None
    for extra in (*range(9), 12, 16, 20, 32, 64):
        maker = _Maker(number, extra)
        text = maker.text(node)
        text = text if _is_closed(node) else text.ljust(least, "x")
        if least <= len(text) <= most and matches(pattern, text):
            if not maker.left:
                return text
            fallback = fallback or text  # another number gives the same
    return fallback


class _Maker:
    """Writes a string; choices are digits of a number, so that numbers give different strings."""

    def __init__(self, number: int, extra: int) -> None:
        self.left, self._extra = number, extra

    def text(self, node: Node) -> str:
        match node:
            case Chars():
                return node.nth(self._choice(node.size))
            case Edge():
                return ""
            case Sequence(parts):
                return "".join(reversed([self.text(part) for part in reversed(parts)]))
            case Either(parts):
                return self.text(parts[self._choice(len(parts))])
            case Repeat(part, least, most):
                times = max(least, 1) + self._extra
                times = min(times, MAX_REPEAT if most is None else most)
                if most == 1:
                    times = 1 if least or self._extra else 0
                return "".join(reversed([self.text(part) for _ in range(times)]))

    def _choice(self, size: int) -> int:
        self.left, choice = divmod(self.left, max(size, 1))
        return choice


@lru_cache(maxsize=1024)
def _choices(chars: Chars) -> str:
    """Characters of a set that differ in any case, letters and digits if there are some."""
    if chars.negated or not chars.ranges:
        good = [chr(code) for code in range(32, 127) if chars.has(chr(code))]
        good = [c for c in good if c.isalnum()] or good or ["ü"]
    else:
        ranges = (range(ord(a), min(ord(b), ord(a) + MAX_CHOICES) + 1) for a, b in chars.ranges)
        good = [chr(code) for codes in ranges for code in codes]
    distinct = {char.lower(): char for char in reversed(good)}
    return "".join(char for char in good if distinct[char.lower()] == char)


def _is_closed(node: Node) -> bool:
    return isinstance(node, Sequence) and node.parts[-1:] == (Edge(True),)


def _ends(node: Node, text: str, starts: frozenset[int]) -> frozenset[int]:
    """Where a match of the node that starts at one of these places may end."""
    match node:
        case Chars():
            return frozenset(s + 1 for s in starts if s < len(text) and node.has(text[s]))
        case Edge(end):
            return starts & {len(text) if end else 0}
        case Sequence(parts):
            for part in parts:
                starts = _ends(part, text, starts)
            return starts
        case Either(parts):
            return frozenset().union(*(_ends(part, text, starts) for part in parts))
        case Repeat(part, least, most):
            for _ in range(min(least, len(text) + 1)):
                starts = _ends(part, text, starts)
            every, latest = starts, starts
            for _ in range(len(text) + 1 if most is None else min(most - least, len(text) + 1)):
                latest = _ends(part, text, latest) - every
                if not latest:
                    break
                every |= latest
            return every


def _weight(node: Node) -> int:
    """How often the inmost part of nested repetitions is repeated, as far as that is counted."""
    match node:
        case Sequence(parts) | Either(parts):
            return max(map(_weight, parts), default=1)
        case Repeat(part, least, most):
            return max(least, most or 1) * _weight(part)
    return 1


@lru_cache(maxsize=256)
def parsed(pattern: str) -> Node:
    """The pattern as a tree. Raises `NotUnderstood`."""
    reader = _Reader(pattern)
    node = reader.either(0)
    if reader.at < len(pattern):
        raise NotUnderstood(pattern)
    return node


_CLASSES: Final = {
    "d": (("0", "9"),),
    "w": (("a", "z"), ("A", "Z"), ("0", "9"), ("_", "_")),
    "s": ((" ", " "), ("\t", "\r")),
}
_POSIX: Final = {
    "alpha": (("a", "z"), ("A", "Z")),
    "digit": (("0", "9"),),
    "alnum": (("a", "z"), ("A", "Z"), ("0", "9")),
    "upper": (("A", "Z"),),
    "lower": (("a", "z"),),
    "xdigit": (("0", "9"), ("a", "f"), ("A", "F")),
    "space": ((" ", " "), ("\t", "\r")),
}
_COUNT: Final = re.compile(r"\{(\d{1,4})(?:(,)(\d{1,4})?)?\}")
_CONTROL: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern, self.at = pattern, 0

    def either(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise NotUnderstood("too deep")
        parts = [self._sequence(depth)]
        while self._take("|"):
            parts.append(self._sequence(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            parts.append(self._repeated(self._atom(depth)))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _repeated(self, node: Node) -> Node:
        rest = self.pattern[self.at : self.at + 1]
        bounds: tuple[int, int | None] | None = None
        if rest and rest in "?*+":
            self.at += 1
            bounds = {"?": (0, 1), "*": (0, None), "+": (1, None)}[rest]
        elif count := _COUNT.match(self.pattern, self.at):
            self.at = count.end()
            least = int(count[1])
            bounds = (least, (int(count[3]) if count[3] else None) if count[2] else least)
        if bounds is None:
            return node
        if isinstance(node, Edge):
            raise NotUnderstood(self.pattern)
        self._take("?")  # as few as possible: which strings match is the same
        if self.pattern[self.at : self.at + 1] in ("*", "+", "?"):
            raise NotUnderstood(self.pattern)
        repeat = Repeat(node, *bounds)
        if _weight(repeat) > MAX_REPEAT:
            raise NotUnderstood(self.pattern)
        return repeat

    def _atom(self, depth: int) -> Node:
        char = self._next()
        if char == "(":
            if self._take("?") and not self._take(":"):
                raise NotUnderstood(self.pattern)
            node = self.either(depth + 1)
            if not self._take(")"):
                raise NotUnderstood(self.pattern)
            return node
        if char == "[":
            return self._class()
        if char in "^$":
            return Edge(char == "$")
        if char == ".":
            return Chars((("\n", "\n"),), negated=True)
        if char == "\\":
            return self._escape()
        if char in "*+?{":
            raise NotUnderstood(self.pattern)
        return Chars(((char, char),))

    def _escape(self) -> Node:
        char = self._next()
        if char.lower() in _CLASSES:
            return Chars(_CLASSES[char.lower()], char.isupper())
        if char in "AZ":
            return Edge(char == "Z")
        char = self._escaped(char)
        return Chars(((char, char),))

    def _escaped(self, char: str) -> str:
        if char in _CONTROL:
            return _CONTROL[char]
        if char.isalnum():
            raise NotUnderstood(self.pattern)
        return char

    def _class(self) -> Node:
        negated = self._take("^")
        ranges: list[tuple[str, str]] = []
        first = True
        while first or not self._take("]"):
            first = False
            if self.pattern.startswith("[:", self.at):
                name, _, _ = self.pattern[self.at + 2 :].partition(":]")
                if name not in _POSIX:
                    raise NotUnderstood(self.pattern)
                self.at += len(name) + 4
                ranges += _POSIX[name]
                continue
            char = self._next()
            if char == "\\":
                char = self._next()
                if char in _CLASSES:
                    ranges += _CLASSES[char]
                    continue
                char = self._escaped(char)
            ranges.append((char, self._range_end(char)))
        return Chars(tuple(ranges), negated)

    def _range_end(self, char: str) -> str:
        rest = self.pattern[self.at : self.at + 2]
        if len(rest) < 2 or rest[0] != "-" or rest[1] == "]":
            return char
        self.at += 1
        end = self._next()
        end = self._escaped(self._next()) if end == "\\" else end
        if end < char:
            raise NotUnderstood(self.pattern)
        return end

    def _next(self) -> str:
        if self.at >= len(self.pattern):
            raise NotUnderstood(self.pattern)
        self.at += 1
        return self.pattern[self.at - 1]

    def _take(self, text: str) -> bool:
        found = self.pattern.startswith(text, self.at)
        self.at += len(text) if found else 0
        return found
