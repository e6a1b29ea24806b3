"""From a domain model to a design: DDL, what the rules say of it, promises that were kept."""

from __future__ import annotations

import pytest
from designs import billing

from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema.design import design


@pytest.mark.parametrize("dialect", Dialect)
def test_the_script_is_the_schema(dialect: Dialect) -> None:
    made = design(billing(), dialect, prove=False)
    loaded = load({"design.sql": made.ddl}, dialect, made.blueprint.version)
    assert not loaded.schema.unread
    assert set(loaded.schema.tables) == set(made.blueprint.schema.tables)


def test_without_proof_nothing_is_tried() -> None:
    made = design(billing(), prove=False)
    assert (made.kept, made.engine) == ((), "")
    assert not made.is_proved
    assert made.notes == ("No promise was tried: it was not asked for.",)


def test_the_same_model_gives_the_same_bytes() -> None:
    assert design(billing(), prove=False).ddl == design(billing(), prove=False).ddl


def test_an_engine_that_is_not_here_is_told() -> None:
    made = design(billing(), Dialect.MYSQL)
    assert not made.is_proved
    assert "no private server" in made.notes[0]


@pytest.mark.parametrize("dialect", [Dialect.POSTGRES, Dialect.SQLITE])
def test_every_promise_of_a_design_is_kept(dialect: Dialect) -> None:
    made = design(billing(), dialect)
    assert {k.promise.name: k.failure or k.untried for k in made.kept if not k.is_kept} == {}
    assert len(made.kept) > 160
    assert made.findings == ()
    assert made.is_proved


def test_sample_data_has_rows_of_every_table_and_is_the_same_each_time() -> None:
    made = design(billing(), prove=False)
    assert made.sample == design(billing(), prove=False).sample
    filled = {sql.split()[2] for sql in made.sample}
    given = {name for name, r in made.logical.relations.items() if r.kind == "values"}
    assert filled == set(made.logical.relations) - given
