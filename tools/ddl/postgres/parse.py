"""PostgreSQL's DDL as a schema: the fold of all statements, in order.

`_HANDLERS` says which function a kind of statement goes to; a statement that is neither there nor
known to leave the schema alone is reported in `Schema.unread`. Statements are judged as PostgreSQL
18 would judge them: one that must fail (a table that exists already) has no effect and is reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from heapq import merge
from itertools import islice
from typing import Any, TypeVar

from postgast import PgQueryError
from postgast import pg_query_pb2 as pg

from ..model import Function, Name, Schema
from ..script import Statement
from . import code, objects, opaque
from .adoption import Adoption, Conflict
from .alter import alter_table
from .constraints import primary_columns
from .drop import drop
from .indexes import create_index
from .nodes import strings, value_text
from .path import qualify
from .rename import rename, set_schema
from .rights import alter_owner, comment, grant, grant_defaults
from .state import State, Unsupported
from .table import create_foreign_table, create_table
from .table_as import create_table_as
from .tree import Parsed, parse

_K = TypeVar("_K")


def fold(statements: Iterable[Statement]) -> Schema:
    """The schema that the statements leave behind in an empty database."""
    return _finished(_folded(State(), statements))


def fold_both(
    shared: Iterable[Statement], first: Iterable[Statement], second: Iterable[Statement]
) -> tuple[Schema, Schema]:
    """The schemas of two scripts that begin alike; the places of what is shared are the first's."""
    state = _folded(State(), shared)
    twin = state.copy()
    return _finished(_folded(state, first)), _finished(_folded(twin, second))


def fold_alike(
    first: Iterable[Statement], second: Iterable[Statement], made: Mapping[int, str]
) -> tuple[Schema, Schema | None, list[Name]]:
    """The schemas of two scripts, and the tables that the second has from the first.

    `made` is `alike.made_alike`. The second is None if it could be another, folded alone.
    """
    one, other = _folded(State(), first), State()
    tables = {name.name.lower(): name for name in one.tables}
    wanted = set(filter(None, made.values()))
    if len(tables) < len(one.tables) or not wanted <= tables.keys():
        return _finished(one), None, []
    adoption = Adoption(one, other)
    try:
        _fold_around(other, second, made, tables, adoption)
        adoption.check()
    except Conflict:
        return _finished(one), None, []
    return _finished(one), _finished(other), [tables[name] for name in wanted]


def _fold_around(
    state: State,
    second: Iterable[Statement],
    made: Mapping[int, str],
    tables: Mapping[str, Name],
    adopt: Adoption,
) -> None:
    """Fold a script, tables taken over where it makes them."""
    items = [
        item for item in enumerate(second) if item[0] not in made and not _DATA.match(item[1].text)
    ]
    trees = parse(statement for _, statement in items)
    own = ((number, "") for number, _ in items)
    taken = ((number, made[number]) for number in sorted(made) if made[number])
    for _, table in merge(own, taken):
        if table:
            adopt(tables[table])
        else:
            state.parsed = next(trees)
            fold_one(state, state.parsed)


def _folded(state: State, statements: Iterable[Statement]) -> State:
    for parsed in parse(item for item in statements if not _DATA.match(item.text)):
        state.parsed = parsed
        fold_one(state, parsed)
    return state


def _finished(state: State) -> Schema:
    _resolve_foreign_keys(state)
    return state.schema()


# Statements that change rows, or nothing; not even parsed.
_DATA = re.compile(
    r"\s*(?:INSERT|UPDATE|DELETE|MERGE|COPY|VALUES|BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT"
    r"|RELEASE|VACUUM|ANALYZE|ANALYSE|LOCK|TRUNCATE|NOTIFY|LISTEN|UNLISTEN|CHECKPOINT|FETCH|MOVE"
    r"|CLOSE|DECLARE|SHOW)\b",
    re.IGNORECASE,
)


