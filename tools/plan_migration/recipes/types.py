"""Types of columns: changed in the catalog where that is enough, else beside the old column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

from ...ddl.model import Column, Name, Table, Type
from ...ddl.postgres.text import default_text, ident, literal, qualified, type_text
from ..context import Context
from ..model import Phase, Query, Step, Undo
from .base import MANUAL, altered, column_key, step
from .fitting import BITS, refused

Cost: TypeAlias = Literal["catalog", "rewrite"]
_REFERENCE: Final = (MANUAL + "sql-altertable.html#SQL-ALTERTABLE-NOTES",)
_PRECISE: Final = frozenset(
    {
        "time without time zone",
        "time with time zone",
        "timestamp without time zone",
        "timestamp with time zone",
        "interval",
    }
)
_STRINGS: Final = frozenset({"text", "character varying"})
_COERCIBLE: Final = frozenset(
    {("cidr", "inet"), ("citext", "text"), ("text", "citext"), ("xml", "text"), ("oid", "regclass")}
)


_CHECKS_INPUT: Final = 16  # the version from which on pg_input_is_valid is there


def cost(old: Type, new: Type) -> Cost:
    """Whether the rows must be written anew (ATColumnChangeRequiresRewrite)."""
    if old.array != new.array:
        return "rewrite"
    if old.name == new.name and old.schema == new.schema:
        return "catalog" if _is_wider(old, new) else "rewrite"
    if old.array:
        return "rewrite"
    if (old.name, new.name) in _COERCIBLE:
        return "catalog"
    if old.name in _STRINGS and new.name in _STRINGS:
        return "catalog" if not new.args else "rewrite"
    return "rewrite"


def _is_wider(old: Type, new: Type) -> bool:
    if old.args == new.args:
        return True
    if old.name in ("character varying", "bit varying"):
        return not new.args or (bool(old.args) and int(new.args[0]) >= int(old.args[0]))
    if old.name == "numeric":
        if not new.args:
            return True
        if not old.args:
            return False
        precision, scale = int(old.args[0]), (*old.args[1:], "0")[0]
        return int(new.args[0]) >= precision and (*new.args[1:], "0")[0] == scale
    if old.name in _PRECISE:
        return not new.args or (bool(old.args) and int(new.args[0]) >= int(old.args[0]))
    return False


_NUMBERS: Final = frozenset(
    {"smallint", "integer", "bigint", "numeric", "real", "double precision"}
)
_TEXTS: Final = frozenset({"text", "character varying", "character", "name", '"char"', "citext"})
_ASSIGNED: Final = (
    _NUMBERS | {"money"},
    _TEXTS,
    frozenset({"date", "timestamp without time zone", "timestamp with time zone"}),
    frozenset({"time without time zone", "time with time zone", "interval"}),
    frozenset({"json", "jsonb"}),
    frozenset({"bit", "bit varying"}),
    frozenset({"inet", "cidr"}),
)
_CAST: Final = frozenset(
    {
        ("integer", "boolean"),
        ("boolean", "integer"),
        ("integer", "bit"),
        ("bigint", "bit"),
        ("bit", "integer"),
        ("bit", "bigint"),
        ("integer", '"char"'),
        ("xml", "text"),
    }
)


def is_total(source: Type, target: Type) -> bool:
    """Whether every value of a type has its like in another one."""
    if source.array or target.array or source.schema or target.schema:
        return False
    if source.name in BITS:
        numbers = BITS[source.name] <= BITS.get(target.name, 0)
        return numbers or (target.name in ("numeric", "text") and not target.args)
    return (target.name == "text" and source.name != "bytea") or (
        {source.name, target.name} == {"timestamp without time zone", "timestamp with time zone"}
        and source.args == target.args
    )


def unfit(table: Table, before: Column, after: Column, ctx: Context) -> tuple[Query, ...]:
    """The query for values that the new type cannot hold; none where each has its like."""
    old, new = before.type, after.type
    if is_total(old, new) or (old.name, new.name) in _CAST:
        return ()
    name, of, kind = ident(before.name), qualified(table.name), type_text(new)
    if ctx.version < _CHECKS_INPUT or not _is_known(new, ctx):
        if condition := refused(name, old, new, ctx.target):
            sql = f"SELECT count(*) FROM {of} WHERE {condition}"
            return (Query(sql, "0", f"{kind} cannot hold their {name}."),)
        sql = f"SELECT DISTINCT {name} FROM {of} LIMIT 1000"
        return (Query(sql, f"values that {kind} can hold"),)
    rounds = old.name in _NUMBERS and new.name in BITS and not (old.array or new.array)
    text = f"round({name}::numeric)::text" if rounds else f"{name}::text"
    sql = f"SELECT count(*) FROM {of} WHERE NOT pg_input_is_valid({text}, {literal(kind)})"
    return (Query(sql, "0", f"{kind} cannot hold their {name}."),)


def _is_known(kind: Type, ctx: Context) -> bool:
    """Whether the type is there before the migration."""
    now = ctx.current
    made = {*now.enums, *now.domains, *now.composites, *now.ranges}
    return not kind.schema or Name(kind.schema, kind.name) in made


def conversion(name: str, old: Type, new: Type) -> str:
    """The expression that makes the new value of the old; empty where assignment does it."""
    if old.name == new.name and old.schema == new.schema and old.array == new.array:
        return ""
    if old.array == new.array:
        if not new.schema and new.name in _TEXTS:
            return ""  # everything can be assigned to text
        if not old.schema and not new.schema:
            if any(old.name in group and new.name in group for group in _ASSIGNED):
                return ""
            if old.name in _TEXTS or (old.name, new.name) in _CAST:
                return f"{ident(name)}::{type_text(new)}"
    if old.name in _TEXTS and not old.schema and not old.array:
        return f"{ident(name)}::{type_text(new)}"
    return f"{ident(name)}::text::{type_text(new)}"


def change_type(table: Table, before: Column, after: Column, ctx: Context) -> Iterator[Step]:
    """Steps for a column whose type or collation is not the same."""
    yield _in_place(table, before, after, ctx)
    if not {before.type.name, after.type.name} <= _NUMBERS | _TEXTS or (
        before.type.name in _TEXTS
    ) != (after.type.name in _TEXTS):
        from .constraints import retied

        yield from retied(table, after.name, ctx)


def _in_place(table: Table, before: Column, after: Column, ctx: Context) -> Step:
    """ALTER COLUMN TYPE; what uses the column is put around it afterwards (`dependents`)."""
    free = cost(before.type, after.type) == "catalog"
    name, of = ident(after.name), qualified(table.name)
    narrower = "catalog" if cost(after.type, before.type) == "catalog" else "rewrite"
    why = (
        "Only the catalog changes: every value that is there is one of the new type as it is."
        if free
        else "Every row is written anew, and its indexes, under ACCESS EXCLUSIVE."
    )
    if ctx.is_small(table.name):
        why = "The table is small: it takes no time."
    viewed = table.name in ctx.viewed
    late = (f"until then {name} holds only what {type_text(before.type)} can",) * viewed
    return step(
        Phase.CONTRACT if viewed else Phase.EXPAND if free else Phase.MIGRATE,
        f"Type of {name} of {of}",
        altered(table, *_actions(before, after, ctx)),
        why,
        Undo(
            (altered(table, *_actions(after, before, ctx)),),
            "lossless" if narrower == "catalog" else "until",
            "" if narrower == "catalog" else "a value is written that the old type cannot hold",
        ),
        [column_key(table, after.name)],
        drops=(column_key(table, after.name),),
        preflight=() if free else unfit(table, before, after, ctx),
        hazards=late
        if ctx.is_small(table.name)
        else late
        + ("rewrite",) * (not free)
        + (f"the planner knows nothing of {name} until ANALYZE {of} ({name})",),
        references=_REFERENCE,
    )


def _actions(before: Column, after: Column, ctx: Context) -> Iterator[str]:
    alter = f"ALTER COLUMN {ident(after.name)}"
    if before.default is not None:
        yield f"{alter} DROP DEFAULT"
    collation = ""
    if after.collation:
        collation = f" COLLATE {ctx.writes_target.tables.collation(after.collation)}"
    using = conversion(after.name, before.type, after.type)
    yield f"{alter} TYPE {type_text(after.type)}{collation}" + (f" USING {using}" if using else "")
    if after.default is not None:
        yield f"{alter} SET DEFAULT {default_text(after.default)}"
