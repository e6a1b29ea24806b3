"""Sequences, and the objects of MySQL and MariaDB that are kept as written."""

from __future__ import annotations

from typing import Final

from ..model import At, Sequence, SequenceOptions
from ..tokens import NotUnderstood
from .fold import MySQLFold
from .types import read_type


class ObjectFold(MySQLFold):
    """The fold of what is neither a table nor code."""

    def _create_sequence(self, at: At, *, temporary: bool, replacing: bool) -> None:
        conditional = self.reader.takes("IF", "NOT", "EXISTS")
        name = self.name()
        if name in self.sequences and not replacing:
            if not conditional:
                raise NotUnderstood(f"the sequence `{name}` exists already", 0)
            self.reader.rest()
            return
        self.sequences[name] = Sequence(
            name,
            self._sequence_options(None),
            persistence="temporary" if temporary else "permanent",
            at=at,
        )

    def _sequence_options(self, before: SequenceOptions | None) -> SequenceOptions:
        """https://mariadb.com/kb/en/create-sequence/; numbers that are not given depend on sign."""
        reader = self.reader
        given: dict[str, int] = {}
        type, cycle = (before.type, before.cycle) if before else ("bigint", False)
        while not reader.done and not reader.sees(";"):
            if reader.takes("NO") or reader.sees_any(
                "NOMINVALUE", "NOMAXVALUE", "NOCACHE", "NOCYCLE"
            ):
                word = reader.next().key.removeprefix("NO")
                given.pop(_SEQUENCE.get(word, ""), None)
                if word == "CACHE":
                    given["cache"] = 0
                cycle = cycle and word != "CYCLE"
            elif reader.takes("CYCLE"):
                cycle = True
            elif reader.takes("AS"):
                type = str(read_type(reader).type)
            elif reader.sees_any("ENGINE", "COMMENT", "RESTART"):
                restart = reader.next().key == "RESTART"
                reader.takes_any("=", "WITH")
                if not restart or reader.token.kind == "number":
                    reader.next()
            else:
                word = reader.takes_any(*_SEQUENCE)
                if not word:
                    raise reader.error("a sequence option expected")
                reader.takes_any("=", "WITH", "BY")
                given[_SEQUENCE[word]] = reader.integer()
        start = {
            "increment": 1,
            "cache": 1000,
            **({} if before is None else _numbers(before)),
            **given,
        }
        down = start["increment"] < 0
        minimum = start.get("minimum", 1 - 2**63 if down else 1)
        maximum = start.get("maximum", -1 if down else 2**63 - 2)
        return SequenceOptions(
            type,
            start.get("start", maximum if down else minimum),
            start["increment"],
            minimum,
            maximum,
            start["cache"],
            cycle,
        )

    def _create_opaque(self, at: At, *, replacing: bool) -> None:
        reader = self.reader
        kinds = (
            ("EVENT",),
            ("SERVER",),
            ("TABLESPACE",),
            ("UNDO", "TABLESPACE"),
            ("LOGFILE", "GROUP"),
            ("RESOURCE", "GROUP"),
            ("PACKAGE", "BODY"),
            ("PACKAGE",),
            ("SPATIAL", "REFERENCE", "SYSTEM"),
            ("LIBRARY",),
        )
        for kind_words in kinds:
            if reader.takes(*kind_words):
                conditional = reader.takes("IF", "NOT", "EXISTS")
                if reader.token.kind == "number":
                    name = reader.next().text
                elif reader.token.kind == "string":
                    name = reader.string()
                else:
                    name = str(self.name())
                kind = " ".join(kind_words).lower()
                if (kind, name) in self.opaque and conditional:
                    reader.rest()
                    return
                self._opaque(kind, name, at)
                return
        raise reader.error("an object of unknown kind")

    def _drop_opaque(self) -> None:
        said: list[str] = []
        reader = self.reader
        while not reader.done and len(said) < 3 and not reader.sees("IF"):
            said.append(reader.next().text)
            kind = " ".join(said).lower()
            if any(known == kind for known, _ in self.opaque) or kind in _OPAQUE:
                conditional = reader.takes("IF", "EXISTS")
                token = reader.token
                name = token.text if token.kind in ("number", "string") else str(self.name())
                if self.opaque.pop((kind, name), None) is None and not conditional:
                    self.skip(f"the {kind} `{name}` is not known")
                reader.rest()
                return
        raise reader.error("DROP of an object of unknown kind")


def _numbers(options: SequenceOptions) -> dict[str, int]:
    return {
        "start": options.start,
        "increment": options.increment,
        "minimum": options.minimum,
        "maximum": options.maximum,
        "cache": options.cache,
    }


_SEQUENCE: Final = {
    "START": "start",
    "INCREMENT": "increment",
    "MINVALUE": "minimum",
    "MAXVALUE": "maximum",
    "CACHE": "cache",
}
_OPAQUE: Final = frozenset(
    (
        "event",
        "server",
        "tablespace",
        "undo tablespace",
        "logfile group",
        "resource group",
        "package",
        "package body",
        "spatial reference system",
        "library",
    )
)
