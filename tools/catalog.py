"""Every rule of every tool, by id: for documentation, `rules`, and tests."""

from __future__ import annotations

from functools import cache

from .rule import Rule


@cache
def catalog() -> dict[str, Rule]:
    """All rules, sorted by id. Imported on first use, so that starting the server stays quick."""
    from .design_schema.rules import RULES as SCHEMA
    from .plan_migration.rules import RULES as MIGRATION
    from .review_api.changes.rules import RULES as CHANGES
    from .review_api.graphql.rules import RULES as GRAPHQL
    from .review_api.graphql.rules.changes import RULES as GRAPHQL_CHANGES
    from .review_api.rules import RULES as API

    every = (*API, *GRAPHQL, *GRAPHQL_CHANGES, *CHANGES, *MIGRATION, *SCHEMA)
    return {rule.id: rule for rule in sorted(every, key=lambda rule: rule.id)}
