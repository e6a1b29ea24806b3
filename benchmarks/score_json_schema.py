"""Score the rule on examples against the JSON Schema test suite.

    python benchmarks/score_json_schema.py [--verbose] SUITE

SUITE is the suite's folder, with `tests/draft4` and `tests/draft2020-12`. Each schema becomes a
component of an OpenAPI document and each case an example of a body: of draft 4 in 3.0, as far as it
uses what a Schema Object of 3.0 has; of 2020-12 in 3.1. Prints the cases judged, how many as the
suite says, and why others are not.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from backend_architect.server.workspace import Workspace
from backend_architect.tools.openapi.api import Api
from backend_architect.tools.openapi.document import describe
from backend_architect.tools.openapi.translation import FORMATS
from backend_architect.tools.review_api.rules.examples import example_invalid

VERSIONS = {"draft4": "3.0.4", "draft2020-12": "3.1.1"}
IN_3_0 = {  # OpenAPI 3.0.4, section 4.7.24: the keywords that a Schema Object supports
    *("title", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"),
    *("maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems"),
    *("maxProperties", "minProperties", "required", "enum", "type", "not", "allOf", "oneOf"),
    *("anyOf", "items", "properties", "additionalProperties", "description", "format", "default"),
    *("$ref", "$schema", "$comment", "definitions"),
}
WHY_NOT = {
    "dynamicRef": "the target of a $dynamicRef depends on the way to it, which is not followed",
    "$dynamicRef": "the target of a $dynamicRef depends on the way to it, which is not followed",
    "format": "a format of OpenAPI's registry is asserted, and no mere annotation",
    "remote": "URLs are never fetched",
    "vocabulary": "dialects of one's own are not followed",
    "$vocabulary": "dialects of one's own are not followed",
    "base": "an `$id` of its own changes what its references are relative to",
}


def main() -> None:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("suite", type=Path)
    arguments.add_argument("--verbose", action="store_true")
    given = arguments.parse_args()
    wrong = 0
    for draft in VERSIONS:
        found: Counter[str] = Counter()
        for file in sorted((given.suite / "tests" / draft).glob("*.json")):
            for group in json.loads(file.read_text("utf-8")):
                why = why_not(draft, file.stem, group["schema"])
                found[why] += len(group["tests"])
                for name in [] if why else wrong_in(draft, group):
                    found["wrong"] += 1
                    if given.verbose:
                        print(f"  {draft} {file.stem}: {group['description']}: {name}")
        judged = found.pop("")
        wrong += found["wrong"]
        right = judged - found.pop("wrong", 0)
        left = found.total()
        print(f"{draft}: {right:,} of {judged:,} right; {judged:,} of {judged + left:,} mapped")
        for why, count in found.most_common():
            print(f"  {count:4} not mapped: {why}")
    sys.exit(bool(wrong))


def why_not(draft: str, file: str, schema: Any) -> str:
    """Why a schema cannot stand in an OpenAPI document, or is judged otherwise there."""
    if file == "format":
        return WHY_NOT[file] if schema["format"] in FORMATS else ""
    if file in WHY_NOT:
        return WHY_NOT[file]
    keywords = dict(keywords_of(schema))
    references = [str(keywords[key]) for key in keywords if key.endswith("$ref")]
    if "$dynamicRef" in keywords or "$vocabulary" in keywords:
        return WHY_NOT["$dynamicRef"]
    if any(not each.startswith("#") for each in references):
        return WHY_NOT["remote"] if not keywords.get("$id") else WHY_NOT["base"]
    if draft == "draft4":
        foreign = sorted(set(keywords) - IN_3_0)
        if foreign:
            return f"`{foreign[0]}` is no keyword of a Schema Object in 3.0"
        if any(
            not isinstance(t, str) or t == "null" for k, t in keywords_of(schema) if k == "type"
        ):
            return "the type of a Schema Object in 3.0 is one, and not `null`"
        if any(isinstance(v, list) for k, v in keywords_of(schema) if k == "items"):
            return "`items` of a Schema Object in 3.0 is no list"
    elif any(k == "$id" for k, _ in keywords_of(schema)) and references:
        return WHY_NOT["base"]
    return ""


def keywords_of(schema: Any) -> Iterator[tuple[str, Any]]:
    """The keywords of a schema and of those inside of it, with what they say."""
    if not isinstance(schema, dict):
        return
    for keyword, argument in schema.items():
        yield keyword, argument
        if keyword in ("enum", "const", "default", "examples"):
            continue
        if keyword in ("properties", "patternProperties", "$defs", "definitions"):
            inner: Iterable[Any] = argument.values() if isinstance(argument, dict) else ()
        elif keyword in ("dependentSchemas", "dependencies"):
            inner = argument.values()
        else:
            inner = argument if isinstance(argument, list) else (argument,)
        for each in inner:
            yield from keywords_of(each)


def moved(schema: Any) -> Any:
    """A schema whose references within it lead there from the root of an OpenAPI document."""
    if isinstance(schema, list):
        return [moved(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value
        if key in ("enum", "const")
        else f"#/components/schemas/Tested{value[1:]}"
        if key == "$ref"
        and isinstance(value, str)
        and value in ("#", f"#{value[1:]}")
        and value[1:2] in ("", "/")
        else moved(value)
        for key, value in schema.items()
    }


def wrong_in(draft: str, group: dict[str, Any]) -> Iterator[str]:
    """The cases of a schema that are judged otherwise than the suite says."""
    schema = moved(group["schema"])
    for case in group["tests"]:
        content = json.dumps(document(VERSIONS[draft], schema, case["data"]))
        api = Api(describe(content, "suite.json", Workspace(()).reader))
        if any(example_invalid.check(api, api)) is case["valid"]:
            yield case["description"]


def document(version: str, schema: Any, example: Any) -> dict[str, Any]:
    """A document with an example of a body."""
    reference = {"$ref": "#/components/schemas/Tested"}
    body = {"content": {"application/json": {"schema": reference, "example": example}}}
    operation = {"requestBody": body, "responses": {"200": {"description": "Done"}}}
    return {
        "openapi": version,
        "info": {"title": "Suite", "version": "1.0.0"},
        "paths": {"/tested": {"post": operation}},
        "components": {"schemas": {"Tested": schema}},
    }


if __name__ == "__main__":
    main()
