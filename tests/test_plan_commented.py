"""Renames that comments in the target name, on both engines."""

from __future__ import annotations

import pytest

from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.plan_migration import Inputs, plan
from backend_architect.tools.plan_migration.commented import commented

OLD = 'CREATE TABLE users (id int PRIMARY KEY, username text, "Age" int);'
NAME = {("column", "users", "username"): ("column", "users", "user_name")}


def found(old: str, new: str, dialect: Dialect) -> dict[tuple[str, ...], tuple[str, ...]]:
    before, after = (load({"x": text}, dialect).schema for text in (old, new))
    keys = commented({"x": new}, before, after).items()
    short = {tuple(p.removeprefix("public.") for p in a): b for a, b in keys}
    return {a: tuple(part.removeprefix("public.") for part in b) for a, b in short.items()}


@pytest.mark.parametrize("dialect", [Dialect.POSTGRES, Dialect.SQLITE])
@pytest.mark.parametrize(
    "columns",
    [
        "id int PRIMARY KEY,\n  user_name text, -- @renamed from=username\n  age int",
        "id int PRIMARY KEY,\n  user_name text -- @renamed from=username\n",
        "id int PRIMARY KEY, user_name text /* @renamed from = username */, age int",
        "id int PRIMARY KEY,\n  -- @renamed from=username\n  user_name text CHECK (1 IN (1, 2))",
        "id int PRIMARY KEY\n  , user_name text -- the login; @renamed from=username\n  , a int",
        "user_name text CHECK (user_name <> '@renamed from=id') -- @renamed from=username\n",
    ],
)
def test_a_comment_belongs_to_the_column_that_it_stands_at(dialect: Dialect, columns: str) -> None:
    assert found(OLD, f"CREATE TABLE users ({columns});", dialect) == NAME


@pytest.mark.parametrize("dialect", [Dialect.POSTGRES, Dialect.SQLITE])
def test_a_table_and_its_column_have_new_names(dialect: Dialect) -> None:
    new = (
        "CREATE TABLE people ( -- @renamed from=users\n  id int PRIMARY KEY,"
        '\n  age int, -- @renamed from="Age"\n  username text);'
    )
    assert found(OLD, new, dialect) == {
        ("table", "users"): ("table", "people"),
        ("column", "users", "Age"): ("column", "people", "age"),
    }


@pytest.mark.parametrize(
    "columns",
    [
        "id int, user_name text -- @renamed from=login\n",  # made long ago
        "id int, username text, user_name text -- @renamed from=username\n",  # still there
        "id int, user_name text -- renamed from=username\n",
        "id int, user_name text DEFAULT '-- @renamed from=username'",
    ],
)
def test_what_says_nothing_is_no_hint(columns: str) -> None:
    assert found(OLD, f"CREATE TABLE users ({columns});", Dialect.SQLITE) == {}


@pytest.mark.parametrize("dialect", [Dialect.POSTGRES, Dialect.SQLITE])
def test_the_plan_renames_and_asks_no_more(dialect: Dialect) -> None:
    new = OLD.replace("username text,", "user_name text, -- @renamed from=username\n")
    made = plan(Inputs({"a": OLD}, {"b": new}), dialect, rehearsal=False)
    assert not made.questions
    assert plan(Inputs({"a": OLD}, {"b": new.replace("@", "")}), dialect, rehearsal=False).questions


@pytest.mark.parametrize("dialect", [Dialect.POSTGRES, Dialect.SQLITE])
@pytest.mark.parametrize(
    "text",
    [
        'CREATE TABLE users (id int, -- @renamed from="a\'; DROP TABLE users; --"\n b int);',
        "CREATE TABLE users (id int -- @renamed from=" + "x" * 10_000 + "\n);",
        "CREATE TABLE users (" + "-- @renamed from=username\n" * 5_000 + "id int);",
        "CREATE VIEW v AS SELECT 1 -- @renamed from=users\n;",
    ],
)
def test_hostile_comments_are_no_hints(dialect: Dialect, text: str) -> None:
    assert found(OLD, text, dialect) == {}
