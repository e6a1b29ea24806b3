"""Facts about one database: what `facts_postgres.sql` answers, or what a user wrote by hand.

Every part may be absent. By hand, the shortest useful form is

    {"tables": {"public.orders": {"rows": 5000000, "rows_per_day": 20000}}}

and any field of the classes below may stand beside `rows` under its own name. A table without a
schema is in `public` (PostgreSQL) or in no schema (other engines); one whose name has a dot goes
into a list: `{"tables": [{"schema": "public", "name": "a.b", "rows": 7}]}`.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from ..report import quoted
from .limits import ENGINES

Name: TypeAlias = tuple[str, str]  # schema, object
Count: TypeAlias = int  # not negative
Amount: TypeAlias = float  # not negative

MAX_TEXT: Final = 64 * 2**20  # characters of an answer; 1,000 tables with 9 columns each are 1.5 M


class BadFacts(ValueError):
    """The facts cannot be read. The message names the field and says what would be right."""


def facts_query(engine: str) -> str:
    """The read-only query that collects the facts. Raises ValueError when the engine has none."""
    if engine != "postgres":
        raise ValueError(f"no facts query for {quoted(engine)}; there is one for postgres")
    return Path(__file__).with_name("facts_postgres.sql").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """Statistics of a column, none of them a value of it. They are those of `pg_stats`."""

    null_fraction: Amount | None = None
    distinct: float | None = None  # values; negative: the share of rows, -1 for all different
    width: Count | None = None  # bytes, mean
    correlation: float | None = None  # of the order of values with that of rows: -1 to 1


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table, partitioned table (the sums of its partitions), materialized view or foreign table.

    Counters (`inserted`, …) run since `Facts.statistics_seconds` ago. Rates are derived from them
    when they have run for a day, unless given.
    """

    kind: str = "table"  # or: partitioned, materialized view, foreign
    unlogged: bool = False
    parents: tuple[Name, ...] = ()  # partitioned table, or tables inherited from
    rows: Count | None = None
    bytes: Count | None = None  # without TOAST and indexes
    toast_bytes: Count | None = None
    index_bytes: Count | None = None
    rows_per_day: float | None = None
    inserts_per_day: Amount | None = None
    updates_per_day: Amount | None = None
    deletes_per_day: Amount | None = None
    inserted: Count | None = None
    updated: Count | None = None
    updated_hot: Count | None = None
    deleted: Count | None = None
    dead_rows: Count | None = None
    sequential_scans: Count | None = None
    sequential_rows: Count | None = None  # rows read by them
    index_scans: Count | None = None
    vacuumed_seconds_ago: float | None = None
    analyzed_seconds_ago: float | None = None
    xid_age: int | None = None
    multixact_age: int | None = None
    columns: Mapping[str, ColumnFacts] = field(default_factory=dict)

    @property
    def total_bytes(self) -> int | None:
        """Bytes with TOAST and indexes, None when nothing is known of them."""
        known = [n for n in (self.bytes, self.toast_bytes, self.index_bytes) if n is not None]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """An index. `table` is in the same schema."""

    table: str | None = None
    valid: bool = True
    ready: bool = True
    unique: bool = False
    primary: bool = False
    bytes: Count | None = None
    scans: Count | None = None
    used_seconds_ago: float | None = None  # PostgreSQL 16 and later


@dataclass(frozen=True, slots=True)
class SequenceFacts:
    """A sequence; `last` is None when unused, or when the role may not read it."""

    type: str | None = None
    last: int | None = None
    max: int | None = None
    min: int | None = None
    increment: int | None = None
    cycle: bool = False
    owned_by: tuple[str, ...] = ()  # schema, table, column


@dataclass(frozen=True, slots=True)
class ConstraintFacts:
    """A constraint that is NOT VALID."""

    schema: str
    table: str
    name: str
    kind: str | None = None  # foreign key, check, not null


@dataclass(frozen=True, slots=True)
class TransactionFacts:
    """A transaction that has been open for a second or more, or a prepared one."""

    seconds: float
    state: str | None = None
    kind: str | None = None  # client backend, autovacuum worker, prepared, …
    holds_back_vacuum: bool | None = None
    same_database: bool = True


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """Sessions of clients. Of `hidden` ones the role could see nothing more."""

    total: Count | None = None
    active: Count | None = None
    idle_in_transaction: Count | None = None
    hidden: Count | None = None


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """A replication slot."""

    name: str
    kind: str | None = None  # physical, logical
    active: bool | None = None
    retained_bytes: Count | None = None
    xmin_age: int | None = None
    wal_status: str | None = None
    invalidated: str | None = None


@dataclass(frozen=True, slots=True)
class StandbyFacts:
    """A receiver of replication; its details are None unless the role is in pg_monitor."""

    state: str | None = None
    sync: str | None = None
    lag_seconds: float | None = None
    lag_bytes: int | None = None
    logical: bool | None = None


