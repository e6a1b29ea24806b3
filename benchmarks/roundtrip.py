"""Prove the schema model against the engines, for every schema in a folder.

    python benchmarks/roundtrip.py [--verbose] DIR_OR_FILE …

A file's prefix names its engine: `lite_` SQLite, `my_` MySQL (see mariadb_catalog.py), else
PostgreSQL. Object by object, parse(ddl) must equal what the engine's catalog says after ddl;
parse(emit(parse(ddl))) must equal parse(ddl); the emitted DDL must apply, introspect to the same
and give the same `pg_dump -s`. Statements that did not run are left out of both sides and counted.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import sqlite_catalog

from backend_architect.tools.ddl.diff import Change, Head, changes, flatten
from backend_architect.tools.ddl.model import Column, Dialect, IndexPart, Schema, Sql, Table
from backend_architect.tools.ddl.postgres.emit import emit
from backend_architect.tools.ddl.postgres.parse import fold
from backend_architect.tools.ddl.script import Statement, split
from backend_architect.tools.ddl.sqlite.emit import emit as emit_sqlite
from backend_architect.tools.ddl.sqlite.parse import fold as fold_sqlite
from backend_architect.tools.postgres.allow import Status
from backend_architect.tools.postgres.cluster import ADMINISTRATOR, MIB, Cluster, Database
from backend_architect.tools.postgres.introspect import introspect
from backend_architect.tools.postgres.sandbox import Applied, Limits, apply

LIMITS = Limits(statement=60, total=600, disk=2048 * MIB)
SHOWN = 400  # characters of a value in a printed difference


@dataclass(slots=True)
class Proof:
    """What one file's round trip showed; `notes` explain whatever is not equal."""

    file: str
    objects: int = 0
    wrong_objects: int = 0
    expressions: int = 0
    wrong_expressions: int = 0
    unread: int = 0
    stubbed: int = 0
    failed: int = 0
    reparsed: bool = False
    applied: bool = False
    introspected: bool = False
    dumped: bool = False
    seconds: float = 0
    notes: list[str] = field(default_factory=list)

    @property
    def structural(self) -> float:
        """The share of objects that agree in all but expressions, in percent."""
        return 100 - 100 * self.wrong_objects / max(self.objects, 1)

    @property
    def by_meaning(self) -> float:
        """The share of expressions that agree, in percent."""
        return 100 - 100 * self.wrong_expressions / max(self.expressions, 1)

    @property
    def whole(self) -> bool:
        """Whether everything is equal."""
        equal = self.reparsed and self.applied and self.introspected and self.dumped
        return equal and not self.wrong_objects and not self.wrong_expressions


def prove_postgres(text: str, name: str, cluster: Cluster) -> Proof:
    """The round trip of one PostgreSQL script."""
    proof = Proof(name)
    statements, _ = split(text, name, Dialect.POSTGRES)
    with cluster.database() as original, cluster.database() as copy:
        applied = apply(original, [(s.text, s.offset) for s in statements], LIMITS)
        ran = _that_ran(statements, applied, proof)
        parsed = fold(ran)
        comparable = partial(_without_stubs, parsed=parsed, applied=applied)
        real = comparable(_introspected(original))
        proof.unread = len(parsed.unread)
        proof.notes += [f"unread: {u.reason}: {u.text[:SHOWN]}" for u in parsed.unread]
        compare(comparable(parsed), real, proof, "parse ≠ introspect")

        emitted = ";\n".join(emit(parsed)) + ";\n"
        again, _ = split(emitted, "emitted", Dialect.POSTGRES)
        difference = list(_shown(changes(parsed, fold(again)), "parse ≠ parse(emit)"))
        proof.reparsed = not difference
        proof.notes += difference

        result = apply(copy, [(s.text, s.offset) for s in again], LIMITS)
        errors = [
            f"emitted: {outcome.status}: {outcome.reason}: {statement.text[:SHOWN]}"
            for statement, outcome in zip(again, result.outcomes, strict=True)
            if outcome.status in (Status.ERROR, Status.DENIED)
        ]
        proof.applied = not errors
        proof.notes += errors
        found = changes(real, comparable(_introspected(copy)))
        difference = list(_shown(found, "introspect ≠ introspect(emit)"))
        proof.introspected = not difference
        proof.notes += difference
        dumps = _dump(original), _dump(copy)
        proof.dumped = dumps[0] == dumps[1]
        proof.notes += (
            f"pg_dump: {line}"
            for line in difflib.unified_diff(*dumps, lineterm="", n=1)
            if not line.startswith(("---", "+++"))
        )
    return proof


