"""From hits to findings: positions in the scripts, fingerprints by object."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b

from ..ddl.model import Table
from ..judge import Hits, finding
from ..patterns import compiled
from ..policy import Policy
from ..report import Finding, Location, clean
from ..rule import Place
from ..source import pointer, positions
from .context import Context
from .pointers import MAX_POINTER
from .remedies import written

MANY_ROWS = 100_000  # from here on, reading or writing them all under a lock is felt
PLANNED = "; on a big table let `plan_migration` plan it"


def findings_of(
    hits: Hits, texts: Mapping[str, str], policy: Policy, context: Context
) -> list[Finding]:
    """The findings, each at its line and column; a fault seen twice at one place counts once."""
    tables = {written(context, table.name): table for table in context.schema.tables.values()}
    locations = _locations({p for _, hit in hits for p in (hit.at, *hit.related)}, texts)
    seen: Counter[bytes] = Counter()
    findings = {}
    # By message, so that the fingerprints of one place do not depend on the order of the hits.
    for rule, hit in sorted(hits, key=lambda found: found[1].message):
        at = locations[hit.at]
        key = (rule.id, at, hit.message)
        if key not in findings:
            related = tuple(locations[place] for place in hit.related)
            print_ = _fingerprint(rule.id, hit.at, seen)
            found = finding(rule, hit, at, print_, policy, related)
            if context.is_postgres and _may_take_long(found.ddl, tables, context):
                found = replace(found, fix=found.fix + PLANNED)
            findings[key] = found
    return list(findings.values())


def _locations(places: set[Place], texts: Mapping[str, str]) -> dict[Place, Location]:
    """The line and column of each place; a file's offsets are turned in one pass."""
    offsets: dict[str, set[int]] = {}
    for place in places:
        offsets.setdefault(place.file, set()).add(place.offset or 0)
    found = {file: positions(texts.get(file, ""), here) for file, here in offsets.items()}
    locations = {}
    for place in places:
        at = found[place.file][place.offset or 0]
        shown = clean(pointer(place.path), MAX_POINTER)
        locations[place] = Location(place.file, at.line, at.column, shown)
    return locations


def _may_take_long(ddl: Iterable[str], tables: Mapping[str, Table], context: Context) -> bool:
    """Whether a statement blocks writes to a table that is big, or may be, for as long as it is."""
    for statement in filter(blocks_writes, ddl):
        target = _TARGET(statement)
        table = tables.get(target[1]) if target else None
        facts = context.facts_of(table) if table else None
        if facts is None or facts.rows is None or facts.rows >= MANY_ROWS:
            return True
    return False


def blocks_writes(statement: str) -> bool:
    """Whether a statement of PostgreSQL keeps writers out while it goes through a whole table.

    https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
    """
    return _GOES_THROUGH(re.sub(r"\"[^\"]*\"|'[^']*'", "x", statement)) is not None


_GOES_THROUGH = compiled(
    r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY\b)"
    r"|ALTER TABLE .*\bALTER (COLUMN )?+\S+ ((SET DATA )?TYPE|SET NOT NULL)\b"
    r"|ALTER TABLE .*\b(SET (UN)?LOGGED|ADD COLUMN .*\bGENERATED)\b"
    r"|ALTER TABLE .*\bADD (?!.*\b(NOT VALID|USING INDEX)\b)"
    r"(CONSTRAINT|PRIMARY KEY|UNIQUE|FOREIGN KEY|CHECK|EXCLUDE)\b"
    r"|(CLUSTER|VACUUM FULL|REINDEX|REFRESH MATERIALIZED VIEW) (?!.*\bCONCURRENTLY\b)",
    re.I | re.S,
).match
_NAME = r'(?:"(?:[^"]|"")*"|\w+)'
_TARGET = compiled(
    rf"(?:ALTER TABLE|CREATE (?:UNIQUE )?INDEX .*?\bON) (?:ONLY )?({_NAME}(?:\.{_NAME})?)",
    re.I | re.S,
).match


def _fingerprint(rule: str, at: Place, seen: Counter[bytes]) -> str:
    """Rule and object: it survives moved lines, renamed files and reordered statements."""
    digest = blake2b(
        "\0".join([rule, *map(str, at.path)]).encode("utf-8", "replace"), digest_size=8
    )
    seen[digest.digest()] += 1
    if seen[digest.digest()] > 1:
        digest.update(b"\0%d" % seen[digest.digest()])
    return digest.hexdigest()
