"""Rows for a rehearsal where checks say what a value looks like."""

from __future__ import annotations

import re

import pytest

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.plan_migration import Inputs, plan
from backend_architect.tools.plan_migration.rehearsal.shapes import shape_of

STRICT = """
    CREATE DOMAIN email AS text CHECK (VALUE ~* '^[a-z0-9.]+@[a-z0-9.]+$');
    CREATE TABLE org (
        id bigint PRIMARY KEY,
        slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9_]{3,20}$'),
        country text NOT NULL CHECK (char_length(country) = 2),
        currency varchar(10) NOT NULL
            CHECK (length(currency) BETWEEN 3 AND 3 AND currency ~ '^[A-Z]+$'),
        contact text NOT NULL CHECK (contact LIKE '_%@_%'),
        mail email NOT NULL UNIQUE,
        state text NOT NULL CHECK (state IN ('new', 'old')),
        seats int NOT NULL CHECK (seats >= 5 AND seats < 10)
    );
    CREATE TABLE bill (
        id bigint PRIMARY KEY,
        org_id bigint NOT NULL REFERENCES org,
        low int NOT NULL, high int NOT NULL,
        CHECK (low <= high)
    );
"""


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        ("code ~ '^[a-z]+$'", "abc", "a1"),
        ("((code)::text ~ '^[a-z]+$'::text)", "abc", "A"),
        ("code ~* '^[a-z]+$'", "ABC", "1"),
        ("code LIKE 'a_%.%'", "ab.", "a.b"),
        ("char_length(code) = 2", "aé", "a"),
        ("code IS NULL OR length(code) > 2", "abc", "ab"),
        ("length(code) BETWEEN 2 AND 3", "ab", "abcd"),
        ("3 >= length(code) AND code <> ''", "abc", "abcd"),
        ("code IN ('a', 'b')", "b", "c"),
        ("code = ANY (ARRAY['a'::text, 'b'::text])", "b", "c"),
        ("code >= -5 AND code < 7", "-5", "8"),
    ],
)
def test_what_a_check_demands_is_read(check: str, good: str, bad: str) -> None:
    shape = shape_of("code", [check])
    assert shape
    assert shape.accepts(good)
    assert not shape.accepts(bad)
    assert all(map(shape.accepts, shape.texts()))


@pytest.mark.parametrize(
    "check", ["other ~ '^a$'", "lower(code) = 'a'", "code IN (other)", "a = 1 OR code = 'x'", "(("]
)
def test_what_is_not_read_forbids_nothing(check: str) -> None:
    assert shape_of("code", [check]) is None


def test_texts_are_distinct_and_as_long_as_may_be() -> None:
    shape = shape_of("code", ["code ~ '^[a-z]+$'", "length(code) BETWEEN 3 AND 9"])
    assert shape
    texts = [shape.text(number) for number in range(40)]
    assert len(set(texts)) == 40
    assert all(text and re.fullmatch("[a-z]{3,9}", text) for text in texts)
    short = shape_of("code", ["length(code) <= 50"])
    assert short
    assert "ÿ" * 50 in short.texts()


def test_every_table_has_rows() -> None:
    wider = STRICT.replace("seats < 10", "seats < 20")
    answer = plan(Inputs({"a.sql": STRICT}, {"b.sql": wider}), Dialect.POSTGRES, (18,))
    assert answer.steps
    assert answer.rehearsal["ran"]
    assert not [note for note in answer.rehearsal["notes"] if note.startswith("No row of")]
