"""The negative tests that the checklist makes, run against a real application and its twins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from guarded_app import FLAWS, app, token

from backend_architect.tools.openapi.document import Unreadable
from backend_architect.tools.security_checklist import Inputs, check
from backend_architect.tools.security_checklist.checklist import Checklist
from backend_architect.tools.source import Source

ROLES = """
roles:
  user:
    - GET /notes/{note_id} own
    - GET /reports/{report_id} tenant
  admin:
    - GET /notes/{note_id} own
    - GET /reports/{report_id} tenant
    - DELETE /admin/notes/{note_id}
"""
TOKENS = {
    "TOKEN_USER": token("alice"),
    "TOKEN_ADMIN": token("root", "admin"),
    "TOKEN_OTHER_USER": token("bob"),
    "TOKEN_OTHER_TENANT": token("carol", tenant="b"),
    "TOKEN_WRONG_AUDIENCE": token("alice", "admin", audience="billing"),
    "OBJECT_NOTE_ID": "1",
    "OBJECT_REPORT_ID": "1",
}


def read(base: str, reference: str) -> Source:
    raise Unreadable("one file")


def made(roles: str = ROLES) -> Checklist:
    document = json.dumps(app().openapi())
    inputs = Inputs(
        api=("openapi.json", document), authorization=("roles.yaml", roles), export=True
    )
    return check(inputs, read)


@contextmanager
def served(flaw: str = "") -> Iterator[str]:
    config = uvicorn.Config(app(flaw), port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(5)


def failures(text: str, address: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of the cases that fail."""
    for name, value in {**TOKENS, "BASE_URL": address}.items():
        monkeypatch.setenv(name, value)
    module: dict[str, Any] = {}
    exec(compile(text, "test_authorization.py", "exec"), module)
    failed = []
    for name, *case in module["CASES"]:
        try:
            module["test_is_refused"](*case)
        except AssertionError:
            failed.append(case[0])
        except pytest.skip.Exception:
            pytest.fail(f"{name} is skipped")
    return failed


def test_the_correct_application_passes_as_pytest_runs_it(tmp_path: Path) -> None:
    file = tmp_path / "test_authorization.py"
    file.write_text(dict(made().exports)["test_authorization.py"], "utf-8")
    with served() as address:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)],
            env={**os.environ, **TOKENS, "BASE_URL": address},
            capture_output=True,
            cwd=tmp_path,
        )
    assert done.returncode == 0, done.stdout.decode()
    assert b"9 passed" in done.stdout


@pytest.mark.parametrize("flaw", FLAWS)
def test_each_twin_fails(flaw: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = dict(made().exports)["test_authorization.py"]
    with served(flaw) as address:
        assert set(failures(text, address, monkeypatch)) == {flaw}


def test_a_mutated_role_table_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that takes a right away that the application gives."""
    mutated = ROLES.replace("    - DELETE /admin/notes/{note_id}\n", "")
    text = dict(made(mutated).exports)["test_authorization.py"]
    with served() as address:
        assert failures(text, address, monkeypatch) == ["lower role"]


def test_the_matrix_says_who_may_what() -> None:
    rows = {row["operation"]: row["cells"] for row in made().matrix["rows"]}
    assert rows["GET /notes/{note_id}"] == {
        "anyone": "deny",
        "user": "owner only",
        "admin": "owner only",
    }
    assert rows["DELETE /admin/notes/{note_id}"]["admin"] == "allow"


def test_requests_for_editors_say_what_to_expect() -> None:
    text = dict(made().exports)["authorization.http"]
    assert "### get_notes_note_id_no_token: expect 401\nGET {{base}}/notes/1\n" in text
    assert "Authorization: Bearer {{TOKEN_OTHER_USER}}" in text


@pytest.mark.parametrize("path", ["http://evil.example/x", "@evil.example/x", "//evil.example/x"])
def test_tokens_are_sent_to_no_other_host(path: str) -> None:
    document = json.dumps(app().openapi()).replace("/notes/{note_id}", path, 1)
    inputs = Inputs(api=("openapi.json", document), export=True)
    for text in dict(check(inputs, read).exports).values():
        assert "evil" not in text


@pytest.mark.parametrize(
    ("name", "model", "cells"),
    [
        (
            "policies.cedar",
            'permit(principal in Role::"user", action == Action::"GET /notes/{note_id}", '
            "resource)\nwhen { resource.owner == principal };\n"
            'forbid(principal in Role::"user", action == Action::"GET /reports/*", resource);\n',
            {"GET /notes/{note_id}": "owner only", "GET /reports/{report_id}": "deny"},
        ),
        (
            "roles.csv",
            "operation,user\nGET /notes/{note_id},own\nGET /reports/{report_id},tenant\n",
            {"GET /notes/{note_id}": "owner only", "GET /reports/{report_id}": "tenant only"},
        ),
        (
            "data.json",
            '{"role_grants": {"user": [{"action": "GET", "path": "/notes/*", "scope": "own"}]}}',
            {"GET /notes/{note_id}": "owner only", "GET /reports/{report_id}": "deny"},
        ),
    ],
)
def test_models_of_several_forms_are_read(name: str, model: str, cells: dict[str, str]) -> None:
    document = json.dumps(app().openapi())
    inputs = Inputs(api=("openapi.json", document), authorization=(name, model))
    rows = {row["operation"]: row["cells"] for row in check(inputs, read).matrix["rows"]}
    for operation, cell in cells.items():
        assert rows[operation]["user"] == cell


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("a.cedar", 'permit(principal in Role::"' * 40_000),
        ("b.cedar", "permit(principal,\n" + "\n" * 200_000),
        (
            "c.fga",
            "model\n" + "\n" * 200_000 + "type a\n  relations\n" + "    define owner: [x]\n" * 50,
        ),
        ("d.yaml", "roles: {user: ['GET /" + "a*" * 5_000 + "b']}"),
        ("e.csv", "operation,user\n" + "GET /x,own\n" * 50_000),
    ],
)
def test_hostile_models_cost_little(name: str, model: str) -> None:
    document = json.dumps(app().openapi())
    started = time.perf_counter()
    check(Inputs(api=("openapi.json", document), authorization=(name, model)), read)
    assert time.perf_counter() - started < 3
