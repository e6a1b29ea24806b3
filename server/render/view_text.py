"""A view as Markdown: what holds of all first, then a piece for each row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from backend_architect.tools.report import quoted

MAX_OUTLIERS = 20  # in the text; the data has all
MAX_NEEDS = 8


def head_lines(kind: str, head: dict[str, Any]) -> list[str]:
    """What holds of all rows, and the opening of their table, if it is one."""
    return [*_HEADS[kind](head)]


def continued_lines(kind: str) -> list[str]:
    """What later pages begin with: the opening of the table, if the rows are one."""
    return [*_table(*_TABLES[kind])] if kind in _TABLES else []


def row_lines(kind: str, row: dict[str, Any]) -> list[str]:
    """One row."""
    return [*_ROWS[kind](row)]


def _matrix_head(head: dict[str, Any]) -> Iterator[str]:
    yield f"## Who may call what: {_counted(head['operations'], 'operation')}"
    yield ""
    outliers = head["outliers"]
    if not head["outlier_count"]:
        yield "None asks for less than those beside it, by what is declared."
    for each in outliers[:MAX_OUTLIERS]:
        yield (
            f"- **{quoted(each['operation'])}: {each['kind']}**: needs {quoted(each['needs'])},"
            f" while {quoted(each['beside'])} needs {quoted(each['which_needs'])}"
        )
    if head["outlier_count"] > len(outliers[:MAX_OUTLIERS]):
        yield f"- … {head['outlier_count'] - len(outliers[:MAX_OUTLIERS])} more, marked below"
    yield ""
    needs = [f"{quoted(need, 200)} ×{count}" for need, count in head["needs"].items()]
    more = f", {len(needs) - MAX_NEEDS} more" if len(needs) > MAX_NEEDS else ""
    yield f"Needs: {', '.join(needs[:MAX_NEEDS])}{more}"
    yield ""
    yield from _table(*_TABLES["matrix"])


def _matrix_row(row: dict[str, Any]) -> Iterator[str]:
    objects = [
        f"{_code(each['name'])} {each['in']} {each['type']}{' (guessable)' * each['guessable']}"
        for each in row["objects"]
    ]
    remarks = [*row["purposes"], *(f"**{remark}**" for remark in row["remarks"])]
    yield _cells(
        _code(row["operation"]),
        _code(row["needs"]),
        ", ".join(objects),
        " ".join(row["denials"]),
        ", ".join(remarks),
    )


def _resources_head(head: dict[str, Any]) -> Iterator[str]:
    kinds = ", ".join(f"{count} {kind}" for kind, count in head["kinds"].items())
    yield f"## Resources: {head['resources']} ({kinds}), {head['incomplete']} incomplete"
    yield ""
    if head.get("diagram"):
        yield f"```mermaid\n{head['diagram']}\n```"
    elif head["resources"] > 1:
        yield 'Too many to draw at once: `only_pointer: "/paths/~1…"` draws some.'
    yield ""
    yield from _table(*_TABLES["resources"])


def _resources_row(row: dict[str, Any]) -> Iterator[str]:
    roles: dict[str, list[str]] = {}
    for use in row["operations"]:
        roles.setdefault(use["role"], []).append(use["operation"])
    actions = roles.pop("action", [])
    said = [*roles, *map(_code, actions[:3])]
    if len(actions) > 3:
        said.append(f"{len(actions) - 3} more actions")
    models = dict.fromkeys([*row["reads"], *row["writes"]])
    within = f" within {_code(row['within'])}" if row["within"] else ""
    points = {each["to"]: each["by"] for each in reversed(row["relations"])}
    yield _cells(
        f"{_code(row['resource'])}{within}",
        ", ".join(said),
        ", ".join(map(_code, models)),
        ", ".join(row["missing"]),
        ", ".join(f"{_code(to)} by {_code(by)}" for to, by in sorted(points.items())),
    )


def _contract_head(head: dict[str, Any]) -> Iterator[str]:
    yield f"## Contract: {_counted(head['operations'], 'operation')}"
    yield ""
    if head["description"]:
        yield f"> {_plain(head['description'])}"
        yield ""
    if head["servers"]:
        yield f"Served at {', '.join(map(_code, head['servers']))}"
        yield ""


def _contract_row(row: dict[str, Any]) -> Iterator[str]:
    yield f"### {_code(row['operation'])}{' (deprecated)' * row['deprecated']}"
    yield ""
    if row["summary"]:
        yield _plain(row["summary"])
        yield ""
    yield f"- needs {_code(row['needs'])}; {row['retry']}"
    for each in row["parameters"]:
        must = ", required" * each["required"]
        about = f": {_plain(each['description'])}" if each["description"] else ""
        yield f"- {each['in']} {_code(each['name'])} {_plain(each['type'])}{must}{about}"
    for body in row["bodies"]:
        yield f"- body {_code(body['media_type'] or 'any')} {_plain(body['type'])}"
        for field in body["fields"]:
            must = ", required" * field["required"]
            yield f"  - {_code(field['name'])} {_plain(field['type'])}{must}"
    yield from _responses(row["responses"])
    yield from (f"- limits: {limit}" for limit in row["limits"])
    yield from (f"- security: {each}" for each in row["security"])
    yield from (f"- found: `{each['rule']}`: {each['message']}" for each in row["findings"][:5])
    if len(row["findings"]) > 5:
        yield f"- found: {len(row['findings']) - 5} more"
    yield ""


def _responses(responses: Iterable[dict[str, Any]]) -> Iterator[str]:
    """A line for each success, and one for all errors that answer with the same."""
    errors: dict[str, list[str]] = {}
    for each in responses:
        of = f" {_plain(each['type'])}" if each["type"] else ""
        types = f" as {', '.join(map(_code, each['media_types']))}" if each["media_types"] else ""
        heads = f"; headers {', '.join(map(_code, each['headers']))}" if each["headers"] else ""
        code, about = _plain(each["code"]), _plain(each["description"])
        if code[:1] in "123":
            yield f"- {code}{of}{types}{heads}{f': {about}' if about else ''}"
        else:
            errors.setdefault(f"{of}{types}{heads}", []).append(f"{code} {about}".strip())
    yield from (f"- errors{what}: {'; '.join(these)}" for what, these in errors.items())


_TABLES = {
    "matrix": ("operation", "needs", "names objects by", "refuses with", "remarks"),
    "resources": ("resource", "operations", "models", "lacks", "points to"),
}
_HEADS: dict[str, Callable[[dict[str, Any]], Iterable[str]]] = {
    "matrix": _matrix_head,
    "resources": _resources_head,
    "contract": _contract_head,
}
_ROWS: dict[str, Callable[[dict[str, Any]], Iterable[str]]] = {
    "matrix": _matrix_row,
    "resources": _resources_row,
    "contract": _contract_row,
}


def _table(*titles: str) -> Iterator[str]:
    yield _cells(*titles)
    yield "|" + "---|" * len(titles)


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _code(text: object) -> str:
    return quoted(text, 200)


def _plain(text: str) -> str:
    """Text of a document that cannot start Markdown or HTML of its own."""
    return "".join(f"\\{char}" if char in "\\`*_[]<>#|" else char for char in text)


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'s' * (count != 1)}"
