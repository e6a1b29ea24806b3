"""Documents: data, places, oddities, errors and limits of `tools/source.py`."""

from __future__ import annotations

import codecs
import json
import math
import re
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
import yaml
from backend_architect.tools import source
from backend_architect.tools.source import Oddity, Path, Position, Source, SourceError, load
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.compat import StringIO
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

modest = settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
layouts = st.randoms(use_true_random=False)
newlines = st.sampled_from(["\n", "\r\n", "\r"])
boms = st.sampled_from(["", "\ufeff"])
texts = st.text(max_size=8) | st.sampled_from(
    ["", " ", "a/b~c", "😀", "\ufeff", "x\x85y", "\u2028", "# no", "- no", "no: no", "\t", 'q"', "it's"]
)
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
keys = st.sampled_from("a b name 200 null true 1.5 é 😀 on ~".split()) | texts
shapes = st.recursive(
    texts, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)
)


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


def error_of(content: str | bytes, name: str = "x.yaml") -> str:
    with pytest.raises(SourceError) as caught:
        load(content, name)
    return str(caught.value)


def data_of(text: str) -> Any:
    return load(text, "x.yaml").data


class Writer:
    """Writes a document and notes for each path the offset at which a person would point."""

    def __init__(self, layout: Random, newline: str) -> None:
        self.layout, self.newline = layout, newline
        self.text = ""
        self.places: dict[Path, int] = {}

    def write(self, text: str) -> None:
        self.text += text.replace("\n", self.newline)

    def write_at(self, path: Path, text: str) -> None:
        self.places[path] = len(self.text)
        self.write(text)

    def odds(self, one_in: int) -> bool:
        return self.layout.randrange(one_in) == 0

    def choice(self, *options: Any) -> Any:
        return self.layout.choice(options)

    def expected(self) -> dict[Path, Position]:
        return {path: place_of(self.text, offset) for path, offset in self.places.items()}


# JSON


class JsonWriter(Writer):
    """Any layout, any escapes, and now and then a key that is written again later."""

    def space(self) -> None:
        self.write(self.choice("", "", " ", "\n", "\t", "\n   ", " \n\n "))

    def string(self, value: str) -> str:
        if self.odds(3):
            return '"' + "".join(f"\\u{unit:04X}" for unit in utf_16_units(value)) + '"'
        return json.dumps(value, ensure_ascii=self.odds(2))

    def value(self, value: Any, path: Path = ()) -> None:
        if not isinstance(value, dict | list):
            self.write(self.string(value) if isinstance(value, str) else json.dumps(value))
            return
        self.write("{" if isinstance(value, dict) else "[")
        self.space()
        steps = steps_of(value)
        if isinstance(value, dict) and steps and self.odds(4):
            steps.insert(0, (steps[-1][0], {"superseded": [1], steps[-1][0]: steps[0][1]}))
        for index, (step, child) in enumerate(steps):
            here = (*path, step)
            self.places = {each: at for each, at in self.places.items() if each[: len(here)] != here}
            self.write_at(here, "")
            if isinstance(step, str):
                self.write(self.string(step))
                self.space()
                self.write(":")
                self.space()
            self.value(child, here)
            self.space()
            if index < len(steps) - 1:
                self.write(",")
                self.space()
        self.write("}" if isinstance(value, dict) else "]")


def utf_16_units(text: str) -> list[int]:
    encoded = text.encode("utf-16-be")
    return [int.from_bytes(encoded[at : at + 2], "big") for at in range(0, len(encoded), 2)]


@modest
@given(values, layouts, newlines, boms)
def test_json_has_the_data_of_the_standard_library_and_a_place_for_every_path(
    value: Any, layout: Random, newline: str, bom: str
) -> None:
    document = JsonWriter(layout, newline)
    document.space()
    document.write_at((), "")
    document.value(value)
    document.space()
    loaded = load(bom + document.text, "x.json")
    assert typed(loaded.data) == typed(json.loads(document.text)) == typed(value)
    assert loaded.locate(paths_of(value)) == document.expected()


@pytest.mark.parametrize(
    "text",
    ['"\\ud83d\\ude00"', '["\\ud800", "\\udc00\\ud800"]', '{"": {"": [{}, []]}}', "-0.0", " 1E+2\r",
     '"\\/\\b\\f\\n\\r\\t"', "[" * 200 + "]" * 200, '{"a":' * 200 + "1" + "}" * 200, "[1.0, 1, true]"],
)  # fmt: skip
def test_json_corners_have_the_data_of_the_standard_library(text: str) -> None:
    assert typed(load(text, "x.json").data) == typed(json.loads(text))


