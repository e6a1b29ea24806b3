"""Verdicts on changes of APIs are right, and their witnesses are refused for real."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from score_changes import Case, api, cases, problem, schema_of

from backend_architect.tools.review_api.changes import judge
from backend_architect.tools.review_api.changes.verdicts import Verdict

EVERY = list(cases())


def test_single_changes_are_told_right_in_both_directions() -> None:
    """A witness shows what breaks by both schemas; random values show nothing else."""
    assert len(EVERY) > 300
    assert {case.name: said for case in EVERY if (said := problem(case))} == {}


@contextmanager
def stub(schema: dict[str, Any], answer: Any) -> Iterator[int]:
    """A server of one version: refuses requests that its contract does not admit, sends answers."""
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200 if validator.is_valid(body) else 422)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *arguments: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Refused(Exception):
    """The server does not take a request, or the client not an answer."""


def call(port: int, body: Any, expected: dict[str, Any]) -> None:
    """A client made from a contract: sends a body, and takes answers that the contract admits."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("POST", "/a", json.dumps(body).encode(), {"Connection": "close"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    if response.status != 200:
        raise Refused("the server does not take it")
    if not jsonschema_rs.Draft202012Validator(expected, validate_formats=True).is_valid(answer):
        raise Refused("the client does not understand it")


BREAKING = [case for case in EVERY if case.breaks][::16][:12]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in BREAKING])
def test_an_old_client_fails_on_the_witness(case: Case) -> None:
    """Against a server of the new version; against one of the old version all is well."""
    found = [each for each in judge(api(case.before), api(case.after)) if each.witness]
    assert found[0].verdict is Verdict.BREAKING
    assert found[0].witness
    value = found[0].witness.value
    old, new = schema_of(case.before), schema_of(case.after)
    if found[0].change.direction == "request":
        with stub(old, {}) as port:
            call(port, value, {})
        with stub(new, {}) as port, pytest.raises(Refused, match="server"):
            call(port, value, {})
    else:
        with stub({}, value) as port:
            call(port, {}, new)
            with pytest.raises(Refused, match="client"):
                call(port, {}, old)
