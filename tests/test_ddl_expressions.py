from __future__ import annotations

import pytest

from backend_architect.tools.ddl.expressions import (
    canonical,
    canonical_view,
    columns_of,
    functions_of,
    names_of,
    resolver,
)
from backend_architect.tools.ddl.model import Column, Dialect, Name, Schema, Table, Type

COLUMNS = {
    "i": Type("integer"),
    "b": Type("bigint"),
    "n": Type("numeric", ("10", "2")),
    "f": Type("double precision"),
    "v": Type("character varying", ("50",)),
    "c": Type("character", ("3",)),
    "t": Type("text"),
    "ci": Type("citext", schema="public"),
    "d": Type("date"),
    "ts": Type("timestamp without time zone"),
    "tz": Type("timestamp with time zone"),
    "tm": Type("time without time zone"),
    "ok": Type("boolean"),
    "jb": Type("jsonb"),
    "m": Type("mood", schema="public"),
    "a": Type("text", array=True),
    "p": Type("point"),
}


# What PostgreSQL 18 printed for the expression on its left (pg_get_expr).
PRINTED = [
    ("i IN (1,2,3)", "(i = ANY (ARRAY[1, 2, 3]))"),
    ("i NOT IN (1, 2)", "(i <> ALL (ARRAY[1, 2]))"),
    ("i IN (1)", "(i = 1)"),
    ("i IN (b, 4, 5)", "((i = ANY (ARRAY[4, 5])) OR (i = b))"),
    (
        "v IN ('a','b')",
        "((v)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
    ),
    ("m IN ('sad', 'ok')", "(m = ANY (ARRAY['sad'::mood, 'ok'::mood]))"),
    ("v = 'x'", "((v)::text = 'x'::text)"),
    ("c = 'abc'", "(c = 'abc'::bpchar)"),
    ("upper(c) = c", "(upper((c)::text) = (c)::text)"),
    ("t LIKE 'a%' AND v NOT ILIKE '_c'", "((t ~~ 'a%'::text) AND ((v)::text !~~* '_c'::text))"),
    ("t SIMILAR TO 'a|b'", "(t ~ similar_to_escape('a|b'::text))"),
    ("n > 0", "(n > (0)::numeric)"),
    ("n BETWEEN 0 AND 100.5", "((n >= (0)::numeric) AND (n <= 100.5))"),
    ("i NOT BETWEEN 5 AND 6", "((i < 5) OR (i > 6))"),
    ("i > 0.5", "((i)::numeric > 0.5)"),
    ("f > 1", "(f > (1)::double precision)"),
    ("i > -5", "(i > '-5'::integer)"),
    ("n > -5.5", "(n > '-5.5'::numeric)"),
    ("n / 2 > 1", "((n / (2)::numeric) > (1)::numeric)"),
    ("i::numeric / 2 > 1.5", "(((i)::numeric / (2)::numeric) > 1.5)"),
    ("length(v) > 3", "(length((v)::text) > 3)"),
    ("d > '2020-01-01'", "(d > '2020-01-01'::date)"),
    ("ts > '2020-01-01'", "(ts > '2020-01-01 00:00:00'::timestamp without time zone)"),
    ("tz < now() + interval '90 minutes'", "(tz < (now() + '01:30:00'::interval))"),
    ("d < ts", "((d)::timestamp without time zone < ts)"),
    ("tm > '10:00'", "(tm > '10:00:00'::time without time zone)"),
    ("EXTRACT(year FROM d) > 2000", "(EXTRACT(year FROM d) > (2000)::numeric)"),
    ("ts AT TIME ZONE 'UTC' < now()", "((ts AT TIME ZONE 'UTC'::text) < now())"),
    ("ok = 't'", "(ok = true)"),
    ("i IS NOT DISTINCT FROM 3", "(NOT (i IS DISTINCT FROM 3))"),
    ("v IS DISTINCT FROM NULL", "(v IS NOT NULL)"),
    ("COALESCE(v, '') <> ''", "((COALESCE(v, ''::character varying))::text <> ''::text)"),
    (
        "CASE v WHEN 'a' THEN 1 WHEN 'b' THEN 2 END > 1",
        "(CASE v WHEN 'a'::text THEN 1 WHEN 'b'::text THEN 2 ELSE NULL::integer END > 1)",
    ),
    ("jb @> '{\"a\":1}'", "(jb @> '{\"a\": 1}'::jsonb)"),
    ("(jb ->> 'n')::int > 3", "(((jb ->> 'n'::text))::integer > 3)"),
    ("a @> ARRAY['x', 'y']", "(a @> ARRAY['x'::text, 'y'::text])"),
    ("trim(both 'x' from v) = v", "(TRIM(BOTH 'x'::text FROM v) = (v)::text)"),
    ("i = 1 AND (b = 2 AND (f = 3 OR n = 4))", "((i = 1) AND (b = 2) AND ((f = 3) OR (n = 4)))"),
    ("(i, b) = (1, 2)", "((i = 1) AND (b = 2))"),
    ("public.lower(t) = pg_catalog.upper('x')", "(lower(t) = upper('x'::text))"),
    ("i = '5'", "(i = 5)"),
    ("power(i, 2) < 100", "(power((i)::double precision, (2)::double precision) < (100)::float8)"),
    ("c.i > 0", "(i > 0)"),
]