@pytest.mark.parametrize(
    ("name", "text", "format", "data"),
    [
        ("x.json", '{"a": 1}', "json", {"a": 1}),
        ("X.JSON", "[no]", "", None),
        ("x.yaml", '{"a": 010}', "yaml", {"a": 10}),
        ("x.yml", "[no]", "yaml", ["no"]),
        ("text", ' {"a": 1}', "json", {"a": 1}),
        ("text", "{a: 1,}", "yaml", {"a": 1}),
        ("text", "a: 1", "yaml", {"a": 1}),
        ("text", "just words", "yaml", "just words"),
    ],
)
def test_the_format_follows_the_name_then_the_first_character(
    name: str, text: str, format: str, data: Any
) -> None:
    if format:
        loaded = load(text, name)
        assert (loaded.format, loaded.data) == (format, data)
    else:
        assert error_of(text, name) == f"{name}:1:2: malformed JSON: expecting value"


# YAML: data


def ruamel(text: str) -> Any:
    """The data by ruamel.yaml, version 1.2, with keys turned to strings as they are written.

    It differs from the core schema, and these are kept out of generated documents and tested by
    hand below: `1_000`, `0b1`, `-0x1F` and `+0o7` are integers to it, `2001-01-01` is a date, `=`
    is an error, `! 12` is a number, `!!binary` is decoded, `<<` must be a mapping.
    """
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 2)
    root = reader.compose(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
    if root is None:
        return None
    stack, seen = [root], set()
    while stack:
        node = stack.pop()
        if id(node) not in seen and isinstance(node, MappingNode | SequenceNode):
            seen.add(id(node))
            if isinstance(node, MappingNode):
                node.value = [(as_string(key), child) for key, child in node.value]
                stack.extend(child for _, child in node.value)
            else:
                stack.extend(node.value)
    return reader.constructor.construct_document(root)


def as_string(key: Any) -> Any:
    merge = key.tag.endswith(":merge")
    return key if merge else ScalarNode("tag:yaml.org,2002:str", key.value, key.start_mark)


NULLS = ["", "~", "null", "Null", "NULL"]
SPEC_TABLE: dict[str, Any] = {  # YAML 1.2.2, section 10.3.2, row by row, and near misses
    **dict.fromkeys(NULLS[1:]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
    "0": 0, "-0": 0, "+12": 12, "-19": -19, "007": 7, "08": 8, "010": 10, "0o7": 7, "0o14": 12,
    "0x3A": 58, "0xfF": 255, "0.": 0.0, "-0.0": -0.0, ".5": 0.5, "5.": 5.0, "+12e03": 12000.0,
    "-2E+05": -200000.0, "1.5e-2": 0.015, "685_230": "685_230",
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf"], math.inf),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF", "-1e999"], -math.inf),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], math.nan),
    **{text: text for text in (
        "nUll tRUE fALSE yes no on off y n 1_000 0b1 1:30 -0x1F +0o7 0o8 0xG 0x . -.nan .iNF inf nan "
        "1e 1e+ e3 1.2.3 --1 +-1 0X1F 0O7 1,5 2001-01-01 2001-12-14T21:59:43Z = ._1 1._0 ٣ 1٣ Infinity"
    ).split()},
}  # fmt: skip


@pytest.mark.parametrize("text", SPEC_TABLE)
def test_a_plain_scalar_follows_the_core_schema(text: str) -> None:
    expected = typed(SPEC_TABLE[text])
    assert typed(data_of(f"- {text}")) == [expected]
    assert typed(data_of(f"k: {text} # comment")) == {"k": expected}
    assert data_of(f"'{text}'") == data_of(f'!!str "{text}"') == data_of(f"! {text}") == text
    assert data_of(f"{text}: k" if text != "=" else "'=': k") == {text: "k"}


