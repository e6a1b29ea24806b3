"""Design a schema from a domain model: relations, tables, DDL, and promises that were kept.

Nothing is promised that an engine has not shown: the DDL is applied to a private one, the review
rules of this product judge it, and every promise is tried there. What could not be tried says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ..ddl.model import Dialect
from ..report import Finding
from . import review
from .domain.model import Domain
from .indexing.chosen import indexed
from .indexing.growth import Growth, growth
from .indexing.model import Indexed
from .logical.model import Logical
from .logical.relations import logical
from .physical.blueprint import Blueprint
from .physical.building import physical
from .promises.catalog import promises
from .promises.model import Kept, NotApplied, Promise
from .promises.rows import Rows
from .promises.sample import sample
from .script import script

if TYPE_CHECKING:
    from ..postgres.cluster import Cluster

NAME: Final = "design.sql"

Progress = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Design:
    """A schema for a domain model, why it is so, and what was shown of it.

    `ddl` makes it all: roles, schema, first rows. `findings` are what the review rules say of it:
    none, or the design is wrong. `kept` are the promises with how they fared on `engine`, which is
    empty when none was asked or none is here; `notes` say so. `indexes` are those of the access
    patterns with what they serve, and those that were not made; `growth` what becomes
    of their plans, None where nothing was planned.
    """

    domain: Domain
    logical: Logical
    blueprint: Blueprint
    ddl: str
    findings: tuple[Finding, ...] = ()
    kept: tuple[Kept, ...] = ()
    engine: str = ""
    notes: tuple[str, ...] = ()
    indexes: Indexed | None = None
    growth: Growth | None = None

    @property
    def broken(self) -> tuple[Kept, ...]:
        """The promises that were not kept."""
        return tuple(kept for kept in self.kept if kept.failure)

    @property
    def sample(self) -> tuple[str, ...]:
        """INSERTs for one transaction, after the DDL: a few rows of each table."""
        statements, _ = sample(Rows(self.blueprint))
        return statements

    @property
    def is_proved(self) -> bool:
        """Whether everything was tried, and all is as it should be."""
        return bool(self.engine) and not self.findings and all(k.is_kept for k in self.kept)


def design(
    domain: Domain,
    dialect: Dialect | None = None,
    version: tuple[int, ...] = (),
    *,
    prove: bool = True,
    progress: Progress = lambda stage: None,
) -> Design:
    """The design for a domain model.

    The dialect is the argument, or the model's, or PostgreSQL; the version likewise, or the newest.
    Without `prove` nothing is applied to an engine. Raises `NoKey`.
    """
    dialect = dialect or Dialect(domain.dialect or Dialect.POSTGRES)
    version = version or _version(domain, dialect)
    progress("relations")
    relations = logical(domain)
    progress("tables")
    blueprint = physical(relations, dialect, version)
    progress("indexes")
    indexes = indexed(blueprint, prove)
    blueprint = indexes.blueprint
    ddl = script(blueprint)
    progress("reviewing")
    report = review({NAME: ddl}, domain.name, dialect, blueprint.version, prove=False)
    made = Design(domain, relations, blueprint, ddl, report.findings, indexes=indexes)
    if not prove:
        return replace(made, notes=("No promise was tried: it was not asked for.",))
    asked = promises(blueprint)
    progress(f"trying {len(asked)} promises")
    return _proved(made, asked)


def _version(domain: Domain, dialect: Dialect) -> tuple[int, ...]:
    """The model's version, where the model is of this dialect."""
    if Dialect(domain.dialect or Dialect.POSTGRES) is not dialect:
        return ()
    return tuple(int(part) for part in re.findall(r"\d{1,4}", domain.engine_version)[:3])


def _proved(made: Design, asked: tuple[Promise, ...]) -> Design:
    tried = {Dialect.POSTGRES: _on_postgres, Dialect.SQLITE: _on_sqlite}.get(made.blueprint.dialect)
    if tried is None:
        why = "No promise was tried: there is no private server of this engine."
        return replace(made, notes=(why,))
    try:
        return tried(made, asked)
    except NotApplied as error:
        everything = Promise("the DDL applies", ("",), "the engine accepts the DDL", ())
        kept = (Kept(everything, str(error)),)
        return replace(made, kept=kept, engine="a private engine")


def _on_postgres(made: Design, asked: tuple[Promise, ...]) -> Design:
    try:
        import psycopg
    except ImportError:  # there is no libpq for this platform
        return replace(made, notes=("No promise was tried: psycopg does not load here.",))

    from ..postgres.binaries import NoPostgres
    from ..postgres.cluster import Cluster
    from .promises.postgres import Stage

    try:
        with Cluster.start() as cluster:
            with Stage(cluster, made.blueprint) as stage:
                kept = tuple(stage.tried(asked))
            made = _planned(cluster, made)
            kept = (*kept, *made.kept)
            engine = f"a private PostgreSQL {cluster.binaries.version}"
    except NoPostgres as error:
        return replace(made, notes=(f"No promise was tried: {error}",))
    except psycopg.OperationalError:
        return replace(made, notes=("No promise was tried: the private server ended.",))
    return replace(made, kept=kept, engine=engine)


def _planned(cluster: Cluster, made: Design) -> Design:
    """With the promises of the indexes, and the growth sweep, when a planner has chosen them."""
    import psycopg

    from ..postgres.whatif import Unbelievable
    from .indexing.planner import TooLong
    from .promises.indexes import tried

    if made.indexes is None or not made.indexes.engine:
        return made
    try:
        kept = tried(cluster, made.blueprint, made.indexes)
        return replace(made, kept=kept, growth=growth(cluster, made.blueprint))
    except (psycopg.Error, Unbelievable, TooLong) as error:
        why = f"No index was tried: {str(error).partition(chr(10))[0]}"
        return replace(made, notes=(*made.notes, why))


def _on_sqlite(made: Design, asked: tuple[Promise, ...]) -> Design:
    import sqlite3

    from .promises.sqlite import kept

    engine = f"SQLite {sqlite3.sqlite_version}"
    return replace(made, kept=kept(made.blueprint, asked), engine=engine)
