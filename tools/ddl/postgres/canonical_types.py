"""The types of PostgreSQL expressions, as far as they can be told without a catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from postgast import pg_query_pb2 as pg

from ..model import Type
from .canonical_values import INTEGERS, TEXTS, kind_of, number
from .nodes import data_type

Columns: TypeAlias = Mapping[str, Type | None]
Resolver: TypeAlias = Callable[[str, str], Columns | None]

COMPARISONS: Final = frozenset({"=", "<>", "<", ">", "<=", ">="})
MOMENTS: Final = ("date", "timestamp", "timestamptz")
BOOLEAN: Final = Type("boolean")
TEXT: Final = Type("text")
INTEGER: Final = Type("integer")
BIGINT: Final = Type("bigint")
NUMERIC: Final = Type("numeric")
INTERVAL: Final = Type("interval")
BITS: Final = Type("bit")
DOUBLE: Final = Type("double precision")
DATE: Final = Type("date")
JSONB: Final = Type("jsonb")
LOCAL: Final = Type("timestamp without time zone")
MOMENT: Final = Type("timestamp with time zone")


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


# Results that do not depend on the arguments, and those that are of the first one's type.
_RETURNS: Final = {
    name: type
    for type, names in (
        (
            TEXT,
            "lower upper initcap btrim ltrim rtrim substring substr replace concat concat_ws left"
            " right md5 to_char split_part regexp_replace lpad rpad translate repeat reverse format"
            " overlay string_agg quote_ident quote_literal current_setting jsonb_typeof"
            " json_typeof jsonb_extract_path_text array_to_string",
        ),
        (
            INTEGER,
            "length char_length character_length octet_length bit_length position strpos ascii"
            " cardinality array_length array_position jsonb_array_length json_array_length"
            " num_nonnulls num_nulls",
        ),
        (BIGINT, "count row_number rank dense_rank nextval"),
        (MOMENT, "now clock_timestamp statement_timestamp transaction_timestamp to_timestamp"),
        (NUMERIC, "extract"),
        (DOUBLE, "date_part random"),
        (Type("uuid"), "gen_random_uuid"),
    )
    for name in names.split()
}
_SAME: Final = words("min max abs lag lead first_value last_value any_value")
_VALUES: Final = {
    pg.SVFOP_CURRENT_DATE: Type("date"),
    pg.SVFOP_CURRENT_TIMESTAMP: MOMENT,
    pg.SVFOP_LOCALTIMESTAMP: LOCAL,
}


class Types:
    """Tells types; `columns` are those of the table an expression belongs to."""

    def __init__(self, columns: Columns | None, relations: Resolver | None) -> None:
        self.columns = columns
        self.relations = relations

    def column_type(self, node: pg.ColumnRef) -> Type | None:
        """The type of a column of the table."""
        last = node.fields[-1]
        if self.columns is None or not last.HasField("string"):
            return None
        return self.columns.get(last.string.sval)

    def type_of(self, node: pg.Node | None) -> Type | None:
        """The type of an expression; None when it is not known."""
        if node is None:
            return None
        kind = node.WhichOneof("node")
        if kind == "column_ref":
            return self.column_type(node.column_ref)
        if kind == "type_cast":
            return data_type(node.type_cast.type_name)
        if kind == "a_const":
            return constant_type(node.a_const)
        if kind == "func_call":
            return self._type_of_call(node.func_call)
        if kind == "sqlvalue_function":
            return _VALUES.get(node.sqlvalue_function.op)
        if kind in ("bool_expr", "null_test", "boolean_test"):
            return BOOLEAN
        if kind == "coalesce_expr":
            return self._first_type(node.coalesce_expr.args)
        if kind == "collate_clause":
            return self.type_of(node.collate_clause.arg)
        if kind == "min_max_expr":
            return self._first_type(node.min_max_expr.args)
        if kind == "case_expr":
            results = [when.case_when.result for when in node.case_expr.args]
            return self._first_type([*results, node.case_expr.defresult])
        if kind == "a_expr":
            return self._type_of_operation(node.a_expr)
        if kind == "a_indirection":
            return self._type_of_element(node.a_indirection)
        if kind == "a_array_expr":
            element = self._first_type(node.a_array_expr.elements)
            return Type(element.name, schema=element.schema, array=True) if element else None
        return None

    def _type_of_element(self, node: pg.A_Indirection) -> Type | None:
        of = self.type_of(node.arg)
        steps = [step.a_indices for step in node.indirection if step.HasField("a_indices")]
        if of is None or len(steps) < len(node.indirection):
            return None
        if of.array and not any(step.is_slice for step in steps):
            return Type(of.name, of.args, of.schema)
        return of if of.array or of.name == "jsonb" else None

    def _type_of_call(self, node: pg.FuncCall) -> Type | None:
        name = node.funcname[-1].string.sval
        if name in ("sum", "avg", *_SAME) and node.args:
            of = self.type_of(node.args[0])
            integer = of is not None and of.name in INTEGERS
            if of is None or name in _SAME or (name == "sum" and not integer):
                return of
            return BIGINT if name == "sum" and of.name != "bigint" else NUMERIC
        if name == "date_trunc" and len(node.args) > 1:
            of = self.type_of(node.args[1])
            return MOMENT if of is not None and of.name == "date" else of
        if name == "timezone" and len(node.args) > 1:
            of = self.type_of(node.args[1])
            local = of is not None and kind_of(of) == "timestamptz"
            return LOCAL if local else (MOMENT if of else None)
        return _RETURNS.get(name)

    def _first_type(self, nodes: Iterable[pg.Node]) -> Type | None:
        found = [kind for node in nodes if not _is_literal(node) and (kind := self.type_of(node))]
        return found[0] if found else None

    def _type_of_operation(self, node: pg.A_Expr) -> Type | None:
        operator = node.name[-1].string.sval if node.name else ""
        if node.kind == pg.AEXPR_NULLIF:
            return self.type_of(node.lexpr)
        if node.kind != pg.AEXPR_OP or operator in COMPARISONS or operator.startswith(("~", "!~")):
            return BOOLEAN
        if operator in ("->>", "#>>", "||"):
            return TEXT if operator != "||" or self._is_text(node) else None
        if operator in ("+", "-", "*", "/", "%", "^"):
            if moment := self._moment_type(node, operator):
                return moment
            if INTERVAL in (self.type_of(node.lexpr), self.type_of(node.rexpr)):
                return INTERVAL
            sides = [self.type_of(s) for s in (node.lexpr, node.rexpr) if s.WhichOneof("node")]
            order = [*INTEGERS, "numeric", "double"]
            kinds = [kind_of(side) for side in sides if side]
            if operator == "^" and len(kinds) == len(sides) and "numeric" not in kinds:
                return DOUBLE
            if "real" in kinds and len(kinds) == len(sides):
                return DOUBLE if {*kinds} != {"real"} else sides[0]
            if len(kinds) == len(sides) and all(kind in order for kind in kinds):
                return max((s for s in sides if s), key=lambda side: order.index(kind_of(side)))
        return None

    def _moment_type(self, node: pg.A_Expr, operator: str) -> Type | None:
        """Dates and times plus or minus something."""
        one, two = self.type_of(node.lexpr), self.type_of(node.rexpr)
        kinds = (kind_of(one) if one else "", kind_of(two) if two else "")
        if kinds[0] in MOMENTS and kinds[1] in MOMENTS:
            return INTEGER if kinds == ("date", "date") else INTERVAL
        for kind, moment, other in ((kinds[0], one, kinds[1]), (kinds[1], two, kinds[0])):
            if kind in MOMENTS and other.startswith(("interval", "time")):
                return LOCAL if kind == "date" else moment
            if kind == "date" and other in INTEGERS:
                return moment
        return None

    def _is_text(self, node: pg.A_Expr) -> bool:
        kinds = [self.type_of(side) for side in (node.lexpr, node.rexpr)]
        return any(kind is not None and kind.name in TEXTS and not kind.array for kind in kinds)


def operator_name(names: Sequence[pg.Node]) -> str:
    """An operator without the schema that is searched anyway."""
    parts = [name.string.sval for name in names]
    if len(parts) > 1 and parts[0] in ("pg_catalog", "public"):
        parts = parts[1:]
    return ".".join(parts)


def is_constant(node: pg.Node) -> bool:
    """Whether it is a constant without a cast."""
    return bool(node.HasField("a_const"))


def negated(node: pg.Node) -> pg.Node | None:
    """The number behind a minus."""
    if not node.HasField("a_expr") or node.a_expr.kind != pg.AEXPR_OP:
        return None
    operation = node.a_expr
    if operation.lexpr.WhichOneof("node") or operator_name(operation.name) != "-":
        return None
    return operation.rexpr if is_constant(operation.rexpr) else None


def constant_type(node: pg.A_Const) -> Type | None:
    """The type of a constant; None for strings, which have none yet."""
    kind = node.WhichOneof("val")
    if kind == "ival":
        return INTEGER
    if kind == "fval":
        return BIGINT if number(node.fval.fval).isdigit() else NUMERIC
    if kind == "bsval":
        return BITS
    return BOOLEAN if kind == "boolval" else None


def _is_literal(node: pg.Node) -> bool:
    """Whether it is a constant, cast or not."""
    while node.HasField("type_cast"):
        node = node.type_cast.arg
    return is_constant(node) or negated(node) is not None
