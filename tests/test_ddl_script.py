"""Scripts: statements and their places in `tools/ddl/script.py`, orders in `migrations.py`."""

from __future__ import annotations

import re
import time

import postgast
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend_architect.tools.ddl.migrations import dialect_hint, order, sole
from backend_architect.tools.ddl.script import MAX_SKIPPED_TEXT, ScriptError, split
from backend_architect.tools.source import MAX_BYTES

modest = settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def pieces(text: str, dialect: str = "postgres", version: int | None = None) -> list[str]:
    statements, _ = split(text, "x.sql", dialect, version=version)
    for statement in statements:
        assert len(statement.text) <= len(text) - statement.offset
        assert text[statement.offset] == statement.text[0]
    return [statement.text for statement in statements]


POSTGRES = [
    ("a;b", ["a", "b"]),
    (" ;;\n-- c;\n/* ; */ a ; ", ["a"]),
    ("a 'x;''y;' ; b", ["a 'x;''y;'", "b"]),
    (r"a 'x\'; b", [r"a 'x\'", "b"]),
    (r"a E'x\';' ; b", [r"a E'x\';'", "b"]),
    ("a e'x'\n  'y\\';' ; b", ["a e'x'\n  'y\\';'", "b"]),
    (r"date'x\'; b", [r"date'x\'", "b"]),
    (r"U&'\0041\'; b", [r"U&'\0041\'", "b"]),
    ('a "x;""y" ; b', ['a "x;""y"', "b"]),
    ("do $$ a; $b$ ; $$; b", ["do $$ a; $b$ ; $$", "b"]),
    ("do $é1$ a; $$ ; $é1$; b", ["do $é1$ a; $$ ; $é1$", "b"]),
    ("a$$b; c$x$d; $1; e", ["a$$b", "c$x$d", "$1", "e"]),
    ("a /* ; /* ; */ ; */ b; c", ["a /* ; /* ; */ ; */ b", "c"]),
    ("/* /* x */ */ a; b", ["a", "b"]),
    (
        "create table t (a int; create table u (b int);",
        ["create table t (a int", "create table u (b int)"],
    ),
    (
        "create rule r as on insert to t do (a; b (c); d); e",
        ["create rule r as on insert to t do (a; b (c); d)", "e"],
    ),
    (
        "create or replace function f() returns int begin atomic select case when a then 1 end;"
        ' select "end"; end; b',
        [
            "create or replace function f() returns int begin atomic select case when a then 1 "
            'end; select "end"; end',
            "b",
        ],
    ),
    (
        "create /* c */ procedure p() BEGIN --x\n ATOMIC END; b",
        ["create /* c */ procedure p() BEGIN --x\n ATOMIC END", "b"],
    ),
    ("begin; a; end; b", ["begin", "a", "end", "b"]),
    ("create function beginner() as 'a' ; b", ["create function beginner() as 'a'", "b"]),
    ("select :'v;', :v; b", ["select :'v;', :v", "b"]),
    (r"select 1 \gexec" "\nb;", ["select 1", "b"]),
    (r"select 1 \; b;", ["select 1", "b"]),
    ("a\n\\echo ';'\nb; c", ["a\n         \nb", "c"]),
    ("a\nGO\n/\nb", ["a\nGO\n/\nb"]),
    ("\ufeffa;", ["a"]),
]
MYSQL = [
    ("a '\\';' ; b", ["a '\\';'", "b"]),
    ('a "x;\\";" ; b', ['a "x;\\";"', "b"]),
    ("a `x;\\` ; b", ["a `x;\\`", "b"]),
    ("# c;\na -- d;\n, 1--2; b", ["a -- d;\n, 1--2", "b"]),
    ("a --b; c", ["a --b", "c"]),
    ("a\\G b\\g c", ["a", "b", "c"]),
    ("/*!40101 SET x */; b", ["SET x", "b"]),
    ("a /*!50100 b; c */ d;", ["a          b", "c    d"]),
    ("a /*! b */;", ["a     b"]),
    ("a /*!99999 b; */ c;", ["a                c"]),
    ("a /*! b; */ c", ["a     b", "c"]),
    ("a /*+ hint; */ b;", ["a /*+ hint; */ b"]),
    ("delimiter //\na; b;//\nc//\nDELIMITER ;\nd;e", ["a; b;", "c", "d", "e"]),
    (
        "DELIMITER $$\ncreate trigger t begin a; end $$\nDELIMITER ;\n",
        ["create trigger t begin a; end"],
    ),
    ("DELIMITER ;;\na; 'x;;' ;;\nb;;", ["a; 'x;;'", "b"]),
    ("delimiter go\ngone a go b go", ["ne a", "b"]),
    (
        "create definer=`a`@`%` procedure p() begin if a then begin b; end; end if; case c when 1 "
        "then d; end case; end; e",
        [
            "create definer=`a`@`%` procedure p() begin if a then begin b; end; end if; case c "
            "when 1 then d; end case; end",
            "e",
        ],
    ),
    ("create trigger t set a = 1; b", ["create trigger t set a = 1", "b"]),
]
SQLITE = [
    ("a [x;y] `;` \";\" ';' ; b", ["a [x;y] `;` \";\" ';'", "b"]),
    (".read x;y\na;", ["a"]),
    ("a 'x\\'; b", ["a 'x\\'", "b"]),
    (
        "create temp trigger t after insert on u begin select case a when 1 then 2 end; update u"
        ' set "end" = 1; end ; b',
        [
            "create temp trigger t after insert on u begin select case a when 1 then 2 end; "
            'update u set "end" = 1; end',
            "b",
        ],
    ),
    ("begin; a; end; b", ["begin", "a", "end", "b"]),
]