def fold_one(state: State, parsed: Parsed) -> None:
    """Fold a statement, the one at hand of the state; what it cannot do is reported there."""
    if parsed.error:
        state.unsupported(parsed.error)
        return
    try:
        _apply(state, parsed.kind, parsed.node)
    except Unsupported as error:
        state.unsupported(str(error))
    except PgQueryError as error:
        state.unsupported(f"an expression cannot be read: {error}")
    except RecursionError:
        state.unsupported("what depends on it nests too deeply to be followed to the end")


def _apply(state: State, kind: str, node: Any) -> None:
    qualify(state, node)
    if kind in _HANDLERS and state.default_grants and kind.startswith(("create", "view", "select")):
        sizes = _sizes(state)
        _HANDLERS[kind](state, node)
        grant_defaults(state, _made_since(state, sizes))
    elif kind in _HANDLERS:
        _HANDLERS[kind](state, node)
    elif kind and kind not in _WITHOUT_EFFECT:
        words = kind.removesuffix("_stmt").replace("_", " ")
        raise Unsupported(f"statements of this kind ({words}) are not modelled")


def _sizes(state: State) -> tuple[int, ...]:
    return len(state.tables), len(state.views), len(state.sequences), len(state.functions)


def _made_since(state: State, sizes: tuple[int, ...]) -> Iterator[tuple[str, Name | Function]]:
    """The objects a statement made, which are the last of their mappings."""
    tables, views, sequences, functions = sizes
    yield from (("table", name) for name in _last(state.tables, tables))
    yield from (("table", name) for name in _last(state.views, views))
    yield from (("sequence", name) for name in _last(state.sequences, sequences))
    for signature in _last(state.functions, functions):
        yield "function", state.functions[signature]


def _last(group: dict[_K, Any], size: int) -> Iterator[_K]:
    return islice(reversed(group), max(0, len(group) - size))


def _resolve_foreign_keys(state: State) -> None:
    """The columns of foreign keys whose target came later than they."""
    for draft in state.tables.values():
        for name, foreign_key in draft.foreign_keys.items():
            if not foreign_key.referenced:
                referenced = primary_columns(state, foreign_key.table)
                draft.foreign_keys[name] = replace(foreign_key, referenced=referenced)


def _create_schema(state: State, node: pg.CreateSchemaStmt) -> None:
    """CREATE SCHEMA; unqualified names of the elements belong to it."""
    name = objects.create_schema(state, node)
    path = state.path
    state.path = (name, *path)
    try:
        for item in node.schema_elts:
            kind = item.WhichOneof("node") or ""
            _apply(state, kind, getattr(item, kind))
    finally:
        state.path = path


def _set(state: State, node: pg.VariableSetStmt) -> None:
    """SET search_path; other settings leave the schema alone."""
    if node.name == "search_path":
        default = node.kind != pg.VAR_SET_VALUE
        names = ["public"] if default else [value_text(item) for item in node.args]
        _set_path(state, names)


def _set_path(state: State, names: Iterable[str]) -> None:
    state.path = tuple(name for name in names if name not in ("", "$user", "pg_catalog"))


def _select(state: State, node: pg.SelectStmt) -> None:
    """SELECT set_config('search_path', …) and SELECT … INTO; other queries are no DDL."""
    if node.HasField("into_clause"):
        create_table_as(state, node.into_clause, pg.Node(select_stmt=node))
        return
    for target in node.target_list:
        call = target.res_target.val.func_call
        if strings(call.funcname)[-1:] == ["set_config"] and len(call.args) > 1:
            setting, value = (value_text(argument) for argument in call.args[:2])
            if setting == "search_path":
                _set_path(state, (item.strip().strip('"') for item in value.split(",")))


def _cluster(state: State, node: pg.ClusterStmt) -> None:
    """CLUSTER … USING also marks the index."""
    if node.indexname and (draft := state.tables.get(state.existing(node.relation))):
        draft.table = replace(draft.table, cluster_on=node.indexname)


