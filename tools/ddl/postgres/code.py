"""Functions and what calls or guards: triggers, rules, policies.

https://www.postgresql.org/docs/current/sql-createfunction.html, sql-createtrigger.html,
sql-createpolicy.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from postgast import pg_query_pb2 as pg

from ..model import (
    Argument,
    Function,
    Name,
    Policy,
    Sql,
    Trigger,
    Type,
)
from . import tree
from .attached import attach
from .constraints import deferrable
from .nodes import (
    option_text,
    role,
    strings,
    value_text,
)
from .state import State, Unsupported

# Functions

_MODES = {
    pg.FUNC_PARAM_OUT: "out",
    pg.FUNC_PARAM_INOUT: "inout",
    pg.FUNC_PARAM_VARIADIC: "variadic",
    pg.FUNC_PARAM_TABLE: "table",
}
_Volatility = Literal["volatile", "stable", "immutable"]
_VOLATILITY: dict[str, _Volatility] = {"stable": "stable", "immutable": "immutable"}
_Parallel = Literal["unsafe", "restricted", "safe"]
_PARALLEL: dict[str, _Parallel] = {"restricted": "restricted", "safe": "safe"}


def create_function(state: State, node: pg.CreateFunctionStmt) -> None:
    """CREATE FUNCTION and CREATE PROCEDURE."""
    arguments = tuple(_argument(state, item.function_parameter) for item in node.parameters)
    function = Function(
        state.made_object(node.funcname),
        arguments,
        _returns(state, node, arguments),
        "procedure" if node.is_procedure else "function",
        at=state.at(),
    )
    for item in node.options:
        function = _with_option(function, item.def_elem)
    if node.HasField("sql_body"):
        function = replace(function, sql_body=_body(node.sql_body))
    function = _with_default_costs(function)
    old = state.functions.get(function.signature)
    if old:
        if not node.replace:
            raise Unsupported(f"function {function.signature} exists already")
        function = replace(function, comment=old.comment, owner=old.owner)
    state.functions[function.signature] = function


def _argument(state: State, node: pg.FunctionParameter) -> Argument:
    default = tree.sql(node.defexpr) if node.HasField("defexpr") else None
    kind = replace(state.type_of(node.arg_type), args=())
    return Argument(node.name, kind, _MODES.get(node.mode, "in"), default)


def _returns(state: State, node: pg.CreateFunctionStmt, arguments: tuple[Argument, ...]) -> str:
    if any(argument.mode == "table" for argument in arguments):
        return "TABLE"
    if node.is_procedure:
        return ""
    if node.HasField("return_type"):
        kind = replace(state.type_of(node.return_type), args=())
        return f"{'SETOF ' * node.return_type.setof}{kind}"
    out = [argument for argument in arguments if argument.mode in ("out", "inout")]
    return str(out[0].type) if len(out) == 1 else "record"


def _with_option(function: Function, option: pg.DefElem) -> Function:
    name = option.defname
    if name == "as":
        return replace(function, body=_source(option.arg))
    if name == "set":
        return replace(function, settings=_settings(dict(function.settings), option.arg))
    text = option_text(option)
    on = text == "true"
    if name == "language":
        return replace(function, language=text)
    if name == "volatility":
        return replace(function, volatility=_VOLATILITY.get(text, "volatile"))
    if name == "strict":
        return replace(function, strict=on)
    if name == "security":
        return replace(function, security_definer=on)
    if name == "leakproof":
        return replace(function, leakproof=on)
    if name == "window":
        return replace(function, window=on)
    if name == "parallel":
        return replace(function, parallel=_PARALLEL.get(text, "unsafe"))
    if name == "cost":
        return replace(function, cost=float(text))
    if name == "rows":
        return replace(function, rows=float(text))
    return function


def _source(node: pg.Node) -> str:
    """The body; of a C function the symbol in its library."""
    return strings(node.list.items)[-1]


def _body(node: pg.Node) -> Sql:
    """BEGIN ATOMIC … END or RETURN, as the parser prints its statements."""
    if node.WhichOneof("node") == "return_stmt":
        return Sql(f"RETURN {tree.sql(node.return_stmt.returnval)}")
    statements = [
        _body(item) if item.WhichOneof("node") == "return_stmt" else tree.query(item)
        for inner in node.list.items
        for item in inner.list.items
    ]
    lines = "".join(f" {statement};" for statement in statements)
    return Sql(f"BEGIN ATOMIC{lines} END")


def _settings(settings: dict[str, str], node: pg.Node) -> dict[str, str]:
    """The settings of a function after SET or RESET, as `proconfig` has them."""
    change = node.variable_set_stmt
    if change.kind == pg.VAR_RESET_ALL:
        return {}
    settings.pop(change.name, None)
    if change.kind == pg.VAR_SET_VALUE:
        settings[change.name] = setting_text(change)
    return settings


_LISTS = frozenset(
    [
        "search_path",
        "temp_tablespaces",
        "local_preload_libraries",
        "session_preload_libraries",
        "shared_preload_libraries",
        "unix_socket_directories",
    ]
)


def setting_text(change: pg.VariableSetStmt) -> str:
    """The value of a SET, flattened as PostgreSQL stores it."""
    texts = []
    for item in change.args:
        text = value_text(item)
        if item.WhichOneof("node") == "a_const" and item.a_const.HasField("sval"):
            text = tree.quote(text) if change.name in _LISTS else text
        texts.append(text)
    return ", ".join(texts)


def _with_default_costs(function: Function) -> Function:
    cost = 1.0 if function.language in ("c", "internal") else 100.0
    many = function.returns == "TABLE" or function.returns.startswith("SETOF ")
    rows = 1000.0 if many else 0.0
    return replace(
        function,
        cost=None if function.cost == cost else function.cost,
        rows=None if function.rows == rows else function.rows,
    )


def alter_function(state: State, node: pg.AlterFunctionStmt) -> None:
    """ALTER FUNCTION … with options; names and owners are other statements' business."""
    signature = function_signature(state, node.func)
    function = state.functions[signature]
    for item in node.actions:
        function = _with_option(function, item.def_elem)
    state.functions[signature] = _with_default_costs(function)


