"""Patterns as ECMA-262 reads them, with the flag `u` and, as browsers do without it, leniently.

JSON Schema says that a `pattern` should be a regular expression of ECMA-262, built with the flag
`u` (2020-12, section 6.4 of the core). The grammar is that of ECMA-262, section 22.2.1, the lenient
one that of annex B.1.2.
"""

from __future__ import annotations

import re
from typing import Final

from . import characters
from .characters import CATEGORIES, Ranges
from .syntax import Back, Chars, Edge, Either, Group, Look, Node, Repeat, Sequence, Unknown

MAX_LENGTH: Final = 5_000
MAX_DEPTH: Final = 40


class Invalid(ValueError):
    """No regular expression: what is wrong at which character, and what would be right."""

    def __init__(self, at: int, problem: str, right: str = "") -> None:
        super().__init__(problem)
        self.at, self.problem, self.right = at, problem, right


class TooComplex(ValueError):
    """Too long or too deeply nested to be read here."""


def parsed(pattern: str, *, unicode: bool = True) -> Node:
    """The tree of a pattern. Raises `Invalid` and `TooComplex`."""
    if len(pattern) > MAX_LENGTH:
        raise TooComplex(f"longer than {MAX_LENGTH} characters")
    reader = _Reader(pattern, unicode)
    node = reader.disjunction(0)
    if reader.at < len(pattern):
        raise reader.fault("`)` closes no group", "escape it: `\\)`")
    return node


