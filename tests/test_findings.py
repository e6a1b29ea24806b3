"""From hits to findings and groups: identity, affected operations, settings, sameness."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from fragments import API_RULES, document
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_architect.server.render.json import data
from backend_architect.tools.catalog import catalog
from backend_architect.tools.judge import judge
from backend_architect.tools.openapi.api import Api
from backend_architect.tools.openapi.document import NoSuchPlace, Unreadable, describe
from backend_architect.tools.policy import Ignore, Policy
from backend_architect.tools.report import Finding, Report, Severity, clean, quoted
from backend_architect.tools.review_api import review
from backend_architect.tools.review_api.findings import findings_of
from backend_architect.tools.rule import Hit, Place, Rule, UnknownRule
from backend_architect.tools.source import Source, load

ALL = Policy(profile="all")
ORDERS = (Path(__file__).parents[1] / "examples/orders-api.yaml").read_text("utf-8")


def no_files(base: str, reference: str) -> Source:
    raise Unreadable("there are no other files here")


def report(text: str, policy: Policy = ALL, name: str = "api.yaml") -> Report:
    return review(text, name, no_files, policy)


def identities(found: Report) -> Counter[tuple[str, str, str]]:
    return Counter((f.rule, f.message, f.fingerprint) for f in found.findings)


def groups(found: Report) -> list[Any]:
    return [
        (g.first.rule, g.message, g.affects, sorted(f.fingerprint for f in g.findings))
        for g in found.groups
    ]


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


# A document with faults in an operation, in a component and in a list item.
FAULTY = """
openapi: 3.1.1
info: {title: Pets, version: 1.0.0}
security: [{token: []}]
paths:
  /pets:
    get:
      sumary: All pets
      parameters:
        - {name: limit, in: query, schema: {type: integer, minimum: 9, maximum: 1}}
        - {name: sort, in: query, schema: {type: integer, minimum: 7, maximum: 2}}
      responses:
        '200': {$ref: '#/components/responses/Pets'}
        '400': {description: A problem, contents: {}}
components:
  securitySchemes: {token: {type: http, scheme: bearer}}
  responses:
    Pets:
      description: Pets
      content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}
  schemas:
    Pet:
      type: object
      properties:
        name: {type: string, minLength: 9, maxLength: 1}
        age: {type: integer, minimum: 9, maximum: 1}