class YamlWriter(Writer):
    """The shape of a value as YAML in every style; scalars of all kinds stand in for its scalars.

    The expected places follow aliases and merge keys to where a key is written.
    """

    PLAIN = (
        "word|two words|a#b|x:y|-a|h://h:1/p#f|é😀|no|off|1:30|~|null|True|FALSE|0|-12|+3|010|0o17|"
        "0x1F|1.5|.5|-2E+05|.inf|-.INF|.nan|1e999|99999999999999999999|..|<"
    ).split("|")

    def __init__(self, layout: Random, newline: str) -> None:
        super().__init__(layout, newline)
        self.anchored: dict[str, tuple[Path, bool]] = {}  # of complete nodes: path, if a mapping

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
        anchor = f"&a{len(self.text)} " if self.odds(4) else ""
        if not isinstance(value, dict | list):
            self.scalar(anchor, value, path, indent, in_flow)
        elif not value or in_flow or self.odds(4):
            self.flow(anchor, value, path, indent)
        else:
            self.block(anchor, value, path, indent)
        if anchor:
            self.anchored[anchor[1:-1]] = (path, isinstance(value, dict))

    def point(self, path: Path, text: str) -> None:
        """An item's place is its first character; a member's is its key, noted there."""
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
            self.point(path, f" {anchor}{tag}{self.choice('|', '>', '|-', '>+')}")
            more = self.layout.choices(["x: y", "# no comment", "- 'z", "  more", ""], k=3)
            for line in ["first 😀", *more, "end"]:
                self.write("\n" + " " * (indent + 2) * bool(line) + line)
            return
        written = self.choice(self.quoted(text), self.choice(*self.PLAIN))
        self.point(path, f" {anchor}{tag}{written}")
        self.write("" if in_flow else self.choice("", "", " # 😀: comment"))

    def key(self, key: str) -> None:
        self.write(key if re.fullmatch("[a-z0-9~.é😀]+", key) and self.odds(2) else self.quoted(key))

    def quoted(self, text: str) -> str:
        """Escaped are also NEL, LS and PS, which ruamel takes for line breaks (YAML 1.1)."""
        if self.odds(2) and re.fullmatch("[\t\x20-\x7e\xa0-\u2027😀]*", text):
            return "'" + text.replace("'", "''") + "'"
        safe = r"[\t !#-\[\]-~\xa0-\u2027😀]"
        characters = [
            each if re.match(safe, each) and not self.odds(4) else f"\\U{ord(each):08x}" for each in text
        ]
        return '"' + "".join(characters) + '"'

    def flow(self, anchor: str, value: Any, path: Path, indent: int) -> None:
        self.point(path, f" {anchor}{'{' if isinstance(value, dict) else '['}")
        for step, child in steps_of(value):
            self.write(self.choice("", " ", f" # ]\n{' ' * (indent + 5)}", f"\n{' ' * (indent + 1)}"))
            if isinstance(step, str):
                self.places[(*path, step)] = len(self.text)
                self.key(step)
                self.write(self.choice(":", " :"))
            self.node(child, (*path, step), indent, in_flow=True)
            self.write(self.choice(",", " ,"))
        self.write("}" if isinstance(value, dict) else "]")

    def block(self, anchor: str, value: Any, path: Path, indent: int) -> None:
        is_map = isinstance(value, dict)
        inner = indent + 2
        if anchor:
            self.point(path, f" {anchor}")
        if anchor or not path or isinstance(path[-1], str) or self.odds(3):
            below_key = path and isinstance(path[-1], str)
            inner = indent + self.choice(1, 2, 4, 1 if is_map or not below_key else 0) if path else 0
            self.write(self.choice("\n", " # {\n", "\n\n") + " " * inner)
        else:
            self.write(" ")
        if not anchor:
            self.point(path, "")
        merged: list[str] = []
        for index, (step, child) in enumerate(steps_of(value)):
            if index:
                self.write(self.choice("\n", "\n", "\n\n", "\n# 😀 - comment: {\n") + " " * inner)
            mappings = [name for name, (_, mapping) in self.anchored.items() if mapping]
            if is_map and mappings and not merged and self.odds(2):
                merged = self.layout.choices(mappings, k=self.choice(1, 2))
                names = ", ".join(f"*{name} " for name in merged)
                self.write(f"<<: {names if len(merged) == 1 else f'[{names}]'}\n{' ' * inner}")
            if is_map:
                explicit = self.odds(6)
                self.write("? " if explicit else "")
                self.places[(*path, step)] = len(self.text)
                self.key(step)
                self.write(f"\n{' ' * inner}:" if explicit else self.choice(":", " :"))
            else:
                self.write("-")
            self.node(child, (*path, step), inner)
        taken = {step for step, _ in steps_of(value)}
        for name in merged:
            members = self.below(name, path)
            self.places |= {each: at for each, at in members.items() if each[len(path)] not in taken}
            taken |= {each[len(path)] for each in members}


@modest
@given(shapes, layouts, newlines, boms)
def test_hand_written_yaml_has_the_data_of_ruamel_and_a_place_for_every_path(
    shape: Any, layout: Random, newline: str, bom: str
) -> None:
    document = YamlWriter(layout, newline)
    document.document(shape)
    loaded = load(bom + document.text, "x.yaml")
    assert typed(loaded.data) == typed(ruamel(document.text))
    assert loaded.locate(paths_of(loaded.data)) == document.expected()


@modest
@given(values, layouts)
def test_yaml_dumps_have_the_data_of_ruamel_and_a_place_for_every_path(
    value: Any, layout: Random
) -> None:
    style = layout.choice([None, '"', "'", "|", ">"])
    by_pyyaml = yaml.safe_dump(
        value, default_style=style, default_flow_style=layout.choice([True, False, None]),
        width=layout.choice([20, 1000]), indent=layout.choice([2, 4]), allow_unicode=True,
        line_break=layout.choice(["\n", "\r\n", "\r"]), explicit_start=layout.choice([True, False]),
    )  # fmt: skip
    by_ruamel = StringIO()
    YAML(typ="safe", pure=True).dump(value, by_ruamel)
    for text in (by_pyyaml, by_ruamel.getvalue()):
        loaded = load(text, "x.yaml")
        assert typed(loaded.data) == typed(ruamel(text))
        for path, (line, column) in loaded.locate(paths_of(loaded.data)).items():
            if path and isinstance(path[-1], str) and re.fullmatch("[a-z/~]+", path[-1]):
                written = re.split("\r\n|\r|\n", text)[line - 1][column - 1 :]
                assert written.lstrip("'\"|->!st ")[: len(path[-1])] in (path[-1], "")


