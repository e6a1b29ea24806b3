"""The server for teams: who may call, how often, over what; and what operators see of it."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

import anyio
import httpx2
import jwt
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult
from servers import SMALL, listening, wait_for
from starlette.types import Message, Receive, Scope, Send

from backend_architect.server.cli import main
from backend_architect.server.http.access import access, is_loopback
from backend_architect.server.http.admission import Admission, Limits
from backend_architect.server.http.tokens import (
    BadSettings,
    Jwts,
    Tokens,
    digest,
    issuer_in,
    keys_by_id,
    names_by_digest,
    new_token,
)

ISSUER, AUDIENCE = "https://login.example.com", "https://architect.example.com/mcp"
KEY, OTHER_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))


def jwk_set(*keys: tuple[str, ec.EllipticCurvePrivateKey]) -> str:
    algorithm = jwt.algorithms.ECAlgorithm(hashes.SHA256)
    listed = [
        {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig"}
        for name, key in keys
    ]
    return json.dumps({"keys": listed})


def signed(key: ec.EllipticCurvePrivateKey = KEY, kid: str = "a", **changes: Any) -> str:
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice",
        "client_id": "ide",
        "scope": "review plan",
        "exp": time.time() + 600,
        **changes,
    }
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(given, key, algorithm="ES256", headers={"kid": kid})


def verified(verifier: Any, token: str) -> Any:
    return anyio.run(verifier.verify_token, token)


@pytest.fixture
def jwts(tmp_path: Path) -> Jwts:
    (tmp_path / "keys.json").write_text(jwk_set(("a", KEY)))
    return Jwts(tmp_path / "keys.json", ISSUER, AUDIENCE)


def test_a_token_of_the_issuer_for_this_server_counts(jwts: Jwts) -> None:
    found = verified(jwts, signed())
    assert (found.subject, found.client_id, found.scopes) == ("alice", "ide", ["review", "plan"])
    assert verified(jwts, signed(aud=["https://other.example", AUDIENCE]))
    assert verified(jwts, signed(scope=None, scp=["review"])).scopes == ["review"]


@pytest.mark.parametrize(
    "token",
    [
        signed(key=OTHER_KEY),
        signed(kid="b"),
        signed(iss="https://evil.example"),
        signed(aud="https://other.example"),
        signed(exp=time.time() - 60),
        signed(exp=None),
        signed(sub=None),
        jwt.encode({"sub": "alice", "iss": ISSUER, "aud": AUDIENCE}, "", algorithm="none"),
        jwt.encode({"sub": "a", "exp": 9e9}, "x" * 32, algorithm="HS256", headers={"kid": "a"}),
        signed()[:-4],
        "x" * 10_000,
        "",
        "a.b.c",
    ],
)
def test_any_other_token_does_not(jwts: Jwts, token: str) -> None:
    assert verified(jwts, token) is None


def test_keys_are_rotated_without_a_restart(jwts: Jwts, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(jwk_set(("a", KEY), ("b", OTHER_KEY)))
    assert verified(jwts, signed(key=OTHER_KEY, kid="b"))
    (tmp_path / "keys.json").write_text("{")  # half written
    assert verified(jwts, signed(key=OTHER_KEY, kid="b"))
    (tmp_path / "keys.json").write_text(jwk_set(("b", OTHER_KEY)))
    assert verified(jwts, signed()) is None


def test_a_symmetric_key_is_refused() -> None:
    symmetric = {"keys": [{"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}]}
    with pytest.raises(ValueError, match="symmetric"):
        keys_by_id(json.dumps(symmetric))


def test_tokens_of_a_file(tmp_path: Path) -> None:
    token = new_token()
    (tmp_path / "t").write_text(f"# the team\nalice {digest(token)}  # since May\n")
    tokens = Tokens(tmp_path / "t")
    assert verified(tokens, token).client_id == "alice"
    assert verified(tokens, f"{token} ") is None
    (tmp_path / "t").write_text("# nobody any more\n")
    assert verified(tokens, token) is None
    with pytest.raises(ValueError, match="line 2"):
        names_by_digest("\nalice secret")


def test_a_made_token_is_what_its_line_says() -> None:
    made = CliRunner().invoke(main, ["token", "alice"])
    [(known, name)] = names_by_digest(made.stderr).items()
    assert (known, name) == (digest(made.stdout.strip()), "alice")
    assert CliRunner().invoke(main, ["token", "a b"]).exit_code == 2


def test_settings_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(jwk_set(("a", KEY)))
    (tmp_path / "as.json").write_text(json.dumps({"issuer": ISSUER}))
    (tmp_path / "t").write_text("")
    keys, metadata = tmp_path / "keys.json", tmp_path / "as.json"
    assert issuer_in(metadata) == ISSUER
    assert access(AUDIENCE, jwks=keys, issuer_metadata=metadata).settings is not None
    assert access(AUDIENCE).verifier is None
    for wrong in (
        {"jwks": keys},
        {"issuer": ISSUER},
        {"jwks": metadata, "issuer": ISSUER},
        {"jwks": keys, "issuer_metadata": keys},
        {"jwks": keys, "issuer": "login"},
        {"jwks": keys, "issuer": ISSUER, "tokens": tmp_path / "t", "scopes": ("a",)},
    ):
        with pytest.raises(BadSettings):
            access(AUDIENCE, **wrong)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "anyone could call it there"),
        (["--host", "0.0.0.0", "--allow-anonymous", "--root", "."], "loopback only"),
        (["--tls-key", "README.md"], "go together"),
        (["--issuer", ISSUER], "--jwks"),
        (["--tokens", "README.md"], "line 3"),
    ],
)
def test_an_unsafe_start_is_refused(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[1])
    result = CliRunner().invoke(main, ["serve", "--transport", "http", *arguments])
    assert result.exit_code == 2
    assert said in result.stderr


def test_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "example.com")))


class Asked:
    """Requests to an application behind `Admission`; each waits until it is let go."""

    def __init__(self, limits: Limits) -> None:
        self.now = 0.0
        self.let_go = anyio.Event()
        self.admission = Admission(self._app, limits, lambda: self.now)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.let_go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def __call__(self, client: str = "10.0.0.1", method: str = "POST") -> tuple[int, str]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            raise AssertionError

        scope = {"type": "http", "method": method, "client": (client, 1)}
        await self.admission(scope, receive, send)
        headers = dict(sent[0]["headers"])
        return sent[0]["status"], headers.get(b"retry-after", b"").decode()


def test_a_caller_has_so_many_calls_a_minute() -> None:
    async def scenario() -> None:
        asked = Asked(Limits(0, 2, 0))
        asked.let_go.set()
        assert [await asked() for _ in range(3)] == [(200, ""), (200, ""), (429, "30")]
        assert await asked("10.0.0.2") == (200, "")
        assert await asked(method="GET") == (200, "")
        asked.now = 30.5
        assert [await asked() for _ in range(2)] == [(200, ""), (429, "30")]
        asked.now = 1e6  # a bucket holds a minute's calls, not more
        assert [(await asked())[0] for _ in range(3)] == [200, 200, 429]

    anyio.run(scenario)


def test_callers_and_all_together_have_so_many_at_a_time() -> None:
    async def scenario() -> None:
        asked = Asked(Limits(2, 0, 3))
        async with anyio.create_task_group() as tasks:
            for client in ("a", "a", "b"):
                tasks.start_soon(asked, client)
            await anyio.wait_all_tasks_blocked()
            assert [await asked(client) for client in "abc"] == [(429, "1")] * 3
            asked.let_go.set()
        assert await asked("a") == (200, "")

    anyio.run(scenario)


def review(url: str, token: str = "") -> CallToolResult:
    async def scenario() -> CallToolResult:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30) as http,
            Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
        ):
            arguments = {"document": {"text": SMALL, "name": "api.yaml"}}
            return await client.call_tool("review_api", arguments)

    return anyio.run(scenario)


def ask(url: str, token: str = "", context: ssl.SSLContext | None = None) -> tuple[int, Any]:
    """The status and headers of a request to `/mcp`, or of a GET to any other path."""
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = b"{}" if url.endswith("/mcp") else None
    request = urllib.request.Request(url, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=20, context=context) as response:
            return response.status, response.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


def test_only_holders_of_a_token_are_served_and_what_they_did_is_told(tmp_path: Path) -> None:
    token = new_token()
    (tmp_path / "tokens").write_text(f"alice {digest(token)}\n")
    options = ("--tokens", str(tmp_path / "tokens"), "--log")
    with (
        (tmp_path / "log").open("w") as log,
        listening("http", None, log, *options) as (_, url),
    ):
        assert ask(f"{url}/mcp")[0] == 401
        assert ask(f"{url}/mcp", new_token())[0] == 401
        assert ask(f"{url}/health")[0] == 200
        assert not review(url, token).is_error
    [line] = [json.loads(text) for text in (tmp_path / "log").read_text().splitlines()]
    assert (line["tool"], line["outcome"], line["principal"]) == ("review_api", "ok", "alice")
    assert line["bytes"] > len(SMALL)
    assert token not in json.dumps(line)
    assert "Small" not in json.dumps(line)


def test_a_resource_server_leads_to_its_issuer_and_asks_for_scopes(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(jwk_set(("a", KEY)))
    options = ("--jwks", str(tmp_path / "keys.json"), "--issuer", ISSUER, "--url", AUDIENCE)
    with (
        (tmp_path / "log").open("w") as log,
        listening("http", None, log, *options, "--scope", "review") as (_, url),
    ):
        status, headers = ask(f"{url}/mcp")
        assert status == 401
        metadata = "https://architect.example.com/.well-known/oauth-protected-resource/mcp"
        assert metadata in headers["WWW-Authenticate"]
        with urllib.request.urlopen(f"{url}{metadata[29:]}") as response:
            found = json.load(response)
        assert [each.rstrip("/") for each in found["authorization_servers"]] == [ISSUER]
        assert found["resource"] == AUDIENCE
        assert ask(f"{url}/mcp", signed(scope="plan"))[0] == 403
        assert not review(url, signed()).is_error


def test_too_many_requests_are_told_when_to_try_again(tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("w") as log,
        listening("http", None, log, "--caller-rate", "2") as (_, url),
    ):
        statuses = [ask(f"{url}/mcp") for _ in range(3)]
        assert [status for status, _ in statuses] == [400, 400, 429]
        assert 1 <= int(statuses[-1][1]["Retry-After"]) <= 30


def test_ready_once_the_workers_are_warm(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log, listening("http", None, log) as (_, url):
        wait_for(lambda: ask(f"{url}/ready")[0] == 200)
        assert not review(url).is_error
        assert ask(f"{url}/ready")[0] == 200


def test_tls(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    context = ssl.create_default_context(cafile=str(certificate))
    options = ("--tls-certificate", str(certificate), "--tls-key", str(key))

    def health(url: str) -> int:
        try:
            return ask(f"{url.replace('http:', 'https:')}/health", context=context)[0]
        except OSError:
            return 0

    with (
        (tmp_path / "log").open("w") as log,
        listening("http", None, log, *options, healthy=health) as (_, url),
    ):
        assert health(url) == 200


def self_signed(folder: Path) -> tuple[Path, Path]:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, KEY.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(KEY, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    form, open_ = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(KEY.private_bytes(pem, form, open_))
    return folder / "cert.pem", folder / "key.pem"


@contextmanager
def collector() -> Iterator[tuple[str, Callable[[], set[str]]]]:
    """An OTLP collector: its URL, and the paths that were posted to."""
    seen: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.add(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", lambda: seen
        server.shutdown()


def test_spans_and_metrics_reach_a_collector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as (address, seen), (tmp_path / "log").open("w") as log:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
        with listening("http", None, log, "--otlp") as (_, url):
            assert not review(url).is_error
            wait_for(lambda: seen() == {"/v1/traces", "/v1/metrics"})
