"""The inventory of sensitive data: columns and fields by class, their ways, what each needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..names import words
from ..report import Location, clean
from ..rule import Place
from .facts import Basis, Fact, Facts, Kind

_IGNORED = ("privilege", "internal detail")
MAX_OPERATIONS = 20  # that are named for one entry

NEEDS: dict[str, dict[str, str]] = {
    "password": {
        "encryption": "slow, salted hash (Argon2id); never reversible",
        "masking": "never shown",
        "logs": "never",
        "retention": "with the account",
        "audit": "each change",
    },
    "secret": {
        "encryption": "hash where it is compared, encrypted where it is used",
        "masking": "shown once, then its end only",
        "logs": "never",
        "retention": "short, with an end of its own",
        "audit": "issue, use from new places, revocation",
    },
    "one-time code": {
        "encryption": "hash",
        "masking": "never shown",
        "logs": "never",
        "retention": "minutes",
        "audit": "issue and failed attempts",
    },
    "payment data": {
        "encryption": "column or token of the provider; verification codes are not kept",
        "masking": "last four digits",
        "logs": "never in full",
        "retention": "as long as the payment needs",
        "audit": "each access",
    },
    "identity document": {
        "encryption": "column",
        "masking": "last characters",
        "logs": "never",
        "retention": "as long as the law asks",
        "audit": "each access",
    },
    "health data": {
        "encryption": "column",
        "masking": "by role",
        "logs": "never",
        "retention": "as long as the law asks",
        "audit": "each access",
    },
    "location": {
        "encryption": "disk; coarse where that is enough",
        "masking": "coarse for others",
        "logs": "coarse",
        "retention": "days",
        "audit": "access by others",
    },
    "personal data": {
        "encryption": "disk",
        "masking": "by role",
        "logs": "masked",
        "retention": "with its purpose; erased on request",
        "audit": "exports",
    },
    "contact data": {
        "encryption": "disk",
        "masking": "in part for others",
        "logs": "masked",
        "retention": "with its purpose; erased on request",
        "audit": "exports",
    },
}


class Inventory:
    """Entries for columns and for the fields of requests and responses."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._moves: dict[tuple[str, str], dict[str, set[str]]] = {}
        self._fields: dict[Place, list[Fact]] = {}
        for fact in facts.of(Kind.RETURNS, Kind.RECEIVES):
            held = fact.value
            if held.sense in _IGNORED or fact.at is None:
                continue
            self._fields.setdefault(fact.at, []).append(fact)
            moves = self._moves.setdefault((words(_leaf(held.path)), held.sense), {})
            side = "returned_by" if fact.kind is Kind.RETURNS else "taken_by"
            moves.setdefault(side, set()).add(fact.subject)

    def places(self) -> Iterable[Place]:
        """The places of all entries."""
        columns = (fact.at for fact in self._facts.of(Kind.COLUMN))
        return [*(at for at in columns if at is not None), *self._fields]

    def entries(self, at: Mapping[Place, Location]) -> tuple[dict[str, Any], ...]:
        """All entries, the most sensitive first."""
        found = [self._column(fact, at) for fact in self._facts.of(Kind.COLUMN)]
        found += [self._field(facts, at) for facts in self._fields.values()]
        order = list(NEEDS)
        return tuple(sorted(found, key=lambda e: (order.index(e["sense"]), e["kind"], e["name"])))

    def _column(self, fact: Fact, at: Mapping[Place, Location]) -> dict[str, Any]:
        held = fact.value
        stored = self._facts.first(fact.subject, Kind.STORED)
        return {
            "name": held.path,
            "kind": "column",
            "class": str(held.data),
            "confidence": str(held.confidence),
            **self._rest(fact, at),
            **({"stored": stored.note} if stored else {}),
        }

    def _field(self, facts: list[Fact], at: Mapping[Place, Location]) -> dict[str, Any]:
        first = facts[0]
        sure = first.value.person or first.basis is Basis.OBSERVED
        return {
            "name": _named(first),
            "kind": "field",
            "class": first.value.sense,
            "confidence": "high" if sure else "medium",
            **self._rest(first, at),
        }

    def _rest(self, fact: Fact, at: Mapping[Place, Location]) -> dict[str, Any]:
        held = fact.value
        found = at.get(fact.at) if fact.at else None
        moves = self._moves.get((words(_leaf(held.path)), held.sense), {})
        declared = self._declared(held.path)
        return {
            "sense": held.sense,
            "token": clean(held.token, 80),
            **({"file": found.file, "line": found.line} if found else {}),
            "travels": {side: sorted(ops)[:MAX_OPERATIONS] for side, ops in sorted(moves.items())},
            "needs": NEEDS[held.sense],
            **({"declared_as": declared} if declared else {}),
        }

    def _declared(self, path: str) -> str:
        """The data class of the description that names it."""
        leaf = words(_leaf(path))
        for fact in self._facts.of(Kind.DATA):
            if any(leaf == words(_leaf(name)) for name in fact.value.fields):
                return fact.subject
        return ""


def _named(fact: Fact) -> str:
    """A field with its schema, where that has a name: `Account.email`."""
    steps = [str(step) for step in fact.at.path] if fact.at else []
    for key in ("schemas", "definitions"):
        if key in steps[:2]:
            inner = [s for s in steps[steps.index(key) + 1 :] if s not in ("properties", "items")]
            return clean(".".join(s for s in inner if not s.isdecimal()), 160)
    return str(fact.value.path)


def _leaf(path: str) -> str:
    return path.rpartition(".")[2].removesuffix("[]")