@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029"])
def test_unicode_line_breaks_of_yaml_11_are_ordinary_characters(character: str) -> None:
    text = f"a: x{character}b # y{character}c: 1\nd: |\n  e{character}f\ng: ['{character} ', \"{character}\"]"
    loaded = load(text, "x.yaml")
    assert loaded.data == {
        "a": f"x{character}b", "d": f"e{character}f\n", "g": [f"{character} ", character]
    }  # fmt: skip
    assert loaded.locate([("g", 1)]) == {("g", 1): Position(4, 11)}


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: !!int '12'", {"a": 12}),
        ("a: !!float 1", {"a": 1.0}),
        ("a: !!null ''", {"a": None}),
        ("a: !!bool 'true'", {"a": True}),
        ("a: !!int 'true'", {"a": "true"}),
        ("a: !!bool yes", {"a": "yes"}),
        ("a: !!str\nb: !!str 1", {"a": "", "b": "1"}),
        ("a: !!binary aGk=", {"a": "aGk="}),
        ("- !<tag:yaml.org,2002:str> 1\n- !!seq [!!map {}]", ["1", [{}]]),
        ("a:\nb: ~\nc: ''\nd: []\ne: {}", {"a": None, "b": None, "c": "", "d": [], "e": {}}),
        ("-\n- \n- a:", [None, None, {"a": None}]),
        ("{a, b: , c: 1}", {"a": None, "b": None, "c": 1}),
        ("[a: 1, {b: 2}]", [{"a": 1}, {"b": 2}]),
        ('{"a":1,\'b\':2}', {"a": 1, "b": 2}),
        ("? a\n: 1\n? b\n? |\n  c\n: 2", {"a": 1, "b": None, "c\n": 2}),
        ("1: a\nnull: b\ntrue: c\n~: d\n1.0: e\n0x1: f", dict(zip("1 null true ~ 1.0 0x1".split(), "abcdef", strict=True))),
        ("a: 'x\n\n  y'\nb: \"x\\\n  y\"\nc: x\n  y", {"a": "x\ny", "b": "xy", "c": "x y"}),
        ("a: |2-\n   x\nb: >+\n  y\n\n", {"a": " x", "b": "y\n\n"}),
        ("%YAML 1.2\n---\na: 1\n...\n# end\n", {"a": 1}),
        ("--- # a\n- 1\n...\n...\n", [1]),
        ("---", None),
        ("--- |\n  x", "x"),
        ("a: 1 # b\n# c\n\n  # d", {"a": 1}),
        ("a: \u00a0b", {"a": "\u00a0b"}),
        ("{\n\ta: 1\n}", {"a": 1}),
    ],
)  # fmt: skip
def test_yaml_corners(text: str, data: Any) -> None:
    assert typed(data_of(text)) == typed(data)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("[&a 1, *a, &a x, *a]", [1, 1, "x", "x"]),
        ("[&a [&a x, *a], *a]", [["x", "x"], "x"]),
        ("{&a 1: x, b: *a, *a : y}", {"1": "y", "b": 1}),
        ("x: &a 1\n*a : y", {"x": 1, "1": "y"}),
        ("x: &a\ny: *a", {"x": None, "y": None}),
        ("&a a: {*a : *a }", {"a": {"a": "a"}}),
        ("a: &a {x: 1}\nb: {<<: *a, x: 2, y: 3}", {"a": {"x": 1}, "b": {"x": 2, "y": 3}}),
        ("- &a {x: 1}\n- &b {x: 2, y: 3}\n- <<: [*a, *b]", [{"x": 1}, {"x": 2, "y": 3}, {"x": 1, "y": 3}]),
        ("- &a {x: 1}\n- &b {<<: *a, y: 2}\n- {<<: *b}", [{"x": 1}, {"x": 1, "y": 2}, {"x": 1, "y": 2}]),
        ("<<: {a: 1}\n<<: {b: 2}", {"b": 2}),
        ("<<: {a: 1}\na: 2", {"a": 2}),
        ("<<: []\na: 2", {"a": 2}),
        ("<<: 1\na: 2", {"<<": 1, "a": 2}),
        ("<<:\na: 2", {"<<": None, "a": 2}),
        ("<<: [{a: 1}, 2]", {"<<": [{"a": 1}, 2]}),
        ("'<<': {a: 1}", {"<<": {"a": 1}}),
        ("!!str <<: {a: 1}", {"<<": {"a": 1}}),
        ("a: <<", {"a": "<<"}),
    ],
)  # fmt: skip
def test_aliases_and_merge_keys(text: str, data: Any) -> None:
    assert typed(data_of(text)) == typed(data)


# Places


