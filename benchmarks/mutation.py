"""Takes each object out of a design, and sees whether a promise is broken by that.

    python benchmarks/mutation.py examples/design/*.yaml

On PostgreSQL an object is dropped at the start of the promise's own transaction, on SQLite left out
of the DDL. Promises about the object itself are tried first, then those about its table.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backend_architect.tools.ddl.model import Dialect, Grant, Schema, Table
from backend_architect.tools.ddl.postgres.emit import GRANT_KINDS, grant_targets, signature
from backend_architect.tools.ddl.postgres.text import ident, idents, qualified
from backend_architect.tools.design_schema.design import design
from backend_architect.tools.design_schema.domain.model import Domain
from backend_architect.tools.design_schema.domain.reading import read
from backend_architect.tools.design_schema.indexing.chosen import indexed
from backend_architect.tools.design_schema.logical.relations import logical
from backend_architect.tools.design_schema.physical.blueprint import Blueprint
from backend_architect.tools.design_schema.physical.building import physical
from backend_architect.tools.design_schema.physical.partitions import settled
from backend_architect.tools.design_schema.promises import sqlite
from backend_architect.tools.design_schema.promises.catalog import promises
from backend_architect.tools.design_schema.promises.indexes import tried
from backend_architect.tools.design_schema.promises.model import (
    Kept,
    NotApplied,
    Promise,
    Step,
)
from backend_architect.tools.design_schema.promises.postgres import Stage
from backend_architect.tools.postgres.cluster import Cluster
from backend_architect.tools.source import pointer


@dataclass(frozen=True, slots=True)
class Removal:
    """An object, and the statement that takes it away."""

    pointer: str
    sql: str
    table: str = ""  # pointer of the table that it belongs to


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which promise noticed, or none."""

    removal: Removal
    noticed: str = ""
    why: str = ""


def removals(schema: Schema) -> Iterator[Removal]:
    """Every object of a PostgreSQL schema that a promise stands for."""
    for table in schema.tables.values():
        yield from _of_table(table)
    for function in schema.functions.values():
        sort = function.kind.upper()
        place = pointer(("functions", function.signature))
        yield Removal(place, f"DROP {sort} {signature(function)} CASCADE")
    target = grant_targets(schema)
    for grant in schema.grants:
        yield _revoked(grant, target(grant.kind, grant.object))
    for grant in schema.revoked:
        sort = GRANT_KINDS.get(grant.kind, grant.kind.upper())
        name = target(grant.kind, grant.object)
        yield Removal(
            pointer(("revoked", *grant[:4])),
            f"GRANT {grant.privilege} ON {sort} {name} TO {_role(grant.grantee)}",
        )


def _role(name: str) -> str:
    return "PUBLIC" if name == "public" else ident(name)


def _revoked(grant: Grant, name: str) -> Removal:
    sort = GRANT_KINDS.get(grant.kind, grant.kind.upper())
    columns = f" ({idents(grant.columns)})" if grant.columns else ""
    sql = f"REVOKE {grant.privilege}{columns} ON {sort} {name} FROM {_role(grant.grantee)}"
    path = ("grants", grant.privilege, grant.object, grant.grantee, *grant.columns)
    table = pointer(("tables", grant.object.removeprefix("public.")))
    return Removal(pointer(path), sql, table if grant.kind == "table" else "")


