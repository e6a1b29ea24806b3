"""Columns under another name: in their table, in what uses them there, in the table's children."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pg

from ..model import (
    Check,
    Column,
    Exclusion,
    Grant,
    Index,
    IndexPart,
    Key,
    Name,
    Policy,
    Sql,
    Trigger,
    View,
)
from . import tree
from .indexes import part_names
from .rewrite import column_change, rekeyed, rename_in_views, rewritten
from .state import Draft, State, Unsupported


def rename_column(state: State, node: pg.RenameStmt) -> None:
    """ALTER TABLE … RENAME COLUMN, also of a view."""
    name = state.existing(node.relation)
    if name in state.views:
        _rename_view_column(state, state.views[name], node.subname, node.newname)
        return
    if name not in state.tables and node.missing_ok:
        return
    draft = state.draft(node.relation)
    if node.subname not in draft.columns:
        raise Unsupported(f"column {node.subname} of {draft.name} is not known")
    if node.newname in draft.columns:
        raise Unsupported(f"column {node.newname} of {draft.name} exists already")
    _rename_in_table(state, draft, node.subname, node.newname)


def _rename_view_column(state: State, view: View, old: str, new: str) -> None:
    parsed = tree.parse_query(view.query)
    targets = parsed.stmts[0].stmt.select_stmt.target_list
    names = [target.res_target.name or _own_name(target.res_target.val) for target in targets]
    names[: len(view.columns)] = view.columns
    users = [other for other in state.views.values() if view.name.name in other.query]
    if names.count(old) != 1 or "" in names or users:
        raise Unsupported(f"how renaming column {old} of view {view.name} shows is not known")
    columns = tuple(new if name == old else name for name in names)
    defaults = {new if key == old else key: text for key, text in view.column_defaults.items()}
    comments = {new if key == old else key: text for key, text in view.column_comments.items()}
    state.views[view.name] = replace(
        view, columns=columns, column_defaults=defaults, column_comments=comments
    )


def _own_name(node: pg.Node) -> str:
    """The name of an output column that is a plain column; empty for all else."""
    last = node.column_ref.fields[-1:]
    return last[0].string.sval if last else ""


def _rename_in_table(state: State, draft: Draft, old: str, new: str) -> None:
    """Rename a column in its table, in what uses it there, and in the table's children."""
    _remember_index_columns(state, draft)
    renamed = _Renamed(old, new, column_change(state, draft.name, old, new))
    columns = map(renamed.column, draft.columns.values())
    draft.columns = {column.name: column for column in columns}
    draft.keys = {name: renamed.key(key) for name, key in draft.keys.items()}
    draft.indexes = {name: renamed.index(index) for name, index in draft.indexes.items()}
    draft.checks = {name: renamed.check(check) for name, check in draft.checks.items()}
    draft.exclusions = {name: renamed.exclusion(item) for name, item in draft.exclusions.items()}
    draft.policies = {name: renamed.policy(item) for name, item in draft.policies.items()}
    draft.triggers = {name: renamed.trigger(item) for name, item in draft.triggers.items()}
    if by := draft.table.partition_by:
        parts = tuple(map(renamed.part, by.parts))
        draft.table = replace(draft.table, partition_by=replace(by, parts=parts))
    _rename_in_foreign_keys(state, draft, renamed.names)
    for sequence in list(state.sequences.values()):
        if sequence.owned_by == (draft.name, old):
            state.put_sequence(replace(sequence, owned_by=(draft.name, new)))
    rename_in_views(state, draft.name, old, new)
    state.grants = {
        renamed.grant(grant)
        if grant.kind == "table" and grant.object == ".".join(draft.name)
        else grant: at
        for grant, at in state.grants.items()
    }
    for child in state.children_of(draft.name):
        if old in child.columns and new not in child.columns:
            _rename_in_table(state, child, old, new)


def _remember_index_columns(state: State, draft: Draft) -> None:
    """The columns of an index keep their names, and copies of the index are named after them."""
    for key in draft.keys.values():
        full = Name(draft.name.schema, key.name)
        state.index_columns.setdefault(full, (*key.columns, *key.include))
    for index in draft.indexes.values():
        full = Name(draft.name.schema, index.name)
        columns = (*part_names(index.parts), *index.include)
        state.index_columns.setdefault(full, columns)


@dataclass(frozen=True, slots=True)
class _Renamed:
    """The parts of a table after one of its columns got another name."""

    old: str
    new: str
    change: Callable[[Message], bool]

    def names(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self.new if column == self.old else column for column in columns)

    def expression(self, expression: Sql) -> Sql:
        return rewritten(expression, self.change) or expression

    def column(self, column: Column) -> Column:
        generated = column.generated
        if generated and self.old in generated.expression:
            generated = replace(generated, expression=self.expression(generated.expression))
        (name,) = self.names((column.name,))
        return replace(column, name=name, generated=generated)

    def part(self, part: IndexPart) -> IndexPart:
        if part.is_column:
            return replace(part, expression=Sql(self.names((str(part.expression),))[0]))
        return replace(part, expression=self.expression(part.expression))

    def key(self, key: Key) -> Key:
        return replace(key, columns=self.names(key.columns), include=self.names(key.include))

    def index(self, index: Index) -> Index:
        return replace(
            index,
            parts=tuple(map(self.part, index.parts)),
            include=self.names(index.include),
            where=rewritten(index.where, self.change),
        )

    def check(self, check: Check) -> Check:
        return replace(check, expression=self.expression(check.expression))

    def exclusion(self, exclusion: Exclusion) -> Exclusion:
        return replace(
            exclusion,
            parts=tuple(map(self.part, exclusion.parts)),
            include=self.names(exclusion.include),
            where=rewritten(exclusion.where, self.change),
        )

    def policy(self, policy: Policy) -> Policy:
        using = rewritten(policy.using, self.change)
        return replace(policy, using=using, check=rewritten(policy.check, self.change))

    def trigger(self, trigger: Trigger) -> Trigger:
        when = rewritten(trigger.when, self.change)
        return replace(trigger, update_of=self.names(trigger.update_of), when=when)

    def grant(self, grant: Grant) -> Grant:
        return grant._replace(columns=self.names(grant.columns))


def _rename_in_foreign_keys(
    state: State, draft: Draft, names: Callable[[tuple[str, ...]], tuple[str, ...]]
) -> None:
    for name, own in list(draft.foreign_keys.items()):
        columns = names(own.columns)
        deleted = names(own.on_delete_columns)
        draft.foreign_keys[name] = replace(own, columns=columns, on_delete_columns=deleted)
    for referrer in state.referrers.get(draft.name, ()):
        other = state.tables.get(referrer)
        for name, theirs in list(other.foreign_keys.items()) if other else ():
            if other and theirs.table == draft.name:
                referenced = names(theirs.referenced)
                other.foreign_keys[name] = replace(theirs, referenced=referenced)


def rename_attribute(state: State, node: pg.RenameStmt) -> None:
    """ALTER TYPE … RENAME ATTRIBUTE."""
    name = state.existing(node.relation)
    composite = state.composites.get(name)
    if composite is None or node.subname not in composite.attributes:
        raise Unsupported(f"attribute {node.subname} of {name} is not known")
    old = composite.attributes[node.subname]
    attributes = rekeyed(
        dict(composite.attributes), old.name, node.newname, replace(old, name=node.newname)
    )
    state.put_composite(replace(composite, attributes=attributes))
    for draft in list(state.tables.values()):
        if draft.table.of_type == name and old.name in draft.columns:
            _rename_in_table(state, draft, old.name, node.newname)