@pytest.mark.parametrize(
    ("name", "text", "path", "place"),
    [
        ("x.json", '{"😀": 1, "a": [0, 1]}', ("a", 1), (1, 19)),
        ("x.json", '{"a": 1, "\\u0061": 2}', ("a",), (1, 10)),
        ("x.json", '{"a": {"b": 1},\r "a": {"c": 2}}', ("a", "b"), (2, 2)),
        ("x.json", '{"a": [{}]}', ("a", 0, "b", 3, "c"), (1, 8)),
        ("x.json", '{"a": "text"}', ("a", 0), (1, 2)),
        ("x.json", '\ufeff\n [1]', ("a",), (2, 2)),
        ("x.yaml", "😀: 1\n{}", (), ()),
        ("x.yaml", "a: 1\nb: 2\na: 3", ("a",), (3, 1)),
        ("x.yaml", "a: {b: 1}\na: {c: 2}", ("a", "b"), (2, 1)),
        ("x.yaml", "a: [{}]", ("a", 0, "b", 3, "c"), (1, 5)),
        ("x.yaml", "a: text", ("a", 0), (1, 1)),
        ("x.yaml", "\ufeff# c\r\r\n x: 1", ("y",), (3, 2)),
        ("x.yaml", "- &a {k: 1}\n- *a", (1,), (2, 3)),
        ("x.yaml", "- &a {k: 1}\n- *a", (1, "k"), (1, 7)),
        ("x.yaml", "a: &a {k: 1}\nb:\n  <<: *a", ("b", "k"), (1, 8)),
        ("x.yaml", "a: &a {k: 1}\nb:\n  <<: *a", ("b", "<<"), (2, 1)),
        ("x.yaml", "a: {<<: {k: 1}}", ("a", "k"), (1, 10)),
        ("x.yaml", "a: &a k\n*a : 1", ("k",), (2, 1)),
        ("x.yaml", "- - - x", (0, 0, 0), (1, 7)),
        ("x.yaml", "-\n- x", (0,), (1, 2)),
        ("x.yaml", "? k\n: 1", ("k",), (1, 3)),
        ("x.yaml", "- # c\n  k: 1", (0,), (2, 3)),
    ],
)  # fmt: skip
def test_places(name: str, text: str, path: Path, place: tuple[int, int] | tuple[()]) -> None:
    if place:
        assert load(text, name).locate([path]) == {path: place}
    else:
        assert error_of(text, name).startswith(f"{name}:2:1: ")


def test_a_dropped_container_leaves_no_places_behind() -> None:
    items = "".join(f"k{index}: {{x: 1}}\nk{index}: 'text {index}'\n" for index in range(500))
    loaded = load(items, "x.yaml")
    keys = [(f"k{index}",) for index in range(500)]
    assert [loaded.locate([(*key, "x")]) for key in keys] == [
        {(*key, "x"): Position(2 * index + 2, 1)} for index, key in enumerate(keys)
    ]


# Oddities


def oddities(text: str, name: str) -> list[tuple[Any, ...]]:
    """Kind, path, text, place, and the earlier place if there is one."""
    loaded = load(text, name)
    return [
        (odd.kind, odd.path, odd.text, *(place_of(text, at) for at in (odd.offset, odd.earlier) if at is not None))
        for odd in loaded.oddities
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("x.json", '{"a": 1, "b": 2,\n"a": 3}', [(("a",), "a", (2, 1), (1, 2))]),
        ("x.json", '[{"a": 1, "a": 2, "\\u0061": 3}]', [((0, "a"), "a", (1, 19), (1, 3))]),
        ("x.json", '{"p": {"a": 1}, "p": {"a": 2, "a": 3}}', [(("p",), "p", (1, 17), (1, 2)), (("p", "a"), "a", (1, 31), (1, 23))]),
        ("x.yaml", "a: 1\nb: 2\n'a': 3", [(("a",), "a", (3, 1), (1, 1))]),
        ("x.yaml", "p:\n- {a: 1, a: 2, a: 3}", [(("p", 0, "a"), "a", (2, 10), (2, 4)), (("p", 0, "a"), "a", (2, 16), (2, 10))]),
        ("x.yaml", "&k a: 1\n*k : 2", [(("a",), "a", (2, 1), (1, 1))]),
        ("x.yaml", "1: a\n'1': b", [(("1",), "1", (2, 1), (1, 1))]),
        ("x.yaml", "<<: {a: 1}\n<<: {b: 2}", [(("<<",), "<<", (2, 1), (1, 1))]),
        ("x.yaml", "a: &a {k: 1}\nb: {k: 2, <<: *a}", []),
    ],
)  # fmt: skip
def test_a_duplicate_key_is_told_with_both_places(name: str, text: str, expected: list[Any]) -> None:
    assert oddities(text, name) == [(Oddity.DUPLICATE_KEY, *each) for each in expected]


AMBIGUOUS = "no yes On OFF 010 -017 0b1 1_000 -1_0 1:30 190:20:30".split()


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_a_scalar_that_yaml_11_reads_otherwise_is_told_as_a_value_only(text: str) -> None:
    written = f"{text}: '{text}'\nk: [{text}, \"{text}\", !!str {text}]\nl:\n- {text}\nm: {text}"
    found = [(("k", 0), text, (2, 5)), (("l", 0), text, (4, 3)), (("m",), text, (5, 4))]
    assert oddities(written, "x.yaml") == [(Oddity.AMBIGUOUS_SCALAR, *each) for each in found]
    assert oddities(text, "x.yaml") == [(Oddity.AMBIGUOUS_SCALAR, (), text, (1, 1))]


