"""Worker processes and the cache of reports: what is killed, what is left, what is reused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from mcp.types import CallToolResult
from servers import (
    SERVE,
    SMALL,
    Connection,
    Inline,
    Transport,
    alive,
    connected,
    ending,
    family,
    faulty,
    health,
    jobs,
    large,
    wait_until,
)

from backend_architect.server import service, workspace
from backend_architect.server.jobs import (
    Given,
    MigrationRequest,
    Outcome,
    Request,
    ReviewRequest,
    SchemaRequest,
)
from backend_architect.server.service import Service
from backend_architect.server.workers import MIB, Failed, Refused, Workers
from backend_architect.tools.report import Report, Severity


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

    def __init__(
        self, workers: Workers, root: Path, path: str = "large.yaml", job: str = "review_api"
    ) -> None:
        self.workers, self.job = workers, job
        self.request: Request = ReviewRequest((root,), path)
        if job == "review_schema":
            self.request = SchemaRequest(
                (root,), document=Given((path,)), dialect="postgres", prove=True
            )
        if job == "plan_migration":
            self.request = MigrationRequest(
                (root,), migration=Given((path,)), dialect="postgres", rehearsal=True
            )
        self.told: list[str] = []
        self.at_work, self.ended = anyio.Event(), anyio.Event()
        self.outcome: Outcome[Report] | None = None
        self.error: Exception | None = None
        self.scope = anyio.CancelScope()

    async def __call__(self) -> None:
        try:
            with self.scope:
                self.outcome = await self.workers.run(self.job, self.request, self.progress)
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


def test_hundreds_of_cancelled_calls_leave_nothing(
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
            for number in range(150):
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
            await wait_until(lambda: not alive(first))
            await later()
            assert later.outcome is not None
            assert warm() != first
            await running.ended.wait()
            assert running.outcome is not None

    anyio.run(scenario)


def test_a_crash_is_told_in_general_and_logged_in_detail(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scenario() -> None:
        async with pool() as workers:
            with pytest.raises(Failed, match=r"^an internal error; the server's log has the det"):
                await workers.run("no_such_job", None, untold)
            await workers.run("review_api", ReviewRequest((root,), "small.yaml"), untold)

    anyio.run(scenario)
    assert "AttributeError" in capsys.readouterr().err


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
    async def scenario() -> None:
        async with connected("stdio", root, "auto", "--memory", "160") as connection:
            answer = await connection.review(document={"path": "huge.yaml"})
            assert answer.is_error
            assert "the document needs more memory than a call may use" in text_of(answer)
            assert not (await connection.review(document={"path": "small.yaml"})).is_error

    (root / "huge.yaml").write_text(SMALL + "x-long: " + "y" * 31_000_000)
    anyio.run(scenario)


def text_of(result: CallToolResult) -> str:
    return "".join(getattr(content, "text", "") for content in result.content)


@pytest.mark.parametrize(
    ("transport", "mode"),
    [("stdio", "auto"), ("http", "auto"), ("sse", "auto")],
)
def test_a_call_that_runs_at_sigterm_is_finished(
    transport: Transport, mode: str, root: Path
) -> None:
    """New ones are refused; then the server is gone with all its processes."""
    answers: list[CallToolResult] = []

    async def refused(connection: Connection) -> bool:
        answer = await connection.review(document={"text": SMALL})
        return answer.is_error and "shutting down; call again" in text_of(answer)

    async def scenario() -> None:
        async with connected(transport, root, mode) as connection:
            async with anyio.create_task_group() as tasks:
                worker = await connection.suspended(tasks, answers)
                connection.server.terminate()
                while not await refused(connection):
                    await anyio.sleep(0.01)
                assert connection.url == "" or health(connection.url) == 503
                worker.resume()
            assert not answers[0].is_error
            await wait_until(lambda: not alive(connection.server))

    anyio.run(scenario)


def test_a_call_ends_with_the_client_that_made_it(root: Path, tmp_path: Path) -> None:
    """Over stdio, by closing the server's standard input: no message says so."""
    hello: dict[str, Any] = {"protocolVersion": "2025-11-25", "capabilities": {}}
    call: dict[str, Any] = {"name": "review_api", "arguments": {"document": {"path": "large.yaml"}}}
    messages: list[dict[str, Any]] = [
        {
            "id": 1,
            "method": "initialize",
            "params": hello | {"clientInfo": {"name": "a", "version": "1"}},
        },
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": call | {"_meta": {"progressToken": 1}}},
    ]
    command = [sys.executable, *SERVE, "--root", str(root)]
    with (
        ending() as processes,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        server = psutil.Process(process.pid)
        for message in messages:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        process.stdin.flush()
        while b"loading" not in process.stdout.readline():
            assert process.poll() is None
        (worker,) = jobs(server)
        worker.suspend()
        processes += [server, *family(server)]
        process.stdin.close()
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_nothing_outlives_a_killed_server(transport: Transport, root: Path) -> None:
    (root / "large.yaml").write_text(large(20_000))

    async def scenario() -> None:
        async with connected(transport, root) as connection, anyio.create_task_group() as tasks:
            worker = await connection.suspended(tasks, [])
            processes = family(connection.server)
            assert worker in processes
            worker.resume()
            connection.server.kill()
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await wait_until(lambda: not any(map(alive, processes)), seconds=2)

    anyio.run(scenario)


def test_a_connection_closed_with_something_unread_ends_a_worker() -> None:
    code = (
        "import socket\n"
        "from backend_architect.server.worker import _end_with\n"
        "ours, theirs = socket.socketpair()\n"
        "theirs.send(b'unread')\n"
        "ours.close()\n"
        "_end_with(theirs)\n"
        "print('still here')\n"
    )
    command = [sys.executable, "-P", "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


# Proofs: a call that has a database server of its own

PROVED = """
CREATE TABLE pets (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE visits (id bigint PRIMARY KEY, pet_id bigint NOT NULL REFERENCES pets);
"""
ENDLESS = f"{PROVED}DO $$ BEGIN LOOP END LOOP; END $$;"


def servers_of(process: psutil.Process) -> list[psutil.Process]:
    """The processes of PostgreSQL below a process, once one of them is in the endless loop."""
    found, busy = [], False
    for each in family(process):
        with suppress(psutil.NoSuchProcess):  # it may end while it is looked at
            if each.name() == "postgres":
                found.append(each)
                busy |= each.cpu_times().user > 0.2
    return found if busy else []


def directory_of(server: list[psutil.Process]) -> Path:
    """Where a private server keeps everything."""
    (directory,) = {Path(process.cwd()).parent for process in server}
    assert directory.name.startswith("backend-architect-")
    assert directory.is_dir()
    return directory


async def wait_for_nothing(processes: list[psutil.Process], directory: Path) -> None:
    """Neither the processes nor the directory may be there after two seconds."""

    def gone() -> bool:
        return not any(map(alive, processes)) and not directory.exists()

    await wait_until(gone, seconds=2)


def test_cancelling_a_proof_leaves_no_server(root: Path) -> None:
    (root / "endless.sql").write_text(ENDLESS)

    async def scenario() -> None:
        async with pool() as workers, anyio.create_task_group() as tasks:
            call = Call(workers, root, "endless.sql", "review_schema")
            tasks.start_soon(call)
            await call.at_work.wait()
            server = await wait_until(lambda: servers_of(warm()))
            processes, directory = family(warm()), directory_of(server)
            assert call.told[-1] == "trying fixes"
            call.scope.cancel()
            await call.ended.wait()
            await wait_for_nothing(processes, directory)
            assert alive(warm())

    anyio.run(scenario)


REHEARSED = """\
CREATE TABLE orders (id bigint PRIMARY KEY);
DO $$ BEGIN LOOP END LOOP; END $$;
"""


def test_cancelling_a_rehearsal_leaves_no_server(root: Path) -> None:
    (root / "endless.sql").write_text(REHEARSED)

    async def scenario() -> None:
        async with pool() as workers:
            async with anyio.create_task_group() as tasks:
                call = Call(workers, root, "endless.sql", "plan_migration")
                tasks.start_soon(call)
                await call.at_work.wait()
                server = await wait_until(lambda: servers_of(warm()))
                processes, directory = family(warm()), directory_of(server)
                assert call.told[-1] == "rehearsing"
                call.scope.cancel()
                await call.ended.wait()
                await wait_for_nothing(processes, directory)
            assert alive(warm())
            small = ReviewRequest((root,), "small.yaml")
            assert isinstance((await workers.run("review_api", small, untold)).answer, Report)

    anyio.run(scenario)


def test_a_rehearsal_that_takes_too_long_is_ended(root: Path) -> None:
    (root / "endless.sql").write_text(REHEARSED)

    async def scenario() -> None:
        async with pool() as workers:
            await workers.run("review_api", ReviewRequest((root,), "small.yaml"), untold)
            workers.seconds = 3
            call = Call(workers, root, "endless.sql", "plan_migration")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                server = await wait_until(lambda: servers_of(warm()))
                processes, directory = family(warm()), directory_of(server)
                await call.ended.wait()
            message = "it took longer than the limit of 3 seconds and was ended"
            assert str(call.error) == message
            await wait_for_nothing(processes, directory)
            assert alive(warm())

    anyio.run(scenario)


def test_a_proof_outlives_no_killed_server(root: Path) -> None:
    (root / "endless.sql").write_text(ENDLESS)
    arguments = {"document": {"path": "endless.sql"}, "prove": True}

    async def scenario() -> None:
        async with connected("stdio", root) as connection, anyio.create_task_group() as tasks:
            tasks.start_soon(connection.client.call_tool, "review_schema", arguments)
            server = await wait_until(lambda: servers_of(connection.server))
            processes, directory = family(connection.server), directory_of(server)
            connection.server.kill()
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await wait_for_nothing(processes, directory)

    anyio.run(scenario)


def test_a_proof_that_runs_at_sigterm_is_finished(root: Path) -> None:
    slow = f"{PROVED}DO $$ BEGIN FOR i IN 1..100000000 LOOP END LOOP; END $$;"
    (root / "slow.sql").write_text(slow)
    arguments = {"document": {"path": "slow.sql"}, "prove": True}
    answers: list[CallToolResult] = []

    async def call(connection: Connection) -> None:
        answers.append(await connection.client.call_tool("review_schema", arguments))

    async def scenario() -> None:
        async with connected("stdio", root) as connection:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call, connection)
                server = await wait_until(lambda: servers_of(connection.server))
                processes, directory = family(connection.server), directory_of(server)
                connection.server.terminate()
            await wait_for_nothing(processes, directory)
        assert "tried on a private PostgreSQL" in text_of(answers[0])

    anyio.run(scenario)


def test_two_proofs_at_once_do_not_meet(root: Path) -> None:
    """And the limit on a call's memory leaves enough for a server."""
    (root / "schema.sql").write_text(PROVED)

    async def scenario() -> None:
        async with pool(limit=2, memory=256 * MIB) as workers:
            calls = [Call(workers, root, "schema.sql", "review_schema") for _ in range(2)]
            async with anyio.create_task_group() as tasks:
                for call in calls:
                    tasks.start_soon(call)
            first, second = (call.outcome for call in calls)
            assert first is not None
            assert second is not None
            assert first.answer == second.answer
            (finding,) = first.answer.findings
            assert finding.proof.startswith("tried on a private PostgreSQL")

    anyio.run(scenario)


# The cache of reports


class Desk:
    """A service in this process, what it has been asked, and how often it had to work."""

    def __init__(self, *roots: Path) -> None:
        self.workers = Inline()
        self.service = Service(roots, self.workers)

    def review(self, path: str | None = "api.yaml", **request: Any) -> Report:
        asked = ReviewRequest(self.service.roots, path, **request)
        report: Report = anyio.run(self.service.run, "review_api", asked, untold)
        return report

    def schema(self, *paths: str) -> Report:
        asked = SchemaRequest(self.service.roots, document=Given(paths), dialect="postgres")
        asked = replace(asked, prove=False)
        report: Report = anyio.run(self.service.run, "review_schema", asked, untold)
        return report

    @property
    def worked(self) -> int:
        """How often since the last time that it was asked for."""
        worked, self.workers.runs = self.workers.runs, 0
        return worked


FIRST = SMALL + "components: {schemas: {A: {$ref: 'parts.yaml#/A'}}}\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "api.yaml").write_text(FIRST)
    (tmp_path / "parts.yaml").write_text("A: {type: string}\n")
    desk = Desk(tmp_path)
    assert desk.review().findings == ()
    assert desk.worked == 1
    return desk


def test_an_unchanged_document_is_reviewed_once(desk: Desk, tmp_path: Path) -> None:
    first = desk.review()
    assert desk.review() is first
    (tmp_path / "api.yaml").touch()
    assert desk.review() is first
    assert desk.worked == 0
    desk.review(rule_profile="all")
    assert desk.worked == 1


@pytest.mark.parametrize("settled", [False, True])
def test_a_change_in_the_same_tick_is_seen(
    settled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same size, with the old time put back; also if the file was old when it was read."""
    if settled:
        now = time.time_ns
        monkeypatch.setattr(time, "time_ns", lambda: now() + 60_000_000_000)
    file = tmp_path / "api.yaml"
    file.write_text(FIRST.replace("parts.yaml#/A", "parts.yaml#/B"))
    (tmp_path / "parts.yaml").write_text("A: {type: string}\n")
    desk, times = Desk(tmp_path), file.stat()
    assert desk.review().findings != ()
    file.write_text(FIRST)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert file.stat().st_size == times.st_size
    assert desk.review().findings == ()


def test_a_changed_reference_is_seen(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "parts.yaml").write_text("B: {type: string}\n")
    assert desk.review().findings != ()
    (tmp_path / "parts.yaml").unlink()
    missing = desk.review().findings
    assert desk.worked == 2
    desk.review()
    assert desk.worked == 0
    (tmp_path / "parts.yaml").write_text("A: {type: string}\n")
    assert desk.review().findings == () != missing


def test_changed_settings_are_seen(desk: Desk, tmp_path: Path) -> None:
    """Also where there were none."""
    (tmp_path / "parts.yaml").unlink()
    (finding,) = desk.review().findings
    settings = tmp_path / "backend-architect.toml"
    settings.write_text(f'[severity]\n"{finding.rule}" = "off"\n')
    assert desk.review().findings == ()
    settings.write_text(f'[severity]\n"{finding.rule}" = "info"\n')
    assert desk.review().findings == (replace(finding, severity=Severity.INFO),)
    settings.unlink()
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.backend-architect.severity]\n"{finding.rule}" = "off"\n'
    )
    assert desk.review().findings == ()


def test_a_link_that_leads_elsewhere_is_seen(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "parts.yaml").rename(tmp_path / "old.yaml")
    (tmp_path / "new.yaml").write_text("B: {type: string}\n")
    (tmp_path / "parts.yaml").symlink_to("old.yaml")
    assert desk.review().findings == ()
    (tmp_path / "parts.yaml").unlink()
    (tmp_path / "parts.yaml").symlink_to("new.yaml")
    assert desk.review().findings != ()


def test_a_file_that_comes_before_another_of_its_name_is_seen(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for root in (first, second):
        root.mkdir()
    (second / "api.yaml").write_text(SMALL)
    desk = Desk(first, second)
    assert desk.review().overviews[0]["document"] == "second/api.yaml"
    (first / "api.yaml").write_text(SMALL)
    assert desk.review().overviews[0]["document"] == "first/api.yaml"


@pytest.mark.parametrize("folder", ["", "migrations", "linked"])
def test_an_unchanged_folder_is_reviewed_once_and_every_change_seen(
    folder: str, tmp_path: Path
) -> None:
    """At once, and with the time of the folder put back."""
    real = tmp_path / "migrations"
    (real / "deep").mkdir(parents=True)
    (tmp_path / "linked").symlink_to("migrations")
    first, second = real / "1.sql", real / "deep" / "2.sql"
    first.write_text("CREATE TABLE a (id bigint PRIMARY KEY);")
    desk = Desk(tmp_path)

    def seen(tables: int) -> bool:
        """A new report on so many tables, and then the same one again."""
        report = desk.schema(folder)
        again = desk.schema(folder) is report
        return again and desk.worked == 1 and report.overviews[0]["tables"] == tables

    assert seen(1)
    times = second.parent.stat()
    second.write_text("CREATE TABLE b (id bigint PRIMARY KEY);")
    os.utime(second.parent, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert seen(2)
    second.write_text("CREATE TABLE b (id bigint); CREATE TABLE c (id bigint);")
    assert seen(3)
    second.write_text("CREATE TABLE b (id bigint); CREATE TABLE d (id bigint);")
    assert desk.schema(folder).overviews[0]["orphans"] == ["a", "b", "d"]
    assert desk.worked == 1
    first.unlink()
    assert seen(2)
    (real / "readme.md").write_text("CREATE TABLE e (id bigint);")
    (real / ".hidden.sql").write_text("CREATE TABLE e (id bigint);")
    desk.schema(folder)
    assert desk.worked == 0
    second.rename(real / "3.sql")
    assert seen(2)


def test_a_folder_that_is_no_longer_what_it_was_is_seen(tmp_path: Path) -> None:
    for name in ("old", "new", "root"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.sql").write_text(f"CREATE TABLE {name} (id bigint);")
    root = tmp_path / "root"
    (tmp_path / "old").rename(root / "old")
    (root / "link").symlink_to("old")
    desk = Desk(root)
    assert desk.schema("link").overviews[0]["orphans"] == ["old"]
    (root / "link").unlink()
    (root / "link").symlink_to(tmp_path / "new")
    with pytest.raises(Refused, match="outside of the folders"):
        desk.schema("link")
    (root / "link").unlink()
    with pytest.raises(Refused, match="it does not exist"):
        desk.schema("link")
    (root / "link").write_text("CREATE TABLE now_a_file (id bigint);")
    assert desk.schema("link").overviews[0]["orphans"] == ["now_a_file"]
    (root / "link").unlink()
    (root / "link").symlink_to("old")
    for number in range(3):
        (root / "old" / f"{number}.sql").write_text("SELECT 1;")
    assert desk.schema("link").overviews[0]["files"] == 3


def test_a_folder_that_has_grown_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "1.sql").write_text("CREATE TABLE a (id bigint);")
    desk = Desk(tmp_path)
    desk.schema(".")
    monkeypatch.setattr(workspace, "MAX_ENTRIES", 3)
    for number in range(5):
        (tmp_path / f"{number}.txt").touch()
    with pytest.raises(Refused, match="entries is not read; name the one that holds the schema"):
        desk.schema(".")


def test_text_is_known_by_its_content(desk: Desk) -> None:
    desk.review(None, text=SMALL)
    desk.review(None, text=SMALL)
    assert desk.worked == 1
    desk.review(None, text=SMALL, name="other.yaml")
    desk.review(None, text=SMALL + " ")
    assert desk.worked == 2


def test_kept_reports_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_FINDINGS", 30)
    monkeypatch.setattr(service, "MAX_KEPT", 400)
    for number in range(5):
        (tmp_path / f"{number}.yaml").write_text(faulty(50))
    desk = Desk(tmp_path)
    for number in range(5):
        report = desk.review(f"{number}.yaml")
        assert len(report.findings) == 30
        assert report.notes[0].startswith("These are the worst 30 of 50 findings")
    desk.review("4.yaml")
    desk.review("3.yaml")
    assert desk.worked == 5
    desk.review("0.yaml")
    assert desk.worked == 1


def test_a_known_document_needs_no_worker(root: Path) -> None:
    async def scenario() -> None:
        async with connected("stdio", root) as connection:
            first = await connection.review(document={"path": "small.yaml"})
            (warm,) = connection.server.children()
            warm.kill()
            await wait_until(lambda: not alive(warm))
            assert await connection.review(document={"path": "small.yaml"}) == first
            assert not family(connection.server)
            assert not (await connection.review(document={"text": SMALL})).is_error

    anyio.run(scenario)