@pytest.mark.parametrize(("text", "expected"), POSTGRES)
def test_postgres(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
@pytest.mark.parametrize(("text", "expected"), MYSQL)
def test_mysql(text: str, expected: list[str], dialect: str) -> None:
    assert pieces(text, dialect) == expected


@pytest.mark.parametrize(("text", "expected"), SQLITE)
def test_sqlite(text: str, expected: list[str]) -> None:
    assert pieces(text, "sqlite") == expected


VERSIONED = [
    ("mysql", None, "a /*M!100100 b */ c", "a                 c"),
    ("mariadb", None, "a /*M!100100 b */ c", "a            b    c"),
    ("mariadb", None, "a /*!50701 b */ c", "a               c"),
    ("mariadb", None, "a /*!80100 b */ c", "a               c"),
    ("mariadb", None, "a /*!50110 b */ c", "a          b    c"),
    ("mysql", 80036, "a /*!80036 b */ c", "a          b    c"),
    ("mysql", 80036, "a /*!80037 b */ c", "a               c"),
    ("mysql", None, "a /*!99999 b /* c */ d */ e", "a                         e"),
    ("mariadb", None, "/*M!999999\\- enable the sandbox mode */ a", "a"),
]


@pytest.mark.parametrize(("dialect", "version", "text", "expected"), VERSIONED)
def test_versioned_comments(dialect: str, version: int | None, text: str, expected: str) -> None:
    assert pieces(text, dialect, version) == [expected]


@pytest.mark.parametrize("dialect", ["postgres", "sqlite"])
def test_versioned_comments_are_comments_elsewhere(dialect: str) -> None:
    assert pieces("/*!50001 a; */ b", dialect) == ["b"]


SKIPPED = [
    ("postgres", "\\restrict x'y\na;", [(0, "\\restrict x'y")]),
    ("postgres", "\\c x \\\\ a;", [(0, "\\c x")]),
    ("postgres", "a \\gset p_\n", [(2, "\\gset p_")]),
    ("postgres", "copy t (a) from stdin;\n1\t';\n\\.\nb;", [(23, "1\t';\n\\.")]),
    ("postgres", "COPY t FROM STDIN;\r\n';\r\n\\.\r\nb;", [(20, "';\r\n\\.")]),
    ("postgres", "copy t from stdin with (format csv);\n';\n", [(37, "';")]),
    ("postgres", "\\copy t from stdin\n';\n\\.\nb;", [(0, "\\copy t from stdin"), (19, "';\n\\.")]),
    ("mysql", "source x.sql\na;", [(0, "source x.sql")]),
    ("mysql", "delimiter $$\na$$", [(0, "delimiter $$")]),
    ("sqlite", "a;\n.read x", [(3, ".read x")]),
]


@pytest.mark.parametrize(("dialect", "text", "expected"), SKIPPED)
def test_skipped(dialect: str, text: str, expected: list[tuple[int, str]]) -> None:
    _, skipped = split(text, "x.sql", dialect)
    assert [(each.offset, each.text) for each in skipped] == expected
    assert all(each.reason for each in skipped)


def test_statements_around_copy_data() -> None:
    text = "a;copy t from stdin;\n';;\n\\.\nb;copy t from 'stdin';c"
    assert pieces(text) == ["a", "copy t from stdin", "b", "copy t from 'stdin'", "c"]


def test_skipped_text_is_bounded() -> None:
    [skipped] = split("\\echo " + "x" * 1_000_000, "x", "postgres")[1]
    assert len(skipped.text) == MAX_SKIPPED_TEXT


def test_a_range_keeps_the_offsets_of_the_file() -> None:
    text = "a; b 'c'; d; e"
    statements, _ = split(text, "x", "postgres", start=3, end=11)
    assert [(each.offset, each.text) for each in statements] == [(3, "b 'c'"), (10, "d")]
    with pytest.raises(ScriptError, match="x:1:6: this string is not closed"):
        split(text, "x", "postgres", start=3, end=7)


ERRORS = [
    ("postgres", "a;\n  'x", "x.sql:2:3: this string is not closed"),
    ("postgres", 'a "x', "x.sql:1:3: this quoted name is not closed"),
    ("postgres", "a\r\n/* /* */", "x.sql:2:1: this comment is not closed"),
    ("postgres", "do $a$ $b$", "x.sql:1:4: this dollar-quoted string is not closed"),
    ("postgres", "b; create function f() begin atomic a;", "x.sql:1:4: in this statement, BEGIN"),
    ("postgres", "create rule r as (a; b", "x.sql:1:1: in this statement, a parenthesis"),
    ("mysql", "a `x", "x.sql:1:3: this quoted name is not closed"),
    ("mysql", "a /*!50001 x", "x.sql:1:3: this comment is not closed"),
    ("mysql", "a /*!99999 x", "x.sql:1:3: this comment is not closed"),
    ("sqlite", "a [x", "x.sql:1:3: this quoted name is not closed"),
    ("sqlite", "/* x", "x.sql:1:1: this comment is not closed"),
    ("sqlite", "create trigger t begin a;", "x.sql:1:1: in this statement, BEGIN has no END"),
]


@pytest.mark.parametrize(("dialect", "text", "message"), ERRORS)
def test_errors_say_where(dialect: str, text: str, message: str) -> None:
    with pytest.raises(ScriptError, match="^" + re.escape(message)):
        split(text, "x.sql", dialect)


def test_too_much() -> None:
    with pytest.raises(ScriptError, match="larger than the limit of 32 MiB"):
        split(" " * (MAX_BYTES + 1), "x", "postgres")
    with pytest.raises(ScriptError, match="more statements than the limit of 500,000"):
        split("a;" * 500_001, "x", "postgres")
    with pytest.raises(ScriptError, match="more client commands than the limit"):
        split("\\x\n" * 100_001, "x", "postgres")
    with pytest.raises(ScriptError, match="more delimiters than the limit"):
        split("".join(f"delimiter a{n}\n" for n in range(60)), "x", "mysql")


MEBI = 1 << 20
HOSTILE = {
    "quotes": "'" * MEBI,
    "comments": "/*" * MEBI,
    "versioned comments": "/*!" * MEBI,
    "dollars": "$" * MEBI,
    "tags": "$a$b" * MEBI,
    "escapes": "e'\\'" * MEBI,
    "continued strings": "e'" + "a'\n\n'" * MEBI,
    "semicolons": ";" * MEBI,
    "statements": "a;" * 100_000,
    "rules": "create rule (" * 100_000,
    "bodies": "create function begin atomic " * 100_000,
    "triggers": "create trigger begin ;" * 100_000,
    "backslashes": "\\" * MEBI,
    "copy": "copy (" + "from " * MEBI + ");",
    "blank": " \n" * MEBI,
    "rows": "insert into t values (1, 'it''s', \"x\", 2.5, null);\n" * 100_000,
}


@pytest.mark.parametrize("dialect", ["postgres", "mysql", "sqlite"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_split_or_refused_soon(text: str, dialect: str) -> None:
    begun = time.process_time()
    try:
        statements, _ = split(text, "x", dialect)
        answer = f"x:1:1: {len(statements)}"
    except ScriptError as error:
        answer = str(error)
    assert time.process_time() - begun < 5
    assert re.match(r"x:\d+:\d+: ", answer)
    assert len(answer) < 200


FRAGMENTS = [
    "'",
    '"',
    "`",
    "$",
    "$a$",
    "[",
    "]",
    "(",
    ")",
    "--",
    "-",
    "/*",
    "*/",
    "/*!50001",
    "\\",
    ";",
    ";;",
    "a",
    "E'",
    "''",
    "begin",
    "end",
    "case",
    "create",
    "rule",
    "function",
    "trigger",
    "#",
    "é",
    "1",
    ".x",
]
SPACED = [" ", "\n", "begin atomic", "delimiter ;;\n", "copy t from stdin;", "\\.\n"]
fragments = st.sampled_from([*FRAGMENTS, *SPACED])
garbage = st.lists(fragments, max_size=25).map("".join)


@modest
@given(garbage, st.sampled_from(["postgres", "mysql", "mariadb", "sqlite"]))
def test_statements_stand_in_order_where_they_say(text: str, dialect: str) -> None:
    try:
        statements, skipped = split(text, "x", dialect)
    except ScriptError:
        return
    reached = 0
    for statement in statements:
        end = statement.offset + len(statement.text)
        source = text[statement.offset : end]
        assert reached <= statement.offset < end <= len(text)
        assert len(source) == len(statement.text)
        pairs = zip(source, statement.text, strict=True)
        assert all(there == here or here == " " for there, here in pairs)
        reached = end
    for each in skipped:
        assert text[each.offset :].lstrip().startswith(each.text)


BETWEEN = st.sampled_from([" ", "\n", "-- x;\n", "/* ; */", "/* /* ' */ */", ";", "\t", "--\n"])
GIVEN = st.sampled_from(
    [
        "SELECT 1",
        "SELECT 'a;''b'",
        r"SELECT E'\';', U&'\0041', $a$ ; $$ $a$",
        'CREATE TABLE "x;" (a int DEFAULT 1 /* ; */)',
        "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT (2))",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$",
        "BEGIN",
        "END",
    ]
)


@modest
@given(st.lists(st.tuples(st.lists(BETWEEN, max_size=3).map("".join), GIVEN), max_size=6))
def test_postgres_agrees_with_its_own_parser(parts: list[tuple[str, str]]) -> None:
    text = "".join(f"{between}{statement};" for between, statement in parts)
    assert pieces(text) == [statement for _, statement in parts]
    gaps = text
    for _, statement in parts:
        gaps = gaps.replace(statement, "", 1)
    assert pieces(gaps) == []
    if parts:
        assert [pieces(each) for each in postgast.split(text)] == [[each] for _, each in parts]


# Migrations


ORDERS = [
    (
        "flyway",
        ["V1__a.sql", "V1.9__b.sql", "x/V1_10__c.sql", "V2__d.sql", "V10__e.sql", "R__a.sql"],
        {"U2__d.sql": "it leads back", "beforeMigrate.sql": "a callback"},
    ),
    (
        "flyway",
        ["B2.0__a.sql", "V3__c.sql"],
        {"V1__a.sql": "the baseline B2.0__a.sql stands for it"}
        | {"V2__b.sql": "the baseline B2.0__a.sql stands for it"}
        | {"B1__a.sql": "the baseline B2.0__a.sql stands for it"},
    ),
    (
        "up and down files",
        ["1_a.up.sql", "2_b.up.sql", "10_c.up.sql"],
        {"1_a.down.sql": "it leads back", "x.sql": "its name is none of the layout"},
    ),
    ("up and down files", ["1-a-up.sql"], {"1-a-down.sql": "it leads back"}),
    (
        "prisma",
        ["m/0_init/migration.sql", "m/20240102_b/migration.sql", "m/20240110_a/migration.sql"],
        {"m/migration_lock.toml": "not SQL"},
    ),
    (
        "folders with up.sql",
        ["m/20231201000000_z/up.sql", "m/2024-01-01-000000_a/up.sql", "m/20240102000000_b/up.sql"],
        {"m/2024-01-01-000000_a/down.sql": "it leads back"},
    ),
    ("supabase", ["supabase/migrations/20240101_a.sql", "supabase/migrations/20240102_b.sql"],
     {"supabase/seed.sql": "it has no number"}),
    ("atlas", ["1_a.sql", "2_b.sql"], {"atlas.sum": "not SQL"}),
    ("numbered", ["001-a.sql", "2.sql", "010 clean_up.sql", "11_break_down.sql"],
     {"2_down.sql": "it leads back", "rollback/1.sql": "it leads back"}),
    ("numbered", ["v1.sql", "v2.sql", "v10.sql"], {}),
    ("files", ["a2.sql", "a10.sql", "b.sql"], {}),
]  # fmt: skip


@pytest.mark.parametrize(("layout", "forward", "ignored"), ORDERS)
def test_orders(layout: str, forward: list[str], ignored: dict[str, str]) -> None:
    history = order(dict.fromkeys([*sorted(ignored), *sorted(forward, reverse=True)], "a;"))
    assert history.layout == layout
    assert [part.file for part in history.parts] == forward
    assert {name for name, _ in history.ignored} == set(ignored)
    for name, reason in history.ignored:
        assert reason.startswith(ignored[name])


def test_sqitch() -> None:
    plan = """%syntax-version=1.0.0
        %project=x

        a 2024-01-01T00:00:00Z u <e@f> # first
        @v1 2024-01-01T00:00:00Z u <e@f> # tag
        z [a] 2024-01-01T00:00:00Z u <e@f>
        a [a@v1] 2024-01-01T00:00:00Z u <e@f> # again
        gone 2024-01-01T00:00:00Z u <e@f>
    """
    files = ["deploy/a.sql", "deploy/a@v1.sql", "deploy/z.sql", "revert/a.sql", "deploy/b.sql"]
    history = order(dict.fromkeys(files, "b;") | {"sqitch.plan": plan})
    assert history.layout == "sqitch"
    forward = ["deploy/a@v1.sql", "deploy/z.sql", "deploy/a.sql"]
    assert [part.file for part in history.parts] == forward
    assert dict(history.ignored) == {
        "deploy/b.sql": "no plan names it",
        "revert/a.sql": "it reverts or verifies",
        "sqitch.plan": "not SQL",
    }
    assert history.notes == ("sqitch.plan names gone but its deploy script is not there",)


NOTES = [
    (["1_a.sql", "1_b.sql", "2.sql"], "version 1 is given 2 times"),
    (["V1__a.sql", "V1.0__b.sql"], "is given 2 times"),
    ([f"{n}.sql" for n in (1, 2, 3, 5, 6, 7)], "versions missing: between 3 and 5"),
    (["a/1.sql", "b/1.sql"], "several folders give the same versions"),
    (["1.sql", "2.sql", "schema.sql"], "left out, as they have no number: schema.sql"),
    (["b.sql", "a.sql"], "no tool's layout is recognised"),
    (["1_a.up.sql", "2_b.sql"], "neither up nor down: 2_b.sql"),
    (["a/1_x/up.sql", "b/2_x/up.sql"], "several folders hold migrations"),
]


@pytest.mark.parametrize(("files", "note"), NOTES)
def test_doubts_are_said(files: list[str], note: str) -> None:
    notes = order(dict.fromkeys(files, "a;")).notes
    assert len([each for each in notes if note in each]) == 1


def test_a_clean_history_has_no_notes() -> None:
    for files in (["1.sql", "2.sql"], ["20240101_a.sql", "20240305_b.sql"], ["010.sql", "020.sql"]):
        assert order(dict.fromkeys(files, "a;")).notes == ()


SECTIONS = [
    ("dbmate", "-- migrate:up transaction:false\na;\n-- migrate:down\nb;\n", ["a"]),
    ("goose", "-- +goose Up\n-- +goose StatementBegin\na;\n-- +goose StatementEnd\n"
              "-- +goose Down\nb;", ["a"]),
    ("sql-migrate", "-- +migrate Up notransaction\na;\n-- +migrate Down\nb;\n-- +migrate Up\nc;",
     ["a", "c"]),
    ("node-pg-migrate", "-- Up Migration\na;\n-- Down Migration\nb;", ["a"]),
    ("mybatis", "-- // title\na;\n-- //@UNDO\nb;", ["a"]),
    ("liquibase", "--liquibase formatted sql\n--changeset a:1\na;\n--rollback b;\nc;", ["a", "c"]),
    ("alembic", "BEGIN;\n-- Running upgrade  -> 1\na;\nCOMMIT;", ["BEGIN", "a", "COMMIT"]),
    ("structure", 'a;\nINSERT INTO "schema_migrations" (version) VALUES (\'1\');',
     ["a", 'INSERT INTO "schema_migrations" (version) VALUES (\'1\')']),
    ("script", "a;", ["a"]),
]  # fmt: skip


@pytest.mark.parametrize(("layout", "text", "expected"), SECTIONS)
def test_sections(layout: str, text: str, expected: list[str]) -> None:
    for history in (sole("x.sql", text), order({"x.sql": text})):
        assert history.layout == layout
        assert history.notes == ()
        found = []
        for part in history.parts:
            statements, _ = split(part.text, "x", "postgres", start=part.start, end=part.end)
            assert all(text.startswith(each.text, each.offset) for each in statements)
            found += [each.text for each in statements]
        assert found == expected


def test_sections_in_numbered_files() -> None:
    files = {f"{n}_x.sql": f"-- migrate:up\na{n};\n-- migrate:down\nb;" for n in (10, 9)}
    history = order(files)
    assert history.layout == "dbmate"
    assert [part.file for part in history.parts] == ["9_x.sql", "10_x.sql"]


def test_odd_sections_are_said() -> None:
    assert "no section that leads up" in sole("x", "-- migrate:down\na;").notes[0]
    assert "SQL before its first section" in sole("x", "a;\n-- +goose Up\nb;").notes[0]
    limited = "--liquibase formatted sql\n--changeset a:1 dbms:oracle\nb;"
    assert "a changeset with dbms" in sole("x", limited).notes[0]
    assert "downgrades" in sole("x", "-- Running downgrade 1 -> \na;").notes[0]


HINTS = [
    ("postgres", "-- PostgreSQL database dump\n\ncreate table t (a int);"),
    ("mysql", "-- MySQL dump 10.13  Distrib 8.0.36\n"),
    ("mariadb", "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n"),
    ("mariadb", "-- MySQL dump 10.19  Distrib 10.3.39-MariaDB\n"),
    ("sqlite", "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t (a);"),
    ("mysql", "CREATE TABLE `t` (`a` int) ENGINE=InnoDB;"),
    ("mariadb", "CREATE TABLE t (a int) ENGINE=InnoDB WITH SYSTEM VERSIONING;"),
    ("sqlite", "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT);"),
    ("postgres", "CREATE TABLE t (a bigserial, b text DEFAULT 'x'::text);"),
    ("postgres", "DO $$ BEGIN END $$;"),
    (None, "CREATE TABLE t (a int);"),
    (None, "CREATE TABLE t (a text DEFAULT 'ENGINE=x'); -- AUTOINCREMENT"),
    (None, "CREATE TABLE t (a jsonb) ENGINE=InnoDB;"),
]


@pytest.mark.parametrize(("dialect", "text"), HINTS)
def test_dialect_hints(dialect: str | None, text: str) -> None:
    assert dialect_hint({"x.sql": text}) == dialect


@pytest.mark.parametrize(
    "text",
    [
        "--liquibase formatted sql\n" + "--changeset a:1 dbms:x\n" * 100_000,
        " \t" * MEBI,
        "\n -" * MEBI,
        "insert into " * MEBI,
        "a :: b" * MEBI,
        "datasource a {" * MEBI,
        "'\\" * MEBI,
        "a /* b /" * MEBI,
    ],
    ids=range(8),
)
def test_hostile_text_is_placed_soon(text: str) -> None:
    begun = time.process_time()
    assert sole("x.sql", text).parts
    assert dialect_hint({"x.sql": text, "schema.prisma": text}) in (None, "postgres")
    assert time.process_time() - begun < 5


def test_settings_tell_the_dialect() -> None:
    for provider, dialect in (("postgresql", "postgres"), ("mysql", "mysql"), ("sqlserver", None)):
        files = {"1_a/migration.sql": "a;", "migration_lock.toml": f'provider = "{provider}"\n'}
        assert dialect_hint(files) == dialect
    assert dialect_hint({"sqitch.conf": "[core]\n\tengine = pg\n"}) == "postgres"
