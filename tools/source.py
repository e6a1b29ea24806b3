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
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from json import decoder as json_decoder
from typing import Any, NamedTuple, TypeAlias

MAX_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 256
MAX_ALIASED = 1_000_000  # nodes that aliases would add if written out; 64 characters count as one
MAX_MERGED = 100_000  # keys that merge keys (`<<`) copy
MAX_ODDITIES = 10_000  # that are noted of one document
MAX_DIGITS = 3_500  # of an integer: Python prints no more than 4,300, which is 3,571 hexadecimal
MAX_TAG_PREFIX = 200  # characters that a %TAG directive adds to each tag

Path: TypeAlias = tuple[str | int, ...]


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
        """Line and column of each character offset, in one pass over the text."""
        text, result = self.text, {}
        line, start, reached = 1, 0, 0
        for offset in sorted(set(offsets)):
            if breaks := _breaks(text, reached, offset):
                line += breaks
                last = max(text.rfind("\n", reached, offset), text.rfind("\r", reached, offset))
                start = last + 1
            result[offset] = Position(line, offset - start + 1)
            reached = offset
        return result

    def _recorded(self, path: Path) -> int:
        assert self._offsets is not None
        offset, value = self._offsets[-1], self.data
        for step in path:
            try:
                offset, value = self._offsets[id(value)][step], value[step]
            except (KeyError, IndexError, TypeError):
                break
        return int(offset)


def _breaks(text: str, start: int, end: int) -> int:
    return (
        text.count("\n", start, end) + text.count("\r", start, end) - text.count("\r\n", start, end)
    )


def load(content: str | bytes, name: str) -> Source:
    """Parse JSON or YAML; which one is told by the name's ending, else by the first character.

    Raises `SourceError` on undecodable, empty, malformed, multi-document or oversized input.
    """
    text = _decode(content, name)
    ending = name.rpartition(".")[2].lower()
    looks_like_json = text.lstrip()[:1] in ("{", "[")
    with _without_gc():
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
            return _load_yaml(text, name)
        except SourceError:
            if malformed_json:
                return _load_json(text, name)  # its message fits what the text looks like
            raise


