"""What is unsafe in a user's own migration script, with the safe sequence for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..ddl.load import Loaded
from ..ddl.model import Dialect
from ..report import Location, Severity, clean
from ..rule import Hit, Rule, select
from ..source import positions
from .context import Context
from .model import Effects, Hazard
from .rules import RULES
from .script import Seen, seen_statements

MAX_SQL = 2_000  # characters of a statement in a hazard


def judge(
    script: Loaded,
    context: Context,
    rules: Iterable[Rule] | None = None,
    severities: Mapping[str, Severity | None] | None = None,
) -> Iterator[Hazard]:
    """The hazards, in the order of the script's statements.

    `rules` are those of the default profile unless given; `severities` replaces the severity of a
    rule by its id, None turns it off. Statements are judged on the schema that
    they meet: `context.current` with what the script did before; without a schema a table that the
    script does not make is taken to be large and in use.
    """
    if context.dialect is not Dialect.POSTGRES:
        return
    given = severities or {}
    chosen = [
        rule
        for rule in (select(RULES, "default", ()) if rules is None else rules)
        if given.get(rule.id, rule.severity) is not None
    ]
    found: list[tuple[Rule, Hit, Seen | None]] = []
    for seen, run in seen_statements(script, context):
        if seen is None:
            on = "script"
        elif seen.node is None:
            on = "unread" if seen.parsed.error else ""
        else:
            on = "statement"
        subject: Any = run if seen is None else seen
        for rule in chosen:
            if rule.on == on:
                found += [(rule, hit, seen) for hit in rule.check(subject, run)]
    for hazard in _located(found, script):
        severity = given.get(hazard.rule)
        yield replace(hazard, severity=severity) if severity else hazard


def _located(found: list[tuple[Rule, Hit, Seen | None]], script: Loaded) -> Iterator[Hazard]:
    offsets: dict[str, set[int]] = {}
    for _, hit, _ in found:
        offsets.setdefault(hit.at.file, set()).add(hit.at.offset or 0)
    places = {
        (file, offset): position
        for file, wanted in offsets.items()
        for offset, position in positions(script.texts.get(file, ""), wanted).items()
    }
    for rule, hit, seen in found:
        position = places[hit.at.file, hit.at.offset or 0]
        yield Hazard(
            rule.id,
            rule.severity,
            Location(hit.at.file, position.line, position.column, ""),
            clean(hit.message, 500),
            seen.parsed.statement.text[:MAX_SQL] if seen else "",
            seen.measured.effects if seen else Effects(),
            hit.ddl,
        )
