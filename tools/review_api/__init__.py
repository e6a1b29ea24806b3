"""Review an OpenAPI or Swagger description: load, resolve, check the rules, report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..judge import Hits, judge
from ..openapi.api import Api
from ..openapi.document import Reader, describe
from ..openapi.overview import overview
from ..policy import Policy
from ..report import Finding, FindingClass, Report, grouped
from ..rule import Rule, select
from ..source import Source, load
from .findings import findings_of
from .fixes import Faults, Trial, tried
from .ignores import Ignores, ignores
from .rules import RULES
from .rules.validity import GENERAL
from .views import VIEWS

TOOL = "review_api"
MAX_TRIED = 1_000_000  # characters of a document whose fixes are tried without being asked for
MAX_ROUNDS = 5


def review(
    content: str | bytes,
    name: str,
    read: Reader,
    policy: Policy | None = None,
    progress: Callable[[str], object] = lambda stage: None,
    prove: bool | None = None,
    view: str = "",
) -> Report:
    """Review one description; `read` gives the files that its references name.

    `prove` says whether fixes are applied and judged again; None: if the document is small. `view`
    is one of `VIEWS`, or none.
    Raises `SourceError` (malformed text), `NotOpenApi`, `NoSuchPlace` and `UnknownRule`.
    """
    policy = policy or Policy()
    progress("loading")
    judged = _judged(content, name, read, policy, progress)
    trial = _tried(judged, policy, prove)
    inline = ignores(judged.api)
    kept = _wanted(trial.findings, inline, policy)
    return Report(
        TOOL,
        grouped(kept, {rule.id: rule.title for rule in judged.rules}),
        (overview(judged.api),),
        (*judged.notes, *trial.notes, *policy.notes, *inline.notes(policy.as_of)),
        len(trial.findings) - len(kept),
        VIEWS[view](judged.api, kept, policy.only_pointer) if view else None,
    )


def corrected(
    content: str | bytes, name: str, read: Reader, policy: Policy
) -> tuple[Correction, ...]:
    """The files that fixes change, with all of them that hold; see `review`.

    A fix may make room for another, so that fixed texts are fixed again, up to five times.
    """
    texts: dict[str, str] = {}
    originals: dict[str, Source] = {}
    for _ in range(MAX_ROUNDS):
        judged = _judged(texts.get(name, content), name, _instead(read, texts), policy)
        wanted = replace(judged, findings=_wanted(judged.findings, ignores(judged.api), policy))
        found = _tried(wanted, policy, prove=True).texts
        if not found:
            break
        sources = judged.api.description.sources
        originals = {file: sources[file] for file in found} | originals
        texts |= found
    return tuple(Correction(originals[file], load(texts[file], file)) for file in sorted(texts))


@dataclass(frozen=True, slots=True)
class Correction:
    """A file before and after its fixes."""

    before: Source
    after: Source


@dataclass(frozen=True, slots=True)
class _Judged:
    """A description and what the rules say of it."""

    api: Api
    rules: tuple[Rule, ...]
    read: Reader
    findings: list[Finding]
    notes: list[str]

    @property
    def faults(self) -> Faults:
        """What it breaks: rules, and the specification itself whatever rules were asked for."""
        gate = Counter(("", f"{v.aspect} {v.message}") for v in self.api.violations)
        return gate + Counter((each.rule, each.message) for each in self.findings)


def _judged(
    content: str | bytes,
    name: str,
    read: Reader,
    policy: Policy,
    progress: Callable[[str], object] = lambda stage: None,
) -> _Judged:
    rules = select(RULES, policy.profile, policy.only_rules)
    rules = tuple(rule for rule in rules if policy.severities.get(rule.id, 1) is not None)
    api = Api(describe(content, name, read))
    if policy.only_pointer:
        api.description.check_pointer(policy.only_pointer)
    progress("checking rules")
    hits, notes = judge(rules, partial(_subjects, api), api)
    progress("locating findings")
    found = policy.asked(findings_of(_without_repeats(hits), api, policy))
    return _Judged(api, rules, read, found, notes)


def _wanted(findings: list[Finding], inline: Ignores, policy: Policy) -> list[Finding]:
    """The findings that neither settings, nor baseline, nor the document itself accept."""
    return policy.new(policy.kept(inline.kept(findings, policy.as_of)))


def _tried(judged: _Judged, policy: Policy, prove: bool | None) -> Trial:
    """The findings with their fixes tried, unless that is not wanted."""
    sources = judged.api.description.sources
    size = sum(len(source.text) for source in sources.values())
    offered = sum(bool(finding.patch) for finding in judged.findings)
    if not offered or prove is False:
        return Trial(judged.findings, {})
    if prove is None and size > MAX_TRIED:
        note = f"{offered:,} fix{'es were' if offered > 1 else ' was'} not tried, as the document"
        return Trial(judged.findings, {}, (f"{note} is large: `prove` tries them.",))

    def again(texts: Mapping[str, str]) -> Faults:
        root = judged.api.description.root
        # A pointer asked for may lie in what a fix removes.
        whole = replace(policy, only_pointer="")
        text = texts.get(root.name, root.text)
        return _judged(text, root.name, _instead(judged.read, texts), whole).faults

    before = judged.faults
    if policy.only_pointer:
        before = again({})
    return tried(judged.findings, before, sources, again)


def _instead(read: Reader, texts: Mapping[str, str]) -> Reader:
    """A reader that gives these texts in place of those of their files."""

    def reader(base: str, reference: str) -> Source:
        source = read(base, reference)
        text = texts.get(source.name)
        return source if text is None else load(text, source.name)

    return reader


def _without_repeats(hits: Hits) -> Hits:
    """Without what the official schema says in general and another rule says in particular."""
    particular = {
        hit.at for rule, hit in hits if rule not in GENERAL and rule.class_ is FindingClass.DEFECT
    }
    return [(rule, hit) for rule, hit in hits if rule not in GENERAL or hit.at not in particular]


def _subjects(api: Api, kind: str) -> Iterable[Any]:
    match kind:
        case "api":
            return (api,)
        case "operation":
            return api.operations
        case _:
            return api.nodes(kind)