def _do(state: State, node: pg.DoStmt) -> None:
    raise Unsupported("what a DO block does is not known")


def _call(state: State, node: pg.CallStmt) -> None:
    raise Unsupported("what a called procedure does is not known")


_HANDLERS: dict[str, Callable[[State, Any], object]] = {
    "create_stmt": create_table,
    "create_foreign_table_stmt": create_foreign_table,
    "alter_table_stmt": alter_table,
    "index_stmt": create_index,
    "create_extension_stmt": objects.create_extension,
    "create_seq_stmt": objects.create_sequence,
    "alter_seq_stmt": objects.alter_sequence,
    "create_enum_stmt": objects.create_enum,
    "alter_enum_stmt": objects.alter_enum,
    "composite_type_stmt": objects.create_composite,
    "create_range_stmt": objects.create_range,
    "create_domain_stmt": objects.create_domain,
    "alter_domain_stmt": objects.alter_domain,
    "view_stmt": objects.create_view,
    "create_table_as_stmt": objects.create_table_as,
    "create_function_stmt": code.create_function,
    "alter_function_stmt": code.alter_function,
    "create_trig_stmt": code.create_trigger,
    "rule_stmt": code.create_rule,
    "create_policy_stmt": code.create_policy,
    "alter_policy_stmt": code.alter_policy,
    "create_schema_stmt": _create_schema,
    "variable_set_stmt": _set,
    "select_stmt": _select,
    "do_stmt": _do,
    "call_stmt": _call,
    "drop_stmt": drop,
    "rename_stmt": rename,
    "alter_object_schema_stmt": set_schema,
    "alter_owner_stmt": alter_owner,
    "comment_stmt": comment,
    "cluster_stmt": _cluster,
    "grant_stmt": grant,
    "define_stmt": opaque.define,
    "create_cast_stmt": opaque.create_cast,
    "create_op_class_stmt": opaque.create_operator_class,
    "create_op_family_stmt": opaque.create_operator_family,
    "alter_op_family_stmt": opaque.alter_operator_family,
    "create_stats_stmt": opaque.create_statistics,
    "alter_stats_stmt": opaque.alter_statistics,
    "create_conversion_stmt": opaque.create_conversion,
    "create_transform_stmt": opaque.create_transform,
    "create_user_mapping_stmt": opaque.create_user_mapping,
    "create_plang_stmt": opaque.create_language,
    "create_event_trig_stmt": opaque.create_event_trigger,
    "alter_event_trig_stmt": opaque.alter_event_trigger,
    "create_publication_stmt": opaque.create_publication,
    "alter_publication_stmt": opaque.alter_publication,
    "create_fdw_stmt": opaque.create_wrapper,
    "create_foreign_server_stmt": opaque.create_server,
    "alter_foreign_server_stmt": opaque.alter_server,
    "create_am_stmt": opaque.create_access_method,
    "alter_tsconfiguration_stmt": opaque.alter_text_search,
    "alter_tsdictionary_stmt": opaque.alter_dictionary,
    "alter_default_privileges_stmt": opaque.default_privileges,
}

_IGNORED = """
insert_stmt update_stmt delete_stmt merge_stmt copy_stmt transaction_stmt explain_stmt
vacuum_stmt lock_stmt truncate_stmt notify_stmt listen_stmt unlisten_stmt check_point_stmt
fetch_stmt close_portal_stmt declare_cursor_stmt variable_show_stmt discard_stmt
reindex_stmt refresh_mat_view_stmt constraints_set_stmt prepare_stmt deallocate_stmt load_stmt
sec_label_stmt
create_role_stmt alter_role_stmt alter_role_set_stmt drop_role_stmt grant_role_stmt
createdb_stmt dropdb_stmt alter_database_stmt alter_database_set_stmt
alter_database_refresh_coll_stmt create_table_space_stmt drop_table_space_stmt
alter_table_space_options_stmt alter_system_stmt
"""
_WITHOUT_EFFECT = frozenset(_IGNORED.split())
