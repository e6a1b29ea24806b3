"""The command line: `serve` starts the MCP server, the rest are the same tools in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from . import version
from .cli_checklist import security_checklist
from .cli_design import design_schema
from .cli_plan import plan_migration
from .cli_review import review_api, review_schema
from .cli_serve import serve, token
from .terminal import USAGE

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


@main.command("facts-query")
@click.option("--dialect", type=click.Choice(["postgres"]), default="postgres", show_default=True)
def facts_query(dialect: str) -> None:
    """Print one read-only query whose answer is the `facts` of every database tool.

    It reads sizes, counts and settings, never values of your data.
    """
    from backend_architect.tools.engines import facts

    click.echo(facts.facts_query(dialect))


main.add_command(serve)
main.add_command(token)
main.add_command(review_api)
main.add_command(review_schema)
main.add_command(design_schema)
main.add_command(plan_migration)
main.add_command(security_checklist)


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