"""


# Fingerprints


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(FAULTY.replace("\n", "\n\n\n"), id="lines moved"),
        pytest.param("# Pets\n" + FAULTY.replace("  ", "      "), id="indented anew"),
        pytest.param(json.dumps(yaml.safe_load(FAULTY), indent=7), id="as JSON"),
        pytest.param(
            yaml.safe_dump(reversed_keys(yaml.safe_load(FAULTY)), sort_keys=False),
            id="keys in another order",
        ),
        pytest.param(
            FAULTY.replace(
                "        - {name: limit", "        - {name: first, in: query, schema: {}}\n"
                "        - {name: second, in: header, schema: {}}\n        - {name: limit"
            ),
            id="parameters inserted before",
        ),
        pytest.param(
            FAULTY.replace(
                "paths:", "tags: [{name: pets}]\npaths:\n  /dogs: {get: {responses: {default:"
                " {description: Dogs}}}}"
            ),
            id="another operation before",
        ),
    ],
)  # fmt: skip
def test_a_fingerprint_survives(changed: str) -> None:
    before, after = report(FAULTY, Policy()), report(changed, Policy())
    assert before.findings
    assert identities(before) <= identities(after)


def test_a_fingerprint_is_the_same_under_another_name_of_the_document() -> None:
    assert identities(report(FAULTY)) == identities(report(FAULTY, name="specs/pets.yaml"))


def test_each_place_has_a_fingerprint_of_its_own() -> None:
    for text in (FAULTY, ORDERS):
        found = report(text).findings
        assert len({finding.fingerprint for finding in found}) == len(found) > 4
        assert all(len(bytes.fromhex(finding.fingerprint)) == 8 for finding in found)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("tags: [{nme: a}]", "tags: [{name: b}, {nme: a}]"),
        ("servers: [{url: /, nme: a}]", "servers: [{url: /, descripton: a}]"),
        (
            "components: {schemas: {A: {minLength: x}}}",
            "components: {schemas: {B: {minLength: x}}}",
        ),
    ],
)
def test_different_places_have_different_fingerprints(first: str, second: str) -> None:
    one, other = (report(document(text), Policy(only_rules=GENERAL)) for text in (first, second))
    assert one.findings
    assert other.findings
    assert not {f.fingerprint for f in one.findings} & {f.fingerprint for f in other.findings}


GENERAL = ("api/field-unknown", "api/field-missing", "api/field-type", "api/field-value")


def test_faults_of_one_kind_at_one_place_are_told_apart_whatever_their_order() -> None:
    text = "openapi: 3.1.1\ninfo: {}\npaths: {}"
    found = report(text, Policy(only_rules=GENERAL)).findings
    assert {finding.message for finding in found} == {
        "the Info Object lacks `title`",
        "the Info Object lacks `version`",
    }
    assert len({finding.fingerprint for finding in found}) == 2


@pytest.mark.parametrize("rule", sorted(API_RULES))
def test_the_order_of_keys_changes_no_group(rule: str) -> None:
    content = load(document(catalog()[rule].bad), "api.yaml").data
    before = report(json.dumps(content), name="api.json")
    after = report(json.dumps(reversed_keys(content), indent=2), name="api.json")
    assert groups(after) == groups(before)


def test_the_order_of_keys_changes_no_group_of_a_whole_api() -> None:
    content = load(ORDERS, "api.yaml").data
    before = report(json.dumps(content), name="api.json")
    after = report(json.dumps(reversed_keys(content)), name="api.json")
    assert groups(after) == groups(before)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.randoms(use_true_random=False))
def test_any_order_of_keys_gives_the_same_findings(random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            keys = random.sample(list(value), len(value))
            return {key: shuffled(value[key]) for key in keys}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    content = yaml.safe_load(FAULTY)
    assert groups(report(yaml.safe_dump(shuffled(content), sort_keys=False))) == groups(
        report(FAULTY)
    )


# Sameness


def test_a_repeated_review_gives_the_same_bytes() -> None:
    first, second = (json.dumps(data(report(ORDERS))) for _ in range(2))
    assert first == second


def test_another_process_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "orders.yaml").write_text(ORDERS, "utf-8")
    command = [sys.executable, "-P", "-m", "backend_architect.server", "review-api", "orders.yaml"]
    outputs = {
        subprocess.run(
            [*command, "--format", "json", "--rule-profile", "all"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=False,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert json.loads(outputs.pop())["findings"]


# Places


def hits(text: str, *found: tuple[Any, ...]) -> list[Finding]:
    """The findings of hits of one rule at paths, with a message each."""
    api = Api(describe(text, "api.yaml", no_files))
    rule = catalog()["api/field-unknown"]
    pairs: list[tuple[Rule, Hit]] = [
        (rule, Hit(Place("api.yaml", path), message)) for path, message in found
    ]
    return findings_of(pairs, api, Policy())


def test_the_same_fault_at_one_place_counts_once() -> None:
    place = ("info", "title")
    found = hits(FAULTY, (place, "wrong"), (place, "wrong"), (place, "worse"), (("info",), "wrong"))
    assert [(f.message, f.location.pointer) for f in found] == [
        ("worse", "/info/title"),
        ("wrong", "/info/title"),
        ("wrong", "/info"),
    ]


def test_what_stands_once_and_is_used_twice_is_one_fault() -> None:
    text = """
openapi: 3.1.1
info: {title: Pets, version: 1.0.0}
paths: {}
components:
  schemas:
    A: &a {type: string, minLength: 9, maxLength: 1}
    B: *a
