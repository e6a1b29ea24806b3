"""Runs a server in a private directory and leaves nothing of either when its parent is gone.

    python -I -S guard.py ORDER

ORDER is JSON: `directory` to make (0700) and remove, `copies` (pairs of a source and a name in
it), empty `directories` in it, `user` to become (user and group id, or null), `memory` (bytes of
address space for each process, or null), `commands` to run first, `server` to run then, `ready`, a
file that says when it serves. On standard output goes one line, `ready` or the reason why not.

The parent holds the other end of standard input and never writes. End of file there, another
parent, or the end of the server, and everything below this process is killed: on Linux it is the
reaper of its descendants (`PR_SET_CHILD_SUBREAPER`, prctl(2)), so that backends whose postmaster
was killed are still found, whatever session or group they are in. Elsewhere only what descends
from a living postmaster is found; macOS was not tried.

It stands alone: run by path, without site-packages, so that it is there in 20 ms.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

TICK = 0.25  # seconds; how late another parent may be noticed
GRACE = 0.3  # seconds for a server to end by itself
_DEATH_SIGNAL, _SUBREAPER, _NO_NEW_PRIVILEGES = 1, 36, 38  # linux/prctl.h


class _Gone(Exception):
    """The parent is gone, or wants no more."""


def main() -> None:
    """Obey the order of the command line."""
    order = json.loads(sys.argv[1])
    parent = _Parent()
    directory = order["directory"]
    os.umask(0o077)
    os.mkdir(directory, 0o700)
    _lock(directory)
    shared_memory = None
    try:
        _become(directory, order["user"], order["copies"])
        os.chdir(directory)
        for name in order["directories"]:
            os.makedirs(name)
        _control(_SUBREAPER, 1)
        _control(_NO_NEW_PRIVILEGES, 1)
        _bound(order["memory"])
        for command in order["commands"]:
            status = parent.wait(_spawn(command))
            if status:
                print(f"{os.path.basename(command['run'][0])} failed: {_log()}", flush=True)
                return
        if order["server"]:
            server = _spawn({"run": order["server"], "input": ""})
            shared_memory = parent.wait_ready(server, order["ready"])
            if shared_memory is None:
                print(f"the server did not start: {_log()}", flush=True)
                return
            print("ready", flush=True)
            parent.wait(server)
        else:
            print("ready", flush=True)
            parent.wait(0)
    except _Gone:
        pass
    except OSError as error:
        with suppress(OSError):
            print(str(error).replace("\n", " "), flush=True)
    finally:
        _kill_all()
        _remove_shared_memory(shared_memory)
        _remove(directory)


def _lock(directory: str) -> None:
    """Hold a lock for as long as this process lives, to tell that the directory is in use."""
    fcntl.flock(os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), fcntl.LOCK_EX)


def copy_tree(source: str, target: str, owner: tuple[int, int] | None = None) -> None:
    """Copy regular files, directories and symbolic links; the copies belong to `owner`."""
    os.mkdir(target, 0o700)
    if owner:
        os.chown(target, *owner)
    with os.scandir(source) as entries:
        for entry in entries:
            to = f"{target}/{entry.name}"
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), to)
            elif entry.is_dir():
                copy_tree(entry.path, to, owner)
            elif entry.is_file():
                _copy_file(entry.path, to, entry.stat().st_mode & 0o777, owner)


def _copy_file(source: str, target: str, mode: int, owner: tuple[int, int] | None) -> None:
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        while block := os.read(reading, 1 << 20):
            while block:
                block = block[os.write(writing, block) :]
        if owner:
            os.fchown(writing, *owner)
    finally:
        os.close(reading)
        os.close(writing)


class _Parent:
    """Waits for children, and notices when the parent goes."""

    def __init__(self) -> None:
        self._pid = os.getppid()
        self._poll = select.poll()
        self._poll.register(0, select.POLLIN | select.POLLHUP)
        reading, writing = os.pipe()
        for end in (reading, writing):
            os.set_blocking(end, False)
        self._poll.register(reading, select.POLLIN)
        self._wakeup = reading
        signal.set_wakeup_fd(writing)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)  # only the parent decides when to end

    def wait(self, child: int) -> int:
        """The status of this child; 0 waits for none. Raises `_Gone`."""
        while True:
            with suppress(ChildProcessError):
                while (reaped := os.waitpid(-1, os.WNOHANG))[0]:
                    if reaped[0] == child:
                        return reaped[1]
            self.look(TICK)

    def wait_ready(self, server: int, path: str) -> str | None:
        """The key and id of the server's shared memory, when it serves; None if it ended."""
        while True:
            with suppress(OSError), open(path) as file:
                lines = file.read().splitlines()
                if len(lines) > 7 and lines[7].strip() == "ready":
                    return lines[6]
            if os.waitpid(server, os.WNOHANG)[0]:
                return None
            self.look(0.003)

    def look(self, seconds: float) -> None:
        """Wait for an event. Raises `_Gone`."""
        for descriptor, _ in self._poll.poll(seconds * 1000):
            if descriptor == 0:
                raise _Gone
            os.read(self._wakeup, 4096)
        if os.getppid() != self._pid:
            raise _Gone


