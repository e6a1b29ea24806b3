"""`backend-architect serve` and `token`: the server, and who may call it."""

from __future__ import annotations

import gc
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from .terminal import ROOTS, USAGE

if TYPE_CHECKING:
    from .http.listener import Network

COUNT = click.IntRange(1)
LIMIT = click.IntRange(0)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--transport", type=click.Choice(["stdio", "http", "sse"]), default="stdio")
@ROOTS
@click.option("--workers", type=COUNT, default=2, show_default=True, help="Calls at a time.")
@click.option("--timeout", type=COUNT, default=60, show_default=True, help="Seconds for a call.")
@click.option("--memory", type=COUNT, default=2048, show_default=True, help="MiB for a call.")
@click.option("--log", is_flag=True, help="A line of JSON on standard error for each call.")
@click.option(
    "--otlp",
    is_flag=True,
    help="Send traces and metrics to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names.",
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--tls-certificate", type=FILE, help="PEM, with its chain.")
@click.option("--tls-key", type=FILE, help="PEM.")
@click.option("--allowed-host", multiple=True, help="Host header to accept; repeatable.")
@click.option("--allowed-origin", multiple=True, help="Origin header to accept; repeatable.")
@click.option("--url", default="", help="The URL clients know it by, if not that of host and port.")
@click.option("--tokens", type=FILE, help="Bearer tokens that may call; see `token`.")
@click.option("--jwks", type=FILE, help="Keys of the issuer whose access tokens (JWT) may call.")
@click.option("--issuer", default="", help="The issuer's URL.")
@click.option("--issuer-metadata", type=FILE, help="RFC 8414 document that names the issuer.")
@click.option("--audience", default="", help="What tokens are for, if not --url.")
@click.option("--scope", multiple=True, help="Scope that a token must have; repeatable.")
@click.option(
    "--allow-anonymous",
    is_flag=True,
    help="Listen beyond loopback though anyone may call.",
)
@click.option(
    "--max-body",
    type=COUNT,
    default=32,
    show_default=True,
    help="MiB of an HTTP request.",
)
@click.option(
    "--stateless",
    is_flag=True,
    help="No sessions for clients of the handshake era either: any replica can serve them, but they"
    " cannot cancel a call.",
)
@click.option(
    "--caller-concurrency",
    type=LIMIT,
    default=16,
    show_default=True,
    help="Requests of one caller at a time; 0: no limit.",
)
@click.option(
    "--caller-rate",
    type=LIMIT,
    default=600,
    show_default=True,
    help="Requests of one caller a minute; 0: no limit.",
)
@click.option(
    "--queue",
    type=LIMIT,
    default=256,
    show_default=True,
    help="Requests of all at a time, waiting ones included; 0: no limit.",
)
def serve(
    transport: Literal["stdio"] | Network,
    roots: tuple[Path, ...],
    workers: int,
    timeout: int,
    memory: int,
    log: bool,
    otlp: bool,
    host: str,
    port: int,
    tls_certificate: Path | None,
    tls_key: Path | None,
    allowed_host: tuple[str, ...],
    allowed_origin: tuple[str, ...],
    url: str,
    tokens: Path | None,
    jwks: Path | None,
    issuer: str,
    issuer_metadata: Path | None,
    audience: str,
    scope: tuple[str, ...],
    allow_anonymous: bool,
    max_body: int,
    stateless: bool,
    caller_concurrency: int,
    caller_rate: int,
    queue: int,
) -> None:
    """Serve over MCP: stdio (default), streamable HTTP, or the superseded SSE.

    Over stdio the working directory may be read unless --root says otherwise (not when it is / or
    the home folder, where desktop hosts start servers). Over HTTP nothing: documents come as text;
    --root is for a server that only this machine can reach.
    """
    import anyio

    from .app import build
    from .service import Service
    from .telemetry import Telemetry, export
    from .transports import serve_stdio
    from .workers import MIB, Workers
    from .workspace import default_roots

    gc.freeze()
    gc.enable()
    if otlp:
        export()
    telemetry = Telemetry(sys.stderr if log else None)
    pool = Workers(workers, timeout, memory * MIB)
    try:
        if transport == "stdio":
            service = Service(roots or default_roots(), pool, telemetry)
            anyio.run(serve_stdio, build(service), service)
            return
        from .http.access import access, is_loopback
        from .http.admission import Limits
        from .http.listener import Http, serve_http

        scheme = "https" if tls_certificate else "http"
        allowed = access(
            url or f"{scheme}://{host}:{port}/mcp",
            tokens=tokens,
            jwks=jwks,
            issuer=issuer,
            issuer_metadata=issuer_metadata,
            audience=audience,
            scopes=scope,
        )
        if not is_loopback(host):
            _check_exposure(bool(allowed.verifier) or allow_anonymous, roots)
            if jwks and not url:
                _refuse("--url is needed: tokens are made for the URL that clients know")
        if bool(tls_certificate) != bool(tls_key):
            _refuse("--tls-certificate and --tls-key go together")
        http = Http(
            host,
            port,
            allowed_host,
            allowed_origin,
            max_body * MIB,
            stateless,
            Limits(caller_concurrency, caller_rate, queue),
            tls_certificate,
            tls_key,
        )
        service = Service(roots, pool, telemetry)
        anyio.run(serve_http, build(service, allowed), service, transport, http)
    except (ValueError, ssl.SSLError) as error:
        _refuse(str(error))
    finally:
        pool.close()


def _check_exposure(is_safe: bool, roots: tuple[Path, ...]) -> None:
    """What may be reached from elsewhere needs callers that are known, and reads no files."""
    if not is_safe:
        _refuse(
            "anyone could call it there: give --tokens or --jwks, or say --allow-anonymous where"
            " something in front of it decides who may"
        )
    if roots:
        _refuse("--root is for loopback only: callers from elsewhere send documents as text")


def _refuse(message: str) -> None:
    click.echo(f"error: {message}", err=True)
    sys.exit(USAGE)


@click.command()
@click.argument("name")
def token(name: str) -> None:
    """Make a bearer token for NAME; what a token file holds of it goes to standard error.

    backend-architect token alice 2>> tokens.txt
    """
    from .http.tokens import digest, names_by_digest, new_token

    made = new_token()
    line = f"{name} {digest(made)}"
    try:
        names_by_digest(line)
    except ValueError:
        _refuse("a name is up to 64 letters, digits, and . _ @ -")
    click.echo(line, err=True)
    click.echo(made)
