"""What PostgreSQL's trees say: names, types, options, roles, index keys.

Types are named as `format_type` prints them:
https://www.postgresql.org/docs/current/datatype.html
"""

from __future__ import annotations

from collections.abc import Iterable

from postgast import pg_query_pb2 as pg

from ..model import IndexPart, SequenceOptions, Sql, Type
from . import tree
from .opclasses import opclass

MAX_NAME = 63  # bytes of an identifier, NAMEDATALEN - 1

_TYPE_NAMES = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "varchar": "character varying",
    "char": '"char"',
    "varbit": "bit varying",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
}
_BUILT_IN = """
aclitem any anyarray anycompatible anycompatiblearray anycompatiblemultirange
anycompatiblenonarray anycompatiblerange anyelement anyenum anymultirange anynonarray anyrange
bit box bpchar bytea cid cidr circle cstring date datemultirange daterange event_trigger
fdw_handler index_am_handler inet int2vector int4multirange int4range int8multirange int8range
internal interval json jsonb jsonpath language_handler line lseg macaddr macaddr8 money name
numeric nummultirange numrange oid oidvector path pg_lsn pg_node_tree pg_snapshot point polygon
record refcursor regclass regcollation regconfig regdictionary regnamespace regoper regoperator
regproc regprocedure regrole regtype table_am_handler text tid trigger tsm_handler tsmultirange
tsquery tsrange tstzmultirange tstzrange tsvector txid_snapshot unknown uuid void xid xid8 xml
"""
BUILT_IN_TYPES = frozenset(_BUILT_IN.split()) | frozenset(_TYPE_NAMES)
SERIALS = {
    "serial": "integer",
    "serial4": "integer",
    "bigserial": "bigint",
    "serial8": "bigint",
    "smallserial": "smallint",
    "serial2": "smallint",
}
_INTERVALS = {
    1 << 2: "year",
    1 << 1: "month",
    1 << 3: "day",
    1 << 10: "hour",
    1 << 11: "minute",
    1 << 12: "second",
}
_INTEGER_BITS = {"smallint": 15, "integer": 31, "bigint": 63}


def strings(nodes: Iterable[pg.Node]) -> list[str]:
    """The texts of String nodes (a qualified name, a list of columns)."""
    return [node.string.sval for node in nodes]


def data_type(node: pg.TypeName) -> Type:
    """The type a TypeName names; `schema` is as written and empty for PostgreSQL's own.

    `%TYPE` and SETOF are the caller's.
    """
    names = strings(node.names)
    schema = names[-2] if len(names) > 1 else ""
    array = bool(node.array_bounds)
    if len(names) == 1 and names[0] in SERIALS:
        return Type(SERIALS[names[0]], array=array)
    if schema not in ("", "pg_catalog") or names[-1] not in BUILT_IN_TYPES:
        return Type(names[-1], _type_args(node), schema.removeprefix("pg_catalog"), array)
    return _built_in(names[-1], node, array)


def _built_in(name: str, node: pg.TypeName, array: bool) -> Type:
    args = _type_args(node)
    if name == "bpchar" and args:
        name = "character"
    elif name == "numeric" and len(args) == 1:
        args = (args[0], "0")
    elif name == "interval" and args:
        name, args = _interval(args)
    return Type(_TYPE_NAMES.get(name, name), args, array=array)


def _type_args(node: pg.TypeName) -> tuple[str, ...]:
    if not node.typmods:
        return ()
    return tuple(
        item.a_const.sval.sval
        if item.WhichOneof("node") == "a_const" and item.a_const.HasField("sval")
        else str(tree.sql(item))
        for item in node.typmods
    )


