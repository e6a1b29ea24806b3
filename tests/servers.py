"""The real server as a process, the SDK's own client, and what the process table says of them."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import anyio
import psutil
from anyio.abc import TaskGroup
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult

from backend_architect.server import jobs as server_jobs
from backend_architect.server.workers import Refused, Workers

Transport = Literal["stdio", "http", "sse"]
SERVE = ["-P", "-m", "backend_architect.server", "serve"]
PATIENCE = 30.0  # seconds, on a machine with other things to do

SMALL = "openapi: 3.1.1\ninfo: {title: Small, version: 1.0.0}\npaths: {}\n"


def large(operations: int) -> str:
    """A document without faults that takes a while: about half a second for 2,000 operations."""
    item = """
  /things{0}/{{id}}:
    get:
      operationId: get{0}
      parameters:
        - {{name: id, in: path, required: true, schema: {{type: string, maxLength: 40}}}}
      responses:
        '200':
          description: One thing
          content:
            application/json:
              schema: {{type: object, properties: {{a: {{type: string}}, b: {{type: integer}}}}}}"""
    paths = "".join(item.format(number) for number in range(operations))
    return f"openapi: 3.1.1\ninfo: {{title: Large, version: 1.0.0}}\npaths:{paths}\n"


def faulty(groups: int) -> str:
    """A document with that many findings, each a group of its own."""
    paths = "".join(f"  missing-slash-{number}: {{}}\n" for number in range(groups))
    return f"openapi: 3.1.1\ninfo: {{title: Faulty, version: 1.0.0}}\npaths:\n{paths}"


class Inline(Workers):
    """Does the work in this process, and counts how often."""

    runs: int = 0

    def start(self) -> None:
        pass

    async def run(
        self,
        job: str,
        request: Any,
        progress: Callable[[str], Awaitable[None]],
        quick: bool = False,
    ) -> Any:
        self.runs += 1
        stages: list[str] = []
        try:
            outcome = getattr(server_jobs, job)(request, stages.append)
        except server_jobs.REFUSALS as error:
            raise Refused(str(error)) from None
        for stage in stages:
            await progress(stage)
        return outcome


class Connection(NamedTuple):
    """A client, and the process of the server it talks to."""

    client: Client
    server: psutil.Process
    log: Path  # the server's standard error
    url: str = ""

    async def review(self, **arguments: Any) -> CallToolResult:
        return await self.client.call_tool("review_api", arguments)

    async def suspended(self, tasks: TaskGroup, answers: list[CallToolResult]) -> psutil.Process:
        """The worker of a call that now goes on only when the worker is resumed.

        Not until it has told of its progress: the server has to know of it.
        """
        at_work = anyio.Event()

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            at_work.set()

        async def call() -> None:
            arguments = {"document": {"path": "large.yaml"}}
            with suppress(MCPError):  # the connection is gone
                answers.append(
                    await self.client.call_tool(
                        "review_api", arguments, progress_callback=on_progress
                    )
                )

        tasks.start_soon(call)
        await at_work.wait()
        (worker,) = jobs(self.server)
        worker.suspend()
        return worker


@asynccontextmanager
async def connected(
    transport: Transport, root: Path, mode: str = "auto", *options: str
) -> AsyncIterator[Connection]:
    """A server of its own for a client. All its processes must end soon after the client."""
    log = root.parent / f"{root.name}.stderr"
    with log.open("w") as errors:
        if transport == "stdio":
            arguments = [*SERVE, "--root", str(root), *options]
            parameters = StdioServerParameters(command=sys.executable, args=arguments)
            with ending() as processes:
                async with Client(stdio_client(parameters, errors), mode=mode) as client:
                    server = _child_with(str(root))
                    processes.append(server)
                    yield Connection(client, server, log)
                    processes += family(server)
        else:
            with listening(transport, root, errors, *options) as (server, url):
                path = f"{url}/mcp" if transport == "http" else sse_client(f"{url}/sse")
                async with Client(path, mode=mode) as client:
                    yield Connection(client, server, log, url)


@contextmanager
def listening(
    transport: Transport,
    root: Path | None,
    errors: Any,
    *options: str,
    healthy: Callable[[str], int] | None = None,
) -> Iterator[tuple[psutil.Process, str]]:
    """A healthy server on a free port. All its processes must end soon after SIGTERM."""
    healthy = healthy or health
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [*SERVE, "--transport", transport, "--port", str(port), *options]
    arguments += ["--root", str(root)] if root else []
    with ending() as processes:
        process = subprocess.Popen([sys.executable, *arguments], stderr=errors)
        server, url = psutil.Process(process.pid), f"http://127.0.0.1:{port}"
        processes.append(server)
        with process:
            try:
                wait_for(lambda: process.poll() is not None or healthy(url) == 200)
                yield server, url
                processes += family(server)
            finally:
                process.terminate()


@contextmanager
def ending() -> Iterator[list[psutil.Process]]:
    """The processes put into the list must have ended soon after; in any case they do."""
    processes: list[psutil.Process] = []
    try:
        yield processes
        wait_for(lambda: not any(map(alive, processes)))
    finally:
        for process in [*processes, *(child for each in processes for child in family(each))]:
            if alive(process):
                process.kill()


def health(url: str) -> int:
    """The status of /health; 0 if nobody answers."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def _child_with(argument: str) -> psutil.Process:
    (found,) = [child for child in psutil.Process().children() if argument in child.cmdline()]
    return found


def family(server: psutil.Process) -> list[psutil.Process]:
    """All processes that a server has started and that have not ended."""
    try:
        return [child for child in server.children(recursive=True) if alive(child)]
    except psutil.NoSuchProcess:
        return []


def jobs(server: psutil.Process) -> list[psutil.Process]:
    """The processes of running calls: children of the warm process."""
    return [process for warm in server.children() for process in family(warm)]


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The first true value of a condition."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
    return value


async def wait_until(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """As `wait_for`, while other tasks go on."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        await anyio.sleep(0.005)
    return value
