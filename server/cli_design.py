"""The command `design-schema`."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .render import MIN_TOKENS
from .terminal import CLEAN, FOUND, ROOTS, Named, indented, printed, progress, refused

if TYPE_CHECKING:
    from backend_architect.tools.design_schema.design import Design

    from .jobs import DesignRequest


def _print_schema(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from backend_architect.tools.design_schema.domain.model import json_schema

        printed(indented(json_schema()))
        ctx.exit()


@click.command("design-schema")
@click.argument("model")
@click.option(
    "--schema", is_flag=True, is_eager=True, expose_value=False, callback=_print_schema,
    help="Print the JSON Schema of models.",
)  # fmt: skip
@click.option(
    "--dialect", type=click.Choice(["postgres", "mysql", "mariadb", "sqlite"]),
    help="Default: the model's, or postgres.",
)  # fmt: skip
@click.option("--engine-version", default="", help="18; default: the model's, or the newest.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path),
    help="Folder for schema.sql, diagram.mmd, dictionary.md, proof.md, sample.sql, design.json.",
)  # fmt: skip
@click.option("--proof/--no-proof", default=True, show_default=True)
@click.option(
    "--format", "form", type=click.Choice(["markdown", "json"]), default="markdown",
    show_default=True,
)  # fmt: skip
@click.option("--detail", type=click.Choice(["concise", "full"]), default="concise")
@click.option("--max-tokens", type=click.IntRange(MIN_TOKENS), help="Of a page; default: all.")
@click.option("--cursor", help="`next_cursor` of the last page.")
@ROOTS
def design_schema(
    model: str,
    dialect: str | None,
    engine_version: str,
    out: Path | None,
    proof: bool,
    form: str,
    detail: str,
    max_tokens: int | None,
    cursor: str | None,
    roots: tuple[Path, ...],
) -> None:
    """Design a schema from MODEL (YAML or JSON; - is standard input), and prove it.

    Exit code 0: designed, and every promise that was tried is kept; 1: a promise is not kept, or a
    review rule finds something; 2: the model is not right.
    """
    from .jobs import DesignRequest

    named = Named(roots, [model])
    request = DesignRequest(
        named.roots,
        model=named.given(model),
        dialect=dialect,
        engine_version=engine_version,
        prove=proof,
        names_from=Path.cwd(),
    )
    made = _designed(request)
    if out:
        _write(made, out)
    printed(_rendered(made, form, detail, max_tokens, cursor))
    sys.exit(_exit_code(made))


def _designed(request: DesignRequest) -> Design:
    from . import jobs

    gc.freeze()
    gc.enable()
    try:
        with progress(jobs.STAGES["design_schema"]) as tell:
            return jobs.design_schema(request, tell("design")).answer
    except jobs.REFUSALS as error:
        refused(str(error))


def _write(made: Design, out: Path) -> None:
    from .render.design import files

    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in files(made):
            (out / name).write_text(text, encoding="utf-8")
    except OSError as error:
        refused(f"{out}: {error.strerror}")


def _exit_code(made: Design) -> int:
    from .render.design import verdict

    return FOUND if verdict(made) == "refused" else CLEAN


def _rendered(
    made: Design, form: str, detail: str, max_tokens: int | None, cursor: str | None
) -> str:
    from .render import design_page
    from .render.design import data
    from .render.page import BadCursor

    if form == "json" and max_tokens is None and cursor is None:
        return indented(data(made))
    try:
        shown = design_page.page(made, max_tokens or sys.maxsize // 4, cursor, detail)
    except BadCursor as error:
        refused(str(error))
    return shown.text if form == "markdown" else indented(shown.data)
