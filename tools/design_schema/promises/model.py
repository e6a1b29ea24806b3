"""Promises: statements that an engine must accept, refuse or answer, for an object to be worth it.

A promise is tried in a transaction that is rolled back. Take away what it is `about`, and one of
its steps no longer does what it says: that is what makes it a proof of the object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

MAX_SAID: Final = 200  # characters of a statement that a failure shows

Session: TypeAlias = Literal["owner", "app", "reader", "jobs"]
"""Who runs a step.

`app`, `reader` and `jobs` are the roles of the design (`physical.roles.role` has their names): the
application, somebody who only reads, what runs for all tenants. `owner` plants rows: whoever may
do so whatever the policies say (PostgreSQL: the private server's superuser).
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A statement and what must come of it.

    `refused_by` is the constraint, trigger or SQLSTATE that must refuse it (PostgreSQL: a
    constraint's name or an SQLSTATE; SQLite: a part of the message); None: it must be accepted.
    `returns` are the rows it must answer, as text; None: any. `tenant` is set for the transaction
    as an application would; None: as it was; `""`: unset. `commit` ends the transaction at this
    step, for constraints that wait until then (they are checked without really committing).
    """

    sql: str
    refused_by: str | None = None
    returns: Sequence[Sequence[str | None]] | None = None
    session: Session = "owner"
    tenant: str | None = None
    commit: bool = False


@dataclass(frozen=True, slots=True)
class Promise:
    """What an object of the design is there for, with the steps that show it.

    `about` points to the objects: `/tables/orders/checks/orders_total_check`. `doubt` says what may
    be wrong with the sample rows: if one of them is refused, nothing was shown.
    """

    name: str
    about: tuple[str, ...]
    says: str
    steps: tuple[Step, ...]
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """How a promise fared; `failure` says which step did what else, empty when it was kept.

    `untried` says why it could not be tried, and then it is neither.
    """

    promise: Promise
    failure: str = ""
    untried: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether it was tried, and every step did what it says."""
        return not self.failure and not self.untried


def said(statement: str) -> str:
    """A statement in one line, cut where it is long."""
    line = " ".join(statement.split())
    return line if len(line) <= MAX_SAID else line[: MAX_SAID - 1] + "…"


class NotApplied(Exception):
    """A private engine refused a statement of the design."""

    def __init__(self, statement: str, why: str) -> None:
        super().__init__(f"{why}: {said(statement)}")
        self.statement, self.why = statement, why
