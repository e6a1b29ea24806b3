"""The command line: `serve` starts the MCP server, the rest are the same tools in a terminal."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from . import version
from .cli_design import design_schema
from .cli_plan import plan_migration
from .terminal import (
    CLEAN,
    FOUND,
    ROOTS,
    USAGE,
    Named,
    common_options,
    expanded,
    indented,
    printed,
    progress,
    refused,
    root_of,
    standard_input,
)

if TYPE_CHECKING:
    from backend_architect.tools.report import Report

    from .jobs import OnStage, Outcome
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


POINTER = click.option("--only-pointer", help="Only findings at or below this pointer.")


@dataclass(frozen=True, slots=True)
class Show:
    """How a report is to be shown, and when it fails."""

    form: str
    fail_on: str
    detail: str
    max_tokens: int | None
    cursor: str | None


@main.command("review-api")
@click.argument("files", nargs=-1, required=True)
@POINTER
@common_options
def review_api(
    files: tuple[str, ...],
    form: str,
    fail_on: str,
    rule_profile: str | None,
    only_rule: tuple[str, ...],
    only_pointer: str | None,
    detail: str,
    max_tokens: int | None,
    cursor: str | None,
    as_of: Any,
    roots: tuple[Path, ...],
) -> None:
    """Review OpenAPI or Swagger documents: files, globs, or - for standard input.

    Exit code 0: nothing at or above --fail-on; 1: findings; 2: a document cannot be read.
    """
    from .jobs import ReviewRequest
    from .jobs import review_api as review

    def request(name: str) -> ReviewRequest:
        own_root = root_of(name)
        path = name if not roots and own_root == Path.cwd() else str(Path(name).absolute())
        return ReviewRequest(
            roots or (own_root,),
            path=None if name == "-" else path,
            text=standard_input() if name == "-" else None,
            name="stdin",
            rule_profile=rule_profile,
            only_rules=only_rule,
            only_pointer=only_pointer or "",
            as_of=as_of.date() if as_of else None,
            names_from=Path.cwd(),
        )

    names = expanded(files)
    show = Show(form, fail_on, detail, max_tokens, cursor)
    _run({name: partial(request, name) for name in names}, review, show)


@main.command("review-schema")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--dialect", type=click.Choice(["postgres", "mysql", "mariadb", "sqlite"]),
    help="Default: told from the text, if that is clear.",
)  # fmt: skip
@click.option("--engine-version", default="", help="16, 8.0.36")
@click.option("--facts", help="File with what `facts-query` returned.")
@click.option("--queries", multiple=True, help="File or folder with the application's SQL.")
@click.option(
    "--prove/--no-prove", default=None,
    help="Try each fix on a private engine. Default: if the schema is small.",
)  # fmt: skip
@POINTER
@common_options
def review_schema(
    paths: tuple[str, ...],
    dialect: str | None,
    engine_version: str,
    facts: str | None,
    queries: tuple[str, ...],
    prove: bool | None,
    form: str,
    fail_on: str,
    rule_profile: str | None,
    only_rule: tuple[str, ...],
    only_pointer: str | None,
    detail: str,
    max_tokens: int | None,
    cursor: str | None,
    as_of: Any,
    roots: tuple[Path, ...],
) -> None:
    """Review one relational schema: a script, a dump, a folder of migrations, or - for
    standard input.

    Several paths are one schema, in the order of their versions. Of a folder its .sql files and
    those in folders below it are read; hidden folders and links to folders are left out.
    Exit code 0: nothing at or above --fail-on; 1: findings; 2: it cannot be read.
    """
    from .jobs import SchemaRequest
    from .jobs import review_schema as review

    names = expanded(paths)
    named = Named(roots, [*names, *queries, *([facts] if facts else [])])

    def request() -> SchemaRequest:
        return SchemaRequest(
            named.roots,
            document=named.given(*names),
            dialect=dialect,
            engine_version=engine_version,
            facts=named.given(facts) if facts else None,
            queries=named.given(*queries) if queries else None,
            prove=prove,
            rule_profile=rule_profile,
            only_rules=only_rule,
            only_pointer=only_pointer or "",
            as_of=as_of.date() if as_of else None,
            names_from=Path.cwd(),
        )

    show = Show(form, fail_on, detail, max_tokens, cursor)
    _run({", ".join(names): request}, review, show)


@main.command("facts-query")
@click.option("--dialect", type=click.Choice(["postgres"]), default="postgres", show_default=True)
def facts_query(dialect: str) -> None:
    """Print one read-only query whose answer is the `facts` of every database tool.

    It reads sizes, counts and settings, never values of your data.
    """
    from backend_architect.tools.engines import facts

    click.echo(facts.facts_query(dialect))


main.add_command(design_schema)
main.add_command(plan_migration)


def _run(
    requests: Mapping[str, Callable[[], R]],
    review: Callable[[R, OnStage], Outcome[Report]],
    show: Show,
) -> None:
    """Review each request, print the report on all, exit by what was found."""
    from backend_architect.tools.report import Report, Severity

    from .jobs import REFUSALS, STAGES

    gc.freeze()
    gc.enable()
    reports: list[Report] = []
    problems: dict[str, None] = {}
    with progress(len(requests) * STAGES[review.__name__]) as tell:
        for name, request in requests.items():
            try:
                reports.append(review(request(), tell(name)).answer)
            except REFUSALS as error:
                problems[str(error)] = None
    for problem in problems:
        click.echo(f"error: {problem}", err=True)
    if not reports:
        sys.exit(USAGE)
    report = Report.joined(reports) if len(reports) > 1 else reports[0]
    printed(_rendered(report, show))
    if problems:
        sys.exit(USAGE)
    threshold = Severity[show.fail_on.upper()] if show.fail_on != "never" else None
    found = threshold is not None and (report.worst or 0) >= threshold
    sys.exit(FOUND if found else CLEAN)


def _rendered(report: Report, show: Show) -> str:
    from .render import github, markdown, sarif
    from .render import json as plain
    from .render.page import BadCursor, page

    if show.form == "sarif":
        return indented(sarif.sarif(report))
    if show.form == "github":
        return github.github(report)
    if (
        show.max_tokens is None
        and show.cursor is None
        and (show.detail == "concise" or show.form == "json")
    ):
        whole = show.form == "markdown"
        return markdown.markdown(report) if whole else indented(plain.data(report))
    try:
        shown = page(report, show.max_tokens or sys.maxsize // 4, show.cursor, show.detail)
    except BadCursor as error:
        refused(str(error))
    return shown.text if show.form == "markdown" else indented(shown.data)


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