def _interval(args: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    mask = int(args[0]) if args[0].isdigit() else 0x7FFF
    fields = [word for bit, word in _INTERVALS.items() if mask & bit]
    if mask == 0x7FFF or not fields:
        return "interval", args[1:]
    span = fields[0] if len(fields) == 1 else f"{fields[0]} to {fields[-1]}"
    return f"interval {span}", args[1:]


def role(node: pg.RoleSpec) -> str:
    """A role's name; `public` and the session's roles as keywords in lower case."""
    if node.roletype == pg.ROLESPEC_CSTRING:
        return str(node.rolename)
    return str(pg.RoleSpecType.Name(node.roletype)).removeprefix("ROLESPEC_").lower()


def option_text(option: pg.DefElem) -> str:
    """The value of an option (`fillfactor = 70`) as the catalog stores it; `true` without one."""
    return value_text(option.arg) if option.HasField("arg") else "true"


def option_value(node: pg.Node) -> str:
    """The text of a plain value."""
    return option_text(pg.DefElem(arg=node)) if node.WhichOneof("node") else ""


def value_text(node: pg.Node) -> str:
    """A constant as plain text, without quotes."""
    kind = node.WhichOneof("node")
    if kind == "string":
        return str(node.string.sval)
    if kind == "integer":
        return str(node.integer.ival)
    if kind == "float":
        return str(node.float.fval)
    if kind == "boolean":
        return "true" if node.boolean.boolval else "false"
    if kind == "type_name":
        return ".".join(strings(node.type_name.names)).removeprefix("pg_catalog.")
    if kind == "list":
        return ", ".join(value_text(item) for item in node.list.items)
    if kind == "a_const":
        constant = node.a_const
        value = constant.WhichOneof("val")
        if value == "sval":
            return str(constant.sval.sval)
        if value == "fval":
            return str(constant.fval.fval)
        if value == "boolval":
            return "true" if constant.boolval.boolval else "false"
        return str(constant.ival.ival) if value else ""
    return str(tree.sql(node)) if kind else ""


def options(nodes: Iterable[pg.Node]) -> dict[str, str]:
    """A WITH (…) or OPTIONS (…) list: name to text, the namespace (`toast.`) in the name."""
    found = {}
    for node in nodes:
        option = node.def_elem
        prefix = f"{option.defnamespace}." if option.defnamespace else ""
        found[prefix + option.defname] = option_text(option)
    return found


def changed_options(old: dict[str, str], nodes: Iterable[pg.Node]) -> dict[str, str]:
    """OPTIONS (ADD …, SET …, DROP …) applied to what is there."""
    new = dict(old)
    for node in nodes:
        option = node.def_elem
        if option.defaction == pg.DEFELEM_DROP:
            new.pop(option.defname, None)
        else:
            new[option.defname] = option_text(option)
    return new


def collation(names: Iterable[pg.Node]) -> str:
    """A collation's name; without schema when it is PostgreSQL's own or of `public`."""
    parts = strings(names)
    if len(parts) > 1 and parts[-2] not in ("pg_catalog", "public"):
        return f"{parts[-2]}.{parts[-1]}"
    return "" if parts[-1:] == ["default"] else (parts[-1] if parts else "")


def sequence_options(
    nodes: Iterable[pg.Node], old: SequenceOptions | None = None, kind: str = "bigint"
) -> SequenceOptions:
    """The options of CREATE SEQUENCE or, with `old`, of ALTER SEQUENCE.

    https://www.postgresql.org/docs/current/sql-createsequence.html (init_params in sequence.c):
    bounds that the type gave follow a change of the type.
    """
    given = {node.def_elem.defname: node.def_elem for node in nodes}
    if "as" in given:
        kind = data_type(given["as"].arg.type_name).name
    elif old:
        kind = old.type
    base = old or SequenceOptions(type=kind)
    increment = _number(given, "increment", base.increment)
    low, high = bounds(kind, increment)
    minimum, maximum = base.minimum, base.maximum
    if old is None:
        minimum, maximum = low, high
    elif kind != old.type:
        old_floor, old_ceiling = _limits(old.type)
        minimum = low if minimum == old_floor else minimum
        maximum = high if maximum == old_ceiling else maximum
    minimum = _bound(given, "minvalue", minimum, low)
    maximum = _bound(given, "maxvalue", maximum, high)
    start = base.start if old else (minimum if increment > 0 else maximum)
    cycle = option_text(given["cycle"]) == "true" if "cycle" in given else base.cycle
    return SequenceOptions(
        kind,
        _number(given, "start", start),
        increment,
        minimum,
        maximum,
        _number(given, "cache", base.cache),
        cycle,
    )


def bounds(kind: str, increment: int) -> tuple[int, int]:
    """The default minimum and maximum of a sequence."""
    low, high = _limits(kind)
    return (1, high) if increment > 0 else (low, -1)


def _limits(kind: str) -> tuple[int, int]:
    bits = _INTEGER_BITS.get(kind, 63)
    return -(2**bits), 2**bits - 1


def _number(given: dict[str, pg.DefElem], name: str, default: int) -> int:
    if name not in given or not given[name].HasField("arg"):
        return default
    text = option_text(given[name])
    return int(text) if text.lstrip("-").isdigit() else default


def _bound(given: dict[str, pg.DefElem], name: str, kept: int, default: int) -> int:
    if name not in given:
        return kept
    return _number(given, name, default)  # NO MINVALUE has no argument


def index_part(element: pg.IndexElem, method: str, operator: str = "") -> IndexPart:
    """A key of an index or of an exclusion constraint."""
    descending = element.ordering == pg.SORTBY_DESC
    nulls_first = descending
    if element.nulls_ordering != pg.SORTBY_NULLS_DEFAULT:
        nulls_first = element.nulls_ordering == pg.SORTBY_NULLS_FIRST
    opclass_options = options(element.opclassopts)
    return IndexPart(
        Sql(element.name) if element.name else tree.sql(element.expr),
        is_column=bool(element.name),
        descending=descending,
        nulls_first=nulls_first,
        opclass=opclass(element.opclass, "" if opclass_options else method),
        opclass_options=opclass_options,
        collation=collation(element.collation),
        operator=operator,
    )


def index_name_of(element: pg.IndexElem) -> str:
    """What a key contributes to the name of its index (FigureIndexColname)."""
    return element.name or expression_name(element.expr) or "expr"


def expression_name(node: pg.Node) -> str:
    """The name PostgreSQL gives to an expression; empty for `?column?` (FigureColname)."""
    return _expression_name(node)[0]


def _expression_name(node: pg.Node) -> tuple[str, int]:
    """The name and how sure it is: 0 none, 1 a cast's type, 2 a real one."""
    kind = node.WhichOneof("node") or ""
    if kind == "column_ref":
        fields = [field.string.sval for field in node.column_ref.fields if field.HasField("string")]
        return (fields[-1], 2) if fields else ("", 0)
    if kind == "a_indirection":
        fields = [
            item.string.sval for item in node.a_indirection.indirection if item.HasField("string")
        ]
        return (fields[-1], 2) if fields else _expression_name(node.a_indirection.arg)
    if kind == "func_call":
        return node.func_call.funcname[-1].string.sval, 2
    if kind == "type_cast":
        name, strength = _expression_name(node.type_cast.arg)
        if strength > 1 or not node.type_cast.type_name.names:
            return name, strength
        return node.type_cast.type_name.names[-1].string.sval, 1
    if kind == "collate_clause":
        return _expression_name(node.collate_clause.arg)
    if kind == "case_expr":
        name, strength = _expression_name(node.case_expr.defresult)
        return ("case", 1) if strength <= 1 else (name, strength)
    if kind == "a_expr" and node.a_expr.kind == pg.AEXPR_NULLIF:
        return "nullif", 2
    if kind == "min_max_expr":
        return ("greatest" if node.min_max_expr.op == pg.IS_GREATEST else "least"), 2
    if kind == "sqlvalue_function":
        name = pg.SQLValueFunctionOp.Name(node.sqlvalue_function.op).removeprefix("SVFOP_").lower()
        return name.removesuffix("_n"), 2
    return _FIXED_NAMES.get(kind, ("", 0))


_FIXED_NAMES = {
    "coalesce_expr": ("coalesce", 2),
    "a_array_expr": ("array", 2),
    "row_expr": ("row", 2),
    "grouping_func": ("grouping", 2),
    "xml_expr": ("xml", 2),
    "xml_serialize": ("xmlserialize", 2),
    "json_object_constructor": ("json_object", 2),
    "json_array_constructor": ("json_array", 2),
}


def partition_bound(bound: pg.PartitionBoundSpec) -> Sql:
    """The bound of a partition: `FOR VALUES …` or `DEFAULT`."""
    if bound.is_default:
        return Sql("DEFAULT")
    if bound.strategy == "h":
        return Sql(f"FOR VALUES WITH (modulus {bound.modulus}, remainder {bound.remainder})")
    if bound.strategy == "l":
        return Sql(f"FOR VALUES IN ({', '.join(map(tree.sql, bound.listdatums))})")
    low, high = _datums(bound.lowerdatums), _datums(bound.upperdatums)
    return Sql(f"FOR VALUES FROM ({low}) TO ({high})")


def _datums(nodes: Iterable[pg.Node]) -> str:
    texts = []
    for node in nodes:
        text = str(tree.sql(node))
        texts.append(text.upper() if text in ("minvalue", "maxvalue") else text)
    return ", ".join(texts)


def made_name(first: str, second: str, label: str) -> str:
    """`first_second_label`, the longer of the first two cut to fit (makeObjectName)."""
    whole = "_".join([first, second, label] if second else [first, label])
    if len(whole.encode()) <= MAX_NAME:
        return whole
    head, tail = first.encode(), second.encode()
    room = MAX_NAME - (len(label.encode()) + 1) - (1 if second else 0)
    head_size, tail_size = len(head), len(tail)
    while head_size + tail_size > room:
        if head_size > tail_size:
            head_size -= 1
        else:
            tail_size -= 1
    parts = [head[:head_size].decode(errors="ignore")]
    if second:
        parts.append(tail[:tail_size].decode(errors="ignore"))
    return "_".join([*parts, label])
