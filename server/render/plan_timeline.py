"""The steps of a plan on a time line: what each locks and blocks, how long, what comes between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from backend_architect.tools.plan_migration.model import Effects, Phase, Plan, Seconds, Step
from backend_architect.tools.report import clean

UNDO: Final = {"lossless": "lossless", "until": "lossless until", "no_return": "no return"}


def timeline(plan: Plan, most: int) -> list[str]:
    """The steps in a table, with what has to be deployed between them."""
    if not plan.steps or not most:
        return []
    lines = ["| step | what | locks | blocks | time | undo |", "|---|---|---|---|---|---|"]
    for gate, steps in gated(plan):
        lines += [f"| | **{gate}** | | | | |"] if gate else []
        lines += map(_row, steps)
    if len(lines) > most + 2:
        lines = [*lines[: most + 2], f"| … | {len(lines) - most - 2} more lines | | | | |"]
    if any(each.duration is None for each in plan.steps):
        lines += ["", "Time `?`: it depends on sizes that are not known; give `facts`."]
    return [*lines, "", *_wrapper(plan)]


def gated(plan: Plan) -> Iterator[tuple[str, list[Step]]]:
    """The steps by phase, each part with what must have been deployed before; the end has none."""
    steps = plan.steps
    phases = [each.phase for each in steps]
    contract = phases.index(Phase.CONTRACT) if Phase.CONTRACT in phases else len(steps)
    ready = _ready(steps)
    gates = {contract: _GONE, ready: _BOTH} if ready < contract else {contract: _DEPLOYED}
    cuts = {n for n in range(1, len(steps)) if phases[n] is not phases[n - 1]}
    bounds = sorted({0, *cuts, *(n for n in gates if n < len(steps)), len(steps)})
    for start, end in pairwise(bounds):
        yield gates.get(start, ""), list(steps[start:end])
    if ready == len(steps) and any(each.undo.verdict != "lossless" for each in steps):
        yield "deploy the new code", []


_BOTH: Final = "deploy the new code; both versions run"
_GONE: Final = "wait until no instance of the old code is left"
_DEPLOYED: Final = "deploy the new code, until no instance of the old one is left"


def _ready(steps: Sequence[Step]) -> int:
    """After how many steps the new code can run: after those that say so, or that expand."""
    said = [n for n, each in enumerate(steps, 1) if "new code may be deployed" in each.after]
    return max([*said, sum(each.phase is Phase.EXPAND for each in steps)])


def _row(each: Step) -> str:
    undo = each.undo
    cells = [
        each.id,
        _cell(each.title),
        _cell(_locked(each.effects) or "none"),
        _cell(_blocked(each.effects) or "nothing"),
        _time(each.duration),
        _cell(f"{UNDO[undo.verdict]} {undo.until}".strip()),
    ]
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return clean(text, 120).replace("|", "\\|")


def mode(name: str) -> str:
    """A lock mode in words: `AccessExclusiveLock` is ACCESS EXCLUSIVE; SQLite's are words."""
    if not name.endswith("Lock"):
        return name
    words = "".join(f" {c}" if c.isupper() else c for c in name.removesuffix("Lock"))
    return words.strip().upper()


def _locked(effects: Effects) -> str:
    by_mode: dict[str, list[str]] = {}
    for lock in effects.locks:
        by_mode.setdefault(mode(lock.mode), []).append(table(lock.table))
    return "; ".join(f"{name} on {few(tables)}" for name, tables in by_mode.items())


def _blocked(effects: Effects) -> str:
    reads, writes = set(effects.blocks_reads), set(effects.blocks_writes)
    parts = [("reads and writes", reads & writes), ("reads", reads - writes)]
    parts += [("writes", writes - reads)]
    locked = {lock.table for lock in effects.locks}
    return "; ".join(
        what if tables == locked else f"{what} of {few(map(table, sorted(tables)))}"
        for what, tables in parts
        if tables
    )


def few(names: Iterable[str], most: int = 3) -> str:
    """The first names, and how many more there are."""
    every = list(names)
    rest = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + rest


def table(name: str) -> str:
    """A table's name as it is said; SQLite locks all at once."""
    return "the database" if name == "*" else name.removeprefix("public.")


def _time(duration: Seconds | None) -> str:
    if duration is None:
        return "?"
    low, high = _seconds(duration.low), _seconds(duration.high)
    return f"≤ {high}" if duration.low < 0.01 else low if low == high else f"{low} to {high}"


def _seconds(seconds: float) -> str:
    for limit, unit, size in ((1, "ms", 0.001), (120, "s", 1), (7200, "min", 60)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 3600:.1f} h"


def _wrapper(plan: Plan) -> list[str]:
    """How a step is run whose lock others would queue behind; once for all steps."""
    boundary = "Each step is a transaction of its own, unless it says otherwise."
    waits = [each for each in plan.steps if each.lock_timeout]
    if not waits:
        return [boundary, ""] if len(plan.steps) > 1 else []
    ids = _ranges(each.id for each in waits)
    which = f"Steps {ids} need" if len(waits) > 1 else f"Step {ids} needs"
    return [
        f"{boundary} {which} a lock timeout, since all that come later queue behind a lock that"
        " waits; when it strikes (SQLSTATE 55P03), roll back, wait, and try again:",
        "```sql",
        "BEGIN;",
        f"{timeout(waits[0])};",
        "-- the step",
        "COMMIT;",
        "```",
        "",
    ]


def _ranges(ids: Iterable[str]) -> str:
    """`1, 3-5`: numbers in a row as a range."""
    runs: list[list[int]] = []
    for number in map(int, ids):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{r[0]}-{r[-1]}" if len(r) > 2 else ", ".join(map(str, r)) for r in runs)


def gantt(plan: Plan) -> str:
    """The steps on a time line in Mermaid, each as long as it may take."""
    if len(plan.steps) < 2 or all(each.duration is None for each in plan.steps):
        return ""
    lines = ["```mermaid", "gantt", "  dateFormat x", "  axisFormat %H:%M:%S"]
    phase = None
    for gate, steps in gated(plan):
        lines += [f"  {_label(gate)} :milestone, 0s"] if gate else []
        if steps and steps[0].phase is not phase:
            phase = steps[0].phase
            lines.append(f"  section {phase}")
        for each in steps:
            length = f"{max(1, round(each.duration.high * 1000))}ms" if each.duration else "1s"
            time = f"({_time(each.duration)})".replace("?", "time not known")
            lines.append(f"  {each.id} {_label(each.title)} {time} :{length}")
    return "\n".join([*lines, "```"])


def _label(text: str) -> str:
    kept = "".join(c if c.isalnum() or c in " _-()" else " " for c in text)
    return " ".join(kept.split())[:60].strip()


def timeout(each: Step) -> str:
    """The setting that the wrapper of all steps makes."""
    return f"SET LOCAL lock_timeout = '{each.lock_timeout}'"
