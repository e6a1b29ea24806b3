"""YAML text to plain data and the offset of every key and item, from libyaml's events.

Scalars are resolved by the core schema of YAML 1.2.2; libyaml itself is a 1.1 parser, and where it
differs from 1.2 this module says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from .source import (
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_ODDITIES,
    TOO_DEEP,
    TOO_MANY_DIGITS,
    Oddity,
    Oddness,
    Path,
    Source,
    SourceError,
    error_at,
    out_of_range,
)

MAX_ALIASED = 1_000_000  # nodes that aliases would add if written out; 64 characters count as one
MAX_MERGED = 100_000  # keys that merge keys (`<<`) copy
MAX_TAG_PREFIX = 200  # characters that a %TAG directive adds to each tag

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
            raise ValueError(TOO_MANY_DIGITS)
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


def load_yaml(text: str, name: str) -> Source:
    """Parse YAML text. Raises `SourceError`."""
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
                    raise self._error(event.start_mark.index, TOO_DEEP)
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
        elif out_of_range(value):
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
            raise self._error(offset, f"{TOO_DEEP}, aliases written out")
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
        return error_at(self.text, self.name, offset, message)
