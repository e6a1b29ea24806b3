"""How large tables will be and what they will hold, from the model alone.

Where the model is silent these are assumed, and `ASSUMED` says so: wrong in detail, but the
same for all indexes that are compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from ...ddl.model import Column, Name, Table
from ...postgres.statistics import ColumnStatistics, TableStatistics, heap_pages
from ..domain.model import Attribute, Entity, Scalar
from ..logical.model import Field, Relation
from ..physical.blueprint import Blueprint
from ..physical.history import history_name
from ..promises.values import BEGIN
from .widths import width_of, width_of_type

ROWS: Final = 10_000  # of an entity whose volume nobody has said
TARGETS: Final = 3  # of a source, where it has many
VERSIONS: Final = 3  # of a row whose history is kept
MISSING: Final = 0.3  # share of NULL in what may be missing
DELETED: Final = 0.05
MONTHS: Final = 36  # that a table has grown, where nothing says how fast it grows
VISIBLE: Final = 0.95  # share of pages of which an index alone knows all
ASSUMED: Final = (
    f"{ROWS:,} rows where no volume is given, values as frequent as one another where no"
    f" distribution is, {MISSING:.0%} without a value where it may be missing, {DELETED:.0%} of"
    " rows deleted where they are only marked, references spread evenly over what they refer to"
)
_TIMES: Final = ("instant", "date")
_NUMBERS: Final = ("integer", "decimal", "money", "quantity")
_MONTH: Final = timedelta(days=30)


def imagined(
    blueprint: Blueprint, factor: float = 1, least: float = 0
) -> Mapping[Name, TableStatistics]:
    """Statistics of every table of the design; `factor` times as many rows of all that grows.

    No table has fewer than `least` rows. Of a partitioned table its partitions have the rows. A
    history has several for each row.
    """
    model = Imagined(blueprint, factor, least)
    return {
        table.name: model.table(table)
        for table in blueprint.schema.tables.values()
        if table.partition_by is None
    }


class Imagined:
    """The rows of relations and the values of their fields."""

    def __init__(self, blueprint: Blueprint, factor: float = 1, least: float = 0) -> None:
        self.blueprint, self.factor, self._least = blueprint, factor, least
        self._logical = blueprint.logical
        self._rows: dict[str, float] = {}

    def table(self, table: Table) -> TableStatistics:
        """A table's statistics."""
        relation = self._relation(table)
        times = 1
        if relation is None:
            relation, times = self._of_history.get(table.name.name), VERSIONS
        rows = self.rows(relation) * times if relation else max(ROWS * self.factor, self._least)
        fields: dict[str, Field] = {}
        for field in relation.fields.values() if relation else ():
            fields |= dict.fromkeys(field.columns(self.blueprint.dialect), field)
        columns = {
            name: self._values(relation, fields[name], rows, times)
            if relation and name in fields
            else _unknown(column)
            for name, column in table.columns.items()
        }
        stored = [round(c.width * (1 - c.nulls)) for c in columns.values()]
        pages = heap_pages(rows, stored)
        return TableStatistics(rows, pages, int(pages * VISIBLE), columns)

    def rows(self, relation: Relation) -> float:
        """How many rows it has."""
        if relation.name not in self._rows:
            self._rows[relation.name] = ROWS * self.factor  # for what contains itself
            counted = float(round(self._counted(relation)))
            self._rows[relation.name] = max(counted, self._least)
        return self._rows[relation.name]

    def field(self, relation: Relation, field: Field) -> ColumnStatistics:
        """The values of a field."""
        return self._values(relation, field, self.rows(relation), 1)

    def span(self, relation: Relation, attribute: Attribute) -> Span | None:
        """From where to where its values are; None where they have no such order."""
        return _span(relation.of, attribute, self.factor)

    @cached_property
    def _of_history(self) -> Mapping[str, Relation]:
        relations = self._logical.relations.values()
        return {history_name(self._logical, each): each for each in relations}

    def _relation(self, table: Table) -> Relation | None:
        parent = table.partition_of.parent if table.partition_of else table.name
        return self._logical.relations.get(parent.name)

    def _counted(self, relation: Relation) -> float:
        if relation.kind == "values":
            return max(1, len(relation.rows))
        if relation.kind == "junction":
            source, *_ = (self._logical.relations[r.target] for r in relation.references[-2:])
            return self.rows(source) * TARGETS
        entity = relation.of
        if entity and entity.volume:
            grows = bool(entity.volume.growth_per_month)
            return max(1, entity.volume.rows) * (self.factor if grows else 1)
        if entity and entity.subtype_of:
            general = self.rows(self._logical.of(entity.subtype_of.entity))
            beside = [
                r.of for r in self._logical.relations.values() if r.kind == "subtype" and r.of
            ]
            mine = [e for e in beside if e.subtype_of and e.subtype_of == entity.subtype_of]
            return general / (1 + len(mine))
        return ROWS * self.factor

    # Values

    def _values(
        self, relation: Relation, field: Field, rows: float, times: int
    ) -> ColumnStatistics:
        attribute = field.type
        width = width_of(attribute)
        distinct = self._distinct(relation, field, rows)
        if times > 1 and distinct < 0:  # in a history, as often as there are versions
            distinct /= times
        said = attribute.distribution
        common = _common(attribute)
        span = None if field.role in ("reference", "tenant") else self.span(relation, attribute)
        if field.role in ("key", "reference", "tenant") and attribute.type == "integer":
            span = Span(1, max(2, self._most(relation, field, rows)))
        return ColumnStatistics(
            width,
            _nulls(field) if said is None or not said.nulls else said.nulls,
            float(distinct),
            _correlation(relation, field),
            common,
            () if common else span.bounds(attribute) if span else _words(attribute),
        )

    def _most(self, relation: Relation, field: Field, rows: float) -> int:
        target = self._target(relation, field)
        return int(self.rows(target) if target else rows)

    def _target(self, relation: Relation, field: Field) -> Relation | None:
        """What the field alone refers to, the tenant beside it left out."""
        for reference in relation.references:
            own = [n for n in reference.fields if relation.fields[n].role != "tenant"]
            if own == [field.name] or reference.fields == (field.name,):
                return self._logical.relations[reference.target]
        return None

    def _distinct(self, relation: Relation, field: Field, rows: float) -> float:
        """How many different values; below zero a share of the rows."""
        attribute, said = field.type, field.type.distribution
        if said and said.distinct:
            return min(said.distinct, rows)
        if field.role in ("key", "public_id") or relation.key == (field.name,):
            return -1
        if target := self._target(relation, field):
            return _hit(self.rows(target), rows * (1 - _nulls(field)))
        if attribute.unique or self._is_alone_unique(relation, field):
            return -(1 - _nulls(field))
        if shares := self._selectivities.get((relation.entity, field.name)):
            return min(rows, 1 / max(shares))
        return _usual(field, rows)

    @cached_property
    def _selectivities(self) -> Mapping[tuple[str, str], list[float]]:
        """The shares of rows that patterns find by one value."""
        found: dict[tuple[str, str], list[float]] = {}
        for pattern in self._logical.domain.access_patterns:
            for each in pattern.filters:
                if each.operator == "=" and each.selectivity and each.value is None:
                    found.setdefault((pattern.entity, each.attribute), []).append(each.selectivity)
        return found

    @staticmethod
    def _is_alone_unique(relation: Relation, field: Field) -> bool:
        tenant = {relation.tenant}
        return any(set(unique.fields) - tenant == {field.name} for unique in relation.uniques)


