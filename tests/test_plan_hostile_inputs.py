"""The same hostile text in every input of a plan, on both engines: answers, and nothing outside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.engines.facts import Facts, TableFacts
from backend_architect.tools.plan_migration import Inputs, plan
from backend_architect.tools.plan_migration.renames import BadRename

SHOP = "CREATE TABLE sale (id int PRIMARY KEY, qty int, note text);"
ADD = "ALTER TABLE sale ADD COLUMN a int;"
EVIL = 'x"; DROP TABLE sale; --'
HOSTILE = {
    Dialect.POSTGRES: """
        COPY sale TO PROGRAM 'touch {canary}';
        COPY sale FROM '/etc/passwd';
        CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$SELECT pg_read_file('/etc/passwd')$$;
        SELECT f(), lo_export(lo_from_bytea(0, 'x'), '{canary}');
        SELECT set_config('role', 'postgres', false);
    """,
    Dialect.SQLITE: """
        ATTACH '{canary}' AS other;
        VACUUM INTO '{canary}';
        SELECT load_extension('{canary}');
        CREATE VIRTUAL TABLE c USING csv(filename='/etc/passwd');
        PRAGMA writable_schema = ON;
    """,
}
ENGINES = list(HOSTILE)


def answered(inputs: Inputs, dialect: Dialect, **more: Any) -> Mapping[str, Any]:
    """The evidence of the rehearsal, in which nothing of this machine stands."""
    made = plan(inputs, dialect, **more)
    said = json.dumps(made.rehearsal, ensure_ascii=False) + repr(made)
    assert "root:" not in said
    return made.rehearsal


@pytest.mark.parametrize("dialect", ENGINES)
@pytest.mark.parametrize("where", Inputs.__dataclass_fields__)
def test_hostile_sql_in_any_input_stays_inside(
    where: str, dialect: Dialect, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    hostile = HOSTILE[dialect].replace("{canary}", str(canary))
    goal = {"migration": ADD} if where == "migration" else {"target": SHOP.replace("note", "a")}
    texts = {"current": SHOP, **goal}
    texts[where] = texts.get(where, "") + hostile
    seen = answered(Inputs(**{name: {"x.sql": text} for name, text in texts.items()}), dialect)
    assert not canary.exists()
    assert seen["ran"]
    if where == "migration":
        assert seen["script"]["steps"][-1]["error"]
    if where.startswith("queries"):
        runs = [query for query in seen["queries"] if not query.get("generated")]
        assert len(runs) >= 4
        assert seen["target_reached"]


@pytest.mark.parametrize("dialect", ENGINES)
def test_names_that_are_sql_are_quoted_everywhere(dialect: Dialect) -> None:
    quoted = '"' + EVIL.replace('"', '""') + '"'
    old = f"CREATE TABLE {quoted} (id int PRIMARY KEY, {quoted} int, kept int);"
    new = old.replace(", kept int", ", kept int NOT NULL, b int")
    for target in (new, old.replace("int, kept", "bigint, kept")):
        seen = answered(Inputs({"a": old}, {"b": target}), dialect)
        assert seen["target_reached"], seen["differences"]
        assert seen["witnesses"] == []
    facts = Facts(tables={("", EVIL): TableFacts(rows=10**9), ("public", EVIL): TableFacts()})
    assert answered(Inputs({"a": old}, {"b": new}), dialect, facts=facts)["target_reached"]


@pytest.mark.parametrize("dialect", ENGINES)
@pytest.mark.parametrize(
    "rename",
    [
        f"sale.note={EVIL}",
        f"sale.{EVIL}=note",
        f"{EVIL}=sale",
        "sale.note=(SELECT pg_read_file('/etc/passwd'))",
        "sale.a=pg_read_file('/etc/passwd')",
        "sale.a=load_extension('x') || note",
        "=" * 10_000,
        "sale.a=" + "(" * 10_000 + "note",
    ],
)
def test_hostile_renames_are_refused_or_harmless(dialect: Dialect, rename: str) -> None:
    target = SHOP.replace("note text", "note text, a text")
    refused = ""
    try:
        assert answered(Inputs({"a": SHOP}, {"b": target}), dialect, renames=[rename])["ran"]
    except BadRename as error:
        refused = str(error)
    assert len(refused) < 1_000
