"""Objects that are taken down and put up again, as all the statements that make them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ...ddl.diff import dotted
from ...ddl.model import (
    Function,
    Grant,
    Index,
    Name,
    Opaque,
    Policy,
    Schema,
    Table,
    Trigger,
    View,
)
from ...ddl.postgres.emit import (
    GRANT_KINDS,
    Emitter,
    as_written,
    create_policy,
    create_trigger,
    create_view,
    grant_targets,
    role_text,
    signature,
)
from ...ddl.postgres.text import ident, idents, literal, qualified
from ..context import Context
from .base import ObjectKey

_CONSTRAINTS: Final = frozenset({"key", "foreign key", "check", "exclusion"})
_TYPES: Final = frozenset({"enum", "composite", "range"})


def drop_view(view: View) -> str:
    """DROP VIEW or MATERIALIZED VIEW."""
    return f"DROP {_view_kind(view)} {qualified(view.name)}"


def _view_kind(view: View) -> str:
    return "MATERIALIZED VIEW" if view.materialized else "VIEW"


def whole_view(view: View, schema: Schema, emitter: Emitter) -> list[str]:
    """A view with its indexes, triggers, rules, comments and grants."""
    return [
        *create_view(view),
        *(emitter.tables.index(view.name, index) for index in view.indexes.values()),
        *view_parts(view, schema),
    ]


def view_parts(view: View, schema: Schema) -> Iterator[str]:
    """What a view has that is neither query nor index."""
    name = qualified(view.name)
    for trigger in view.triggers.values():
        yield from create_trigger(view.name, trigger)
    for rule in view.rules.values():
        yield from as_written(rule)
    yield from said(f"{_view_kind(view)} {name}", view.comment)
    for column, comment in view.column_comments.items():
        yield from said(f"COLUMN {name}.{ident(column)}", comment)
    indexes: Mapping[str, Index] = view.indexes
    for index in indexes.values():
        yield from said(f"INDEX {qualified(Name(view.name.schema, index.name))}", index.comment)
    for trigger in view.triggers.values():
        yield from said(f"TRIGGER {ident(trigger.name)} ON {name}", trigger.comment)
    for rule in view.rules.values():
        yield from said(f"RULE {ident(rule.name)} ON {name}", rule.comment)
    yield from grants_on(schema, "table", dotted(view.name))


def whole_function(function: Function, schema: Schema, emitter: Emitter) -> list[str]:
    """A function with its comment and grants."""
    return [
        emitter.function(function),
        *said(f"{function.kind.upper()} {signature(function)}", function.comment),
        *grants_on(schema, "function", granted_function(function)),
    ]


def granted_function(function: Function) -> str:
    """A function as `Grant.object` has it."""
    words = {"out": "OUT ", "inout": "INOUT ", "variadic": "VARIADIC "}
    arguments = ", ".join(
        f"{words.get(each.mode, '')}{each.name and each.name + ' '}{each.type}"
        for each in function.arguments
        if each.mode != "table"
    )
    return f"{'.'.join(function.name)}({arguments})"


def whole_trigger(table: Name, trigger: Trigger) -> list[str]:
    """A trigger with its comment."""
    target = f"TRIGGER {ident(trigger.name)} ON {qualified(table)}"
    return [*create_trigger(table, trigger), *said(target, trigger.comment)]


def whole_policy(table: Name, policy: Policy) -> list[str]:
    """A policy with its comment."""
    target = f"POLICY {ident(policy.name)} ON {qualified(table)}"
    return [create_policy(table, policy), *said(target, policy.comment)]


def drop_part(kind: str, name: str, table: Name) -> str:
    """DROP TRIGGER, POLICY or RULE."""
    return f"DROP {kind.upper()} {ident(name)} ON {qualified(table)}"


def said(target: str, comment: str) -> Iterator[str]:
    """COMMENT ON, when there is something to say."""
    if comment:
        yield f"COMMENT ON {target} IS {literal(comment)}"


def commented(key: ObjectKey, item: Any, ctx: Context) -> list[str]:
    """The comment of an object that is made anew."""
    return [*said(comment_target(key, item, ctx), item.comment)]


def grants_on(schema: Schema, kind: str, name: str) -> list[str]:
    """All that is granted on an object, and taken from everybody."""
    given = [g for g in schema.grants if g.object == name and g.kind == kind]
    taken = [g for g in schema.revoked if g.object == name and g.kind == kind]
    return [*(revoke(g, schema) for g in taken), *(grant(g, schema) for g in given)]


def grant(entry: Grant, schema: Schema) -> str:
    """GRANT of one privilege."""
    return f"GRANT {_privilege(entry, schema)} TO {role_text(entry.grantee)}" + (
        " WITH GRANT OPTION" if entry.grantable else ""
    )


def revoke(entry: Grant, schema: Schema, option_only: bool = False) -> str:
    """REVOKE of one privilege, or of the right to pass it on."""
    words = "GRANT OPTION FOR " if option_only else ""
    return f"REVOKE {words}{_privilege(entry, schema)} FROM {role_text(entry.grantee)}"


def _privilege(entry: Grant, schema: Schema) -> str:
    on = f" ({idents(entry.columns)})" if entry.columns else ""
    sort = GRANT_KINDS.get(entry.kind, entry.kind.upper())
    target = grant_targets(_only(schema, entry))(entry.kind, entry.object)
    return f"{entry.privilege.upper()}{on} ON {sort} {target}"


def _only(schema: Schema, entry: Grant) -> Schema:
    """A schema with the function that a grant is about, for a short search."""
    head = entry.object.partition("(")[0]
    found = {
        granted_function(f): f
        for f in schema.functions.values()
        if entry.kind == "function" and ".".join(f.name) == head
    }
    return Schema(schema.dialect, functions=found)


def comment_target(key: ObjectKey, item: Any, ctx: Context) -> str:
    """How COMMENT ON names an object of a key (`ddl.diff`)."""
    kind = key[0]
    if kind in ("schema", "extension"):
        return f"{kind.upper()} {ident(key[1])}"
    if kind == "function":
        return f"{item.kind.upper()} {signature(item)}"
    if kind == "opaque":
        return f"{key[1].upper()} {key[2]}"
    name = ctx.names[key[1]]
    if kind in _TYPES:
        return f"TYPE {qualified(name)}"
    if kind == "view":
        return f"{_view_kind(item)} {qualified(name)}"
    if kind == "table":
        foreign = "FOREIGN " if item.foreign else ""
        return f"{foreign}TABLE {qualified(name)}"
    if kind in ("domain", "sequence"):
        return f"{kind.upper()} {qualified(name)}"
    if kind in ("column", "attribute"):
        return f"COLUMN {qualified(name)}.{ident(key[2])}"
    if kind == "index":
        return f"INDEX {qualified(Name(name.schema, key[2]))}"
    on = "DOMAIN " if name in ctx.target.domains or name in ctx.current.domains else ""
    word = "CONSTRAINT" if kind in _CONSTRAINTS else kind.upper()
    return f"{word} {ident(key[2])} ON {on}{qualified(name)}"


def drop_function(function: Function) -> str:
    """DROP FUNCTION or PROCEDURE."""
    return f"DROP {function.kind.upper()} {signature(function)}"


def drop_opaque(item: Opaque) -> str:
    """DROP of an object that is kept as written; names are `pg_identify_object`'s."""
    kind, name = item.kind.upper(), item.name
    if item.kind == "transform":
        name = name.replace(" language ", " LANGUAGE ", 1).replace("for", "FOR", 1)
    elif item.kind == "user mapping":
        role, _, server = name.partition(" on server ")
        kind, name = "USER MAPPING", f"FOR {role_text(role)} SERVER {server}"
    return f"DROP {kind} {name}"


def table_of(key: ObjectKey, ctx: Context, schema: Schema) -> Table | View | None:
    """The table or view that a key's object belongs to."""
    name = ctx.names.get(key[1])
    if name is None:
        return None
    return schema.tables.get(name) or schema.views.get(name)
