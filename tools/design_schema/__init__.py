"""Review a relational schema: load, fold, check the rules, report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from ..ddl.load import load
from ..ddl.model import Dialect, Schema
from ..engines.facts import Facts
from ..judge import judge
from ..policy import Policy
from ..report import Report, clean, grouped
from ..rule import Rule, select
from ..source import pointer
from .context import Context
from .findings import findings_of
from .overview import overview
from .pointers import MAX_POINTER, check_pointer
from .proof import Fault, fixes, proved
from .queries import queries_in
from .rules import RULES

TOOL = "review_schema"
SMALL = 300  # statements: a private server takes half a second for that


def review(
    files: Mapping[str, str],
    name: str,
    dialect: Dialect | None = None,
    version: tuple[int, ...] = (),
    facts: Facts | None = None,
    queries: Mapping[str, str] | None = None,
    policy: Policy | None = None,
    prove: bool | None = None,
    progress: Callable[[str], object] = lambda stage: None,
) -> Report:
    """Review the schema that `files` (texts by name) leave behind; `name` is that of the whole.

    `prove` tries the fixes on a private engine; unset: when the schema is small enough that
    nobody has to wait for it. Raises `NoSuchObject`, `ScriptError`, `UnknownDialect` and
    `UnknownRule`.
    """
    policy = policy or Policy()
    rules = select(RULES, policy.profile, policy.only_rules)
    rules = tuple(rule for rule in rules if policy.severities.get(rule.id, 1) is not None)
    progress("loading")
    loaded = load(files, dialect, version)
    engine = loaded.schema.dialect
    asked = queries_in(queries or {}, engine)
    context = Context(loaded.schema, version, facts or Facts(), asked, loaded.texts)
    check_pointer(loaded.schema, policy.only_pointer)
    progress("checking rules")
    hits, notes = judge(rules, context.subjects, context)
    progress("locating findings")
    if count := len(loaded.schema.unread):
        notes.append(
            f"{count:,} statement{'s' * (count > 1)} did not enter the model (see what was not"
            " understood): what depends on it is not judged."
        )
    texts = {**loaded.texts, **(queries or {})}
    found = policy.asked(findings_of(hits, texts, policy, context))
    kept = policy.new(policy.kept(found))
    unproved = [finding for finding in kept if finding.ddl]
    if unproved and (prove or (prove is None and len(loaded.statements) <= SMALL)):
        progress("trying fixes")
        kept, more = proved(loaded, kept, partial(_faults, rules, context))
        notes += more
    elif unproved:
        notes.append(f"The DDL of {fixes(len(unproved))} was not tried: ask for `prove`.")
    return Report(
        TOOL,
        grouped(kept, {rule.id: rule.title for rule in rules}),
        (overview(context, loaded, name, policy.only_pointer),),
        (*loaded.notes, *notes, *policy.notes),
        len(found) - len(kept),
    )


def _faults(rules: tuple[Rule, ...], context: Context, schema: Schema) -> set[Fault]:
    """What the rules find in another state of the schema."""
    state = replace(context, schema=schema)
    hits, _ = judge(rules, state.subjects, state)
    return {(rule.id, clean(pointer(hit.at.path), MAX_POINTER)) for rule, hit in hits}
