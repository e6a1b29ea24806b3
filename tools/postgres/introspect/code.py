"""What runs: functions, and the triggers, rules and policies of relations."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from ...ddl.model import Argument, Function, Name, Opaque, Policy, Sql, Trigger
from .catalog import RELATION, USER_SCHEMA, Catalog, options, own, sql
from .constraints import deferrable


def functions(catalog: Catalog) -> dict[int, Function]:
    """Functions and procedures, by oid."""
    return {row.oid: _function(catalog, row) for row in catalog.rows(_FUNCTIONS)}


def _function(catalog: Catalog, row: Any) -> Function:
    arguments = tuple(_arguments(catalog, row))
    returns = ""
    if any(argument.mode == "table" for argument in arguments):
        returns = "TABLE"
    elif row.prokind != "p":
        returns = "SETOF " * row.proretset + str(catalog.type(row.prorettype))
    default_cost = 1.0 if row.lanname in ("c", "internal") else 100.0
    default_rows = 1000.0 if row.proretset else 0.0
    return Function(
        Name(row.nspname, row.proname),
        arguments,
        returns,
        kind="procedure" if row.prokind == "p" else "function",
        language=row.lanname,
        body="" if row.sql_body is not None else row.prosrc,
        sql_body=sql(row.sql_body),
        volatility=_VOLATILITY[row.provolatile],
        strict=row.proisstrict,
        security_definer=row.prosecdef,
        leakproof=row.proleakproof,
        window=row.prokind == "w",
        parallel=_PARALLEL[row.proparallel],
        cost=None if row.procost == default_cost else row.procost,
        rows=None if row.prorows == default_rows else row.prorows,
        settings=options(row.proconfig),
        comment=catalog.comment("pg_proc", row.oid),
        owner=row.owner,
    )


def _arguments(catalog: Catalog, row: Any) -> Iterator[Argument]:
    types = row.all_types or row.input_types
    modes = row.proargmodes or ["i"] * len(types)
    names = row.proargnames or [""] * len(types)
    defaults = iter(row.defaults or ())  # one for each input
    for name, type_, mode in zip(names, types, modes, strict=True):
        default = next(defaults, None) if mode in "ibv" else None
        yield Argument(name, catalog.type(type_), _MODES[mode], sql(default))


def triggers(catalog: Catalog) -> dict[int, dict[str, Trigger]]:
    """By their relation's oid and their name."""
    found: dict[int, dict[str, Trigger]] = defaultdict(dict)
    for row in catalog.rows(_TRIGGERS):
        found[row.tgrelid][row.tgname] = Trigger(
            row.tgname,
            _TIMINGS[row.tgtype & 66],
            tuple(event for bit, event in _EVENTS if row.tgtype & bit),
            update_of=catalog.columns(row.tgrelid, row.tgattr),
            per_row=bool(row.tgtype & 1),
            when=_when(row.definition) if row.conditional else None,
            function=Name(row.function_schema, row.function_name),
            arguments=tuple(
                argument.decode() for argument in row.tgargs.split(b"\0")[: row.tgnargs]
            ),
            constraint=row.tgconstraint != 0,
            references=catalog.names.get(row.tgconstrrelid),
            deferrable=deferrable(row.tgdeferrable, row.tginitdeferred),
            old_table=row.tgoldtable or "",
            new_table=row.tgnewtable or "",
            enabled=_ENABLED[row.tgenabled],
            comment=catalog.comment("pg_trigger", row.oid),
        )
    return found


def rules(catalog: Catalog) -> dict[int, dict[str, Opaque]]:
    """By their relation's oid and their name."""
    found: dict[int, dict[str, Opaque]] = defaultdict(dict)
    for row in catalog.rows(_RULES):
        found[row.ev_class][row.rulename] = Opaque(
            "rule", row.rulename, row.definition, catalog.comment("pg_rewrite", row.oid)
        )
    return found


def policies(catalog: Catalog) -> dict[int, dict[str, Policy]]:
    """By their table's oid and their name."""
    found: dict[int, dict[str, Policy]] = defaultdict(dict)
    for row in catalog.rows(_POLICIES):
        found[row.polrelid][row.polname] = Policy(
            row.polname,
            _COMMANDS[row.polcmd],
            row.polpermissive,
            tuple(row.roles),
            sql(row.using),
            sql(row.check),
            catalog.comment("pg_policy", row.oid),
        )
    return found


