from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import pytest

from backend_architect.tools.ddl.diff import Change, changes, flatten
from backend_architect.tools.ddl.load import load, load_both
from backend_architect.tools.ddl.model import (
    Check,
    Column,
    Composite,
    Dialect,
    Enum,
    ForeignKey,
    Grant,
    Index,
    IndexPart,
    Key,
    Name,
    NotNull,
    Schema,
    Sql,
    Table,
    Type,
    View,
)

INTEGER = Type("integer")


def named(*items: Column) -> dict[str, Column]:
    return {item.name: item for item in items}


def table(name: str, **parts: object) -> Table:
    columns = named(Column("id", INTEGER, not_null=NotNull(f"{name}_id_not_null")))
    return replace(Table(Name("public", name), columns=columns), **parts)  # type: ignore[arg-type]


def schema(*tables: Table, **parts: object) -> Schema:
    by_name = {t.name: t for t in tables}
    return replace(Schema(Dialect.POSTGRES, tables=by_name), **parts)  # type: ignore[arg-type]


def test_every_object_has_a_key_of_its_own() -> None:
    orders = table(
        "orders",
        keys={"orders_pkey": Key("orders_pkey", ("id",), primary=True)},
        foreign_keys={"f": ForeignKey("f", ("id",), Name("public", "other"), ("id",))},
        checks={"c": Check("c", Sql("id > 0"))},
        indexes={"i": Index("i", (IndexPart(Sql("id")),))},
    )
    grant = Grant("select", "table", "public.orders", "app")
    whole = schema(
        orders,
        enums={Name("public", "mood"): Enum(Name("public", "mood"), ("a",))},
        composites={Name("s", "pair"): Composite(Name("s", "pair"), named(Column("x", INTEGER)))},
        grants={grant: None},
    )
    assert set(flatten(whole)) == {
        ("table", "public.orders"),
        ("column", "public.orders", "id"),
        ("key", "public.orders", "orders_pkey"),
        ("foreign key", "public.orders", "f"),
        ("check", "public.orders", "c"),
        ("index", "public.orders", "i"),
        ("enum", "public.mood"),
        ("composite", "s.pair"),
        ("attribute", "s.pair", "x"),
        ("grant", "table", "public.orders", "app", "select"),
    }
    assert flatten(whole)["column", "public.orders", "id"] is orders.columns["id"]


def test_names_with_a_dot_do_not_collide() -> None:
    one, other = Table(Name("a.b", "c")), Table(Name("a", "b.c"))
    assert len(flatten(schema(one, other))) == 2


def test_a_schema_does_not_differ_from_itself() -> None:
    assert changes(schema(table("a"), table("b")), schema(table("b"), table("a"))) == []


def test_changes_name_the_fields_that_differ() -> None:
    before = schema(table("a"), table("gone"))
    wider = Column("id", Type("bigint"), not_null=NotNull("a_id_not_null"), comment="x")
    after = schema(replace(table("a"), columns=named(wider)), table("new"))
    found = changes(before, after)
    assert [(c.kind, c.object, c.fields) for c in found] == [
        ("changed", ("column", "public.a", "id"), ("type", "comment")),
        ("removed", ("column", "public.gone", "id"), ()),
        ("added", ("column", "public.new", "id"), ()),
        ("removed", ("table", "public.gone"), ()),
        ("added", ("table", "public.new"), ()),
    ]
    old = before.tables[Name("public", "a")].columns["id"]
    assert found[0] == Change(
        "changed", ("column", "public.a", "id"), old, wider, ("type", "comment")
    )


def test_an_added_column_is_no_other_order() -> None:
    x, y, z = (Column(n, INTEGER) for n in "xyz")
    before = schema(replace(table("a"), columns=named(x, z)))
    added = schema(replace(table("a"), columns=named(x, y, z)))
    swapped = schema(replace(table("a"), columns=named(z, x)))
    assert [c.object for c in changes(before, added)] == [("column", "public.a", "y")]
    assert [(c.object, c.fields) for c in changes(before, swapped)] == [
        (("table", "public.a"), ("columns",))
    ]


def test_expressions_compare_by_meaning() -> None:
    def checked(expression: str) -> Schema:
        return schema(table("a", checks={"c": Check("c", Sql(expression))}))

    assert changes(checked("id in (1, 2)"), checked("(id = ANY (ARRAY[1, 2]))")) == []
    [change] = changes(checked("id > 1"), checked("id > 2"))
    assert (change.object, change.fields) == (("check", "public.a", "c"), ("expression",))


