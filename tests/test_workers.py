"""Worker processes and the cache of reports: what is killed, what is left behind, what is reused."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from mcp.types import CallToolResult
from servers import (
    SMALL,
    Transport,
    alive,
    connected,
    family,
    jobs,
    large,
    wait_until,
)

from backend_architect.server.jobs import Outcome, ReviewRequest
from backend_architect.server.workers import Failed, Refused, Workers


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "small.yaml").write_text(SMALL)
    (root / "large.yaml").write_text(large(4000))
    return root


async def untold(stage: str) -> None:
    pass


class Call:
    """One call of a worker: its progress, its end, and its process."""

    def __init__(self, workers: Workers, root: Path, path: str = "large.yaml") -> None:
        self.workers, self.request = workers, ReviewRequest((root,), path)
        self.told: list[str] = []
        self.at_work, self.ended = anyio.Event(), anyio.Event()
        self.outcome: Outcome | None = None
        self.error: Exception | None = None
        self.scope = anyio.CancelScope()

    async def __call__(self) -> None:
        try:
            with self.scope:
                self.outcome = await self.workers.run("review_api", self.request, self.progress)
        except (Failed, Refused) as error:
            self.error = error
        finally:
            self.ended.set()

    async def progress(self, stage: str) -> None:
        self.told.append(stage)
        self.at_work.set()


@asynccontextmanager
async def pool(**limits: Any) -> AsyncIterator[Workers]:
    """Workers that are ready, and closed in the end."""
    workers = Workers(**limits)
    try:
        yield workers
    finally:
        workers.close()


def warm() -> psutil.Process:
    """The warm process of the workers in this process."""
    (process,) = (
        child
        for child in psutil.Process().children()
        if "backend_architect.server.worker" in child.cmdline()
    )
    return process


def test_cancelling_kills_the_process(root: Path) -> None:
    async def scenario() -> None:
        async with pool() as workers, anyio.create_task_group() as tasks:
            call = Call(workers, root)
            tasks.start_soon(call)
            await call.at_work.wait()
            (worker,) = family(warm())
            worker.suspend()  # nothing but being killed can end it now
            call.scope.cancel()
            await call.ended.wait()
            await wait_until(lambda: not alive(worker))
            assert alive(warm())

    anyio.run(scenario)


def test_a_thousand_cancelled_calls_leave_nothing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of them while they wait for their turn, the others at all stages of their work."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)

    async def scenario() -> None:
        async with pool(limit=1) as workers:
            small = ReviewRequest((root,), "small.yaml")
            await workers.run("review_api", small, untold)
            before = psutil.Process().num_fds()
            for number in range(500):
                async with anyio.create_task_group() as tasks:
                    running, queued = Call(workers, root), Call(workers, root)
                    tasks.start_soon(running)
                    tasks.start_soon(queued)
                    match number % 3:
                        case 0:
                            await running.at_work.wait()
                        case 1:
                            await anyio.sleep(number / 100_000)
                        case 2:
                            await anyio.lowlevel.checkpoint()
                    queued.scope.cancel()
                    running.scope.cancel()
                    await running.ended.wait()
                    assert (running.outcome, queued.outcome, queued.told) == (None, None, [])
            await workers.run("review_api", small, untold)
            await wait_until(lambda: not family(warm()))
            assert psutil.Process().num_fds() == before
            assert warm().num_fds() <= 8
        assert not psutil.Process().children()
        assert list(temporary.iterdir()) == []

    anyio.run(scenario)


def test_cancelled_calls_over_stdio_leave_nothing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with connected("stdio", root, "auto", "--workers", "1") as connection:
            small = partial(connection.review, document={"path": "small.yaml"})
            slow = partial(connection.review, document={"path": "large.yaml"})
            await small()
            before = connection.server.num_fds()
            for number in range(20):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(slow)
                    tasks.start_soon(slow)
                    if number % 2:
                        await wait_until(lambda: jobs(connection.server))
                    tasks.cancel_scope.cancel()
            assert not (await small()).is_error
            await wait_until(lambda: not jobs(connection.server))
            await wait_until(lambda: connection.server.num_fds() == before)

    anyio.run(scenario)


def test_a_killed_worker_costs_only_its_own_call(root: Path) -> None:
    async def scenario() -> None:
        async with pool() as workers, anyio.create_task_group() as tasks:
            doomed, other = Call(workers, root), Call(workers, root)
            tasks.start_soon(doomed)
            await doomed.at_work.wait()
            (worker,) = family(warm())
            tasks.start_soon(other)
            await other.at_work.wait()
            worker.kill()
            await doomed.ended.wait()
            assert str(doomed.error).startswith("its worker process was killed")
            await other.ended.wait()
            assert other.outcome is not None

    anyio.run(scenario)


def test_a_killed_warm_process_is_replaced(root: Path) -> None:
    """A call that already runs goes on."""

    async def scenario() -> None:
        async with pool() as workers, anyio.create_task_group() as tasks:
            running, later = Call(workers, root), Call(workers, root, "small.yaml")
            tasks.start_soon(running)
            await running.at_work.wait()
            first = warm()
            first.kill()
            await later()
            assert later.outcome is not None
            assert warm() != first
            await running.ended.wait()
            assert running.outcome is not None

    anyio.run(scenario)


def test_a_call_that_takes_too_long_is_ended(root: Path) -> None:
    async def scenario() -> None:
        async with pool() as workers, anyio.create_task_group() as tasks:
            await workers.run("review_api", ReviewRequest((root,), "small.yaml"), untold)
            workers.seconds = 0.5
            call = Call(workers, root)
            tasks.start_soon(call)
            await call.at_work.wait()
            (worker,) = family(warm())
            worker.suspend()
            await call.ended.wait()
            message = "it took longer than the limit of 0.5 seconds and was ended"
            assert str(call.error) == message
            await wait_until(lambda: not alive(worker))

    anyio.run(scenario)


def test_a_call_that_needs_too_much_memory_is_ended(root: Path) -> None:
    """By Python's MemoryError or, where an extension cannot go on, with the process."""

    async def scenario() -> None:
        options = ("--memory", "160")
        async with connected("stdio", root, "auto", *options) as connection:
            answer = await connection.review(document={"path": "huge.yaml"})
            assert answer.is_error
            assert "memory" in text_of(answer)
            assert not (await connection.review(document={"path": "small.yaml"})).is_error

    (root / "huge.yaml").write_text(large(30_000))
    anyio.run(scenario)


