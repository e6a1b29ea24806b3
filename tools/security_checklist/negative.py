"""Negative tests of the matrix: who must be refused, as pytest with httpx and as `.http` files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ..openapi.api import TEMPLATE
from .matrix import ANYONE, Cell, Line, Matrix
from .requests import Request, Requests

NO_TOKEN, WRONG_AUDIENCE, LOWER_ROLE = "no token", "wrong audience", "lower role"
OTHER_USER, OTHER_TENANT = "other user", "other tenant"


@dataclass(frozen=True, slots=True)
class Case:
    """A call that must be refused: by whom, and with which statuses."""

    name: str
    kind: str
    operation: str
    caller: str
    request: Request
    expected: tuple[int, ...]


def cases(matrix: Matrix, requests: Requests) -> Iterator[Case]:
    """Every refusal that the matrix or the API's declarations ask for, by operation."""
    for line in matrix.lines:
        request = requests.of(line.operation)
        if request is not None and _OWN_HOST.match(request.path):
            for kind, caller, expected in _refusals(matrix, line):
                name = _name(line.operation, kind, caller if kind == LOWER_ROLE else "")
                yield Case(name, kind, line.operation, caller, request, expected)


_OWN_HOST = re.compile(r"/(?!/)")  # all else could lead the tokens to another host


def _refusals(matrix: Matrix, line: Line) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    if line.cells[ANYONE] is Cell.DENY:
        yield NO_TOKEN, "", (401,)
        yield WRONG_AUDIENCE, "wrong_audience", (401,)
    for role in matrix.lower(line):
        yield LOWER_ROLE, role, (403, 404)
    cells = set(line.cells.values())
    undecided = not matrix.declared and line.call.protected
    if line.chooses and (Cell.OWNER in cells or undecided):
        owner = next((r for r, c in line.cells.items() if c is Cell.OWNER), "user")
        yield OTHER_USER, f"other_{owner}", (403, 404)
    if line.chooses and Cell.TENANT in cells:
        yield OTHER_TENANT, "other_tenant", (403, 404)


def _name(operation: str, kind: str, caller: str) -> str:
    text = f"{operation} {kind} {caller}".lower()
    return re.sub(r"[^a-z0-9]+", "_", text).strip("_")[:120]


def variable(caller: str) -> str:
    """The environment variable that holds a caller's token."""
    return "TOKEN_" + re.sub(r"[^A-Z0-9]+", "_", caller.upper()).strip("_")


def _parameter(name: str) -> str:
    return "OBJECT_" + re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")


_HEAD = '''"""Negative tests of authorisation: each call must be refused.

Made by backend-architect from the API and its roles. Run against a test deployment:

    BASE_URL=http://localhost:8000 {tokens} pytest {file}

`OBJECT_<PARAMETER>` name objects that belong to user A (and tenant A); without, made-up values are
sent, and a test of another user shows nothing: it is skipped.
"""

import os
from urllib.parse import quote

import httpx
import pytest

BASE_URL = os.environ.get("BASE_URL", "http://localhost:8000")

# name, kind, caller, method, path, query, body, media type, expected statuses, object parameters
CASES = [
'''
_TAIL = """]


def _path(path, values, objects):
    for name, value in values.items():
        given = os.environ.get(objects.get(name, ""), value)
        path = path.replace("{" + name + "}", quote(str(given), safe=""))
    return path


@pytest.mark.parametrize(
    "kind, caller, method, path, values, query, body, media, expected, objects",
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_is_refused(kind, caller, method, path, values, query, body, media, expected, objects):
    headers = {}
    if caller:
        token = os.environ.get(caller)
        if not token:
            pytest.skip(f"{caller} is not set")
        headers["Authorization"] = f"Bearer {token}"
    if kind in ("other user", "other tenant"):
        unset = [name for name in objects.values() if not os.environ.get(name)]
        if unset:
            pytest.skip(f"{', '.join(unset)} not set")
    sent = {}
    if body is not None:
        if media.startswith("application/x-www-form"):
            sent = {"data": body}
        else:
            sent = {"json": body}
    with httpx.Client(base_url=BASE_URL, timeout=30, follow_redirects=False) as client:
        url = _path(path, values, objects)
        answer = client.request(method, url, params=query, headers=headers, **sent)
    assert answer.status_code in expected, f"{kind}: {method} {path} gave {answer.status_code}"
"""


def pytest_file(found: list[Case], file: str = "test_authorization.py") -> str:
    """The cases as one runnable file."""
    callers = dict.fromkeys(variable(case.caller) for case in found if case.caller)
    tokens = " ".join(f"{name}=…" for name in list(callers)[:4])
    lines = [_HEAD.replace("{tokens}", tokens).replace("{file}", file)]
    lines += [f"    {_literal(case)},\n" for case in found]
    return "".join([*lines, _TAIL])


def _literal(case: Case) -> str:
    request = case.request
    parameters = TEMPLATE.findall(request.path)
    values = {name: _plain(request.values.get(name, "1")) for name in parameters}
    objects = {name: _parameter(name) for name in parameters}
    caller = variable(case.caller) if case.caller else ""
    parts: tuple[Any, ...] = (
        case.name, case.kind, caller, request.method, request.path, values,
        {key: _plain(value) for key, value in request.query.items()}, request.body,
        request.media_type, case.expected, objects,
    )  # fmt: skip
    return repr(parts)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else json.dumps(value)


def http_file(found: list[Case]) -> str:
    """The cases as requests that editors run (`.http`)."""
    callers = dict.fromkeys(case.caller for case in found if case.caller)
    lines = ["@base = http://localhost:8000", *(f"@{variable(c)} = " for c in callers)]
    for case in found:
        lines += ["", f"### {case.name}: expect {' or '.join(map(str, case.expected))}"]
        lines += _http(case)
    return "\n".join([*lines, ""])


def _http(case: Case) -> Iterator[str]:
    request = case.request
    path = _filled(request.path, request.values)
    query = urlencode({key: _plain(value) for key, value in request.query.items()})
    yield f"{request.method} {{{{base}}}}{_line(path)}{'?' * bool(query)}{_line(query)}"
    if case.caller:
        yield f"Authorization: Bearer {{{{{variable(case.caller)}}}}}"
    if request.body is not None:
        yield f"Content-Type: {_line(request.media_type)}"
        yield ""
        yield json.dumps(request.body, indent=2, ensure_ascii=True)


def _filled(path: str, values: Mapping[str, Any]) -> str:
    for name in TEMPLATE.findall(path):
        path = path.replace("{" + name + "}", quote(str(values.get(name, "1")), safe=""))
    return path


def _line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]", " ", text)
