"""Puts single faults into a clean API document; each must be found as one group, at its place.

    python benchmarks/mutation_api.py examples/orders-api-fixed.yaml [--faults 200] [--only KIND]

The document itself must give no finding. A fault is found when the review of the changed document
has one group, of a rule that is expected, with a finding at the place of the fault. Prints the
faults by kind, and each that was not found so.
"""

from __future__ import annotations

import json
import re
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend_architect.server.workspace import Workspace
from backend_architect.tools.report import Report
from backend_architect.tools.review_api import review
from backend_architect.tools.source import Path as Steps
from backend_architect.tools.source import load, pointer

Document = dict[str, Any]
METHODS = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True)
class Fault:
    """A change at a place, and the rules of which one has to find it there."""

    at: Steps
    change: Callable[[Document], None]
    rules: tuple[str, ...]
    gone: tuple[str, ...] = ()  # references that the fault is about


Kind = Callable[[Document], Iterator[Fault]]
KINDS: dict[str, Kind] = {}


def kind(make: Kind) -> Kind:
    KINDS[make.__name__.replace("_", " ")] = make
    return make


def main() -> None:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("file", type=Path)
    arguments.add_argument("--faults", type=int, default=200)
    arguments.add_argument("--only", default="")
    given = arguments.parse_args()
    document = load(given.file.read_bytes(), given.file.name).data
    clean = reviewed(document)
    print(f"unchanged: {len(clean.findings)} findings")
    made: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for name, fault in faults(document, given.faults):
        if given.only in name:
            made[name] += 1
            outcome = missed(fault, document)
            found[name] += not outcome
            if outcome:
                print(f"  {name} at {pointer(fault.at)}: {outcome}")
    for name in KINDS:
        if made[name]:
            print(f"{name:44} {found[name]:3} of {made[name]:3}")
    print(f"{found.total()} of {made.total()} faults found as one group at their place")
    sys.exit(bool(clean.findings) or found != made)


def faults(document: Document, count: int) -> list[tuple[str, Fault]]:
    """About as many of each kind as there are places for it, spread over the document."""
    places = {
        name: [fault for fault in make(document) if single(fault, document)]
        for name, make in KINDS.items()
    }
    chosen: list[tuple[str, Fault]] = []
    share = 1
    while len(chosen) < count and share <= max(map(len, places.values())):
        chosen = [(name, each) for name, all_ in places.items() for each in spread(all_, share)]
        share += 1
    return chosen


def single(fault: Fault, document: Document) -> bool:
    """Whether a fault is one: not, if it takes the last use of a component, too."""
    changed = deepcopy(document)
    fault.change(changed)
    return references(document) <= references(changed) | set(fault.gone)


def references(document: Document) -> set[str]:
    return set(re.findall(r'"#/[^"]+"', json.dumps(document)))


def spread(all_: Sequence[Fault], count: int) -> Sequence[Fault]:
    count = min(count, len(all_))
    return [all_[index * len(all_) // count] for index in range(count)]


def missed(fault: Fault, document: Document) -> str:
    """Why a fault counts as not found; empty if it was."""
    changed = deepcopy(document)
    fault.change(changed)
    report = reviewed(changed)
    told = [f"{group.first.rule} ×{group.count}: {group.message}" for group in report.groups]
    if not report.groups:
        return "nothing found"
    if len(report.groups) > 1:
        return "several groups: " + "; ".join(told)
    group = report.groups[0]
    if group.first.rule not in fault.rules:
        return f"another rule: {told[0]}"
    at = pointer(fault.at)
    places = {place for each in group.findings for place in (each.location, *each.related)}
    if not any(near(place.pointer, at) for place in places):
        return f"another place: {told[0]} at {group.first.location.pointer}"
    return ""


def near(found: str, at: str) -> bool:
    """Whether a finding is at the place, inside of it, or at the object that it is a member of."""
    return f"{found}/".startswith(f"{at}/") or found == at.rpartition("/")[0]


def reviewed(document: Document) -> Report:
    return review(json.dumps(document), "api.json", Workspace(()).reader, prove=False)


def operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any], Steps]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method], ("paths", path, method)


def schemas(document: Document) -> Iterator[tuple[dict[str, Any], Steps]]:
    """The component schemas and the schemas of their properties."""
    for name, schema in document["components"]["schemas"].items():
        yield schema, ("components", "schemas", name)
        for inner, value in schema.get("properties", {}).items():
            if isinstance(value, dict):
                yield value, ("components", "schemas", name, "properties", inner)