def function_signature(state: State, node: pg.ObjectWithArgs) -> str:
    """The key of a function that a statement names. Raises `Unsupported` when there is none."""
    parts = strings(node.objname)
    schemas = parts[-2:-1] or state.path
    named = [
        function
        for schema in schemas
        for function in state.functions.values()
        if function.name == Name(schema, parts[-1])
    ]
    if node.args_unspecified and len(named) == 1:
        return named[0].signature
    wanted = _wanted_types(state, node)
    for function in named:
        inputs = [a.type for a in function.arguments if a.mode in ("in", "inout", "variadic")]
        every = [a.type for a in function.arguments if a.mode != "table"]
        if wanted in (inputs, every):
            return function.signature
    raise Unsupported(f"function {'.'.join(parts)} is not known")


def _wanted_types(state: State, node: pg.ObjectWithArgs) -> list[Type]:
    return [replace(state.type_of(item.type_name), args=()) for item in node.objargs]


# Triggers, rules, policies

_TIMINGS = {0: "after", 2: "before", 64: "instead of"}
_EVENTS = ((8, "delete"), (4, "insert"), (32, "truncate"), (16, "update"))


def create_trigger(state: State, node: pg.CreateTrigStmt) -> None:
    """CREATE TRIGGER."""
    home = state.existing(node.relation)
    transitions = {
        item.trigger_transition.is_new: item.trigger_transition.name
        for item in node.transition_rels
    }
    references = state.existing(node.constrrel) if node.HasField("constrrel") else None
    trigger = Trigger(
        node.trigname,
        _TIMINGS[node.timing],
        tuple(event for bit, event in _EVENTS if node.events & bit),
        update_of=tuple(strings(node.columns)),
        per_row=node.row,
        when=tree.sql(node.when_clause) if node.HasField("when_clause") else None,
        function=_trigger_function(state, node),
        arguments=tuple(strings(node.args)),
        constraint=node.isconstraint,
        references=references,
        deferrable=deferrable(node),
        old_table=transitions.get(False, ""),
        new_table=transitions.get(True, ""),
        at=state.at(),
    )
    attach(state, home, pg.OBJECT_TRIGGER, trigger)


_BUILT_IN_TRIGGERS = frozenset(
    [
        "suppress_redundant_updates_trigger",
        "tsvector_update_trigger",
        "tsvector_update_trigger_column",
    ]
)


def _trigger_function(state: State, node: pg.CreateTrigStmt) -> Name:
    parts = strings(node.funcname)
    if len(parts) > 1:
        return Name(parts[-2], parts[-1])
    known = {function.name: function for function in state.functions.values()}
    if parts[-1] in _BUILT_IN_TRIGGERS:
        return Name("pg_catalog", parts[-1])
    return state.visible("", parts[-1], known)


def create_rule(state: State, node: pg.RuleStmt) -> None:
    """CREATE RULE, kept as written."""
    home = state.existing(node.relation)
    attach(state, home, pg.OBJECT_RULE, state.as_written("rule", node.rulename))


def create_policy(state: State, node: pg.CreatePolicyStmt) -> None:
    """CREATE POLICY."""
    draft = state.draft(node.table)
    if node.policy_name in draft.policies:
        raise Unsupported(f"policy {node.policy_name} of {draft.name} exists already")
    draft.policies[node.policy_name] = Policy(
        node.policy_name,
        node.cmd_name or "all",
        node.permissive,
        tuple(role(item.role_spec) for item in node.roles),
        tree.sql(node.qual) if node.HasField("qual") else None,
        tree.sql(node.with_check) if node.HasField("with_check") else None,
        at=state.at(),
    )


def alter_policy(state: State, node: pg.AlterPolicyStmt) -> None:
    """ALTER POLICY."""
    draft = state.draft(node.table)
    policy = draft.policies.get(node.policy_name)
    if policy is None:
        raise Unsupported(f"policy {node.policy_name} of {draft.name} is not known")
    if node.roles:
        policy = replace(policy, roles=tuple(role(item.role_spec) for item in node.roles))
    if node.HasField("qual"):
        policy = replace(policy, using=tree.sql(node.qual))
    if node.HasField("with_check"):
        policy = replace(policy, check=tree.sql(node.with_check))
    draft.policies[policy.name] = policy
