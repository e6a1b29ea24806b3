"""Facts about signing in: purposes, codes, passwords, proof, what answers give away, tokens."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from math import log2
from typing import Any

from ...names import words
from ...openapi.api import Api, Operation
from ...openapi.credentials import CURRENT, choices, names_sent, names_user, proves_owner
from ...openapi.purposes import Purpose, purposes, purposes_of, received
from ...openapi.sensitivity import Sense, is_person
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
MAX_TEXTS = 40  # of one response


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
    for operation in api.operations:
        yield from _enumerates(api, operation)
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


# Answers that give accounts away


_TELLS_ACCOUNT = re.compile(
    r"(password|passcode|credential)\S{0,2} (is |was )?(not |in)?(correct|valid|wrong|right|match)"
    r"[^.]{0,30}(user|account|e-?mail)"
    r"|(wrong|invalid|incorrect) password"
    r"|(user ?name|user|account|e-?mail|phone( number)?|login)( \w+){0,2} (is |was |has )?"
    r"(not (found|registered|exist|recogni[sz]ed|valid)|does ?n[o']t exist|unknown|already)",
    re.I,
)
_LOOKS_UP = {Purpose.LOGIN, Purpose.RECOVERY, Purpose.CODE_CHECK, Purpose.REGISTRATION}


def _enumerates(api: Api, operation: Operation) -> Iterator[Fact]:
    subject, these = subject_of(operation), purposes_of(operation)
    if these & _LOOKS_UP:
        told = next(_told_accounts(api, operation), None)
        missing = "404" in operation.responses and Purpose.RECOVERY in these
        if told or missing:
            note = (
                f"an error says {quoted(told, 120)}" if told else "an unknown account answers 404"
            )
            kind = "registers" if these == {Purpose.REGISTRATION} else "tells"
            place = operation.node.place("responses")
            yield Fact(Kind.ENUMERATES, subject, kind, Basis.OBSERVED, place, note)
    elif not operation.protected and operation.method == "get" and "404" in operation.responses:
        name = operation.path.rstrip("/").rpartition("/")[2].strip("{}")
        before = operation.path.rstrip("/").rpartition("/")[0]
        if operation.path.endswith("}") and _ACCOUNT_KEY.match(words(name)) and is_person(before):
            note = f"anyone learns by 200 or 404 whether {quoted(name)} exists"
            place = operation.node.place("responses")
            yield Fact(Kind.ENUMERATES, subject, "looks up", Basis.DERIVED, place, note)


_ACCOUNT_KEY = re.compile(r"^_(user_?name|user|login|e_?mail|phone(_number)?|handle|name)_$")


def _told_accounts(api: Api, operation: Operation) -> Iterator[str]:
    for _, response in operation.errors:
        for text in _texts(api, response.value):
            if _TELLS_ACCOUNT.search(text):
                yield text


def _texts(api: Api, value: Any, depth: int = 0) -> Iterator[str]:
    """Descriptions, examples and constants of a response, nearest first; bounded."""
    if depth > 8:
        return
    if isinstance(value, str):
        yield value[:300]
    elif isinstance(value, list):
        for item in value[:MAX_TEXTS]:
            yield from _texts(api, item, depth + 1)
    elif isinstance(value, dict):
        target = api.description.resolve(value) if "$ref" in value else None
        if target is not None and depth < 4:
            yield from _texts(api, target.value, depth + 1)
            return
        for item in list(value.values())[:MAX_TEXTS]:
            yield from _texts(api, item, depth + 1)


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

_VERSION = re.compile(r"^v\d+([._]\d+)*$", re.I)
_SENSITIVE = _LOOKS_UP | {Purpose.CREDENTIAL_CHANGE, Purpose.ADMINISTRATION}


def _versions(api: Api) -> Iterator[Fact]:
    groups: dict[tuple[str, str], list[Operation]] = defaultdict(list)
    for operation in api.operations:
        kept = [part for part in operation.path.split("/") if not _VERSION.match(part)]
        if len(kept) != len(operation.path.split("/")):
            groups[operation.method, "/".join(kept)].append(operation)
    for same in groups.values():
        live = [op for op in same if op.node.get("deprecated") is not True]
        paths = {operation.path for operation in live}
        if len(paths) < 2:
            continue
        subjects = tuple(map(subject_of, live))
        sensitive = any(purposes_of(operation) & _SENSITIVE for operation in live)
        for operation in live:
            others = [each for each in subjects if each != subject_of(operation)]
            note = f"{', '.join(map(quoted, others[:3]))} does the same, in another version"
            value = ("sensitive" if sensitive else "ordinary", *subjects)
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