@pytest.mark.parametrize(("written", "printed"), PRINTED)
def test_what_the_server_prints_is_what_was_written(written: str, printed: str) -> None:
    assert canonical(written, COLUMNS) == canonical(printed, COLUMNS)


DIFFERENT = [
    ("i > 1", "i > 2"),
    ("i = 1 OR b = 2 AND f = 3", "(i = 1 OR b = 2) AND f = 3"),
    ("i - (b - 1) > 0", "(i - b) - 1 > 0"),
    ("i / 2 > 1", "i::numeric / 2 > 1"),
    ("i / 2 > 1", "i / 2.0 > 1"),
    ("i % 2 = 0", "i::numeric % 2 = 0"),
    ("i::text < '5'", "i < '5'"),
    ("ci::text = 'a'", "ci = 'a'"),
    ("ts::date = d", "ts = d"),
    ("v::date > '2020-01-01'", "v > '2020-01-01'"),
    ("v::char(1) = 'a'", "v = 'a'"),
    ("n::integer > 1", "n > 1"),
    ("t = 'a'", "t = 'A'"),
    ("t = 'a b'", "t = 'a  b'"),
    ("t LIKE 'a'", "t ILIKE 'a'"),
    ("now() > tz", "CURRENT_TIMESTAMP > tz"),
    ("sum(i) / 2 > 1", "sum(i::numeric) / 2 > 1"),
    ("date_trunc('day', ts) = ts", "date_trunc('day', ts::timestamptz) = ts"),
    ('"I" > 0', "i > 0"),
    ("old.i > 0", "new.i > 0"),
    ("t COLLATE \"C\" < 'm'", "t < 'm'"),
    ("t = 'x'::varchar(1)", "t = 'x'"),
    ("NOT (i = 1)", "i = 1"),
    ("i IS NULL", "i IS NOT NULL"),
    ("to_jsonb('1'::text) = jb", "to_jsonb('1'::int) = jb"),
    ("jb = '{\"a\": 1}'", 'jb = \'{"a": "1"}\''),
    ("i = ANY (ARRAY[1, 2])", "i = ALL (ARRAY[1, 2])"),
    ("count(DISTINCT i) > 1", "count(i) > 1"),
    ("EXISTS (SELECT 1 FROM x WHERE x.i = 1)", "EXISTS (SELECT 1 FROM x WHERE x.i = 2)"),
    ("f(VARIADIC a)", "f(a)"),
    ("tz > 'today'", "tz > 'tomorrow'"),
    ("interval '1 month' > interval '30 days'", "interval '30 days' > interval '30 days'"),
    ("n > 1.50", "n > 1.5::numeric(2,1)"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_meanings_stay_different(one: str, other: str) -> None:
    assert canonical(one, COLUMNS) != canonical(other, COLUMNS)
    assert canonical(one) != canonical(other)


def test_defaults_take_the_type_of_their_column() -> None:
    def same(one: str, other: str, type: Type) -> bool:
        return canonical(one, type=type) == canonical(other, type=type)

    assert same("'f'", "false", Type("boolean"))
    assert same("'5'", "5", Type("integer"))
    assert same("-1", "'-1'::integer", Type("integer"))
    assert same('\'{"b":1, "a":2}\'', '\'{"a": 2, "b": 1}\'::jsonb', Type("jsonb"))
    assert same("'1 hour'", "'01:00:00'::interval", Type("interval"))
    assert same("NULL", "NULL::character varying", Type("character varying"))
    assert same("nextval('s')", "nextval('public.s'::regclass)", Type("bigint"))
    assert not same("'f'", "'false'", Type("text"))
    assert not same("'{\"a\":1}'", "'{\"a\": 1}'", Type("json"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("FOR VALUES IN ('a', NULL)", "FOR VALUES IN ('a', NULL::text)"),
        ("FOR VALUES FROM ('2020-01-01') TO (MAXVALUE)",
         "FOR VALUES FROM ('2020-01-01 00:00:00') TO (maxvalue)"),
        ("FOR VALUES FROM ('2022-04-01 02:00:00+02') TO ('2022-05-01 00:00:00+00')",
         "FOR VALUES FROM ('2022-04-01 00:00:00+00') TO ('2022-05-01')"),
        ("FOR VALUES WITH (MODULUS 4, REMAINDER 1)", "FOR VALUES WITH (modulus 4, remainder 1)"),
        ("default", "DEFAULT"),
    ],
)  # fmt: skip
def test_bounds(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


def test_different_bounds() -> None:
    assert canonical("FOR VALUES IN ('a')") != canonical("FOR VALUES IN ('b')")
    assert canonical("FOR VALUES FROM (1) TO (2)") != canonical("FOR VALUES FROM (1) TO (3)")


def schema() -> Schema:
    def table(table: str, **columns: str) -> Table:
        return Table(
            Name("public", table),
            columns={c: Column(c, Type(t)) for c, t in columns.items()},
        )

    tables = [
        table("users", id="integer", name="character varying", boss="integer"),
        table("posts", id="integer", user_id="integer", title="text", at="date"),
    ]
    return Schema(Dialect.POSTGRES, tables={t.name: t for t in tables})


# Queries, and what PostgreSQL 18 printed for them (pg_get_viewdef).
VIEWS = [
    ("SELECT * FROM users", " SELECT id,\n    name,\n    boss\n   FROM users;"),
    (
        "SELECT u.*, title FROM users u JOIN posts ON user_id = u.id",
        "SELECT u.id, u.name, u.boss, posts.title"
        " FROM (users u JOIN posts ON ((posts.user_id = u.id)))",
    ),
    (
        "SELECT name, count(*) n FROM users GROUP BY 1 ORDER BY n DESC",
        "SELECT name, count(*) AS n FROM users GROUP BY name ORDER BY (count(*)) DESC",
    ),
    (
        "WITH p AS (SELECT * FROM posts) SELECT p.title FROM p WHERE at > '2020-01-01'",
        "WITH p AS (SELECT posts.id, posts.user_id, posts.title, posts.at FROM posts)"
        " SELECT title FROM p WHERE (at > '2020-01-01'::date)",
    ),
    (
        "SELECT name FROM users WHERE EXISTS (SELECT 1 FROM posts p WHERE p.user_id = users.id)",
        "SELECT name FROM users WHERE (EXISTS ( SELECT 1 FROM posts p"
        " WHERE (p.user_id = users.id)))",
    ),
    (
        "SELECT a.name FROM users a WHERE a.id IN (SELECT a.boss FROM users a)",
        "SELECT name FROM users a WHERE (id IN ( SELECT a_1.boss FROM users a_1))",
    ),
    (
        "SELECT id FROM users UNION SELECT user_id FROM posts ORDER BY 1",
        "SELECT users.id FROM users UNION SELECT posts.user_id AS id FROM posts ORDER BY 1",
    ),
    (
        "SELECT id, title FROM users NATURAL JOIN posts",
        "SELECT users.id, posts.title FROM (users JOIN posts USING (id))",
    ),
]


@pytest.mark.parametrize(("written", "printed"), VIEWS)
def test_views_as_the_server_prints_them(written: str, printed: str) -> None:
    known = resolver(schema())
    assert canonical_view(written, (), known) == canonical_view(printed, (), known)


def test_views_that_mean_something_else() -> None:
    known = resolver(schema())

    def form(query: str) -> str:
        return canonical_view(query, (), known)

    joined = "SELECT u.id FROM users u JOIN posts p ON p.user_id = u.id"
    assert form(joined) != form(joined.replace("JOIN", "LEFT JOIN"))
    assert form(joined) != form(joined.replace("u.id FROM", "p.id FROM"))
    assert form("SELECT id FROM users") != form("SELECT id AS x FROM users")
    assert form("SELECT id, boss FROM users") != form("SELECT boss, id FROM users")
    assert form("SELECT 1 FROM users a, users b WHERE a.id < b.id") != form(
        "SELECT 1 FROM users a, users b WHERE b.id < a.id"
    )
    assert form("SELECT id FROM users ORDER BY id") != form("SELECT id FROM users ORDER BY id DESC")
    assert form("SELECT '1'::text AS a") != form("SELECT '1'::integer AS a")


def test_names_before_as_and_recursive_are_ways_of_writing() -> None:
    known = resolver(schema())
    assert canonical_view("SELECT id FROM users", ("n",), known) == canonical_view(
        "SELECT id AS n FROM users", (), known
    )
    body = "VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 9"
    assert canonical_view(body, ("n",), known, Name("public", "t")) == canonical_view(
        f"WITH RECURSIVE t(n) AS ({body}) SELECT n FROM t", (), known
    )


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "(((",
        "not sql at all",
        "1; DROP TABLE x",
        "'open",
        "x" * 300_000,
        "(" * 50_000 + "1" + ")" * 50_000,
        " AND ".join(["x = 1"] * 5_000),
        " + ".join(["x"] * 3_000),
        "NOT " * 3_000 + "x",
        "a\0b",
        "SELECT",
        "FOR VALUES nothing",
        "'\ud800'",
    ],
)
def test_nothing_is_too_bad_to_compare(sql: str) -> None:
    assert canonical(sql) == canonical(sql)
    assert isinstance(canonical_view(sql), str)
    assert columns_of(sql) is not None
    assert functions_of(sql) is not None


def test_text_that_does_not_parse_compares_without_white_space() -> None:
    assert canonical("a  b 'c  d'") == canonical("a\n b 'c  d'")
    assert canonical("a b 'c  d'") != canonical("a b 'c d'")


def test_what_an_expression_mentions() -> None:
    assert columns_of('lower(a) = "B" || t.c') == {"a", "B", "c"}
    assert functions_of("lower(s.f(a)) = upper('x(y)')") == {"lower", "f", "upper"}
    assert functions_of("a = 1") == set()
    names = names_of("WITH w AS (SELECT x::s.kind FROM s.t) SELECT f(1) FROM w, v")
    assert names.relations == {Name("s", "t"), Name("", "v")}
    assert names.functions == {Name("", "f")}
    assert Name("s", "kind") in names.types
