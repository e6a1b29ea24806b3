"""Facts about signing in: purposes, codes, passwords, proof, what answers give away, tokens."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from math import log2
from typing import Any

from ...names import words
from ...openapi.accounts import enumerations
from ...openapi.api import Api, Operation
from ...openapi.credentials import CURRENT, choices, names_sent, names_user, proves_owner
from ...openapi.inventory import is_sensitive, same_steps
from ...openapi.purposes import Purpose, purposes, purposes_of, received
from ...openapi.sensitivity import Sense
from ...openapi.values import mapping
from ...report import clean, quoted
from ..facts import Basis, Code, Fact, Kind, Password
from .access import subject_of

_SETS_PASSWORD = {
    Purpose.REGISTRATION,
    Purpose.CREDENTIAL_CHANGE,
    Purpose.CODE_CHECK,
    Purpose.RECOVERY,
}


def signin_facts(api: Api) -> Iterator[Fact]:
    """Steps of signing in and what can be seen of them."""
    for operation, these in api.once(purposes).items():
        subject = subject_of(operation)
        if Purpose.CODE_CHECK in these or Purpose.CREDENTIAL_CHANGE in these:
            yield from _codes(api, operation, subject)
        if these & _SETS_PASSWORD:
            yield from _passwords(api, operation, subject)
        if Purpose.CREDENTIAL_CHANGE in these:
            yield from _proof(operation, subject)
    yield from _enumerations(api)
    for operation in api.operations:
        yield from _named_subject(api, operation)
    yield from _versions(api)


def _codes(api: Api, operation: Operation, subject: str) -> Iterator[Fact]:
    for field in received(operation):
        known = choices(api, field.node) if field.sense is Sense.CODE else None
        if known is None:
            continue
        least, most, why = known
        bits = f"{log2(least):.1f}" + (f" to {log2(most):.1f}" if most > least else "")
        value = Code(field.path, round(log2(least), 1), round(log2(most), 1), why)
        note = f"{quoted(field.path)} is {why}: {bits} bits"
        yield Fact(Kind.CODE, subject, value, Basis.OBSERVED, field.node.place(), note)


def _passwords(api: Api, operation: Operation, subject: str) -> Iterator[Fact]:
    for field in received(operation):
        if field.sense is not Sense.PASSWORD or CURRENT.search(words(field.path)):
            continue
        parts = [part.value for part in api.parts(field.node) if isinstance(part.value, dict)]
        bounds = {
            key: next((part[key] for part in parts if type(part.get(key)) is int), None)
            for key in ("minLength", "maxLength")
        }
        pattern = next(
            (part["pattern"] for part in parts if isinstance(part.get("pattern"), str)), ""
        )
        demands = clean(pattern, 120) if _CLASSES.search(pattern) else ""
        value = Password(field.path, bounds["minLength"], bounds["maxLength"], demands)
        said = ", ".join(f"{key} {n}" for key, n in bounds.items() if n is not None)
        note = f"sets {quoted(field.path)}, {said or 'no length is declared'}"
        yield Fact(Kind.NEW_PASSWORD, subject, value, Basis.OBSERVED, field.node.place(), note)


_CLASSES = re.compile(r"\(\?=.*(\[A-Z\]|\\d|\[0-9\]|\[a-z\]|\\W|\[\^)")


def _proof(operation: Operation, subject: str) -> Iterator[Fact]:
    new = [field for field in received(operation) if field.sense is Sense.PASSWORD]
    if not new:
        return
    proven = proves_owner(operation, new)
    named = names_user(operation)
    whose = f", and the request says whose ({', '.join(map(quoted, named[:3]))})" if named else ""
    note = f"sets {quoted(new[0].path)} with " + (
        "a proof of who asks" if proven else f"neither the current one nor a code{whose}"
    )
    place = new[0].node.place()
    yield Fact(Kind.PROOF, subject, proven, Basis.OBSERVED, place, clean(note, 300))


def _enumerations(api: Api) -> Iterator[Fact]:
    for operation, how, told, _ in enumerations(api):
        basis = Basis.DERIVED if how == "looks up" else Basis.OBSERVED
        note = f"an error says {quoted(told, 120)}" if told else "an unknown account answers 404"
        if how == "looks up":
            note = f"anyone learns by 200 or 404 whether {quoted(told)} exists"
        place = operation.node.place("responses")
        yield Fact(Kind.ENUMERATES, subject_of(operation), how, basis, place, note)


_SUBJECT = re.compile(
    r"^_(user_?id|user_?name|account_?id|customer_?id|member_?id|e_?mail|owner(_id)?)_$"
)


def _named_subject(api: Api, operation: Operation) -> Iterator[Fact]:
    """Calls for oneself whose request says who that is, although a credential is required."""
    these = purposes_of(operation)
    own = these & {Purpose.CREDENTIAL_CHANGE, Purpose.RECOVERY, Purpose.CODE_CHECK}
    if (
        not operation.protected
        or Purpose.ADMINISTRATION in these
        or not (own or _is_self(operation))
    ):
        return
    for name in names_sent(operation):
        if _SUBJECT.match(words(name)) and not CURRENT.search(words(name)):
            note = f"the request names its subject in {quoted(name)}, which the credential tells"
            place = operation.node.place()
            subject = subject_of(operation)
            yield Fact(Kind.NAMES_SUBJECT, subject, clean(name, 80), Basis.HEURISTIC, place, note)
            return


def _is_self(operation: Operation) -> bool:
    return bool(
        re.search(r"/(me|my|self|profile|account|transfer|withdraw\w*)(/|$)", operation.path, re.I)
    )


# Versions of one step


def _versions(api: Api) -> Iterator[Fact]:
    for step in same_steps(api):
        subjects = tuple(map(subject_of, step))
        for operation in step:
            others = [each for each in subjects if each != subject_of(operation)]
            note = f"{', '.join(map(quoted, others[:3]))} does the same, in another version"
            value = ("sensitive" if is_sensitive(step) else "ordinary", *subjects)
            place = operation.node.place()
            yield Fact(Kind.VERSIONS, subject_of(operation), value, Basis.DERIVED, place, note)


# Tokens and secrets in examples

_JWT = re.compile(r"\beyJ[\w-]{5,2000}\.eyJ[\w-]{5,4000}\.?[\w-]*")


def decoded(text: str) -> dict[str, Any] | None:
    """The header and claims of a JWT in a text, unverified; None if there is none."""
    found = _JWT.search(text)
    if found is None:
        return None
    try:
        header, claims = (
            json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
            for part in found[0].split(".")[:2]
        )
    except (ValueError, binascii.Error, RecursionError):
        return None
    return {"header": mapping(header), "claims": mapping(claims)}
