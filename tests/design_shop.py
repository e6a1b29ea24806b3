"""A small model of shops that share a database: what the parts of physical schemas are tried on."""

from __future__ import annotations

from typing import Any, Final

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema.domain.model import Domain
from backend_architect.tools.design_schema.logical.relations import logical
from backend_architect.tools.design_schema.physical.blueprint import Blueprint
from backend_architect.tools.design_schema.physical.building import physical

SHOP: Final[dict[str, Any]] = {
    "name": "shop",
    "tenancy": {"kind": "shared", "entity": "shop"},
    "entities": [
        {"name": "shop", "attributes": [{"name": "title", "type": "text", "max_length": 80}]},
        {
            "name": "customer",
            "audit": "history",
            "attributes": [
                {"name": "email", "type": "email", "unique": True, "sensitivity": "personal"},
                {
                    "name": "full_name",
                    "type": "text",
                    "max_length": 100,
                    "min_length": 1,
                    "sensitivity": "personal",
                },
                {"name": "born", "type": "date", "required": False, "sensitivity": "special"},
                {"name": "password", "type": "text", "max_length": 255, "sensitivity": "secret"},
                {
                    "name": "tier",
                    "type": "enum",
                    "values": ["free", "paid"],
                    "growth": "often",
                },
            ],
            "retention": {"keep_days": 700, "after": "created_at", "on_erasure": "anonymise"},
        },
        {
            "name": "order",
            "audit": "who_when",
            "attributes": [
                {"name": "total", "type": "money", "currency": "EUR", "minimum": 0},
                {"name": "placed_at", "type": "instant", "default": "now"},
            ],
            "retention": {"keep_days": 365, "after": "placed_at", "basis": "tax law"},
        },
        {
            "name": "message",
            "attributes": [
                {"name": "body", "type": "text", "max_length": 900, "sensitivity": "personal"}
            ],
            "retention": {"on_erasure": "delete"},
        },
        {"name": "refund", "attributes": [{"name": "amount", "type": "money", "currency": "EUR"}]},
        {
            "name": "country",
            "shared": True,
            "attributes": [{"name": "code", "type": "text", "max_length": 2}],
        },
        {
            "name": "click",
            "attributes": [
                {"name": "at", "type": "instant", "default": "now"},
                {"name": "page", "type": "text", "max_length": 200},
            ],
            "invariants": [{"kind": "append_only"}],
            "volume": {"rows": 1_000_000_000, "growth_per_month": 100_000_000},
            "retention": {"keep_days": 90, "after": "at"},
        },
    ],
    "relationships": [
        {"name": "customer", "source": "order", "target": "customer"},
        {"name": "order", "source": "message", "target": "order", "owned": True},
        {"name": "order", "source": "refund", "target": "order"},
        {"name": "country", "source": "customer", "target": "country"},
        {"name": "customer", "source": "click", "target": "customer", "on_delete": "cascade"},
    ],
}


def shop(dialect: Dialect = Dialect.POSTGRES, **changes: Any) -> Blueprint:
    """The design of the shops; `changes` are made to the model."""
    return physical(logical(Domain.model_validate(SHOP | changes)), dialect)
