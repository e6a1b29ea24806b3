"""The command line: `serve` starts the MCP server, the rest are the same tools in a terminal."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from . import version
from .render import MIN_TOKENS

if TYPE_CHECKING:
    from backend_architect.tools.report import Report

    from .jobs import OnStage, Outcome
    from .transports import Network

CLEAN, FOUND, USAGE = 0, 1, 2
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
ROOTS = click.option(
    "--root",
    "roots",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder whose files may be read; repeatable.",
)


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


FORMATS = ["markdown", "json", "sarif", "github"]


def review_options(command: F) -> F:
    """The options that every review has."""
    for option in reversed(
        (
            click.option(
                "--format", "form", type=click.Choice(FORMATS), default="markdown",
                show_default=True,
            ),
            click.option(
                "--fail-on", type=click.Choice(["error", "warning", "info", "never"]),
                default="error", show_default=True,
                help="Exit 1 at a finding of this severity or above.",
            ),
            click.option(
                "--rule-profile", type=click.Choice(["default", "all"]), help="Default: settings."
            ),
            click.option("--only-rule", multiple=True, help="Run only this rule; repeatable."),
            click.option("--only-pointer", help="Only findings at or below this pointer."),
            click.option("--detail", type=click.Choice(["concise", "full"]), default="concise"),
            click.option(
                "--max-tokens", type=click.IntRange(MIN_TOKENS), help="Of a page; default: all."
            ),
            click.option("--cursor", help="`next_cursor` of the last page."),
            click.option(
                "--as-of", type=click.DateTime(["%Y-%m-%d"]),
                help="Judge expiry of ignores against this date.",
            ),
            ROOTS,
        )
    ):  # fmt: skip
        command = option(command)
    return command


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
@review_options
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
        own_root = _root_of(name)
        path = name if not roots and own_root == Path.cwd() else str(Path(name).absolute())
        return ReviewRequest(
            roots or (own_root,),
            path=None if name == "-" else path,
            text=_standard_input() if name == "-" else None,
            name="stdin",
            rule_profile=rule_profile,
            only_rules=only_rule,
            only_pointer=only_pointer or "",
            as_of=as_of.date() if as_of else None,
            names_from=Path.cwd(),
        )

    names = _expanded(files)
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
@review_options
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
    from .jobs import Given, SchemaRequest
    from .jobs import review_schema as review

    names = _expanded(paths)
    inputs = [*names, *queries, *([facts] if facts else [])]
    own_roots = tuple(dict.fromkeys(map(_root_of, inputs)))
    absolute = bool(roots) or own_roots != (Path.cwd(),)

    def given(*names: str) -> Given:
        if names == ("-",):
            return Given((), _standard_input(), "stdin")
        return Given(tuple(str(Path(n).absolute()) if absolute else n for n in names))

    def request() -> SchemaRequest:
        return SchemaRequest(
            roots or own_roots,
            document=given(*names),
            dialect=dialect,
            engine_version=engine_version,
            facts=given(facts) if facts else None,
            queries=given(*queries) if queries else None,
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


def _run(
    requests: Mapping[str, Callable[[], R]], review: Callable[[R, OnStage], Outcome], show: Show
) -> None:
    """Review each request, print the report on all, exit by what was found."""
    from backend_architect.tools.report import Report, Severity

    from .jobs import REFUSALS, STAGES

    gc.freeze()
    gc.enable()
    reports: list[Report] = []
    problems: dict[str, None] = {}
    with _progress(len(requests) * STAGES[review.__name__]) as progress:
        for name, request in requests.items():
            try:
                reports.append(review(request(), progress(name)).report)
            except REFUSALS as error:
                problems[str(error)] = None
    for problem in problems:
        click.echo(f"error: {problem}", err=True)
    if not reports:
        sys.exit(USAGE)
    report = Report.joined(reports) if len(reports) > 1 else reports[0]
    shown = _rendered(report, show)
    encoding = sys.stdout.encoding  # a terminal may know few characters
    click.echo(shown.encode(encoding, "replace").decode(encoding))
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
        return _indented(sarif.sarif(report))
    if show.form == "github":
        return github.github(report)
    if (
        show.max_tokens is None
        and show.cursor is None
        and (show.detail == "concise" or show.form == "json")
    ):
        whole = show.form == "markdown"
        return markdown.markdown(report) if whole else _indented(plain.data(report))
    try:
        shown = page(report, show.max_tokens or sys.maxsize // 4, show.cursor, show.detail)
    except BadCursor as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(USAGE)
    return shown.text if show.form == "markdown" else _indented(shown.data)


def _indented(data: object) -> str:
    text = json.dumps(data, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return json.dumps(data, indent=2)
    return text


def _standard_input() -> bytes:
    """What is on standard input, but no more than one byte over the limit."""
    from backend_architect.tools.source import MAX_BYTES

    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _expanded(files: Sequence[str]) -> list[str]:
    """The files named, globs expanded, each once."""
    from glob import glob, has_magic

    names: list[str] = []
    for name in files:
        pattern = has_magic(name) and not Path(name).exists()
        found = sorted(glob(name, recursive=True)) if pattern else [name]  # noqa: PTH207 - Path.glob takes no absolute pattern
        if not found:
            raise click.UsageError(f"no file matches {name!r}")
        names += found
    return list(dict.fromkeys(names))


def _root_of(name: str) -> Path:
    """The working directory for what lies in it; else the folder itself, or the file's."""
    here = Path.cwd()
    real = Path(os.path.realpath(name))
    if name == "-" or real.is_relative_to(here):
        return here
    return real if real.is_dir() else real.parent


@contextmanager
def _progress(stages: int) -> Iterator[Any]:
    """A bar on a terminal's standard error; else nothing."""
    if not sys.stderr.isatty():
        yield lambda name: lambda stage: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reviewing", total=stages)

        def of(name: str) -> OnStage:
            def step(stage: str) -> None:
                bar.update(task, advance=1, description=f"{name}: {stage}")

            return step

        yield of


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