def test_scalars_that_both_versions_read_alike_are_not_ambiguous() -> None:
    assert oddities("[true, null, 0, 10, -1.5, .inf, nope, offer, 1:60x, a_b, 0x1F, '', ~]", "x.yaml") == [
        (Oddity.NUMBER_OUT_OF_RANGE, (5,), ".inf", (1, 27))
    ]


@pytest.mark.parametrize("name", ["x.json", "x.yaml"])
def test_a_number_that_64_bits_do_not_hold_is_told(name: str) -> None:
    low, high = -(2**63), 2**64 - 1
    text = f'{{"a": [{low}, {high}, {low - 1}, {high + 1}, 1.5e308], "b" : 1e999}}'
    assert sorted(odd[:3] for odd in oddities(text, name)) == [
        (Oddity.NUMBER_OUT_OF_RANGE, ("a", 2), str(low - 1)),
        (Oddity.NUMBER_OUT_OF_RANGE, ("a", 3), str(high + 1)),
        (Oddity.NUMBER_OUT_OF_RANGE, ("b",), "1e999"),
    ]
    for number in ("-1e999", str(2**64)):
        assert oddities(number, name) == [(Oddity.NUMBER_OUT_OF_RANGE, (), number, (1, 1))]
    assert not oddities("1e308", name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: !Ref x", [(("a",), "!Ref", (1, 4))]),
        ("!x\na: 1", [((), "!x", (1, 1))]),
        ("- !Sub [x]\n- !Map {a: !!int 1}", [((0,), "!Sub", (1, 3)), ((1,), "!Map", (2, 3))]),
        ("%TAG !e! tag:e.org,2000:\n---\n- !e!t 010", [((0,), "tag:e.org,2000:t", (3, 3))]),
        ("- !!int 1\n- !!set {a}\n- !!seq []\n- ! x", []),
    ],
)
def test_an_unknown_tag_is_told_and_its_value_kept_as_text(text: str, expected: list[Any]) -> None:
    assert oddities(text, "x.yaml") == [(Oddity.UNKNOWN_TAG, *each) for each in expected]
    assert data_of("!x 010") == "010"


# Bytes


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("encoding", "utf-8 utf-16-le utf-16-be utf-32-le utf-32-be".split())
@pytest.mark.parametrize(("name", "text"), [("x.json", '{"é😀": [1]}'), ("x.yaml", "é: [😀, 1]")])
def test_every_unicode_encoding_is_read(name: str, text: str, encoding: str, bom: str) -> None:
    if encoding.startswith("utf-32") or name == "x.json" or encoding == "utf-8" or bom:
        loaded = load((bom + text).encode(encoding), name)
        expected = load(text, name)
        assert (loaded.data, loaded.text) == (expected.data, text)
        assert loaded.locate(paths_of(loaded.data)) == expected.locate(paths_of(expected.data))


# Errors


