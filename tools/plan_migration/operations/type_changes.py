"""ALTER COLUMN … TYPE: which measured operation a change of type is like.

A type change writes the table anew unless the old values serve as they are: the new type is binary
coercible from the old one, or only a limit is raised or lifted. Indexes are built anew when the
table is, or when the type's operators differ. https://www.postgresql.org/docs/current/sql-altertable.html
"""

from __future__ import annotations

from typing import Final

from ...ddl.model import Type

VARCHAR: Final = "character varying"
_STAMP: Final = "timestamp without time zone"
_STAMPTZ: Final = "timestamp with time zone"

_REWRITE: Final = "alter type, int to bigint"


def operation(old: Type, new: Type, collation: bool, indexed: bool) -> str:
    """The measured operation for a column of an ordinary type.

    `collation` says that it changes. Domains and enums are the caller's.
    """
    if old == new and not collation:
        return "alter type, to the same"
    if old == new:
        return "alter type, other collation" + ", indexed" * indexed
    if old.array or new.array:
        return rewrite(indexed)
    return _limits(old, new, indexed) or _pair(old, new, indexed)


def rewrite(indexed: bool) -> str:
    """The operation that stands for all that write the table anew."""
    return _REWRITE if indexed else f"{_REWRITE}, not indexed"


def _pair(old: Type, new: Type, indexed: bool) -> str:
    if (old.name, new.name) == (_STAMP, _STAMPTZ) and not new.args:
        return "alter type, timestamp to timestamptz, not in UTC"
    if (old.name, new.name) == (_STAMPTZ, _STAMP) and not new.args:
        return "alter type, timestamptz to timestamp, not in UTC"
    if not new.args and (old.name, new.name) == ("cidr", "inet"):
        return "alter type, cidr to inet"
    return rewrite(indexed)


def _limits(old: Type, new: Type, indexed: bool) -> str:
    """A change within the types of characters, bits, numbers and times; empty for any other."""
    suffix = ", indexed" * indexed
    before, after = _limit(old), _limit(new)
    if (old.name, new.name) == (VARCHAR, VARCHAR):
        if after is None:
            return "alter type, varchar(n) to varchar" + suffix
        if before is not None and after >= before:
            return "alter type, longer varchar" + suffix
        return "alter type, shorter varchar"
    if (old.name, new.name) == (VARCHAR, "text"):
        return "alter type, varchar(n) to text" + suffix
    if (old.name, new.name) == ("text", VARCHAR):
        kind = "varchar" if after is None else "varchar(n)"
        return f"alter type, text to {kind}{suffix}"
    if (old.name, new.name) == ("bit varying", "bit varying"):
        if after is None:
            return "alter type, bit varying(n) to bit varying"
        if before is not None and after >= before:
            return "alter type, longer bit varying"
        return rewrite(indexed)
    if old.name == new.name == "numeric":
        return _numeric(old, new)
    if old.name == new.name and old.name in _TIMES:
        precise = 6 if after is None else after
        if precise >= (6 if before is None else before):
            return "alter type, more precise timestamp"
        return "alter type, less precise timestamp"
    return ""


_TIMES: Final = (_STAMP, _STAMPTZ, "time without time zone", "time with time zone", "interval")


def _numeric(old: Type, new: Type) -> str:
    if not new.args:
        return "alter type, numeric(p, s) to numeric"
    numbers = [*old.args, *new.args]
    if len(numbers) < 4 or not all(number.isdigit() for number in numbers):
        return "alter type, shorter numeric"
    precision, scale, new_precision, new_scale = map(int, numbers)
    if scale != new_scale:
        return "alter type, other scale of numeric"
    if new_precision >= precision:
        return "alter type, longer numeric"
    return "alter type, shorter numeric"


def _limit(type: Type) -> int | None:
    return int(type.args[0]) if type.args and type.args[0].isdigit() else None
