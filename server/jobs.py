"""What runs in a worker process: a request in, a report out, both plain data."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from backend_architect.tools.openapi.document import NoSuchPlace, NotOpenApi, Unreadable
from backend_architect.tools.policy import Baseline, Policy
from backend_architect.tools.report import Group, Report, quoted
from backend_architect.tools.rule import UnknownRule
from backend_architect.tools.source import SourceError, decode, load

from .baseline import BadBaseline, read_baseline
from .settings import BadSettings, load_policy
from .workspace import Stamp, Workspace

if TYPE_CHECKING:
    from backend_architect.tools.design_schema.design import Design
    from backend_architect.tools.plan_migration.model import Plan
    from backend_architect.tools.review_api import Correction
    from backend_architect.tools.security_checklist.checklist import Checklist

A = TypeVar("A", covariant=True)


class BadInput(ValueError):
    """An input that a tool cannot work with; the message says what would be right."""


REFUSALS = (
    BadBaseline,
    BadInput,
    BadSettings,
    NoSuchPlace,
    NotOpenApi,
    SourceError,
    UnknownRule,
    Unreadable,
)
"""What a caller can mend; the message says how."""

STAGES = {
    "review_api": 3,
    "review_schema": 4,
    "design_schema": 5,
    "plan_migration": 3,
    "security_checklist": 3,
}
"""Of how many stages each job tells, at most."""

OnStage = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Given:
    """A document: paths of the workspace (files, folders), or a `text` with a `name`."""

    paths: tuple[str, ...] = ()
    text: str | bytes | None = None
    name: str = "document"


@dataclass(frozen=True, slots=True)
class Request:
    """What the requests of every tool have in common."""

    roots: tuple[Path, ...]
    _: KW_ONLY
    rule_profile: str | None = None
    only_rules: tuple[str, ...] = ()
    only_pointer: str = ""
    as_of: date | None = None
    names_from: Path | None = None  # the folder that names in answers are relative to; None: root
    baseline: str | None = None  # accepted findings: a file, "" none, None that of the settings
    max_findings: int | None = None  # the worst (of a plan: the first) are kept; None: all

    def policy(self, workspace: Workspace) -> Policy:
        """The settings of the workspace, with what the request says instead."""
        settings = load_policy(workspace)
        return replace(
            settings,
            baseline=self._accepted(workspace, settings),
            profile=self.rule_profile or settings.profile,
            only_rules=self.only_rules,
            only_pointer=self.only_pointer.removeprefix("#"),
            as_of=self.as_of,
        )

    def _accepted(self, workspace: Workspace, settings: Policy) -> Baseline:
        if self.baseline is None:
            return settings.baseline
        return read_baseline(workspace, self.baseline) if self.baseline else {}


@dataclass(frozen=True, slots=True)
class ReviewRequest(Request):
    """A review of one API description: a file of the workspace (`path`) or `text`."""

    path: str | None = None
    text: str | bytes | None = None
    name: str = "document"
    prove: bool | None = None
    view: str = ""
    previous: Given | None = None
    usage: Given | None = None


@dataclass(frozen=True, slots=True)
class SchemaRequest(Request):
    """A review of one schema: a script, a dump, a folder of migrations."""

    document: Given = Given()
    dialect: str | None = None
    engine_version: str = ""
    facts: Given | None = None
    queries: Given | None = None
    prove: bool | None = None


@dataclass(frozen=True, slots=True)
class MigrationRequest(Request):
    """A plan from one schema to another, or for a script; `rates` are in bytes or rows a second."""

    current: Given | None = None
    target: Given | None = None
    migration: Given | None = None
    dialect: str | None = None
    engine_version: str = ""
    facts: Given | None = None
    rates: tuple[tuple[str, float], ...] = ()
    queries_before: Given | None = None
    queries_after: Given | None = None
    renames: tuple[str, ...] = ()
    runner: str = "psql"
    pooler: bool = False
    rehearsal: bool = True


@dataclass(frozen=True, slots=True)
class DesignRequest(Request):
    """A design from a domain model, YAML or JSON."""

    model: Given = Given()
    dialect: str | None = None
    engine_version: str = ""
    prove: bool = True


@dataclass(frozen=True, slots=True)
class ChecklistRequest(Request):
    """A security checklist of what is given; `replies` are answers to questions, by id."""

    api: Given | None = None
    schema: Given | None = None
    authorization: Given | None = None
    system: Given | None = None
    answers: Given | None = None
    replies: tuple[tuple[str, str], ...] = ()
    dialect: str | None = None
    export: bool = False


@dataclass(frozen=True, slots=True)
class Outcome(Generic[A]):
    """The answer of a tool, the files it was made from, and about how many parts it has."""

    answer: A
    stamps: tuple[Stamp, ...]
    size: int


def silent(stage: str) -> None:
    """Progress that nobody follows."""


def review_api(request: ReviewRequest, progress: OnStage = silent) -> Outcome[Report]:
    """Review an OpenAPI document. Raises one of `REFUSALS`."""
    from backend_architect.tools.review_api import review

    workspace = Workspace(request.roots, request.names_from)
    policy = request.policy(workspace)
    sdl = _sdl(workspace, request)
    if sdl is not None:
        return _outcome(_graphql(workspace, request, policy, sdl, progress), request, workspace)
    name, content = _document(workspace, request)
    if request.previous is not None:
        new = (content, name, workspace.reader)
        return _outcome(_compared(workspace, request, policy, new, progress), request, workspace)
    report = review(content, name, workspace.reader, policy, progress, request.prove, request.view)
    return _outcome(report, request, workspace)


def _compared(
    workspace: Workspace, request: ReviewRequest, policy: Policy, new: Any, progress: OnStage
) -> Report:
    from backend_architect.tools.review_api.changes import Version, compare
    from backend_architect.tools.review_api.changes.consumers import BadUsage

    previous, usage = request.previous, None
    assert previous is not None
    name, content = _one(workspace, previous)
    if request.usage is not None:
        used, text = _one(workspace, request.usage)
        usage = load(text, used)
    try:
        old = Version(content, name, workspace.reader)
        return compare(Version(*new), old, policy, usage, progress)
    except BadUsage as error:
        raise BadInput(str(error)) from None


def _one(workspace: Workspace, given: Given) -> tuple[str, str | bytes]:
    """Name and text of a document that is one file."""
    if given.text is not None:
        return given.name, given.text
    if len(given.paths) != 1:
        raise BadInput("an API description is one file")
    return workspace.read(given.paths[0])


def correct_api(request: ReviewRequest) -> tuple[tuple[Correction, ...], Workspace]:
    """An API description with its fixes applied; files of the workspace. Raises `REFUSALS`."""
    from backend_architect.tools.review_api import corrected

    workspace = Workspace(request.roots, request.names_from)
    name, content = _document(workspace, request)
    return corrected(content, name, workspace.reader, request.policy(workspace)), workspace


def _graphql(
    workspace: Workspace,
    request: ReviewRequest,
    policy: Policy,
    sdl: dict[str, str],
    progress: OnStage,
) -> Report:
    from backend_architect.tools.review_api.graphql import review_graphql
    from backend_architect.tools.review_api.graphql.comparison import compare_graphql

    name = workspace.name(request.path) if request.path is not None else request.name
    if request.previous is None:
        return review_graphql(sdl, name, policy, progress)
    old, uses = _graphql_of(workspace, request.previous), request.usage
    names = name, request.previous.paths[0] if request.previous.paths else request.previous.name
    operations = _graphql_of(workspace, uses) if uses else None
    return compare_graphql(sdl, old, names, policy, operations, progress)


def _graphql_of(workspace: Workspace, given: Given) -> dict[str, str]:
    """The GraphQL of files, folders or a text."""
    if given.text is not None:
        return {given.name: decode(given.text, given.name)}
    found = (file for path in given.paths for file in workspace.files(path, GRAPHQL))
    return {name: decode(content, name) for name, content in found}


GRAPHQL = (".graphql", ".gql", ".graphqls")
_SDL = re.compile(r"^\s*(extend\s+)?(type|interface|input|enum|schema)\b[^:\n]*\{", re.M)


def _sdl(workspace: Workspace, request: ReviewRequest) -> dict[str, str] | None:
    """The files of a GraphQL schema; None if something else is to be reviewed."""
    if request.path is not None:
        if not request.path.endswith(GRAPHQL) and not workspace.is_folder(request.path):
            return None
        found = dict(workspace.files(request.path, GRAPHQL))
        if not found:
            what = "a folder without `.graphql` files; name the document in it"
            raise BadInput(f"{quoted(request.path, 200)}: {what}")
        return {name: decode(content, name) for name, content in found.items()}
    text = decode(request.text or "", request.name)
    is_sdl = request.name.endswith(GRAPHQL) or (text[:1] != "{" and _SDL.search(text))
    return {request.name: text} if is_sdl else None


def _document(workspace: Workspace, request: ReviewRequest) -> tuple[str, str | bytes]:
    if request.path is not None:
        return workspace.read(request.path)
    return request.name, request.text or ""


def review_schema(request: SchemaRequest, progress: OnStage = silent) -> Outcome[Report]:
    """Review a relational schema. Raises one of `REFUSALS`."""
    from backend_architect.tools.ddl.load import UnknownDialect
    from backend_architect.tools.ddl.model import Dialect
    from backend_architect.tools.ddl.script import ScriptError
    from backend_architect.tools.design_schema import review
    from backend_architect.tools.design_schema.pointers import NoSuchObject
    from backend_architect.tools.engines.facts import BadFacts, Facts, read_facts

    workspace = Workspace(request.roots, request.names_from)
    policy = request.policy(workspace)
    try:
        facts = read_facts(_data(workspace, request.facts)) if request.facts else Facts()
        report = review(
            _texts(workspace, request.document),
            _name(workspace, request.document),
            Dialect(request.dialect) if request.dialect else None,
            _version(request.engine_version),
            facts,
            _texts(workspace, request.queries) if request.queries else {},
            policy,
            request.prove,
            progress,
        )
    except (BadFacts, NoSuchObject, ScriptError, UnknownDialect) as error:
        raise BadInput(str(error)) from None
    return _outcome(report, request, workspace)


def plan_migration(request: MigrationRequest, progress: OnStage = silent) -> Outcome[Plan]:
    """Plan a migration and rehearse it. Raises one of `REFUSALS`."""
    from backend_architect.tools.ddl.load import UnknownDialect
    from backend_architect.tools.ddl.model import Dialect
    from backend_architect.tools.ddl.script import ScriptError
    from backend_architect.tools.engines.facts import BadFacts, Facts, read_facts
    from backend_architect.tools.plan_migration import Inputs, Unplannable, plan
    from backend_architect.tools.plan_migration.renames import BadRename

    workspace = Workspace(request.roots, request.names_from)
    policy = request.policy(workspace)

    def texts(given: Given | None) -> dict[str, str] | None:
        return _texts(workspace, given) if given else None

    try:
        made = plan(
            Inputs(
                texts(request.current),
                texts(request.target),
                texts(request.migration),
                texts(request.queries_before),
                texts(request.queries_after),
            ),
            Dialect(request.dialect) if request.dialect else None,
            _version(request.engine_version),
            read_facts(_data(workspace, request.facts)) if request.facts else Facts(),
            request.renames,
            request.runner,
            request.pooler,
            request.rehearsal,
            dict(request.rates),
            policy,
            progress,
        )
    except (BadFacts, BadRename, ScriptError, Unplannable, UnknownDialect) as error:
        raise BadInput(str(error)) from None
    most = request.max_findings
    if most is not None and len(made.hazards) > most:
        note = f"These are the first {most:,} of {len(made.hazards):,} hazards."
        made = replace(made, hazards=made.hazards[:most], notes=(*made.notes, note))
    size = 10 * len(made.steps) + len(made.hazards) + len(made.questions)
    return Outcome(made, tuple(workspace.stamps.values()), size)


def design_schema(request: DesignRequest, progress: OnStage = silent) -> Outcome[Design]:
    """Design a schema from a domain model, and prove it. Raises one of `REFUSALS`."""
    from backend_architect.tools.ddl.model import Dialect
    from backend_architect.tools.design_schema.design import design
    from backend_architect.tools.design_schema.domain.reading import BadModel, read
    from backend_architect.tools.design_schema.logical.relations import NoKey

    workspace = Workspace(request.roots, request.names_from)
    given = request.model
    content: str | bytes
    if given.text is not None:
        name, content = given.name, given.text
    else:
        name, content = workspace.read(given.paths[0])
    try:
        made = design(
            read(content, name),
            Dialect(request.dialect) if request.dialect else None,
            _version(request.engine_version),
            prove=request.prove,
            progress=progress,
        )
    except (BadModel, NoKey) as error:
        raise BadInput(str(error)) from None
    size = len(made.kept) + len(made.blueprint.decisions)
    return Outcome(made, tuple(workspace.stamps.values()), size)


def security_checklist(request: ChecklistRequest, progress: OnStage = silent) -> Outcome[Checklist]:
    """Decide security controls by the artefacts. Raises one of `REFUSALS`."""
    from backend_architect.tools.ddl.load import UnknownDialect
    from backend_architect.tools.ddl.model import Dialect
    from backend_architect.tools.ddl.script import ScriptError
    from backend_architect.tools.security_checklist import Inputs, check
    from backend_architect.tools.security_checklist.domain.reading import BadSystem
    from backend_architect.tools.security_checklist.extract.authorization import BadAuthorization
    from backend_architect.tools.security_checklist.extract.graphql import BadGraphql

    workspace = Workspace(request.roots, request.names_from)

    def one(given: Given | None) -> tuple[str, str | bytes] | None:
        return _content(workspace, given) if given else None

    try:
        answers = _data(workspace, request.answers) if request.answers else {}
        made = check(
            Inputs(
                api=one(request.api),
                schema=_texts(workspace, request.schema) if request.schema else {},
                dialect=Dialect(request.dialect) if request.dialect else None,
                system=one(request.system),
                authorization=one(request.authorization),
                export=request.export,
                answers=_replies(answers) | dict(request.replies),
            ),
            workspace.reader,
            progress,
        )
    except (BadAuthorization, BadGraphql, BadSystem, ScriptError, UnknownDialect) as error:
        raise BadInput(str(error)) from None
    size = 20 * len(made.controls) + len(made.questions)
    return Outcome(made, tuple(workspace.stamps.values()), size)


def _content(workspace: Workspace, given: Given) -> tuple[str, str | bytes]:
    """The name and content of one document."""
    return (given.name, given.text) if given.text is not None else workspace.read(given.paths[0])


def _replies(data: Any) -> dict[str, str]:
    """Answers by the ids of their questions."""
    if isinstance(data, dict) and isinstance(data.get("answers"), dict):
        data = data["answers"]
    if not isinstance(data, dict):
        raise BadInput('answers are no mapping; {"exposure": "public"} would be right')
    return {str(id): str(answer) for id, answer in data.items()}


def _texts(workspace: Workspace, given: Given) -> dict[str, str]:
    """The texts of a document by name: one, or all SQL files of the folders."""
    if given.text is not None:
        return {given.name: decode(given.text, given.name)}
    found = {
        name: decode(content, name)
        for path in given.paths
        for name, content in workspace.files(path)
        if content.strip()
    }
    if not found:
        named = ", ".join(quoted(path, 200) for path in given.paths[:3])
        raise BadInput(f"{named}: no SQL is there; name a script, or a folder with .sql files")
    return found


def _data(workspace: Workspace, given: Given) -> Any:
    """Structured input, read from JSON or YAML."""
    if given.text is not None:
        return load(given.text, given.name).data
    name, content = workspace.read(given.paths[0])
    return load(content, name).data


def _name(workspace: Workspace, given: Given) -> str:
    """What a document is called in answers."""
    return given.name if given.text is not None else ", ".join(map(workspace.name, given.paths))


def _version(text: str) -> tuple[int, ...]:
    """`16`, `8.0.36`; a suffix such as `-MariaDB` or ` (Debian 16.2-1)` is left out."""
    if not text.strip():
        return ()
    version = re.match(r"([0-9]{1,5}(?:\.[0-9]{1,5}){0,3})(?![\w.])", text.strip())
    if not version:
        raise BadInput("`engine_version` is no version number; 16 or 8.0.36 would be right")
    return tuple(map(int, version[1].split(".")))


def _outcome(report: Report, request: Request, workspace: Workspace) -> Outcome[Report]:
    if request.max_findings is not None:
        report = _bounded(report, request.max_findings)
    return Outcome(
        report,
        tuple(workspace.stamps.values()),
        len(report.findings) + 10 * len(report.view.rows if report.view else ()),
    )


def _bounded(report: Report, most: int) -> Report:
    """The worst findings of a report: a server holds it whole, whatever the document."""
    if len(report.findings) <= most:
        return report
    groups: list[Group] = []
    room = most
    for group in report.groups:
        groups.append(replace(group, findings=group.findings[:room]))
        room -= groups[-1].count
        if not room:
            break
    note = (
        f"These are the worst {most:,} of {len(report.findings):,} findings in all; mend their"
        " causes first. The command line lists them all."
    )
    return replace(report, groups=tuple(groups), notes=(*report.notes, note))