def _become(directory: str, user: list[int] | None, copies: list[list[str]]) -> None:
    """Fill the directory, give it to the user, and become the user for good."""
    owner = (user[0], user[1]) if user else None
    for source, name in copies:
        copy_tree(source, f"{directory}/{name}", owner)
    if owner:
        os.chown(directory, *owner)
        os.setgroups([])
        os.setgid(owner[1])
        os.setuid(owner[0])


def _bound(memory: int | None) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
        with suppress(ValueError, OSError):  # the system has none
            resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _spawn(command: dict[str, object]) -> int:
    """Start a program whose output goes to the log; it ends when this process does."""
    program, text = command["run"], str(command["input"])
    assert isinstance(program, list)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _control(_DEATH_SIGNAL, signal.SIGQUIT)  # a postmaster ends its backends on it
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            for source, target in ((reading, 0), (log, 1), (log, 2)):
                os.dup2(source, target)
            os.execve(program[0], program, {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"})
        except OSError as error:
            os.write(2, str(error).encode())
        finally:
            os._exit(127)
    os.close(reading)
    with suppress(BrokenPipeError):  # a few hundred bytes: they fit the pipe
        os.write(writing, text.encode())
    os.close(writing)
    return child


def _log() -> str:
    with suppress(OSError), open("log", errors="replace") as log:
        return " ".join(log.read()[-2000:].split())
    return "no log"


def _control(option: int, value: int) -> None:
    """prctl(2), where there is one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _kill_all() -> None:
    """End every descendant: politely, so that a server frees its shared memory, then at once."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    for process in _descendants():
        _signal(process, signal.SIGQUIT)
    deadline = time.monotonic() + GRACE
    while _any_left() and time.monotonic() < deadline:
        time.sleep(0.003)
    while _any_left():
        # Parents first: what they leave behind becomes a child of this process.
        for process in _descendants():
            _signal(process, signal.SIGKILL)
        time.sleep(0.003)


def _any_left() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _descendants() -> Iterator[int]:
    """The processes below this one, each after its parent."""
    children: dict[int, list[int]] = {}
    for process, parent in _processes():
        children.setdefault(parent, []).append(process)
    found = [os.getpid()]
    for process in found:
        found += children.get(process, ())
    return iter(found[1:])


def _processes() -> Iterator[tuple[int, int]]:
    """Every process with its parent."""
    if sys.platform != "linux":
        with os.popen("ps -A -o pid= -o ppid=") as table:
            for line in table:
                process, parent = line.split()
                yield int(process), int(parent)
        return
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                # pid (name) state parent …; the name may hold anything, even parentheses
                yield int(name), int(file.read().rpartition(b")")[2].split()[1])


def _signal(process: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(process, number)


def _remove_shared_memory(line: str | None) -> None:
    """The segment that a killed postmaster left behind: `key id`, from its postmaster.pid."""
    if line and os.path.exists("data/postmaster.pid"):
        ctypes.CDLL(None).shmctl(int(line.split()[1]), 0, None)  # IPC_RMID


def _remove(directory: str) -> None:
    os.chdir("/")
    for _, directories, files, at in os.fwalk(directory, topdown=False):
        for name in files:
            with suppress(OSError):
                os.unlink(name, dir_fd=at)
        for name in directories:
            with suppress(OSError):
                os.unlink(name, dir_fd=at) if _is_link(name, at) else os.rmdir(name, dir_fd=at)
    with suppress(OSError):
        os.rmdir(directory)


def _is_link(name: str, at: int) -> bool:
    return stat.S_ISLNK(os.lstat(name, dir_fd=at).st_mode)


if __name__ == "__main__":
    main()
