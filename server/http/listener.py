"""Streamable HTTP, and the superseded SSE: any number of clients, on one port."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import anyio
import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse

from .. import version
from ..service import Service
from ..transports import on_signal
from .admission import Admission, Limits

Network = Literal["http", "sse"]

LINGER = 5  # seconds for clients to close their connections


@dataclass(frozen=True, slots=True)
class Http:
    """Where to listen, and which Host and Origin headers to accept beside those of loopback."""

    host: str = "127.0.0.1"
    port: int = 8000
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    max_body: int = 32 * 1024 * 1024
    stateless: bool = False  # for the handshake era; later clients never have sessions
    limits: Limits = field(default_factory=Limits)
    certificate: Path | None = None  # PEM, with its chain; with `key`: TLS
    key: Path | None = None

    @property
    def security(self) -> TransportSecuritySettings:
        """Requests for other names are refused: a page in a browser could reach the server."""
        local = ("127.0.0.1", "localhost", "[::1]")
        here = f"[{self.host}]" if ":" in self.host else self.host
        return TransportSecuritySettings(
            allowed_hosts=[*_on_any_port(*local, here), *self.allowed_hosts],
            allowed_origins=[
                *_on_any_port(*(f"http://{name}" for name in local)),
                *self.allowed_origins,
            ],
        )


def _on_any_port(*names: str) -> list[str]:
    return [f"{name}{port}" for name in names for port in ("", ":*")]


async def serve_http(
    server: MCPServer[Any], service: Service, transport: Network, http: Http
) -> None:
    """Serve any number of clients until SIGTERM; running calls are finished first."""

    class Listener(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Generator[None]:
            """Leave signals to `on_signal`: uvicorn would let streams break off at once."""
            yield

    config = uvicorn.Config(
        _app(server, service, transport, http),
        host=http.host,
        port=http.port,
        log_level="warning",
        timeout_graceful_shutdown=LINGER,
        ssl_certfile=http.certificate,
        ssl_keyfile=http.key,
    )
    config.load()  # a certificate that cannot be used is said before the port is taken
    sockets = [config.bind_socket()]
    service.workers.start()
    listener = Listener(config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(on_signal, service, lambda number: listener.handle_exit(number, None))
        await listener.serve(sockets)
        tasks.cancel_scope.cancel()


def _app(server: MCPServer[Any], service: Service, transport: Network, http: Http) -> Starlette:
    async def health(_: Request) -> JSONResponse:
        """Whether the process lives; while it ends, load balancers are to look elsewhere."""
        status = "draining" if service.draining else "ok"
        return JSONResponse(
            {"status": status, "version": version()}, 503 if service.draining else 200
        )

    async def ready(_: Request) -> JSONResponse:
        """Whether a call would be taken now: not while ending, not before the workers are warm."""
        is_ready = service.workers.is_ready and not service.draining
        return JSONResponse({"ready": is_ready}, 200 if is_ready else 503)

    server.custom_route("/health", methods=["GET"])(health)
    server.custom_route("/ready", methods=["GET"])(ready)
    common: dict[str, Any] = {
        "host": http.host,
        "transport_security": http.security,
        "max_request_body_size": http.max_body,
    }
    # Clients of the handshake era get sessions unless told otherwise: without, they could not
    # cancel a call. Those of the era since 2026-07-28 have none, so any replica can serve them.
    if transport == "http":
        app = server.streamable_http_app(stateless_http=http.stateless, **common)
    else:
        app = server.sse_app(**common)
    app.user_middleware.append(Middleware(Admission, limits=http.limits))  # knows who calls
    return app
