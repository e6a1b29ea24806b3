"""Migrations: which files, and which parts of them, make up a schema's history, in which order.

Each tool has its own names, sections and order; what is taken from which file, what is left out and
what could be read in another way is said, so that nobody has to believe the order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath

from ..patterns import compiled

SQL_SUFFIXES = frozenset({".sql", ".ddl", ".psql", ".pgsql"})
MAX_HINT = 128 * 1024  # characters, of all texts, that are searched for a dialect's words
MAX_LISTED = 5  # names or versions in one note
MAX_REWORKED = 1_000  # lines of a plan between a change and its next version


@dataclass(frozen=True, slots=True)
class Part:
    """`text[start:end]` is SQL of the history; `text` is the whole file's."""

    file: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class History:
    """The forward history: `ignored` are files with the reason, `notes` what a reader may doubt."""

    layout: str
    parts: tuple[Part, ...]
    ignored: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Draft:
    files: list[str] = field(default_factory=list)  # in order
    ignored: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def order(files: Mapping[str, str]) -> History:
    """The history that a directory holds: `files` are texts by path, with `/` between its parts."""
    scripts = sorted(name for name in files if _path(name).suffix.lower() in SQL_SUFFIXES)
    others = {name: "not SQL" for name in files if _path(name).suffix.lower() not in SQL_SUFFIXES}
    for read in _LAYOUTS:
        if found := read(scripts, files):
            layout, draft = found
            break
    else:
        if len(scripts) == 1:
            only = sole(scripts[0], files[scripts[0]])
            return History(only.layout, only.parts, tuple(others.items()), only.notes)
        layout, draft = "files", _Draft(sorted(scripts, key=_natural))
        if scripts:
            draft.notes.append(
                "no tool's layout is recognised: the files are read in the order of their names, "
                "numbers by value"
            )
    read_files = set(draft.files)
    for name in scripts:
        if name not in read_files:
            draft.ignored.setdefault(name, f"its name is none of the layout {layout!r}")
    parts: list[Part] = []
    layouts = set()
    for name in draft.files:
        one = sole(name, files[name])
        parts += one.parts
        draft.notes += one.notes
        layouts.add(one.layout)
    if layout in ("numbered", "files") and len(marked := layouts & _SECTIONED) == 1:
        layout = marked.pop()
    ignored = tuple(sorted((others | draft.ignored).items()))
    return History(layout, tuple(parts), ignored, tuple(draft.notes))


def sole(file: str, text: str) -> History:
    """One file's history: its sections that lead forward, or all of it."""
    for layout, up, down in _SECTIONS if _ANY_MARK.search(text) else ():
        marks = [(match, True) for match in up.finditer(text)] if up else []
        marks += [(match, False) for match in down.finditer(text)]
        if marks:
            return _sections(file, text, layout, sorted(marks, key=lambda mark: mark[0].start()))
    notes: list[str] = []
    folded = text.lower()
    signs = (name for name, word, sign in _SIGNS if word in folded and sign.search(text))
    layout = next(signs, "script")
    if layout == "liquibase":
        notes += _liquibase_notes(file, text)
    elif layout == "alembic" and _ALEMBIC_DOWNGRADE.search(text):
        notes.append(f"{file} holds downgrades, which are read as they stand")
    return History(layout, (Part(file, text, 0, len(text)),), (), tuple(notes))


def dialect_hint(files: Mapping[str, str]) -> str | None:
    """The dialect that the texts say themselves: postgres, mysql, mariadb, sqlite; None if unsure.

    A dump's header or a tool's settings decide; else words that one dialect alone has.
    """
    said = set()
    for name in sorted(files):
        setting = _SETTINGS.get(_path(name).name)
        if setting and (match := setting.search(files[name][:MAX_HINT])):
            said.add(_ENGINES.get(match[1].lower(), ""))
        head = files[name][:4_000]
        said |= set([dialect for dialect, header in _HEADERS if header.search(head)][:1])
    if said:
        return said.pop() or None if len(said) == 1 else None
    seen: set[str] = set()
    left = MAX_HINT
    for name in sorted(files):
        if len(files) == 1 or _path(name).suffix.lower() in SQL_SUFFIXES:
            code = _NO_CODE.sub(" ", files[name][:left])
            left -= len(files[name][:left])
            seen |= {dialect for dialect, words in _WORDS if words.search(code)}
    if seen == {"mysql", "mariadb"}:
        return "mariadb"
    return seen.pop() if len(seen) == 1 else None


