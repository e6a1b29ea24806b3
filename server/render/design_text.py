"""A design as Markdown: the verdict, what is open, the DDL with its reasons, what was proved."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from backend_architect.tools.ddl.model import Column, Table
from backend_architect.tools.design_schema.decision import Decision
from backend_architect.tools.design_schema.design import Design
from backend_architect.tools.design_schema.diagram import diagram
from backend_architect.tools.design_schema.domain.questions import questions
from backend_architect.tools.design_schema.logical.normal import Normalised, normalised
from backend_architect.tools.report import clean

from .design import TOOL, decision, diagrams, normal, promise, question, untried, verdict
from .design_growth import pieces as growth
from .design_indexes import pieces as indexes
from .pieces import Piece

_ENGINES: Final = {
    "postgres": "PostgreSQL",
    "mysql": "MySQL",
    "mariadb": "MariaDB",
    "sqlite": "SQLite",
}
MAX_STATEMENTS: Final = 12  # of one piece


def heading(design: Design, most: int = sys.maxsize) -> str:
    """The verdict, what was not kept, and `most` of the notes."""
    lines = [f"# {TOOL}", "", f"{_verdict(design)}."]
    tables = len(design.blueprint.schema.tables)
    lines.append(
        f"{tables} tables; {len(design.blueprint.decisions)} decisions, each with its reason."
    )
    if count := len(untried(design)):
        lines.append(f"Note: {count} promises could not be tried; each says why (`detail: full`).")
    notes = [*design.blueprint.notes, *design.notes]
    lines += [f"Note: {clean(note, 600)}" for note in dict.fromkeys(notes[:most])]
    for each in design.broken[:most]:
        lines.append(f"- **not kept**: {clean(each.promise.says, 200)}: {clean(each.failure, 400)}")
    lines += [f"- **finding** {f.rule}: {clean(f.message, 300)}" for f in design.findings[:most]]
    return "\n".join([*lines, ""])


def _verdict(design: Design) -> str:
    engine = _ENGINES[str(design.blueprint.dialect)]
    wanted = f"{engine} {'.'.join(map(str, design.blueprint.version))}"
    if verdict(design) == "refused":
        return f"**Refused**: the design for {wanted} does not keep what it promises"
    if verdict(design) == "designed":
        return f"**Designed for {wanted}, not proved**"
    kept = sum(each.is_kept for each in design.kept)
    return (
        f"**Proved** for {wanted} on {design.engine}: the DDL applies, the review rules find"
        f" nothing, {kept} of {len(design.kept)} promises tried and kept"
    )


def pieces(design: Design, *, full: bool) -> Iterator[Piece]:
    """The parts of the answer, the most wanted first."""
    yield from _questions(design)
    yield from _normal_forms(design)
    yield from indexes(design.indexes, full=full)
    yield from growth(design.growth)
    yield from _ddl(design)
    yield from _jobs(design)
    if chart := diagram(design.blueprint.schema):
        yield Piece(f"## Diagram\n\n```mermaid\n{chart}\n```\n")
    for area, chart in diagrams(design).items() if full else ():
        yield Piece(f"## Diagram of {area}\n\n```mermaid\n{chart}\n```\n")
    if full:
        yield from _decisions(design)
        yield from _promises(design)
        yield Piece(f"{dictionary(design)}\n")
        yield Piece(f"## Sample rows\n\n```sql\n{sample(design)}\n```\n")


def _questions(design: Design) -> Iterator[Piece]:
    title = "## Questions\n\n"
    for each in questions(design.domain):
        text = (
            f"{title}- `{each.about}`: {clean(each.asks, 400)} Assumed: {each.assumed}. An answer"
            f" changes: {each.changes}.\n"
        )
        yield Piece(text, ((("questions",), question(each)),))
        title = ""


def _normal_forms(design: Design) -> Iterator[Piece]:
    for each in normalised(design.domain):
        yield Piece("\n".join(_normal_form(each)) + "\n", ((("normal_forms",), normal(each)),))


def _normal_form(each: Normalised) -> Iterator[str]:
    yield f"### Normal forms of {each.entity}\n"
    if each.note:
        yield f"Not decided: {each.note}."
        return
    yield f"Keys: {'; '.join(each.keys)}."
    if not each.violations:
        yield "In Boyce-Codd normal form by the dependencies given."
    for broken in each.violations:
        yield f"- not in {broken.form}: {broken.dependency} ({broken.why})"
    for name, found in (("3NF", each.third), ("BCNF", each.boyce_codd)):
        if found:
            parts = "; ".join(f"({', '.join(sorted(p.attributes))})" for p in found.parts)
            lost = f"; loses {', '.join(map(str, found.lost))}" if found.lost else ""
            yield f"- {name}: {parts}: {'lossless' if found.lossless else 'not lossless'}{lost}"


def _ddl(design: Design) -> Iterator[Piece]:
    """The DDL, some statements a piece."""
    statements = [each.strip() for each in _statements(design.ddl)]
    title = "## DDL\n\n"
    for number in range(0, len(statements), MAX_STATEMENTS):
        text = "\n".join(statements[number : number + MAX_STATEMENTS])
        yield Piece(f"{title}```sql\n{text}\n```\n", ((("ddl",), {"sql": text}),))
        title = f"### DDL, from statement {number + MAX_STATEMENTS + 1}\n\n"


def _statements(ddl: str) -> Iterator[str]:
    """The script by statements: each ends a line with a semicolon outside of a body."""
    lines: list[str] = []
    within = False
    for line in ddl.splitlines():
        lines.append(line)
        within ^= line.count("$$") % 2 == 1
        if not within and line.rstrip().endswith(";") and not _in_trigger(lines):
            yield "\n".join(lines)
            lines = []
    if lines:
        yield "\n".join(lines)


def _in_trigger(lines: list[str]) -> bool:
    """Whether a body between BEGIN and END is still open."""
    words = [line.strip().rstrip(";").upper() for line in lines]
    return any(word.endswith("BEGIN") for word in words) and not any(w == "END" for w in words)


def _jobs(design: Design) -> Iterator[Piece]:
    title = "## Jobs for a scheduler\n\n"
    for name, sql in (design.blueprint.jobs or {}).items():
        text = f"{title}{name}:\n\n```sql\n{sql}\n```\n"
        yield Piece(text, ((("jobs",), {"name": name, "sql": sql}),))
        title = ""


def _decisions(design: Design) -> Iterator[Piece]:
    def table(each: Decision) -> str:
        return "/".join(each.about.split("/")[:3])

    title = "## Decisions\n\n"
    for about, several in groupby(sorted(design.blueprint.decisions, key=table), key=table):
        found = list(several)
        lines = [f"{title}### {about}\n", *map(_decision, found)]
        yield Piece("\n".join([*lines, ""]), tuple((("decisions",), decision(d)) for d in found))
        title = ""


def _decision(each: Decision) -> str:
    rest = "/".join(each.about.split("/")[3:])
    where = f"`{rest}`: " if rest else ""
    source = f" ({each.authority})" if each.authority else ""
    return f"- {where}{clean(each.what, 300)}. {clean(each.why, 400)}{source}"


def _promises(design: Design) -> Iterator[Piece]:
    title = "## Promises\n\n"
    for number in range(0, len(design.kept), MAX_STATEMENTS):
        found = design.kept[number : number + MAX_STATEMENTS]
        lines = [_promise(promise(each)) for each in found]
        data = tuple((("promises",), promise(each)) for each in found)
        yield Piece("\n".join([title + lines[0], *lines[1:], ""]), data)
        title = ""


def _promise(each: dict[str, Any]) -> str:
    reason = f" ({clean(each['reason'], 300)})" if each["reason"] else ""
    return f"- {each['state']}: {clean(each['name'], 200)}: {clean(each['says'], 300)}{reason}"


def proof(design: Design) -> str:
    """The proof report: what was tried on which engine, promise by promise."""
    lines = [heading(design), "## Promises", ""]
    lines += [_promise(promise(each)) for each in design.kept]
    return "\n".join(lines)


def dictionary(design: Design) -> str:
    """The data dictionary: every table and column with its type and its meaning."""
    lines = ["## Data dictionary", ""]
    for table in design.blueprint.schema.tables.values():
        if table.partition_of is None:
            lines += [*_of_table(table), ""]
    return "\n".join(lines).rstrip()


def _of_table(table: Table) -> Iterator[str]:
    yield f"### {table.name}"
    yield ""
    if table.comment:
        yield clean(table.comment, 1_000)
        yield ""
    yield "| column | type | null | key | meaning |"
    yield "|---|---|---|---|---|"
    for column in table.columns.values():
        cells = (column.name, str(column.type), _null(table, column), _keys(table, column))
        meaning = clean(column.comment, 1_000).replace("|", "\\|")
        yield f"| {' | '.join(cells)} | {meaning} |"


def _null(table: Table, column: Column) -> str:
    key = table.primary_key
    return "" if column.not_null or (key and column.name in key.columns) else "yes"


def _keys(table: Table, column: Column) -> str:
    marks = []
    if table.primary_key and column.name in table.primary_key.columns:
        marks.append("PK")
    marks += [f"→ {k.table}" for k in table.foreign_keys.values() if column.name in k.columns]
    return ", ".join(dict.fromkeys(marks))


def sample(design: Design) -> str:
    """Rows that all constraints accept, the same each time: INSERTs, parents first."""
    lines = ["-- Sample rows; apply as the owner, in one transaction."]
    return "\n".join([*lines, *(f"{statement};" for statement in design.sample)])