def prove_sqlite(text: str, name: str) -> Proof:
    """The round trip of one SQLite script; its catalog knows no expressions and has no pg_dump."""
    proof = Proof(name, dumped=True)
    statements, _ = split(text, name, Dialect.SQLITE)
    original, copy = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    for statement in statements:
        try:
            original.execute(statement.text)
        except sqlite3.Error as error:
            proof.failed += 1
            proof.notes.append(f"failed: {error}: {statement.text[:SHOWN]}")
    parsed = fold_sqlite(statements)
    proof.unread = len(parsed.unread)
    real = sqlite_catalog.catalog(original)
    compare(sqlite_catalog.visible(parsed), real, proof, "parse ≠ catalog")
    emitted = emit_sqlite(parsed)
    again = fold_sqlite(Statement("emitted", 0, sql) for sql in emitted)
    difference = list(_shown(changes(parsed, again), "parse ≠ parse(emit)"))
    proof.reparsed = not difference
    proof.applied = True
    for sql in emitted:
        try:
            copy.execute(sql)
        except sqlite3.Error as error:
            proof.applied = False
            difference.append(f"emitted: {error}: {sql[:SHOWN]}")
    found = changes(real, sqlite_catalog.catalog(copy))
    proof.introspected = not found
    proof.notes += difference + list(_shown(found, "catalog ≠ catalog(emit)"))
    original.close()
    copy.close()
    return proof


_DATA = re.compile(
    r"(?:\s|--.*\n|/\*.*?\*/)*(?:INSERT|COPY|SELECT|WITH|UPDATE|DELETE|TRUNCATE|VACUUM|ANALYZE|SET)\b",
    re.IGNORECASE | re.DOTALL,
)


def _that_ran(statements: Sequence[Statement], applied: Applied, proof: Proof) -> list[Statement]:
    """The statements that had their effect, or one like it; the others are noted."""
    ran = []
    for statement, outcome in zip(statements, applied.outcomes, strict=True):
        if outcome.status in (Status.OK, Status.STUBBED) or _DATA.match(statement.text):
            ran.append(statement)
        if outcome.status is Status.STUBBED:
            proof.stubbed += 1
        elif outcome.status in (Status.ERROR, Status.DENIED) and not _DATA.match(statement.text):
            proof.failed += 1
        else:
            continue
        proof.notes.append(f"{outcome.status}: {outcome.reason}: {statement.text[:SHOWN]}")
    return ran


def _without_stubs(schema: Schema, parsed: Schema, applied: Applied) -> Schema:
    """The schema without what a stub cannot show: a function's body, a type's arguments."""
    stubs = {outcome.offset for outcome in applied.outcomes if outcome.status is Status.STUBBED}
    gone = {key for key, f in parsed.functions.items() if f.at and f.at.offset in stubs}
    tables = schema.tables
    if applied.extensions:
        tables = {name: replace(table, columns=_bare(table)) for name, table in tables.items()}
    functions = {key: f for key, f in schema.functions.items() if key not in gone}
    extensions = {name: e for name, e in schema.extensions.items() if name in parsed.extensions}
    return replace(schema, functions=functions, tables=tables, extensions=extensions)


def _bare(table: Table) -> dict[str, Column]:
    return {
        name: replace(
            column, type=replace(column.type, args=()) if column.type.schema else column.type
        )
        for name, column in table.columns.items()
    }


def _introspected(database: Database) -> Schema:
    with database.connect(superuser=True) as connection:
        return introspect(connection)


def _dump(database: Database) -> list[str]:
    """The lines of `pg_dump -s`, without what is not the schema's."""
    program = database.cluster.binaries.program("pg_dump")
    command = [program, "--schema-only", "--restrict-key=none", "--username", ADMINISTRATOR]
    command += ["--host", str(database.cluster.directory), "--port", "5432", database.name]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=kept)
    lines = [line for line in run.stdout.splitlines() if line and not line.startswith("--")]
    granting = re.compile(r"(?:GRANT|REVOKE) ").match  # in the order that they were given
    return [
        line
        for grants, run_of in groupby(lines, lambda line: bool(granting(line)))
        for line in (sorted(run_of) if grants else run_of)
    ]


def compare(parsed: Schema, real: Schema, proof: Proof, title: str) -> None:
    """Count objects and expressions of two schemas, and those that differ."""
    objects = flatten(parsed)
    found = changes(parsed, real)
    proof.objects += len(objects) + sum(change.kind == "added" for change in found)
    proof.expressions += sum(sum(1 for _ in _expressions(item)) for item in objects.values())
    for change in found:
        if change.kind == "changed":
            structure, expressions = _differing(change)
            proof.wrong_objects += structure
            proof.wrong_expressions += expressions
        else:
            proof.wrong_objects += 1
    proof.notes += _shown(found, title)


