"""A scripted MCP client: what a host does, and what it would show.

    python examples/client.py [API-DOCUMENT …]     # default: the examples beside this file

Starts the server over stdio, lists its tools, gets the persona, and calls each tool.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters

HERE = Path(__file__).parent
# A model that contradicts itself: the answer says what would be right.
WRONG: dict[str, Any] = {
    "name": "shop",
    "entities": [
        {"name": "customer", "attributes": [{"name": "mail", "type": "email"}]},
        {
            "name": "order",
            "attributes": [{"name": "status", "type": "enum", "values": ["open", "paid"]}],
            "states": {
                "attribute": "status",
                "initial": ["open"],
                "transitions": {"open": ["payed"]},
            },
        },
    ],
    "relationships": [
        {"name": "customer", "source": "order", "target": "customer", "on_delete": "set_null"},
        {"name": "first_order", "source": "customer", "target": "order"},
    ],
}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("review_api", {"document": {"path": "orders-api.yaml"}, "max_tokens": 2_500}),
    ("review_api", {"document": {"path": "orders-api-fixed.yaml"}}),
    (
        "review_api",
        {
            "document": {"path": "orders-api-versions/v2.yaml"},
            "previous": {"path": "orders-api-versions/v1.yaml"},
            "usage": {"path": "orders-api-versions/consumers.yaml"},
        },
    ),
    ("review_schema", {"document": {"path": "shop-migrations"}, "engine_version": "18"}),
    (
        "security_checklist",
        {
            "api": {"path": "orders-api.yaml"},
            "system": {"path": "orders-security/system.yaml"},
            "authorization": {"path": "orders-security/roles.yaml"},
            "max_tokens": 4_000,
        },
    ),
    ("design_schema", {"model": {"path": "design/saas-billing.yaml"}, "max_tokens": 3_000}),
    ("design_schema", {"model": WRONG}),
    (
        "plan_migration",
        {
            "current": {"path": "rental-migration/current.sql"},
            "migration": {"path": "rental-migration/migration.sql"},
            "queries_before": {"path": "rental-migration/queries_before.sql"},
            "queries_after": {"path": "rental-migration/queries_after.sql"},
            "facts": {"path": "rental-migration/facts.json"},
            "dialect": "postgres",
            "engine_version": "18",
            "max_tokens": 6_000,
        },
    ),
]


async def main(documents: list[str]) -> int:
    root = Path.cwd() if documents else HERE
    calls = [("review_api", {"document": {"path": path}}) for path in documents] or CALLS
    command = str(Path(sys.executable).with_name("backend-architect"))
    server = StdioServerParameters(command=command, args=["serve", "--root", str(root)])
    started = time.perf_counter()
    async with Client(server) as client:
        tools = (await client.list_tools()).tools
        title(f"tools, {since(started)} after the start of the server")
        for tool in tools:
            print(f"{tool.name}: {(tool.description or '').partition('. ')[0]}.")

        title("prompt backend-architect")
        task = "Review our orders API before its first release"
        prompt = await client.get_prompt("backend-architect", {"task": task})
        text = getattr(prompt.messages[0].content, "text", "")
        print(text[:280].rstrip(), "…", f"({len(text):,} characters)")

        for name, arguments in calls:
            given = [value for value in arguments.values() if isinstance(value, dict)]
            title(f"{name} {', '.join(value.get('path', 'inline') for value in given)}")
            started = time.perf_counter()
            result = await client.call_tool(name, arguments)
            print("\n".join(getattr(block, "text", "") for block in result.content))
            print(f"\n({since(started)})")
            if result.is_error and arguments.get("model") is not WRONG:
                return 1
    return 0


def title(text: str) -> None:
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}")


def since(started: float) -> str:
    return f"{time.perf_counter() - started:.2f} s"


if __name__ == "__main__":
    sys.exit(anyio.run(main, sys.argv[1:]))
