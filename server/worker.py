"""The worker side: a process that has the tools loaded and forks one child for each job.

    python -m backend_architect.server.worker CONTROL_FD MEMORY_BYTES

The parent sends a socket over the control socket for each job; the forked child reads the job from
it, answers on it, and is gone. So a job costs no start-up, cannot disturb another one, gives its
memory back, and can be killed at any moment. End of file on a socket means that the parent is gone
or has lost interest, and ends whoever reads it: nothing outlives the server, however it dies.
"""

from __future__ import annotations

import gc
import os
import pickle
import resource
import signal
import socket
import struct
import sys
import threading
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Any

HEADER = struct.Struct("!Q")  # the length of a message


def main() -> None:
    """Serve until the parent closes the control socket."""
    control = socket.socket(fileno=int(sys.argv[1]))
    # A supervisor may signal the whole group; only the parent decides when to end.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are reaped by the kernel
    _preload()
    with suppress(OSError):
        control.send(b"r")  # ready
    while True:
        try:
            _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        except OSError:  # reset, if the parent closed it with the word above unread
            return
        if not descriptors:
            return
        if os.fork() == 0:
            control.close()
            _child(socket.socket(fileno=descriptors[0]), int(sys.argv[2]))
        os.close(descriptors[0])


def _preload() -> None:
    """Load once what every child needs, and keep the collector from touching shared pages."""
    gc.disable()
    from backend_architect.tools import catalog
    from backend_architect.tools.openapi import conformance
    from backend_architect.tools.plan_migration import recipes

    for module in _LOADED:
        import_module(module)
    catalog.catalog()
    conformance.preload()
    recipes.preload()
    gc.freeze()
    gc.enable()


_LOADED = (
    "backend_architect.server.jobs",
    "backend_architect.tools.ddl.mysql.parse",
    "backend_architect.tools.ddl.postgres.parse",
    "backend_architect.tools.ddl.sqlite.parse",
    "backend_architect.tools.plan_migration.rehearsal.proof",
    "backend_architect.tools.plan_migration.sqlite.rehearsal",
    "psycopg",
    "yaml.cyaml",
)


def _child(connection: socket.socket, memory: int) -> None:
    try:
        with suppress(ValueError):  # a lower limit holds already, or the system has none
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        send(connection, ("started", os.getpid()))
        job, request = receive(connection)
        threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
        send(connection, _answer(job, request, connection))
    except (EOFError, OSError):
        pass  # the parent lost interest
    finally:
        os._exit(0)


def _answer(job: str, request: Any, connection: socket.socket) -> tuple[str, Any]:
    from . import jobs

    try:
        work = getattr(jobs, job)
        return "done", work(request, lambda stage: send(connection, ("progress", stage)))
    except jobs.REFUSALS as error:
        return "refused", str(error)
    except MemoryError:
        return "refused", "the document needs more memory than a call may use"
    except ConnectionError:
        raise
    except Exception:
        return "crashed", traceback.format_exc()


def _end_with(connection: socket.socket) -> None:
    """End this process when the other side closes the connection."""
    with suppress(OSError):  # reset, if it closed with something unread
        connection.recv(1)
    os._exit(0)


def send(connection: socket.socket, message: Any) -> None:
    """One message: its length, then its pickle. Both ends are this program."""
    connection.sendall(encoded(message))


def encoded(message: Any) -> bytes:
    """A message as it is sent."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(body)) + body


def receive(connection: socket.socket) -> Any:
    """The next message. Raises `EOFError`."""
    (length,) = HEADER.unpack(_exactly(connection, HEADER.size))
    return pickle.loads(_exactly(connection, length))


def _exactly(connection: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = connection.recv(min(length - len(parts), 1 << 20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


if __name__ == "__main__":
    main()
