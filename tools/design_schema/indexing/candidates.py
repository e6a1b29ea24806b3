"""Indexes that access patterns might use: equality first, then a range or the order.

https://use-the-index-luke.com/sql/where-clause and
https://www.postgresql.org/docs/current/indexes.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ...ddl.model import Dialect, Index, IndexPart, Sql, Table
from ...engines.limits import quote
from ..logical.model import PERIODS
from ..physical.blueprint import Blueprint
from ..physical.code import short
from ..physical.tables import any_case
from ..physical.types import longest
from .conditions import LANGUAGE, Condition, Place, constant
from .imagined import Imagined
from .statements import Sorted, Statement
from .widths import width_of

MAX_PARTS: Final = 5
MAX_INCLUDED: Final = 4
MAX_WIDTH: Final = 96  # bytes of what an index has beside its key
MOST_OF_ROW: Final = 0.3  # an index of more than that is another table
MAX_PREFIX: Final = 255  # characters of a text that MySQL indexes whole
PREFIX: Final = 100
BIG: Final = 1_000_000  # rows from which a block range index is worth a thought
_MYSQLS: Final = (Dialect.MYSQL, Dialect.MARIADB)
_TEXTS: Final = ("text", "email", "url")


@dataclass(frozen=True, slots=True)
class Proposed:
    """An index that some patterns might use; `share` of the table's rows are in it."""

    relation: str
    index: Index
    patterns: frozenset[str]
    share: float = 1.0
    extension: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns, an expression as its text."""
        return tuple(str(part.expression) for part in self.index.parts)

    @property
    def lead(self) -> frozenset[str]:
        """The first columns, by which a pattern might find rows."""
        return frozenset(self.columns[:2])


def candidates(
    blueprint: Blueprint, statements: Sequence[Statement], model: Imagined
) -> tuple[Proposed, ...]:
    """The indexes worth a try, each once; none that a key or another index is already."""
    found: dict[tuple[object, ...], Proposed] = {}
    for statement in statements:
        if statement.pattern.kind == "insert":
            continue
        for each in _Proposals(blueprint, statement, model).every():
            if _is_there(blueprint.table(each.relation), each.index):
                continue
            same = (
                each.relation, each.index.method, each.columns, each.index.include,
                each.index.where, tuple(part.descending for part in each.index.parts),
            )  # fmt: skip
            before = found.get(same)
            patterns = each.patterns | (before.patterns if before else frozenset())
            found[same] = replace(each, patterns=patterns)
    return tuple(_named(blueprint, list(found.values())))


def _named(blueprint: Blueprint, proposals: Sequence[Proposed]) -> Iterator[Proposed]:
    """With names of which none is taken."""
    taken = {name for table in blueprint.schema.tables.values() for name in table.indexes}
    taken |= {name for table in blueprint.schema.tables.values() for name in table.keys}
    for each in proposals:
        words = [_word(part) for part in each.index.parts]
        stem = "_".join((each.relation, *words))
        kinds = {"btree": "idx", "brin": "brin"}
        ending = kinds.get(each.index.method, each.index.method)
        ending = f"{'covering_' * bool(each.index.include)}{ending}"
        ending = f"{'partial_' * bool(each.index.where)}{ending}"
        name, number = f"{short(stem, len(ending) + 1)}_{ending}", 2
        while name in taken:
            mark = f"{ending}{number}"
            name, number = f"{short(stem, len(mark) + 1)}_{mark}", number + 1
        taken.add(name)
        yield replace(each, index=replace(each.index, name=name))


def _word(part: IndexPart) -> str:
    """What a part is called in a name: its column."""
    text = str(part.expression)
    inner = text[text.rfind("(") + 1 :].rstrip(")") if not part.is_column else text
    return inner.rpartition(",")[2].strip().strip('"`')


def _is_there(table: Table, index: Index) -> bool:
    """Whether a key or an index of the design begins with the same columns, for all rows."""
    if index.method != "btree" or index.where or index.include:
        return False
    wanted = tuple((str(p.expression), p.descending) for p in index.parts)
    for key in table.keys.values():
        if wanted == tuple((column, False) for column in key.columns[: len(wanted)]):
            return True
    for other in table.indexes.values():
        parts = tuple((str(p.expression), p.descending) for p in other.parts[: len(wanted)])
        if parts == wanted and other.where is None and other.method == "btree":
            return True
    return False


class _Proposals:
    """The indexes that one statement asks for."""

    def __init__(self, blueprint: Blueprint, statement: Statement, model: Imagined) -> None:
        self.blueprint, self.statement, self.model = blueprint, statement, model
        self.dialect = blueprint.dialect
        self.patterns = frozenset({statement.pattern.name})

    def every(self) -> Iterator[Proposed]:
        """For each of its tables."""
        places = [each.place for each in self.statement.conditions]
        places += [each.place for each in self.statement.sort]
        places += [place for pair in self.statement.links for place in pair]
        for alias, relation in {place.alias: place.relation for place in places}.items():
            yield from self._of(alias, relation)

    def _of(self, alias: str, relation: str) -> Iterator[Proposed]:
        own = [c for c in self.statement.conditions if c.place.alias == alias]
        linked = [p for pair in self.statement.links for p in pair if p.alias == alias]
        equal = [c.place for c in own if c.is_equality and not c.is_tenant]
        tenants = [c.place for c in own if c.is_tenant]
        ranges = [c.place for c in own if c.is_range]
        sort = list(self.statement.sort)
        if any(each.place.alias != alias for each in sort):
            sort = []
        fixed = [c for c in own if c.value is not None and c.is_equality]
        gone = [c for c in own if c.operator == "is null" and c.place.field.role == "deleted_at"]
        given = _once([*tenants, *equal])
        yield from self._ordered(relation, given, ranges, sort)
        if linked:
            yield from self._ordered(relation, _once([*tenants, *linked, *equal]), ranges, [])
        if self.dialect not in _MYSQLS and (fixed or gone):
            constants = {c.place for c in fixed}
            rest = [place for place in given if place not in constants]
            where = self._where([*fixed, *gone])
            share = self._share(relation, [*fixed, *gone])
            for each in self._ordered(relation, rest, ranges, sort):
                yield replace(each, index=replace(each.index, where=where), share=share)
        yield from self._special(relation, own)

    def _ordered(
        self, relation: str, given: list[Place], ranges: list[Place], sort: list[Sorted]
    ) -> Iterator[Proposed]:
        """Ordered indexes: the given columns, then a range or the order; what is read with it."""
        heads = [[self._part(place) for place in given]]
        mixed = len({each.descending for each in sort}) > 1
        order = [
            self._part(each.place, descending=mixed and each.descending)
            for each in sort
            if each.place not in given
        ]
        tails: list[list[IndexPart]] = [order] if order else []
        tails += [[self._part(place)] for place in ranges[:1]]
        if not tails:
            tails = [[]]
        for tail in tails:
            for head in heads:
                parts = _parts(head, tail)
                if not parts or len(parts) > MAX_PARTS:
                    continue
                made = Index("", tuple(parts))
                yield Proposed(relation, made, self.patterns)
                if included := self._included(relation, parts):
                    yield Proposed(relation, replace(made, include=included), self.patterns)

    def _part(self, place: Place, *, descending: bool = False) -> IndexPart:
        column = place.field.columns(self.dialect)[0]
        said = place.field.type
        if self.dialect is Dialect.POSTGRES and any_case(place.field):
            text = Sql(f"lower({quote(self.dialect, column)})")
            return IndexPart(text, False, descending, descending)
        length = None
        if self.dialect in _MYSQLS and said.type in _TEXTS:
            length = PREFIX if (longest(said) or 10**9) > MAX_PREFIX else None
        nulls_first = descending and self.dialect is Dialect.POSTGRES
        return IndexPart(Sql(column), True, descending, nulls_first, length=length)

    def _included(self, relation: str, parts: Sequence[IndexPart]) -> tuple[str, ...]:
        """The other columns that the statement reads, when an index alone can answer it."""
        if self.dialect is not Dialect.POSTGRES or not all(part.is_column for part in parts):
            return ()
        own = {str(part.expression) for part in parts}
        more = sorted(self.statement.reads.get(relation, frozenset()) - own)
        fields = self.blueprint.logical.relations[relation].fields
        width = sum(width_of(fields[name].type) for name in more if name in fields)
        if self.statement.pattern.kind != "read" or len(more) > MAX_INCLUDED:
            return ()
        row = sum(width_of(field.type) for field in fields.values())
        return tuple(more) if width <= min(MAX_WIDTH, row * MOST_OF_ROW) else ()

    def _where(self, fixed: Sequence[Condition]) -> Sql:
        terms = []
        for each in fixed:
            name = quote(self.dialect, each.place.field.columns(self.dialect)[0])
            if each.value is None:
                terms.append(f"{name} IS NULL")
                continue
            values = [constant(value, self.dialect) for value in each.value]
            one = f"{name} = {values[0]}"
            terms.append(one if len(values) == 1 else f"{name} IN ({', '.join(values)})")
        return Sql(" AND ".join(terms))

    def _share(self, relation: str, fixed: Sequence[Condition]) -> float:
        """The share of the rows for which the constants hold."""
        share = 1.0
        of = self.blueprint.logical.relations[relation]
        for each in fixed:
            known = self.model.field(of, each.place.field)
            if each.value is None:
                share *= known.nulls
                continue
            common = dict(known.common)
            rows = self.model.rows(of)
            usual = (1 - known.nulls) / known.different(rows)
            words = [str(v).lower() if isinstance(v, bool) else str(v) for v in each.value]
            share *= min(1.0, sum(common.get(word, usual) for word in words))
        return share

    def _special(self, relation: str, own: Sequence[Condition]) -> Iterator[Proposed]:
        """Where an order does not help: words, parts of text, lists, periods, blocks by time."""
        for each in own:
            made = self._inverted(each) if self.dialect is Dialect.POSTGRES else self._words(each)
            if made:
                index, extension = made
                yield Proposed(relation, index, self.patterns, 1.0, extension)
            if self._is_by_time(relation, each):
                column = IndexPart(Sql(each.place.field.name))
                yield Proposed(relation, Index("", (column,), method="brin"), self.patterns)

    def _is_by_time(self, relation: str, each: Condition) -> bool:
        of = self.blueprint.logical.relations[relation]
        follows = self.model.field(of, each.place.field).correlation
        big = self.model.rows(of) >= BIG
        return self.dialect is Dialect.POSTGRES and each.is_range and big and follows == 1

    def _inverted(self, each: Condition) -> tuple[Index, str] | None:
        said, operator = each.place.field.type, each.operator
        column = Sql(each.place.field.name)
        written = quote(self.dialect, each.place.field.name)
        if operator == "matches":
            words = Sql(f"to_tsvector('{LANGUAGE}', {written})")
            return Index("", (IndexPart(words, False),), method="gin"), ""
        if said.array and operator in ("=", "contains", "overlaps"):
            return Index("", (IndexPart(column),), method="gin"), ""
        if said.type == "json" and operator == "contains":
            part = IndexPart(column, opclass="jsonb_path_ops")
            return Index("", (part,), method="gin"), ""
        if said.type in PERIODS and operator in ("contains", "overlaps"):
            return Index("", (IndexPart(column),), method="gist"), ""
        if said.type in _TEXTS and operator == "contains":
            part = IndexPart(column, opclass="gin_trgm_ops")
            return Index("", (part,), method="gin"), "pg_trgm"
        if said.type in _TEXTS and operator == "starts with" and not any_case(each.place.field):
            return Index("", (IndexPart(column, opclass="text_pattern_ops"),)), ""
        return None

    def _words(self, each: Condition) -> tuple[Index, str] | None:
        if self.dialect not in _MYSQLS or each.operator != "matches":
            return None
        column = IndexPart(Sql(each.place.field.name))
        return Index("", (column,), method="fulltext"), ""


def _parts(head: list[IndexPart], tail: list[IndexPart]) -> list[IndexPart]:
    """Both, each column once."""
    found: dict[str, IndexPart] = {}
    for part in (*head, *tail):
        found.setdefault(str(part.expression), part)
    return list(found.values())


def _once(places: list[Place]) -> list[Place]:
    """Each place once; plain columns of one table may be met under several conditions."""
    return list(dict.fromkeys(places))
