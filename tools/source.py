"""Documents: JSON and YAML text to plain data, with the place of every value.

The data is what ``json.loads`` or a YAML 1.2 core-schema loader gives, with every mapping key a
string. A place is a path (tuple of keys and indexes) into that data; `Source.locate` turns paths
into lines and columns. YAML records offsets while it parses; JSON finds them on demand, because a
review of 13 MB reports a few hundred places out of a million.
"""

from __future__ import annotations

import gc
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from json import decoder as json_decoder
from typing import Any, NamedTuple, TypeAlias

from .patterns import compiled

MAX_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 256
MAX_ODDITIES = 10_000  # that are noted of one document
MAX_DIGITS = 3_500  # of an integer: Python prints no more than 4,300, which is 3,571 hexadecimal

Path: TypeAlias = tuple[str | int, ...]


def pointer(path: Path) -> str:
    """A path as a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


class Position(NamedTuple):
    """Line and column, both from 1; the column counts Unicode code points."""

    line: int
    column: int


class SourceError(Exception):
    """The text cannot be read as JSON or YAML; the message says where and what would be right."""

    def __init__(self, name: str, message: str, position: Position | None = None) -> None:
        where = f"{name}:{position.line}:{position.column}" if position else name
        super().__init__(f"{where}: {message}")


class Oddity(StrEnum):
    """What is readable but will surprise someone."""

    DUPLICATE_KEY = "duplicate key"
    AMBIGUOUS_SCALAR = "ambiguous scalar"
    NUMBER_OUT_OF_RANGE = "number out of range"
    UNKNOWN_TAG = "unknown tag"


@dataclass(frozen=True, slots=True)
class Oddness:
    """One oddity: its path in the data, its character offset, the text, and the earlier place."""

    kind: Oddity
    path: Path
    offset: int
    text: str
    earlier: int | None = None


@dataclass(slots=True)
class Source:
    """One parsed document.

    `data` is plain: dict with str keys, list, str, int, float, bool, None. `oddities` is what a
    reader should hear about although it parsed.
    """

    name: str
    text: str
    data: Any
    format: str
    oddities: tuple[Oddness, ...] = ()
    _offsets: dict[int, Any] | None = field(default=None, repr=False)

    def locate(self, paths: Iterable[Path]) -> dict[Path, Position]:
        """The position of each path: a member's key, an item's first character.

        A path that leads nowhere gets the position of the last part that exists.
        """
        wanted = set(paths)
        if self._offsets is not None:
            offsets = {path: self._recorded(path) for path in wanted}
        else:
            found = _json_offsets(self.text, wanted)
            offsets = {path: occurrences[-1] for path, occurrences in found.items()}
        positions = self.positions(offsets.values())
        return {path: positions[offset] for path, offset in offsets.items()}

    def positions(self, offsets: Iterable[int]) -> dict[int, Position]:
        """Line and column of each character offset."""
        return positions(self.text, offsets)

    def _recorded(self, path: Path) -> int:
        assert self._offsets is not None
        offset, value = self._offsets[-1], self.data
        for step in path:
            try:
                offset, value = self._offsets[id(value)][step], value[step]
            except (KeyError, IndexError, TypeError):
                break
        return int(offset)


def positions(text: str, offsets: Iterable[int]) -> dict[int, Position]:
    """Line and column of each character offset, in one pass over the text."""
    result = {}
    line, start, reached = 1, 0, 0
    for offset in sorted(set(offsets)):
        if breaks := _breaks(text, reached, offset):
            line += breaks
            last = max(text.rfind("\n", reached, offset), text.rfind("\r", reached, offset))
            start = last + 1
        result[offset] = Position(line, offset - start + 1)
        reached = offset
    return result


def _breaks(text: str, start: int, end: int) -> int:
    return (
        text.count("\n", start, end) + text.count("\r", start, end) - text.count("\r\n", start, end)
    )


def load(content: str | bytes, name: str) -> Source:
    """Parse JSON or YAML; which one is told by the name's ending, else by the first character.

    Raises `SourceError` on undecodable, empty, malformed, multi-document or oversized input.
    """
    from .source_yaml import load_yaml

    text = decode(content, name)
    ending = name.rpartition(".")[2].lower()
    looks_like_json = text.lstrip()[:1] in ("{", "[")
    with without_gc():
        if ending == "json" or (looks_like_json and ending not in ("yaml", "yml")):
            try:
                return _load_json(text, name)
            except SourceError:
                if ending == "json":
                    raise
                malformed_json = True
        else:
            malformed_json = False
        try:
            return load_yaml(text, name)
        except SourceError:
            if malformed_json:
                return _load_json(text, name)  # its message fits what the text looks like
            raise


@contextmanager
def without_gc() -> Iterator[None]:
    """Parsing allocates containers only, so collecting amid it finds nothing: it costs a third."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def decode(content: str | bytes, name: str) -> str:
    """The text of a document, by byte-order mark or as UTF-8. Raises `SourceError`."""
    if len(content) > MAX_BYTES:
        limit = MAX_BYTES // 1024**2
        raise SourceError(name, f"the document is larger than the limit of {limit} MiB")
    if isinstance(content, bytes):
        try:
            content = content.decode(_encoding(content))
        except UnicodeDecodeError as error:
            raise SourceError(
                name,
                f"byte {error.start} is not valid {error.encoding.upper()}; save it as UTF-8",
            ) from None
    text = content.removeprefix("\ufeff")
    if not text.strip():
        raise SourceError(name, "the document is empty")
    return text


