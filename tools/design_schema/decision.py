"""A choice that a design makes, with its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """What was chosen for an object of the design, and why.

    `about` points into the schema: `/tables/orders/columns/id`; `authority` is a manual's page, a
    standard's section, a paper; `source` points into the domain model: `/entities/0/key`.
    """

    about: str
    what: str
    why: str
    authority: str = ""
    source: str = ""
