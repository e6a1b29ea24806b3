"""SQLite's DDL against SQLite itself: what is parsed is what the catalog shows."""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path

import pytest

from backend_architect.tools.ddl.model import Dialect, Name, NotNull, Schema, Sql, Type
from backend_architect.tools.ddl.script import Statement, split
from backend_architect.tools.ddl.sqlite.emit import emit
from backend_architect.tools.ddl.sqlite.parse import fold
from backend_architect.tools.ddl.sqlite.scan import scan
from backend_architect.tools.ddl.tokens import NotUnderstood

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
from sqlite_catalog import catalog, visible

LIBRARY = """
PRAGMA foreign_keys = ON;
CREATE TABLE author (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  "full name" VARCHAR( 100 ) COLLATE nocase NOT NULL UNIQUE ON CONFLICT IGNORE,
  born date DEFAULT (date('now')), -- a comment, with )
  score REAL DEFAULT -1.5 CHECK (score <> 0),
  rank INTEGER UNSIGNED DEFAULT +3 CONSTRAINT ranked NOT NULL ON CONFLICT REPLACE
);
CREATE TABLE Book (
  isbn TEXT PRIMARY KEY,
  author_id INT REFERENCES Author ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  [co author] INT,
  title TEXT DEFAULT 'it''s',
  price DECIMAL(10,2),
  gross REAL GENERATED ALWAYS AS (price * 1.2) STORED,
  net AS (price),
  CONSTRAINT priced CHECK (price > 0)
  FOREIGN KEY ("co author") REFERENCES author (ID) ON UPDATE SET NULL,
  UNIQUE (title COLLATE NOCASE DESC, price)
);
CREATE TABLE loan (book TEXT, day INT, PRIMARY KEY (book, day DESC)) WITHOUT ROWID;
CREATE TABLE copy (x INTEGER, y TEXT NOT NULL, PRIMARY KEY (x DESC)) STRICT;
CREATE TABLE odd (x INTEGER PRIMARY KEY DESC, key TEXT, 'action' ANY);
CREATE UNIQUE INDEX by_price ON book (price DESC, title COLLATE RTRIM) WHERE price > 5;
CREATE INDEX by_lower ON Book (lower(title));
CREATE VIEW cheap AS SELECT isbn FROM book WHERE price < 5;
CREATE TRIGGER spent AFTER UPDATE OF price, title ON book FOR EACH ROW WHEN new.price > 1
BEGIN
  UPDATE author SET score = 1; SELECT RAISE(ABORT, 'x;y');
END;
CREATE TRIGGER gone INSTEAD OF DELETE ON cheap BEGIN DELETE FROM book; END;
CREATE VIRTUAL TABLE search USING fts5(title, body);
CREATE TEMP TABLE scratch (a);
INSERT INTO odd VALUES (1, '', 2);
"""
MIGRATIONS = """
CREATE TABLE account (id INTEGER PRIMARY KEY, mail TEXT, old INT, CHECK (mail <> ''));
CREATE INDEX by_mail ON account (mail, id) WHERE mail > 'a';
CREATE TABLE login (account REFERENCES account (mail));
ALTER TABLE account RENAME COLUMN mail TO "e-mail";
ALTER TABLE account ADD COLUMN born date NOT NULL DEFAULT '2000-01-01';
ALTER TABLE account DROP COLUMN old;
ALTER TABLE account RENAME TO user;
CREATE TABLE new_login (account INTEGER REFERENCES user, at TEXT);
INSERT INTO new_login SELECT account, '' FROM login;
DROP TABLE login;
ALTER TABLE new_login RENAME TO login;
DROP INDEX by_mail;
CREATE TABLE IF NOT EXISTS login (other);
"""


def parsed(text: str) -> Schema:
    return fold(split(text, "a.sql", "sqlite")[0])


def applied(statements: list[str]) -> Schema:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for statement in statements:
            connection.execute(statement)
        return catalog(connection)
    finally:
        connection.close()


@pytest.mark.parametrize("script", [LIBRARY, MIGRATIONS], ids=["library", "migrations"])
def test_the_catalog_says_the_same(script: str) -> None:
    schema = parsed(script)
    assert schema.unread == ()
    shown = applied([statement.text for statement in split(script, "a.sql", "sqlite")[0]])
    assert len(shown.tables) >= 2
    assert visible(schema) == shown


