"""What stands around the relations: schemas, extensions, objects kept as written, comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ...ddl.diff import Change, Head
from ...ddl.model import Extension, Namespace, Opaque, View
from ...ddl.postgres.emit import as_written, create_extension
from ...ddl.postgres.text import ident, literal, qualified
from ..context import Context
from ..model import Phase, Query, Step, Undo
from .base import COVERED, EVERY, MANUAL, ObjectKey, Recipe, dropping, step
from .written import comment_target, drop_opaque

_BUILT_IN: Final = "public"


def namespace(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for a schema: made first, dropped last."""
    before: Namespace | None = change.before
    after: Namespace | None = change.after
    name = change.object[1]
    if before is None and after is not None:
        exists = "IF NOT EXISTS " if name == _BUILT_IN else ""
        yield step(
            Phase.EXPAND,
            f"Create schema {ident(name)}",
            f"CREATE SCHEMA {exists}{ident(name)}",
            "Nothing is in it yet.",
            f"DROP SCHEMA {ident(name)}",
            [change.object],
            references=(MANUAL + "sql-createschema.html",),
        )
    elif after is None and name == _BUILT_IN:
        yield COVERED  # PostgreSQL's own; not to be listed is not to be dropped
    elif after is None:
        yield dropping(
            Phase.CONTRACT,
            f"Drop schema {ident(name)}",
            f"DROP SCHEMA {ident(name)}",
            "Last, and without CASCADE: it fails if anything is left in it.",
            undo=[f"CREATE SCHEMA {ident(name)}"],
            objects=[change.object],
            references=(MANUAL + "sql-dropschema.html",),
        )
    else:
        yield COVERED


