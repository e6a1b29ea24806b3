"""The themes of promises, and the engines on which they are tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from ..physical.blueprint import Blueprint
from . import audit, constraints, erasure, guards, retention, roles, sample, tenancy
from .model import Promise
from .rows import Rows

Theme: TypeAlias = Callable[[Blueprint, Rows], Iterator[Promise]]

EVERY: Final[tuple[Theme, ...]] = (
    constraints.promises,
    guards.promises,
    tenancy.promises,
    roles.promises,
    audit.promises,
    retention.promises,
    erasure.promises,
    sample.promises,
)


def promises(blueprint: Blueprint) -> tuple[Promise, ...]:
    """Every promise of a design."""
    rows = Rows(blueprint)
    return tuple(promise for theme in EVERY for promise in theme(blueprint, rows))