"""
    found = [f for f in report(text, Policy()).findings if "bounds" in f.rule]
    assert [f.location.line for f in found] == [7]


def test_a_finding_knows_line_and_column_in_code_points() -> None:
    text = 'openapi: 3.1.1\npaths: {}\ninfo: {title: "😀é", version: "1", titel: a}\n'
    (finding,) = report(text, Policy(only_rules=GENERAL)).findings
    line, column = finding.location.line, finding.location.column
    assert text.splitlines()[line - 1][column - 1 :].startswith("titel")
    assert finding.location.pointer == "/info/titel"


def test_a_fault_in_another_file_is_placed_there() -> None:
    other = "\n\ntype: string\nminLength: 9\nmaxLength: 1\n"

    def read(base: str, reference: str) -> Source:
        return load(other, "schemas/name.yaml")

    text = FAULTY.replace("name: {type: string,", "name: {$ref: 'schemas/name.yaml',")
    found = review(text, "api.yaml", read, Policy())
    (finding,) = [f for f in found.findings if f.location.file == "schemas/name.yaml"]
    assert (finding.rule, finding.location.line) == ("api/schema-bounds-contradictory", 4)
    assert finding.affects == ("GET /pets",)
    assert found.overviews[0]["files"] == ["api.yaml", "schemas/name.yaml"]


# Affected operations

SHARED = """
openapi: 3.1.1
info: {title: Pets, version: 1.0.0}
paths:
  /pets/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer, minimum: 9, maximum: 1}}
    get: {responses: {'200': {$ref: '#/components/responses/Pet'}}}
    put:
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}
      responses: {'200': {description: Replaced}}
  /dogs: {get: {responses: {'200': {$ref: '#/components/responses/Pet'}}}}
  /cats: {get: {responses: {'200': {description: Cats}}}}
components:
  responses:
    Pet:
      description: A pet
      content: {application/json: {schema: {$ref: '#/components/schemas/Animal'}}}
  schemas:
    Animal: {oneOf: [{$ref: '#/components/schemas/Pet'}]}
    Pet: {type: object, properties: {tag: {$ref: '#/components/schemas/Tag'}}}
    Tag: {type: string, minLength: 9, maxLength: 1}
