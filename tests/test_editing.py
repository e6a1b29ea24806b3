"""Documents whose data changes: the text says it, and nothing else of it changed."""

from __future__ import annotations

import difflib
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from backend_architect.tools.editing.patch import CannotPatch, applied
from backend_architect.tools.editing.text import CannotEdit, edited
from backend_architect.tools.source import load

TEXT = """\
# the API
openapi: 3.0.3   # keep
info:
  title: 'Pets'
  version: "1.0"

tags: [a, b, c]   # flow
paths:
  /pets/{id}:
    get:
      parameters:
      - name: id   # the key
        in: path
        schema: {type: string, nullable: true}
      - in: query
        name: limit
      responses:
        '200':
          description: |
            Long
            text
        # about errors
        '404': {description: None}
components: {}
"""


def changed(text: str, *operations: dict[str, Any], name: str = "a.yaml") -> list[str]:
    """The lines that differ, after operations."""
    source = load(text, name)
    after = edited(source, applied(source.data, operations))
    lines = difflib.ndiff(text.splitlines(), after.splitlines())
    return sorted(line for line in lines if line[0] in "+-")


@pytest.mark.parametrize(
    ("operations", "lines"),
    [
        (
            [{"op": "replace", "path": "/info/version", "value": "2"}],
            ['-   version: "1.0"', '+   version: "2"'],
        ),
        ([{"op": "replace", "path": "/info/title", "value": "It's"}],
         ["-   title: 'Pets'", "+   title: 'It''s'"]),
        ([{"op": "remove", "path": "/tags/1"}],
         ["- tags: [a, b, c]   # flow", "+ tags: [a, c]   # flow"]),
        ([{"op": "remove", "path": "/tags/2"}, {"op": "remove", "path": "/tags/0"}],
         ["- tags: [a, b, c]   # flow", "+ tags: [b]   # flow"]),
        ([{"op": "add", "path": "/tags/-", "value": "yes"}],
         ["- tags: [a, b, c]   # flow", "+ tags: [a, b, c, 'yes']   # flow"]),
        ([{"op": "add", "path": "/paths/~1pets~1{id}/get/parameters/0/required", "value": True}],
         ["+         required: true"]),
        ([{"op": "remove", "path": "/paths/~1pets~1{id}/get/parameters/0/name"}],
         ["-       - name: id   # the key", "-         in: path", "+       - in: path"]),
        ([{"op": "remove", "path": "/paths/~1pets~1{id}/get/parameters/1"}],
         ["-       - in: query", "-         name: limit"]),
        ([{"op": "remove", "path": "/paths/~1pets~1{id}/get/responses/200"}],
         ["-         '200':", "-           description: |", "-             Long",
          "-             text"]),
        ([{"op": "add", "path": "/components/schemas", "value": {"A": {"type": "object"}}}],
         ["- components: {}", "+ components: {schemas: {A: {type: object}}}"]),
        ([{"op": "add", "path": "/servers", "value": [{"url": "https://x.example"}]}],
         ["+ servers:", "+   - url: 'https://x.example'"]),
        ([{"op": "add", "path": "/paths/~1pets~1{id}/get/parameters/-",
           "value": {"name": "q", "in": "query"}}],
         ["+       - name: q", "+         in: query"]),
        ([{"op": "replace", "path": "/paths/~1pets~1{id}/get/responses/200/description",
           "value": "Short"}],
         ["-           description: |", "-             Long", "-             text",
          "+           description: Short"]),
    ],
)  # fmt: skip
def test_only_what_differs_is_written_anew(
    operations: list[dict[str, Any]], lines: list[str]
) -> None:
    assert changed(TEXT, *operations) == sorted(lines)


def test_json_keeps_its_layout() -> None:
    text = '{\n    "a": [1, 2,\n      3],\n    "b": {"c": "x"}\n}\n'
    added = {"op": "add", "path": "/d", "value": True}
    assert changed(text, added, name="a.json") == sorted(
        ['-     "b": {"c": "x"}', '+     "b": {"c": "x"},', '+     "d": true']
    )
    removed = {"op": "remove", "path": "/a/0"}
    assert changed(text, removed, name="a.json") == ['+     "a": [2,', '-     "a": [1, 2,']
    assert changed(text, {"op": "remove", "path": "/b"}, name="a.json") == sorted(
        ["-       3],", '-     "b": {"c": "x"}', "+       3]"]
    )


def test_line_ends_and_a_missing_last_one_are_kept() -> None:
    source = load("a: 1\r\nb: 2", "a.yaml")
    after = edited(source, {"a": 1, "b": 2, "c": 3})
    assert after == "a: 1\r\nb: 2\r\nc: 3"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a: &x {k: 1}\nb: *x\n", "/b/k"),
        ("a: &x {k: 1}\nb: *x\n", "/a/k"),
        ("a: &x {k: 1}\nb:\n  <<: *x\n  l: 2\n", "/b/k"),
        ("a: 1\na: 2\n", "/a"),
    ],
)
def test_what_stands_for_two_places_is_not_changed(text: str, path: str) -> None:
    with pytest.raises(CannotEdit):
        changed(text, {"op": "replace", "path": path, "value": 7})


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/b"},
        {"op": "replace", "path": "/a/9", "value": 1},
        {"op": "add", "path": "/a/x", "value": 1},
        {"op": "add", "path": "/a/0/y", "value": 1},
        {"op": "move", "path": "/a", "from": "/b"},
        {"op": "remove", "path": "a"},
    ],
)
def test_what_does_not_fit_is_refused(operation: dict[str, Any]) -> None:
    with pytest.raises(CannotPatch):
        applied({"a": [1]}, [operation])


def test_the_input_of_a_patch_stays_as_it_is() -> None:
    data = {"a": {"b": [1, 2, 3]}, "c": {}}
    operations = [{"op": "remove", "path": f"/a/b/{n}"} for n in range(2)]
    assert applied(data, operations) == {"a": {"b": [3]}, "c": {}}
    assert data == {"a": {"b": [1, 2, 3]}, "c": {}}


keys = st.text(st.sampled_from("ab: '#-\"{"), min_size=1, max_size=4)
scalars = st.none() | st.booleans() | st.integers(-5, 5) | keys | st.sampled_from(["yes", "1", ""])
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
)


@given(st.dictionaries(keys, documents, max_size=3), st.dictionaries(keys, documents, max_size=3),
       st.sampled_from(["json", "indented", "block", "flow"]))  # fmt: skip
def test_the_text_says_what_was_wanted(old: dict[str, Any], new: dict[str, Any], form: str) -> None:
    text = {
        "json": lambda: json.dumps(old),
        "indented": lambda: json.dumps(old, indent=4),
        "block": lambda: yaml.safe_dump(old, default_flow_style=False),
        "flow": lambda: yaml.safe_dump(old, default_flow_style=True),
    }[form]()
    name = "a.json" if form in ("json", "indented") else "a.yaml"
    after = edited(load(text, name), new)
    assert load(after, name).data == new
