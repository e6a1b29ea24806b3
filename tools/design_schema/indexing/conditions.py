"""Conditions of queries: what is asked of a column, and how each engine says it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from ...ddl.model import Dialect, Type
from ..domain.model import Operator, Scalar
from ..logical.model import PERIODS, Field
from ..physical.tables import any_case
from ..promises.values import literal, quoted

LANGUAGE: Final = "simple"  # of full text: words as they are, since nobody has said a language
_MYSQLS: Final = (Dialect.MYSQL, Dialect.MARIADB)


@dataclass(frozen=True, slots=True)
class Place:
    """A field of a table that a statement reads, by the name that the table has there."""

    alias: str
    relation: str
    name: str
    field: Field = field(compare=False)


@dataclass(frozen=True, slots=True)
class Condition:
    """What is asked of a field. `value`: constants that are always asked; None: parameters."""

    place: Place
    operator: Operator
    value: tuple[Scalar, ...] | None = None
    selectivity: float | None = None
    is_tenant: bool = False

    @property
    def is_equality(self) -> bool:
        """Whether an ordered index finds its rows side by side, whatever comes behind."""
        plain = not self.place.field.type.array and self.place.field.type.type != "json"
        return plain and self.operator in ("=", "in")

    @property
    def is_range(self) -> bool:
        """Whether its rows are side by side in an ordered index."""
        plain = self.place.field.type.type not in (*PERIODS, "json", "point")
        ranges = ("<", "<=", ">", ">=", "between", "starts with")
        return plain and not self.place.field.type.array and self.operator in ranges


class Parameters:
    """Counts the parameters of a statement."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect, self._count = dialect, 0

    def next(self) -> str:
        """The next one, as the engine writes it."""
        self._count += 1
        if self._dialect in _MYSQLS:
            return "?"
        return f"?{self._count}" if self._dialect is Dialect.SQLITE else f"${self._count}"


def constant(value: Scalar, dialect: Dialect) -> str:
    """A constant of the model as a literal."""
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    return literal(value, Type("text"), dialect)


def said(
    condition: Condition,
    columns: Sequence[str],
    dialect: Dialect,
    parameters: Parameters,
    values: Sequence[str] | None = None,
) -> str:
    """The condition in SQL. `columns` are the field's, as they are to be written.

    `values` are literals that stand for parameters.
    """
    given = iter(values or ())

    def value() -> str:
        return next(given, "") or parameters.next()

    if condition.value is not None:
        fixed = [constant(each, dialect) for each in condition.value]
    else:
        fixed = []
    return _Said(condition, list(columns), dialect, fixed, value).sql()


@dataclass(frozen=True, slots=True)
class _Said:
    condition: Condition
    columns: list[str]
    dialect: Dialect
    fixed: list[str]
    next: Callable[[], str]

    def sql(self) -> str:
        kind = self.condition.place.field.type
        operator = self.condition.operator
        if operator in ("is null", "is not null"):
            return f"{self.columns[0]} {operator.upper()}"
        if operator == "matches":
            return self._matches()
        if kind.array or kind.type == "json":
            return self._container()
        if kind.type in PERIODS:
            return self._period()
        return self._plain()

    def _value(self) -> str:
        return self.fixed.pop(0) if self.fixed else self.next()

    def _plain(self) -> str:
        column, operator = self.columns[0], self.condition.operator
        postgres = self.dialect is Dialect.POSTGRES
        folded = postgres and any_case(self.condition.place.field)

        def in_case(text: str) -> str:
            return f"lower({text})" if folded else text

        match operator:
            case "between":
                return f"{column} BETWEEN {self._value()} AND {self._value()}"
            case "in":
                if postgres and not self.fixed:
                    return f"{in_case(column)} = ANY ({self.next()})"
                listed = self.fixed[:] or [self.next() for _ in range(3)]
                return f"{in_case(column)} IN ({', '.join(map(in_case, listed))})"
            case "starts with":
                return f"{in_case(column)} LIKE {self._pattern('{}%')}"
            case "contains":
                like = "ILIKE" if postgres else "LIKE"
                return f"{column} {like} {self._pattern('%{}%')}"
            case _:
                return f"{in_case(column)} {operator} {in_case(self._value())}"

    def _pattern(self, form: str) -> str:
        """A parameter is the pattern already: the application has escaped what it is made of."""
        if not self.fixed:
            return self.next()
        text = self.fixed.pop(0)[1:-1]
        for sign in ("\\", "%", "_"):
            text = text.replace(sign, "\\" + sign)
        return f"'{form.format(text)}'"

    def _matches(self) -> str:
        column, value = self.columns[0], self._value()
        if self.dialect is Dialect.POSTGRES:
            language = quoted(LANGUAGE, self.dialect)
            return f"to_tsvector({language}, {column}) @@ websearch_to_tsquery({language}, {value})"
        if self.dialect in _MYSQLS:
            return f"MATCH ({column}) AGAINST ({value} IN NATURAL LANGUAGE MODE)"
        return f"{column} LIKE {value}"

    def _container(self) -> str:
        column, value = self.columns[0], self._value()
        array = self.condition.place.field.type.array
        if self.dialect is Dialect.POSTGRES:
            if self.condition.operator == "overlaps":
                return f"{column} && {value}"
            fixed = array and self.condition.value is not None
            return f"{column} @> ARRAY[{value}]" if fixed else f"{column} @> {value}"
        if self.dialect in _MYSQLS:
            return f"JSON_CONTAINS({column}, {value})"
        return f"EXISTS (SELECT 1 FROM json_each({column}) AS each WHERE each.value = {value})"

    def _period(self) -> str:
        """`contains` has one moment, `overlaps` a period; a comparison is about the start."""
        operator = self.condition.operator
        if self.dialect is Dialect.POSTGRES:
            column = self.columns[0]
            if operator in ("overlaps", "contains", "="):
                sign = {"overlaps": "&&", "contains": "@>", "=": "="}[operator]
                return f"{column} {sign} {self._value()}"
            return self._compared(f"lower({column})")
        start, end = self.columns
        if operator == "overlaps":
            return f"{start} < {self._value()} AND {end} > {self._value()}"
        if operator == "contains":
            return f"{start} <= {self._value()} AND {end} > {self._value()}"
        if operator == "=":
            return f"{start} = {self._value()} AND {end} = {self._value()}"
        return self._compared(start)

    def _compared(self, text: str) -> str:
        if self.condition.operator == "between":
            return f"{text} BETWEEN {self._value()} AND {self._value()}"
        return f"{text} {self.condition.operator} {self._value()}"
