"""The parent side of the worker processes: bounded in number, time and memory, cancellable."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio

from .worker import HEADER, encoded

MIB = 1024**2
MAX_WAITING = 1_000  # calls for a process; each holds its request


class Refused(Exception):
    """The caller can mend it; the message says how."""


class Failed(Exception):
    """The call failed and the caller cannot mend it; the server goes on."""


class Workers:
    """Runs jobs of `server.jobs`, each in a process of its own, forked from a warm one.

    At most `limit` at a time, others wait; each ends after `seconds` or above `memory` bytes. Small
    jobs that are `quick` have as many places of their own, so that large ones do not starve them.
    """

    def __init__(self, limit: int = 2, seconds: float = 60, memory: int = 2048 * MIB) -> None:
        self.seconds, self.memory = seconds, memory
        self._slots, self._quick_slots = anyio.Semaphore(limit), anyio.Semaphore(limit)
        self._warm: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._is_ready = False

    def start(self) -> None:
        """Start the warm process, unless it runs. It loads in the background."""
        if self._warm is not None and self._warm.poll() is None:
            return
        self.close()
        self._control, theirs = socket.socketpair()
        # -P: the working directory is the user's and must not be searched for modules.
        command = [sys.executable, "-P", "-m", "backend_architect.server.worker"]
        with theirs:
            self._warm = subprocess.Popen(
                [*command, str(theirs.fileno()), str(self.memory)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    @property
    def is_ready(self) -> bool:
        """Whether the warm process lives and has loaded the tools: a call costs no start-up."""
        if self._control is None or self._warm is None or self._warm.poll() is not None:
            return False
        if not self._is_ready:
            with suppress(BlockingIOError, OSError):
                self._is_ready = bool(self._control.recv(1, socket.MSG_DONTWAIT))
        return self._is_ready

    def close(self) -> None:
        """End the warm process; jobs end with the connections that their calls hold."""
        self._is_ready = False
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._warm is not None:
            self._warm.kill()
            self._warm.wait()
            self._warm = None

    async def run(
        self,
        job: str,
        request: Any,
        progress: Callable[[str], Awaitable[None]],
        quick: bool = False,
    ) -> Any:
        """The result of a job. Raises `Refused` and `Failed`; cancelling it kills the process."""
        slots = self._quick_slots if quick else self._slots
        if slots.statistics().tasks_waiting >= MAX_WAITING:
            raise Refused("the server is busy; call again in a moment")
        async with slots:
            connection = self._connect()
            process = 0
            try:
                with anyio.fail_after(self.seconds):
                    await _send(connection, (job, request))
                    while True:
                        kind, value = await _receive(connection)
                        match kind:
                            case "started":
                                process = value
                            case "progress":
                                await progress(value)
                            case "done":
                                process = 0
                                return value
                            case "refused":
                                process = 0
                                raise Refused(value)
                            case _:
                                process = 0
                                print(value, file=sys.stderr)
                                raise Failed("an internal error; the server's log has the details")
            except TimeoutError:
                message = f"it took longer than the limit of {self.seconds:g} seconds and was ended"
                raise Failed(message) from None
            except (EOFError, OSError):
                process = 0  # it is gone, and its id may soon be another's
                message = "its worker process was killed (out of memory?); other calls go on"
                raise Failed(message) from None
            finally:
                if process:
                    with suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
                connection.close()

    def _connect(self) -> socket.socket:
        """A connection to a fresh worker."""
        ours, theirs = socket.socketpair()
        with theirs:
            for attempt in (1, 2):
                self.start()
                assert self._control is not None
                try:
                    socket.send_fds(self._control, [b"j"], [theirs.fileno()])
                    break
                except OSError:  # the warm process died unnoticed
                    self.close()
                    if attempt == 2:
                        ours.close()
                        raise Failed("no worker process can be started") from None
        ours.setblocking(False)
        return ours


async def _send(connection: socket.socket, message: Any) -> None:
    data = memoryview(encoded(message))
    while data:
        await anyio.wait_writable(connection)
        data = data[connection.send(data) :]


async def _receive(connection: socket.socket) -> Any:
    (length,) = HEADER.unpack(await _exactly(connection, HEADER.size))
    return pickle.loads(await _exactly(connection, length))


async def _exactly(connection: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        await anyio.wait_readable(connection)
        part = connection.recv(min(length - len(parts), 1 << 20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)