def text_of(result: CallToolResult) -> str:
    return "".join(getattr(content, "text", "") for content in result.content)


@pytest.mark.parametrize(
    ("transport", "mode"),
    [("stdio", "auto"), ("http", "legacy"), ("http", "auto"), ("sse", "auto")],
)
def test_a_call_that_runs_at_sigterm_is_finished(
    transport: Transport, mode: str, root: Path
) -> None:
    """New ones are refused; then the server is gone with all its processes."""
    answers: list[CallToolResult] = []

    async def refused(connection: Any) -> bool:
        answer = await connection.review(document={"text": SMALL})
        return answer.is_error and "shutting down; call again" in text_of(answer)

    async def scenario() -> None:
        async with connected(transport, root, mode) as connection:
            async with anyio.create_task_group() as tasks:
                worker = await connection.suspended(tasks, answers)
                connection.server.terminate()
                while not await refused(connection):
                    await anyio.sleep(0.01)
                worker.resume()
            assert not answers[0].is_error
            await wait_until(lambda: not alive(connection.server))
        assert connection.log.read_text() == ""

    anyio.run(scenario)


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_nothing_outlives_a_killed_server(transport: Transport, root: Path) -> None:
    (root / "large.yaml").write_text(large(20_000))

    async def scenario() -> None:
        async with connected(transport, root) as connection:
            async with anyio.create_task_group() as tasks:
                worker = await connection.suspended(tasks, [])
                processes = family(connection.server)
                assert worker in processes
                worker.resume()
                connection.server.kill()
                await wait_until(lambda: not any(map(alive, processes)), seconds=2)
                tasks.cancel_scope.cancel()

    anyio.run(scenario)