@dataclass(frozen=True, slots=True)
class StatementFacts:
    """A statement with placeholders for constants, and its totals since the statistics began."""

    text: str  # the first 2,000 characters
    calls: Count | None = None
    rows: Count | None = None
    milliseconds: Amount | None = None


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """The database itself."""

    bytes: Count | None = None
    encoding: str | None = None
    collation: str | None = None
    ctype: str | None = None
    collation_provider: str | None = None  # c (libc), i (ICU), b (builtin)
    locale: str | None = None
    xid_age: int | None = None
    multixact_age: int | None = None
    commits: Count | None = None
    rollbacks: Count | None = None
    deadlocks: Count | None = None
    temp_bytes: Count | None = None
    blocks_read: Count | None = None
    blocks_hit: Count | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a database. What is not known is None or empty."""

    engine: str = "postgres"
    version: int | None = None  # major
    version_number: Count | None = None  # PostgreSQL's server_version_num
    provider: str | None = None  # aurora, rds, alloydb, cloudsql, azure, neon, supabase
    taken_at: str | None = None
    uptime_seconds: float | None = None
    statistics_seconds: float | None = None  # how long the counters have run
    standby: bool = False
    monitor: bool | None = None  # whether the role sees what other roles do
    extensions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)  # as SHOW prints them: 128MB, 5s, on
    database: DatabaseFacts = field(default_factory=DatabaseFacts)
    connections: ConnectionFacts = field(default_factory=ConnectionFacts)
    tables: Mapping[Name, TableFacts] = field(default_factory=dict)
    indexes: Mapping[Name, IndexFacts] = field(default_factory=dict)
    sequences: Mapping[Name, SequenceFacts] = field(default_factory=dict)
    unvalidated_constraints: tuple[ConstraintFacts, ...] = ()
    transactions: tuple[TransactionFacts, ...] = ()  # oldest first
    prepared_transactions: tuple[TransactionFacts, ...] = ()
    slots: tuple[SlotFacts, ...] = ()
    standbys: tuple[StandbyFacts, ...] = ()
    statements: tuple[StatementFacts, ...] | None = None  # costliest first; None: not available

    def milliseconds(self, setting: str) -> float | None:
        """A setting that is a duration; -1 and 0 as they are, None when unknown or without unit."""
        return _measured(self.settings.get(setting), _DURATIONS)

    def bytes(self, setting: str) -> float | None:
        """A setting that is a size; -1 and 0 as they are, None when unknown or without unit."""
        return _measured(self.settings.get(setting), _SIZES)


_DURATIONS: Final = {
    "us": 0.001,
    "ms": 1,
    "s": 1000,
    "min": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
}
_SIZES: Final = {"B": 1, "kB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}


def _measured(text: str | None, units: Mapping[str, float]) -> float | None:
    match = re.fullmatch(r"(-?[0-9]{1,18}(?:\.[0-9]{1,9})?) ?([A-Za-z]*)", text or "")
    if not match:
        return None
    number = float(match[1])
    if number in (0, -1):
        return number
    return number * units[match[2]] if match[2] in units else None


def read_facts(data: object) -> Facts:
    """The facts in an answer of the query, or in an object of the same form.

    `data` is JSON text or what it parses to, also as consoles wrap it: a list of one row, a row
    with one column, psql's table, a CSV field. Raises `BadFacts`.
    """
    answer = _object(_unwrapped(data), "facts")
    if answer.get("format", 1) != 1:
        raise _wrong("format", answer["format"], "1; another version of this program wrote it")
    engine = answer.get("engine", "postgres")
    if engine not in ENGINES:
        raise _wrong("engine", engine, "one of " + ", ".join(ENGINES))
    schema = "public" if engine == "postgres" else ""
    given = {name: value for name, value in answer.items() if value is not None}
    read: dict[str, Any] = {}
    record: type
    for name, record in (("database", DatabaseFacts), ("connections", ConnectionFacts)):
        if name in given:
            read[name] = _record(record, given.pop(name), name)
    for name, record in _NAMED.items():
        if name in given:
            read[name] = _named(record, given.pop(name), name, schema)
    for name, record in _LISTED.items():
        if name in given:
            rows = _list(given.pop(name), name)
            read[name] = tuple(_record(record, row, f"{name}[{i}]") for i, row in enumerate(rows))
    for name in ("extensions", "settings"):
        if name in given:
            read[name] = _texts(given.pop(name), name)
    if "version" in given:
        read["version"] = _major(given.pop("version"))
    given.pop("format", None)
    facts: Facts = replace(_record(Facts, given, ""), **read)
    tables = {name: _with_rates(t, facts.statistics_seconds) for name, t in facts.tables.items()}
    return replace(facts, tables=_with_sums(tables))


_NAMED: Final[Mapping[str, type]] = {
    "tables": TableFacts,
    "indexes": IndexFacts,
    "sequences": SequenceFacts,
}
_LISTED: Final[Mapping[str, type]] = {
    "unvalidated_constraints": ConstraintFacts,
    "transactions": TransactionFacts,
    "prepared_transactions": TransactionFacts,
    "slots": SlotFacts,
    "standbys": StandbyFacts,
    "statements": StatementFacts,
}


def _unwrapped(data: object) -> object:
    known = {f.name for f in fields(Facts)} | {"format"}
    for _ in range(5):  # text of a list of one row of one column of text
        if isinstance(data, str):
            data = _parsed(data)
        elif isinstance(data, list) and len(data) == 1:
            data = data[0]
        elif isinstance(data, Mapping) and len(data) == 1 and not known & data.keys():
            ((name, value),) = data.items()
            if name != "facts" and not isinstance(value, (str, list)):
                break
            data = value
    return data


def _parsed(text: str) -> object:
    if len(text) > MAX_TEXT:
        raise BadFacts(f"The facts have {len(text):,} characters; at most {MAX_TEXT:,} are read.")
    text = text.strip().lstrip("\ufeff")
    if not text.startswith(("{", "[", '"{""')):  # a heading, as psql and CSV have it
        text = text[max(text.find("{"), 0) :]
    text = text[: text.rfind("]" if text.startswith("[") else "}") + 1].lstrip('"')
    if text.startswith('{""'):
        text = text.replace('""', '"')
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except BadFacts:
        raise
    except (ValueError, RecursionError) as error:
        raise BadFacts(
            f"The facts are not JSON ({error or 'nested too deep'}). Give what the query answered,"
            " whole and as text: `psql -XAt -f facts_postgres.sql > facts.json`."
        ) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise BadFacts(f"The facts have {quoted(twice)} twice in one object.")
    return found


def _no_constant(text: str) -> float:
    raise BadFacts(f"The facts have {text}, which is no number of JSON.")


def _wrong(path: str, value: object, right: str) -> BadFacts:
    if isinstance(value, (Mapping, list)):
        shown = "an object" if isinstance(value, Mapping) else "a list"
    else:
        shown = quoted(value if isinstance(value, str) else json.dumps(value, default=repr))
    return BadFacts(f"{quoted(path, 200)} in the facts is {shown}; it should be {right}.")


def _object(value: object, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise _wrong(path, value, "an object")
    return value


def _list(value: object, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(path, value, "a list")
    return value


def _texts(value: object, path: str) -> dict[str, str]:
    read = {}
    for name, text in _object(value, path).items():
        if isinstance(text, bool):
            text = "on" if text else "off"
        elif isinstance(text, (int, float)):
            text = str(text)
        if not isinstance(text, str):
            raise _wrong(f"{path}.{name}", text, 'a text, such as "64MB"')
        read[name] = text
    return read


def _major(value: object) -> int:
    if isinstance(value, str) and (match := re.match("[0-9]{1,4}(?![0-9])", value)):
        return int(match[0])
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 10_000:
        return int(value)
    raise _wrong("version", value, 'a version, such as 16 or "16.4"')


def _named(record: type, value: object, path: str, schema: str) -> dict[Name, Any]:
    """Records by schema and name, from an object by `schema.name` or a list with both in each."""
    rows: Iterable[tuple[Name, str, object]]
    if isinstance(value, list):
        rows = (_row_name(row, f"{path}[{i}]", schema) for i, row in enumerate(value))
    else:
        rows = (
            ((name.partition(".")[0::2] if "." in name else (schema, name)), f"{path}.{name}", row)
            for name, row in _object(value, path).items()
        )
    read: dict[Name, Any] = {}
    for name, place, row in rows:
        if name in read:
            raise BadFacts(f"The facts have {quoted('.'.join(name))} twice in {quoted(path)}.")
        read[name] = _record(record, row, place)
    return read


def _row_name(row: object, path: str, schema: str) -> tuple[Name, str, object]:
    rest = dict(_object(row, path))
    schema, name = rest.pop("schema", schema), rest.pop("name", None)
    for part, text in (("schema", schema), ("name", name)):
        if not isinstance(text, str):
            raise _wrong(f"{path}.{part}", text, "a text")
    return (schema, str(name)), path, rest


def _record(record: type, value: object, path: str) -> Any:
    """An instance of the class from an object with its fields; null counts as absent."""
    readers = _readers(record)
    read = {}
    for name, each in _object(value, path).items():
        place = f"{path}.{name}" if path else name
        if name not in readers:
            known = [f.name for f in fields(record)]
            near = get_close_matches(name[:80], known, 1)
            hint = f"did you mean {near[0]}?" if near else "known are " + ", ".join(known) + "."
            raise BadFacts(f"{quoted(place, 200)} in the facts is not known; {hint}")
        if each is not None:
            read[name] = readers[name](each, place)
    try:
        return record(**read)
    except TypeError:
        missing = [f.name for f in fields(record) if f.name in readers and f.name not in read]
        raise BadFacts(f"{quoted(path, 200)} in the facts lacks {missing[0]}.") from None


@cache
def _readers(record: type) -> Mapping[str, Callable[[Any, str], Any]]:
    return {f.name: _READERS[str(f.type)] for f in fields(record) if str(f.type) in _READERS}


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise _wrong(path, value, "a text")
    return value


def _flag(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(path, value, "true or false")
    return value


def _number(value: object, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _finite(value):
        raise _wrong(path, value, "a number")
    return float(value)


def _amount(value: object, path: str) -> float:
    if _number(value, path) < 0:
        raise _wrong(path, value, "a number, 0 or more")
    return _number(value, path)


def _whole(value: object, path: str) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not _finite(value):
        raise _wrong(path, value, "a whole number")
    return value


def _count(value: object, path: str) -> int:
    if isinstance(value, (bool, str)) or _whole(value, path) < 0:
        raise _wrong(path, value, "a whole number, 0 or more, such as 5000000")
    return _whole(value, path)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond floats
        return False


def _names(value: object, path: str) -> tuple[Name, ...]:
    pairs = tuple(_path(pair, path) for pair in _list(value, path))
    if any(len(pair) != 2 for pair in pairs):
        raise _wrong(path, value, "a list of pairs of schema and name")
    return tuple((pair[0], pair[1]) for pair in pairs)


def _path(value: object, path: str) -> tuple[str, ...]:
    return tuple(_text(part, path) for part in _list(value, path))


def _columns(value: object, path: str) -> dict[str, ColumnFacts]:
    """Statistics by column: an object with fields, or the query's list of them in order."""
    order = [f.name for f in fields(ColumnFacts)]
    read = {}
    for name, each in _object(value, path).items():
        place = f"{path}.{name}"
        if isinstance(each, list):
            if len(each) != len(order):
                raise _wrong(place, each, "a list of " + ", ".join(order))
            each = dict(zip(order, each, strict=True))
        read[name] = _record(ColumnFacts, each, place)
    return read


