"""The authorisation matrix: roles by operations, from rules or from what the API declares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .facts import Call, Fact, Facts, Kind

ANYONE, USER = "anyone", "any user"


class Cell(StrEnum):
    """What a role may do with an operation."""

    ALLOW = "allow"
    DENY = "deny"
    OWNER = "owner only"
    TENANT = "tenant only"
    UNDECLARED = "undeclared"


@dataclass(frozen=True, slots=True)
class Line:
    """One operation: a cell for each role; `chooses`: the parameters that name an object."""

    operation: str
    call: Call
    cells: dict[str, Cell]
    chooses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """All operations; `declared`: the roles are those of a table, not of the API's schemes."""

    roles: tuple[str, ...]
    declared: bool
    lines: tuple[Line, ...]

    def lower(self, line: Line) -> Iterator[str]:
        """The roles that must be refused."""
        return (role for role, cell in line.cells.items() if cell is Cell.DENY and role != ANYONE)


def matrix(facts: Facts, roles: Sequence[str]) -> Matrix:
    """The matrix of the facts; `roles` are those that a table names, in its order."""
    names = (ANYONE, *roles) if roles else (ANYONE, USER)
    lines = [
        Line(fact.subject, call, _cells(facts, fact, call, roles), _chooses(facts, fact))
        for fact, call in facts.calls()
    ]
    return Matrix(names, bool(roles), tuple(lines))


def _cells(facts: Facts, fact: Fact, call: Call, roles: Sequence[str]) -> dict[str, Cell]:
    cells = {ANYONE: _anyone(call)}
    if not roles:
        cells[USER] = _any_user(call)
        return cells
    rules = {rule.value.role: rule.value for rule in facts.about(fact.subject, Kind.RULE)}
    for role in roles:
        rule = rules.get(role) or rules.get("everybody")
        if rule is None:
            cells[role] = Cell.ALLOW if call.anonymous else Cell.DENY
        elif not rule.allows:
            cells[role] = Cell.DENY
        else:
            cells[role] = {"own": Cell.OWNER, "tenant": Cell.TENANT}.get(rule.scope, Cell.ALLOW)
    return cells


def _anyone(call: Call) -> Cell:
    if call.protected:
        return Cell.DENY
    return Cell.ALLOW if call.anonymous else Cell.UNDECLARED


def _any_user(call: Call) -> Cell:
    """By a scheme alone, nothing is said of administrators' operations or of whose objects."""
    if call.privileged or call.scopes:
        return Cell.UNDECLARED
    return Cell.ALLOW


def _chooses(facts: Facts, fact: Fact) -> tuple[str, ...]:
    return tuple(
        chosen.value.name
        for chosen in facts.about(fact.subject, Kind.SELECTS)
        if chosen.value.where == "path"
    )
