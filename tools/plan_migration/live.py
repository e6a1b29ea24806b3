"""The schema while statements run on it, one after the other.

A table that is altered though nothing made it is taken to exist with unknown columns: a script is
judged without the schema, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from postgast import pg_query_pb2 as pg

from ..ddl.model import Domain, Name, Schema, Table, View
from ..ddl.postgres import tree
from ..ddl.postgres.resume import fold_more, resumed
from ..ddl.postgres.state import Draft, State
from ..ddl.postgres.tree import Parsed
from .words import words


class Live:
    """A schema, what statements made of it so far, and what they made anew."""

    def __init__(self, schema: Schema) -> None:
        self.state: State = resumed(schema)
        self.created: set[Name] = set()  # tables and views that nobody uses yet
        self._origins: dict[Name, Name] = {}  # of what was renamed since the step began
        self.unknown: set[Name] = set()  # tables of which the script shows no more than changes
        self.validated: set[Name] = set()  # tables with validated constraints of unknown content
        self._views: dict[Name, frozenset[str]] | None = None

    @property
    def tables(self) -> Mapping[Name, Draft]:
        """All tables."""
        return self.state.tables

    def name(self, relation: pg.RangeVar) -> Name:
        """The full name of a relation that a statement names."""
        return self.state.existing(relation)

    def listed(self, node: pg.Node) -> Name:
        """The full name in a list of name parts, as DROP and COMMENT have it."""
        return self.state.object_name(node.list.items, self.state.relations)

    def kind(self, name: Name) -> str:
        """What a relation is: table, view, materialized view, sequence, index, or empty."""
        if name in self.state.views:
            return "materialized view" if self.state.views[name].materialized else "view"
        relation = self.state.relations.get(name)
        kind = relation.kind if relation else ""
        return "sequence" if kind == "identity" else kind

    def view(self, name: Name) -> View | None:
        """A view."""
        return self.state.views.get(name)

    def index_home(self, name: Name) -> Name | None:
        """The table or materialized view of an index."""
        relation = self.state.relations.get(name)
        return relation.home if relation and relation.kind == "index" else None

    def descendants(self, name: Name) -> tuple[Name, ...]:
        """Partitions and inheritance children at all levels."""
        found: dict[Name, None] = {}
        todo = [name]
        while todo:
            for child in self.state.children.get(todo.pop(), ()):
                if child not in found and child != name:
                    found[child] = None
                    todo.append(child)
        return tuple(found)

    def referencing(self, name: Name) -> tuple[Name, ...]:
        """Tables with foreign keys to a table."""
        counts: Mapping[Name, int] = self.state.referrers.get(name, {})
        return tuple(sorted(n for n, count in counts.items() if count > 0 and n in self.tables))

    def views_of(self, name: Name, column: str = "") -> tuple[Name, ...]:
        """Views whose query may read a table, or one of its columns, by the names in it."""
        if self._views is None:
            self._views = {full: words(view.query) for full, view in self.state.views.items()}
        wanted = {name.name, column} if column else {name.name}
        return tuple(full for full, named in self._views.items() if wanted <= named)

    def owned_sequences(self, name: Name, column: str = "") -> tuple[Name, ...]:
        """The sequences that a table's columns, or one of them, own."""
        draft = self.tables.get(name)
        columns = draft.columns.values() if draft else ()
        found = [c.identity.sequence for c in columns if c.identity and column in ("", c.name)]
        for sequence in self.state.sequences.values():
            owner = sequence.owned_by
            if owner and owner[0] == name and column in ("", owner[1]):
                found.append(sequence.name)
        return tuple(found)

    def domain(self, schema: str, name: str) -> Domain | None:
        """A domain, as a column's type names it."""
        return self.state.domains.get(Name(schema or "public", name))

    def is_new(self, name: Name) -> bool:
        """Whether statements before made the relation, so that nobody uses it yet."""
        return name in self.created

    def origin(self, name: Name) -> Name:
        """The name that a relation had when the step began."""
        return self._origins.get(name, name)

    def begin(self, *, in_use: bool) -> None:
        """A step begins; `in_use` says that what was made before has users by now."""
        self._origins.clear()
        if in_use:
            self.created.clear()

    def meet(self, parsed: Parsed) -> None:
        """Take what a statement alters to be there."""
        node: Any = parsed.node
        if node is None or parsed.kind not in _ON_TABLE:
            return
        if parsed.kind == "alter_table_stmt" and node.objtype != pg.OBJECT_TABLE:
            return
        if parsed.kind == "rename_stmt" and not _is_of_table(node):
            return
        if not node.relation.relname:
            return
        name = self.name(node.relation)
        if name not in self.state.relations:
            self.state.put_table(Draft(Table(name)))
            self.unknown.add(name)

    def fold(self, parsed: Parsed) -> None:
        """Run a statement. What it is refused for is of no concern here."""
        self._views = None if parsed.kind in _OF_VIEWS else self._views
        made = [name for name in self._made(parsed) if name not in self.state.relations]
        moved = list(self._moved(parsed))
        self._note_validation(parsed)
        fold_more(self.state, parsed)
        self.created.update(made)
        for old, new in moved:
            self._follow(old, new)

    def _made(self, parsed: Parsed) -> Iterator[Name]:
        node: Any = parsed.node
        if parsed.kind == "create_stmt":
            yield self.state.new_name(node.relation)
        elif parsed.kind == "create_foreign_table_stmt":
            yield self.state.new_name(node.base_stmt.relation)
        elif parsed.kind == "create_table_as_stmt":
            yield self.state.new_name(node.into.rel)
        elif parsed.kind == "view_stmt":
            yield self.state.new_name(node.view)
        elif parsed.kind == "create_seq_stmt":
            yield self.state.new_name(node.sequence)
        elif parsed.kind == "select_stmt" and node.HasField("into_clause"):
            yield self.state.new_name(node.into_clause.rel)
        elif parsed.kind == "create_schema_stmt":
            for item in node.schema_elts:
                if item.WhichOneof("node") == "create_stmt":
                    yield Name(node.schemaname, item.create_stmt.relation.relname)

    def _moved(self, parsed: Parsed) -> Iterator[tuple[Name, Name]]:
        """The relations that get another name or schema."""
        node: Any = parsed.node
        if parsed.kind == "rename_stmt" and node.rename_type in _RENAMED:
            old = self.name(node.relation)
            yield old, Name(old.schema, node.newname)
        elif parsed.kind == "rename_stmt" and node.rename_type == pg.OBJECT_SCHEMA:
            for old in self.state.relations:
                if old.schema == node.subname:
                    yield old, Name(node.newname, old.name)
        elif parsed.kind == "alter_object_schema_stmt" and node.relation.relname:
            old = self.name(node.relation)
            yield old, Name(node.newschema, old.name)

    def _follow(self, old: Name, new: Name) -> None:
        """What is new or unknown under one name is so under the other."""
        if old in self.state.relations:
            return  # it was refused
        self._origins[new] = self._origins.pop(old, old)
        for group in (self.created, self.unknown):
            if old in group:
                group.remove(old)
                group.add(new)

    def _note_validation(self, parsed: Parsed) -> None:
        if parsed.kind != "alter_table_stmt":
            return
        node: Any = parsed.node
        for item in node.cmds:
            command = item.alter_table_cmd
            if command.subtype == pg.AT_ValidateConstraint:
                name = self.name(node.relation)
                draft = self.tables.get(name)
                if draft is None or not draft.has_constraint(command.name):
                    self.validated.add(name)


def _is_of_table(node: pg.RenameStmt) -> bool:
    kinds = (pg.OBJECT_TABLE, pg.OBJECT_TABCONSTRAINT)
    return node.relation_type == pg.OBJECT_TABLE or node.rename_type in kinds


def parse_all(statements: Any) -> list[Parsed]:
    """Statements with their trees."""
    return list(tree.parse(statements))


_RENAMED = frozenset(
    {
        pg.OBJECT_TABLE,
        pg.OBJECT_FOREIGN_TABLE,
        pg.OBJECT_VIEW,
        pg.OBJECT_MATVIEW,
        pg.OBJECT_SEQUENCE,
    }
)
_ON_TABLE = frozenset({"alter_table_stmt", "rename_stmt", "index_stmt", "create_trig_stmt"})
_OF_VIEWS = frozenset(
    {"view_stmt", "create_table_as_stmt", "drop_stmt", "rename_stmt", "alter_object_schema_stmt"}
)