_READERS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "str": _text,
    "str | None": _text,
    "bool": _flag,
    "bool | None": _flag,
    "float": _number,
    "float | None": _number,
    "Amount | None": _amount,
    "int | None": _whole,
    "Count | None": _count,
    "tuple[Name, ...]": _names,
    "tuple[str, ...]": _path,
    "Mapping[str, ColumnFacts]": _columns,
}


def _with_rates(table: TableFacts, seconds: float | None) -> TableFacts:
    """The table with changes per day, from counters that have run for a day at least."""
    days = (seconds or 0) / 86_400
    if days < 1:
        return table

    def rate(given: float | None, plus: int | None, minus: int | None = 0) -> float | None:
        if given is not None or plus is None or minus is None:
            return given
        return (plus - minus) / days

    return replace(
        table,
        rows_per_day=rate(table.rows_per_day, table.inserted, table.deleted),
        inserts_per_day=rate(table.inserts_per_day, table.inserted),
        updates_per_day=rate(table.updates_per_day, table.updated),
        deletes_per_day=rate(table.deletes_per_day, table.deleted),
    )


_SUMMED: Final = tuple(
    f.name
    for f in fields(TableFacts)
    if f.type in ("Count | None", "Amount | None") or f.name == "rows_per_day"
)


def _with_sums(tables: Mapping[Name, TableFacts]) -> dict[Name, TableFacts]:
    """The tables, of which partitioned ones have the sums of the partitions below them."""
    leaves: defaultdict[Name, list[TableFacts]] = defaultdict(list)
    for table in tables.values():
        if table.kind != "partitioned":
            for above in _above(table, tables):
                leaves[above].append(table)
    return {
        name: replace(table, **_sums(leaves[name])) if table.kind == "partitioned" else table
        for name, table in tables.items()
    }


def _above(table: TableFacts, tables: Mapping[Name, TableFacts]) -> Iterator[Name]:
    """The partitioned tables that hold the partition, nearest first; each has one parent."""
    for _ in range(50):  # levels; real schemas have two or three, a loop has no end
        name = next(iter(table.parents), None)
        if name is None or name not in tables or tables[name].kind != "partitioned":
            return
        yield name
        table = tables[name]


def _sums(leaves: Iterable[TableFacts]) -> dict[str, Any]:
    sums = {}
    for name in _SUMMED:
        known = [number for leaf in leaves if (number := getattr(leaf, name)) is not None]
        if known:
            sums[name] = sum(known)
    return sums
