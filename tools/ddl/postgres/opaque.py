"""Objects of PostgreSQL that are kept as written: only their kind and name are read.

Names are those of `pg_identify_object`, without the schema `public`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from postgast import pg_query_pb2 as pg

from ..model import Type
from . import tree
from .nodes import role, strings
from .state import State, Unsupported

_SPECIAL = frozenset({"numeric", "bit", "character", "interval", "json", "boolean"})
_NAMED_KINDS = {
    pg.OBJECT_COLLATION: "collation",
    pg.OBJECT_CONVERSION: "conversion",
    pg.OBJECT_TSCONFIGURATION: "text search configuration",
    pg.OBJECT_TSDICTIONARY: "text search dictionary",
    pg.OBJECT_TSPARSER: "text search parser",
    pg.OBJECT_TSTEMPLATE: "text search template",
    pg.OBJECT_STATISTIC_EXT: "statistics",
    pg.OBJECT_TYPE: "type",
    pg.OBJECT_EVENT_TRIGGER: "event trigger",
    pg.OBJECT_PUBLICATION: "publication",
    pg.OBJECT_FDW: "foreign data wrapper",
    pg.OBJECT_FOREIGN_SERVER: "server",
    pg.OBJECT_ACCESS_METHOD: "access method",
    pg.OBJECT_LANGUAGE: "language",
}
_UNQUALIFIED = frozenset(
    {"event trigger", "publication", "foreign data wrapper", "server", "access method", "language"}
)


def identity(state: State, nodes: Iterable[pg.Node], *, schema: bool = True) -> str:
    """A name as `pg_identify_object` prints it, with the schema it is made in."""
    parts = strings(nodes)
    if schema and len(parts) == 1:
        parts = [state.creation_schema(), *parts]
    return ".".join(map(tree.quote, parts[-2:])).removeprefix("public.")


def type_identity(kind: Type) -> str:
    """A type as it is printed fully qualified: `integer`, `pg_catalog.text`, `public.mood`."""
    array = "[]" * kind.array
    if kind.schema:
        return f"{tree.quote(kind.schema)}.{tree.quote(kind.name)}{array}"
    plain = " " in kind.name or kind.name in _SPECIAL or kind.name in _INTEGERS
    return f"{kind.name if plain else f'pg_catalog.{kind.name}'}{array}"


_INTEGERS = frozenset({"integer", "bigint", "smallint", "real"})


def define(state: State, node: pg.DefineStmt) -> None:
    """CREATE AGGREGATE, OPERATOR, COLLATION, TEXT SEARCH …, and TYPE of base or shell type."""
    kind = node.kind
    if kind == pg.OBJECT_AGGREGATE:
        state.put_opaque(
            "aggregate", identity(state, node.defnames) + _aggregate_types(state, node)
        )
    elif kind == pg.OBJECT_OPERATOR:
        given = {item.def_elem.defname: item.def_elem.arg for item in node.definition}
        sides = [_operand(state, given.get(side)) for side in ("leftarg", "rightarg")]
        state.put_opaque("operator", _operator(state, strings(node.defnames), sides))
    elif kind in _NAMED_KINDS:
        state.put_opaque(_NAMED_KINDS[kind], identity(state, node.defnames))
    else:
        raise Unsupported(f"{pg.ObjectType.Name(kind)} is not modelled")


def _aggregate_types(state: State, node: pg.DefineStmt) -> str:
    types = []
    for item in node.definition if node.oldstyle else ():
        if item.def_elem.defname == "basetype":
            types.append(_operand(state, item.def_elem.arg))
    for item in node.args[0].list.items if node.args else ():
        types.append(type_identity(state.type_of(item.function_parameter.arg_type)))
    return f"({','.join(types) or '*'})"


def _operand(state: State, node: pg.Node | None) -> str:
    return type_identity(state.type_of(node.type_name)) if node else "NONE"


def _operator(state: State, parts: list[str], sides: list[str]) -> str:
    schema = parts[-2] if len(parts) > 1 else state.creation_schema()
    return f"{tree.quote(schema)}.{parts[-1]}({','.join(sides)})".removeprefix("public.")


def create_cast(state: State, node: pg.CreateCastStmt) -> None:
    """CREATE CAST."""
    source, target = state.type_of(node.sourcetype), state.type_of(node.targettype)
    state.put_opaque("cast", f"({type_identity(source)} AS {type_identity(target)})")


def create_operator_class(state: State, node: pg.CreateOpClassStmt) -> None:
    """CREATE OPERATOR CLASS; without FAMILY it makes one of its own name."""
    name = f"{identity(state, node.opclassname)} USING {node.amname}"
    state.put_opaque("operator class", name)
    if not node.opfamilyname and ("operator family", name) not in state.opaque:
        state.put_opaque("operator family", name)


def create_operator_family(state: State, node: pg.CreateOpFamilyStmt) -> None:
    """CREATE OPERATOR FAMILY."""
    name = f"{identity(state, node.opfamilyname)} USING {node.amname}"
    state.put_opaque("operator family", name)


def create_statistics(state: State, node: pg.CreateStatsStmt) -> None:
    """CREATE STATISTICS."""
    if node.defnames:
        state.put_opaque("statistics", identity(state, node.defnames))
        return
    table = state.existing(node.relations[0].range_var)
    columns = [item.stats_elem.name or "expr" for item in node.exprs]
    name, number = "", 0
    while not name or ("statistics", name) in state.opaque:
        label = f"stat{number or ''}"
        name = f"{table.schema}.{table.name}_{'_'.join(columns)}_{label}".removeprefix("public.")
        number += 1
    state.put_opaque("statistics", name)


def create_conversion(state: State, node: pg.CreateConversionStmt) -> None:
    """CREATE CONVERSION."""
    state.put_opaque("conversion", identity(state, node.conversion_name))


def create_transform(state: State, node: pg.CreateTransformStmt) -> None:
    """CREATE TRANSFORM."""
    kind = type_identity(state.type_of(node.type_name))
    state.put_opaque("transform", f"for {kind} language {tree.quote(node.lang)}")


def create_user_mapping(state: State, node: pg.CreateUserMappingStmt) -> None:
    """CREATE USER MAPPING."""
    state.put_opaque("user mapping", f"{role(node.user)} on server {node.servername}")


def create_language(state: State, node: pg.CreatePLangStmt) -> None:
    """CREATE LANGUAGE; plpgsql is there from the beginning."""
    if node.plname != "plpgsql":
        state.put_opaque("language", tree.quote(node.plname))


def create_event_trigger(state: State, node: pg.CreateEventTrigStmt) -> None:
    """CREATE EVENT TRIGGER."""
    state.put_opaque("event trigger", tree.quote(node.trigname))


def create_publication(state: State, node: pg.CreatePublicationStmt) -> None:
    """CREATE PUBLICATION."""
    state.put_opaque("publication", tree.quote(node.pubname))


def create_wrapper(state: State, node: pg.CreateFdwStmt) -> None:
    """CREATE FOREIGN DATA WRAPPER."""
    state.put_opaque("foreign data wrapper", tree.quote(node.fdwname))


def create_server(state: State, node: pg.CreateForeignServerStmt) -> None:
    """CREATE SERVER."""
    state.put_opaque("server", tree.quote(node.servername))


def create_access_method(state: State, node: pg.CreateAmStmt) -> None:
    """CREATE ACCESS METHOD."""
    state.put_opaque("access method", tree.quote(node.amname))


_OBJECT_WORDS = {
    pg.OBJECT_TABLE: "tables",
    pg.OBJECT_SEQUENCE: "sequences",
    pg.OBJECT_FUNCTION: "functions",
    pg.OBJECT_ROUTINE: "functions",
    pg.OBJECT_TYPE: "types",
    pg.OBJECT_SCHEMA: "schemas",
}


def default_privileges(state: State, node: pg.AlterDefaultPrivilegesStmt) -> None:
    """ALTER DEFAULT PRIVILEGES: one object for each role, schema and kind, as in the catalog."""
    given = {item.def_elem.defname: item.def_elem.arg.list.items for item in node.options}
    if not given.get("roles"):
        state.default_grants.append((frozenset(strings(given.get("schemas", ()))), node.action))
    roles = [f"role {role(item.role_spec)} " for item in given.get("roles", ())]
    schemas = [f"in schema {tree.quote(name)} " for name in strings(given.get("schemas", ()))]
    kind = _OBJECT_WORDS.get(node.action.objtype, "objects")
    for owner in roles or ["role current_user "]:
        for schema in schemas or [""]:
            state.put_opaque("default privileges", f"for {owner}{schema}on {kind}")


def key_of(state: State, kind: int, node: pg.Node) -> tuple[str, str]:
    """The key in `opaque` of an object that DROP, COMMENT or ALTER names.

    Raises `Unsupported` where there is none.
    """
    found = _named(state, kind, node)
    if found is None or found not in state.opaque:
        words = pg.ObjectType.Name(kind).removeprefix("OBJECT_").lower()
        raise Unsupported(f"this {words} is not known")
    return found


def _named(state: State, kind: int, node: pg.Node) -> tuple[str, str] | None:
    of = node.WhichOneof("node")
    if kind in _NAMED_KINDS:
        word = _NAMED_KINDS[kind]
        if of == "string":
            return word, tree.quote(node.string.sval)
        names = node.type_name.names if of == "type_name" else node.list.items
        return word, identity(state, names, schema=word not in _UNQUALIFIED)
    if kind == pg.OBJECT_AGGREGATE:
        target = node.object_with_args
        types = [type_identity(state.type_of(item.type_name)) for item in target.objargs]
        return "aggregate", f"{identity(state, target.objname)}({','.join(types) or '*'})"
    if kind == pg.OBJECT_OPERATOR:
        target = node.object_with_args
        sides = [
            type_identity(state.type_of(item.type_name))
            if item.WhichOneof("node") == "type_name"
            else "NONE"
            for item in target.objargs
        ]
        return "operator", _operator(state, strings(target.objname), sides)
    if kind in (pg.OBJECT_OPCLASS, pg.OBJECT_OPFAMILY):
        method, *names = node.list.items
        word = "operator class" if kind == pg.OBJECT_OPCLASS else "operator family"
        return word, f"{identity(state, names)} USING {method.string.sval}"
    if kind == pg.OBJECT_CAST:
        source, target_type = (state.type_of(item.type_name) for item in node.list.items)
        return "cast", f"({type_identity(source)} AS {type_identity(target_type)})"
    if kind == pg.OBJECT_TRANSFORM:
        item, language = node.list.items
        named = type_identity(state.type_of(item.type_name))
        return "transform", f"for {named} language {tree.quote(language.string.sval)}"
    return None


def keep_alteration(state: State, key: tuple[str, str]) -> None:
    """Append the statement at hand to what is kept of an object."""
    old = state.opaque[key]
    new = state.as_written(*key)
    text = new.sql
    if new.path != old.path:
        path = ", ".join(map(tree.quote, new.path or ("public",)))
        back = ", ".join(map(tree.quote, old.path or ("public",)))
        text = f"SET search_path TO {path};\n{text};\nSET search_path TO {back}"
    state.opaque[key] = replace(old, sql=f"{old.sql};\n{text}")


def alter_publication(state: State, node: pg.AlterPublicationStmt) -> None:
    """ALTER PUBLICATION."""
    _alter(state, "publication", tree.quote(node.pubname))


def alter_text_search(state: State, node: pg.AlterTSConfigurationStmt) -> None:
    """ALTER TEXT SEARCH CONFIGURATION."""
    _alter(state, "text search configuration", identity(state, node.cfgname))


def alter_dictionary(state: State, node: pg.AlterTSDictionaryStmt) -> None:
    """ALTER TEXT SEARCH DICTIONARY."""
    _alter(state, "text search dictionary", identity(state, node.dictname))


def alter_event_trigger(state: State, node: pg.AlterEventTrigStmt) -> None:
    """ALTER EVENT TRIGGER."""
    _alter(state, "event trigger", tree.quote(node.trigname))


def alter_statistics(state: State, node: pg.AlterStatsStmt) -> None:
    """ALTER STATISTICS."""
    _alter(state, "statistics", identity(state, node.defnames))


def alter_server(state: State, node: pg.AlterForeignServerStmt) -> None:
    """ALTER SERVER."""
    _alter(state, "server", tree.quote(node.servername))


def alter_operator_family(state: State, node: pg.AlterOpFamilyStmt) -> None:
    """ALTER OPERATOR FAMILY."""
    _alter(state, "operator family", f"{identity(state, node.opfamilyname)} USING {node.amname}")


def _alter(state: State, kind: str, name: str) -> None:
    if (kind, name) not in state.opaque:
        raise Unsupported(f"{kind} {name} is not known")
    keep_alteration(state, (kind, name))
