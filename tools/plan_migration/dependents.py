"""What stands in the way of a step, taken down before it and put up again in its transaction.

PostgreSQL refuses to drop a column, table, view, function or type that a view, policy, trigger,
rule or function needs, and to change the type of a column that they use.
https://www.postgresql.org/docs/current/ddl-depend.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from postgast import PgQueryError
from postgast import pg_query_pb2 as pg

from ..ddl.diff import dotted
from ..ddl.expressions import functions_of, names_of
from ..ddl.model import (
    Check,
    Column,
    Function,
    Index,
    Name,
    Opaque,
    Policy,
    Schema,
    Sql,
    Trigger,
    View,
)
from ..ddl.postgres import tree
from ..ddl.postgres.emit import as_written
from ..ddl.postgres.nodes import strings
from ..ddl.postgres.text import default_text, ident, qualified
from .context import Context
from .model import Step, Undo
from .recipes.written import (
    drop_function,
    drop_part,
    drop_view,
    whole_function,
    whole_policy,
    whole_trigger,
    whole_view,
)
from .words import words

ObjectKey: TypeAlias = tuple[str, ...]
_PARTS: Final = ("index", "trigger", "rule")


class _Blow(NamedTuple):
    """What a statement does that others may forbid: a relation, column, function or type goes.

    `stays`: the column is there afterwards, with another type.
    """

    kind: str
    name: Name
    column: str = ""
    stays: bool = False


@dataclass(frozen=True, slots=True)
class _Item:
    """An object that can stand in the way; `owner` is its table or view."""

    key: ObjectKey
    value: Any
    owner: Name | None = None


def with_dependents(steps: Sequence[Step], ctx: Context) -> tuple[Step, ...]:
    """The steps in the same order, each with what is in its way down before and up after it.

    Steps that have nothing left to do are left out. What another step is about to change or remove
    is not put up again where its old definition can no longer hold.
    """
    if not any(_blows(step.sql) or _blows(step.undo.sql) for step in steps):
        return tuple(steps)
    pass_ = _Pass(steps, ctx)
    kept: list[Step] = []
    for number, step in enumerate(steps):
        joins = bool(kept) and pass_.waits_for(step)
        found = pass_.step(number, step)
        if found is None:
            continue
        if joins:
            kept[-1] = _joined(kept[-1], found)
        else:
            kept.append(found)
    return tuple(replace(step, id=str(n)) for n, step in enumerate(kept, 1))


def _joined(first: Step, second: Step) -> Step:
    """A step with the one that makes anew what it took down."""
    hazards = tuple(h for h in (*first.hazards, *second.hazards) if not h.startswith(_MISSING))
    return replace(
        first,
        sql=(*first.sql, *second.sql),
        undo=replace(first.undo, sql=(*second.undo.sql, *first.undo.sql)),
        objects=tuple(dict.fromkeys((*first.objects, *second.objects))),
        drops=tuple(dict.fromkeys((*first.drops, *second.drops))),
        hazards=hazards,
    )


_MISSING: Final = "missing until a later step"
_AGAIN: Final = "taken down and put up again in the same transaction"


class _Pass:
    def __init__(self, steps: Sequence[Step], ctx: Context) -> None:
        self._ctx = ctx
        self._standing = dict(_items(ctx.current))
        self._later = dict(_items(ctx.target))
        self._last = {key: n for n, step in enumerate(steps) for key in step.objects}
        # What definitions call a column that was renamed; of one that nobody knows, nothing.
        self._names: dict[tuple[Name, str], str] = {}
        # Names that tables have given up: what read them reads on under the new ones.
        self._left: set[Name] = set()
        self._gone: set[ObjectKey] = set()
        self._made: set[ObjectKey] = set()
        self._just_left: set[ObjectKey] = set()  # by the step before, or the one it was joined to

    def waits_for(self, step: Step) -> bool:
        """Whether the step makes what the one before it took down, and nothing else."""
        owners = {key[1] for key in self._just_left}
        return (
            bool(step.objects)
            and step.transaction != "none"
            and all(
                key in self._just_left or (key[0] in _PARTS and key[1] in owners)
                for key in step.objects
            )
        )

    def step(self, number: int, step: Step) -> Step | None:
        """The step with what it needs to run; None when nothing is left of it."""
        if step.objects and self._made.issuperset(step.objects):
            return None
        if not self._just_left.issuperset(step.objects):
            self._just_left = set()
        if self._gone.intersection(step.objects):
            step = self._adapted(step)
            if not step.sql:
                return None
        blows = _blows(step.sql)
        down = self._in_the_way(step.sql, blows)
        self._rename(step.sql)
        stays = all(blow.stays for blow in blows)
        pending = [item for item in down if self._last.get(item.key, -1) > number]
        left = [] if stays else pending
        up = [item for item in reversed(down) if item not in left]
        found = self._wrapped(step, down, up, left) if down else step
        for item in left:
            self._gone.add(item.key)
            self._just_left.add(item.key)
            self._standing.pop(item.key, None)
        self._enter(step)
        return self._with_undo(found, [*reversed(left)])

    def _rename(self, statements: Sequence[str]) -> None:
        """Note how tables and columns are called now."""
        for given_up, taken in _moved(statements):
            self._left.add(given_up)
            self._left.discard(taken)
        for table, column in _added(statements):
            self._names[table, column] = ""
        moved = [*_renamed(statements)]
        for table, new, old in moved:
            self._names[table, new] = self._names.pop((table, old), old)
        for table, new, _ in moved:
            if self._names.get((table, new)) == "" and self._stays(table, new):
                for key, was in self._names.items():
                    if key[0] == table and was == new:
                        self._names[key] = ""
                self._names[table, new] = new  # it has taken the place of the old one

    def _stays(self, table: Name, column: str) -> bool:
        """Whether a column of that name is there before and after the migration."""
        found = (schema.tables.get(table) for schema in (self._ctx.current, self._ctx.target))
        return all(each is not None and column in each.columns for each in found)

    def _enter(self, step: Step) -> None:
        """Note what the step left behind."""
        for key in step.objects:
            if key in self._later and key not in step.drops:
                self._standing[key] = self._later[key]
            elif key in self._standing and (key in step.drops or key not in self._later):
                del self._standing[key]
        views = {key for key in step.objects if key[0] == "view" and key in self._later}
        for view in views:
            self._made.update(key for key in step.objects if key[0] in _PARTS and key[1] == view[1])

    def _adapted(self, step: Step) -> Step:
        """A step on what is gone already: made anew, or nothing to do."""
        gone = [key for key in step.objects if key in self._gone]
        made = [self._later[key] for key in gone if key in self._later]
        sql = [statement for item in made for statement in self._up(item, self._ctx.target)]
        self._gone.difference_update(gone)
        return replace(step, sql=tuple(sql), undo=Undo(tuple(_down(i) for i in reversed(made))))

    def _in_the_way(self, sql: Sequence[str], blows: Sequence[_Blow]) -> list[_Item]:
        """The objects to take down, those first that others do not need."""
        there = frozenset(sql)
        found: dict[ObjectKey, _Item] = {}
        entered: set[ObjectKey] = set()
        stack: list[tuple[_Item | None, Iterator[_Item]]] = [(None, iter([*self._users(blows)]))]
        while stack:
            item, users = stack[-1]
            user = next(users, None)
            if user is None:
                stack.pop()
                if item is not None and _down(item) not in there:
                    found[item.key] = item
            elif user.key not in entered:
                entered.add(user.key)
                stack.append((user, iter([*self._users(_blow_of(user))])))
        return list(found.values())

    def _users(self, blows: Iterable[_Blow]) -> Iterator[_Item]:
        for blow in blows:
            origin = self._names.get((blow.name, blow.column), blow.column)
            if blow.kind == "column" and not origin:
                continue
            if blow.kind == "relation" and blow.name in self._left:
                continue
            for item in self._standing.values():
                if _needs(item, blow._replace(column=origin)):
                    yield item

    def _wrapped(
        self, step: Step, down: Sequence[_Item], up: Sequence[_Item], left: Sequence[_Item]
    ) -> Step:
        hazards = list(step.hazards)
        if up:
            hazards.append(f"{_AGAIN}: {_shown(up)}")
        if left:
            hazards.append(f"{_MISSING}: {_shown(left)}")
        sql = (*map(_down, down), *step.sql, *self._all_up(up))
        return replace(step, sql=sql, transaction="own", hazards=tuple(hazards))

    def _with_undo(self, step: Step, left: Sequence[_Item]) -> Step:
        """The undo, too, with what is in its way once the step is done."""
        if not step.undo.sql:
            return step
        down = self._in_the_way(step.undo.sql, _blows(step.undo.sql))
        if not down and not left:
            return step
        sql = (*map(_down, down), *step.undo.sql, *self._all_up([*reversed(down), *left]))
        return replace(step, undo=replace(step.undo, sql=sql))

    def _all_up(self, items: Sequence[_Item]) -> Iterator[str]:
        """Makes objects; parts of a view come with it."""
        views = {item.value.name for item in items if isinstance(item.value, View)}
        for item in items:
            if item.owner not in views:
                yield from self._up(item, self._ctx.target)

    def _up(self, item: _Item, schema: Schema) -> list[str]:
        """The statements that make an object, with what belongs to it."""
        ctx, value = self._ctx, item.value
        emitter = ctx.writes_target if schema is ctx.target else ctx.writes_current
        if isinstance(value, View):
            return whole_view(self._with_parts(value), schema, emitter)
        if isinstance(value, Function):
            return whole_function(value, schema, emitter)
        assert item.owner is not None or isinstance(value, Opaque)
        if isinstance(value, Opaque):
            return list(as_written(value))
        table = item.owner
        if table is None:
            return []
        if isinstance(value, Trigger):
            return whole_trigger(table, value)
        if isinstance(value, Policy):
            return whole_policy(table, value)
        alter = f"ALTER TABLE {qualified(table)}"
        if isinstance(value, Column):
            default = default_text(value.default or "NULL")
            return [f"{alter} ALTER COLUMN {ident(value.name)} SET DEFAULT {default}"]
        if isinstance(value, Check):
            text = emitter.tables.check(value, f"CONSTRAINT {ident(value.name)} ")
            return [f"{alter} ADD {text}"]
        return [emitter.tables.index(table, value)]

    def _with_parts(self, view: View) -> View:
        """The view with the parts that it has at this moment."""
        parts: dict[str, dict[str, Any]] = {kind: {} for kind in _PARTS}
        for key, item in {**self._standing}.items():
            if key[0] in parts and item.owner == view.name:
                parts[key[0]][key[2]] = item.value
        return replace(view, indexes=parts["index"], triggers=parts["trigger"], rules=parts["rule"])


def _shown(items: Iterable[_Item]) -> str:
    return ", ".join(f"{item.key[0]} {'.'.join(item.key[1:])}" for item in items)


def _items(schema: Schema) -> Iterator[tuple[ObjectKey, _Item]]:
    for item in _each(schema):
        yield item.key, item


def _each(schema: Schema) -> Iterator[_Item]:
    for name, view in schema.views.items():
        shown = dotted(name)
        yield _Item(("view", shown), view)
        for kind, parts in zip(_PARTS, (view.indexes, view.triggers, view.rules), strict=True):
            for part, value in parts.items():
                yield _Item((kind, shown, part), value, name)
    for name, table in schema.tables.items():
        shown = dotted(name)
        groups: dict[str, Mapping[str, Any]] = {
            "trigger": table.triggers,
            "policy": table.policies,
            "rule": table.rules,
            "check": table.checks,
            "index": table.indexes,
            "column": {k: c for k, c in table.columns.items() if c.default and "(" in c.default},
        }
        for kind, group in groups.items():
            for part, value in group.items():
                yield _Item((kind, shown, part), value, name)
    for signature, function in schema.functions.items():
        yield _Item(("function", signature), function)
    for (kind, label), opaque in schema.opaque.items():
        yield _Item(("opaque", kind, label), opaque)


def _blow_of(item: _Item) -> list[_Blow]:
    """What it means to others when the object is taken down."""
    if isinstance(item.value, View):
        return [_Blow("relation", item.value.name)]
    if isinstance(item.value, Function):
        return [_Blow("function", item.value.name)]
    return []


# What a statement does


@lru_cache(maxsize=4096)
def _statement(sql: str) -> tuple[str, Any]:
    if sql.lstrip()[:5].upper() not in ("ALTER", "DROP "):
        return "", None
    try:
        parsed = tree.parse_query(sql)
    except (PgQueryError, tree.Unsupported, ValueError):
        return "", None
    if len(parsed.stmts) != 1:
        return "", None
    kind = parsed.stmts[0].stmt.WhichOneof("node") or ""
    return kind, getattr(parsed.stmts[0].stmt, kind)


def _blows(statements: Sequence[str]) -> list[_Blow]:
    found = [blow for sql in statements for blow in _of_statement(*_statement(sql))]
    return [*found, *_exchanged(statements)]


def _exchanged(statements: Iterable[str]) -> Iterator[_Blow]:
    """A type that is renamed and then dropped goes by its old name; a table that is renamed goes
    when another one takes its name."""
    renamed: dict[str, str] = {}
    moved: set[Name] = set()
    for sql in statements:
        kind, node = _statement(sql)
        if kind == "rename_stmt" and node.rename_type == pg.OBJECT_TABLE:
            table = Name(node.relation.schemaname or "public", node.relation.relname)
            if (there := table._replace(name=node.newname)) in moved:
                yield _Blow("relation", there)
            moved.add(table)
        elif kind == "rename_stmt" and node.rename_type in (pg.OBJECT_TYPE, pg.OBJECT_DOMAIN):
            renamed[node.newname] = strings(node.object.list.items)[-1]
        elif kind == "drop_stmt":
            for blow in _of_statement(kind, node):
                if blow.kind == "type" and blow.name.name in renamed:
                    yield blow._replace(name=Name(blow.name.schema, renamed[blow.name.name]))


def _of_statement(kind: str, node: Any) -> Iterator[_Blow]:
    if kind == "alter_table_stmt":
        table = Name(node.relation.schemaname or "public", node.relation.relname)
        for item in node.cmds:
            command = item.alter_table_cmd
            if command.subtype in (pg.AT_DropColumn, pg.AT_AlterColumnType):
                stays = command.subtype == pg.AT_AlterColumnType
                yield _Blow("column", table, command.name, stays)
    elif kind == "rename_stmt" and node.rename_type == pg.OBJECT_MATVIEW:  # makes room for another
        yield _Blow("relation", Name(node.relation.schemaname or "public", node.relation.relname))
    elif kind == "drop_stmt":
        sort = _DROPPED.get(node.remove_type)
        if sort and node.behavior != pg.DROP_CASCADE:
            for item in node.objects:
                yield _Blow(sort, _dropped_name(item))


_DROPPED: Final = {
    pg.OBJECT_TABLE: "relation",
    pg.OBJECT_FOREIGN_TABLE: "relation",
    pg.OBJECT_VIEW: "relation",
    pg.OBJECT_MATVIEW: "relation",
    pg.OBJECT_FUNCTION: "function",
    pg.OBJECT_PROCEDURE: "function",
    pg.OBJECT_ROUTINE: "function",
    pg.OBJECT_TYPE: "type",
    pg.OBJECT_DOMAIN: "type",
}


def _dropped_name(item: pg.Node) -> Name:
    of = item.WhichOneof("node")
    if of == "object_with_args":
        parts = strings(item.object_with_args.objname)
    elif of == "type_name":
        parts = strings(item.type_name.names)
    else:
        parts = strings(item.list.items)
    return Name(parts[-2] if len(parts) > 1 else "public", parts[-1])


def _moved(statements: Iterable[str]) -> Iterator[tuple[Name, Name]]:
    """Tables that a step gives another name or schema, with what they are called then."""
    for sql in statements:
        kind, node = _statement(sql)
        if kind == "rename_stmt" and node.rename_type == pg.OBJECT_TABLE:
            table = Name(node.relation.schemaname or "public", node.relation.relname)
            yield table, table._replace(name=node.newname)
        elif kind == "alter_object_schema_stmt" and node.object_type == pg.OBJECT_TABLE:
            table = Name(node.relation.schemaname or "public", node.relation.relname)
            yield table, table._replace(schema=node.newschema)


def _added(statements: Iterable[str]) -> Iterator[tuple[Name, str]]:
    """Columns that a step adds."""
    for sql in statements:
        kind, node = _statement(sql)
        if kind == "alter_table_stmt":
            for item in node.cmds:
                command = item.alter_table_cmd
                if command.subtype == pg.AT_AddColumn:
                    table = Name(node.relation.schemaname or "public", node.relation.relname)
                    yield table, getattr(command, "def").column_def.colname


def _renamed(statements: Iterable[str]) -> Iterator[tuple[Name, str, str]]:
    """Columns that a step renames: table, new name, old name."""
    for sql in statements:
        kind, node = _statement(sql)
        if kind == "rename_stmt" and node.rename_type == pg.OBJECT_COLUMN:
            table = Name(node.relation.schemaname or "public", node.relation.relname)
            yield table, node.newname, node.subname


# What an object needs


def _needs(item: _Item, blow: _Blow) -> bool:
    value = item.value
    if isinstance(value, View):
        return _query_needs(value.query, blow) and value.name != blow.name
    if isinstance(value, Policy):
        texts = [sql for sql in (value.using, value.check) if sql]
        own = blow.kind == "column" and item.owner == blow.name
        goes = blow.kind == "relation" and item.owner == blow.name  # the policy with it
        return not goes and any(_expression_needs(sql, blow, own) for sql in texts)
    if isinstance(value, Trigger):
        return _trigger_needs(item, value, blow)
    if isinstance(value, Opaque):
        return _opaque_needs(item, value, blow)
    if isinstance(value, Function):
        return _function_needs(value, blow)
    if isinstance(value, Column):
        return blow.kind == "function" and blow.name.name in functions_of(value.default or "")
    if isinstance(value, Check):
        called = functions_of(value.expression) if blow.kind == "function" else ()
        return blow.name.name in called and not value.inherited
    if isinstance(value, Index) and blow.kind == "function" and value.parent is None:
        parts = (part.expression for part in value.parts if not part.is_column)
        return any(blow.name.name in functions_of(sql) for sql in (*parts, value.where or Sql("")))
    return False


def _trigger_needs(item: _Item, trigger: Trigger, blow: _Blow) -> bool:
    if blow.kind == "function":
        return trigger.function == blow.name
    if blow.kind == "column" and item.owner == blow.name:
        return blow.column in trigger.update_of or (
            trigger.when is not None and _expression_needs(trigger.when, blow, own=True)
        )
    return False


def _opaque_needs(item: _Item, value: Opaque, blow: _Blow) -> bool:
    said = words(value.sql)
    if blow.kind == "function":
        return value.kind in _OF_FUNCTIONS and blow.name.name in said
    if value.kind != "rule" or blow.name.name not in said:
        return False
    own = item.owner == blow.name and blow.kind == "relation"
    return not own and (not blow.column or blow.column in said)


_OF_FUNCTIONS: Final = frozenset({"aggregate", "operator", "cast", "event trigger", "rule"})


def _function_needs(function: Function, blow: _Blow) -> bool:
    if blow.kind in ("type", "relation"):
        types = [a.type for a in function.arguments]
        if any((t.schema or "public", t.name) == blow.name for t in types):
            return True
        if str(blow.name) in function.returns.removeprefix("SETOF ").removesuffix("[]").split():
            return True
    if function.sql_body is None:
        return False
    return _query_needs(function.sql_body, blow) and function.name != blow.name


def _query_needs(query: str, blow: _Blow) -> bool:
    if blow.name.name not in query:
        return False
    names = names_of(query)
    group = {"function": names.functions, "type": names.types}.get(blow.kind, names.relations)
    if blow.name not in group and Name("", blow.name.name) not in group:
        return False
    return not blow.column or _uses_column(query, blow.name.name, blow.column)


def _expression_needs(sql: str, blow: _Blow, own: bool) -> bool:
    if own and blow.column in words(sql):
        return True
    return _query_needs(sql, blow)


def _uses_column(query: str, table: str, column: str) -> bool:
    """Whether a query that reads the table may use the column: by name, or by a star."""
    references, aliases = _references(query)
    for qualifier, name in references:
        known = aliases.get(qualifier) if qualifier else None
        if name in (column, "*") and (known is None or table in known):
            return True
    return False


@lru_cache(maxsize=2048)
def _references(query: str) -> tuple[frozenset[tuple[str, str]], Mapping[str, set[str]]]:
    found: set[tuple[str, str]] = set()
    aliases: dict[str, set[str]] = {}
    for text in (query, f"SELECT {query}", f"CREATE FUNCTION f() RETURNS void {query}"):
        try:
            parsed = tree.parse_query(text)
        except (PgQueryError, tree.Unsupported, ValueError):
            continue
        for node in tree.walk(parsed):
            if isinstance(node, pg.ColumnRef):
                names = [f.string.sval if f.HasField("string") else "*" for f in node.fields]
                found.add((names[-2] if len(names) > 1 else "", names[-1]))
            elif isinstance(node, pg.RangeVar):
                aliases.setdefault(node.alias.aliasname or node.relname, set()).add(node.relname)
        break
    return frozenset(found), aliases


def _down(item: _Item) -> str:
    value, table = item.value, item.owner
    if isinstance(value, View):
        return drop_view(value)
    if isinstance(value, Function):
        return drop_function(value)
    if isinstance(value, Opaque) and value.kind != "rule":
        return f"DROP {value.kind.upper()} {value.name}"
    if table is None:
        return ""
    if isinstance(value, Column):
        return f"ALTER TABLE {qualified(table)} ALTER COLUMN {ident(value.name)} DROP DEFAULT"
    if isinstance(value, Check):
        return f"ALTER TABLE {qualified(table)} DROP CONSTRAINT {ident(value.name)}"
    if isinstance(value, Index):
        return f"DROP INDEX {qualified(Name(table.schema, value.name))}"
    return drop_part(item.key[0], item.key[2], table)
