"""The only place that opens files: regular ones below the roots, of bounded size, nothing else."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, count
from pathlib import Path

from backend_architect.tools.openapi.document import Unreadable
from backend_architect.tools.report import clean, quoted
from backend_architect.tools.source import MAX_BYTES, Source, SourceError, encoded_as, load

MAX_PATH = 4096  # bytes
MAX_FILES = 2_000  # that one document may refer to, readable or not
MAX_ENTRIES = 100_000  # that are looked at in a folder and those below it


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a path led to when it was read: enough to tell later whether that changed."""

    path: str
    real: str  # the file; empty if the path was refused
    signature: tuple[int, ...]  # device, inode, size, modified and changed in nanoseconds
    settled: bool  # the file had not been changed in the tick in which it was read
    digest: bytes  # of the content, or of the reason for the refusal
    endings: tuple[str, ...] = ()  # of the files of a folder that were read

    @property
    def size(self) -> int:
        """Bytes of the file; 0 if the path was refused."""
        return self.signature[2] if self.signature else 0


class Workspace:
    """Files below the roots. Every failure is an `Unreadable` that says what would be right.

    A path is relative to a root, or absolute and inside one. Names in answers are relative to the
    root, so that no path of the host appears in them; of several roots, each has a label in front.
    """

    def __init__(self, roots: tuple[Path, ...], names_from: Path | None = None) -> None:
        self._names_from = names_from
        self.roots = tuple(dict.fromkeys(Path(os.path.realpath(root)) for root in roots))
        self.stamps: dict[str, Stamp] = {}  # by path as asked for
        self._reals: dict[str, str] = {}  # by name
        self._sources: dict[str, Source | SourceError] = {}
        self._labels: dict[str, Path] = {}
        for root in self.roots:
            tries = (f"{root.name}~{number}" for number in count(2))
            free = (label for label in chain([root.name], tries) if label not in self._labels)
            self._labels[next(free)] = root

    def read(self, path: str, shown: str = "") -> tuple[str, bytes]:
        """The name and the bytes of a file; `shown` is what a refusal calls it."""
        if len(self.stamps) >= MAX_FILES:
            raise Unreadable(f"no more than {MAX_FILES:,} files are read for one document")
        try:
            real = self._find(path)
            name = self._name(real)
            status, content = self._content(real)
        except Unreadable as error:
            digest = sha256(str(error).encode()).digest()
            self.stamps[path] = Stamp(path, "", (), False, digest)
            raise Unreadable(f"{quoted(shown or path, 200)}: {error}") from None
        digest = sha256(content).digest()
        self.stamps[path] = Stamp(path, real, _signature(status), _settled(status), digest)
        self._reals[name] = real
        return name, content

    def files(self, path: str, endings: tuple[str, ...] = ()) -> Iterator[tuple[str, bytes]]:
        """The name and the bytes of a file, or of the files of a folder, in order.

        Of a folder those with one of the endings; without any, those that SQL may be in.
        """
        real, found = self._folder(path, endings)
        if found is None:
            yield self.read(path)
            return
        self.stamps[path] = Stamp(path, real, (), False, _listed(found), endings)
        room = MAX_BYTES
        for inside in found:
            name, content = self.read(inside, os.path.relpath(inside, real))
            room -= len(content)
            if room < 0:
                limit = MAX_BYTES // 1024**2
                raise Unreadable(f"{quoted(path, 200)}: what is in it is larger than {limit} MiB")
            yield name, content

    def name(self, path: str) -> str:
        """What the file or folder at a path is called in answers."""
        try:
            return self._name(self._find(path))
        except Unreadable as error:
            raise Unreadable(f"{quoted(path, 200)}: {error}") from None

    def is_folder(self, path: str) -> bool:
        """Whether a path that may be read is a folder."""
        try:
            return os.path.isdir(self._find(path))
        except Unreadable:
            return False

    def _folder(self, path: str, endings: tuple[str, ...]) -> tuple[str, list[str] | None]:
        """The real path, and of a folder the schema files in it; a refusal names the path."""
        try:
            real = self._find(path)
            return real, _files_in(real, endings) if os.path.isdir(real) else None
        except Unreadable as error:
            raise Unreadable(f"{quoted(path, 200)}: {error}") from None

    def write(self, name: str, text: str) -> None:
        """Put a text in place of that of a file that was read: all of it, or nothing.

        Only the command line does, when it is told to. Raises `Unreadable`: the file changed since
        it was read, or cannot be written.
        """
        real = self._reals[name]
        known = next(stamp for stamp in self.stamps.values() if stamp.real == real)
        if self.renewed(known) is None:
            raise Unreadable(f"{quoted(name, 200)}: it changed while it was reviewed")
        fresh = f"{real}.{os.getpid()}"
        try:
            _, before = self._content(real)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(encoded_as(before, text))
            shutil.copymode(real, fresh)
            os.replace(fresh, real)
        except OSError as error:
            with suppress(OSError):
                os.unlink(fresh)
            raise Unreadable(f"{quoted(name, 200)}: {error.strerror}") from None

    def has(self, name: str) -> bool:
        """Whether a root has an entry of this name, readable or not."""
        return any(os.path.lexists(root / name) for root in self.roots)

    def reader(self, base: str, reference: str) -> Source:
        """The document that a reference in another names, relative to that one."""
        folder = os.path.dirname(self._reals.get(base, base))
        path = os.path.normpath(os.path.join(folder, reference))
        if path not in self._sources:
            name, content = self.read(path, reference)
            try:
                self._sources[path] = load(content, name)
            except SourceError as error:
                self._sources[path] = error
        found = self._sources[path]
        if isinstance(found, SourceError):
            raise found.with_traceback(None)
        return found

    def renewed(self, stamp: Stamp) -> Stamp | None:
        """The stamp as of now, if its path still leads to the same content or refusal."""
        with suppress(OSError, Unreadable):
            same_file = stamp.settled and self._find(stamp.path) == stamp.real
            if same_file and _signature(os.stat(stamp.real)) == stamp.signature:
                return stamp
        with suppress(Unreadable):
            real, found = self._folder(stamp.path, stamp.endings)
            if found is not None:
                return stamp if (real, _listed(found)) == (stamp.real, stamp.digest) else None
        with suppress(Unreadable):
            self.read(stamp.path)
        now = self.stamps[stamp.path]
        return now if (now.real, now.digest) == (stamp.real, stamp.digest) else None

    def _find(self, path: str) -> str:
        """The real path of what a path names."""
        if not self.roots:
            raise Unreadable(
                "no folder may be read here: start the server with `--root DIR`,"
                " or pass the document as `text`"
            )
        if re.match(r"[a-z][a-z0-9+.-]*://", path, re.I):
            raise Unreadable("URLs are never fetched; save the document in the workspace")
        if not _is_path(path):
            raise Unreadable(f"a path has no NUL character and at most {MAX_PATH:,} bytes")
        refusal = "it does not exist"
        for candidate in self._candidates(path):
            if self._label_of(candidate) is None:
                refusal = "it is outside of the folders that may be read (see `--root`)"
            elif os.path.lexists(candidate):
                return candidate
        raise Unreadable(refusal)

    def _candidates(self, path: str) -> Iterator[str]:
        for root in self.roots:
            yield os.path.realpath(root / path)  # an absolute path replaces the root
        label, _, rest = path.partition("/")
        if len(self.roots) > 1 and label in self._labels:
            yield os.path.realpath(self._labels[label] / rest)  # a name from an answer

    def _label_of(self, real: str) -> str | None:
        """The label of the root that a file is in."""
        inside = (label for label, root in self._labels.items() if Path(real).is_relative_to(root))
        return next(inside, None)

    def _name(self, real: str) -> str:
        """What a file is called in answers."""
        label = self._label_of(real)
        assert label is not None
        name = Path(real).relative_to(self._labels[label]).as_posix()
        if self._names_from:
            name = Path(os.path.relpath(real, self._names_from)).as_posix()
        elif len(self.roots) > 1:
            name = f"{label}/{name}"
        if clean(name, MAX_PATH) != name:
            raise Unreadable("its name has control or invisible characters; rename it")
        return name

    def _content(self, real: str) -> tuple[os.stat_result, bytes]:
        """Opened without following a link or waiting, then checked once more on the open file."""
        try:
            if not stat.S_ISREG(os.lstat(real).st_mode):
                raise Unreadable("it is no regular file; name the document itself")
            file = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            return self._opened(file, real)
        except OSError as error:
            raise Unreadable(str(error.strerror)) from None

    def _opened(self, descriptor: int, real: str) -> tuple[os.stat_result, bytes]:
        with os.fdopen(descriptor, "rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode) or not self._is_inside(opened.fileno(), real):
                raise Unreadable("it changed while it was opened")
            if status.st_size > MAX_BYTES:
                limit = MAX_BYTES // 1024**2
                raise Unreadable(f"it is larger than the limit of {limit} MiB")
            return status, opened.read(status.st_size + 1)

    def _is_inside(self, descriptor: int, real: str) -> bool:
        """Whether the open file is inside a root: a folder may have been swapped for a link."""
        link = f"/proc/self/fd/{descriptor}"
        opened = os.readlink(link) if os.path.lexists(link) else os.path.realpath(real)
        return self._label_of(opened) is not None


def _files_in(folder: str, endings: tuple[str, ...]) -> list[str]:
    """The files of a folder that are wanted, each folder's before those below.

    Hidden folders and links to folders are left out. Raises `Unreadable` when there is too much.
    """
    found: list[str] = []
    waiting, seen = [folder], 0
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    seen += 1
                    if entry.is_dir(follow_symlinks=False):
                        waiting += [entry.path] if entry.name[0] != "." else []
                    elif entry.name.endswith(endings) if endings else _OF_SCHEMA(entry.name):
                        found.append(entry.path)
                    if len(found) > MAX_FILES or seen > MAX_ENTRIES:
                        raise Unreadable(
                            f"a folder with more than {MAX_FILES:,} such files or {MAX_ENTRIES:,}"
                            " entries is not read; name the one that holds the schema"
                        )
        except OSError as error:
            inside = quoted(os.path.relpath(place, folder), 200)
            raise Unreadable(f"its folder {inside} cannot be read: {error.strerror}") from None
    return sorted(found, key=lambda path: (os.path.dirname(path).split("/"), path))


_OF_SCHEMA = re.compile(r"[^.].*\.sql|migration_lock\.toml|sqitch\.plan", re.I | re.S).fullmatch


def _listed(paths: list[str]) -> bytes:
    return sha256("\0".join(paths).encode("utf-8", "surrogateescape")).digest()


def _is_path(path: str) -> bool:
    try:
        encoded = os.fsencode(path)
    except UnicodeEncodeError:  # an unpaired surrogate
        return False
    return len(encoded) <= MAX_PATH and b"\0" not in encoded


def _signature(status: os.stat_result) -> tuple[int, ...]:
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def _settled(status: os.stat_result) -> bool:
    """Whether a later write must show in the times: not if the last was within their resolution.

    The same precaution as git takes with its index (`racy git`). Times of a file system that has
    no finer ones are whole hundredths of a second. The clock decides only whether a file is hashed
    again, never what an answer says.
    """
    import time

    times = (status.st_mtime_ns, status.st_ctime_ns)
    resolution = 2_000_000_000 if all(t % 10_000_000 == 0 for t in times) else 100_000_000
    return time.time_ns() - max(times) > resolution


def default_roots() -> tuple[Path, ...]:
    """The working directory, unless a desktop host started the server in `/` or the home folder."""
    here = Path.cwd()
    return () if here in (Path(here.anchor), Path.home()) else (here,)