_SYNTAX: Final = frozenset("^$\\.*+?()[]{}|/")
_CONTROL: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_BRACES: Final = re.compile(r"\{([0-9]+)(,([0-9]*))?\}")
_GROUP: Final = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]?|\((?!\?(?!<[^=!]))(?:\?<([^>]*)>)?", re.S)
_PROPERTY: Final = re.compile(r"\{(?:([A-Za-z_]+)=)?([A-Za-z0-9_]+)\}")
_HEX: Final = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})")
_CODE: Final = re.compile(r"u\{([0-9a-fA-F]+)\}")
_PAIR: Final = re.compile(r"u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_OCTAL: Final = re.compile(r"[0-3][0-7]{0,2}|[4-7][0-7]?")
_MODIFIERS: Final = re.compile(r"\(\?([a-zA-Z]*)(-[a-zA-Z]*)?(:|\))")
_ELSEWHERE: Final = {
    "A": "write `^`",
    "Z": "write `$`",
    "z": "write `$`",
    "h": "write `[ \\t]`",
    "R": "write `\\r?\\n`",
    "Q": "escape each character on its own",
    "x": "write two hexadecimal digits: `\\x41`",
    "u": "write four hexadecimal digits: `\\u0041`",
    "c": "write a letter after it: `\\cM`",
    "p": "write a property in braces: `\\p{Lu}`, `\\p{Script=Greek}`",
    "P": "write a property in braces: `\\P{Lu}`, `\\P{Script=Greek}`",
    "k": "name a group that there is",
}
_GROUPS: Final = {
    "(?P<": "write `(?<name>…)`",
    "(?P=": "write `\\k<name>`",
    "(?>": "ECMA-262 has no atomic groups",
    "(?#": "ECMA-262 has no comments",
    "(?(": "ECMA-262 has no conditions",
}
_NAME: Final = re.compile(r"[^\W\d][\w$]*|\$[\w$]*")


class _Reader:
    def __init__(self, pattern: str, unicode: bool) -> None:
        self.pattern, self.unicode, self.at = pattern, unicode, 0
        self.names: dict[str, list[int]] = {}
        groups = [found for found in _GROUP.finditer(pattern) if found[0][0] == "("]
        for number, found in enumerate(groups, 1):
            if found[1] is not None:
                self.names.setdefault(found[1], []).append(number)
        self.groups, self.opened = len(groups), 0

    def fault(self, problem: str, right: str = "", at: int | None = None) -> Invalid:
        """What is wrong here, or at another place."""
        return Invalid(self.at if at is None else at, problem, right)

    # Structure

    def disjunction(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise TooComplex("too deeply nested")
        parts = [self._alternative(depth)]
        while self._take("|"):
            parts.append(self._alternative(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _alternative(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            parts.append(self._term(depth))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _term(self, depth: int) -> Node:
        start = self.at
        node = self._atom(depth)
        quantifier = self._quantifier()
        if quantifier is None:
            return node
        least, most = quantifier
        if isinstance(node, Edge) or (isinstance(node, Look) and (self.unicode or node.behind)):
            raise self.fault("an assertion cannot be repeated", "drop what repeats it", start)
        if most is not None and most < least:
            raise self.fault(
                f"`{{{least},{most}}}` is out of order", f"write `{{{most},{least}}}`", start
            )
        lazy = self._take("?")
        follows = self.pattern[self.at : self.at + 1]
        if follows in ("*", "+", "?") and follows:
            right = "ECMA-262 has no possessive quantifiers" if follows == "+" else ""
            raise self.fault(f"`{follows}` follows a quantifier", right)
        return Repeat(node, least, most, lazy)

    def _quantifier(self) -> tuple[int, int | None] | None:
        char = self.pattern[self.at : self.at + 1]
        if char and char in "?*+":
            self.at += 1
            return {"?": (0, 1), "*": (0, None), "+": (1, None)}[char]
        found = _BRACES.match(self.pattern, self.at)
        if not found:
            return None
        self.at = found.end()
        least = int(found[1][:9])
        return least, (int(found[3][:9]) if found[3] else None) if found[2] else least

    def _atom(self, depth: int) -> Node:
        char = self.pattern[self.at]
        if char in "^$":
            self.at += 1
            return Edge(char)
        if char == ".":
            self.at += 1
            return Chars(characters.DOT)
        if char == "(":
            return self._group(depth)
        if char == "[":
            return self._class()
        if char == "\\":
            return self._escape()
        if char in "*+?" or (char == "{" and _BRACES.match(self.pattern, self.at)):
            raise self.fault(f"`{char}` has nothing to repeat", f"escape it: `\\{char}`")
        if self.unicode and char in "{}]":
            right = f"escape it: `\\{char}`"
            if char == "{" and (at_most := re.match(r"\{\s*,\s*(\d+)\}", self.pattern[self.at :])):
                right = f"write `{{0,{at_most[1]}}}`"
            raise self.fault(f"`{char}` stands alone", right)
        self.at += 1
        return Chars(characters.of(char))

    def _group(self, depth: int) -> Node:
        start = self.at
        for opening, wrap in _LOOKS.items():
            if self._take(opening):
                part = self._closed(depth, start)
                return Look(part, *wrap)
        if self._take("(?:"):
            return self._closed(depth, start)
        if self.pattern.startswith("(?<", start):
            self.at += 3
            name = self._group_name()
            numbers = self.names.get(name, [])
            if len(numbers) > 1 and "|" not in self.pattern:
                raise self.fault("two groups have the same name", "rename one of them", start)
        elif self.pattern.startswith("(?", start):
            return self._modified(depth, start)
        else:
            self.at += 1
        self.opened += 1
        number = self.opened
        return Group(self._closed(depth, start), number)

    def _group_name(self) -> str:
        end = self.pattern.find(">", self.at)
        name = self.pattern[self.at : end] if end >= 0 else ""
        if not _NAME.fullmatch(name):
            raise self.fault("the name of a group is none", "write letters, digits, `_` and `$`")
        self.at = end + 1
        return name

    def _modified(self, depth: int, start: int) -> Node:
        """`(?i:…)`, of ECMAScript 2025; what case it ignores is not known here."""
        found = _MODIFIERS.match(self.pattern, start)
        if found and found[3] == ":" and set(found[1] + (found[2] or "")) <= set("ims-"):
            self.at = found.end()
            return Sequence((self._closed(depth, start), Back(())))  # of no group: not decided
        right = next((r for opening, r in _GROUPS.items() if self._is(opening)), "")
        if found:
            right = "ECMA-262 has no flags inside a pattern: write both cases, `[Aa]`"
        raise self.fault("`(?` opens no group that ECMA-262 knows", right, start)

    def _closed(self, depth: int, start: int) -> Node:
        part = self.disjunction(depth + 1)
        if not self._take(")"):
            raise self.fault("the group is not closed", "close it, or escape it: `\\(`", start)
        return part

    # Escapes

    def _escape(self) -> Node:
        start = self.at
        self.at += 1
        char = self.pattern[self.at : self.at + 1]
        if char in ("b", "B") and char:
            self.at += 1
            return Edge(f"\\{char}")
        if "0" < char <= "9" and (number := self._back_reference()):
            return Back((number,))
        if char == "k" and (self.unicode or self.names):
            self.at += 1
            if not self._take("<"):
                raise self.fault("`\\k` names no group", _ELSEWHERE["k"], start)
            name = self._group_name()
            if name not in self.names:
                raise self.fault("`\\k` names a group that is not there", _ELSEWHERE["k"], start)
            return Back(tuple(self.names[name]))
        ranges = self._set_escape(start)
        if ranges is None:
            return Unknown()
        return Chars(ranges or characters.of(self._character_escape(start, in_class=False)))

    def _back_reference(self) -> int:
        digits = re.compile(r"[1-9][0-9]*").match(self.pattern, self.at)
        assert digits
        number = int(digits[0][:9])
        if number <= self.groups:
            self.at = digits.end()
            return number
        if self.unicode:
            raise self.fault(f"`\\{number}` refers to a group that is not there", "", self.at - 1)
        return 0

    def _set_escape(self, start: int) -> Ranges | None:
        """The set of `\\d`, `\\p{…}` and their like; empty if there is none, None if unknown."""
        char = self.pattern[self.at : self.at + 1]
        if char in characters.CLASSES:
            self.at += 1
            return characters.CLASSES[char]
        if not self.unicode or char not in ("p", "P"):
            return ()
        found = _PROPERTY.match(self.pattern, self.at + 1)
        if not found or not _is_property(found[1], found[2]):
            shown = self.pattern[start : found.end() if found else self.at + 1]
            raise self.fault(f"`{shown}` is no property of Unicode", _ELSEWHERE[char], start)
        assert found
        self.at = found.end()
        ranges = _property(found[1], found[2])
        return characters.complement(ranges) if ranges and char == "P" else ranges

    def _character_escape(self, start: int, *, in_class: bool) -> str:
        """The character that an escape, whose backslash is read, stands for."""
        char = self.pattern[self.at : self.at + 1]
        if not char:
            raise self.fault("a backslash at the end escapes nothing", "write `\\\\`", start)
        if char in _CONTROL:
            self.at += 1
            return _CONTROL[char]
        if found := self._coded():
            return found
        if char == "0" and not self.pattern[self.at + 1 : self.at + 2].isdigit():
            self.at += 1
            return "\0"
        letter = self.pattern[self.at + 1 : self.at + 2]
        if char == "c" and letter.isascii() and letter.isalpha():
            self.at += 2
            return chr(ord(letter) % 32)
        if self.unicode:
            return self._syntax_character(char, start, in_class)
        if octal := _OCTAL.match(self.pattern, self.at):
            self.at = octal.end()
            return chr(int(octal[0], 8))
        if char == "c":
            return "\\"
        self.at += 1
        return char

    def _coded(self) -> str:
        """The character of `\\x41`, `\\u0041` or `\\u{1F600}`."""
        if self.unicode and (pair := _PAIR.match(self.pattern, self.at)):
            self.at = pair.end()
            high, low = int(pair[1], 16), int(pair[2], 16)
            return chr(0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF))
        if self.unicode and (code := _CODE.match(self.pattern, self.at)):
            if len(code[1].lstrip("0")) > 6 or int(code[1], 16) > characters.LAST:
                raise self.fault(
                    "there is no such character", "Unicode ends at 10FFFF", self.at - 1
                )
            self.at = code.end()
            return chr(int(code[1], 16))
        if found := _HEX.match(self.pattern, self.at):
            self.at = found.end()
            return chr(int(found[1] or found[2], 16))
        return ""

    def _syntax_character(self, char: str, start: int, in_class: bool) -> str:
        if char in _SYNTAX or (in_class and char == "-"):
            self.at += 1
            return char
        right = _ELSEWHERE.get(char) or f"write `{char}` without the backslash"
        if char.isdigit():
            right = "write `\\x` and two hexadecimal digits"
        raise self.fault(f"`\\{char}` is no escape", right, start)

    # Classes

    def _class(self) -> Node:
        start = self.at
        self.at += 1
        negated = self._take("^")
        ranges: list[tuple[int, int]] = []
        known = True
        while not self._take("]"):
            if self.at >= len(self.pattern):
                raise self.fault("the class is not closed", "close it, or escape it: `\\[`", start)
            here = self.at
            first = self._class_atom(start)
            if not self._is_range():
                last = first
            else:
                self.at += 1
                last = self._class_atom(start)
                self._check_range(first, last, here)
                if isinstance(first, str) and isinstance(last, str):
                    first = last = characters.union([(ord(first), ord(last))])
                else:
                    ranges.append((45, 45))
            for each in (first, last):
                known = known and each is not None
                ranges += characters.of(each) if isinstance(each, str) else each or ()
        if not known:
            return Unknown()
        merged = characters.union(ranges)
        return Chars(characters.complement(merged) if negated else merged)

    def _is_range(self) -> bool:
        rest = self.pattern[self.at : self.at + 2]
        return len(rest) == 2 and rest[0] == "-" and rest[1] != "]"

    def _check_range(self, first: str | Ranges | None, last: str | Ranges | None, at: int) -> None:
        shown = self.pattern[at : self.at]
        if isinstance(first, str) and isinstance(last, str):
            if last < first:
                raise self.fault(
                    f"the range `{shown}` is out of order", "write the lower one first", at
                )
        elif self.unicode:
            raise self.fault(f"`{shown}` is no range", "put the `-` last, or escape it: `\\-`", at)

    def _class_atom(self, start: int) -> str | Ranges | None:
        """One character, or the set of a class escape; None if that is not known."""
        if self.at >= len(self.pattern):
            raise self.fault("the class is not closed", "close it, or escape it: `\\[`", start)
        char = self.pattern[self.at]
        self.at += 1
        if char != "\\":
            return char
        here = self.at - 1
        if self._take("b"):
            return "\b"
        ranges = self._set_escape(here)
        return self._character_escape(here, in_class=True) if ranges == () else ranges

    def _is(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def _take(self, text: str) -> bool:
        found = self._is(text)
        self.at += len(text) if found else 0
        return found


_LOOKS: Final = {
    "(?=": (False, False),
    "(?!": (False, True),
    "(?<=": (True, False),
    "(?<!": (True, True),
}


def _is_property(name: str | None, value: str) -> bool:
    if name is None:
        return value in CATEGORIES or value in characters.BINARY
    if name in ("General_Category", "gc"):
        return value in CATEGORIES
    return name in ("Script", "sc", "Script_Extensions", "scx") and not value[0].isdigit()


def _property(name: str | None, value: str) -> Ranges | None:
    if value in CATEGORIES and name in (None, "General_Category", "gc"):
        return characters.category(value)
    return {"Any": characters.ALL, "ASCII": characters.ASCII}.get(value) if name is None else None
