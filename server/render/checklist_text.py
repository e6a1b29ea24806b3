"""A checklist as Markdown: the verdict, what to ask first, then rows by risk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from backend_architect.tools.security_checklist.checklist import Checklist

from .checklist import TOOL, verdict
from .pieces import Piece

_MARKS: Final = {"not_met": "✗", "partial": "◐", "unknown": "?", "met": "✓"}
_WORDS: Final = {
    "not_met": "not met",
    "partial": "partly met",
    "unknown": "unknown",
    "met": "met",
}
SHOWN: Final = 4  # subjects of a row


def heading(checklist: Checklist) -> str:
    """The verdict and what it rests on."""
    summary = checklist.summary
    found = summary["counts"]
    artefacts = ", ".join(summary["artefacts"]) or "nothing given"
    words = {"fail": "Not met", "open": "Open", "pass": "Met as far as known"}
    lines = [
        f"# {TOOL}",
        "",
        f"**{words[verdict(checklist)]}**: {found['not_met']} rows not met, {found['partial']}"
        f" partly, {found['unknown']} unknown, {found['met']} met; {found['undecided']} controls"
        f" wait for answers, {found['not_applicable']} do not apply. From {artefacts}:"
        f" {summary['facts']:,} facts, {summary['controls']} controls.",
        "Risk = data (1-4) × blast (1-3) × exposure (1-3) × authentication (1-3) × signal (1-3)."
        " *Verified*: an artefact shows it; *declared*: someone says it.",
    ]
    lines += [f"Note: {note}" for note in checklist.notes]
    return "\n".join([*lines, ""])


def pieces(checklist: Checklist, *, full: bool) -> Iterator[Piece]:
    """The parts of the answer, in the order of their use."""
    first = [q for q in checklist.questions if q["ask_first"]]
    for number, each in enumerate(first, 1):
        title = "## Ask first\n\n" if number == 1 else ""
        yield Piece(title + _question(number, each), ((("open_questions",), each),))
    for number, row in enumerate(checklist.controls, 1):
        title = "\n## Checklist\n\n" if number == 1 else ""
        yield Piece(title + _row(number, row, full), ((("controls",), _shortened(row, full)),))
    for number, each in enumerate(q for q in checklist.questions if not q["ask_first"]):
        title = "\n## Further questions\n\n" if number == 0 else ""
        yield Piece(title + _question(0, each), ((("open_questions",), each),))
    yield from _rest(checklist, full)


def _rest(checklist: Checklist, full: bool) -> Iterator[Piece]:
    yield from _conflicts(checklist)
    yield from _threats(checklist)
    yield from _matrix(checklist, full)
    yield from _inventory(checklist, full)
    for number, each in enumerate(checklist.diagrams):
        title = "\n## Diagrams\n" if number == 0 else ""
        yield Piece(title + _diagram(each), ((("diagrams",), each),))
    if checklist.undecided:
        names = ", ".join(f"`{each['id']}`" for each in checklist.undecided)
        data = tuple((("undecided",), each) for each in checklist.undecided) if full else ()
        yield Piece(f"\n## Waiting for answers\n\n{names}\n", data)
    for number, each in enumerate(checklist.not_applicable):
        title = "\n## Not applicable\n\n" if number == 0 else ""
        yield Piece(f"{title}- `{each['id']}`: {each['because']}", ((("not_applicable",), each),))


def _conflicts(checklist: Checklist) -> Iterator[Piece]:
    for number, each in enumerate(checklist.conflicts):
        title = "\n## Standards that contradict each other\n\n" if number == 0 else ""
        rules = "; ".join(f"{r['standard']}: {r['asks']} ({r['binds']})" for r in each["rules"])
        text = f"- **{each['topic']}** ({each['status']}): {rules}. All: {each['combination']}"
        yield Piece(title + text, ((("conflicts",), each),))


def _threats(checklist: Checklist) -> Iterator[Piece]:
    for number, each in enumerate(checklist.threats):
        title = "\n## Threats\n\n" if number == 0 else ""
        subject = "" if each["subject"] == each["flow"] else f" at `{each['subject']}`"
        text = (
            f"- {each['id']} {each['flow']}, {each['stride'].lower()}: {each['threat']}{subject}"
            f" → `{each['control']}` ({_WORDS[each['status']]})"
        )
        yield Piece(title + text, ((("threats",), each),))


_CELLS: Final = {
    "allow": "✓",
    "deny": "✗",
    "owner only": "own",
    "tenant only": "tenant",
    "undeclared": "?",
}
MATRIX_ROWS: Final = 40  # of one piece


def _matrix(checklist: Checklist, full: bool) -> Iterator[Piece]:
    rows = checklist.matrix.get("rows", [])
    if not rows:
        return
    roles = checklist.matrix["roles"]
    tests = checklist.matrix["negative_tests"]
    title = (
        f"\n## Authorisation matrix\n\n{len(rows):,} operations, {len(roles)} kinds of callers"
        f" ({'declared roles' if checklist.matrix['declared'] else 'by what the API declares'});"
        f" {tests:,} negative tests: `backend-architect security-checklist … --export DIR`.\n"
    )
    if not (full or checklist.matrix["declared"]):
        yield Piece(title)
        return
    head = f"\n| operation | {' | '.join(roles)} |\n|---|{'---|' * len(roles)}\n"
    for start in range(0, len(rows), MATRIX_ROWS):
        part = rows[start : start + MATRIX_ROWS]
        lines = [
            f"| `{row['operation']}` | {' | '.join(_CELLS[row['cells'][r]] for r in roles)} |"
            for row in part
        ]
        text = (title if start == 0 else "") + head + "\n".join(lines)
        yield Piece(text, tuple((("matrix", "rows"), row) for row in part))


def _inventory(checklist: Checklist, full: bool) -> Iterator[Piece]:
    found = checklist.inventory
    if not found:
        return
    by_class = Counter(each["class"] for each in found)
    told = ", ".join(f"{count} {name}" for name, count in by_class.most_common())
    yield Piece(f"\n## Sensitive data\n\n{len(found):,} places: {told}.\n")
    for each in found if full else found[:INVENTORY]:
        yield Piece(_entry(each), ((("data_inventory",), each),))


INVENTORY: Final = 12  # entries of a concise answer


def _entry(each: dict[str, Any]) -> str:
    moves = each["travels"]
    ways = [f"{len(ops)} {side.replace('_', ' ')}" for side, ops in moves.items()]
    place = f" ({each['file']}:{each['line']})" if "line" in each else ""
    stored = f"; {each['stored']}" if "stored" in each else ""
    needs = f"{each['needs']['encryption']}; masked: {each['needs']['masking']}"
    travels = f"; {', '.join(ways)}" if ways else ""
    return (
        f"- `{each['name']}` {each['class']} ({each['confidence']}, by `{each['token']}`)"
        f"{place}{travels}{stored}. Needs: {needs}"
    )


def _diagram(each: dict[str, Any]) -> str:
    legs = "".join(
        f"\n- {leg['leg'] or 'all'}: {leg['threat']} → `{leg['control']}` ({_WORDS[leg['status']]})"
        for leg in each.get("legs", ())
    )
    return f"\n### {each['title']}\n\n```mermaid\n{each['mermaid']}\n```\n{legs}"


def _question(number: int, each: dict[str, Any]) -> str:
    mark = f"{number}." if number else "-"
    answers = " / ".join(each["answers"])
    return f"{mark} `{each['id']}`: {each['question']} ({answers})"


def _row(number: int, row: dict[str, Any], full: bool) -> str:
    strength = f", {row['strength']}" if row["strength"] != "none" else ""
    cause = f": {row['cause']}" if row["cause"] else ""
    risk = row["risk"]
    numbers = "×".join(
        str(risk[key])
        for key in ("data_class", "blast_radius", "exposure", "authentication", "signal")
    )
    lines = [
        f"### {number}. {_MARKS[row['status']]} {row['title']}{cause}",
        f"{_WORDS[row['status']]}{strength} · risk {risk['score']} ({numbers}) ·"
        f" {', '.join(_ids(row))}",
    ]
    subjects = row["subjects"]
    most = len(subjects) if full else SHOWN if row["status"] != "met" else 1
    lines += [_subject(each) for each in subjects[:most]]
    if len(subjects) > most:
        met = sum(each["status"] == "met" for each in subjects[most:])
        lines.append(f"- and {len(subjects) - most} more" + (f", {met} of them met" if met else ""))
    if row["status"] != "met":
        lines += [f"- verify: {row['verify']}", f"- implement: {row['implement']}"]
    return "\n".join(lines)


def _ids(row: dict[str, Any]) -> list[str]:
    found = row["mappings"]
    asvs = [f"ASVS {', '.join(found['asvs'])}"] if found.get("asvs") else []
    return [*asvs, *found.get("api_top10", ()), *found.get("cwe", ())[:2]]


def _subject(each: dict[str, Any]) -> str:
    at = next((e for e in each["evidence"] if "line" in e), None)
    place = f" ({at['file']}:{at['line']})" if at else ""
    name = "" if each["subject"] == "system" else f"`{each['subject']}`: "
    return f"- {_MARKS.get(each['status'], '?')} {name}{each['why']}{place}"


def _shortened(row: dict[str, Any], full: bool) -> dict[str, Any]:
    """For a page: a few subjects; the command line has them all."""
    if full:
        return row
    subjects = [
        {key: value for key, value in each.items() if key != "verify"}
        for each in row["subjects"][:SHOWN]
    ]
    more = len(row["subjects"]) - len(subjects)
    return row | {"subjects": subjects} | ({"more_subjects": more} if more else {})