# Names


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name)


def _natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key: digits by value, all else by its characters, without regard to case first."""
    pieces = re.split(r"([0-9]+)", text)
    key = [
        (1, len(piece.lstrip("0")), piece.lstrip("0")) if odd % 2 else (0, 0, piece.lower())
        for odd, piece in enumerate(pieces)
    ]
    return [*key, (0, 0, text)]


def _version(text: str) -> tuple[tuple[int, str], ...]:
    """A sort key of dotted numbers: 1.10 after 1.9, and 1.0 is 1."""
    numbers = [number.lstrip("0") for number in re.split(r"[._]", text)]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return tuple((len(number), number) for number in numbers)


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more


def _by_version(versions: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """File names in the order of their versions, and notes on repeated and missing ones."""
    names = sorted(versions, key=lambda name: (_version(versions[name]), _natural(name)))
    notes = []
    same: dict[tuple[tuple[int, str], ...], list[str]] = {}
    for name in names:
        same.setdefault(_version(versions[name]), []).append(name)
    for repeated in same.values():
        if len(repeated) > 1:
            notes.append(
                f"version {versions[repeated[0]]} is given {len(repeated)} times, read in the "
                f"order of the names: {_listed(repeated)}"
            )
    counted = [int(key[0][1] or 0) for key in same if len(key) == 1 and key[0][0] < 8]
    if len(counted) == len(same):  # a timestamp is no count
        gaps = [(low, high) for low, high in pairwise(counted) if high - low > 1]
        if gaps and len(gaps) * 4 <= len(counted):
            between = _listed(f"between {low} and {high}" for low, high in gaps)
            notes.append(f"there are versions missing: {between}")
    return names, notes


# Layouts. Each reader returns None if the names are not its own.

_Found = tuple[str, _Draft] | None
_FLYWAY = compiled(r"(?:(?P<kind>[VUB])(?P<version>[0-9]+(?:[._][0-9]+)*)|R)__.*\.sql")
_FLYWAY_CALLBACK = compiled(r"(?:before|after|create)[A-Z]\w*(?:__.*)?\.sql")
_UP_OR_DOWN = compiled(r"(?P<version>[0-9]+)(?:[-_.].*)?[-_.](?P<way>up|down)\.sql", re.I)
_NUMBERED = compiled(r"(?P<version>[0-9]+(?:\.[0-9]+)*)(?![0-9]).*", re.S)
_WAY = compiled(r"[-_.](up|down|rollback|revert|undo)(?=\.\w+$)", re.I)
_PURE_WAY = compiled(r"(?:down|rollback|revert|undo)\.\w+", re.I)
_BACKWARD_FOLDERS = frozenset({"down", "rollback", "rollbacks", "revert", "undo"})
_BACKWARD = "it leads back"
_DASH = compiled(r"(?<=[0-9])-(?=[0-9])")


def _sqitch(scripts: list[str], files: Mapping[str, str]) -> _Found:
    plans = sorted((name for name in files if _path(name).name == "sqitch.plan"), key=_natural)
    if not plans:
        return None
    draft = _Draft()
    if len(plans) > 1:
        draft.notes.append(f"there are several plans, read one after the other: {_listed(plans)}")
    for plan in plans:
        _read_plan(plan, files, draft)
    for name in scripts:
        folders = _path(name).parts[:-1]
        leaves = {"revert", "verify"} & set(folders)
        draft.ignored[name] = "it reverts or verifies" if leaves else "no plan names it"
    for name in draft.files:
        del draft.ignored[name]
    return "sqitch", draft


def _read_plan(plan: str, files: Mapping[str, str], draft: _Draft) -> None:
    """https://sqitch.org/docs/manual/sqitchplan/: a change or a @tag on each line.

    The script of a change that a later line reworks bears a tag from between the two.
    """
    words = [line.split("#", 1)[0].strip().split(maxsplit=1)[:1] for line in _lines(files[plan])]
    names = [word[0].lstrip("+") for word in words if word and word[0][0] not in "%-"]
    next_places: dict[str, int] = {}
    reworked: dict[int, list[str]] = {}
    for place in range(len(names) - 1, -1, -1):
        name = names[place]
        if name in next_places:
            between = names[place : min(next_places[name], place + MAX_REWORKED)]
            reworked[place] = [tag for tag in between if tag.startswith("@")]
        next_places[name] = place
    folder = _path(plan).parent / "deploy"
    for place, name in enumerate(names):
        if name.startswith("@"):
            continue
        stems = [name + tag for tag in reworked[place]] if place in reworked else [name]
        found = [str(folder / f"{stem}.sql") for stem in stems]
        found = [script for script in found if script in files]
        if found:
            draft.files += found[:1]
        else:
            again = ", before it is reworked," if place in reworked else ""
            draft.notes.append(f"{plan} names {name}{again} but its deploy script is not there")


def _lines(text: str) -> Iterator[str]:
    return (match[0] for match in re.finditer(r"[^\r\n]+", text))


def _prisma(scripts: list[str], files: Mapping[str, str]) -> _Found:
    """Prisma applies its folders in the order of their names, character by character."""
    steps = [name for name in scripts if _path(name).name == "migration.sql"]
    if not steps or (len(steps) == 1 and not _NUMBERED.match(_path(steps[0]).parent.name)):
        return None
    draft = _Draft(sorted(steps, key=lambda name: (_path(name).parent.name, name)))
    _note_folders({str(_path(name).parent.parent) for name in steps}, draft)
    return "prisma", draft


def _folders(scripts: list[str], files: Mapping[str, str]) -> _Found:
    """Hasura's and Diesel's folders, each with up.sql and perhaps down.sql."""
    steps = [
        name
        for name in scripts
        if _path(name).name.lower() == "up.sql" and _NUMBERED.match(_path(name).parent.name)
    ]
    if not steps:
        return None
    # Diesel's version is the name up to `_` without its dashes: 2017-09-23-182408, 20170923182408.
    draft = _Draft(sorted(steps, key=lambda name: _natural(_DASH.sub("", name))))
    for name in scripts:
        if _path(name).name.lower() == "down.sql":
            draft.ignored[name] = _BACKWARD
    _note_folders({str(_path(name).parent.parent) for name in steps}, draft)
    return "folders with up.sql", draft


def _flyway(scripts: list[str], files: Mapping[str, str]) -> _Found:
    """https://documentation.red-gate.com/fd/migrations-184127470.html"""
    named = {name: match for name in scripts if (match := _FLYWAY.fullmatch(_path(name).name))}
    kinds = {name: match["kind"] or "R" for name, match in named.items()}
    if not {"V", "B"} & set(kinds.values()):
        return None
    draft = _Draft()
    versions = {name: named[name]["version"] for name, kind in kinds.items() if kind in "VB"}
    baselines = [name for name in versions if kinds[name] == "B"]
    base = max(baselines, key=lambda name: _version(versions[name]), default=None)
    for name in list(versions):
        if base and name != base and _version(versions[name]) <= _version(versions[base]):
            draft.ignored[name] = f"the baseline {base} stands for it"
            del versions[name]
    names, notes = _by_version(versions)
    repeatable = [name for name, kind in kinds.items() if kind == "R"]
    draft.files = names + sorted(repeatable, key=lambda name: (_path(name).name, name))
    draft.notes += notes
    for name in scripts:
        if kinds.get(name) == "U":
            draft.ignored[name] = _BACKWARD
        elif _FLYWAY_CALLBACK.fullmatch(_path(name).name):
            draft.ignored[name] = "a callback"
    return "flyway", draft


