"""What nearly all parts of a schema do alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

T = TypeVar("T")

SHARE: Final = 0.9


def outliers(votes: Iterable[tuple[bool, T]], support: int) -> list[T]:
    """Those that do not, where at least so many, and nine of ten, do; else none."""
    cast = list(votes)
    others = [each for does, each in cast if not does]
    agreeing = len(cast) - len(others)
    return others if agreeing >= max(support, SHARE * len(cast)) else []
