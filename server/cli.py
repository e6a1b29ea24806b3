"""The command line: `serve` starts the MCP server, the rest are the same tools in a terminal."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from . import version
from .cli_design import design_schema
from .cli_plan import plan_migration
from .cli_review import review_api, review_schema
from .terminal import (
    ROOTS,
    USAGE,
)

if TYPE_CHECKING:
    from .transports import Network

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")


class DefaultToServe(click.Group):
    """Hosts start the bare command: it serves."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert `serve` where no command is named."""
        if not args or (args[0].startswith("-") and args[0] not in ("--help", "-h", "--version")):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


@click.group(cls=DefaultToServe, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version=version(), prog_name="backend-architect")
def main() -> None:
    """Deterministic reviews of backend designs. Without a command: serve over MCP (stdio)."""


COUNT = click.IntRange(1)


@main.command()
@click.option("--transport", type=click.Choice(["stdio", "http", "sse"]), default="stdio")
@ROOTS
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--allowed-host", multiple=True, help="Host header to accept; repeatable.")
@click.option("--allowed-origin", multiple=True, help="Origin header to accept; repeatable.")
@click.option(
    "--max-body",
    type=click.IntRange(1),
    default=32,
    show_default=True,
    help="MiB of an HTTP request.",
)
@click.option(
    "--stateless",
    is_flag=True,
    help="No sessions for clients of the handshake era either: any replica can serve them, but they"
    " cannot cancel a call.",
)
@click.option("--workers", type=COUNT, default=2, show_default=True, help="Calls at a time.")
@click.option("--timeout", type=COUNT, default=60, show_default=True, help="Seconds for a call.")
@click.option("--memory", type=COUNT, default=2048, show_default=True, help="MiB for a call.")
def serve(
    transport: Literal["stdio"] | Network,
    roots: tuple[Path, ...],
    host: str,
    port: int,
    allowed_host: tuple[str, ...],
    allowed_origin: tuple[str, ...],
    max_body: int,
    stateless: bool,
    workers: int,
    timeout: int,
    memory: int,
) -> None:
    """Serve over MCP: stdio (default), streamable HTTP, or the superseded SSE.

    Over stdio the working directory may be read unless --root says otherwise (not when it is / or
    the home folder, where desktop hosts start servers); over HTTP nothing, without --root.
    """
    import anyio

    from .app import build
    from .service import Service
    from .transports import Http, serve_http, serve_stdio
    from .workers import MIB, Workers
    from .workspace import default_roots

    gc.freeze()
    gc.enable()
    allowed = roots or (default_roots() if transport == "stdio" else ())
    service = Service(allowed, Workers(workers, timeout, memory * MIB))
    server = build(service)
    try:
        if transport == "stdio":
            anyio.run(serve_stdio, server, service)
        else:
            http = Http(host, port, allowed_host, allowed_origin, max_body * MIB, stateless)
            anyio.run(serve_http, server, service, transport, http)
    finally:
        service.workers.close()


@main.command("facts-query")
@click.option("--dialect", type=click.Choice(["postgres"]), default="postgres", show_default=True)
def facts_query(dialect: str) -> None:
    """Print one read-only query whose answer is the `facts` of every database tool.

    It reads sizes, counts and settings, never values of your data.
    """
    from backend_architect.tools.engines import facts

    click.echo(facts.facts_query(dialect))


main.add_command(review_api)
main.add_command(review_schema)
main.add_command(design_schema)
main.add_command(plan_migration)


@main.command()
@click.argument("id", required=False)
def rules(id: str | None) -> None:
    """List all rules, or explain one."""
    from backend_architect.tools.catalog import catalog
    from backend_architect.tools.rule import UnknownRule

    from .docs import page

    if id is None:
        for rule in catalog().values():
            flag = " (opt-in)" if rule.opt_in else ""
            click.echo(f"{rule.id:40} {rule.severity.word:8} {rule.class_:7} {rule.title}{flag}")
    elif id in catalog():
        click.echo(page(catalog()[id]))
    else:
        click.echo(f"error: {UnknownRule(id, catalog())}", err=True)
        sys.exit(USAGE)


@main.command()
def persona() -> None:
    """Print the Backend Architect persona."""
    from .prompts import persona

    click.echo(persona())