@contextmanager
def _without_gc() -> Iterator[None]:
    """Parsing allocates containers only, so collecting amid it finds nothing: it costs a third."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _decode(content: str | bytes, name: str) -> str:
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
                raise ValueError(_TOO_MANY_DIGITS)
            if _out_of_range(int(literal)):
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
        raise _error(text, name, error.pos, f"malformed JSON: {what}") from None
    except RecursionError:
        raise _too_deep(text, name) from None
    except ValueError as error:
        offset = next(_outside_strings(_UNREADABLE, text)).start()
        raise _error(text, name, offset, f"malformed JSON: {error}") from None
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
            return _error(text, name, bracket.start(), _TOO_DEEP)
    return SourceError(name, _TOO_DEEP)


_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_UNREADABLE = rf"(?<![-+.eE0-9])-?(?:[0-9]{{{MAX_DIGITS + 1},}}+(?![.eE])|Infinity)|NaN"
_TOO_MANY_DIGITS = f"an integer has more digits than the limit of {MAX_DIGITS:,}"


def _outside_strings(pattern: str, text: str) -> Iterator[re.Match[str]]:
    """Matches of `pattern` in JSON text, as far as that is well-formed."""
    return (match for match in re.finditer(f"{_STRING}|{pattern}", text) if match[0][0] != '"')


_TOO_DEEP = f"nested deeper than the limit of {MAX_DEPTH} levels"


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
            elif extreme and _out_of_range(child):
                paths[(*path, step)] = Oddity.NUMBER_OUT_OF_RANGE
    offsets = _json_offsets(text, set(paths))
    for path, kind in list(paths.items())[:MAX_ODDITIES]:
        first, last = offsets[path][0], offsets[path][-1]
        if kind is Oddity.DUPLICATE_KEY:
            yield Oddness(kind, path, last, str(path[-1]), first)
        else:
            match = _number_of_member(text, last)
            yield Oddness(kind, path, last, match[1] if match else "")


def _out_of_range(value: Any) -> bool:
    """A number that no 64-bit integer and no finite double holds."""
    if type(value) is int:
        return not -(2**63) <= value < 2**64
    return type(value) is float and not math.isfinite(value)


_number_of_member = re.compile(rf"(?:{_STRING}[ \t\r\n]*:[ \t\r\n]*)?([-+.0-9eE]+)").match
_skip_space = re.compile(r"[ \t\r\n]*").match
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
    with _without_gc():
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


# YAML

_YAML_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_YAML_BOOL = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_YAML_INT = re.compile(r"[-+]?[0-9]+\Z").match
_YAML_BASED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z").match
_YAML_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z").match
_YAML_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z").match
_YAML_11 = re.compile(
    r"(?P<boolean>(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)\Z)"
    r"|(?P<octal>[-+]?0[0-7_]*[0-7]\Z)"
    r"|(?P<binary>[-+]?0b[01_]+\Z)"
    r"|(?P<grouped>[-+]?[1-9][0-9]*(?:_[0-9]+)+\Z)"
    r"|(?P<sexagesimal>[-+]?[1-9][0-9]*(?::[0-5]?[0-9])+\Z)"
).match


def core_scalar(text: str) -> Any:
    """A plain scalar by the core schema of YAML 1.2.2, section 10.3.2.

    Raises `ValueError` on an integer of too many digits.
    """
    if text in _YAML_NULL:
        return None
    if text in _YAML_BOOL:
        return _YAML_BOOL[text]
    if text[0] not in "0123456789+-.":
        return text
    if _YAML_INT(text) or _YAML_BASED(text):
        if len(text) > MAX_DIGITS:
            raise ValueError(_TOO_MANY_DIGITS)
        return int(text, 0 if text[1:2] in ("o", "x") else 10)
    if _YAML_FLOAT(text):
        return float(text)
    if _YAML_SPECIAL(text):
        return float(text.replace(".", "", 1).lower())
    return text


def yaml_11_kind(text: str) -> str:
    """What a YAML 1.1 parser would take a plain scalar for, where 1.2 differs; else empty."""
    match = _YAML_11(text)
    return match.lastgroup or "" if match else ""


_YAML_TYPES = {"null": type(None), "bool": bool, "int": int, "float": float}
_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAKS_OF_11, _STAND_INS = "\x85\u2028\u2029", "\ufdd0\ufdd1\ufdd2"
_KEY_NOT_SCALAR = "a mapping key must be a scalar"


def _load_yaml(text: str, name: str) -> Source:
    return _YamlBuilder(text, name).build()


def _events(parser: Callable[[str], Any], text: str) -> Callable[[], Any]:
    """The parser's next event, at each call.

    NEL, LS and PS end a line for libyaml (YAML 1.1) but are ordinary characters in 1.2, so it is
    shown noncharacters instead, which Unicode keeps for internal use.
    """
    if not any(character in text for character in _BREAKS_OF_11):
        return parser(text).get_event  # type: ignore[no-any-return]
    next_event = parser(text.translate(str.maketrans(_BREAKS_OF_11, _STAND_INS))).get_event

    def restored() -> Any:
        event = next_event()
        if hasattr(event, "value"):
            event.value = event.value.translate(str.maketrans(_STAND_INS, _BREAKS_OF_11))
        return event

    return restored


class _Anchored(NamedTuple):
    """What an alias stands for; its size and height are those with all aliases written out."""

    value: Any
    text: str | None  # of a scalar, for an alias that is a key
    size: int
    height: int


class _YamlBuilder:
    """Data, offsets and oddities from libyaml's events, in one pass and without recursion."""

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = text, name
        self.oddities: list[Oddness] = []
        self.offsets: dict[int, Any] = {}  # by id of container: key -> offset, or item offsets
        self.anchors: dict[str, Any] = {}  # `_Anchored`, or the event of a container still open
        self.odd: dict[str, Oddity] = {}  # plain scalars worth a note wherever they stand
        self.steps: list[str | int] = []  # keys and indexes of the open containers
        self.aliased = self.merged = 0

    def build(self) -> Source:
        """Raises `SourceError` with the place."""
        import yaml
        from yaml.cyaml import CParser  # type: ignore[attr-defined]

        try:
            return self._build(_events(CParser, self.text))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            offset = min(mark.index, len(self.text)) if mark else 0
            raise self._error(offset, self._explain(error, offset)) from None
        except (yaml.reader.ReaderError, UnicodeEncodeError):
            character = _NOT_YAML.search(self.text)
            problem = (
                "a control character or unpaired surrogate is not allowed in YAML;"
                " write it as an escape in a double-quoted string"
            )
            raise self._error(character.start() if character else 0, problem) from None

    def _build(self, next_event: Callable[[], Any]) -> Source:
        from yaml import events

        scalar_event, alias_event = events.ScalarEvent, events.AliasEvent
        map_start, list_start = events.MappingStartEvent, events.SequenceStartEvent
        map_end, list_end = events.MappingEndEvent, events.SequenceEndEvent
        steps, odd = self.steps, self.odd
        plain: dict[str, Any] = {}
        missing = object()
        stack: list[tuple[Any, ...]] = []
        root: Any = None
        documents = 0
        # The open container: itself, whether a mapping, its offsets, the key that waits for its
        # value with that key's offset, the nodes and levels below it, whether it has a merge key.
        current: Any = None
        is_map = False
        places: Any = None
        key: str | None = None
        place = below = height = 0
        merges = False

        while True:
            event = next_event()
            kind = type(event)
            if kind is scalar_event:
                text = event.value
                if is_map and key is None:
                    key, place = text, event.start_mark.index
                    if event.anchor:
                        self._anchor(event, self._scalar(event, text))
                    if text in current:
                        self._note(Oddity.DUPLICATE_KEY, text, place, text, places[text])
                    merges = merges or (text == "<<" and event.implicit[0])
                    continue
                if not event.tag and not event.style:
                    value = plain.get(text, missing)
                    if value is missing:
                        value = plain[text] = self._plain(text, event)
                    if text in odd:
                        step = key if is_map else len(current or ())
                        self._note(odd[text], step, event.start_mark.index, text)
                else:
                    value = self._scalar(event, key if is_map else len(current or ()))
                if event.anchor:
                    self._anchor(event, value)
            elif kind is map_start or kind is list_start:
                if len(stack) >= MAX_DEPTH:
                    raise self._error(event.start_mark.index, _TOO_DEEP)
                if is_map and key is None:
                    raise self._error(event.start_mark.index, _KEY_NOT_SCALAR)
                step = key if is_map and key is not None else len(current or ())
                self._check_tag(event, step)
                if event.anchor:
                    self.anchors[event.anchor] = event
                steps.append(step)
                stack.append((current, is_map, places, key, place, below, height, merges, event))
                current, is_map = ({}, True) if kind is map_start else ([], False)
                self.offsets[id(current)] = places = type(current)()
                key, below, height, merges = None, 0, 0, False
                continue
            elif kind is map_end or kind is list_end:
                if merges:
                    self._merge(current, places)
                value, closing = current, event
                size, tall = 1 + len(current) + below, height + 1
                current, is_map, places, key, place, below, height, merges, event = stack.pop()
                steps.pop()
                if event.anchor and self.anchors[event.anchor] is event:  # not reused within
                    size = max(size, (closing.end_mark.index - event.start_mark.index) // 64)
                    self.anchors[event.anchor] = _Anchored(value, None, size, tall)
                below += size
                if tall > height:
                    height = tall
            elif kind is alias_event:
                value, text, size, tall = self._alias(event, len(stack))
                if is_map and key is None:
                    if text is None:
                        raise self._error(event.start_mark.index, _KEY_NOT_SCALAR)
                    key, place = text, event.start_mark.index
                    if key in current:
                        self._note(Oddity.DUPLICATE_KEY, key, place, key, places[key])
                    continue
                below += size
                height = max(height, tall)
            elif kind is events.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    problem = "a second YAML document starts here; one is expected"
                    raise self._error(event.start_mark.index, problem)
                if any(len(prefix) > MAX_TAG_PREFIX for prefix in (event.tags or {}).values()):
                    problem = f"a %TAG prefix is over the limit of {MAX_TAG_PREFIX} characters"
                    raise self._error(event.start_mark.index, problem)
                continue
            elif kind is events.StreamEndEvent:
                break
            else:
                continue

            if is_map:
                current[key] = value
                places[key] = place
                key = None
            elif current is not None:
                current.append(value)
                places.append(event.start_mark.index)
            else:
                root = value
                self.offsets[-1] = event.start_mark.index
        if not documents:
            raise SourceError(self.name, "the document is empty")
        return Source(self.name, self.text, root, "yaml", tuple(self.oddities), self.offsets)

    def _plain(self, text: str, event: Any) -> Any:
        try:
            value = core_scalar(text)
        except ValueError as error:
            raise self._error(event.start_mark.index, str(error)) from None
        if yaml_11_kind(text):
            self.odd[text] = Oddity.AMBIGUOUS_SCALAR
        elif _out_of_range(value):
            self.odd[text] = Oddity.NUMBER_OUT_OF_RANGE
        return value

    def _scalar(self, event: Any, step: str | int | None) -> Any:
        """A scalar that is quoted, tagged, or an anchored key."""
        text = event.value
        if not event.tag:
            return text if event.style else self._plain(text, event)
        self._check_tag(event, step)
        kind = event.tag.removeprefix("tag:yaml.org,2002:")
        if kind not in _YAML_TYPES:
            return text
        value = self._plain(text, event)
        if self.odd.get(text) is Oddity.NUMBER_OUT_OF_RANGE:
            self._note(Oddity.NUMBER_OUT_OF_RANGE, step, event.start_mark.index, text)
        if kind == "float" and type(value) is int and _YAML_FLOAT(text):
            return float(text)
        return value if type(value) is _YAML_TYPES[kind] else text

    def _check_tag(self, event: Any, step: str | int | None) -> None:
        if event.tag and event.tag != "!" and not event.tag.startswith("tag:yaml.org,2002:"):
            self._note(Oddity.UNKNOWN_TAG, step, event.start_mark.index, event.tag)

    def _anchor(self, event: Any, value: Any) -> None:
        text = event.value
        self.anchors[event.anchor] = _Anchored(value, text, 1 + len(text) // 64, 0)

    def _alias(self, event: Any, depth: int) -> _Anchored:
        anchored, offset = self.anchors.get(event.anchor), event.start_mark.index
        if anchored is None:
            raise self._error(offset, "this alias has no anchor before it")
        if not isinstance(anchored, _Anchored):
            raise self._error(offset, "this alias contains itself")
        if depth + anchored.height > MAX_DEPTH:
            raise self._error(offset, f"{_TOO_DEEP}, aliases written out")
        self.aliased += anchored.size
        if self.aliased > MAX_ALIASED:
            problem = f"aliases expand to more than the limit of {MAX_ALIASED:,} nodes"
            raise self._error(offset, problem)
        return anchored

    def _merge(self, target: dict[str, Any], places: dict[str, int]) -> None:
        """Apply `<<`: keys of the mapping itself win, then earlier merged mappings."""
        merged = target["<<"]
        parts = merged if isinstance(merged, list) else [merged]
        if not all(isinstance(part, dict) for part in parts):
            return  # an ordinary key in YAML 1.2
        offset = places.pop("<<")
        del target["<<"]
        for part in parts:
            self.merged += len(part)
            if self.merged > MAX_MERGED:
                problem = f"merge keys copy more than the limit of {MAX_MERGED:,} keys"
                raise self._error(offset, problem)
            for key, value in part.items():
                if key not in target:
                    target[key] = value
                    places[key] = self.offsets[id(part)][key]

    def _note(
        self, kind: Oddity, step: str | int | None, offset: int, text: str, first: int | None = None
    ) -> None:
        if len(self.oddities) >= MAX_ODDITIES:
            return
        path: Path = (*self.steps[1:], step) if self.steps and step is not None else ()
        self.oddities.append(Oddness(kind, path, offset, text, first))

    def _explain(self, error: Any, offset: int) -> str:
        """libyaml's fixed phrase, or what is usually behind it."""
        if self.text[offset : offset + 1] == "\t":
            return "malformed YAML: a tab is used for indentation; use spaces"
        return f"malformed YAML: {error.problem or error.context}"

    def _error(self, offset: int, message: str) -> SourceError:
        return _error(self.text, self.name, offset, message)


def _error(text: str, name: str, offset: int, message: str) -> SourceError:
    position = Source(name, text, None, "").positions([offset])[offset]
    return SourceError(name, message, position)
