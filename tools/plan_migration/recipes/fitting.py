"""The condition on a value that another type cannot hold it, in words that every version knows."""

from __future__ import annotations

from typing import Final

from ...ddl.model import Name, Schema, Type
from ...ddl.postgres.text import literal

BITS: Final = {"smallint": 15, "integer": 31, "bigint": 63}
_FRACTIONS: Final = frozenset({"numeric", "real", "double precision"})
_TEXTS: Final = frozenset({"text", "character varying", "character", "name", "citext"})
_LIMITED: Final = frozenset({"character varying", "character"})
_WHOLE: Final = r"'^\s*[-+]?\d+\s*$'"


def refused(value: str, old: Type, new: Type, target: Schema) -> str:
    """The condition that `value`, of type `old`, does not fit; empty where none is known."""
    if old.array or new.array:
        return ""
    if enum := target.enums.get(Name(new.schema, new.name)):
        known = ", ".join(literal(each) for each in enum.values)
        return f"{value}::text NOT IN ({known})" if known else f"{value} IS NOT NULL"
    if new.schema or old.schema:
        return ""
    if new.name in _LIMITED:
        most = new.args[0] if new.args else "1" if new.name == "character" else ""
        return f"substr({value}::text, {int(most) + 1}) ~ '[^ ]'" if most else ""
    numbers = old.name in BITS or old.name in _FRACTIONS
    if new.name in BITS and numbers:
        return _out_of_range(value, old.name, new.name)
    if new.name in BITS and old.name in _TEXTS:
        beyond = _out_of_range(f"{value}::numeric", "numeric", new.name)
        return f"CASE WHEN {value}::text ~ {_WHOLE} THEN {beyond} ELSE {value} IS NOT NULL END"
    if new.name == "numeric" and new.args and numbers:
        return _too_many_digits(value, new.args)
    return ""


def _out_of_range(value: str, old: str, new: str) -> str:
    limit = 2 ** BITS[new]
    if old in BITS:
        return f"{value} NOT BETWEEN {-limit} AND {limit - 1}"
    above = ">" if old == "numeric" else ">="  # halves are rounded away from zero, or to even
    return f"NOT ({value} {above} {-limit}.5 AND {value} < {limit - 1}.5)"


def _too_many_digits(value: str, args: tuple[str, ...]) -> str:
    precision, scale = int(args[0]), int(args[1]) if len(args) > 1 else 0
    rounded = f"abs(round({value}::numeric, {scale}))"
    return f"{value}::text <> 'NaN' AND {rounded} >= 1e{precision - scale}::numeric"
