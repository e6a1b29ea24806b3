"""ALTER TABLE: one function for each form.

https://www.postgresql.org/docs/current/sql-altertable.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from postgast import pg_query_pb2 as pg

from ..model import Check, Column, Exclusion, ForeignKey, Generated, Name, PartitionOf
from . import tree
from .alter_other import alter_composite, alter_index, alter_sequence, alter_view
from .constraints import (
    add_constraints,
    clone_from_parent,
    deferrable,
    inherited_not_null,
    put_check,
    set_not_null,
)
from .dependents import drop_column, drop_constraint
from .nodes import (
    changed_options,
    collation,
    option_text,
    option_value,
    options,
    partition_bound,
    role,
    sequence_options,
)
from .state import Constraint, Draft, State, Unsupported
from .table import (
    add_column,
    compression,
    default_of,
    identity_of,
    inherit_column,
    storage,
)


def alter_table(state: State, node: pg.AlterTableStmt) -> None:
    """ALTER TABLE, and ALTER of what else is a relation: INDEX, SEQUENCE, VIEW, FOREIGN TABLE."""
    name = state.existing(node.relation)
    if name not in state.relations:
        if not node.missing_ok:
            raise Unsupported(f"relation {name} is not known")
        return
    relation = state.relations[name]
    for item in node.cmds:
        command = item.alter_table_cmd
        try:
            if node.objtype == pg.OBJECT_TYPE:
                alter_composite(state, name, command)
            elif relation.kind == "table":
                _Alteration(state, state.tables[name], command, node.relation.inh).run()
            elif relation.kind == "view":
                alter_view(state, name, command)
            elif relation.kind == "index":
                alter_index(state, relation.home, name, command)
            else:
                alter_sequence(state, name, command)
        except Unsupported as error:
            state.unsupported(str(error), node.relation.location)


class _Alteration:
    """One action of an ALTER TABLE. `recurse` is false with ONLY."""

    def __init__(
        self, state: State, draft: Draft, command: pg.AlterTableCmd, recurse: bool
    ) -> None:
        self.state = state
        self.draft = draft
        self.command = command
        self.recurse = recurse

    def run(self) -> None:
        """Do it. Raises `Unsupported`."""
        action = _ACTIONS.get(self.command.subtype)
        if action is None:
            word = pg.AlterTableType.Name(self.command.subtype)
            raise Unsupported(f"ALTER TABLE action {word} is not modelled")
        action(self)

    @property
    def name(self) -> str:
        """What the action is on: a column, a constraint, a trigger, …"""
        return str(self.command.name)

    def column(self) -> Column:
        """The column at hand. Raises `Unsupported`."""
        column = self.draft.columns.get(self.name)
        if column is None:
            raise Unsupported(f"column {self.name} of {self.draft.name} is not known")
        return column

    def tables(self) -> Iterator[Draft]:
        """The table and, unless ONLY, all that inherit from it, each after its parent."""
        todo = [self.draft]
        seen = set()
        while todo:
            draft = todo.pop()
            if draft.name in seen:
                continue
            seen.add(draft.name)
            yield draft
            if self.recurse:
                todo += reversed(self.state.children_of(draft.name))

    def change_column(self, **changes: Any) -> None:
        """Change the column here and in all children."""
        self.column()
        for draft in self.tables():
            if self.name in draft.columns:
                column = replace(draft.columns[self.name], **changes)
                self.state.put_column(draft, column)

    def change_own_column(self, **changes: Any) -> None:
        """Change the column here only."""
        self.state.put_column(self.draft, replace(self.column(), **changes))

    def change_table(self, **changes: Any) -> None:
        """Change what the table is."""
        self.draft.table = replace(self.draft.table, **changes)

    # Columns

    def add_column(self) -> None:
        node = getattr(self.command, "def").column_def
        if node.colname in self.draft.columns and self.command.missing_ok:
            return
        constraints = add_column(self.state, self.draft, node)
        if self.recurse:
            self._add_to_children(self.draft, node.colname)
        add_constraints(self.state, self.draft, constraints, creating=False, recurse=self.recurse)

    def _add_to_children(self, draft: Draft, name: str) -> None:
        for child in self.state.children_of(draft.name):
            if name not in child.columns:
                inherit_column(self.state, draft, child, draft.columns[name])
                self._add_to_children(child, name)

    def drop_column(self) -> None:
        if self.name not in self.draft.columns:
            if not self.command.missing_ok:
                self.column()
            return
        cascade = self.command.behavior == pg.DROP_CASCADE
        drop_column(self.state, self.draft, self.name, cascade=cascade, recurse=self.recurse)

    def column_type(self) -> None:
        node = getattr(self.command, "def").column_def
        kind = self.state.type_of(node.type_name)
        self.change_column(
            type=kind,
            collation=collation(node.coll_clause.collname),
            storage="",
            compression=self.column().compression,
        )

    def column_default(self) -> None:
        node = getattr(self.command, "def")
        given = self.command.HasField("def")
        kind = self.column().type
        self.change_column(default=default_of(self.state, node, kind) if given else None)

    def set_not_null(self) -> None:
        set_not_null(self.state, self.draft, self.name, at=self.state.at())

    def drop_not_null(self) -> None:
        self.change_column(not_null=None)

    def set_expression(self) -> None:
        generated = self.column().generated
        expression = tree.sql(getattr(self.command, "def"))
        stored = generated.stored if generated else True
        self.change_column(generated=Generated(expression, stored))

    def drop_expression(self) -> None:
        self.change_column(generated=None)

    def statistics(self) -> None:
        value = int(option_value(getattr(self.command, "def")) or -1)
        self.change_column(statistics=None if value < 0 else value)

    def column_options(self) -> None:
        column = self.column()
        nodes = getattr(self.command, "def").list.items
        self.change_own_column(options={**column.options, **options(nodes)})

    def reset_column_options(self) -> None:
        gone = options(getattr(self.command, "def").list.items)
        kept = {key: text for key, text in self.column().options.items() if key not in gone}
        self.change_own_column(options=kept)

    def foreign_column_options(self) -> None:
        nodes = getattr(self.command, "def").list.items
        self.change_own_column(options=changed_options(dict(self.column().options), nodes))

    def storage(self) -> None:
        word = getattr(self.command, "def").string.sval
        self.change_column(storage=storage(word, self.column().type))

    def compression(self) -> None:
        self.change_own_column(compression=compression(getattr(self.command, "def").string.sval))

    def add_identity(self) -> None:
        node = getattr(self.command, "def").constraint
        identity = identity_of(self.state, self.draft, self.column(), node)
        self.change_column(identity=identity)

    def set_identity(self) -> None:
        column = self.column()
        identity = column.identity
        if identity is None:
            raise Unsupported(f"column {column.name} of {self.draft.name} is no identity column")
        changes = list(getattr(self.command, "def").list.items)
        for item in changes:
            if item.def_elem.defname == "generated":
                always = option_text(item.def_elem) in ("a", "97")
                identity = replace(identity, always=always)
        rest = [item for item in changes if item.def_elem.defname != "generated"]
        identity = replace(identity, options=sequence_options(rest, identity.options))
        self.change_column(identity=identity)

    def drop_identity(self) -> None:
        if self.column().identity is None and not self.command.missing_ok:
            raise Unsupported(f"column {self.name} of {self.draft.name} is no identity column")
        self.change_column(identity=None)

    # Constraints

    def add_constraint(self) -> None:
        node = getattr(self.command, "def").constraint
        if node.conname and self.draft.has_constraint(node.conname):
            if node.contype == pg.CONSTR_CHECK and self._merged_check(node):
                return
            raise Unsupported(f"constraint {node.conname} of {self.draft.name} exists already")
        add_constraints(self.state, self.draft, [node], creating=False, recurse=self.recurse)

    def _merged_check(self, node: pg.Constraint) -> bool:
        check = self.draft.checks.get(node.conname)
        if check is None or not check.inherited:
            return False
        self.state.put_constraint(self.draft, replace(check, inherited=False))
        return True

    def drop_constraint(self) -> None:
        if not self.draft.has_constraint(self.name):
            if not self.command.missing_ok:
                raise Unsupported(f"constraint {self.name} of {self.draft.name} is not known")
            return
        cascade = self.command.behavior == pg.DROP_CASCADE
        drop_constraint(self.state, self.draft, self.name, cascade=cascade, recurse=self.recurse)

    def constraint(self, draft: Draft) -> Constraint:
        """The constraint at hand, NOT NULL aside. Raises `Unsupported`."""
        found = draft.constraint(self.name)
        if found is None:
            raise Unsupported(f"constraint {self.name} of {draft.name} is not known")
        return found

    def validate_constraint(self) -> None:
        column = self.draft.not_null_column(self.name)
        if column and column.not_null:
            valid = replace(column.not_null, valid=True)
            self.state.put_column(self.draft, replace(column, not_null=valid))
            return
        self.constraint(self.draft)
        for draft in self.tables():
            found = draft.constraint(self.name)
            if isinstance(found, Check | ForeignKey):
                self.state.put_constraint(draft, replace(found, valid=True))

    def alter_constraint(self) -> None:
        node = getattr(self.command, "def").atalter_constraint
        name = node.conname
        column = self.draft.not_null_column(name)
        if column and column.not_null and node.alter_inheritability:
            not_null = replace(column.not_null, no_inherit=node.noinherit)
            self.state.put_column(self.draft, replace(column, not_null=not_null))
            if not node.noinherit:
                set_not_null(self.state, self.draft, column.name)
            return
        for draft in self.tables():
            found = draft.foreign_keys.get(name)
            if found is None:
                continue
            if node.alter_deferrability:
                found = replace(found, deferrable=deferrable(node))
            if node.alter_enforceability:
                found = replace(found, enforced=node.is_enforced, valid=True)
            self.state.put_constraint(draft, found)
        if name not in self.draft.foreign_keys:
            raise Unsupported(f"foreign key {name} of {self.draft.name} is not known")

    # The table as a whole

    def owner(self) -> None:
        self.change_table(owner=role(self.command.newowner))

    def cluster(self) -> None:
        self.change_table(cluster_on=self.name)

    def logged(self) -> None:
        self.set_persistence("permanent")

    def unlogged(self) -> None:
        self.set_persistence("unlogged")

    def set_persistence(self, persistence: Literal["permanent", "unlogged"]) -> None:
        self.change_table(persistence=persistence)
        for sequence in list(self.state.sequences.values()):
            if sequence.owned_by and sequence.owned_by[0] == self.draft.name:
                self.state.put_sequence(replace(sequence, persistence=persistence))

    def access_method(self) -> None:
        self.change_table(access_method="" if self.name == "heap" else self.name)

    def tablespace(self) -> None:
        self.change_table(tablespace="" if self.name == "pg_default" else self.name)

    def set_options(self) -> None:
        given = options(getattr(self.command, "def").list.items)
        self.change_table(options={**self.draft.table.options, **given})

    def reset_options(self) -> None:
        gone = options(getattr(self.command, "def").list.items)
        kept = {key: text for key, text in self.draft.table.options.items() if key not in gone}
        self.change_table(options=kept)

    def foreign_options(self) -> None:
        nodes = getattr(self.command, "def").list.items
        self.change_table(options=changed_options(dict(self.draft.table.options), nodes))

    def replica_identity(self) -> None:
        node = getattr(self.command, "def").replica_identity_stmt
        words = {"d": "default", "f": "full", "n": "nothing"}
        self.change_table(replica_identity=words.get(node.identity_type, node.name))

    def row_security(self) -> None:
        on = self.command.subtype == pg.AT_EnableRowSecurity
        self.change_table(row_security=on)

    def force_row_security(self) -> None:
        on = self.command.subtype == pg.AT_ForceRowSecurity
        self.change_table(force_row_security=on)

    def triggers(self) -> None:
        enabled = _TRIGGER_STATES[self.command.subtype]
        names = [self.name] if self.name else list(self.draft.triggers)
        for name in names:
            trigger = self.draft.triggers.get(name)
            if trigger is None:
                raise Unsupported(f"trigger {name} of {self.draft.name} is not known")
            self.draft.triggers[name] = replace(trigger, enabled=enabled)

    def nothing(self) -> None:
        """An action that leaves no trace in the model."""

    # Inheritance and partitions

    def add_inherit(self) -> None:
        parent = self.state.draft(getattr(self.command, "def").range_var)
        self.change_table(inherits=(*self.draft.table.inherits, parent.name))
        self.state.children.setdefault(parent.name, {})[self.draft.name] = None
        for check in parent.checks.values():
            if not check.no_inherit and check.name not in self.draft.checks:
                put_check(self.state, self.draft, replace(check, inherited=True, comment=""))

    def drop_inherit(self) -> None:
        parent = self.state.existing(getattr(self.command, "def").range_var)
        kept = tuple(name for name in self.draft.table.inherits if name != parent)
        self.change_table(inherits=kept)
        self.state.children.get(parent, {}).pop(self.draft.name, None)
        if not kept:
            _make_local(self.state, self.draft)

    def of_type(self) -> None:
        kind = self.state.type_of(getattr(self.command, "def").type_name)
        self.change_table(of_type=Name(kind.schema, kind.name))

    def not_of_type(self) -> None:
        self.change_table(of_type=None)

    def attach(self) -> None:
        node = getattr(self.command, "def").partition_cmd
        child = self.state.draft(node.name)
        bound = partition_bound(node.bound)
        child.table = replace(child.table, partition_of=PartitionOf(self.draft.name, bound))
        self.state.children.setdefault(self.draft.name, {})[child.name] = None
        for column in self.draft.columns.values():
            own = child.columns.get(column.name)
            if own is None:
                raise Unsupported(f"{child.name} has no column {column.name} of its parent")
            not_null = own.not_null
            if column.not_null and not not_null:
                not_null = inherited_not_null(self.state, child, column.name, column.not_null)
            identity = column.identity or own.identity
            self.state.put_column(
                child, replace(own, inherited=True, not_null=not_null, identity=identity)
            )
        for check in self.draft.checks.values():
            if check.name in child.checks:
                put_check(self.state, child, check)
                merged = replace(child.checks[check.name], inherited=True)
                self.state.put_constraint(child, merged)
        clone_from_parent(self.state, self.draft, child)

    def detach(self) -> None:
        child = self.state.draft(getattr(self.command, "def").partition_cmd.name)
        child.table = replace(child.table, partition_of=None)
        self.state.children.get(self.draft.name, {}).pop(child.name, None)
        for column in list(child.columns.values()):
            self.state.put_column(child, replace(column, identity=None))
        _make_local(self.state, child)


def _make_local(state: State, draft: Draft) -> None:
    """What was inherited is the table's own."""
    for column in list(draft.columns.values()):
        state.put_column(draft, replace(column, inherited=False))
    for constraint in list(draft.constraints()):
        if not isinstance(constraint, Exclusion):
            state.put_constraint(draft, replace(constraint, inherited=False))
    for index in list(draft.indexes.values()):
        state.put_index(draft.name, replace(index, parent=None))


