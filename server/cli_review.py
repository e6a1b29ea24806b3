"""The commands that review, correct and accept."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .cli_fix import Change, show, write
from .terminal import (
    CLEAN,
    FOUND,
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

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")

POINTER = click.option("--only-pointer", help="Only findings at or below this pointer.")


def baseline_options(command: F) -> F:
    """The options on findings that are accepted for now."""
    for option in reversed(
        (
            click.option("--baseline", help="File of accepted findings: only the new are shown."),
            click.option(
                "--write-baseline", type=click.Path(dir_okay=False, path_type=Path),
                help="Accept what is found now; those of --baseline keep their reasons.",
            ),
            click.option("--reason", default="", help="Why --write-baseline accepts them."),
            click.option(
                "--expires", type=click.DateTime(["%Y-%m-%d"]), help="Until when it does."
            ),
        )
    ):  # fmt: skip
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Accept:
    """Whether what is found is accepted from now on: in which file, why, and until when.

    What the `earlier` baseline accepted keeps its reason and date.
    """

    file: Path | None
    earlier: str | None
    reason: str
    expires: datetime | None

    def __post_init__(self) -> None:
        if self.file and not self.reason.strip():
            raise click.UsageError("--write-baseline needs a --reason")

    def write(self, report: Report) -> None:
        """Write the baseline, if one is wanted."""
        from backend_architect.tools.openapi.document import Unreadable

        from .baseline import BadBaseline, baseline_text, read_baseline
        from .workspace import Workspace

        if self.file is None:
            return
        try:
            here = Workspace((root_of(self.earlier),)) if self.earlier else None
            known = read_baseline(here, Path(self.earlier).name) if here and self.earlier else {}
            until = self.expires.date() if self.expires else None
            text = baseline_text(report.findings, known, self.reason, until)
            self.file.write_text(text, encoding="utf-8")
        except (BadBaseline, Unreadable) as error:
            refused(str(error))
        except OSError as error:
            refused(f"{self.file}: {error.strerror}")


@dataclass(frozen=True, slots=True)
class Show:
    """How a report is to be shown, and when it fails."""

    form: str
    fail_on: str
    detail: str
    max_tokens: int | None
    cursor: str | None


@click.command("review-api")
@click.argument("files", nargs=-1, required=True)
@click.option("--previous", help="The version before: what does the new one break?")
@click.option("--usage", help="With --previous: recorded calls (HAR), or a list of consumers.")
@click.option("--changelog", is_flag=True, help="With --previous: a changelog for readers.")
@click.option(
    "--prove/--no-prove", default=None,
    help="Apply each fix and review again. Default: if the document is small.",
)  # fmt: skip
@click.option(
    "--view", type=click.Choice(["findings", "matrix", "resources", "contract"]),
    default="findings", show_default=True,
    help="matrix: who may call what; resources: map; contract: endpoint by endpoint, for people.",
)  # fmt: skip
@click.option(
    "--fix", "change", flag_value="write",
    help="Write the corrected documents; of standard input: print it.",
)  # fmt: skip
@click.option("--diff", "change", flag_value="diff", help="Print what --fix would change.")
@click.option(
    "--overlay", "change", flag_value="overlay", help="Print the fixes as an OpenAPI Overlay."
)
@baseline_options
@POINTER
@common_options
def review_api(
    files: tuple[str, ...],
    previous: str | None,
    usage: str | None,
    changelog: bool,
    prove: bool | None,
    view: str,
    change: Change | None,
    baseline: str | None,
    write_baseline: Path | None,
    reason: str,
    expires: datetime | None,
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

    Exit code 0: nothing at or above --fail-on; 1: findings, or with --diff and --overlay something
    to change; 2: a document cannot be read.
    """
    from .jobs import ReviewRequest
    from .jobs import review_api as review

    def request(name: str) -> ReviewRequest:
        own_root = root_of(name)
        path = name if not roots and own_root == Path.cwd() else str(Path(name).absolute())
        return ReviewRequest(
            named.roots if previous else roots or (own_root,),
            path=None if name == "-" else path,
            text=standard_input() if name == "-" else None,
            name="stdin",
            prove=prove,
            view="" if view == "findings" else view,
            baseline="" if write_baseline else baseline,
            rule_profile=rule_profile,
            only_rules=only_rule,
            only_pointer=only_pointer or "",
            as_of=as_of.date() if as_of else None,
            names_from=Path.cwd(),
            previous=named.given(previous) if previous else None,
            usage=named.given(usage) if usage else None,
        )

    names = expanded(files)
    if (usage or changelog) and not previous:
        raise click.UsageError("--usage and --changelog need --previous")
    if previous and (len(names) > 1 or change or view != "findings"):
        raise click.UsageError("--previous compares one file, without --fix, --diff or --view")
    others = [each for each in (previous, usage) if each]
    named = Named(roots, [*names, *others])
    form = "changelog" if changelog else form
    if view != "findings" and (len(names) > 1 or form not in ("markdown", "json")):
        raise click.UsageError("a view is of one file, as markdown or json")
    if change:
        wanted = {name: request(name) for name in names}
        write(wanted) if change == "write" else show(wanted, change)
    shown = Show(form, fail_on, detail, max_tokens, cursor)
    accept = Accept(write_baseline, baseline, reason, expires)
    _run({name: partial(request, name) for name in names}, review, shown, accept)


@click.command("review-schema")
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
@baseline_options
@POINTER
@common_options
def review_schema(
    paths: tuple[str, ...],
    dialect: str | None,
    engine_version: str,
    facts: str | None,
    queries: tuple[str, ...],
    prove: bool | None,
    baseline: str | None,
    write_baseline: Path | None,
    reason: str,
    expires: datetime | None,
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
            baseline="" if write_baseline else baseline,
            rule_profile=rule_profile,
            only_rules=only_rule,
            only_pointer=only_pointer or "",
            as_of=as_of.date() if as_of else None,
            names_from=Path.cwd(),
        )

    shown = Show(form, fail_on, detail, max_tokens, cursor)
    accept = Accept(write_baseline, baseline, reason, expires)
    _run({", ".join(names): request}, review, shown, accept)


def _run(
    requests: Mapping[str, Callable[[], R]],
    review: Callable[[R, OnStage], Outcome[Report]],
    show: Show,
    accept: Accept,
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
    accept.write(report)
    threshold = Severity[show.fail_on.upper()] if show.fail_on != "never" else None
    found = threshold is not None and (report.worst or 0) >= threshold
    sys.exit(FOUND if found else CLEAN)


def _rendered(report: Report, show: Show) -> str:
    from .render import changelog, github, markdown, review_page, sarif
    from .render import json as plain
    from .render.page import BadCursor

    if show.form == "sarif":
        return indented(sarif.sarif(report))
    if show.form == "github":
        return github.github(report)
    if show.form == "changelog":
        return changelog.changelog(report)
    if (
        show.max_tokens is None
        and show.cursor is None
        and (show.detail == "concise" or show.form == "json")
    ):
        if show.form == "json":
            return indented(plain.data(report))
        if report.view:
            return review_page.markdown(report, report.view)
        return markdown.markdown(report)
    try:
        shown = review_page.page(
            report, show.max_tokens or sys.maxsize // 4, show.cursor, show.detail
        )
    except BadCursor as error:
        refused(str(error))
    return shown.text if show.form == "markdown" else indented(shown.data)
