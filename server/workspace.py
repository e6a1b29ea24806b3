"""The only place that opens files: regular ones below the roots, of bounded size, nothing else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from backend_architect.tools.openapi.document import Unreadable
from backend_architect.tools.source import MAX_BYTES, Source, load


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a file was when it was read: enough to tell later whether it changed."""

    path: str
    signature: tuple[int, ...]  # device, inode, size, modified and changed in nanoseconds
    settled: bool  # it had not been changed in the tick in which it was read
    digest: bytes


class Workspace:
    """Files below the roots. Every failure is an `Unreadable` that says what would be right.

    A path is relative to a root, or absolute and inside one. Names in answers are relative to the
    root, so that no path of the host appears in them.
    """

    def __init__(self, roots: tuple[Path, ...]) -> None:
        self.roots = tuple(Path(os.path.realpath(root)) for root in roots)
        self.stamps: dict[str, Stamp] = {}
        self._sources: dict[str, Source] = {}

    def read(self, path: str) -> tuple[str, bytes]:
        """The name and the bytes of a file."""
        if not self.roots:
            raise Unreadable(
                "no folder may be read here: start the server with `--root DIR`,"
                " or pass the document as `text`"
            )
        if "\0" in path:
            raise Unreadable("a path has no NUL character")
        refusal = "it does not exist"
        for candidate in self._candidates(path):
            root = self._root_of(candidate)
            if root is None:
                refusal = "it is outside of the folders that may be read (see `--root`)"
            elif os.path.lexists(candidate):
                return self._name(root, candidate), self._content(candidate, path)
        raise Unreadable(f"`{path[:200]}`: {refusal}")

    def reader(self, base: str, reference: str) -> Source:
        """The document that a reference in another names, relative to that one."""
        path = os.path.normpath(os.path.join(os.path.dirname(self._origin(base)), reference))
        if path not in self._sources:
            name, content = self.read(path)
            self._sources[path] = load(content, name)
        return self._sources[path]

    def unchanged(self, stamp: Stamp) -> bool:
        """Whether a file still has the content it had."""
        try:
            if stamp.settled and _signature(os.stat(stamp.path)) == stamp.signature:
                return self._root_of(os.path.realpath(stamp.path)) is not None
            self.read(stamp.path)
        except (OSError, Unreadable):
            return False
        return self.stamps[stamp.path].digest == stamp.digest

    def _candidates(self, path: str) -> Iterator[str]:
        for root in self.roots:
            yield os.path.realpath(root / path)  # an absolute path replaces the root

    def _root_of(self, real: str) -> Path | None:
        return next((root for root in self.roots if Path(real).is_relative_to(root)), None)

    def _name(self, root: Path, real: str) -> str:
        name = Path(real).relative_to(root).as_posix()
        return f"{root.name}/{name}" if len(self.roots) > 1 else name

    def _origin(self, name: str) -> str:
        """The real path behind a name given in answers."""
        for root in self.roots:
            base = root.parent if len(self.roots) > 1 else root
            real = os.path.realpath(base / name)
            if os.path.lexists(real) and Path(real).is_relative_to(root):
                return real
        return name

    def _content(self, real: str, path: str) -> bytes:
        """Opened without following a link or waiting, then checked once more on the open file."""
        shown = f"`{path[:200]}`"
        try:
            if not stat.S_ISREG(os.lstat(real).st_mode):
                raise Unreadable(f"{shown}: it is no regular file; name the document itself")
            file = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise Unreadable(f"{shown}: {error.strerror}") from None
        with os.fdopen(file, "rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode) or not self._is_inside(opened.fileno(), real):
                raise Unreadable(f"{shown}: it changed while it was opened")
            if status.st_size > MAX_BYTES:
                limit = MAX_BYTES // 1024**2
                raise Unreadable(f"{shown}: it is larger than the limit of {limit} MiB")
            content = opened.read(MAX_BYTES + 1)
        self.stamps[real] = Stamp(
            real, _signature(status), _settled(real, status), blake2b(content).digest()
        )
        return content

    def _is_inside(self, descriptor: int, real: str) -> bool:
        """Whether the open file is inside a root: a folder may have been swapped for a link."""
        link = f"/proc/self/fd/{descriptor}"
        opened = os.readlink(link) if os.path.lexists(link) else os.path.realpath(real)
        return self._root_of(opened) is not None


def _signature(status: os.stat_result) -> tuple[int, ...]:
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def _settled(real: str, status: os.stat_result) -> bool:
    """Whether a later write must show in the times: not if the last was within their resolution.

    The same precaution as git takes with its index (`racy git`). The clock decides only whether a
    file is hashed again, never what an answer says.
    """
    import time

    return time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > 2_000_000_000


def default_roots() -> tuple[Path, ...]:
    """The working directory, unless a desktop host started the server in `/` or the home folder."""
    here = Path.cwd()
    return () if here in (Path(here.anchor), Path.home()) else (here,)