def _of_table(table: Table) -> Iterator[Removal]:
    place, name = ("tables", str(table.name)), qualified(table.name)

    def removal(sql: str, *path: str) -> Removal:
        return Removal(pointer((*place, *path)), sql, pointer(place))

    if table.partition_of is not None:  # its parts are those of the whole
        yield removal(f"DROP TABLE {name}")
        return
    in_key = set(table.primary_key.columns) if table.primary_key else set()
    for column in table.columns.values():
        alter = f"ALTER TABLE {name} ALTER COLUMN {ident(column.name)} DROP"
        path = ("columns", column.name)
        if column.not_null and column.name not in in_key:
            yield removal(f"{alter} NOT NULL", *path, "not_null")
        if column.generated:
            yield removal(f"{alter} EXPRESSION", *path, "generated")
        elif column.identity:
            yield removal(f"{alter} IDENTITY", *path, "identity")
        elif column.default is not None:
            yield removal(f"{alter} DEFAULT", *path, "default")
    for kind in ("keys", "foreign_keys", "checks", "exclusions"):
        for key, each in getattr(table, kind).items():
            if not getattr(each, "inherited", False):
                sql = f"ALTER TABLE {name} DROP CONSTRAINT {ident(each.name)} CASCADE"
                yield removal(sql, kind, key)
    for index in table.indexes.values():
        if index.unique:
            sql = f"DROP INDEX {qualified(table.name._replace(name=index.name))}"
            yield removal(sql, "indexes", index.name)
    for trigger in table.triggers:
        yield removal(f"DROP TRIGGER {ident(trigger)} ON {name}", "triggers", trigger)
    for policy in table.policies:
        yield removal(f"DROP POLICY {ident(policy)} ON {name}", "policies", policy)
    if table.row_security:
        yield removal(f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY", "row_security")
    if table.force_row_security:
        yield removal(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY", "force_row_security")


def concerning(removal: Removal, asked: Sequence[Promise]) -> list[Promise]:
    """The promises that may notice: those about the object, then those about its table."""
    exact = [p for p in asked if removal.pointer in p.about]
    table = removal.table
    near = [
        promise
        for promise in asked
        if removal.pointer not in promise.about
        and any(
            not table or each == table or each.startswith(f"{table}/") for each in promise.about
        )
    ]
    return [*exact, *sorted(near, key=lambda p: table not in p.about)]


ASIDE = ("ALTER TABLE ", "DROP TRIGGER ", "DROP INDEX ")  # what promises take out of the way


def adapted(promise: Promise, removal: Removal) -> Promise:
    """The promise without the steps that take the object, which is gone, out of the way."""
    name = re.escape(removal.pointer.rpartition("/")[2])
    gone = re.compile(rf'\b{name}"?(?: CASCADE)?$')
    steps = (s for s in promise.steps if not (s.sql.startswith(ASIDE) and gone.search(s.sql)))
    return replace(promise, steps=tuple(steps))


def is_broken(kept: Kept) -> bool:
    """Whether the promise was not kept, for more than that something is not in its way."""
    return bool(kept.failure) and not kept.failure.startswith(
        tuple(f"refused: {words}" for words in ASIDE)
    )


def on_postgres(
    stage: Stage, asked: Sequence[Promise], wanted: Sequence[Removal]
) -> Iterator[Verdict]:
    """Each removal with the promise that noticed it."""
    for removal in wanted:
        yield _noticed(stage, concerning(removal, asked), removal)


def _noticed(stage: Stage, asked: Sequence[Promise], removal: Removal) -> Verdict:
    if not asked:
        return Verdict(removal, why="no promise is about it")
    (alone,) = stage.tried([Promise("removal", (), "", (Step(removal.sql),))])
    if not alone.is_kept:
        return Verdict(removal, why=alone.failure or alone.untried)
    for begin in range(0, len(asked), 10):
        near = [adapted(promise, removal) for promise in asked[begin : begin + 10]]
        mutated = [replace(p, steps=(Step(removal.sql), *p.steps)) for p in near if p.steps]
        for kept in stage.tried(mutated):
            if is_broken(kept):
                return Verdict(removal, kept.promise.name)
    return Verdict(removal, why="every promise is kept without it")


def on_sqlite(
    blueprint: Blueprint, asked: Sequence[Promise], wanted: Sequence[Removal]
) -> Iterator[Verdict]:
    """Each removal with the promise that noticed it: the DDL without the object."""
    for removal in wanted:
        near = [adapted(promise, removal) for promise in concerning(removal, asked)]
        try:
            tried: Sequence[Kept] = sqlite.kept(without(blueprint, removal), near)
        except NotApplied as error:
            yield Verdict(removal, why=str(error))
            continue
        broken = next((kept for kept in tried if is_broken(kept)), None)
        why = "" if broken else "every promise is kept without it"
        yield Verdict(removal, broken.promise.name if broken else "", why)


def without(blueprint: Blueprint, removal: Removal) -> Blueprint:
    """The design without the object."""
    _, _, name, kind, *rest = removal.pointer.split("/")
    table = blueprint.table(name)
    if kind == "columns":
        gone: dict[str, Any] = {rest[1]: None}
        changed = replace(table.columns[rest[0]], **gone)
        columns = {**table.columns, rest[0]: changed}
        return blueprint.with_table(replace(table, columns=columns))
    kept = {key: value for key, value in getattr(table, kind).items() if key != rest[0]}
    parts: dict[str, Any] = {kind: kept}
    return blueprint.with_table(replace(table, **parts))


def sqlite_removals(schema: Schema) -> Iterator[Removal]:
    """As `removals`, of what SQLite has."""
    for removal in removals(schema):
        parts = removal.pointer.split("/")
        if parts[1] == "tables" and parts[-1] != "generated" and len(parts) > 4:
            yield removal


def report(name: str, verdicts: Sequence[Verdict]) -> Counter[str]:
    """Print the counts of a design and what nobody noticed."""
    counts = Counter("noticed" if verdict.noticed else "missed" for verdict in verdicts)
    print(f"{name}: {counts['noticed']} of {len(verdicts)} removals noticed")
    for verdict in verdicts:
        if not verdict.noticed:
            print(f"  {verdict.removal.pointer}: {verdict.why}")
    return counts


def every(domain: Domain, dialect: Dialect, sample: int = 1) -> list[Verdict]:
    """All removals of a design, or one in so many; its promises are kept, or none is tried."""
    blueprint = design(domain, dialect, prove=False).blueprint
    asked = promises(blueprint)
    if dialect is Dialect.SQLITE:
        wanted = list(sqlite_removals(blueprint.schema))[::sample]
        return list(on_sqlite(blueprint, asked, wanted))
    with Cluster.start() as cluster, Stage(cluster, blueprint) as stage:
        if broken := [kept for kept in stage.tried(asked) if kept.failure]:
            raise SystemExit(f"{domain.name}: {broken[0].promise.name}: {broken[0].failure}")
        verdicts = list(on_postgres(stage, asked, list(removals(blueprint.schema))[::sample]))
    with Cluster.start() as cluster:
        return [*verdicts, *of_indexes(cluster, domain, sample)]


def of_indexes(cluster: Cluster, domain: Domain, sample: int = 1) -> Iterator[Verdict]:
    """Indexes that are not unique: without one, what it is for has no plan that uses it."""
    found = indexed(physical(logical(domain), Dialect.POSTGRES), cluster=cluster)
    if broken := [kept for kept in tried(cluster, found.blueprint, found) if kept.failure]:
        raise SystemExit(f"{domain.name}: {broken[0].promise.name}: {broken[0].failure}")
    plain = [
        each
        for each in found.kept
        if not found.blueprint.table(each.table).indexes[each.name].unique
    ]
    for each in plain[::sample]:
        place = pointer(("tables", each.table, "indexes", each.name))
        removal = Removal(place, f"DROP INDEX {ident(each.name)}")
        rest = settled(without(found.blueprint, removal))
        (own,) = tried(cluster, rest, replace(found, kept=(each,)))
        yield Verdict(removal, own.promise.name if own.failure else "", own.failure)


def main() -> None:
    parser = argparse.ArgumentParser(description="Objects taken out of designs.")
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--sample", type=int, default=1, help="one object in so many")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    for file in options.models:
        domain = read(file.read_text("utf-8"), file.name)
        for dialect in (Dialect.POSTGRES, Dialect.SQLITE):
            begin = time.monotonic()
            verdicts = every(domain, dialect, options.sample)
            seconds = time.monotonic() - begin
            counts += report(f"{domain.name} on {dialect}, {seconds:.0f} s", verdicts)
    print(f"in all {counts['noticed']} of {counts.total()} removals noticed")


if __name__ == "__main__":
    main()
