"""How clients reach the server: stdio, streamable HTTP, and the superseded SSE."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from .service import Service

Network = Literal["http", "sse"]

GRACE = 20.0  # seconds for running calls after SIGTERM
FLUSH = 0.5  # seconds for their answers to be written
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


async def serve_stdio(server: MCPServer[Any], service: Service) -> None:
    """Serve one client on standard input and output until it closes them or SIGTERM arrives."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_on_signal, service, _leave)
        await server.run_stdio_async()
        tasks.cancel_scope.cancel()


def _leave(_: int) -> None:
    """Reading standard input cannot be interrupted from within, so the process ends itself.

    By then every answer is written; the workers end with their connections.
    """
    os._exit(0)


async def _on_signal(service: Service, then: Callable[[int], None]) -> None:
    """Finish the running calls before what is to be done; more signals change nothing."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            await service.drain(GRACE)
            await anyio.sleep(FLUSH)
            then(number)
            return


async def serve_http(
    server: MCPServer[Any], service: Service, transport: Network, http: Http
) -> None:
    """Serve any number of clients until SIGTERM; running calls are finished first."""
    import uvicorn
    from starlette.requests import Request
    from starlette.responses import JSONResponse

    from . import version

    class Listener(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Generator[None]:
            """Leave signals to `_on_signal`: uvicorn would let streams break off at once."""
            yield

    async def health(_: Request) -> JSONResponse:
        status = "draining" if service.draining else "ok"
        return JSONResponse(
            {"status": status, "version": version()}, 503 if service.draining else 200
        )

    server.custom_route("/health", methods=["GET"])(health)
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
    config = uvicorn.Config(
        app,
        host=http.host,
        port=http.port,
        log_level="warning",
        timeout_graceful_shutdown=LINGER,
    )
    sockets = [config.bind_socket()]
    service.workers.start()
    listener = Listener(config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_on_signal, service, lambda number: listener.handle_exit(number, None))
        await listener.serve(sockets)
        tasks.cancel_scope.cancel()