def _up_down(scripts: list[str], files: Mapping[str, str]) -> _Found:
    """golang-migrate and its like: 7_name.up.sql, 7_name.down.sql."""
    known = set(scripts)
    named = {
        name: match
        for name in scripts
        if (match := _UP_OR_DOWN.fullmatch(_path(name).name)) and _says_way(name, known)
    }
    up = {name: match["version"] for name, match in named.items() if match["way"].lower() == "up"}
    if not up:
        return None
    names, notes = _in_folders(up)
    draft = _Draft(names, {name: _BACKWARD for name in named if name not in up}, notes)
    rest = [name for name in scripts if name not in named and _NUMBERED.match(_path(name).name)]
    if rest:
        draft.notes.append(f"left out, as they are neither up nor down: {_listed(rest)}")
    return "up and down files", draft


def _says_way(name: str, known: set[str]) -> bool:
    """Whether up or down at the end is the way, not the last word of a title (clean_up.sql)."""
    way = _WAY.search(name)
    if not way:
        return False
    if way[0].startswith("."):
        return True
    head, tail = name[: way.start()], name[way.end() :]
    if way[1].lower() == "up":
        return any(f"{head}{way[0][0]}{word}{tail}" in known for word in ("down", "Down", "DOWN"))
    return any(f"{head}{rest}{tail}" in known for rest in ("", *(way[0][0] + up for up in _UP)))


