"""Answers that tell whether an account exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..names import words
from .access import access_of, declares_access
from .api import Api, Operation
from .document import Node
from .purposes import Purpose, purposes_of
from .sensitivity import is_person

MAX_TEXTS = 40  # of one object of a response
LOOKS_UP = {Purpose.LOGIN, Purpose.RECOVERY, Purpose.CODE_CHECK, Purpose.REGISTRATION}


class Enumeration(NamedTuple):
    """An operation that tells whether an account exists.

    `how`: `tells` by what an error says, `registers` if that is of a registration only, `looks up`
    by 200 or 404 to anyone; `told`: the words of the error, or the name of the key; `response`:
    the one that differs.
    """

    operation: Operation
    how: str
    told: str
    response: Node


def enumerations(api: Api) -> tuple[Enumeration, ...]:
    """The operations that give accounts away, in the order of the document."""
    return tuple(found for op in api.operations for found in _enumeration(api, op))


def _enumeration(api: Api, operation: Operation) -> Iterator[Enumeration]:
    these = purposes_of(operation)
    if these & LOOKS_UP:
        how = "registers" if these == {Purpose.REGISTRATION} else "tells"
        for told, response in _told(api, operation):
            yield Enumeration(operation, how, told, response)
            return
        if Purpose.RECOVERY in these and "404" in operation.responses:
            yield Enumeration(operation, how, "", operation.responses["404"])
    elif (name := _account_key(operation)) and api.once(declares_access):
        yield Enumeration(operation, "looks up", name, operation.responses["404"])


def _account_key(operation: Operation) -> str:
    """The parameter by which anyone looks up an account: `username`; empty if it is none."""
    if operation.method != "get" or not {"200", "404"} <= operation.responses.keys():
        return ""
    *_, collection, last = ("", "", *_without_versions(operation.path))
    name = last.strip("{}") if access_of(operation).anonymous else ""
    named = last[:1] == "{" and _ACCOUNT_KEY.match(words(name)) and is_person(collection)
    return name if named else ""


def _without_versions(path: str) -> list[str]:
    return [part for part in path.split("/") if part and not VERSION.match(part)]


VERSION = re.compile(r"^v\d+([._]\d+)*$", re.I)


_ACCOUNT_KEY = re.compile(r"^_(user_?name|user|login|e_?mail|phone(_number)?|handle|name)_$")
_TELLS = re.compile(
    r"(password|passcode|credential)\S{0,2} (is |was )?(not |in)?(correct|valid|wrong|right|match)"
    r"[^.]{0,30}(user|account|e-?mail)"
    r"|(wrong|invalid|incorrect) password\b(?! or | and |/)"
    r"|(user ?name|user|account|e-?mail|phone( number)?|login)( \w+){0,2} (is |was |has )?"
    r"(not (found|registered|exist|recogni[sz]ed|valid)|does ?n[o']t exist|unknown|already)",
    re.I,
)
_EITHER = re.compile(  # says that one of both is wrong, which is right
    r"(user ?name|e-?mail|login|account|phone)( \w+)?( or |/| and/or | / )(the )?pass"
    r"|pass(word|code)( or |/| / )(the )?(user ?name|e-?mail|login|account|phone)",
    re.I,
)


def _told(api: Api, operation: Operation) -> Iterator[tuple[str, Node]]:
    for _, response in operation.errors:
        for text in _texts(api, response.value):
            if _TELLS.search(text) and not _EITHER.search(text):
                yield text, response


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