@pytest.mark.parametrize("script", [LIBRARY, MIGRATIONS], ids=["library", "migrations"])
def test_what_is_emitted_applies_and_means_the_same(script: str) -> None:
    schema = parsed(script)
    statements = emit(schema)
    assert fold(Statement("", 0, text) for text in statements) == schema
    assert applied(statements) == visible(schema)


def test_each_object_knows_its_place() -> None:
    schema = parsed(LIBRARY)
    book = schema.tables[Name("", "Book")]
    for at, text in (
        (book.at, "CREATE TABLE Book"),
        (book.columns["co author"].at, "[co author]"),
        (book.checks["priced"].at, "CONSTRAINT priced"),
        (book.foreign_keys["foreign key (co author)"].at, 'FOREIGN KEY ("co author")'),
        (book.indexes["by_lower"].at, "CREATE INDEX by_lower"),
        (book.triggers["spent"].at, "CREATE TRIGGER spent"),
    ):
        assert at is not None
        assert LIBRARY[at.offset :].startswith(text)


def test_what_the_catalog_does_not_show() -> None:
    schema = parsed(LIBRARY)
    author, book = schema.tables[Name("", "author")], schema.tables[Name("", "Book")]
    assert author.columns["rank"].not_null == NotNull("ranked")
    assert author.columns["rank"].options == {"not null on conflict": "replace"}
    assert author.columns["full name"].type == Type("varchar", ("100",))
    assert author.checks["check (score <> 0)"].expression == "score <> 0"
    assert book.foreign_keys["foreign key (author_id)"].deferrable == "initially deferred"
    assert book.foreign_keys["foreign key (author_id)"].referenced == ("id",)
    assert book.columns["gross"].generated is not None
    assert book.columns["gross"].generated.expression == "price * 1.2"
    trigger = book.triggers["spent"]
    assert (trigger.timing, trigger.events) == ("after", ("update",))
    assert (trigger.update_of, trigger.when) == (("price", "title"), "new.price > 1")
    assert trigger.body.startswith("BEGIN")
    assert trigger.body.endswith("END")
    assert schema.views[Name("", "cheap")].query == "SELECT isbn FROM book WHERE price < 5"
    assert ("virtual table", "search") in schema.opaque


def test_a_rename_follows_views_and_triggers_and_reports_doubt() -> None:
    schema = parsed(
        "CREATE TABLE a (x INT); CREATE TABLE b (a INT);"
        "CREATE VIEW v AS SELECT a.x FROM a; CREATE VIEW w AS SELECT a FROM b;"
        "ALTER TABLE a RENAME TO c; ALTER TABLE b RENAME COLUMN a TO z;"
    )
    assert schema.views[Name("", "v")].query == "SELECT c.x FROM c"
    assert schema.views[Name("", "w")].query == "SELECT z FROM b"
    assert [note.reason for note in schema.unread] == [
        "the view `w` may name `a`, which is renamed"  # the table
    ]


@pytest.mark.parametrize("query", ["SELECT b.x FROM a, b", "SELECT x + 1 AS x FROM b"])
def test_a_column_with_a_name_of_others_is_left_and_told(query: str) -> None:
    schema = parsed(
        f"CREATE TABLE a (x INT); CREATE TABLE b (x INT); CREATE VIEW v AS {query};"
        "ALTER TABLE b RENAME COLUMN x TO z;"
    )
    assert schema.views[Name("", "v")].query == query
    assert [note.reason for note in schema.unread] == [
        "the view `v` may name `x`, which is renamed"
    ]


@pytest.mark.parametrize(
    ("text", "reason", "at"),
    [
        ("CREATE TABLE t (a INT, b INT UNIQUE WRONG, c INT)", "a column constraint expected", None),
        ("CREATE TABLE t (a INT) ROWID", "a table option expected", "ROWID"),
        ("CREATE TABLE t AS SELECT 1", "the columns of a query are not known", None),
        ("CREATE TABLE t (a INT", "a `(` that is never closed", "("),
        ("CREATE INDEX i ON missing (a)", "the table `missing` is not known", "missing"),
        ("ALTER TABLE missing ADD a INT", "the table `missing` is not known", "missing"),
        ("CREATE TABLE t (a INT, A TEXT)", "the column `A` exists already", None),
        ("DROP TRIGGER missing", "the trigger `missing` is not known", "missing"),
        ("ATTACHED", "a statement that is not known", "ATTACHED"),
    ],
)
def test_what_is_not_understood_is_reported(text: str, reason: str, at: str | None) -> None:
    (note,) = parsed(text).unread
    assert note.reason.startswith(reason)
    if at is not None:
        assert text[note.at.offset :].startswith(at)