_UP = ("up", "Up", "UP", "do", "deploy")


def _numbered(scripts: list[str], files: Mapping[str, str]) -> _Found:
    """Files that begin with a number: most tools' own, Supabase's, Atlas's, and by hand."""
    known = set(scripts)
    back = {name: _BACKWARD for name in scripts if _leads_back(name, known)}
    forward = [name for name in scripts if name not in back]
    named = {
        name: match["version"]
        for name in forward
        if (match := _NUMBERED.fullmatch(_path(name).name.lstrip("vV")))
    }
    if len(scripts) == 1 or len(named) * 2 <= len(forward):
        return None
    names, notes = _in_folders(named)
    draft = _Draft(names, back, notes)
    if rest := [name for name in forward if name not in named]:
        for name in rest:
            draft.ignored[name] = "it has no number, as the others have"
        draft.notes.append(
            f"left out, as they have no number: {_listed(rest)}; a whole schema or seeds are read "
            "when given alone"
        )
    present = {_path(name).name for name in files}
    if any("supabase/migrations/" in f"/{name}" for name in names):
        return "supabase", draft
    return ("atlas" if "atlas.sum" in present else "numbered"), draft


def _leads_back(name: str, known: set[str]) -> bool:
    path = _path(name)
    if _PURE_WAY.fullmatch(path.name):
        return True
    if _BACKWARD_FOLDERS & {folder.lower() for folder in path.parts[:-1]}:
        return True
    way = _WAY.search(name)
    return bool(way and way[1].lower() != "up" and _says_way(name, known))