MALFORMED: list[tuple[str, str | bytes, str]] = [
    ("x.json", '{"a": 1,}', "1:9: malformed JSON: expecting property name enclosed in double quotes"),
    ("x.json", '{"a" 1}', "1:6: malformed JSON: expecting ':' delimiter"),
    ("x.json", "[1\n2]", "2:1: malformed JSON: expecting ',' delimiter"),
    ("x.json", "[1, ]", "1:5: malformed JSON: expecting value"),
    ("x.json", '{"a": 1} x', "1:10: malformed JSON: text after the end"),
    ("x.json", '["a', "1:2: malformed JSON: unterminated string"),
    ("x.json", '["\\q"]', "1:3: malformed JSON: invalid \\escape"),
    ("x.json", '["a\tb"]', "1:4: malformed JSON: invalid control character"),
    ("x.json", '["NaN",\r\nNaN]', "2:1: malformed JSON: NaN is no JSON number"),
    ("x.json", '["-Infinity", -Infinity]', "1:15: malformed JSON: -Infinity is no JSON number"),
    ("x.json", "[1]\0", "1:4: malformed JSON: text after the end"),
    ("noname", '{"a": }}', "1:7: malformed JSON: expecting value"),
    ("x.yaml", "a: [1", "1:6: malformed YAML: did not find expected ',' or ']'"),
    ("x.yaml", "a: b: c", "1:5: malformed YAML: mapping values are not allowed in this context"),
    ("x.yaml", "a: 'b", "1:7: malformed YAML: found unexpected end of stream"),
    ("x.yaml", "a: 1\n - b", "2:2: malformed YAML: did not find expected key"),
    ("x.yaml", "a: @b", "1:4: malformed YAML: found character that cannot start any token"),
    ("x.yaml", '{\n\t"a": [1,,2]\n}', "2:10: malformed YAML: did not find expected node content"),
    ("x.yaml", '["\\ud800"]', "1:5: malformed YAML: found invalid Unicode character escape code"),
    ("x.yaml", "%YAML 2.0\n---\na: 1", "1:1: malformed YAML: found incompatible YAML document"),
    *(("x.yaml", text, f"{place}: malformed YAML: a tab is used for indentation; use spaces")
      for text, place in [("a:\n\tb: 1", "2:1"), ("a:\r  b: 1\r\tc: 2", "3:1"), ("a: |\r\n\tb", "2:1"), ("a:\n \t- b", "2:2")]),
    *(("x.yaml", f"é😀: é\nb: {character}", "2:4: a control character or unpaired surrogate is not allowed in YAML; write it as an escape in a double-quoted string")
      for character in ("\0", "\x01", "\x1b", "\x7f", "\x9f", "\ud800", "\udfff")),
    ("x.yaml", "a: 1\n---\nb: 2", "2:1: a second YAML document starts here; one is expected"),
    ("x.yaml", "---\n---\n", "2:1: a second YAML document starts here; one is expected"),
    ("x.yaml", "- *b", "1:3: this alias has no anchor before it"),
    ("x.yaml", "- &a [*a]", "1:7: this alias contains itself"),
    ("x.yaml", "&a\nb: {<<: *a}", "2:9: this alias contains itself"),
    *(("x.yaml", text, f"{place}: a mapping key must be a scalar")
      for text, place in [("? [a]\n: b", "1:3"), ("k: {{a: b}: c}", "1:5"), ("? - a", "1:3"), ("a: &a []\n*a : 1", "2:1")]),
    *(("x.yaml", text, "the document is empty") for text in ("", " \n\t", "\ufeff", "# c", "# c\n\n# d", b"", b"\xff\xfe", b"\xef\xbb\xbf")),
    ("x.json", " ", "the document is empty"),
    ("x.yaml", b"a: \xff", "byte 3 is not valid UTF-8; save it as UTF-8"),
    ("x.json", b'["\xed\xa0\x80"]', "byte 2 is not valid UTF-8; save it as UTF-8"),
    ("x.yaml", b"\xff\xfea\0\0\xd8", "byte 4 is not valid UTF-16-LE; save it as UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), MALFORMED)
def test_an_error_says_what_is_wrong_and_where(name: str, content: str | bytes, message: str) -> None:
    assert error_of(content, name) == (f"{name}:{message}" if message[0].isdigit() else f"{name}: {message}")


@modest
@given(shapes, layouts, st.sampled_from(["x.json", "x.yaml", "x"]), st.data())
def test_an_error_has_a_place_in_the_text_and_no_text_of_the_document(
    shape: Any, layout: Random, name: str, data: st.DataObject
) -> None:
    document: Any = (JsonWriter if name == "x.json" or layout.random() < 0.3 else YamlWriter)(layout, "\n")
    (document.value if isinstance(document, JsonWriter) else document.document)(shape)
    marked = re.sub("[a-z]{2,}", "marker", document.text)
    start = layout.randint(0, len(marked))
    wrong = layout.choice(["", "}", "]", '"', "'", ": ", ",", "\t", "\n", "*marker ", "&marker ", "!marker! ", "%marker",
                           "@marker", "\0", "\\", "- ", "? ", "NaN", "\n---\n", "marker", "9" * 4000, "\ud800"])  # fmt: skip
    text = marked[:start] + wrong + marked[start + layout.choice([0, 0, 1, 5]) :]
    try:
        load(text, name)
    except SourceError as error:
        match = re.fullmatch(r"x[.a-z]*:((\d+):(\d+):)? (.+)", str(error))
        assert match
        assert "marker" not in match[4]
        assert match[1] or match[4] == "the document is empty"
        if match[1]:
            lines = re.split("\r\n|\r|\n", text)
            assert int(match[3]) <= len(lines[int(match[2]) - 1]) + 1


# Limits


MANY = 100_000


def merge_bomb() -> str:
    wide = ", ".join(f"k{index}: 0" for index in range(500))
    return f"- &m0 {{{wide}}}\n" + "".join(f"- &m{n + 1} {{<<: [*m{n}, *m{n}], n{n}: 0}}\n" for n in range(900))


def laughs(leaf: str) -> str:
    return f"- &a0 {leaf}\n" + "".join(f"- &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(30))


def tower(levels: int) -> str:
    rows = (f"- &t{n} {'[' * 100}{f'*t{n - 1}' if n else 1}{']' * 100}\n" for n in range(levels))
    return "".join(rows)


TOO_DEEP = "nested deeper than the limit of 256 levels"
TOO_MANY = "an integer has more digits than the limit of 3,500"
HOSTILE: dict[str, tuple[str, Callable[[], str | bytes], str]] = {
    "JSON lists": ("x.json", lambda: "[" * MANY, f":1:257: {TOO_DEEP}"),
    "JSON objects": ("x.json", lambda: '{"a":' * MANY + "1" + "}" * MANY, f":1:1281: {TOO_DEEP}"),
    "unnamed lists": ("x", lambda: "[" * MANY + "]" * MANY, f":1:257: {TOO_DEEP}"),
    "brackets in strings": ("x.json", lambda: '["' + "[\\\"" * MANY + '",' + "[" * 300 + "]" * 301, f":1:{3 * MANY + 261}: {TOO_DEEP}"),
    "YAML flow lists": ("x.yaml", lambda: "[" * MANY, f":1:257: {TOO_DEEP}"),
    "YAML flow mappings": ("x.yaml", lambda: "{a: " * MANY, f":1:1025: {TOO_DEEP}"),
    "YAML block lists": ("x.yaml", lambda: "- " * MANY, f":1:513: {TOO_DEEP}"),
    "YAML keys": ("x.yaml", lambda: "? " * MANY, ":1:3: a mapping key must be a scalar"),
    "depth by aliases": ("x.yaml", lambda: tower(50), f":3:107: {TOO_DEEP}, aliases written out"),
    "billion laughs": ("x.yaml", lambda: laughs("x"), ": aliases expand to more than the limit of 1,000,000 nodes"),
    "long laughs": ("x.yaml", lambda: laughs("x" * 1_000_000), ": aliases expand to more than the limit of 1,000,000 nodes"),
    "long listed laughs": ("x.yaml", lambda: laughs(f"[{'x' * 1_000_000}]"), ": aliases expand to more than the limit of 1,000,000 nodes"),
    "merge bomb": ("x.yaml", merge_bomb, ": merge keys copy more than the limit of 100,000 keys"),
    "tag bomb": ("x.yaml", lambda: f"%TAG ! tag:{'x' * MANY}\n---\n" + "- !a 1\n" * MANY, ":1:1: a %TAG prefix is over the limit of 200 characters"),
    "much text": ("x.yaml", lambda: "x" * (source.MAX_BYTES + 1), ": the document is larger than the limit of 32 MiB"),
    "many bytes": ("x.json", lambda: b" " * (source.MAX_BYTES + 1), ": the document is larger than the limit of 32 MiB"),
    "JSON digits": ("x.json", lambda: f'["{"9" * 5000}", 1.{"9" * 5000},\n-{"9" * 5000}]', f":2:1: malformed JSON: {TOO_MANY}"),
    "YAML digits": ("x.yaml", lambda: "- " + "9" * 5000, f":1:3: {TOO_MANY}"),
    "YAML tagged digits": ("x.yaml", lambda: f'- !!int "{"9" * 5000}"', f":1:3: {TOO_MANY}"),
    "hexadecimal digits": ("x.yaml", lambda: "- 0x" + "f" * 5000, f":1:3: {TOO_MANY}"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_document_is_refused_at_once(case: str) -> None:
    name, content, message = HOSTILE[case]
    text = content()
    began = time.perf_counter()
    assert error_of(text, name).endswith(message)
    assert time.perf_counter() - began < 5


LARGE: dict[str, Callable[[], tuple[str, str, Path]]] = {
    "a JSON string": lambda: ("x.json", f'["{"x" * 10_000_000}"]', (0,)),
    "escapes in JSON": lambda: ("x.json", f'["{chr(92)}n{"x" * 9}", "{f"{chr(92)}n" * 5_000_000}"]', (1,)),
    "a plain scalar": lambda: ("x.yaml", "- " + "x y " * 2_500_000, (0,)),
    "a quoted scalar": lambda: ("x.yaml", f'- "{"x y " * 2_500_000}"', (0,)),
    "duplicates": lambda: ("x.json", "{" + ",".join(f'"k{n % (MANY - 1)}":1' for n in range(MANY)) + "}", ("k0",)),
    "one key often": lambda: ("x.json", "[{" + ",".join('"k":{"k":1}' for _ in range(MANY)) + "}]", (0, "k")),
    "anchors": lambda: ("x.yaml", "".join(f"- &a{n} {n}\n- *a{n}\n" for n in range(MANY // 2)), (MANY - 1,)),
    "items in flow": lambda: ("x.yaml", "[" + "a: b, " * MANY + "]", (MANY - 1, "a")),
    "lines": lambda: ("x.yaml", "- a\r" * MANY, (MANY - 1,)),
}  # fmt: skip


@pytest.mark.parametrize("case", LARGE)
def test_a_large_document_is_read_in_time(case: str) -> None:
    name, text, path = LARGE[case]()
    began = time.perf_counter()
    loaded = load(text, name)
    position = loaded.locate([path])[path]
    assert time.perf_counter() - began < 5
    assert position != loaded.locate([()])[()]


@pytest.mark.parametrize(
    ("name", "opening", "closing"),
    [("x.json", "[", "]"), ("x.json", '{"a":', "}"), ("x.yaml", "[", "]"), ("x.yaml", "{a: ", "}"), ("x.yaml", "- ", "")],
)  # fmt: skip
def test_the_limit_of_depth_is_the_same_everywhere(name: str, opening: str, closing: str) -> None:
    deepest = load(opening * 255 + "[]" + closing * 255, name)
    path: Path = ("a" if "a" in opening else 0,) * 255
    assert deepest.locate([path])[path].column == 254 * len(opening) + 2 if "a" in opening else 255
    assert TOO_DEEP in error_of(opening * 256 + "[]" + closing * 256, name)
