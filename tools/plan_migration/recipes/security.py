"""Who may do what: policies, row-level security, grants. Nothing is open for a moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ...ddl.diff import Change, Head, dotted
from ...ddl.model import Grant, Name, Policy, Schema, Table
from ...ddl.postgres.emit import role_text
from ...ddl.postgres.text import ident, parenthesised, qualified
from ..context import Context
from ..model import Phase, Query, Step
from .base import COVERED, EVERY, MANUAL, ObjectKey, Recipe, altered, dropping, step
from .written import drop_part, grant, granted_function, revoke, whole_policy

_AUTHZ: Final = ("authz",)
_HIDES: Final = "without a policy every row is hidden from all roles but the owner"
_PAGES: Final = (MANUAL + "ddl-rowsecurity.html",)


def policy(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for a row-level security policy."""
    table = ctx.names[change.object[1]]
    before: Policy | None = change.before
    after: Policy | None = change.after
    if change.fields == ("comment",):
        yield COVERED
    elif before is None and after is not None:
        yield step(
            Phase.EXPAND,
            f"Create policy {ident(after.name)} on {qualified(table)}",
            whole_policy(table, after),
            _effect(after, "shows"),
            drop_part("policy", after.name, table),
            [change.object],
            hazards=() if ctx.is_new(table) else _AUTHZ,
            references=(MANUAL + "sql-createpolicy.html", *_PAGES),
        )
    elif after is None and before is not None:
        yield dropping(
            Phase.CONTRACT,
            f"Drop policy {ident(before.name)} on {qualified(table)}",
            drop_part("policy", before.name, table),
            _effect(before, "showed"),
            undo=whole_policy(table, before),
            objects=[change.object],
            hazards=_AUTHZ,
            references=(MANUAL + "sql-droppolicy.html", *_PAGES),
        )
    elif before is not None and after is not None:
        yield _changed(before, after, change, table)


def _effect(of: Policy, verb: str) -> str:
    if of.permissive:
        return (
            f"AUTHZ: it {verb} rows to {', '.join(map(role_text, of.roles))} that no other policy"
            " does; where row-level security is on, that holds at once."
        )
    return f"AUTHZ: it is restrictive; what it {verb} every other policy must show, too."


def _changed(before: Policy, after: Policy, change: Change, table: Name) -> Step:
    forth, back = _to(before, after, table), _to(after, before, table)
    return step(
        Phase.EXPAND,
        f"Change policy {ident(after.name)} on {qualified(table)}",
        forth,
        "AUTHZ: in one transaction, so at every moment the old one or the new one holds. If old"
        " code needs rows that the new one hides, keep both until it is gone.",
        back,
        [change.object],
        hazards=_AUTHZ,
        references=(MANUAL + "sql-alterpolicy.html", *_PAGES),
    )


def _to(before: Policy, after: Policy, table: Name) -> list[str]:
    """ALTER POLICY; it can neither change the command nor take an expression away."""
    loses = any(
        old is not None and new is None
        for old, new in ((before.using, after.using), (before.check, after.check))
    )
    if loses or (before.command, before.permissive) != (after.command, after.permissive):
        return [drop_part("policy", after.name, table), *whole_policy(table, after)]
    words = [f"ALTER POLICY {ident(after.name)} ON {qualified(table)}"]
    if before.roles != after.roles:
        words.append(f"TO {', '.join(map(role_text, after.roles))}")
    if after.using is not None and before.using != after.using:
        words.append(f"USING {parenthesised(after.using)}")
    if after.check is not None and before.check != after.check:
        words.append(f"WITH CHECK {parenthesised(after.check)}")
    return [" ".join(words)]


