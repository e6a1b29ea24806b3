"""Where private servers keep their files, who owns those, and the end of what was left behind.

A guard (`guard.py`) removes its directory, whatever happens to its parent. Only its own death by
SIGKILL leaves one behind; the lock that it held on the directory tells that nobody is there.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import secrets
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from .binaries import NoPostgres

NOBODY = 65534
YOUNG = 60  # seconds: a new directory may not be locked yet
UNUSED = 3600  # seconds: nobody is copying a kept cluster that was last wanted before
_SOCKET_LIMIT = 103  # bytes of a socket's path: 108 on Linux and 104 on macOS, with the final zero
_SOCKET = ".s.PGSQL.5432"
_PREFIX = "backend-architect-run-"
_MEMORY = "/dev/shm"  # Linux keeps its files in memory: databases come and go in half the time
_ROOMY = 2 * 1024**3  # bytes free there; in a container it may have 64 MB

User = tuple[int, int]  # ids of a user and a group


def find_user() -> User | None:
    """Who the server is to be: somebody without rights if this process is root's."""
    if os.geteuid() != 0:
        return None
    try:
        return NOBODY, pwd.getpwuid(NOBODY).pw_gid
    except KeyError:
        raise NoPostgres(
            f"PostgreSQL does not run as root, and there is no user with the id {NOBODY}"
            " (`nobody`) to run it as; start this program as an ordinary user"
        ) from None


def base(user: User | None) -> Path:
    """Where private directories go: writable for the server's user, and short enough.

    In memory where there is room, unless `TMPDIR` says where temporary files are to be.
    """
    longest = len(f"/{_new_name()}/{_SOCKET}")
    memory = [_MEMORY] if not os.environ.get("TMPDIR") and _free(_MEMORY) >= _ROOMY else []
    for candidate in dict.fromkeys([*memory, tempfile.gettempdir(), "/tmp", "/var/tmp"]):
        place = Path(candidate)
        if len(os.fsencode(place)) + longest <= _SOCKET_LIMIT and _usable(place, user):
            return place
    raise NoPostgres("no directory for temporary files that the server's user may write to")


def _free(directory: str) -> int:
    """Bytes that are free there for ordinary users."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize


def _usable(place: Path, user: User | None) -> bool:
    if not user:
        return os.access(place, os.W_OK | os.X_OK)
    return reachable(place, user) and place.stat().st_mode & 0o003 == 0o003


def reachable(path: Path, user: User) -> bool:
    """Whether somebody without rights may get at a file: all may search all directories above."""
    try:
        return all(each.stat().st_mode & 0o001 for each in (path, *path.parents))
    except OSError:
        return False


def trusted(directory: Path, mode: int) -> bool:
    """Whether this is a directory, no link, of our own, that nobody else may write to."""
    try:
        status = directory.lstat()
    except OSError:
        return False
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return ours and not stat.S_IMODE(status.st_mode) & ~mode


def new_directory(place: Path) -> Path:
    """The path of a private directory that is yet to be made."""
    return place / _new_name()


def _new_name() -> str:
    return f"{_PREFIX}{secrets.token_hex(8)}"


def sweep(place: Path, user: User | None) -> None:
    """Remove the private directories whose guard is gone."""
    owner = user[0] if user else os.geteuid()
    with suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX):
                with suppress(OSError):
                    _remove_if_left(entry.path, owner)


def _remove_if_left(directory: str, owner: int) -> None:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    at = os.open(directory, flags)
    try:
        status = os.fstat(at)
        if status.st_uid == owner and time.time() - status.st_mtime > YOUNG:
            fcntl.flock(at, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an error: its guard lives
            shutil.rmtree(directory, ignore_errors=True)
    finally:
        os.close(at)


def keep_newest(cache: Path, number: int) -> None:
    """Remove all but the newest directories of a cache; none that is younger than `UNUSED`."""
    with suppress(OSError):
        aged = sorted(((each.lstat().st_mtime, each) for each in cache.iterdir()), reverse=True)
        for modified, directory in aged[number:]:
            if time.time() - modified > UNUSED:
                shutil.rmtree(directory, ignore_errors=True)
