"""The pages in docs/ say what the program does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel
from schemas import reviewed

from backend_architect.server import docs, version
from backend_architect.server.answer import (
    FindingData,
    GroupData,
    Place,
    ReviewAnswer,
    SeverityWord,
    SummaryData,
)
from backend_architect.server.render.json import SCHEMA_VERSION, data
from backend_architect.tools.catalog import catalog
from backend_architect.tools.openapi.document import Unreadable
from backend_architect.tools.policy import Policy
from backend_architect.tools.review_api import review
from backend_architect.tools.rule import Rule
from backend_architect.tools.source import Source

DOCS = Path(__file__).parents[1] / "docs"
RULES = [pytest.param(rule, id=rule.id) for rule in catalog().values()]


def test_the_rule_pages_are_in_step_with_the_rules() -> None:
    written = {file.name: file.read_text("utf-8") for file in (DOCS / "rules").glob("*.md")}
    assert written == docs.pages(), "run `make docs`"


@pytest.mark.parametrize("rule", RULES)
def test_the_page_of_a_rule_says_all_that_is_known_of_it(rule: Rule) -> None:
    page = docs.page(rule)
    assert page.startswith(f"# {rule.id}\n\n{rule.title} ({rule.severity.word} · {rule.class_} · ")
    assert ("opt-in" in page.splitlines()[2]) is rule.opt_in
    for part in (rule.rationale, f"**Fix:** {rule.fix}.", *(f"- {r}" for r in rule.references)):
        assert part in page
    bad, good = re.findall(r"^```(?:yaml|sql|graphql)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert (bad, good) == (rule.bad, rule.good)


def test_the_index_lists_every_rule_once() -> None:
    rows = re.findall(r"^\| \[([^\]]+)\]\(([^)]+)\) \|", docs.index(), re.MULTILINE)
    assert rows == [(rule.id, docs.file_name(rule)) for rule in catalog().values()]


def test_writing_the_pages_replaces_stale_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs/rules").mkdir(parents=True)
    (tmp_path / "docs/rules/api-gone.md").write_text("stale", "utf-8")
    docs.main()
    written = {file.name for file in (tmp_path / "docs/rules").iterdir()}
    assert written == set(docs.pages())


COVERAGE = (DOCS / "coverage/schema.md").read_text("utf-8")


def test_every_schema_rule_is_in_the_table_of_topics() -> None:
    linked = re.findall(r"\[([a-z0-9-]+)\]\(\.\./rules/schema-([a-z0-9-]+)\.md\)(°?)", COVERAGE)
    assert all(shown == target for shown, target, _ in linked)
    schema = {id.partition("/")[2]: rule for id, rule in catalog().items() if "schema/" in id}
    assert {name for name, _, _ in linked} == set(schema)
    for name, _, mark in linked:
        assert bool(mark) is schema[name].opt_in, name


def test_every_topic_has_a_rule_or_a_reason() -> None:
    rows = re.findall(r"^\| (.+?) \| (.*) \|$", COVERAGE, re.MULTILINE)
    topics = [row for row in rows if row[0] not in ("topic", "---")]
    assert len(topics) == 102
    assert all(len(said) > 10 for _, said in topics)
    assert f"{sum('](' in said for _, said in topics)} have\nrules" in COVERAGE


MIGRATIONS = (DOCS / "coverage/migration.md").read_text("utf-8")


def test_every_migration_rule_is_in_the_table_of_topics() -> None:
    linked = re.findall(
        r"\[([a-z0-9-]+)\]\(\.\./rules/migration-([a-z0-9-]+)\.md\)(°?)", MIGRATIONS
    )
    assert all(shown == target for shown, target, _ in linked)
    rules = {id.partition("/")[2]: rule for id, rule in catalog().items() if "migration/" in id}
    assert {name for name, _, _ in linked} == set(rules)
    for name, _, mark in linked:
        assert bool(mark) is rules[name].opt_in, name


def test_every_topic_of_migrations_is_covered_or_has_a_reason() -> None:
    rows = re.findall(r"^\| (.+?) \| (.*?) \| (.*) \|$", MIGRATIONS, re.MULTILINE)
    topics = [row for row in rows if row[0] not in ("topic", "---")]
    assert len(topics) == len({topic for topic, _, _ in topics})
    letters = set(re.findall(r"\b([A-Z]) [A-Za-z]", MIGRATIONS.split("Who knows a topic:")[1]))
    for _, known, said in topics:
        assert set(known.split()) <= letters
        assert len(said) > 10
    covered = sum("](../rules/migration" in said or "planned: " in said for *_, said in topics)
    assert f"{len(topics)} in\nall: {covered} have" in MIGRATIONS
    for target in re.findall(r"\]\(([^)#]+)\)", MIGRATIONS):
        assert (DOCS / "coverage" / target).exists(), target


APIS = (DOCS / "coverage/api.md").read_text("utf-8")
PEERS = re.compile(r"`[^`]+`((?: [SODIRVZKCAP])+)(?=,|$)")


def test_the_api_rules_that_stand_for_those_of_others_exist() -> None:
    linked = re.findall(r"\[([a-z0-9-]+)\]\(\.\./rules/api-([a-z0-9-]+)\.md\)(°?)", APIS)
    assert all(shown == target for shown, target, _ in linked)
    rules = {id.partition("/")[2]: rule for id, rule in catalog().items() if "api/" in id}
    assert {name for name, _, _ in linked} <= set(rules)
    for name, _, mark in linked:
        assert bool(mark) is rules[name].opt_in, name


def test_every_id_of_other_linters_has_rules_or_a_reason() -> None:
    rows = re.findall(r"^\| (`.+`[A-Z ]*) \| (.*) \|$", APIS, re.MULTILINE)
    ids = [sum(len(peers.split()) for peers in PEERS.findall(cell)) for cell, _ in rows]
    assert all(said for _, said in rows)
    covered = sum(count for count, (_, said) in zip(ids, rows, strict=True) if "](" in said)
    said = " ".join(APIS.split())
    assert f"{sum(ids)} ids in {len(re.findall('^## ', APIS, re.MULTILINE)) - 1} topics" in said
    assert f"the same: {covered} of the ids" in said


# docs/report.md

REPORT = (DOCS / "report.md").read_text("utf-8")
MODELS: dict[str, type[BaseModel]] = {
    "The report": ReviewAnswer,
    "`summary`": SummaryData,
    "An entry of `groups`": GroupData,
    "An entry of `findings`": FindingData,
    "A place": Place,
}


def section(title: str) -> str:
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", REPORT, re.MULTILINE | re.DOTALL)
    assert found, f"docs/report.md has no section {title!r}"
    return found[1]


def documented(title: str) -> list[str]:
    """The keys in the first column of a section's table."""
    return re.findall(r"^\| `([^`]+)` \|", section(title), re.MULTILINE)