_TRIGGER_STATES: dict[int, Literal["origin", "disabled", "replica", "always"]] = {
    pg.AT_EnableTrig: "origin",
    pg.AT_EnableTrigAll: "origin",
    pg.AT_EnableTrigUser: "origin",
    pg.AT_EnableAlwaysTrig: "always",
    pg.AT_EnableReplicaTrig: "replica",
    pg.AT_DisableTrig: "disabled",
    pg.AT_DisableTrigAll: "disabled",
    pg.AT_DisableTrigUser: "disabled",
}

_Action: TypeAlias = Callable[[_Alteration], None]
_ACTIONS: dict[int, _Action] = {
    pg.AT_AddColumn: _Alteration.add_column,
    pg.AT_DropColumn: _Alteration.drop_column,
    pg.AT_AlterColumnType: _Alteration.column_type,
    pg.AT_ColumnDefault: _Alteration.column_default,
    pg.AT_SetNotNull: _Alteration.set_not_null,
    pg.AT_DropNotNull: _Alteration.drop_not_null,
    pg.AT_SetExpression: _Alteration.set_expression,
    pg.AT_DropExpression: _Alteration.drop_expression,
    pg.AT_SetStatistics: _Alteration.statistics,
    pg.AT_SetOptions: _Alteration.column_options,
    pg.AT_ResetOptions: _Alteration.reset_column_options,
    pg.AT_AlterColumnGenericOptions: _Alteration.foreign_column_options,
    pg.AT_SetStorage: _Alteration.storage,
    pg.AT_SetCompression: _Alteration.compression,
    pg.AT_AddIdentity: _Alteration.add_identity,
    pg.AT_SetIdentity: _Alteration.set_identity,
    pg.AT_DropIdentity: _Alteration.drop_identity,
    pg.AT_AddConstraint: _Alteration.add_constraint,
    pg.AT_AddIndexConstraint: _Alteration.add_constraint,
    pg.AT_DropConstraint: _Alteration.drop_constraint,
    pg.AT_ValidateConstraint: _Alteration.validate_constraint,
    pg.AT_AlterConstraint: _Alteration.alter_constraint,
    pg.AT_ChangeOwner: _Alteration.owner,
    pg.AT_ClusterOn: _Alteration.cluster,
    pg.AT_DropCluster: _Alteration.cluster,
    pg.AT_SetLogged: _Alteration.logged,
    pg.AT_SetUnLogged: _Alteration.unlogged,
    pg.AT_SetAccessMethod: _Alteration.access_method,
    pg.AT_SetTableSpace: _Alteration.tablespace,
    pg.AT_SetRelOptions: _Alteration.set_options,
    pg.AT_ResetRelOptions: _Alteration.reset_options,
    pg.AT_GenericOptions: _Alteration.foreign_options,
    pg.AT_ReplicaIdentity: _Alteration.replica_identity,
    pg.AT_EnableRowSecurity: _Alteration.row_security,
    pg.AT_DisableRowSecurity: _Alteration.row_security,
    pg.AT_ForceRowSecurity: _Alteration.force_row_security,
    pg.AT_NoForceRowSecurity: _Alteration.force_row_security,
    pg.AT_AddInherit: _Alteration.add_inherit,
    pg.AT_DropInherit: _Alteration.drop_inherit,
    pg.AT_AddOf: _Alteration.of_type,
    pg.AT_DropOf: _Alteration.not_of_type,
    pg.AT_AttachPartition: _Alteration.attach,
    pg.AT_DetachPartition: _Alteration.detach,
    pg.AT_DetachPartitionFinalize: _Alteration.nothing,
    pg.AT_DropOids: _Alteration.nothing,
    **dict.fromkeys(_TRIGGER_STATES, _Alteration.triggers),
}