def _expressions(item: Any) -> Iterator[Sql]:
    if isinstance(item, Sql):
        yield item
    elif isinstance(item, Mapping):
        for value in item.values():
            yield from _expressions(value)
    elif isinstance(item, tuple):
        for value in item:
            yield from _expressions(value)
    elif is_dataclass(item) and not (isinstance(item, IndexPart) and item.is_column):
        for each in fields(item):
            yield from _expressions(getattr(item, each.name))


def _differing(change: Change) -> tuple[bool, int]:
    """Whether a changed object differs beyond its expressions, and in how many of its fields."""
    unequal = 0
    for name in change.fields:
        before, after = (_value(item, name) for item in (change.before, change.after))
        if _blank(before) != _blank(after):
            return True, unequal
        unequal += 1
    return False, unequal


def _blank(item: Any) -> Any:
    """The object with every expression emptied."""
    if isinstance(item, Sql):
        return Sql("")
    if isinstance(item, Mapping):
        return {key: _blank(value) for key, value in item.items()}
    if isinstance(item, tuple):
        parts = [_blank(value) for value in item]
        return tuple(parts) if type(item) is tuple else item
    if is_dataclass(item) and not isinstance(item, type):
        if isinstance(item, IndexPart) and item.is_column:
            return item
        blank = {f.name: _blank(getattr(item, f.name)) for f in fields(item) if f.compare}
        return replace(item, **blank)
    return item


def _shown(found: list[Change], title: str) -> Iterator[str]:
    for change in found:
        name = " ".join(change.object)
        if change.kind != "changed":
            yield f"{title}: {change.kind} {name}: {str(change.before or change.after)[:SHOWN]}"
        for each in change.fields:
            before, after = (str(_value(item, each)) for item in (change.before, change.after))
            yield f"{title}: {name}.{each}:\n      {before[:SHOWN]}\n      {after[:SHOWN]}"


def _value(item: Any, name: str) -> Any:
    """A field of a flat object; of a table's head, its order of columns or a field of its own."""
    if isinstance(item, Head) and name != "columns":
        item = item.own
    return getattr(item, name, item)


# By the prefix of the file's name; None leaves it out.
PROVERS: dict[str, Callable[[str, str], Proof] | None] = {"my_": None, "lite_": prove_sqlite}


def prove(files: Sequence[Path], cluster: Cluster) -> Iterator[Proof]:
    """The proof of each file whose engine is here."""
    for file in files:
        proving = next(
            (each for prefix, each in PROVERS.items() if file.name.startswith(prefix)),
            partial(prove_postgres, cluster=cluster),
        )
        if proving is None:
            continue
        started = time.perf_counter()
        try:
            proof = proving(file.read_text(), file.name)
        except Exception:
            proof = Proof(file.name, 1, 1, notes=[traceback.format_exc()])
        proof.seconds = time.perf_counter() - started
        yield proof


_HEADER = (
    f"{'file':32} {'objects':>7} {'struct %':>8} {'exprs':>6} {'expr %':>7}"
    f" {'reparse':>7} {'applies':>7} {'introsp':>7} {'pg_dump':>7}"
    f" {'unread':>6} {'stubbed':>7} {'failed':>6} {'s':>6}"
)


def _line(proof: Proof) -> str:
    marks = [
        "yes" if fact else "NO"
        for fact in (proof.reparsed, proof.applied, proof.introspected, proof.dumped)
    ]
    return (
        f"{proof.file[:32]:32} {proof.objects:7} {proof.structural:8.2f} {proof.expressions:6}"
        f" {proof.by_meaning:7.2f} {' '.join(f'{mark:>7}' for mark in marks)}"
        f" {proof.unread:6} {proof.stubbed:7} {proof.failed:6} {proof.seconds:6.2f}"
    )


def _total(proofs: Sequence[Proof]) -> Proof:
    total = Proof("total")
    for each in fields(Proof):
        values = [getattr(proof, each.name) for proof in proofs]
        if each.type == "bool":
            setattr(total, each.name, all(values))
        elif each.name not in ("file", "notes"):
            setattr(total, each.name, sum(values))
    return total


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("paths", nargs="+", type=Path)
    arguments.add_argument("--verbose", action="store_true", help="print each difference")
    given = arguments.parse_args()
    files = [
        file
        for path in given.paths
        for file in (sorted(path.rglob("*.sql")) if path.is_dir() else [path])
    ]
    print(_HEADER)
    proofs = []
    with Cluster.start(memory=2048 * MIB) as cluster:
        for proof in prove(files, cluster):
            print(_line(proof), flush=True)
            if given.verbose:
                for note in proof.notes:
                    print("    " + note)
            proofs.append(proof)
    total = _total(proofs)
    print(_line(total))
    sys.exit(total.structural < 99.5 or total.by_meaning < 98)


if __name__ == "__main__":
    main()
