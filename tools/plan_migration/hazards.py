"""What is unsafe in a user's own migration script, with the safe sequence for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ..ddl.load import Loaded
from ..ddl.model import Dialect
from ..report import Location, Severity, clean
from ..rule import Hit, Rule, select
from ..source import positions
from .context import Context
from .model import Effects, Hazard
from .rules import RULES
from .script import seen_statements

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
    given = severities or {}
    chosen = [
        rule
        for rule in (select(RULES, "default", ()) if rules is None else rules)
        if given.get(rule.id, rule.severity) is not None
    ]
    by_engine = {Dialect.POSTGRES: _of_postgres, Dialect.SQLITE: _of_sqlite}
    if context.dialect not in by_engine:
        return
    for hazard in _located(list(by_engine[context.dialect](script, context, chosen)), script):
        severity = given.get(hazard.rule)
        yield replace(hazard, severity=severity) if severity else hazard


class _Found(NamedTuple):
    """A rule that speaks, with the statement and what that does."""

    rule: Rule
    hit: Hit
    sql: str = ""
    effects: Effects = Effects()


def _of_postgres(script: Loaded, context: Context, rules: list[Rule]) -> Iterator[_Found]:
    for seen, run in seen_statements(script, context):
        if seen is None:
            on = "script"
        elif seen.node is None:
            on = "unread" if seen.parsed.error else ""
        else:
            on = "statement"
        subject: Any = run if seen is None else seen
        said = (seen.parsed.statement.text, seen.measured.effects) if seen else ()
        for rule in rules:
            if rule.on == on:
                yield from (_Found(rule, hit, *said) for hit in rule.check(subject, run))


def _of_sqlite(script: Loaded, context: Context, rules: list[Rule]) -> Iterator[_Found]:
    from .sqlite.script import seen_statements as seen_of_sqlite

    for seen, run in seen_of_sqlite(script, context):
        for rule in rules:
            if rule.on == "sqlite":
                for hit in rule.check(seen, run):
                    yield _Found(rule, hit, seen.statement.text, seen.effects)


def _located(found: list[_Found], script: Loaded) -> Iterator[Hazard]:
    offsets: dict[str, set[int]] = {}
    for hit in (each.hit for each in found):
        offsets.setdefault(hit.at.file, set()).add(hit.at.offset or 0)
    places = {
        (file, offset): position
        for file, wanted in offsets.items()
        for offset, position in positions(script.texts.get(file, ""), wanted).items()
    }
    for rule, hit, sql, effects in found:
        position = places[hit.at.file, hit.at.offset or 0]
        yield Hazard(
            rule.id,
            rule.severity,
            Location(hit.at.file, position.line, position.column, ""),
            clean(hit.message, 500),
            sql[:MAX_SQL],
            effects,
            hit.ddl,
        )