def extension(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for an extension; the server must have its files."""
    before: Extension | None = change.before
    after: Extension | None = change.after
    name = change.object[1]
    available = Query(
        f"SELECT default_version FROM pg_available_extensions WHERE name = {literal(name)}",
        "one row",
        "the files must be on the server, and on every standby",
    )
    if before is None and after is not None:
        yield step(
            Phase.EXPAND,
            f"Create extension {ident(name)}",
            create_extension(after),
            "Nothing uses it yet. It may need a superuser, if it is not trusted.",
            f"DROP EXTENSION {ident(name)}",
            [change.object],
            preflight=(available,),
            references=(MANUAL + "sql-createextension.html",),
        )
    elif after is None and before is not None:
        yield dropping(
            Phase.CONTRACT,
            f"Drop extension {ident(name)}",
            f"DROP EXTENSION {ident(name)}",
            "Without CASCADE: it fails if anything still uses it.",
            undo=Undo((create_extension(before),), "until", "it is dropped", "its rows"),
            objects=[change.object],
            references=(MANUAL + "sql-dropextension.html",),
        )
    elif before is not None and after is not None:
        yield from _changed_extension(before, after, change)


def _changed_extension(before: Extension, after: Extension, change: Change) -> Iterator[Step]:
    name = ident(after.name)
    if before.schema != after.schema:
        yield step(
            Phase.MIGRATE,
            f"Move extension {name}",
            f"ALTER EXTENSION {name} SET SCHEMA {ident(after.schema or _BUILT_IN)}",
            "Code that does not qualify its names must have both schemas in its search path.",
            f"ALTER EXTENSION {name} SET SCHEMA {ident(before.schema or _BUILT_IN)}",
            [change.object],
            references=(MANUAL + "sql-alterextension.html",),
        )
    elif "version" in change.fields:
        to = f" TO {literal(after.version)}" if after.version else ""
        yield step(
            Phase.EXPAND,
            f"Update extension {name}",
            f"ALTER EXTENSION {name} UPDATE{to}",
            "Runs the extension's own script; the way back is not always written.",
            Undo((), "no_return", "", "nothing, but the old version cannot be had back in general"),
            [change.object],
            hazards=("extension update",),
            references=(MANUAL + "sql-alterextension.html",),
        )
    else:
        yield COVERED


def opaque(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for an object of a kind that is kept as written: dropped and created."""
    before: Opaque | None = change.before
    after: Opaque | None = change.after
    if change.fields == ("comment",):
        yield COVERED
        return
    kind, name = change.object[1:3]
    title = f"{kind} {name}"
    page = (MANUAL + "sql-commands.html",)
    if _is_part(change, ctx):
        yield COVERED
    elif kind == "default privileges":
        yield _defaults(before, after, change)
    elif after is None and before is not None:
        yield dropping(
            Phase.CONTRACT,
            f"Drop {title}",
            drop_opaque(before),
            "Only once nothing uses it; without CASCADE it fails otherwise.",
            undo=[*as_written(before)],
            objects=[change.object],
            references=page,
        )
    elif after is not None:
        first = [drop_opaque(before)] if before is not None else []
        yield step(
            Phase.EXPAND,
            f"{'Make' if first else 'Create'} {title}{' again' * bool(first)}",
            [*first, *as_written(after)],
            "In one transaction." if first else "Nothing uses it yet.",
            [drop_opaque(after), *(as_written(before) if before is not None else ())],
            [change.object],
            references=page,
        )


def _is_part(change: Change, ctx: Context) -> bool:
    """Whether another object brings it or takes it: an operator class its family."""
    item: Opaque = change.after or change.before
    return not item.sql or (
        item.kind == "operator family"
        and ("opaque", "operator class", item.name) in ctx.changed
        and "FAMILY" not in item.sql.upper().partition("AS")[0]
    )


def _defaults(before: Opaque | None, after: Opaque | None, change: Change) -> Step:
    """ALTER DEFAULT PRIVILEGES holds for what is made afterwards."""
    forth = _reversed(before.sql) if after is None and before is not None else ""
    back = _reversed(after.sql) if after is not None else ""
    sql = [forth] if forth else [*as_written(after)] if after is not None else []
    undo = [back] if back else [*as_written(before)] if before is not None else []
    make = step if after is not None else dropping
    return make(
        Phase.EXPAND if after is not None else Phase.CONTRACT,
        f"Default privileges {change.object[2]}",
        sql,
        "AUTHZ: for objects made from now on; those that are there keep what they have.",
        undo=undo,
        objects=[change.object],
        hazards=("authz",),
        references=(MANUAL + "sql-alterdefaultprivileges.html",),
    )


def _reversed(sql: str) -> str:
    """REVOKE for GRANT and the other way round, which is what takes the entry away."""
    if re.search(r"\bGRANT\b(?!\s+OPTION)", sql, re.I):
        text = re.sub(r"\bGRANT\b(?!\s+OPTION)", "REVOKE", sql, count=1, flags=re.I)
        text = re.sub(r"\s+WITH\s+GRANT\s+OPTION\s*$", "", text, flags=re.I)
        return re.sub(r"\bTO\b(?!.*\bTO\b)", "FROM", text, count=1, flags=re.I | re.S)
    text = re.sub(r"\bREVOKE\b", "GRANT", sql, count=1, flags=re.I)
    return re.sub(r"\bFROM\b(?!.*\bFROM\b)", "TO", text, count=1, flags=re.I | re.S)


# Comments


def comments(change: Change, ctx: Context) -> Iterator[Step]:
    """COMMENT ON what was made or changed, with the parts that have no recipe of their own."""
    found = [*_said(change, ctx)]
    if not found:
        return
    keys = [key for key, *_ in found]
    yield step(
        Phase.EXPAND,
        f"Comment on {' '.join(change.object)}",
        [f"COMMENT ON {target} IS {_text(new)}" for _, target, _, new in found],
        "Only the catalog changes.",
        [f"COMMENT ON {target} IS {_text(old)}" for _, target, old, _ in found]
        if change.kind == "changed"
        else [],
        keys,
        transaction="shared",
        references=(MANUAL + "sql-comment.html",),
    )


def _text(comment: str) -> str:
    return literal(comment) if comment else "NULL"


def _said(change: Change, ctx: Context) -> Iterator[tuple[ObjectKey, str, str, str]]:
    """The key and name of each commented object, with the comment before and after."""
    if change.kind == "removed":
        return
    item = _item(change.after)
    before = _item(change.before) if change.before is not None else None
    old, new = getattr(before, "comment", ""), getattr(item, "comment", "")
    if old != new:
        yield change.object, comment_target(change.object, item, ctx), old, new
    if isinstance(item, View):
        was = before.column_comments if isinstance(before, View) else {}
        for column in {**was, **item.column_comments}:
            texts = was.get(column, ""), item.column_comments.get(column, "")
            if texts[0] != texts[1]:
                target = f"COLUMN {qualified(item.name)}.{ident(column)}"
                yield change.object, target, *texts
    if change.kind == "added":
        yield from _of_parts(change, ctx)


def _item(value: Any) -> Any:
    return value.own if isinstance(value, Head) else value


def _of_parts(change: Change, ctx: Context) -> Iterator[tuple[ObjectKey, str, str, str]]:
    """The comments of a new table's columns and constraints, a new type's attributes."""
    if change.object[0] != "table":
        return
    name = change.object[1]
    table = ctx.tables_after[name]
    for kind, parts in (
        ("column", table.columns),
        ("key", table.keys),
        ("check", table.checks),
        ("exclusion", table.exclusions),
    ):
        for part, value in parts.items():
            if comment := value.comment:
                key = (kind, name, part)
                yield key, comment_target(key, value, ctx), "", comment


RECIPES: dict[str, Recipe] = {
    "schema": namespace,
    "extension": extension,
    "opaque": opaque,
    EVERY: comments,
}
