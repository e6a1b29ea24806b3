"""The command `security-checklist`."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .render import MIN_TOKENS
from .terminal import CLEAN, FOUND, ROOTS, Named, expanded, indented, printed, progress, refused

if TYPE_CHECKING:
    from backend_architect.tools.security_checklist.checklist import Checklist

    from .jobs import ChecklistRequest

FORMATS = ["markdown", "json", "csv", "sarif"]


def _print_schema(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from backend_architect.tools.security_checklist.domain.model import json_schema

        printed(indented(json_schema()))
        ctx.exit()


@click.command("security-checklist")
@click.option("--api", help="OpenAPI document; - is standard input.")
@click.option("--schema", multiple=True, help="SQL DDL: files, folders of migrations; repeatable.")
@click.option("--system", help="The system's description, YAML or JSON.")
@click.option("--authorization", help="Role table, OpenFGA model, Cedar or OPA data.")
@click.option("--answers", help="Answers to questions of an earlier run, by id: YAML or JSON.")
@click.option(
    "--dialect", type=click.Choice(["postgres", "mysql", "mariadb", "sqlite"]),
    help="Of the DDL; default: as the text tells.",
)  # fmt: skip
@click.option(
    "--system-schema", is_flag=True, is_eager=True, expose_value=False, callback=_print_schema,
    help="Print the JSON Schema of descriptions.",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(FORMATS), default="markdown", show_default=True)
@click.option(
    "--fail-on", type=click.Choice(["not_met", "unknown", "never"]), default="not_met",
    show_default=True, help="Exit 1 at a row of this status or worse.",
)  # fmt: skip
@click.option(
    "--export", type=click.Path(file_okay=False, path_type=Path),
    help="Folder for test_authorization.py (pytest with httpx) and authorization.http.",
)  # fmt: skip
@click.option("--detail", type=click.Choice(["concise", "full"]), default="concise")
@click.option("--max-tokens", type=click.IntRange(MIN_TOKENS), help="Of a page; default: all.")
@click.option("--cursor", help="`next_cursor` of the last page.")
@ROOTS
def security_checklist(
    api: str | None,
    schema: tuple[str, ...],
    system: str | None,
    authorization: str | None,
    answers: str | None,
    dialect: str | None,
    form: str,
    fail_on: str,
    export: Path | None,
    detail: str,
    max_tokens: int | None,
    cursor: str | None,
    roots: tuple[Path, ...],
) -> None:
    """Decide security controls by the documents of a system.

    Everything is optional; with nothing it prints the questions worth asking first.
    Exit code 0: nothing at or above --fail-on; 1: there is; 2: an input cannot be read.
    """
    from .jobs import ChecklistRequest

    files = expanded(schema)
    single = [name for name in (api, system, authorization, answers) if name]
    named = Named(roots, [*single, *files] or ["."])
    request = ChecklistRequest(
        named.roots,
        api=named.given(api) if api else None,
        schema=named.given(*files) if files else None,
        authorization=named.given(authorization) if authorization else None,
        system=named.given(system) if system else None,
        answers=named.given(answers) if answers else None,
        dialect=dialect,
        export=export is not None,
        names_from=Path.cwd(),
    )
    made = _checked(request)
    if export:
        _write(made, export)
    printed(_rendered(made, form, detail, max_tokens, cursor))
    sys.exit(_exit_code(made, fail_on))


def _checked(request: ChecklistRequest) -> Checklist:
    from . import jobs

    gc.freeze()
    gc.enable()
    try:
        with progress(jobs.STAGES["security_checklist"]) as tell:
            return jobs.security_checklist(request, tell("checklist")).answer
    except jobs.REFUSALS as error:
        refused(str(error))


def _write(made: Checklist, out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in made.exports:
            (out / name).write_text(text, encoding="utf-8")
    except OSError as error:
        refused(f"{out}: {error.strerror}")


def _exit_code(made: Checklist, fail_on: str) -> int:
    found = made.summary["counts"]
    failing = {"not_met": ("not_met", "partial"), "unknown": ("not_met", "partial", "unknown")}
    return FOUND if any(found[status] for status in failing.get(fail_on, ())) else CLEAN


def _rendered(
    made: Checklist, form: str, detail: str, max_tokens: int | None, cursor: str | None
) -> str:
    from .render import checklist_csv, checklist_page, checklist_sarif
    from .render.checklist import data
    from .render.page import BadCursor

    if form == "csv":
        return checklist_csv.text(made)
    if form == "sarif":
        return indented(checklist_sarif.sarif(made))
    if form == "json" and max_tokens is None and cursor is None:
        return indented(data(made))
    try:
        shown = checklist_page.page(made, max_tokens or sys.maxsize // 4, cursor, detail)
    except BadCursor as error:
        refused(str(error))
    return shown.text if form == "markdown" else indented(shown.data)