def test_the_rest_of_a_table_is_kept() -> None:
    table = parsed("CREATE TABLE t (a INT NOT NULL, b INT UNIQUE WRONG, c INT)").tables[
        Name("", "t")
    ]
    assert list(table.columns) == ["a", "b", "c"]
    assert list(table.keys) == ["unique (b)"]


def test_a_dump_of_a_virtual_table() -> None:
    schema = parsed(
        "PRAGMA writable_schema=ON;\n"
        "INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)"
        "VALUES('table','f','f',0,'CREATE VIRTUAL TABLE f USING fts5(a)');"
        "CREATE TABLE IF NOT EXISTS 'f_data' (id INTEGER PRIMARY KEY, block BLOB);"
        "CREATE TABLE sqlite_sequence(name,seq);"
    )
    assert not schema.tables
    assert schema.opaque["virtual table", "f"].sql == "CREATE VIRTUAL TABLE f USING fts5(a)"


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t (a INT, CHECK (" + " AND ".join(["a>1"] * 30_000) + "))",
        "CREATE TABLE t (a INT DEFAULT " + "(" * 10_000 + "1" + ")" * 10_000 + ")",
        "CREATE TABLE t (" + ",".join(f"c{n} INT" for n in range(2_000)) + ")",
    ],
    ids=["terms", "parentheses", "columns"],
)
def test_large_statements_are_read(text: str) -> None:
    schema = parsed(text)
    assert schema.unread == ()
    assert fold(Statement("", 0, each) for each in emit(schema)) == schema


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("CREATE TABLE t (a INT, CHECK (" + " AND ".join(["a>1"] * 200_000) + "))", "longer than"),
        ("CREATE TABLE t " + "(" * 50_000, "never closed"),
        ("CREATE TABLE t (" + "," * 50_000 + ")", "more than an engine takes"),
        (
            "CREATE TABLE t (" + ",".join(f"c{n}" for n in range(30_000)) + ")",
            "more than an engine",
        ),
    ],
    ids=["terms", "parentheses", "commas", "columns"],
)
def test_hostile_statements_are_refused(text: str, reason: str) -> None:
    started = time.monotonic()
    schema = parsed(text)
    assert not schema.tables
    assert reason in schema.unread[-1].reason
    assert time.monotonic() - started < 20


def test_names_are_quoted_only_where_needed() -> None:
    (statement,) = emit(parsed('CREATE TABLE "plain" ("a b" INT DEFAULT 1, "order" "INT")'))
    assert statement == 'CREATE TABLE plain (\n  "a b" INT DEFAULT 1,\n  "order" INT\n)'
    assert parsed(statement).dialect is Dialect.SQLITE


def test_an_index_on_expressions() -> None:
    table = parsed(
        "CREATE TABLE t (a, b COLLATE NOCASE); CREATE INDEX i ON t (a+1, (b) , b DESC)"
    ).tables[Name("", "t")]
    first, second, third = table.indexes["i"].parts
    assert (first.expression, first.is_column) == (Sql("a+1"), False)
    assert (second.expression, second.is_column, second.collation) == ("b", True, "")
    assert third.descending


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a||'it''s'", [("word", "a"), ("mark", "||"), ("string", "it's")]),
        ('"a""b"[c d]`e`', [("quoted", 'a"b'), ("quoted", "c d"), ("quoted", "e")]),
        ("x'0F' 0x1f .5 1e-3 7.", [("number", t) for t in ("0F", "1f", ".5", "1e-3", "7.")]),
        (
            "a->>'$'<>b",
            [("word", "a"), ("mark", "->>"), ("string", "$"), ("mark", "<>"), ("word", "b")],
        ),
        ("a--b\n/* ' */é$1", [("word", "a"), ("word", "é$1")]),
        (
            "a.b>=:c",
            [
                ("word", "a"),
                ("mark", "."),
                ("word", "b"),
                ("mark", ">="),
                ("mark", ":"),
                ("word", "c"),
            ],
        ),
    ],
)
def test_the_tokens(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(token.kind, token.text) for token in scan(text)] == expected


@pytest.mark.parametrize("text", ["a '", 'a "b', "`", "[b", "a /* b", "'" * 99_999])
def test_what_is_not_closed_is_no_token(text: str) -> None:
    with pytest.raises(NotUnderstood, match="not closed"):
        list(scan(text))
