"""PostgreSQL's sequences as text, those that `serial` makes, and the names that are taken."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from ..model import Column, Key, Name, NotNull, Schema, Sequence, SequenceOptions, Table
from .nodes import made_name
from .text import qualified


def sequence_options(given: SequenceOptions) -> str:
    """The options of a sequence that are not the defaults of its type and direction."""
    plain = default_options(given.type, given.increment)
    words = [f"AS {given.type}"] if given.type != "bigint" else []
    for text, value, default in (
        ("INCREMENT BY", given.increment, 1),
        ("MINVALUE", given.minimum, plain.minimum),
        ("MAXVALUE", given.maximum, plain.maximum),
        ("START WITH", given.start, given.minimum if given.increment > 0 else given.maximum),
        ("CACHE", given.cache, 1),
    ):
        if value != default:
            words.append(f"{text} {value}")
    return " ".join([*words, "CYCLE"] if given.cycle else words)


def create_sequence(sequence: Sequence) -> str:
    """CREATE SEQUENCE, without its owner."""
    kind = "" if sequence.persistence == "permanent" else sequence.persistence.upper() + " "
    given = sequence_options(sequence.options)
    return f"CREATE {kind}SEQUENCE {qualified(sequence.name)} {given}".rstrip()


def other_identities(table: Table) -> Iterator[str]:
    """Sequences of another type than their column, as LIKE … INCLUDING IDENTITY makes them."""
    for column in table.columns.values():
        if not column.identity or (column.inherited and table.partition_of):
            continue
        given = column.identity.options
        if given.type != column.type.name:
            bounds = f"MINVALUE {given.minimum} MAXVALUE {given.maximum}"
            yield f"ALTER SEQUENCE {qualified(column.identity.sequence)} AS {given.type} {bounds}"


def default_options(type: str, increment: int = 1) -> SequenceOptions:
    """What CREATE SEQUENCE fills in for a type and a direction."""
    top = 2 ** {"smallint": 15, "integer": 31}.get(type, 63) - 1
    low, high = (1, top) if increment > 0 else (-top - 1, -1)
    start = low if increment > 0 else high
    return SequenceOptions(type, start, increment, minimum=low, maximum=high)


_SERIAL: Final = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}
NEXTVAL: Final = re.compile(r"nextval\('((?:[^']|'')+)'::regclass\)")


def serials(schema: Schema) -> Iterator[tuple[Name, tuple[Name, str, str]]]:
    """The sequences that `serial` makes exactly like this, with table, column and type.

    Not where another default uses it, too: that table may come first.
    """
    used = Counter(
        match[1]
        for table in schema.tables.values()
        for column in table.columns.values()
        if column.default and (match := NEXTVAL.search(column.default))
    )
    for sequence in schema.sequences.values():
        if not sequence.owned_by:
            continue
        owner, name = sequence.owned_by
        table = schema.tables.get(owner)
        column = table.columns.get(name) if table else None
        if table is None or column is None or column.type.name not in _SERIAL:
            continue
        match = NEXTVAL.fullmatch(column.default or "")
        plain = Column(
            name,
            column.type,
            NotNull(made_name(owner.name, name, "not_null")),
            column.default,
            comment=column.comment,
            statistics=column.statistics,
            options=column.options,
        )
        if (
            match
            and used[match[1]] == 1
            and _same_name(match[1], sequence.name)
            and column == plain
            and not table.foreign
            and not table.of_type
            and not table.partition_of
            and sequence.name == Name(owner.schema, made_name(owner.name, name, "seq"))
            and sequence.options == default_options(column.type.name)
            and sequence.persistence == table.persistence
        ):
            yield sequence.name, (owner, name, _SERIAL[column.type.name])


def _same_name(text: str, name: Name) -> bool:
    """Whether the text of a regclass is the name, with or without its schema."""
    return text.replace('"', "").removeprefix(f"{name.schema}.") == name.name


def taken_names(schema: Schema) -> Iterator[Name]:
    """The names of constraints and relations, as often as they occur; not those of copies."""
    for table in schema.tables.values():
        owner = table.name.schema
        for constraints in (table.keys, table.foreign_keys, table.checks):
            for constraint in constraints.values():
                if isinstance(constraint, Key) or not constraint.inherited:
                    yield Name(owner, constraint.name)
        for names in (table.exclusions, table.indexes):
            yield from (Name(owner, name) for name in names)
        for column in table.columns.values():
            if column.not_null and not column.inherited:
                yield Name(owner, column.not_null.name)
            if column.identity and not (column.inherited and table.partition_of):
                yield column.identity.sequence
    for relation in (schema.tables, schema.views, schema.sequences):
        yield from relation
    for domain in schema.domains.values():
        yield from (Name(domain.name.schema, name) for name in domain.checks)
