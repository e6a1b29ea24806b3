"""Sample data of a design: a few rows of each table, that every constraint accepts together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..physical.blueprint import Blueprint
from .model import Promise, Step
from .rows import Rows

COUNT: Final = 3  # rows of each table, for each tenant
TENANTS: Final = 2


def sample(rows: Rows, count: int = COUNT) -> tuple[tuple[str, ...], str]:
    """INSERTs for one transaction, parents first, and what may be wrong with them, if anything."""
    statements: dict[str, None] = {}
    doubts: dict[str, None] = {}
    logical = rows.blueprint.logical
    for relation in logical.relations.values():
        if relation.kind == "values" and relation.rows:
            continue  # the design has them
        for tenant in range(TENANTS if relation.tenant else 1):
            for number in range(count):
                made = rows.row(relation.name, number, tenant=tenant)
                statements |= dict.fromkeys(made.whole)
                doubts |= dict.fromkeys([made.doubt] if made.doubt else [])
    return tuple(statements), "; ".join(doubts)


def promises(blueprint: Blueprint, rows: Rows) -> Iterator[Promise]:
    """The sample data is accepted, and a transaction with it can end."""
    statements, doubt = sample(rows)
    if statements:
        steps = [Step(sql) for sql in statements]
        steps[-1] = Step(statements[-1], commit=True)
        says = f"{len(statements)} rows that every constraint accepts together"
        yield Promise("sample data", ("/tables",), says, tuple(steps), doubt)
