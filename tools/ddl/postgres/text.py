"""Pieces of PostgreSQL's syntax: names, types, literals, lists, expressions, default names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from ...engines.limits import quote
from ..model import Column, Dialect, IndexPart, Name, Type
from ..types import Family, family


def ident(name: str) -> str:
    """An identifier, in quotes only where needed."""
    return quote("postgres", name)


def idents(names: Iterable[str]) -> str:
    """Identifiers in a list."""
    return ", ".join(map(ident, names))


def qualified(name: Name) -> str:
    """A name without `public` where the search path finds the same object.

    `pg_catalog` is searched first, so what may be there keeps its schema.
    """
    hidden = name.name.startswith("pg_") or is_builtin(name.name)
    if name.schema == "" or (name.schema == "public" and not hidden):
        return ident(name.name)
    return f"{ident(name.schema)}.{ident(name.name)}"


def is_builtin(name: str) -> bool:
    """Whether `pg_catalog` has a type of this name."""
    return family(Type(name), Dialect.POSTGRES) is not Family.USER and not _ADDED.fullmatch(name)


_ADDED: Final = re.compile(  # by extensions
    "citext|hstore|geometry|geography|raster|cube|(half|sparse)?vec(tor)?|l(tree|query|txtquery)"
    "|isn|seg"
)


def type_text(type: Type) -> str:
    """A type as written in a column definition."""
    if type.schema in ("", "pg_catalog") and (is_builtin(type.name) or " " in type.name):
        return str(Type(type.name, type.args, array=type.array))
    args = f"({', '.join(type.args)})" if type.args else ""
    return qualified(Name(type.schema, type.name)) + args + "[]" * type.array


def literal(text: str) -> str:
    """A string constant."""
    escaped = text.replace("'", "''")
    return f" E'{escaped}'".replace("\\", "\\\\").strip() if "\\" in text else f"'{escaped}'"


def dollar_quoted(text: str) -> str:
    """A function's body between dollar signs, with a tag that does not occur in it."""
    tag, number = "$$", 0
    while tag in text or text.endswith("$"):
        number += 1
        tag = f"$body{number}$"
        if tag not in text:
            break
    return f"{tag}{text}{tag}"


def options(values: Mapping[str, str]) -> str:
    """Storage parameters: `(fillfactor = 70)`."""
    return f"({', '.join(f'{_option(key)} = {_value(value)}' for key, value in values.items())})"


def generic_options(values: Mapping[str, str]) -> str:
    """Options of foreign tables: `OPTIONS (schema_name 'x')`."""
    return f"OPTIONS ({', '.join(f'{ident(key)} {literal(v)}' for key, v in values.items())})"


def _option(name: str) -> str:
    return ".".join(map(ident, name.split(".")))  # toast.autovacuum_enabled


def _value(value: str) -> str:
    return value if re.fullmatch(r"-?\d+(\.\d+)?|true|false|on|off", value) else literal(value)


def enclosed(expression: str) -> bool:
    """Whether the first parenthesis closes at the very end."""
    return expression.startswith("(") and _closes(expression, 0)


def is_call(expression: str) -> bool:
    """Whether the expression is a call of a function and nothing else."""
    head = re.match(r'(?:[\w$]+|"(?:[^"]|"")+")(?:\.(?:[\w$]+|"(?:[^"]|"")+"))?\(', expression)
    return head is not None and _closes(expression, head.end() - 1)


_TOKEN: Final = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[()]")


def _closes(expression: str, opening: int) -> bool:
    depth = 0
    for token in _TOKEN.finditer(expression, opening):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0:
            return token.end() == len(expression)
    return False


def parenthesised(expression: str) -> str:
    """The expression in one pair of parentheses."""
    return expression if enclosed(expression) else f"({expression})"


def default_text(expression: str) -> str:
    """An expression behind DEFAULT, in parentheses unless the grammar surely needs none."""
    bare = _SIMPLE.fullmatch(expression) or is_call(expression)
    return expression if bare else parenthesised(expression)


_SIMPLE: Final = re.compile(
    r"""(?: -?[\d.]+(?:[eE][+-]?\d+)? | '(?:[^'\\]|'')*' | TRUE | FALSE | NULL
    | CURRENT_\w+ | LOCALTIME\w* | SESSION_USER | USER )
    (?:::[\w ."]+(?:\([\d, ]+\))?(?:\[\])?)?""",
    re.I | re.X,
)


def index_part(part: IndexPart, collation: str = "") -> str:
    """A key of an index, of an exclusion constraint or of PARTITION BY; defaults left out."""
    if part.is_column:
        words = [ident(part.expression)]
    else:
        sql = str(part.expression)
        words = [sql if is_call(sql) else parenthesised(sql)]
    if part.collation:
        words.append(f"COLLATE {collation or ident(part.collation)}")
    if part.opclass:
        settings = options(part.opclass_options) if part.opclass_options else ""
        words.append(qualified(split_name(part.opclass)) + settings)
    if part.descending:
        words.append("DESC")
    if part.nulls_first != part.descending:
        words.append("NULLS FIRST" if part.nulls_first else "NULLS LAST")
    if part.operator:
        words.append(f"WITH {part.operator}")
    return " ".join(words)


def split_name(text: str) -> Name:
    """`schema.name` or `name` as a name."""
    schema, _, name = text.rpartition(".")
    return Name(schema, name)


def generated_text(column: Column) -> str:
    """GENERATED ALWAYS AS (…) of a generated column."""
    if column.generated is None:
        return ""
    kind = "STORED" if column.generated.stored else "VIRTUAL"
    return f"GENERATED ALWAYS AS {parenthesised(column.generated.expression)} {kind}"


def period(columns: tuple[str, ...]) -> str:
    """Columns of a temporal foreign key; the last is the period."""
    return f"{idents(columns[:-1])}, PERIOD {ident(columns[-1])}"


def deferrable(value: str) -> list[str]:
    """When a constraint is checked."""
    return {"": [], "deferrable": ["DEFERRABLE"]}.get(value, ["DEFERRABLE INITIALLY DEFERRED"])