def at(document: Document, steps: Steps) -> Any:
    found: Any = document
    for step in steps:
        found = found[step]
    return found


def put(steps: Steps, key: str | int, value: Any) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        at(document, steps)[key] = deepcopy(value)

    return change


def drop(steps: Steps, *keys: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        for key in keys:
            del at(document, steps)[key]

    return change


@kind
def all_error_responses_deleted(document: Document) -> Iterator[Fault]:
    for _, _, operation, steps in operations(document):
        codes = [code for code in operation["responses"] if code[0] in "45d"]
        where = (*steps, "responses")
        if len(codes) < 2:
            continue  # what can hardly fail need not say how
        rules = ("api/error-response-missing", "api/rate-limit-response-missing")
        yield Fault(where, drop(where, *codes), rules)


@kind
def not_found_response_deleted(document: Document) -> Iterator[Fault]:
    for path, _, operation, steps in operations(document):
        if path.endswith("}") and "404" in operation["responses"]:
            where = (*steps, "responses")
            yield Fault(where, drop(where, "404"), ("api/not-found-response-missing",))


@kind
def unauthorized_response_deleted(document: Document) -> Iterator[Fault]:
    for _, _, operation, steps in operations(document):
        if "401" in operation["responses"]:
            where = (*steps, "responses")
            yield Fault(where, drop(where, "401"), ("api/unauthorized-response-missing",))


@kind
def sibling_unsecured(document: Document) -> Iterator[Fault]:
    for _, method, operation, steps in operations(document):
        if method != "get" and "security" in operation:
            rules = ("api/operation-unprotected", "api/authorization-outlier")
            yield Fault((*steps, "security"), put(steps, "security", []), rules)


@kind
def scheme_misspelt(document: Document) -> Iterator[Fault]:
    for _, _, operation, steps in operations(document):
        for scheme, scopes in next(iter(operation.get("security", [])), {}).items():
            change = put(steps, "security", [{scheme.lower(): scopes}])
            yield Fault((*steps, "security"), change, ("api/security-scheme-undefined",))


@kind
def scope_misspelt(document: Document) -> Iterator[Fault]:
    for _, _, operation, steps in operations(document):
        for scheme, scopes in next(iter(operation.get("security", [])), {}).items():
            if scopes:
                change = put(steps, "security", [{scheme: [scopes[0].replace(":", ".")]}])
                yield Fault((*steps, "security"), change, ("api/security-scope-undefined",))


@kind
def credential_made_optional(document: Document) -> Iterator[Fault]:
    for _, method, operation, steps in operations(document):
        if method != "get" and "security" in operation:
            change = put(steps, "security", [*operation["security"], {}])
            yield Fault((*steps, "security"), change, ("api/operation-unprotected",))


@kind
def scope_forgotten(document: Document) -> Iterator[Fault]:
    for _, _, operation, steps in operations(document):
        for scheme, scopes in next(iter(operation.get("security", [])), {}).items():
            if scopes:
                change = put(steps, "security", [{scheme: []}])
                yield Fault((*steps, "security"), change, ("api/authorization-outlier",))


@kind
def write_with_a_scope_for_reading(document: Document) -> Iterator[Fault]:
    for _, method, operation, steps in operations(document):
        for scheme, scopes in next(iter(operation.get("security", [])), {}).items():
            if method in ("put", "patch", "delete") and scopes[:1] and ":write" in scopes[0]:
                less = [{scheme: [scopes[0].replace(":write", ":read")]}]
                change = put(steps, "security", less)
                yield Fault((*steps, "security"), change, ("api/authorization-outlier",))


@kind
def key_moved_to_the_query(document: Document) -> Iterator[Fault]:
    for name, scheme in document["components"]["securitySchemes"].items():
        if scheme["type"] == "apiKey":
            steps = ("components", "securitySchemes", name)
            yield Fault(steps, put(steps, "in", "query"), ("api/credentials-in-url",))


@kind
def flow_made_implicit(document: Document) -> Iterator[Fault]:
    for name, scheme in document["components"]["securitySchemes"].items():
        flow = scheme.get("flows", {}).get("authorizationCode")
        if flow:
            steps = ("components", "securitySchemes", name)
            implicit = {key: flow[key] for key in ("authorizationUrl", "scopes")}
            change = put(steps, "flows", {"implicit": implicit})
            yield Fault((*steps, "flows"), change, ("api/oauth-flow-deprecated",))


@kind
def password_answered(document: Document) -> Iterator[Fault]:
    for name, schema in document["components"]["schemas"].items():
        if "properties" in schema and "id" in schema["properties"]:
            steps = ("components", "schemas", name, "properties")
            hash_ = {"type": "string", "description": "As it is stored.", "maxLength": 100}
            change = put(steps, "passwordHash", hash_)
            yield Fault((*steps, "passwordHash"), change, ("api/password-in-response",))


@kind
def template_broken(document: Document) -> Iterator[Fault]:
    """The variable in a path gets another name than its parameter."""
    for path in document["paths"]:
        if "}" in path:
            renamed = path.replace("{", "{the", 1)

            def change(document: Document, path: str = path, renamed: str = renamed) -> None:
                paths = document["paths"]
                document["paths"] = {renamed if p == path else p: i for p, i in paths.items()}

            rules = ("api/path-parameter-undeclared", "api/path-parameter-unused")
            yield Fault(("paths", renamed), change, rules)


@kind
def path_parameter_deleted(document: Document) -> Iterator[Fault]:
    for path, item in document["paths"].items():
        if "parameters" in item:
            steps = ("paths", path)
            yield Fault(steps, drop(steps, "parameters"), ("api/path-parameter-undeclared",))


@kind
def path_parameter_optional(document: Document) -> Iterator[Fault]:
    for name, parameter in document["components"]["parameters"].items():
        if parameter["in"] == "path":
            steps = ("components", "parameters", name)
            rules = ("api/path-parameter-optional",)
            yield Fault((*steps, "required"), put(steps, "required", False), rules)


@kind
def path_doubled(document: Document) -> Iterator[Fault]:
    for path, item in document["paths"].items():
        if path.endswith("}"):
            start, _, _ = path.rpartition("{")
            twin = f"{start}{{another}}"
            name = path.rpartition("{")[2].rstrip("}")
            schema = {"type": "string", "maxLength": 36}
            parameter = {"name": "another", "in": "path", "required": True, "schema": schema}
            others = [p for p in item.get("parameters", []) if name.lower() not in str(p).lower()]
            method = next(method for method in METHODS if method in item)
            operation = {**item[method], "operationId": "another"}
            other = {method: operation, "parameters": [*others, parameter]}
            yield Fault(("paths", twin), put(("paths",), twin, other), ("api/path-duplicate",))


@kind
def operation_id_taken(document: Document) -> Iterator[Fault]:
    known = [operation["operationId"] for _, _, operation, _ in operations(document)]
    for number, (_, _, _, steps) in enumerate(operations(document)):
        other = known[(number + 1) % len(known)]
        # Whichever of the two comes second is told.
        yield Fault(steps[:1], put(steps, "operationId", other), ("api/operation-id-duplicate",))


@kind
def description_of_response_deleted(document: Document) -> Iterator[Fault]:
    for _, _, operation, steps in operations(document):
        for code, response in operation["responses"].items():
            if "description" in response:
                where = (*steps, "responses", code)
                yield Fault(where, drop(where, "description"), ("api/field-missing",))


@kind
def key_misspelt(document: Document) -> Iterator[Fault]:
    for _, _, operation, steps in operations(document):
        if "summary" in operation:
            change = put(steps, "sumary", operation["summary"])
            yield Fault((*steps, "sumary"), change, ("api/field-unknown",))


@kind
def reference_broken(document: Document) -> Iterator[Fault]:
    for _, _, operation, steps in operations(document):
        for code, response in operation["responses"].items():
            if "$ref" in response:
                where = (*steps, "responses", code)
                change = put(where, "$ref", response["$ref"] + "s")
                yield Fault(where, change, ("api/reference-unresolved",))


@kind
def reference_to_another_kind(document: Document) -> Iterator[Fault]:
    for _, _, operation, steps in operations(document):
        for code, response in operation["responses"].items():
            if "$ref" in response:
                where = (*steps, "responses", code)
                change = put(where, "$ref", "#/components/schemas/Problem")
                yield Fault(where, change, ("api/reference-wrong-kind",))


@kind
def bounds_swapped(document: Document) -> Iterator[Fault]:
    for schema, steps in schemas(document):
        if isinstance(high := schema.get("maxLength"), int):
            yield Fault(steps, put(steps, "minLength", high + 1), _BOUNDS)
        if isinstance(high := schema.get("maximum"), int):
            yield Fault(steps, put(steps, "minimum", high + 1), _BOUNDS)


_BOUNDS = ("api/schema-bounds-contradictory", "api/schema-unsatisfiable")


@kind
def required_misspelt(document: Document) -> Iterator[Fault]:
    for schema, steps in schemas(document):
        names = schema.get("required")
        if names and schema.get("properties"):
            change = put((*steps, "required"), 0, names[0] + "X")
            where = (*steps, "required")
            rules = ("api/required-property-undeclared", "api/schema-unsatisfiable")
            yield Fault(where, change, rules)


@kind
def default_not_allowed(document: Document) -> Iterator[Fault]:
    for schema, steps in schemas(document):
        if schema.get("enum"):
            yield Fault(steps, put(steps, "default", "none of them"), ("api/default-invalid",))


@kind
def enum_of_another_type(document: Document) -> Iterator[Fault]:
    for schema, steps in schemas(document):
        if schema.get("enum") and schema.get("type") == "string":
            change = put(steps, "enum", [*schema["enum"], 7])
            yield Fault(steps, change, ("api/enum-type-mismatch", "api/enum-value-excluded"))


@kind
def pattern_broken(document: Document) -> Iterator[Fault]:
    for schema, steps in schemas(document):
        if "pattern" in schema:
            change = put(steps, "pattern", schema["pattern"] + "(")
            yield Fault((*steps, "pattern"), change, ("api/pattern-invalid",))


@kind
def pattern_explodes(document: Document) -> Iterator[Fault]:
    """Of what clients send and no `maxLength` bounds."""
    for schema, steps in schemas(document):
        if "pattern" in schema and str(steps[2]).endswith(("Create", "Update", "Put")):

            def change(document: Document, steps: Steps = steps) -> None:
                at(document, steps)["pattern"] = "^(a+)+$"
                at(document, steps).pop("maxLength", None)

            yield Fault((*steps, "pattern"), change, ("api/pattern-super-linear",))


@kind
def items_deleted(document: Document) -> Iterator[Fault]:
    for schema, steps in schemas(document):
        if schema.get("type") == "array" and "items" in schema:
            yield Fault(
                steps, drop(steps, "items"), ("api/array-items-missing", "api/array-of-anything")
            )


@kind
def type_flipped_under_an_example(document: Document) -> Iterator[Fault]:
    rules = ("api/example-invalid",)
    for schema, steps in schemas(document):
        if schema.get("type") == "string" and "example" in schema:
            yield Fault((*steps, "example"), put(steps, "example", 7.5), rules)
    for part in ("parameters", "headers"):
        for name, described in document["components"].get(part, {}).items():
            steps = ("components", part, name)
            if "example" in described and described["schema"].get("type") == "string":
                yield Fault((*steps, "example"), put(steps, "example", 7.5), rules)


@kind
def example_breaks_its_schema(document: Document) -> Iterator[Fault]:
    for _, _, operation, steps in operations(document):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            if isinstance(content.get("example"), dict):
                name = next(iter(content["example"]))
                where = (*steps, "requestBody", "content", media_type, "example")
                change = put(where, name, {"not": ["what", "is", "asked"]})
                yield Fault((*where, name), change, ("api/example-invalid",))


@kind
def body_for_no_content(document: Document) -> Iterator[Fault]:
    for _, _, operation, steps in operations(document):
        if "204" in operation["responses"]:
            where = (*steps, "responses", "204")
            content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            change = put(where, "content", content)
            yield Fault(where, change, ("api/response-body-forbidden",))


@kind
def body_on_get(document: Document) -> Iterator[Fault]:
    for _, method, _, steps in operations(document):
        if method == "get":
            body = {"content": {"application/json": {"schema": {"type": "object"}}}}
            rules = ("api/request-body-on-get",)
            yield Fault((*steps, "requestBody"), put(steps, "requestBody", body), rules)


@kind
def success_deleted(document: Document) -> Iterator[Fault]:
    for _, _, operation, steps in operations(document):
        codes = [code for code in operation["responses"] if code[0] in "23"]
        where = (*steps, "responses")
        yield Fault(where, drop(where, *codes), ("api/success-response-missing",))


@kind
def page_size_deleted(document: Document) -> Iterator[Fault]:
    for _, method, operation, steps in operations(document):
        paging = ("Cursor", "Limit")
        left = [
            each
            for each in operation.get("parameters", [])
            if not any(str(each.get("$ref", "")).endswith(f"/{name}") for name in paging)
        ]
        if method == "get" and len(left) < len(operation.get("parameters", [])):
            rules = ("api/collection-unpaginated", "api/pagination-inconsistent")
            yield Fault(steps, put(steps, "parameters", left), rules)


@kind
def idempotency_key_deleted(document: Document) -> Iterator[Fault]:
    for _, method, operation, steps in operations(document):
        keys = [p for p in operation.get("parameters", []) if "IdempotencyKey" in str(p)]
        if method == "post" and keys:
            left = [p for p in operation["parameters"] if p not in keys]
            rules = ("api/idempotency-key-missing",)
            yield Fault(steps, put(steps, "parameters", left), rules)


@kind
def another_error_model(document: Document) -> Iterator[Fault]:
    for _, _, operation, steps in operations(document):
        for code, response in operation["responses"].items():
            if code[0] == "4" and code != "429" and "$ref" in response:
                schema = {"type": "object", "properties": {"oops": {"type": "string"}}}
                another = {
                    "description": "Wrong.",
                    "content": {"application/json": {"schema": schema}},
                }
                where = (*steps, "responses")
                change = put(where, code, another)
                yield Fault((*where, code), change, ("api/error-body-inconsistent",))


@kind
def another_casing(document: Document) -> Iterator[Fault]:
    required = json.dumps([found["required"] for found in objects(document) if "required" in found])
    for name, schema in document["components"]["schemas"].items():
        for inner in schema.get("properties", {}):
            snake = "".join(f"_{char.lower()}" if char.isupper() else char for char in inner)
            standard = snake == "updated_at"  # of OpenID Connect, right in any casing
            if snake != inner and not standard and f'"{inner}"' not in required:
                steps = ("components", "schemas", name, "properties")

                def change(
                    document: Document, steps: Steps = steps, old: str = inner, new: str = snake
                ) -> None:
                    found = at(document, steps)
                    found[new] = found.pop(old)
                    rename_in_examples(document, old, new)

                yield Fault((*steps, snake), change, ("api/field-casing-inconsistent",))


def objects(value: Any) -> Iterator[Document]:
    """Every mapping of the document."""
    if isinstance(value, dict):
        yield value
    for each in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from objects(each)


def rename_in_examples(value: Any, old: str, new: str, is_example: bool = False) -> None:
    """So that the name is the only fault."""
    if isinstance(value, dict):
        if is_example and old in value:
            value[new] = value.pop(old)
        for key, each in value.items():
            rename_in_examples(each, old, new, is_example or key in ("example", "examples"))
    elif isinstance(value, list):
        for each in value:
            rename_in_examples(each, old, new, is_example)


@kind
def plaintext_server(document: Document) -> Iterator[Fault]:
    for number, server in enumerate(document["servers"]):
        steps = ("servers", number)
        change = put(steps, "url", server["url"].replace("https", "http"))
        yield Fault(steps, change, ("api/plaintext-transport",))


@kind
def tag_undeclared(document: Document) -> Iterator[Fault]:
    for _, _, operation, steps in operations(document):
        change = put(steps, "tags", [f"{operation['tags'][0]}s"])
        yield Fault((*steps, "tags"), change, ("api/tag-undeclared",))


@kind
def property_contradicts_its_include(document: Document) -> Iterator[Fault]:
    """A schema made of others says of a property that it is of another type than they say."""
    named: Mapping[str, Any] = document["components"]["schemas"]
    for name, schema in named.items():
        for part in schema.get("allOf", []):
            target = named.get(str(part.get("$ref", "")).rpartition("/")[2], {})
            for inner in target.get("required", [])[:1]:
                steps = ("components", "schemas", name)
                more = {"type": "object", "properties": {inner: {"type": "array", "items": {}}}}
                change = put(steps, "allOf", [*schema["allOf"], more])
                rules = ("api/schema-allof-contradictory", "api/schema-unsatisfiable")
                yield Fault(steps, change, rules)


if __name__ == "__main__":
    main()