@pytest.mark.parametrize("title", MODELS)
def test_every_key_is_documented_and_no_other(title: str) -> None:
    fields = MODELS[title].model_fields
    assert documented(title) == [field.alias or name for name, field in fields.items()]


EXAMPLE_TEXT, EXAMPLE_JSON = (
    re.search(rf"^```{language}\n(.*?)^```$", REPORT, re.MULTILINE | re.DOTALL)
    for language in ("yaml", "json")
)


def example() -> Any:
    def no_files(base: str, reference: str) -> Source:
        raise Unreadable("there are no other files here")

    assert EXAMPLE_TEXT
    policy = Policy(only_rules=("api/schema-bounds-contradictory",))
    return data(review(EXAMPLE_TEXT[1], "openapi.yaml", no_files, policy))


def test_the_example_is_what_the_tool_says() -> None:
    assert EXAMPLE_JSON
    shown = {**json.loads(EXAMPLE_JSON[1]), "version": version()}
    assert shown == example(), json.dumps(example(), indent=2)


def test_every_key_of_an_overview_is_documented() -> None:
    (api,) = example()["summary"]["documents"]
    assert documented("An entry of `documents`, of `review_api`") == list(api)
    (schema,) = reviewed("CREATE TABLE pets (id bigint PRIMARY KEY);").overviews
    assert documented("An entry of `documents`, of `review_schema`") == list(schema)


def test_the_version_of_the_schema_is_the_documented_one() -> None:
    assert f'`schema_version` is `"{SCHEMA_VERSION}"`' in REPORT


def test_every_severity_is_in_the_table_of_formats() -> None:
    for word in get_args(SeverityWord):
        assert f"| `{word}` |" in section("Other formats")


def test_the_example_document_is_yaml() -> None:
    assert EXAMPLE_TEXT
    assert yaml.safe_load(EXAMPLE_TEXT[1])["openapi"]
