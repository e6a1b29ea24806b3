"""What the commands share: names of files, standard input, printing, and a progress bar."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from .render import MIN_TOKENS

if TYPE_CHECKING:
    from .jobs import Given, OnStage

CLEAN, FOUND, USAGE = 0, 1, 2  # exit codes
FORMATS = ["markdown", "json", "sarif", "github"]
F = TypeVar("F", bound=Callable[..., Any])
ROOTS = click.option(
    "--root",
    "roots",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder whose files may be read; repeatable.",
)


def common_options(command: F) -> F:
    """The options of every tool."""
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


class Named:
    """The files that a command was given, as a job takes them."""

    def __init__(self, roots: tuple[Path, ...], names: Sequence[str]) -> None:
        own_roots = tuple(dict.fromkeys(map(root_of, names)))
        self.roots = roots or own_roots
        self._absolute = bool(roots) or own_roots != (Path.cwd(),)

    def given(self, *names: str) -> Given:
        """Some of the files: one document."""
        from .jobs import Given

        if names == ("-",):
            return Given((), standard_input(), "stdin")
        return Given(tuple(str(Path(n).absolute()) if self._absolute else n for n in names))


def printed(text: str) -> None:
    """Print a text as far as the terminal knows its characters."""
    encoding = sys.stdout.encoding
    click.echo(text.encode(encoding, "replace").decode(encoding))


def refused(*problems: str) -> NoReturn:
    """Say what is wrong with the input, and leave."""
    for problem in problems:
        click.echo(f"error: {problem}", err=True)
    sys.exit(USAGE)


def indented(data: object) -> str:
    """Data as JSON for people, in ASCII where the terminal knows no more."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return json.dumps(data, indent=2)
    return text


def standard_input() -> bytes:
    """What is on standard input, but no more than one byte over the limit."""
    from backend_architect.tools.source import MAX_BYTES

    return sys.stdin.buffer.read(MAX_BYTES + 1)


def expanded(files: Sequence[str]) -> list[str]:
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


def root_of(name: str) -> Path:
    """The working directory for what lies in it; else the folder itself, or the file's."""
    here = Path.cwd()
    real = Path(os.path.realpath(name))
    if name == "-" or real.is_relative_to(here):
        return here
    return real if real.is_dir() else real.parent


@contextmanager
def progress(stages: int) -> Iterator[Any]:
    """A bar on a terminal's standard error; else nothing."""
    if not sys.stderr.isatty():
        yield lambda name: lambda stage: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=stages)

        def of(name: str) -> OnStage:
            def step(stage: str) -> None:
                bar.update(task, advance=1, description=f"{name}: {stage}")

            return step

        yield of
