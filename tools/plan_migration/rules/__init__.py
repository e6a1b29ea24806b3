"""All rules on migration scripts. To add one, write it in the module of its theme."""

from __future__ import annotations

from ...rule import rules_in
from . import (
    columns,
    compatibility,
    constraints,
    data,
    indexes,
    rewrites,
    sqlite,
    sqlite_rebuild,
    style,
    transactions,
)

RULES = rules_in(
    columns,
    compatibility,
    constraints,
    data,
    indexes,
    rewrites,
    style,
    transactions,
    sqlite,
    sqlite_rebuild,
)
