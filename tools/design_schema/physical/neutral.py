"""What stands in a column instead of what it said about a person: nothing, or the same for all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from ... import matching
from ...ddl.model import Dialect, Table
from ..domain.model import Attribute
from ..logical.model import Field, Relation
from ..promises.values import Json, Span, Value, literal
from .blueprint import Blueprint
from .code import Written

_LONG_AGO: Final = datetime(1900, 1, 1, tzinfo=UTC)
_SAID: Final = ("attribute", "latitude", "longitude")
_TEXT: Final = "erased"


def neutral(blueprint: Blueprint, relation: Relation, field: Field) -> dict[str, str] | None:
    """SQL for each column of the field, None where nothing neutral can stand in one of them.

    It is NULL where the value may be missing; what is unique says the row's key instead.
    """
    table = blueprint.table(relation.name)
    columns = field.columns(blueprint.dialect)
    if field.role not in _SAID or any(table.columns[c].generated for c in columns):
        return {}
    if field.type.immutable and blueprint.dialect is not Dialect.POSTGRES:
        return None  # a trigger keeps it, from everybody
    if _may_be_missing(relation, field):
        return dict.fromkeys(columns, "NULL")
    if field.name in relation.key or (relation.states and relation.states.attribute == field.name):
        return None
    if any(field.name in unique for unique in _uniques(table)):
        own = _own_text(blueprint, relation, field.type)
        return None if own is None else {columns[0]: own}
    value = _same_for_all(field.type)
    if value is None:
        return None
    values = (value.start, value.end) if isinstance(value, Span) and len(columns) > 1 else (value,)
    return {
        column: literal(each, table.columns[column].type, blueprint.dialect)
        for column, each in zip(columns, values, strict=True)
    }


def _may_be_missing(relation: Relation, field: Field) -> bool:
    demanded = {i.attribute for i in relation.invariants if i.kind == "required_when"}
    return not field.required and field.name not in demanded


def _uniques(table: Table) -> Iterator[tuple[str, ...]]:
    yield from (key.columns for key in table.keys.values())
    for index in table.indexes.values():
        if index.unique:
            yield tuple(str(part.expression) for part in index.parts)


def _own_text(blueprint: Blueprint, relation: Relation, attribute: Attribute) -> str | None:
    """A text that no other row has: the key is in it."""
    if attribute.type not in ("text", "email", "url") or attribute.pattern:
        return None
    q, dialect = Written(blueprint), blueprint.dialect
    head = "https://example.invalid/" if attribute.type == "url" else f"{_TEXT}-"
    tail = "@example.invalid" if attribute.type == "email" else ""
    parts = [f"'{head}'"]
    for number, column in enumerate(relation.key):
        parts += ["'-'"] * (number > 0) + [q(column)]
    parts += [f"'{tail}'"] * bool(tail)
    if dialect in (Dialect.MYSQL, Dialect.MARIADB):
        return f"CONCAT({', '.join(parts)})"
    return " || ".join(parts)


def _same_for_all(attribute: Attribute) -> Value:
    """A value of the type that says nothing, as every row that is erased has it."""
    if attribute.array:
        return ()
    match attribute.type:
        case "text":
            return _text(attribute)
        case "enum":
            return attribute.values[0] if attribute.values else None
        case "integer" | "decimal" | "money" | "quantity":
            return _number(attribute)
        case kind:
            return _CONSTANTS.get(kind)


_CONSTANTS: Final[dict[str, Value]] = {
    "email": f"{_TEXT}@example.invalid",
    "url": "https://example.invalid/",
    "date": date(1900, 1, 1),
    "instant": _LONG_AGO,
    "time": time(),
    "period": Span(_LONG_AGO, _LONG_AGO + timedelta(1)),
    "date_period": Span(date(1900, 1, 1), date(1900, 1, 2)),
    "duration": timedelta(),
    "boolean": False,
    "uuid": UUID(int=0),
    "json": Json({}),
    "binary": b"",
    "point": (Decimal(0), Decimal(0)),
    "ip": "0.0.0.0",  # noqa: S104: an address that is nobody's
}


def _text(attribute: Attribute) -> str | None:
    least, most = attribute.min_length or 0, attribute.max_length or 10**6
    if attribute.pattern:
        return matching.example(attribute.pattern, 0, least, most)
    return _TEXT.ljust(least, "x")[:most]


def _number(attribute: Attribute) -> Decimal:
    low = Decimal(str(attribute.minimum)) if attribute.minimum is not None else Decimal(0)
    high = Decimal(str(attribute.maximum)) if attribute.maximum is not None else Decimal(0)
    return max(low, min(Decimal(0), high))