def encoded_as(content: bytes, text: str) -> bytes:
    """The bytes of a text in the encoding that some content has, its byte-order mark included."""
    encoding = _encoding(content)
    marked = content.decode(encoding).startswith("\ufeff")
    return (("\ufeff" if marked else "") + text).encode(encoding)


def _encoding(content: bytes) -> str:
    """By byte-order mark, or by where the NUL bytes of the first ASCII character are (YAML 5.2)."""
    if content[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return "utf-32"
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    match [byte == 0 for byte in content[:4]]:
        case [True, True, True, False]:
            return "utf-32-be"
        case [False, True, True, True]:
            return "utf-32-le"
        case [True, False, *_]:
            return "utf-16-be"
        case [False, True, *_]:
            return "utf-16-le"
    return "utf-8"


# JSON


def _load_json(text: str, name: str) -> Source:
    repeated: list[tuple[dict[str, Any], list[str]]] = []
    extreme: list[str] = []

    def member(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        data = dict(pairs)
        if len(data) != len(pairs):
            counts = Counter(key for key, _ in pairs)
            repeated.append((data, sorted(key for key, count in counts.items() if count > 1)))
        return data

    def integer(literal: str) -> int:
        if len(literal) > 19:
            if len(literal.lstrip("-")) > MAX_DIGITS:
                raise ValueError(TOO_MANY_DIGITS)
            if out_of_range(int(literal)):
                extreme.append(literal)
        return int(literal)

    def floating(literal: str) -> float:
        number = float(literal)
        if math.isinf(number):
            extreme.append(literal)
        return number

    def constant(literal: str) -> float:
        raise ValueError(f"{literal} is no JSON number")

    try:
        data = json.loads(
            text,
            object_pairs_hook=member,
            parse_int=integer,
            parse_float=floating,
            parse_constant=constant,
        )
    except json.JSONDecodeError as error:
        # Only the parser's fixed phrases are used: the text itself may carry instructions.
        what = error.msg.partition(": ")[0].lower().replace("extra data", "text after the end")
        what = what.removesuffix(" at").removesuffix(" starting")
        raise error_at(text, name, error.pos, f"malformed JSON: {what}") from None
    except RecursionError:
        raise _too_deep(text, name) from None
    except ValueError as error:
        offset = next(_outside_strings(_UNREADABLE, text)).start()
        raise error_at(text, name, offset, f"malformed JSON: {error}") from None
    if isinstance(data, dict | list) and _deeper_than(MAX_DEPTH - 1, data):
        raise _too_deep(text, name)
    source = Source(name, text, data, "json")
    if repeated or extreme:
        source.oddities = tuple(_json_oddities(text, data, repeated, bool(extreme)))
    return source


def _too_deep(text: str, name: str) -> SourceError:
    nesting = 0
    for bracket in _outside_strings(r"[\[{\]}]", text):
        nesting += 1 if bracket[0] in "[{" else -1
        if nesting > MAX_DEPTH:
            return error_at(text, name, bracket.start(), TOO_DEEP)
    return SourceError(name, TOO_DEEP)


_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_UNREADABLE = rf"(?<![-+.eE0-9])-?(?:[0-9]{{{MAX_DIGITS + 1},}}+(?![.eE])|Infinity)|NaN"
TOO_MANY_DIGITS = f"an integer has more digits than the limit of {MAX_DIGITS:,}"


def _outside_strings(pattern: str, text: str) -> Iterator[re.Match[str]]:
    """Matches of `pattern` in JSON text, as far as that is well-formed."""
    return (
        match for match in compiled(f"{_STRING}|{pattern}").finditer(text) if match[0][0] != '"'
    )


TOO_DEEP = f"nested deeper than the limit of {MAX_DEPTH} levels"


def _deeper_than(limit: int, data: Any) -> bool:
    level = [data]
    for _ in range(limit + 1):
        level = [
            child
            for value in level
            for child in (value.values() if type(value) is dict else value)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return False
    return True


def _json_oddities(
    text: str, data: Any, repeated: list[tuple[dict[str, Any], list[str]]], extreme: bool
) -> Iterator[Oddness]:
    repeats = {id(container): keys for container, keys in repeated}
    paths: dict[Path, Oddity] = {}
    stack: list[tuple[Path, Any]] = []
    if isinstance(data, dict | list):
        stack.append(((), data))
    elif extreme:
        paths[()] = Oddity.NUMBER_OUT_OF_RANGE
    while stack:
        path, value = stack.pop()
        for key in repeats.get(id(value), ()):
            paths[(*path, key)] = Oddity.DUPLICATE_KEY
        items: Iterable[tuple[str | int, Any]] = (
            value.items() if isinstance(value, dict) else enumerate(value)
        )
        for step, child in items:
            if isinstance(child, dict | list):
                stack.append(((*path, step), child))
            elif extreme and out_of_range(child):
                paths[(*path, step)] = Oddity.NUMBER_OUT_OF_RANGE
    offsets = _json_offsets(text, set(paths))
    for path, kind in list(paths.items())[:MAX_ODDITIES]:
        first, last = offsets[path][0], offsets[path][-1]
        if kind is Oddity.DUPLICATE_KEY:
            yield Oddness(kind, path, last, str(path[-1]), first)
        else:
            match = _number_of_member(text, last)
            yield Oddness(kind, path, last, match[1] if match else "")


def out_of_range(value: Any) -> bool:
    """A number that no 64-bit integer and no finite double holds."""
    if type(value) is int:
        return not -(2**63) <= value < 2**64
    return type(value) is float and not math.isfinite(value)


_number_of_member = compiled(rf"(?:{_STRING}[ \t\r\n]*:[ \t\r\n]*)?([-+.0-9eE]+)").match
_skip_space = compiled(r"[ \t\r\n]*").match
_skip_value: Any = vars(json.JSONDecoder())["scan_once"]  # in C: (text, start) -> value, end
_scan_string: Any = vars(json_decoder)["scanstring"]  # in C: (text, start) -> string, end


def _json_offsets(text: str, wanted: set[Path]) -> dict[Path, list[int]]:
    """Each wanted path with the offsets of its key or item; more than one if the key is repeated.

    Descends into containers on the way to a wanted path only; all else is skipped at the speed of
    the C scanner. A path that does not exist gets the offsets of its longest existing part; what
    stands inside an earlier value of a repeated key does not exist.
    """
    tree: dict[str | int, Any] = {}
    for path in wanted:
        branch = tree
        for step in path:
            branch = branch.setdefault(step, {})
    found: dict[Path, list[int]] = {(): [_after_space(text, 0)]}
    with without_gc():
        _scan(text, found[()][0], tree, (), found)
    existing: dict[Path, list[int]] = {}
    result = {}
    for path in wanted:
        offsets = found[()]
        for length in range(1, len(path) + 1):
            part = path[:length]
            if part not in existing:
                existing[part] = [each for each in found.get(part, ()) if each > offsets[-1]]
            if not existing[part]:
                break
            offsets = existing[part]
        result[path] = offsets
    return result


def _after_space(text: str, start: int) -> int:
    match = _skip_space(text, start)
    return match.end() if match else start


def _scan(
    text: str, start: int, tree: dict[str | int, Any], path: Path, found: dict[Path, list[int]]
) -> int:
    """Walk the value at `start` as far as `tree` asks; its end."""
    opening = text[start]
    if not tree or opening not in "{[":
        return int(_skip_value(text, start)[1])
    position, index = _after_space(text, start + 1), 0
    while text[position] not in "}]":
        key: str | int = index
        item = position
        if opening == "{":
            key, position = _scan_string(text, position + 1)
            position = _after_space(text, _after_space(text, position) + 1)
        branch = tree.get(key)
        if branch is None:
            position = int(_skip_value(text, position)[1])
        else:
            here = (*path, key)
            found.setdefault(here, []).append(item)
            position = _scan(text, position, branch, here, found)
        position = _after_space(text, position)
        if text[position] == ",":
            position = _after_space(text, position + 1)
        index += 1
    return position + 1


def error_at(text: str, name: str, offset: int, message: str) -> SourceError:
    """A `SourceError` with the line and column of a character offset."""
    return SourceError(name, message, positions(text, [offset])[offset])