_WHEN = re.compile(r" FOR EACH (?:ROW|STATEMENT) WHEN \((.*)\) EXECUTE FUNCTION ", re.DOTALL)


def _when(definition: str) -> Sql | None:
    """The condition of a trigger. Nothing but the whole definition prints one."""
    match = _WHEN.search(definition)
    return Sql(match[1]) if match else None


_ENABLED: dict[str, Any] = {"O": "origin", "D": "disabled", "R": "replica", "A": "always"}
_MODES = {"i": "in", "o": "out", "b": "inout", "v": "variadic", "t": "table"}
_VOLATILITY: dict[str, Any] = {"v": "volatile", "s": "stable", "i": "immutable"}
_PARALLEL: dict[str, Any] = {"u": "unsafe", "r": "restricted", "s": "safe"}
_TIMINGS = {0: "after", 2: "before", 64: "instead of"}
_EVENTS = ((8, "delete"), (4, "insert"), (32, "truncate"), (16, "update"))
_COMMANDS = {"*": "all", "r": "select", "a": "insert", "w": "update", "d": "delete"}

# A range type brings its constructors, which depend on it internally.
_FUNCTIONS = f"""
SELECT p.oid, n.nspname, p.proname, p.prokind, l.lanname, p.prosrc, p.provolatile, p.proisstrict,
    p.prosecdef, p.proleakproof, p.proparallel, p.procost, p.prorows, p.proconfig, p.proretset,
    p.prorettype, p.proargnames, p.proargmodes::text[] AS proargmodes,
    p.proallargtypes AS all_types, p.proargtypes::oid[] AS input_types,
    pg_get_function_sqlbody(p.oid) AS sql_body, pg_get_userbyid(p.proowner) AS owner,
    CASE WHEN p.pronargdefaults > 0 THEN ARRAY(
        SELECT pg_get_function_arg_default(p.oid, i::int)
        FROM unnest(coalesce(p.proargmodes::text[], array_fill('i'::text, ARRAY[p.pronargs::int])))
            WITH ORDINALITY u(mode, i)
        WHERE mode IN ('i', 'b', 'v') ORDER BY i
    ) END AS defaults
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
WHERE p.prokind IN ('f', 'p', 'w') AND {USER_SCHEMA} AND {own("p", "pg_proc", "ei")}
ORDER BY p.oid
"""

# A trigger of a partitioned table has a copy on each partition.
_TRIGGERS = f"""
WITH {RELATION}
SELECT t.oid, t.tgrelid, t.tgname, t.tgtype, t.tgattr::int2[] AS tgattr, t.tgnargs, t.tgargs,
    t.tgconstraint, t.tgconstrrelid, t.tgdeferrable, t.tginitdeferred, t.tgoldtable, t.tgnewtable,
    t.tgenabled, t.tgqual IS NOT NULL AS conditional,
    CASE WHEN t.tgqual IS NOT NULL THEN pg_get_triggerdef(t.oid) END AS definition,
    p.proname AS function_name, n.nspname AS function_schema
FROM pg_trigger t
JOIN relation c ON c.oid = t.tgrelid
JOIN pg_proc p ON p.oid = t.tgfoid
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND {own("t", "pg_trigger")}
ORDER BY t.oid
"""

_RULES = f"""
WITH {RELATION}
SELECT r.oid, r.ev_class, r.rulename, pg_get_ruledef(r.oid) AS definition
FROM pg_rewrite r JOIN relation c ON c.oid = r.ev_class
WHERE r.rulename <> '_RETURN' ORDER BY r.oid
"""

_POLICIES = f"""
WITH {RELATION}
SELECT p.oid, p.polrelid, p.polname, p.polcmd, p.polpermissive,
    ARRAY(
        SELECT coalesce(r.rolname, 'public')
        FROM unnest(p.polroles) WITH ORDINALITY u(oid, i) LEFT JOIN pg_roles r USING (oid)
        ORDER BY i
    ) AS roles,
    pg_get_expr(p.polqual, p.polrelid) AS using,
    pg_get_expr(p.polwithcheck, p.polrelid) AS check
FROM pg_policy p JOIN relation c ON c.oid = p.polrelid ORDER BY p.oid
"""
