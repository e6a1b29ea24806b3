"""Documents: the data, places, oddities, errors and limits of `tools/source.py`."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator
from io import StringIO
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from backend_architect.tools.source import MAX_BYTES, Oddity, Path, Position, SourceError, load

modest = settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
layouts = st.randoms(use_true_random=False)
newlines = st.sampled_from(["\n", "\r\n", "\r"])
boms = st.sampled_from(["", "\ufeff"])
texts = st.text(max_size=8) | st.sampled_from(
    ["", " ", "a/b~c", "😀", "\ufeff", "x\x85y", "\u2028", "# no", "- no", "no: no", "\t", "it's"]
)
PLAIN_KEYS = ["a", "b", "name", "200", "-1", "é", "😀", "on"]
keys = st.sampled_from(PLAIN_KEYS) | texts.filter(lambda text: text != "<<")
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)
    )


values = nested(st.none() | st.booleans() | numbers | texts)


def typed(value: Any) -> Any:
    """For comparing: 1, 1.0 and True differ, NaN equals itself, the order of keys is ignored."""
    if isinstance(value, dict):
        return {key: typed(child) for key, child in value.items()}
    return [typed(child) for child in value] if isinstance(value, list) else repr(value)


def steps_of(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def paths_of(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    for step, child in steps_of(value):
        yield from paths_of(child, (*path, step))


def place_of(text: str, offset: int) -> Position:
    lines = re.split("\r\n|\r|\n", text[:offset])
    return Position(len(lines), len(lines[-1]) + 1)


def refusal(content: str | bytes, name: str) -> str:
    """The message without the name; empty if it can be read."""
    try:
        load(content, name)
    except SourceError as error:
        return str(error).removeprefix(f"{name}:").lstrip()
    return ""


class Writer:
    """Writes a document and notes for each path the offset at which a person would point."""

    def __init__(self, layout: Random, newline: str = "\n") -> None:
        self.layout, self.newline, self.text = layout, newline, ""
        self.places: dict[Path, int] = {}
        self.anchored: dict[str, tuple[Path, bool]] = {}  # of complete nodes: path, if a mapping

    def write(self, text: str) -> None:
        self.text += text.replace("\n", self.newline)

    def choice(self, *options: str) -> str:
        return self.layout.choice(options)

    def odds(self, one_in: int) -> bool:
        return self.layout.randrange(one_in) == 0

    def expected(self) -> dict[Path, Position]:
        return {path: place_of(self.text, offset) for path, offset in self.places.items()}


# JSON


class JsonWriter(Writer):
    """Any layout, any escapes, and now and then a key that is written again later."""

    def document(self, value: Any) -> None:
        self.write(self.space())
        self.places[()] = len(self.text)
        self.value(value, ())
        self.write(self.space())

    def space(self) -> str:
        return self.choice("", "", " ", "\n", "\t", "\n   ", " \n\n ")

    def string(self, value: str) -> str:
        if self.odds(3):
            units = value.encode("utf-16-be", "surrogatepass").hex()
            return '"' + re.sub("....", r"\\u\g<0>", units) + '"'
        return json.dumps(value, ensure_ascii=self.odds(2))

    def value(self, value: Any, path: Path) -> None:
        if not isinstance(value, dict | list):
            self.write(self.string(value) if isinstance(value, str) else json.dumps(value))
            return
        steps = steps_of(value)
        if isinstance(value, dict) and steps and self.odds(4):
            steps.insert(0, (steps[-1][0], {"superseded": [1], steps[-1][0]: steps[0][1]}))
        for index, (step, child) in enumerate(steps):
            self.write(("," if index else "{" if isinstance(value, dict) else "[") + self.space())
            here = (*path, step)
            self.places = {p: at for p, at in self.places.items() if p[: len(here)] != here}
            self.places[here] = len(self.text)
            if isinstance(step, str):
                self.write(f"{self.string(step)}{self.space()}:{self.space()}")
            self.value(child, here)
            self.write(self.space())
        empty = "{}" if isinstance(value, dict) else "[]"
        self.write(empty[1] if steps else empty)


@modest
@given(values | nested(st.just("\udc00\ud800")), layouts, newlines, boms)
def test_json_has_the_data_of_the_standard_library_and_a_place_for_every_path(
    value: Any, layout: Random, newline: str, bom: str
) -> None:
    document = JsonWriter(layout, newline)
    document.document(value)
    loaded = load(bom + document.text, "x.json")
    assert typed(loaded.data) == typed(json.loads(document.text)) == typed(value)
    assert loaded.locate(paths_of(value)) == document.expected()


# YAML


def ruamel(text: str) -> Any:
    """The data by ruamel.yaml, version 1.2, with keys turned to strings.

    It differs from the core schema, and these are kept out of generated documents and tested by
    hand below: `1_000`, `0b1`, `-0x1F` and `+0o7` are integers to it, `2001-01-01` is a date, `=`
    is an error, `! 12` is a number, `!!binary` is decoded, `<<` must be a mapping; NEL, LS and PS
    are line breaks. A key like `null` or `1.0` is no longer as written once it is data.
    """
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 2)
    return with_string_keys(reader.load(re.sub("\r\n?", "\n", text)))


def with_string_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): with_string_keys(child) for key, child in value.items()}
    return [with_string_keys(child) for child in value] if isinstance(value, list) else value


CORE_SCHEMA: dict[str, Any] = {  # YAML 1.2.2, section 10.3.2, row by row; then near misses
    **dict.fromkeys(["null", "Null", "NULL", "~"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
    "0": 0, "-0": 0, "+12": 12, "-19": -19, "007": 7, "08": 8, "010": 10, "0o7": 7, "0o14": 12,
    "0x3A": 58, "0xfF": 255, "0.": 0.0, "-0.0": -0.0, ".5": 0.5, "5.": 5.0, "+12e03": 12e3,
    "-2E+05": -2e5, "1.5e-2": 0.015,
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "1e999"], math.inf),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF", "-1e999"], -math.inf),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], math.nan),
    **{text: text for text in (  # noqa: SIM905
        "nUll tRUE fALSE yes no on off y n 1_000 0b1 1:30 -0x1F +0o7 0o8 0xG 0x . -.nan .iNF inf "
        "nan 1e e3 1.2.3 --1 +-1 0X1F 0O7 1,5 2001-01-01 2001-12-14T21:59:43Z = ._1 1._0 ٣ Infinity"
    ).split()},
}  # fmt: skip
PLAIN = (  # noqa: SIM905
    "word|two words|a#b|x:y|-a|h://h:1/p#f|é😀|no|off|1:30|~|null|True|FALSE|0|-12|+3|010|0o17|"
    "0x1F|1.5|.5|-2E+05|.inf|-.INF|.nan|1e999|99999999999999999999|..|<"
).split("|")


@pytest.mark.parametrize("text", CORE_SCHEMA)
def test_a_plain_scalar_follows_the_core_schema(text: str) -> None:
    written = f"{text}: {text} # c\nq: '{text}'\nt: !!str {text}\nu: ! {text}\nl:\n- {text}"
    value = CORE_SCHEMA[text]
    expected = {text: value, "q": text, "t": text, "u": text, "l": [value]}
    assert typed(load(written, "x").data) == typed(expected)


class YamlWriter(Writer):
    """The shape of a value as YAML in every style; scalars of all kinds stand in for its scalars.

    The expected places follow aliases and merge keys to where a key is written.
    """

    def document(self, value: Any) -> None:
        self.write(self.choice("", "# 😀 {\n", "---", "--- # [\n", "%YAML 1.2\n---", "\n \n"))
        self.node(value, (), 0)
        self.write(self.choice("", "\n", "\n# end", "\n...\n", "\n...\n# end\n"))

    def node(self, value: Any, path: Path, indent: int, in_flow: bool = False) -> None:
        """What follows `key:`, `-`, `[`, a comma or the start: a space, properties, the value."""
        if self.anchored and self.odds(4):
            name = self.choice(*self.anchored)
            self.point(path, f" *{name} ")
            self.places |= self.below(name, path)
            return
        anchor = f" &a{len(self.text)} " if self.odds(4) else " "
        if not isinstance(value, dict | list):
            self.scalar(anchor, value, path, indent, in_flow)
        elif not value or in_flow or self.odds(4):
            self.flow(anchor, value, path, indent)
        else:
            self.block(anchor, value, path, indent)
        if anchor != " ":
            self.anchored[anchor[2:-1]] = (path, isinstance(value, dict))

    def point(self, path: Path, text: str) -> None:
        """Writes; an item's place is its first character, a member's is its key, noted there."""
        if not path or isinstance(path[-1], int):
            self.places[path] = len(self.text) + len(text) - len(text.lstrip())
        self.write(text)

    def below(self, name: str, path: Path) -> dict[Path, int]:
        """The places below an anchored node, as paths below another that stands for it."""
        target, length = self.anchored[name][0], len(self.anchored[name][0])
        inside = [each for each in self.places if len(each) > length and each[:length] == target]
        return {path + each[length:]: self.places[each] for each in inside}

    def scalar(self, anchor: str, text: str, path: Path, indent: int, in_flow: bool) -> None:
        tag = self.choice("", "", "", "!!str ")
        if not in_flow and self.odds(5):
            self.point(path, f"{anchor}{tag}{self.choice('|', '>', '|-', '>+')}")
            more = self.layout.choices(["x: y", "# no comment", "- 'z", "  more", ""], k=3)
            self.write("".join(f"\n{' ' * indent}  {line}" for line in ["1", *more, "😀"]))
        else:
            written = self.choice(self.quoted(text), self.choice(*PLAIN))
            self.point(path, f"{anchor}{tag}{written}")
            self.write("" if in_flow else self.choice("", "", " # 😀: comment"))

    def quoted(self, text: str) -> str:
        """Single quotes, or double quotes with escapes."""
        if self.odds(2) and re.fullmatch("[\t\x20-\x7e\xa0-\u2027😀]*", text):
            return "'" + text.replace("'", "''") + "'"
        as_it_is = re.compile(r"[\t !#-\[\]-~\xa0-\u2027😀]").match
        escaped = (
            each if as_it_is(each) and not self.odds(4) else f"\\U{ord(each):08x}" for each in text
        )
        return f'"{"".join(escaped)}"'

    def key(self, path: Path) -> None:
        self.places[path], key = len(self.text), str(path[-1])
        self.write(key if key in PLAIN_KEYS and self.odds(2) else self.quoted(key))

    def flow(self, anchor: str, value: Any, path: Path, indent: int) -> None:
        self.point(path, anchor + ("{" if isinstance(value, dict) else "["))
        for step, child in steps_of(value):
            self.write(self.choice("", " ", " # ]\n" + " " * (indent + 5), "\n " + " " * indent))
            if isinstance(step, str):
                self.key((*path, step))
                self.write(self.choice(":", " :"))
            self.node(child, (*path, step), indent, in_flow=True)
            self.write(self.choice(",", " ,"))
        self.write("}" if isinstance(value, dict) else "]")

    def block(self, anchor: str, value: Any, path: Path, indent: int) -> None:
        is_map, is_member = isinstance(value, dict), path and isinstance(path[-1], str)
        inner = indent + 2
        if anchor != " ":
            self.point(path, anchor)
        if anchor != " " or not path or is_member or self.odds(3):
            step = self.layout.choice([1, 2, 4, 0 if is_member and not is_map else 3])
            inner = indent + step if path else 0
            self.write(self.choice("\n", " # {\n", "\n\n") + " " * inner)
        else:
            self.write(" ")
        if anchor == " ":
            self.point(path, "")
        merged: list[str] = []
        for index, (step, child) in enumerate(steps_of(value)):
            if index:
                self.write(self.choice("\n", "\n\n", "\n# 😀 - comment: {\n") + " " * inner)
            mappings = [name for name, (_, mapping) in self.anchored.items() if mapping]
            if is_map and mappings and not merged and self.odds(2):
                merged = self.layout.choices(mappings, k=self.layout.randint(1, 2))
                names = ", ".join(f"*{name} " for name in merged)
                self.write(f"<<: {names if len(merged) == 1 else f'[{names}]'}\n{' ' * inner}")
            if is_map:
                explicit = self.odds(6)
                self.write("? " if explicit else "")
                self.key((*path, step))
            self.write("-" if not is_map else f"\n{' ' * inner}:" if explicit else ":")
            self.node(child, (*path, step), inner)
        taken = {step for step, _ in steps_of(value)}
        for name in merged:
            members = self.below(name, path)
            self.places |= {p: at for p, at in members.items() if p[len(path)] not in taken}
            taken |= {p[len(path)] for p in members}


@modest
@given(nested(texts), layouts, newlines, boms)
def test_hand_written_yaml_has_the_data_of_ruamel_and_a_place_for_every_path(
    shape: Any, layout: Random, newline: str, bom: str
) -> None:
    document = YamlWriter(layout, newline)
    document.document(shape)
    loaded = load(bom + document.text, "x.yaml")
    assert typed(loaded.data) == typed(ruamel(document.text))
    assert loaded.locate(paths_of(loaded.data)) == document.expected()


@modest
@given(values, layouts, newlines)
def test_dumped_yaml_has_the_data_of_ruamel(value: Any, layout: Random, newline: str) -> None:
    # Raw line breaks of YAML 1.1; and libyaml refuses a plain scalar with : or ? first in flow.
    assume(not re.search('[\x85\u2028\u2029]|"[:?]', json.dumps(value, ensure_ascii=False)))
    style, flow = layout.choice([None, '"', "'", "|", ">"]), layout.choice([True, False, None])
    dumped = yaml.safe_dump(
        value, default_style=style, default_flow_style=flow, width=20, allow_unicode=True,
        line_break=newline, explicit_start=layout.random() < 0.5,
    )  # fmt: skip
    YAML(typ="safe", pure=True).dump(value, by_ruamel := StringIO())
    for text in (dumped, by_ruamel.getvalue()):
        assert typed(load(text, "x.yaml").data) == typed(ruamel(text))


CORNERS: list[tuple[str, Any]] = [
    ("[!!int '12', !!float 1, !!null '', !!bool 'true']", [12, 1.0, None, True]),
    ("[!!int 'true', !!bool yes, !!str , !!binary aGk=]", ["true", "yes", "", "aGk="]),
    ("- !<tag:yaml.org,2002:str> 1\n- !!seq [!!map {}]", ["1", [{}]]),
    ("a:\nb: ~\nc: ''\nd:\n-\n- e:", {"a": None, "b": None, "c": "", "d": [None, {"e": None}]}),
    ("[a: 1, {b, c: , d: 2}]", [{"a": 1}, {"b": None, "c": None, "d": 2}]),
    ("{\"a\":1,'b':2,\n\tc: 3}", {"a": 1, "b": 2, "c": 3}),
    ("? a\n: - 1\n? b\n? |\n  c\n: 2", {"a": [1], "b": None, "c\n": 2}),
    ("a: 'x\n\n  y'\nb: \"x\\\n  y\"\nc: x\n  y", {"a": "x\ny", "b": "xy", "c": "x y"}),
    ("a: |2-\n   x\nb: >+\n  y\n\n", {"a": " x", "b": "y\n\n"}), ("--- |\n  x", "x"), ("---", None),
    ("%YAML 1.2\n---\na: 1 # b\n...\n# end", {"a": 1}), ("--- # a\n- 1\n...\n...\n", [1]),
    ("[&a 1, *a, &a x, *a]", [1, 1, "x", "x"]), ("[&a [&a x, *a], *a]", [["x", "x"], "x"]),
    ("{&a 1: x, b: *a, c: &c 2, *c : y}", {"1": "x", "b": 1, "c": 2, "2": "y"}),
    ("x: &a\ny: *a", {"x": None, "y": None}), ("&a x: {*a : *a }", {"x": {"x": "x"}}),
    ("- &a {x: 1}\n- {<<: *a, x: 2, y: 3}", [{"x": 1}, {"x": 2, "y": 3}]),
    ("a: &a {x: 1}\nb: {<<: [*a, {x: 2, y: 3}]}", {"a": {"x": 1}, "b": {"x": 1, "y": 3}}),
    ("- &a {x: 1}\n- &b {<<: *a}\n- <<: *b\n  y: 1", [{"x": 1}, {"x": 1}, {"x": 1, "y": 1}]),
    ("<<: {a: 1}\n<<: {b: 2, c: 3}\nb: 4", {"b": 4, "c": 3}), ("<<: []\na: <<", {"a": "<<"}),
    ("- <<: 1\n- <<:\n- <<: [{a: 1}, 2]", [{"<<": 1}, {"<<": None}, {"<<": [{"a": 1}, 2]}]),
    *((f"a: x{nl}b # y{nl}c: 1\nd: |\n  e{nl}f\ng: ['{nl} ', \"{nl}\"]",
       {"a": f"x{nl}b", "d": f"e{nl}f\n", "g": [f"{nl} ", nl]})
      for nl in "\x85\u2028\u2029"),  # line breaks of YAML 1.1 are ordinary characters
    ("- '<<': {a: 1}\n- !!str <<: {a: 1}", [{"<<": {"a": 1}}, {"<<": {"a": 1}}]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "data"), CORNERS)
def test_yaml_corners(text: str, data: Any) -> None:
    assert typed(load(text, "x.yaml").data) == typed(data)


# Places that the writers above do not produce. Without an ending, JSON is tried first.

PLACES: list[tuple[str, Path, tuple[int, int]]] = [
    ('{"a": 1, "\\u0061": 2}', ("a",), (1, 10)), ("a: 1\nb: 2\na: 3", ("a",), (3, 1)),
    ('{"a": {"b": 1},\r "a": {"c": 2}}', ("a", "b"), (2, 2)),
    ("a: {b: 1}\na: {c: 2}", ("a", "b"), (2, 1)),
    ('{"a": [{}]}', ("a", 0, "b", 3, "c"), (1, 8)), ("a: [{}]", ("a", 0, "b", 3, "c"), (1, 5)),
    ('{"a": "text"}', ("a", 0), (1, 2)), ("a: text", ("a", 0), (1, 1)),
    ("\ufeff\n [1]", ("a",), (2, 2)), ("\ufeff# c\r\r\n x: 1", ("y",), (3, 2)),
    ("a: &a {k: 1}\nb:\n  <<: *a", ("b", "<<"), (2, 1)), ("a: {<<: {k: 1}}", ("a", "k"), (1, 10)),
    ("a: &a k\n*a : 1", ("k",), (2, 1)), ("-\n- x", (0,), (1, 2)),
    ("a: 'x\u2028y'  # \u2029\nb: ['\x85', 1]", ("b", 1), (2, 10)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "place"), PLACES)
def test_places(text: str, path: Path, place: tuple[int, int]) -> None:
    assert load(text, "x").locate([path]) == {path: place}


# Oddities


def oddities(text: str, name: str = "x") -> list[tuple[Any, ...]]:
    """Kind, path, text, place, and the earlier place if there is one."""
    return [
        (odd.kind, odd.path, odd.text, place_of(text, odd.offset))
        + (() if odd.earlier is None else (place_of(text, odd.earlier),))
        for odd in load(text, name).oddities
    ]


TWICE, TAG, AMBIGUOUS = Oddity.DUPLICATE_KEY, Oddity.UNKNOWN_TAG, Oddity.AMBIGUOUS_SCALAR
HUGE = Oddity.NUMBER_OUT_OF_RANGE
ODDITIES: list[tuple[str, list[Any]]] = [
    ('{"a": 1, "b": 2,\n"a": 3}', [(TWICE, ("a",), "a", (2, 1), (1, 2))]),
    ('[{"a": 1, "a": 2, "\\u0061": 3}]', [(TWICE, (0, "a"), "a", (1, 19), (1, 3))]),
    ('{"p": {"a": 1}, "p": {"a": 2, "a": 3}}',
     [(TWICE, ("p",), "p", (1, 17), (1, 2)), (TWICE, ("p", "a"), "a", (1, 31), (1, 23))]),
    ("a: 1\nb: 2\n'a': 3", [(TWICE, ("a",), "a", (3, 1), (1, 1))]),
    ("- {a: 1, a: 2, a: 3}",
     [(TWICE, (0, "a"), "a", (1, 10), (1, 4)), (TWICE, (0, "a"), "a", (1, 16), (1, 10))]),
    ("&k a: 1\n*k : 2", [(TWICE, ("a",), "a", (2, 1), (1, 1))]),
    ("1: a\n'1': b", [(TWICE, ("1",), "1", (2, 1), (1, 1))]),
    ("<<: {a: 1}\n<<: {b: 2}", [(TWICE, ("<<",), "<<", (2, 1), (1, 1))]),
    ("a: &a {k: 1}\nb: {k: 2, <<: *a}", []),
    ("a: !Ref x", [(TAG, ("a",), "!Ref", (1, 4))]),
    ("!x\na: 1", [(TAG, (), "!x", (1, 1))]),
    ("- !Sub [x]\n- !Map {a: 1}", [(TAG, (0,), "!Sub", (1, 3)), (TAG, (1,), "!Map", (2, 3))]),
    ("%TAG !e! tag:e.org:\n---\n- !e!t x", [(TAG, (0,), "tag:e.org:t", (3, 3))]),
    ("- !!set {a: b}\n- !!seq []\n- ! x", []),
    ("[true, null, 0, 10, -1.5, nope, 1:60x, a_b, 0x1F, '', ~]", []),
    ('{"a": [-9223372036854775808, 18446744073709551615, 1.5e308,\n 18446744073709551616]}',
     [(HUGE, ("a", 3), "18446744073709551616", (2, 2))]),
    ('{"a" :\n -1e999}', [(HUGE, ("a",), "-1e999", (1, 2))]),
    ("- .inf\n- [-9223372036854775808, 1.5e308]\n- -9223372036854775809",
     [(HUGE, (0,), ".inf", (1, 3)), (HUGE, (2,), "-9223372036854775809", (3, 3))]),
    ("- !!int '99999999999999999999'", [(HUGE, (0,), "99999999999999999999", (1, 3))]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ODDITIES)
def test_what_will_surprise_is_told_with_its_places(text: str, expected: list[Any]) -> None:
    assert oddities(text) == expected


@pytest.mark.parametrize("text", ["no", "yes", "On", "OFF", "010", "-017", "0b1", "1_000", "1:30"])
def test_a_scalar_that_yaml_11_reads_otherwise_is_told_as_a_value_only(text: str) -> None:
    written = f"{text}: '{text}'\nk: [{text}, \"{text}\", !!str {text}]\nl:\n- {text}\nm: {text}"
    found = [(("k", 0), text, (2, 5)), (("l", 0), text, (4, 3)), (("m",), text, (5, 4))]
    assert oddities(written) == [(AMBIGUOUS, *each) for each in found]
    assert oddities(text) == [(AMBIGUOUS, (), text, (1, 1))]


@pytest.mark.parametrize("name", ["x.json", "x.yaml"])
@pytest.mark.parametrize("number", ["1e999", "-9223372036854775809"])
def test_a_document_may_be_one_odd_number(name: str, number: str) -> None:
    assert oddities(number, name) == [(HUGE, (), number, (1, 1))]


# Errors


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("text", ['{"é😀": [1, "😀"]}', "a: [😀, 1]\n", "1"])
def test_every_unicode_encoding_is_read(text: str, encoding: str, bom: str) -> None:
    loaded, expected = load((bom + text).encode(encoding), "x"), load(text, "x")
    assert (loaded.data, loaded.text) == (expected.data, text)


TAB = "malformed YAML: a tab is used for indentation; use spaces"
CONTROL = (
    "a control character or unpaired surrogate is not allowed in YAML;"
    " write it as an escape in a double-quoted string"
)
EMPTY = "the document is empty"
LOOP = "this alias contains itself"
KEY = "a mapping key must be a scalar"
MALFORMED_JSON = {
    "{1}": "1:2: malformed JSON: expecting property name enclosed in double quotes",
    '{"a" 1}': "1:6: malformed JSON: expecting ':' delimiter",
    "[1\n2]": "2:1: malformed JSON: expecting ',' delimiter",
    '{"a": 1} x': "1:10: malformed JSON: text after the end",
    '["a': "1:2: malformed JSON: unterminated string",
    '["\\q"]': "1:3: malformed JSON: invalid \\escape",
    '["a\tb"]': "1:4: malformed JSON: invalid control character",
    "\0": "1:1: malformed JSON: expecting value",
    '["NaN",\r\nNaN]': "2:1: malformed JSON: NaN is no JSON number",
    '["-Infinity", -Infinity]': "1:15: malformed JSON: -Infinity is no JSON number",
    b'["\xed\xa0\x80"]': "byte 2 is not valid UTF-8; save it as UTF-8",
}
MALFORMED_YAML = {
    "a: [1": "1:6: malformed YAML: did not find expected ',' or ']'",
    "a: b: c": "1:5: malformed YAML: mapping values are not allowed in this context",
    "😀: 'b": "1:6: malformed YAML: found unexpected end of stream",
    "a: 1\n- b": "2:1: malformed YAML: did not find expected key",
    "a: @b": "1:4: malformed YAML: found character that cannot start any token",
    '{\n\t"a": [1,,2]\n}': "2:10: malformed YAML: did not find expected node content",
    '["\\ud800"]': "1:5: malformed YAML: found invalid Unicode character escape code",
    "%YAML 2.0\n---\na": "1:1: malformed YAML: found incompatible YAML document",
    "a:\n\tb: 1": f"2:1: {TAB}", "a:\r  b: 1\r\tc: 2": f"3:1: {TAB}",
    "a: |\r\n\tb": f"2:1: {TAB}", "a:\n \t- b": f"2:2: {TAB}",
    **{f"é😀: é\nb: {character}": f"2:4: {CONTROL}" for character in "\0\x1b\x7f\x9f\ud800"},
    "a: 1\n---\nb: 2": "2:1: a second YAML document starts here; one is expected",
    "- *b": "1:3: this alias has no anchor before it",
    "- &a [*a]": f"1:7: {LOOP}", "&a\nb: {<<: *a}": f"2:9: {LOOP}",
    "? [a]\n: b": f"1:3: {KEY}", "k: {{a: b}: c}": f"1:5: {KEY}",
    "? - a": f"1:3: {KEY}", "a: &a []\n*a : 1": f"2:1: {KEY}",
    **dict.fromkeys(["", " \n\t", "\ufeff", "# c", "# c\n\n#", b"", b"\xff\xfe"], EMPTY),
    b"a: \xff": "byte 3 is not valid UTF-8; save it as UTF-8",
    b"\xff\xfea\0\0\xd8": "byte 4 is not valid UTF-16-LE; save it as UTF-8",
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), MALFORMED_JSON.items())
def test_malformed_json_is_told_with_its_place(content: str | bytes, message: str) -> None:
    assert refusal(content, "x.json") == message


@pytest.mark.parametrize(("content", "message"), MALFORMED_YAML.items())
def test_malformed_yaml_is_told_with_its_place(content: str | bytes, message: str) -> None:
    assert refusal(content, "x.yaml") == message


def test_the_message_fits_what_an_unnamed_text_looks_like() -> None:
    assert refusal('{"a": }}', "x") == "1:7: malformed JSON: expecting value"
    assert refusal("a: [}", "x") == "1:5: malformed YAML: did not find expected node content"


WRONG = [
    "", "}", "]", '"', "'", ": ", ",", "\t", "\n", "\0", "\\", "- ", "? ", "NaN", "\n---\n",
    "\ud800", "*marker ", "&marker ", "!marker! ", "%marker", "@marker", "9" * 4000,
]  # fmt: skip


@modest
@given(nested(texts), layouts, st.sampled_from(["x.json", "x.yaml", "x"]))
def test_an_error_has_a_place_in_the_text_and_no_text_of_the_document(
    shape: Any, layout: Random, name: str
) -> None:
    document: Any = (JsonWriter if name == "x.json" else YamlWriter)(layout)
    document.document(shape)
    text = re.sub("[a-z]{2,}", "marker", document.text)
    start = layout.randint(0, len(text))
    text = text[:start] + layout.choice(WRONG) + text[start + layout.randint(0, 3) :]
    message = refusal(text, name)
    assert "marker" not in message
    if message not in ("", EMPTY):
        line, column = map(int, re.findall(r"^(\d+):(\d+): .", message)[0])
        assert column <= len(re.split("\r\n|\r|\n", text)[line - 1]) + 1


# Limits

MANY = 100_000


def merges(following: str) -> str:
    wide = ", ".join(f"k{n}: 0" for n in range(900))
    return f"- &m0 {{{wide}}}\n" + "".join(following.format(n, n + 1) for n in range(900))


def laughs() -> str:
    return "- &a0 x\n" + "".join(f"- &a{n + 1} [{f'*a{n}, ' * 9}]\n" for n in range(30))


def tower() -> str:
    rows = (f"- &t{n} {'[' * 100}{f'*t{n - 1}' if n else 1}{']' * 100}\n" for n in range(50))
    return "".join(rows)


DEEP = "nested deeper than the limit of 256 levels"
DIGITS = "an integer has more digits than the limit of 3,500"
NODES = "aliases expand to more than the limit of 1,000,000 nodes"
SIZE = "the document is larger than the limit of 32 MiB"
HOSTILE: list[tuple[str, Callable[[], str | bytes], str]] = [
    ("x.json", lambda: "[" * MANY, f"1:257: {DEEP}"),
    ("x.json", lambda: '{"a":' * MANY + "1" + "}" * MANY, f"1:1281: {DEEP}"),
    ("x.json", lambda: '["' + '[\\"' * MANY + '",' + "[" * 300 + "]" * 301, f"1:300260: {DEEP}"),
    ("x", lambda: "[" * MANY + "]" * MANY, f"1:257: {DEEP}"),
    ("x.yaml", lambda: "[" * MANY, f"1:257: {DEEP}"),
    ("x.yaml", lambda: "{a: " * MANY, f"1:1025: {DEEP}"),
    ("x.yaml", lambda: "- " * MANY, f"1:513: {DEEP}"),
    ("x.yaml", lambda: "? " * MANY, "1:3: a mapping key must be a scalar"),
    ("x.yaml", tower, f"3:107: {DEEP}, aliases written out"),
    ("x.yaml", laughs, NODES),
    ("x.yaml", lambda: f"- &a {'x' * MANY}\n" + "- *a\n" * 1000, NODES),
    ("x.yaml", lambda: f"- &a [{'x' * MANY}]\n" + "- *a\n" * 1000, NODES),
    ("x.yaml", lambda: merges("- {{<<: *m0}}\n"), "merge keys copy more than the limit of 100,000"),
    ("x.yaml", lambda: merges("- &m{1} {{<<: *m{0}}}\n"), NODES),
    ("x.yaml", lambda: f"%TAG ! {'x' * MANY}\n---\n" + "- !a 1\n" * MANY, "1:1: a %TAG prefix is"),
    ("x.yaml", lambda: "x" * (MAX_BYTES + 1), SIZE),
    ("x.json", lambda: b" " * (MAX_BYTES + 1), SIZE),
    ("x.json", lambda: '["0", 1.0,\n-0]'.replace("0", "9" * 5000), "2:1: malformed JSON: an"),
    ("x.yaml", lambda: "- " + "9" * 5000, f"1:3: {DIGITS}"),
    ("x.yaml", lambda: f'- !!int "{"9" * 5000}"', f"1:3: {DIGITS}"),
    ("x.yaml", lambda: "- 0x" + "f" * 5000, f"1:3: {DIGITS}"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), HOSTILE)
def test_a_hostile_document_is_refused_at_once(
    name: str, content: Callable[[], str | bytes], message: str
) -> None:
    text = content()
    began = time.perf_counter()
    assert message in refusal(text, name)
    assert time.perf_counter() - began < 5


LARGE: list[tuple[Callable[[], str], Path]] = [
    (lambda: f'["{"x" * 10_000_000}", 1]', (1,)),
    (lambda: '["' + "\\n" * 5_000_000 + '", 1]', (1,)),
    (lambda: "- " + "x y " * 2_500_000 + "\n- 1", (1,)),
    (lambda: f'- "{"x y " * 2_500_000}"\n- 1', (1,)),
    (lambda: '{"a":1,' + ",".join(f'"{n}":1' for n in range(MANY)) + ',"a":1}', ("a",)),
    (lambda: "[{" + ",".join(['"k":{"k":1}'] * MANY) + "}]", (0, "k", "k")),
    (lambda: "".join(f"- &a{n} 1\n- *a{n}\n" for n in range(MANY)), (MANY,)),
    (lambda: "[" + "a: b, " * MANY + "]", (MANY - 1, "a")),
]


@pytest.mark.parametrize(("content", "path"), LARGE)
def test_a_large_document_is_read_in_time(content: Callable[[], str], path: Path) -> None:
    text = content()
    began = time.perf_counter()
    loaded = load(text, "x")
    assert loaded.locate([path])[path] > loaded.locate([()])[()]
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(
    ("name", "opening", "closing"),
    [("x.json", "[", "]"), ("x.json", '{"a":', "}"), ("x.yaml", "[", "]"), ("x.yaml", "- ", "")],
)
def test_the_limit_of_depth_is_the_same_everywhere(name: str, opening: str, closing: str) -> None:
    path: Path = ("a" if "a" in opening else 0,) * 255
    deepest = load(opening * 255 + "[]" + closing * 255, name)
    assert max(deepest.locate(paths_of(deepest.data))) == path
    assert DEEP in refusal(opening * 256 + "[]" + closing * 256, name)