"""


def test_a_fault_in_a_component_is_reported_once_with_the_operations_that_use_it() -> None:
    (finding,) = [
        f for f in report(SHARED, Policy()).findings if "/schemas/Tag" in f.location.pointer
    ]
    assert finding.affects == ("GET /dogs", "GET /pets/{id}", "PUT /pets/{id}")


def test_a_fault_in_a_shared_parameter_affects_every_operation_of_the_path() -> None:
    (finding,) = [
        f for f in report(SHARED, Policy()).findings if "/parameters/0" in f.location.pointer
    ]
    assert finding.affects == ("GET /pets/{id}", "PUT /pets/{id}")


def test_a_group_affects_what_its_findings_affect() -> None:
    for group in report(ORDERS).groups:
        assert group.affects == tuple(sorted({op for f in group.findings for op in f.affects}))


# Groups


@pytest.mark.parametrize("text", [FAULTY, SHARED, ORDERS])
def test_one_cause_is_one_group_and_different_causes_never_are(text: str) -> None:
    found = report(text)
    keys = [(g.first.rule, g.first.severity, g.first.cause) for g in found.groups]
    assert len(set(keys)) == len(keys)
    for group in found.groups:
        assert len({(f.rule, f.severity, f.cause) for f in group.findings}) == 1
    assert sum(group.count for group in found.groups) == len(found.findings)


@pytest.mark.parametrize("text", [FAULTY, SHARED, ORDERS])
def test_groups_are_worst_first(text: str) -> None:
    severities = [group.first.severity for group in report(text).groups]
    assert severities == sorted(severities, reverse=True)


def test_a_message_that_all_share_is_the_groups_and_else_the_cause_or_the_title() -> None:
    for group in report(ORDERS).groups:
        messages = {finding.message for finding in group.findings}
        expected = group.first.cause or catalog()[group.first.rule].title
        assert group.message == (messages.pop() if len(messages) == 1 else expected)


def test_a_thousand_repeats_are_one_group() -> None:
    paths = {
        f"/p{n}": {"get": {"x": 1, "responses": {"200": {"description": "a"}}}}
        for n in range(1_000)
    }
    content = {"openapi": "3.1.1", "info": {"title": "a", "version": "1"}, "paths": paths}
    found = report(json.dumps(content), Policy(only_rules=GENERAL))
    assert [(group.count, group.message) for group in found.groups] == [
        (1_000, "`x` is no field of the Operation Object")
    ]


# What a rule in particular says is not said in general again


def test_a_particular_rule_is_heard_instead_of_the_general_one() -> None:
    text = document(
        "paths: {'/pets/{id}': {get: {parameters: [{name: id, in: path, schema: {type: string}}]}}}"
    )
    general = report(text, Policy(only_rules=GENERAL)).findings
    assert [f.message for f in general] == ["the Parameter Object lacks `required`"]
    both = report(text, Policy(only_rules=(*GENERAL, "api/path-parameter-optional"))).findings
    assert [f.rule for f in both] == ["api/path-parameter-optional"]
    assert both[0].location == general[0].location


def test_a_malformed_object_is_noted_and_the_rest_still_judged() -> None:
    def trip(subject: Any, api: Api) -> Iterator[Hit]:
        if subject.method == "get":
            raise TypeError("a malformed object")
        yield Hit(subject.node.place(), "judged")

    rules = [replace(catalog()["api/field-unknown"], id="api/trips", on="operation", check=trip)]
    model = Api(describe(SHARED, "api.yaml", no_files))
    found, notes = judge(rules, lambda kind: model.operations, model)
    assert [hit.message for _, hit in found] == ["judged"]
    assert notes == ["`api/trips` could not judge 3 malformed objects."]


# Settings

BOUNDS = "api/schema-bounds-contradictory"


def bounds(policy: Policy) -> Report:
    return report(SHARED, replace(policy, only_rules=policy.only_rules or (BOUNDS,)))


def test_a_severity_of_the_settings_replaces_the_rules() -> None:
    found = bounds(Policy(severities={BOUNDS: Severity.INFO}))
    assert {finding.severity for finding in found.findings} == {Severity.INFO}
    assert found.counts() == {"error": 0, "warning": 0, "info": 2}
    assert found.worst is Severity.INFO


def test_a_rule_that_is_off_finds_nothing() -> None:
    found = bounds(Policy(severities={BOUNDS: None}))
    assert (found.findings, found.ignored, found.worst) == ((), 0, None)


@pytest.mark.parametrize(
    ("ignore", "left"),
    [
        (Ignore(BOUNDS, "known"), 0),
        (Ignore(BOUNDS, "known", pointer="/components/*"), 1),
        (Ignore(BOUNDS, "known", pointer="/components/schemas/Tag"), 2),
        (Ignore(BOUNDS, "known", pointer="*/Tag/minLength"), 1),
        (Ignore(BOUNDS, "known", file="api.yaml"), 0),
        (Ignore(BOUNDS, "known", file="other/*.yaml"), 2),
        (Ignore("api/field-unknown", "known"), 2),
    ],
)
def test_what_an_ignore_covers_is_counted_and_not_shown(ignore: Ignore, left: int) -> None:
    found = bounds(Policy(ignores=(ignore,)))
    assert (len(found.findings), found.ignored) == (left, 2 - left)


@pytest.mark.parametrize(
    ("as_of", "left", "noted"),
    [
        (None, 0, True),
        (date(2027, 6, 29), 0, False),
        (date(2027, 6, 30), 0, False),
        (date(2027, 7, 1), 2, False),
    ],
)
def test_expiry_is_judged_only_against_a_given_date(
    as_of: date | None, left: int, noted: bool
) -> None:
    ignore = Ignore(BOUNDS, "known", expires=date(2027, 6, 30))
    found = bounds(Policy(ignores=(ignore,), as_of=as_of))
    assert len(found.findings) == left
    assert any("no `as_of` date was given" in note for note in found.notes) is noted


def test_only_the_rules_asked_for_run_in_whatever_profile() -> None:
    opt_in = next(rule.id for rule in API_RULES.values() if rule.opt_in)
    found = report(ORDERS, Policy(only_rules=(BOUNDS, opt_in)))
    assert {finding.rule for finding in found.findings} <= {BOUNDS, opt_in}
    assert len(report(ORDERS, ALL).findings) > len(report(ORDERS, Policy()).findings)


def test_an_unknown_rule_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownRule) as error:
        report(SHARED, Policy(only_rules=("api/schema-bound-contradictory",)))
    assert str(error.value).startswith(
        "there is no rule `api/schema-bound-contradictory`; did you mean `api/schema-bounds-c"
    )


# Reports


@pytest.mark.parametrize(
    ("pointer", "count"),
    [
        ("", 2),
        ("/", 2),
        ("/components", 1),
        ("/components/schemas/Tag", 1),
        ("/paths/~1pets~1{id}/parameters/0/", 1),
        ("/info", 0),
    ],
)
def test_a_report_can_be_narrowed_to_a_pointer(pointer: str, count: int) -> None:
    narrowed = bounds(Policy(only_pointer=pointer))
    assert len(narrowed.findings) == count
    assert any(pointer in note for note in narrowed.notes) or not pointer
    assert narrowed.overviews


@pytest.mark.parametrize("pointer", ["/nowhere", "/components/schemas/Ta", "paths", "x/"])
def test_a_pointer_that_leads_nowhere_is_no_pass(pointer: str) -> None:
    with pytest.raises(NoSuchPlace):
        bounds(Policy(only_pointer=pointer))


def test_reports_of_several_documents_become_one() -> None:
    one = bounds(Policy())
    ignoring = Policy(ignores=(Ignore(BOUNDS, "known", expires=date(2027, 6, 30)),))
    other = review(SHARED, "other.yaml", no_files, replace(ignoring, only_rules=(BOUNDS,)))
    joined = Report.joined([one, other, one])
    assert [overview["document"] for overview in joined.overviews] == [
        "api.yaml",
        "other.yaml",
        "api.yaml",
    ]
    assert joined.ignored == 2
    assert len(joined.notes) == 2  # what was judged, and the expiry
    assert len(joined.findings) == 4


# Texts


@pytest.mark.parametrize(
    ("text", "limit", "cleaned"),
    [
        ("plain", 9, "plain"),
        ("plain", 4, "pla…"),
        ("a\nb\r\nc\td", 99, "a b  c d"),
        ("a\u2028b\u2029c", 99, "a b c"),
        ("a\x1b[0m\x00\x85b", 99, "a[0mb"),
        ("a\u202eb\u200bc\ufeffd\U000e0041e", 99, "abcde"),
        ("a\ud800b", 99, "ab"),
        ("é 中 😀", 99, "é 中 😀"),
    ],
)
def test_a_text_is_cleaned_to_one_bounded_line(text: str, limit: int, cleaned: str) -> None:
    assert clean(text, limit) == cleaned


@given(st.text(max_size=40), st.integers(1, 20))
def test_a_quoted_text_cannot_leave_its_code_span(text: str, limit: int) -> None:
    shown = quoted(text, limit)
    assert shown[0] == shown[-1] == "`"
    assert "`" not in shown[1:-1]
    assert len(shown) <= limit + 2
    assert len(f"{shown}|".splitlines()) == 1