def _in_folders(versions: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """By version; if folders number on their own, folder after folder."""
    names, notes = _by_version(versions)
    folders: dict[str, dict[str, str]] = {}
    for name, version in versions.items():
        folders.setdefault(str(_path(name).parent), {})[name] = version
    keys = [{_version(version) for version in each.values()} for each in folders.values()]
    if sum(map(len, keys)) == len(set().union(*keys)):
        return names, notes
    names, notes = [], []
    for folder in sorted(folders, key=_natural):
        ordered, said = _by_version(folders[folder])
        names += ordered
        notes += said
    notes.append(
        "several folders give the same versions: they are read one after the other, in the order "
        f"of their names: {_listed(sorted(folders, key=_natural))}"
    )
    return names, notes


def _note_folders(folders: set[str], draft: _Draft) -> None:
    if len(folders) > 1:
        names = _listed(sorted(folders, key=_natural))
        draft.notes.append(f"several folders hold migrations, read as one history: {names}")


_LAYOUTS: tuple[Callable[[list[str], Mapping[str, str]], _Found], ...] = (
    _sqitch,
    _prisma,
    _folders,
    _flyway,
    _up_down,
    _numbered,
)


# Sections of a file


def _mark(pattern: str) -> re.Pattern[str]:
    return compiled(rf"^[ \t]*--[ \t]*{pattern}[^\r\n]*", re.MULTILINE | re.IGNORECASE)


_SECTIONS: tuple[tuple[str, re.Pattern[str] | None, re.Pattern[str]], ...] = (
    ("goose", _mark(r"\+goose[ \t]+up\b"), _mark(r"\+goose[ \t]+down\b")),
    ("sql-migrate", _mark(r"\+migrate[ \t]+up\b"), _mark(r"\+migrate[ \t]+down\b")),
    ("dbmate", _mark(r"migrate:up\b"), _mark(r"migrate:down\b")),
    ("node-pg-migrate", _mark(r"up migration\b"), _mark(r"down migration\b")),
    ("rambler", _mark(r"rambler up\b"), _mark(r"rambler down\b")),
    ("mybatis", None, _mark(r"//[ \t]*@undo\b")),
)
_ANY_MARK = _mark(r"(?:\+goose|\+migrate|migrate:|up|down|rambler|//)")
_SECTIONED = frozenset({layout for layout, _, _ in _SECTIONS} | {"liquibase"})


def _sections(
    file: str, text: str, layout: str, marks: list[tuple[re.Match[str], bool]]
) -> History:
    """The parts after marks that lead up; what is before the first mark belongs to none."""
    parts = []
    if layout == "mybatis":
        parts.append(Part(file, text, 0, marks[0][0].start()))
    ends = [mark.start() for mark, _ in marks[1:]] + [len(text)]
    for (mark, leads_up), end in zip(marks, ends, strict=True):
        if leads_up:
            parts.append(Part(file, text, mark.end(), end))
    notes = []
    if not parts:
        notes.append(f"{file} has no section that leads up")
    if layout != "mybatis" and _CODE_LINE.search(text, 0, marks[0][0].start()):
        notes.append(f"{file} has SQL before its first section, which {layout} does not run")
    return History(layout, tuple(parts), (), tuple(notes))


_CODE_LINE = compiled(r"^[ \t]*+(?!--|\r?$)\S", re.MULTILINE)
_SIGNS = (  # of a layout: a word in lower case, and what it stands in
    (
        "liquibase",
        "liquibase",
        compiled(r"\A[\s\ufeff]*--[ \t]*liquibase formatted sql", re.IGNORECASE),
    ),
    ("alembic", "-- running", compiled(r"^-- Running (?:upgrade|downgrade)\b", re.MULTILINE)),
    (
        "structure",
        "schema_migrations",
        compiled(
            r"INSERT\s+INTO\s+[\"`]?(?:\w+[\"`]?\.[\"`]?)?schema_migrations[\"`]?\s*\(",
            re.IGNORECASE,
        ),
    ),
)
_ALEMBIC_DOWNGRADE = compiled(r"^-- Running downgrade\b", re.MULTILINE)
_CHANGESET = compiled(r"^[ \t]*--[ \t]*changeset[ \t]+([^\r\n]*)", re.MULTILINE | re.IGNORECASE)
_CHANGESET_LIMITS = compiled(r"\b(dbms|context|contextFilter|labels|endDelimiter):", re.I)


def _liquibase_notes(file: str, text: str) -> Iterator[str]:
    """Changesets that run only somewhere; rollbacks are comments, which nobody reads."""
    limited: dict[str, int] = {}
    for changeset in _CHANGESET.finditer(text):
        for attribute in {match[1] for match in _CHANGESET_LIMITS.finditer(changeset[1])}:
            limited[attribute] = limited.get(attribute, 0) + 1
    for attribute, count in sorted(limited.items()):
        sets = "a changeset" if count == 1 else f"{count} changesets"
        yield f"{file} has {sets} with {attribute}, read as if without"


# Dialects

_SETTINGS = {
    "migration_lock.toml": compiled(r'^\s*provider\s*=\s*"(\w+)"', re.MULTILINE),
    "schema.prisma": compiled(r'datasource\s+\w+\s*\{[^}]{0,1000}?provider\s*=\s*"(\w+)"'),
    "sqitch.conf": compiled(r"^\s*engine\s*=\s*(\w+)", re.MULTILINE),
}
_ENGINES = {
    "postgresql": "postgres",
    "postgres": "postgres",
    "pg": "postgres",
    "mysql": "mysql",
    "sqlite": "sqlite",
}
_HEADERS = (
    ("postgres", compiled(r"^-- PostgreSQL database (?:cluster )?dump", re.MULTILINE)),
    (
        "mariadb",
        compiled(r"^(?:-- MariaDB dump|-- MySQL dump .*MariaDB|/\*M?!999999\\-)", re.MULTILINE),
    ),
    ("mysql", compiled(r"^-- MySQL dump", re.MULTILINE)),
    (
        "sqlite",
        compiled(r"\A\s*PRAGMA foreign_keys\s*=\s*OFF;\s*BEGIN TRANSACTION;", re.IGNORECASE),
    ),
)
_NO_CODE = compiled(  # what is not closed ends with the text
    r"'(?:[^'\\]|\\.)*+(?:'|\\?\Z)|--[^\n]*+|/\*(?![!M])(?:[^*]++|\*(?!/))*+(?:\*/|\Z)", re.DOTALL
)


def _words(pattern: str) -> re.Pattern[str]:
    return compiled(pattern, re.IGNORECASE | re.MULTILINE | re.VERBOSE)


_WORDS = (
    (
        "postgres",
        _words(
            r"""[\w)"]\s?::\s?["\w] | \b(?:BIG|SMALL)SERIAL\b | \bSERIAL\s+(?:PRIMARY|NOT)\b
            | \bAS\s+\$\w*\$ | \bDO\s+\$\w*\$ | \bTIMESTAMPTZ\b | \bJSONB\b | \bBYTEA\b
            | \bTIME(?:STAMP)?(?:\s*\(\d\))?\s+WITH(?:OUT)?\s+TIME\s+ZONE\b
            | \bCREATE\s+EXTENSION\b | \bLANGUAGE\s+plpgsql\b | \bAS\s+ENUM\b
            | \bROW\s+LEVEL\s+SECURITY\b | \bINDEX\s+CONCURRENTLY\b | \bNEXTVAL\s*\(
            | \bAS\s+IDENTITY\b | \bOWNER\s+TO\b | ^\\(?:c|connect|restrict)\s
            | \bUSING\s+(?:GIN|GIST|BRIN)\b"""
        ),
    ),
    (
        "mysql",
        _words(
            r"""\bENGINE\s*=\s*\w | \bAUTO_INCREMENT\b | \bUNSIGNED\b | ^DELIMITER\s | ^USE\s+`
            | /\*!\d{5} | \b(?:CHARSET|CHARACTER\s+SET)\b | \bMODIFY\s+COLUMN\b
            | \b(?:TINY|MEDIUM|LONG)TEXT\b | \bROW_FORMAT\b"""
        ),
    ),
    (
        "mariadb",
        _words(r"/\*M! | \bENGINE\s*=\s*Aria\b | \bSYSTEM\s+VERSIONING\b | _uca1400_"),
    ),
    (
        "sqlite",
        _words(
            r"""\bAUTOINCREMENT\b | \bWITHOUT\s+ROWID\b | ^[ \t]*+PRAGMA\s | \)\s*STRICT\s*;
            | \bVIRTUAL\s+TABLE\b | \bsqlite_\w"""
        ),
    ),
)
