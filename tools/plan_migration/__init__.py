"""Plan a migration: two schemas, what changed, recipes, order, effects, rehearsal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..ddl.diff import changes
from ..ddl.load import Loaded, load, load_both, told
from ..ddl.model import Dialect, Schema
from ..ddl.postgres.stars import without_stars
from ..engines.facts import Facts
from ..policy import Policy
from ..rule import select
from ..source import without_gc
from .advice import advice, preflight
from .carried import not_carried, with_data
from .commented import commented
from .context import Context
from .dependents import with_dependents
from .durations import assumptions
from .hazards import judge
from .model import ALONE, Hazard, Plan, Step
from .moves import Moved, read_moved
from .operations.effects import with_effects
from .order import ordered
from .own_hazards import with_hazards
from .recipes import questions_for, steps_for
from .renames import read_derived, read_renames
from .rules import RULES
from .units import Unit, renamed_objects, units

TOOL = "plan_migration"
OLDEST, NEWEST = 11, 18  # of PostgreSQL
# The engines that are planned for, with the version to take when none is given.
_DEFAULT = {Dialect.POSTGRES: (NEWEST,), Dialect.SQLITE: (3, 35)}


class Unplannable(ValueError):
    """The inputs make no migration; the message says what would."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is to be planned: texts by name.

    `current` with `target` (a schema each), or with `migration` (a script), or that alone.
    """

    current: Mapping[str, str] | None = None
    target: Mapping[str, str] | None = None
    migration: Mapping[str, str] | None = None
    queries_before: Mapping[str, str] | None = None
    queries_after: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """The inputs, read: the schemas and the script, and what was assumed."""

    engine: Dialect
    script: Loaded | None
    current: Loaded | None
    after: Schema
    notes: tuple[str, ...]

    @property
    def before(self) -> Schema:
        """The schema as it is; empty if it was not given."""
        return self.current.schema if self.current else Schema(self.engine)


def plan(
    inputs: Inputs,
    dialect: Dialect | None = None,
    version: tuple[int, ...] = (),
    facts: Facts | None = None,
    renames: Sequence[str] = (),
    runner: str = "psql",
    pooler: bool = False,
    rehearsal: bool = True,
    rates: Mapping[str, float] | None = None,
    policy: Policy | None = None,
    progress: Callable[[str], object] = lambda stage: None,
) -> Plan:
    """The plan from the current schema to the target.

    `rates` are the user's measurements (`Context.rates`). Raises `Unplannable`, `ScriptError`,
    `UnknownDialect`, `UnknownRule` and `BadRename`.
    """
    _check(inputs)
    progress("loading")
    with without_gc():
        read = _read(inputs, dialect, version)
        context = _context(read, version, facts, renames, runner, pooler, rates)
        said = commented(inputs.target or {}, read.before, read.after)
        context = replace(context, renames={**said, **context.renames})
        progress("planning")
        committed = _committed(read.script, context)
        if read.current and read.script:
            renamed = (rename for unit in committed for rename in unit.renames)
            said = renamed_objects(renamed, context)
            context = replace(context, renames={**said, **context.renames})
        made = _planned(read, context, committed, policy or Policy())
    if not rehearsal or not (made.steps or committed):
        return made
    progress("rehearsing")
    return replace(made, rehearsal=_rehearsed(read, context, committed, made.steps, inputs))


def _check(inputs: Inputs) -> None:
    if inputs.target is None and inputs.migration is None:
        raise Unplannable("give `target` (the schema to reach) or `migration` (a script)")
    if inputs.target is not None and inputs.current is None:
        raise Unplannable("give `current`: the schema as it is now")


def _check_engine(engine: Dialect, version: tuple[int, ...]) -> None:
    if engine not in _DEFAULT:
        raise Unplannable(f"plans are for PostgreSQL and SQLite; this is read as {engine}")
    if engine is Dialect.POSTGRES and version and not OLDEST <= version[0] <= NEWEST:
        raise Unplannable(f"plans are for PostgreSQL {OLDEST} to {NEWEST}, not for {version[0]}")


def _read(inputs: Inputs, dialect: Dialect | None, version: tuple[int, ...]) -> _Read:
    given = [files for files in (inputs.current, inputs.migration, inputs.target) if files]
    engine = dialect or told(*given)
    _check_engine(engine, version)
    script = load(inputs.migration, engine, version) if inputs.migration else None
    current, after = _schemas(inputs, script, engine, version)
    said = () if dialect else (f"Read as {engine}; say `dialect` if that is wrong.",)
    return _Read(engine, script, current, after, (*said, *_notes(current, script, engine, version)))


def _schemas(
    inputs: Inputs, script: Loaded | None, engine: Dialect, version: tuple[int, ...]
) -> tuple[Loaded | None, Schema]:
    """The current schema, and that to reach: as given, or as the script would leave it."""
    if inputs.current is None:
        assert script is not None
        return None, script.schema
    if inputs.target is not None:
        return load_both(inputs.current, inputs.target, engine, version)
    assert script is not None
    return load_both(inputs.current, script.statements, engine, version)


def _context(
    read: _Read,
    version: tuple[int, ...],
    facts: Facts | None,
    renames: Sequence[str],
    runner: str,
    pooler: bool,
    rates: Mapping[str, float] | None,
) -> Context:
    """What changes, and all that recipes may ask."""
    before, after = read.before, read.after
    derived, hints = read_derived(renames, before, after)
    moved: tuple[Moved, ...] = ()
    if read.engine is Dialect.POSTGRES:
        moved, hints = read_moved(hints, before, after)
    return Context(
        without_stars(before),
        without_stars(after),
        tuple(changes(before, after)) if read.current else (),
        version[0] if version else NEWEST,
        facts or Facts(),
        read_renames(hints, before, after),
        runner,
        pooler,
        rates or {},
        derived=derived,
        moved=moved,
        exact=version,
    )


def _committed(script: Loaded | None, context: Context) -> list[Unit]:
    """A script as its runner commits it."""
    if script is None:
        return []
    if context.dialect is Dialect.SQLITE:
        from .sqlite.units import units as units_of_sqlite

        return units_of_sqlite(script, context)
    return units(script, context)


def _planned(read: _Read, context: Context, committed: Sequence[Unit], policy: Policy) -> Plan:
    """The plan, not rehearsed."""
    steps = _steps(context, committed if read.current else [])
    hazards, ignored = _hazards(read.script, context, policy)
    carried = not_carried(committed) if read.current else ()
    return Plan(
        str(read.engine),
        context.exact or _DEFAULT[read.engine],
        steps,
        hazards,
        tuple(questions_for(context)),
        (*read.notes, *carried, *policy.notes),
        preflight=preflight(steps),
        advice=advice(steps, context),
        assumptions=assumptions(steps, context),
        ignored=ignored,
    )


def _hazards(
    script: Loaded | None, context: Context, policy: Policy
) -> tuple[tuple[Hazard, ...], int]:
    """The hazards that the policy keeps, and how many it does not."""
    rules = select(RULES, policy.profile, policy.only_rules)
    found = list(judge(script, context, rules, policy.severities)) if script else []
    kept = policy.kept(found)
    return tuple(kept), len(found) - len(kept)


def _steps(context: Context, committed: Sequence[Unit]) -> tuple[Step, ...]:
    """The steps of all changes; `committed` are the units of a script whose data they carry."""
    if context.dialect is Dialect.SQLITE:
        from .sqlite import planned

        return planned(context)
    steps = with_dependents(ordered(steps_for(context), context), context)
    if committed:
        steps = with_data(steps, committed, context)
    return with_hazards(with_effects(steps, context), context)


def _rehearsed(
    read: _Read,
    context: Context,
    committed: Sequence[Unit],
    steps: Sequence[Step],
    inputs: Inputs,
) -> Mapping[str, Any]:
    """What the steps, or the script, did on a private database."""
    old, new = (
        _queries(files, read.engine) for files in (inputs.queries_before, inputs.queries_after)
    )
    if read.engine is Dialect.SQLITE:
        from .sqlite.proof import prove
    else:
        from .rehearsal.proof import prove
    return prove(context, read.current, committed, steps, old, new)


def _queries(files: Mapping[str, str] | None, engine: Dialect) -> list[str]:
    from ..ddl.script import split

    return [s.text for name, text in (files or {}).items() for s in split(text, name, engine)[0]]


def _notes(
    current: Loaded | None, script: Loaded | None, engine: Dialect, version: tuple[int, ...]
) -> tuple[str, ...]:
    notes = [note for loaded in (current, script) if loaded for note in loaded.notes]
    if current is None:
        notes.append(ALONE)
    if not version and engine is Dialect.POSTGRES:
        notes.append(f"Planned for PostgreSQL {NEWEST}; say `engine_version` if it is another.")
    elif not version and engine is Dialect.SQLITE:
        notes.append("Planned for any SQLite from 3.35; say `engine_version` if yours is older.")
    return tuple(dict.fromkeys(notes))
