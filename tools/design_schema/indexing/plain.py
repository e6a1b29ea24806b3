"""Access patterns that are SQL already: what they ask of which columns, read from the text.

Only conditions that every row has to satisfy count: none below OR or NOT.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ...ddl.model import Dialect
from ..domain.model import AccessPattern, Operator, Scalar
from ..physical.blueprint import Blueprint
from .conditions import Condition, Place
from .statements import Sorted, Statement

_READ_AS: Final = {
    Dialect.POSTGRES: "postgres",
    Dialect.MYSQL: "mysql",
    Dialect.MARIADB: "mysql",
    Dialect.SQLITE: "sqlite",
}
_OPERATORS: Final[dict[type[exp.Expr], Operator]] = {
    exp.EQ: "=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.Between: "between",
    exp.In: "in",
    exp.Is: "is null",
}
_TURNED: Final[dict[Operator, Operator]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def read(blueprint: Blueprint, pattern: AccessPattern) -> Statement:
    """The statement as it is; what cannot be read of it asks for nothing."""
    text = (pattern.sql or "").strip().rstrip(";").rstrip()
    relation = blueprint.logical.of(pattern.entity).name
    try:
        tree = sqlglot.parse_one(text, read=_READ_AS[blueprint.dialect])
    except (SqlglotError, RecursionError):
        return Statement(pattern, text, relation)
    names = _Names(blueprint, tree)
    conditions = tuple(dict.fromkeys(names.conditions()))
    links = tuple(dict.fromkeys(names.links()))
    return Statement(
        pattern, text, relation, conditions, links, tuple(names.sort()), names.reads(), names.sets()
    )


class _Names:
    """The columns of the design that a tree names."""

    def __init__(self, blueprint: Blueprint, tree: exp.Expr) -> None:
        self.tree, self.dialect = tree, blueprint.dialect
        relations = blueprint.logical.relations
        self.tables = {
            table.alias_or_name: relations[table.name]
            for table in tree.find_all(exp.Table)
            if table.name in relations
        }

    def place(self, node: object) -> Place | None:
        """The field that a column stands for; None when that is not sure."""
        if not isinstance(node, exp.Column):
            return None
        holders = [node.table] if node.table else list(self.tables)
        found = [
            Place(alias, relation.name, field.name, field)
            for alias in holders
            if (relation := self.tables.get(alias))
            for field in relation.fields.values()
            if node.name in field.columns(self.dialect)
        ]
        return found[0] if len(found) == 1 else None

    def conditions(self) -> Iterator[Condition]:
        """What is compared with something that is no column."""
        for node in self.tree.find_all(*_OPERATORS):
            if not _always(node):
                continue
            operator = _OPERATORS[type(node)]
            own, others = self.place(node.this), _others(node)
            if own is None and len(others) == 1 and operator not in ("is null", "in"):
                own, others = self.place(others[0]), [node.this]
                operator = _TURNED.get(operator, operator)
            if own is None or any(each.find(exp.Column) for each in others):
                continue
            if operator == "is null":
                if isinstance(node.expression, exp.Null):
                    yield Condition(own, operator)
                continue
            yield Condition(own, operator, _constants(others))

    def links(self) -> Iterator[tuple[Place, Place]]:
        """Columns that are compared with each other."""
        for node in self.tree.find_all(exp.EQ):
            one, other = self.place(node.this), self.place(node.expression)
            if one and other and _always(node) and one.alias != other.alias:
                yield one, other

    def sort(self) -> Iterator[Sorted]:
        """The order, as far as it is one of columns."""
        order = self.tree.args.get("order")
        for each in order.expressions if order else ():
            place = self.place(each.this)
            if place is None:
                return
            yield Sorted(place, bool(each.args.get("desc")))

    def reads(self) -> dict[str, frozenset[str]]:
        """The columns of each table that are named; all of them where there is a star."""
        found: dict[str, set[str]] = {}
        star = self.tree.find(exp.Star) is not None
        for relation in self.tables.values():
            own = found.setdefault(relation.name, set())
            if star:
                own |= {c for f in relation.fields.values() for c in f.columns(self.dialect)}
        for column in self.tree.find_all(exp.Column):
            if place := self.place(column):
                found[place.relation] |= set(place.field.columns(self.dialect))
        return {name: frozenset(columns) for name, columns in sorted(found.items())}

    def sets(self) -> frozenset[str]:
        """What an UPDATE sets."""
        if not isinstance(self.tree, exp.Update):
            return frozenset()
        return frozenset(
            each.this.name
            for each in self.tree.expressions
            if isinstance(each, exp.EQ) and isinstance(each.this, exp.Column)
        )


def _always(node: exp.Expr) -> bool:
    """Whether every row has to satisfy it: it stands in WHERE or ON, below AND alone."""
    above = node.parent
    while isinstance(above, exp.And | exp.Paren):
        above = above.parent
    return isinstance(above, exp.Where | exp.Join)


def _others(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Between):
        return [node.args["low"], node.args["high"]]
    if isinstance(node, exp.In):
        query = node.args.get("query")
        return [query] if query is not None else list(node.expressions)
    return [node.expression]


def _constants(nodes: list[exp.Expr]) -> tuple[Scalar, ...] | None:
    """The constants, when all of them are."""
    if not nodes or not all(isinstance(each, exp.Literal | exp.Boolean) for each in nodes):
        return None
    found: list[Scalar] = []
    for each in nodes:
        if isinstance(each, exp.Boolean):
            found.append(bool(each.this))
        elif each.args.get("is_string"):
            found.append(str(each.this))
        else:
            text = str(each.this)
            found.append(int(text) if text.isdigit() else float(text))
    return tuple(found)
