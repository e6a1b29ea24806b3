"""Which views and triggers read a table: they must go before it is gone for a moment.

While a table is replaced by a new one, RENAME checks every view and trigger of the database and
fails at the first that names something that is not there.
https://www.sqlite.org/lang_altertable.html#otheralter
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ...ddl.model import Dialect, Name, Schema, Table, Trigger, View
from ...ddl.tokens import identifiers
from .alter import mentions


class Hanging(NamedTuple):
    """A trigger with the table or view that it is on."""

    owner: Name
    trigger: Trigger


class Dependents(NamedTuple):
    """Views and triggers, by name."""

    views: frozenset[Name] = frozenset()
    triggers: frozenset[tuple[Name, str]] = frozenset()

    def __or__(self, other: tuple[object, ...]) -> Dependents:
        assert isinstance(other, Dependents)
        return Dependents(self.views | other.views, self.triggers | other.triggers)


def triggers(schema: Schema) -> Iterator[Hanging]:
    """All triggers of a schema."""
    owners: list[Table | View] = [*schema.tables.values(), *schema.views.values()]
    for owner in owners:
        for trigger in owner.triggers.values():
            yield Hanging(owner.name, trigger)


def readers(schema: Schema, names: Iterable[str], column: str = "") -> Dependents:
    """The views and triggers that read some relations, directly or through views.

    With `column` those only in which this name is found, and what reads such a view.
    """
    reached = {name.lower() for name in names}
    views: set[Name] = set()
    said = {
        name: identifiers(view.query, Dialect.SQLITE) | {c.lower() for c in view.columns}
        for name, view in schema.views.items()
    }
    hit = {name: not column or column.lower() in words for name, words in said.items()}
    through = set(reached)  # also views that do not name the column pass on what they read
    for _ in schema.views:
        more = {n for n, words in said.items() if n not in views and words & through}
        if not more:
            break
        views |= more
        through |= {name.name.lower() for name in more}
    broken = {name for name in views if hit[name]}
    for _ in schema.views:
        gone = {name.name.lower() for name in broken}
        more = {name for name in views - broken if said[name] & gone}
        if not more:
            break
        broken |= more
    gone = {name.name.lower() for name in broken}
    found = {
        (owner, trigger.name)
        for owner, trigger in triggers(schema)
        if owner in broken or _reads(owner, trigger, through, gone, column)
    }
    return Dependents(frozenset(broken), frozenset(found))


def _reads(owner: Name, trigger: Trigger, through: set[str], gone: set[str], column: str) -> bool:
    text = f"{trigger.when or ''} {trigger.body}"
    words = identifiers(text, Dialect.SQLITE)
    if words & gone:
        return True
    if not (words & through or owner.name.lower() in through):
        return False
    watched = {name.lower() for name in trigger.update_of}
    return not column or mentions(text, column) or column.lower() in watched