def row_security(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for the switches of a table: policies come before them, and go after them."""
    if change.object[0] != "table" or change.kind != "changed":
        return
    before, after = _table(change.before), _table(change.after)
    if "row_security" in change.fields:
        yield _switched(before, after, change, ctx)
    if "force_row_security" in change.fields:
        yield _forced(before, after, change)


def _table(head: Head) -> Table:
    assert isinstance(head.own, Table)
    return head.own


def _switched(before: Table, after: Table, change: Change, ctx: Context) -> Step:
    target = ctx.target.tables[after.name]
    new = [("policy", dotted(after.name), name) for name in target.policies]
    keys: list[ObjectKey] = [key for key in new if key in ctx.changed] if after.row_security else []
    enabled = altered(after, "ENABLE ROW LEVEL SECURITY")
    disabled = altered(after, "DISABLE ROW LEVEL SECURITY")
    on, off = (
        "AUTHZ: after the policies, or every row would be hidden. Roles other than the owner see"
        " what policies show: every instance must set what they read.",
        "AUTHZ: before the policies go, or every row would be hidden; from now on every role sees"
        " what it has been granted.",
    )
    return step(
        Phase.MIGRATE,
        f"{'Enable' if after.row_security else 'Disable'} row-level security on"
        f" {qualified(after.name)}",
        enabled if after.row_security else disabled,
        on if after.row_security else off,
        disabled if after.row_security else enabled,
        [*keys, change.object],
        verify=(_flag(after.name, "relrowsecurity", after.row_security),),
        hazards=_AUTHZ if target.policies or not after.row_security else (*_AUTHZ, _HIDES),
        references=_PAGES,
    )


def _forced(before: Table, after: Table, change: Change) -> Step:
    words = "FORCE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY"
    forth, back = words if after.force_row_security else reversed(words)
    return step(
        Phase.MIGRATE,
        f"Row-level security on {qualified(after.name)}, its owner",
        altered(after, forth),
        "AUTHZ: whether policies hold for the table's owner, too.",
        altered(before, back),
        [change.object],
        verify=(_flag(after.name, "relforcerowsecurity", after.force_row_security),),
        hazards=_AUTHZ,
        references=_PAGES,
    )


def _flag(table: Name, column: str, value: bool) -> Query:
    name = qualified(table).replace("'", "''")
    sql = f"SELECT {column} FROM pg_class WHERE oid = '{name}'::regclass"
    return Query(sql, "t" if value else "f")


# Privileges


def privilege(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for a privilege: one for all that one role has on one object."""
    entry: Grant = change.after or change.before
    if not _exists(entry, ctx.target if change.kind != "removed" else ctx.current):
        yield COVERED
        return
    if change.kind == "removed" and not _exists(entry, ctx.target):
        yield COVERED  # goes with its object
        return
    together = [other for other in ctx.changes if _alike(other, change)]
    if together[0] is not change:
        yield COVERED
        return
    yield _given(together, ctx) if _gives(change) else _taken(together, ctx)


def _gives(change: Change) -> bool:
    """Whether somebody may do more afterwards. To take from everybody is an entry of its own."""
    if change.kind == "changed":
        return bool(change.after.grantable)
    return (change.kind == "added") is (change.object[0] == "grant")


def _alike(one: Change, other: Change) -> bool:
    """Whether one statement can say both: the same role and object."""
    return (
        one.object[0] == other.object[0]
        and one.object[0] in ("grant", "revoked")
        and one.object[1:4] == other.object[1:4]
        and one.kind == other.kind
        and _gives(one) == _gives(other)
        and (one.after or one.before).columns == (other.after or other.before).columns
        and (one.after or one.before).grantable == (other.after or other.before).grantable
    )


def _given(together: Sequence[Change], ctx: Context) -> Step:
    entries: list[Grant] = [c.after or c.before for c in together]
    sql = _grants(entries, ctx.target)
    if together[0].kind == "changed":
        back = _revokes(entries, ctx.target, option_only=True)
    else:
        back = [*_revokes(entries, ctx.target), *_on_columns(entries, ctx.current)]
    return step(
        Phase.EXPAND,
        f"Grant on {entries[0].object} to {role_text(entries[0].grantee)}",
        sql,
        "AUTHZ: the role may do more from now on.",
        back,
        [c.object for c in together],
        hazards=_of(entries[0], ctx),
        references=(MANUAL + "sql-grant.html",),
    )


def _taken(together: Sequence[Change], ctx: Context) -> Step:
    option_only = together[0].kind == "changed"
    entries: list[Grant] = [c.before or c.after for c in together]
    kept = [] if option_only else _on_columns(entries, ctx.target)
    made = step if option_only or together[0].kind == "added" else dropping
    kept = [] if option_only else _of_columns(entries, ctx.target)
    return made(
        Phase.CONTRACT,
        f"Revoke on {entries[0].object} from {role_text(entries[0].grantee)}",
        [*_revokes(entries, ctx.target, option_only), *kept],
        "AUTHZ: the role may do less from now on: only once no instance needs it. Privileges that"
        " the role passed on must be revoked first.",
        undo=_grants(entries, ctx.current),
        objects=[c.object for c in together],
        hazards=_of(entries[0], ctx),
        references=(MANUAL + "sql-revoke.html",),
    )


def _of_columns(taken: Sequence[Grant], schema: Schema) -> list[str]:
    """What a role keeps on columns: it goes when the same is revoked on their table."""
    known = {(e.kind, e.object, e.grantee, e.privilege) for e in taken if not e.columns}
    return [
        grant(entry, schema)
        for entry in schema.grants
        if entry.columns and (entry.kind, entry.object, entry.grantee, entry.privilege) in known
    ]


def _grants(entries: Sequence[Grant], schema: Schema) -> list[str]:
    return [grant(_joined(entries), schema)]


def _revokes(entries: Sequence[Grant], schema: Schema, option_only: bool = False) -> list[str]:
    return [revoke(_joined(entries), schema, option_only)]


def _on_columns(entries: Sequence[Grant], schema: Schema) -> list[str]:
    """What a REVOKE on a whole table takes from its columns, too, and is to stay."""
    first = entries[0]
    if first.columns:
        return []
    taken = {entry.privilege for entry in entries}
    of = first.kind, first.object, first.grantee
    return [
        grant(each, schema)
        for each in schema.grants
        if each.columns and each.privilege in taken and (each.kind, each.object, each.grantee) == of
    ]


def _joined(entries: Sequence[Grant]) -> Grant:
    """Several privileges as one entry; a column list stands behind each."""
    first = entries[0]
    on = f" ({', '.join(map(ident, first.columns))})" if first.columns else ""
    text = f"{on}, ".join(entry.privilege for entry in entries)
    return first._replace(privilege=text)


def _of(entry: Grant, ctx: Context) -> tuple[str, ...]:
    """Nobody uses what is new."""
    return _AUTHZ if _exists(entry, ctx.current) else ()


def _exists(entry: Grant, schema: Schema) -> bool:
    if entry.kind in ("function", "procedure"):
        return any(granted_function(f) == entry.object for f in schema.functions.values())
    if entry.kind == "schema":
        return entry.object in schema.namespaces or entry.object == "public"
    if entry.kind in ("table", "sequence", "type"):
        return any(
            entry.object in (".".join(name), dotted(name))
            for group in (
                schema.tables,
                schema.views,
                schema.sequences,
                schema.enums,
                schema.domains,
                schema.composites,
                schema.ranges,
            )
            for name in group
        ) or entry.kind in ("sequence", "type")
    return True


RECIPES: dict[str, Recipe] = {
    "policy": policy,
    "grant": privilege,
    "revoked": privilege,
    EVERY: row_security,
}