@dataclass(frozen=True, slots=True)
class Span:
    """The least and the greatest of some values: numbers, or moments."""

    least: float | datetime
    most: float | datetime

    def at(self, share: float, attribute: Attribute) -> str:
        """The value below which this share of the values is, as text."""
        if isinstance(self.least, datetime) and isinstance(self.most, datetime):
            moment = self.least + (self.most - self.least) * share
            if attribute.type == "date":
                return moment.date().isoformat()
            return moment.strftime("%Y-%m-%d %H:%M:%S+00")
        assert not isinstance(self.least, datetime)
        assert not isinstance(self.most, datetime)
        value = self.least + (self.most - self.least) * share
        return str(round(value)) if attribute.type == "integer" else f"{value:.2f}"

    def bounds(self, attribute: Attribute) -> tuple[str, ...]:
        """A histogram of values that are spread evenly."""
        found = dict.fromkeys(self.at(part / 20, attribute) for part in range(21))
        return tuple(found) if len(found) > 1 else ()


def _span(entity: Entity | None, attribute: Attribute, factor: float) -> Span | None:
    if attribute.array:
        return None
    said = attribute.distribution
    low, high = (said.minimum, said.maximum) if said else (None, None)
    if attribute.type in _TIMES:
        volume = entity.volume if entity else None
        growth = volume.growth_per_month if volume else 0
        months = min(1200.0, volume.rows * factor / growth) if volume and growth else MONTHS
        first = _moment(low) or BEGIN
        return Span(first, _moment(high) or first + max(1.0, months) * _MONTH)
    if attribute.type in _NUMBERS:
        least = _number(low, attribute.minimum, 0)
        return Span(least, max(_number(high, attribute.maximum, least + 10_000), least + 1))
    return None