def test_a_column_named_like_an_expression_is_only_itself() -> None:
    def indexed(name: str, is_column: bool = True) -> Schema:
        part = IndexPart(Sql(name), is_column=is_column)
        return schema(table("a", indexes={"i": Index("i", (part,))}))

    assert len(changes(indexed("Id"), indexed("id"))) == 1
    assert changes(indexed("lower(x)", False), indexed("LOWER( x )", False)) == []


def test_views_compare_with_the_columns_of_their_tables() -> None:
    def viewed(query: str, columns: tuple[str, ...] = ()) -> Schema:
        name = Name("public", "v")
        return schema(table("a"), views={name: View(name, Sql(query), columns)})

    assert changes(viewed("select * from a"), viewed(" SELECT a.id FROM public.a")) == []
    assert changes(viewed("select id from a", ("n",)), viewed("SELECT id AS n FROM a")) == []
    assert len(changes(viewed("select id from a"), viewed("select id as n from a"))) == 1


def test_other_dialects_compare_expressions_as_text() -> None:
    def checked(expression: str) -> Schema:
        return replace(
            schema(table("a", checks={"c": Check("c", Sql(expression))})), dialect=Dialect.SQLITE
        )

    assert len(changes(checked("id in (1)"), checked("id = 1"))) == 1


def test_a_thousand_tables_compare_in_a_moment() -> None:
    def large() -> Schema:
        columns = [Column(f"c{i}", INTEGER, default=Sql(f"{i}")) for i in range(15)]
        return schema(*(replace(table(f"t{n}"), columns=named(*columns)) for n in range(1000)))

    one, other = large(), large()
    start = perf_counter()
    assert changes(one, other) == []
    assert perf_counter() - start < 3  # 0.1 s on an idle machine


def test_no_default_is_a_null_default() -> None:
    def defaulted(default: Sql | None) -> Schema:
        return schema(replace(table("a"), columns=named(Column("x", INTEGER, default=default))))

    assert changes(defaulted(None), defaulted(Sql("NULL::integer"))) == []
    assert len(changes(defaulted(None), defaulted(Sql("0")))) == 1


def test_types_of_columns_tell_which_casts_mean_something() -> None:
    def checked(type: str, expression: str) -> Schema:
        columns = named(Column("x", Type(type)))
        return schema(
            replace(table("a"), columns=columns, checks={"c": Check("c", Sql(expression))})
        )

    varchar, integer = "character varying", "integer"
    assert changes(checked(varchar, "x = 'a'"), checked(varchar, "(x)::text = 'a'::text")) == []
    assert len(changes(checked(integer, "x < '5'"), checked(integer, "(x)::text < '5'"))) == 1


ALIKE = {
    Dialect.POSTGRES: (
        "CREATE TABLE a (id bigint PRIMARY KEY, b text);\n"
        "CREATE TABLE part (k int) PARTITION BY RANGE (k);\nCREATE INDEX old ON a (b);\n",
        "CREATE TABLE c (id int);",
        "ALTER TABLE a ADD COLUMN d int REFERENCES a;\nCREATE INDEX ON a (d);\n"
        "CREATE TABLE part_1 PARTITION OF part DEFAULT;\nALTER TABLE part ADD UNIQUE (k);"
        "\nDROP INDEX old;\nCREATE TYPE mood AS ENUM ('fine');\nALTER TABLE a ADD e mood;",
    ),
    Dialect.SQLITE: (
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT);\nCREATE INDEX old ON a (b);\n",
        "CREATE TABLE c (id INTEGER REFERENCES a);",
        "ALTER TABLE a ADD COLUMN d REFERENCES a;\nCREATE INDEX i ON a (d);\nDROP INDEX old;"
        "\nCREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END;\nNONSENSE;",
    ),
}


@pytest.mark.parametrize("dialect", ALIKE)
def test_two_texts_that_begin_alike_are_folded_as_each_alone(dialect: Dialect) -> None:
    begin, one, other = ALIKE[dialect]
    first, second = {"1": begin + one}, {"2": "-- two\n" + begin + other}
    loaded, schema = load_both(first, second, dialect)
    assert loaded == load(first, dialect)
    assert schema == load(second, dialect).schema
    assert changes(loaded.schema, schema) == changes(
        load(first, dialect).schema, load(second, dialect).schema
    )
    script = load({"3": other}, dialect).statements
    assert load_both(first, script, dialect)[1] == load({"4": begin + one + other}, dialect).schema
