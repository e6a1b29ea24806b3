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
    max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
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


def typed(value: Any) -> Any:
    """For comparing: 1, 1.0 and True differ, NaN equals itself, the order of keys is ignored."""
    if isinstance(value, dict):
        return {key: typed(child) for key, child in value.items()}
    return [typed(child) for child in value] if isinstance(value, list) else repr(value)


def paths_of(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(value, dict | list):
        steps = value.items() if isinstance(value, dict) else enumerate(value)
        for step, child in steps:
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

    def expected(self) -> dict[Path, Position]:
        return {path: place_of(self.text, offset) for path, offset in self.places.items()}


# JSON


class JsonWriter(Writer):
    """Any layout, any escapes, and now and then a key that is written again later."""

    def space(self) -> None:
        self.write(self.layout.choice(["", "", " ", "\n", "\t", "\n   ", " \n\n "]))

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
        steps = list(value.items() if isinstance(value, dict) else enumerate(value))
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
    """Hand-made YAML in every style; the expected places follow aliases and merge keys."""

    PLAIN = (
        "word|two words|a#b|x:y|-a|?b|http://h:1/p?q=1#f|é😀|no|off|1:30|~|null|True|FALSE|0|-12|"
        "+3|010|0o17|0x1F|1.5|.5|-2E+05|.inf|-.INF|.nan|1e999|99999999999999999999"
    ).split("|")
    KEYS = "a b name x-y 200 null true 1.5 é 😀 on ~ key".split()

    def __init__(self, layout: Random, newline: str, texts: list[str]) -> None:
        super().__init__(layout, newline)
        self.texts = texts
        self.anchored: list[tuple[str, Path, bool]] = []  # complete nodes: name, path, if mapping
        self.anchors = 0

    def document(self) -> None:
        self.write(self.layout.choice(["", "# 😀 comment\n", "---\n", "%YAML 1.2\n---\n", "\n\n"]))
        self.write_at((), "")
        if self.odds(5):
            self.flow((), 3)
        else:
            self.block((), 0, 3)
        self.write(self.layout.choice(["", "\n", "\n# end", "\n...\n", "\n...\n# end\n"]))

    def quoted(self, text: str) -> str:
        # ruamel folds raw NEL, LS and PS in quoted scalars; they are tested by hand below
        printable = not re.search("[^\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe😀]", text)
        if printable and self.odds(2):
            return "'" + text.replace("'", "''") + "'"
        return '"' + "".join(self.character(each) for each in text) + '"'

    def character(self, character: str) -> str:
        if character in '"\\':
            return "\\" + character
        plain = re.match("[\t\x20-\x7e\xa1-\u2027\u202a-\ud7ff😀]", character)
        return character if plain and not self.odds(4) else f"\\U{ord(character):08x}"

    def scalar(self) -> str:
        tag = self.layout.choice(["", "", "", "!!str "])
        if self.odds(2):
            return tag + self.quoted(self.layout.choice(self.texts))
        return tag + self.layout.choice(self.PLAIN)

    def keys(self) -> list[str]:
        return self.layout.sample(self.KEYS, self.layout.randint(1, 4)) + self.texts[:1]

    def key(self, key: str) -> str:
        return key if key in self.KEYS and self.odds(2) else self.quoted(key)

    def anchor(self) -> str:
        if not self.odds(3):
            return ""
        self.anchors += 1
        return f"&a{self.anchors}"

    def alias(self, path: Path) -> None:
        name, target, _ = self.layout.choice(self.anchored)
        self.write(f"*{name} ")
        self.copy(target, path)

    def copy(self, target: Path, path: Path) -> None:
        for each, offset in list(self.places.items()):
            if len(each) > len(target) and each[: len(target)] == target:
                self.places.setdefault(path + each[len(target) :], offset)

    def flow(self, path: Path, depth: int) -> None:
        """At any place where a value may stand on one line."""
        if self.anchored and self.odds(4):
            self.alias(path)
            return
        name, is_map = self.anchor(), self.odds(2)
        self.write(name + " " * bool(name))
        if depth == 0 or self.odds(2):
            self.write(self.scalar())
            is_map = False
        elif is_map:
            self.write("{")
            for key in self.keys():
                self.write_at((*path, key), self.key(key) + self.layout.choice([": ", " : "]))
                self.flow((*path, key), depth - 1)
                self.write(self.layout.choice([", ", " ,"]))
            self.write("}")
        else:
            self.write("[ ")
            for index in range(self.layout.randint(0, 3)):
                self.write_at((*path, index), "")
                self.flow((*path, index), depth - 1)
                self.write(", ")
            self.write("]")
        if name:
            self.anchored.append((name[1:], path, is_map))

    def block(self, path: Path, indent: int, depth: int) -> None:
        """A block mapping or list; the cursor is at `indent`."""
        is_map = self.odds(2)
        merged: list[Path] = []
        steps: list[Any] = self.keys() if is_map else list(range(self.layout.randint(1, 4)))
        for number, step in enumerate(steps):
            if number:
                self.write(self.layout.choice(["\n", "\n", "\n\n", "\n# 😀 - comment: {\n"]))
                self.write(" " * indent)
            mappings = [target for _, target, mapping in self.anchored if mapping]
            if is_map and mappings and not merged and self.odds(2):
                merged = self.layout.choices(mappings, k=2)
                names = [name for each in merged for name, target, _ in self.anchored if target == each]
                one = len(set(merged)) == 1
                self.write(f"<<: *{names[0]}" if one else f"<<: [*{names[0]}, *{names[-1]}]")
                self.write("\n" + " " * indent)
            if is_map:
                self.write_at((*path, step), self.key(step) + ":")
            else:
                self.write("-")
            self.block_value((*path, step), indent, depth - 1, is_map)
        for target in merged:
            self.copy_members(target, path)

    def copy_members(self, target: Path, path: Path) -> None:
        """A merge: members that the mapping has not."""
        own = {each[: len(path) + 1] for each in self.places if len(each) > len(path)}
        for each, offset in list(self.places.items()):
            rest = each[len(target) :]
            if rest and each[: len(target)] == target and (*path, rest[0]) not in own:
                self.places[path + rest] = offset

    def block_value(self, path: Path, indent: int, depth: int, in_map: bool) -> None:
        name = self.anchor()
        anchored, mark = self.anchored, len(self.text) + 1
        if not in_map:
            self.places[path] = mark
        kind = self.layout.choice(["flow", "block", "block", "literal", "empty"] if depth else ["flow"])
        if kind == "flow":
            self.write(" ")
            self.flow(path, max(depth, 1))
            self.write(self.layout.choice(["", "", " # 😀: comment"]))
            return
        if kind == "empty":
            if not in_map and not name:
                self.places[path] = mark - 1  # nothing is written: right after the dash
            self.write(f" {name}" if name else "")
        elif kind == "literal":
            self.write(f" {name} "[: None if name else 1])
            lines = self.layout.choices(["x: y", "# no comment", "😀 - 'z", "  more", ""], k=3)
            self.write(self.layout.choice(["|", ">", "|-", ">+"]) + "\n")
            self.write("".join(" " * (indent + 2) + line + "\n" for line in ["first", *lines]).rstrip("\n"))
        elif in_map or name or self.odds(3):
            step = self.layout.choice([1, 2, 4])
            self.write((f" {name}" if name else "") + "\n" + " " * (indent + step))
            if not in_map and not name:
                self.places[path] = len(self.text)
            before = len(self.text)
            self.block(path, indent + step, depth)
            if name:
                is_map = self.text[before] not in "-"
                anchored.append((name[1:], path, is_map))
            return
        else:
            self.write(" ")
            self.block(path, indent + 2, depth)
            return
        if name:
            anchored.append((name[1:], path, False))


@modest
@given(st.lists(texts, min_size=1, max_size=5), layouts, newlines, boms)
def test_hand_written_yaml_has_the_data_of_ruamel_and_a_place_for_every_path(
    texts: list[str], layout: Random, newline: str, bom: str
) -> None:
    document = YamlWriter(layout, newline, texts)
    document.document()
    loaded = load(bom + document.text, "x.yaml")
    assert typed(loaded.data) == typed(ruamel(document.text))
    assert loaded.locate(paths_of(loaded.data)) == document.expected()
