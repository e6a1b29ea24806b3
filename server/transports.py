"""How clients reach the server: stdio, streamable HTTP, and the superseded SSE."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Any, Literal

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from .service import Service

Network = Literal["http", "sse"]

GRACE = 20.0  # seconds for running calls after SIGTERM


@dataclass(frozen=True, slots=True)
class Http:
    """Where to listen, and which Host and Origin headers to accept beside those of loopback."""

    host: str = "127.0.0.1"
    port: int = 8000
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    max_body: int = 32 * 1024 * 1024

    @property
    def security(self) -> TransportSecuritySettings:
        """Requests for other names are refused: a page in a browser could reach the server."""
        local = [f"{name}:*" for name in ("127.0.0.1", "localhost", "[::1]")]
        here = f"[{self.host}]" if ":" in self.host else self.host
        return TransportSecuritySettings(
            allowed_hosts=[*local, f"{here}:*", *self.allowed_hosts],
            allowed_origins=[*(f"http://{name}" for name in local), *self.allowed_origins],
        )


async def serve_stdio(server: MCPServer[Any], service: Service) -> None:
    """Serve one client on standard input and output until it closes them or SIGTERM arrives."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_end_on_signal, service)
        await server.run_stdio_async()
        tasks.cancel_scope.cancel()


async def _end_on_signal(service: Service) -> None:
    """Finish running calls and leave.

    Reading standard input cannot be interrupted from within, so the process ends itself; by then
    every answer is written and the workers are gone.
    """
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            await service.drain(GRACE)
            await anyio.sleep(0.1)  # the answers of the last calls are on their way out
            service.workers.close()
            os._exit(0)


async def serve_http(
    server: MCPServer[Any], service: Service, transport: Network, http: Http
) -> None:
    """Serve any number of clients until SIGTERM; running calls are finished first."""
    import uvicorn
    from starlette.requests import Request
    from starlette.responses import JSONResponse

    from . import version

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "version": version()})

    server.custom_route("/health", methods=["GET"])(health)
    common: dict[str, Any] = {
        "host": http.host,
        "transport_security": http.security,
        "max_request_body_size": http.max_body,
    }
    if transport == "http":
        app = server.streamable_http_app(stateless_http=True, **common)
    else:
        app = server.sse_app(**common)
    config = uvicorn.Config(
        app,
        host=http.host,
        port=http.port,
        log_level="warning",
        timeout_graceful_shutdown=int(GRACE),
    )
    service.workers.start()
    await uvicorn.Server(config).serve()
