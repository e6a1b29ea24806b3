"""Standard input and output, and what every transport does when it is told to end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import anyio
from mcp.server.mcpserver import MCPServer

from .service import Service

GRACE = 20.0  # seconds for running calls after SIGTERM
FLUSH = 0.5  # seconds for their answers to be written


async def serve_stdio(server: MCPServer[Any], service: Service) -> None:
    """Serve one client on standard input and output until it closes them or SIGTERM arrives."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(on_signal, service, _leave)
        await server.run_stdio_async()
        tasks.cancel_scope.cancel()


def _leave(_: int) -> None:
    """Reading standard input cannot be interrupted from within, so the process ends itself.

    By then every answer is written; the workers end with their connections.
    """
    os._exit(0)


async def on_signal(service: Service, then: Callable[[int], None]) -> None:
    """Finish the running calls before what is to be done; more signals change nothing."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            await service.drain(GRACE)
            await anyio.sleep(FLUSH)
            then(number)
            return