def _moment(value: Scalar | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=BEGIN.tzinfo) if found else None


def _number(said: Scalar | None, limit: float | None, otherwise: float) -> float:
    for value in (said, limit):
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return otherwise


def _nulls(field: Field) -> float:
    if field.required or field.role in ("key", "tenant"):
        return 0.0
    return 1 - DELETED if field.role in ("deleted_at", "queue") else MISSING


def _common(attribute: Attribute) -> tuple[tuple[str, float], ...]:
    """The frequent values, most frequent first; of a short list all of them."""
    said = attribute.distribution
    if attribute.array:
        return ()
    rest = 1 - (said.nulls if said else 0.0)
    if said and said.common:
        given = sorted(said.common.items(), key=lambda each: (-each[1], each[0]))
        left = rest - sum(share for _, share in given)
        others = [v for v in _listed(attribute) if v not in said.common]
        given += [(value, max(left, 0.0) / len(others)) for value in others]
        return tuple((value, share) for value, share in given if share > 0)
    listed = _listed(attribute)
    return tuple((value, rest / len(listed)) for value in listed)


def _listed(attribute: Attribute) -> list[str]:
    if attribute.type == "boolean":
        return ["true", "false"]
    return list(attribute.values) if attribute.type == "enum" else []


def _correlation(relation: Relation, field: Field) -> float:
    """How far the order of values is that in which rows were written."""
    said = field.type.distribution
    if (said and said.follows_insertion) or field.role in ("key", "created_at"):
        return 1.0
    if field.type.default == "now" and field.role == "attribute":
        return 1.0
    owned = any(r.relationship and r.relationship.owned and r.fields[-1] == field.name
                for r in relation.references)  # fmt: skip
    return 0.9 if owned else 0.0


def _hit(targets: float, rows: float) -> float:
    """Of so many targets, how many have one of the rows when these are spread at random."""
    if targets <= 0 or rows <= 0:
        return 1.0
    return max(1.0, targets * -math.expm1(-rows / targets))


def _usual(field: Field, rows: float) -> float:
    """Different values of a type of which nothing is known."""
    attribute = field.type
    if attribute.array or attribute.type in ("json", "binary", "point", "period", "date_period"):
        return -0.9
    if field.role in ("position", "version", "queue"):
        return min(rows, 20)
    match attribute.type:
        case "enum":
            return max(1, len(attribute.values))
        case "boolean":
            return 2
        case "text":
            most = 26.0 ** min(attribute.max_length or 12, 12)
            return -0.5 if most > rows else most
        case "date":
            return min(rows, MONTHS * 30)
        case "integer" if attribute.minimum is not None and attribute.maximum is not None:
            return min(rows, attribute.maximum - attribute.minimum + 1)
        case "integer" | "duration":
            return min(rows, 1_000)
        case "decimal" | "money" | "quantity":
            return min(rows, 10_000)
    return -0.9


def _words(attribute: Attribute) -> tuple[str, ...]:
    """A histogram of text that begins with each letter as often."""
    if attribute.array or attribute.type not in ("text", "email", "url"):
        return ()
    return tuple("abcdefghijklmnopqrstuvwxyz")


def _unknown(column: Column) -> ColumnStatistics:
    """A column that no field stands for, as in a history."""
    return ColumnStatistics(width_of_type(column.type), distinct=-0.5)
