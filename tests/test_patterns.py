"""Possessive groups on a Python that has them wrong."""

from __future__ import annotations

import re

import pytest

from backend_architect.tools.patterns import atomic, compiled


@pytest.mark.parametrize(
    ("pattern", "same"),
    [
        (r"(?:a|b(?!c))*+", r"(?>(?:a|b(?!c))*)"),
        (r"x(?:a(?:b)?+)++[)*+](?:\))?+", r"x(?>(?:a(?>(?:b)?))+)[)*+](?>(?:\))?)"),
        (r"[^']*+(a)+\(*+", r"[^']*+(a)+\(*+"),
    ],
)
def test_possessive_groups_become_atomic(pattern: str, same: str) -> None:
    assert atomic(pattern) == same


@pytest.mark.parametrize(
    ("pattern", "text", "end"),
    [
        (r"(?:[^a]++|a(?!b))*+", "xxaxxab", 5),
        (r"(?:[^']++|'[^']*+')*+", "xx 'a' yy 'b", 10),
    ],
)
def test_a_failed_repetition_leaves_nothing_behind(pattern: str, text: str, end: int) -> None:
    for form in (compiled(pattern), re.compile(atomic(pattern))):
        found = form.match(text)
        assert found
        assert found.end() == end
