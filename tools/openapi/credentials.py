"""What requests about credentials carry: proof of who asks, whose account, one-time codes."""

from __future__ import annotations

import re

from ..names import words
from .api import Api, Operation
from .document import Node
from .purposes import received
from .sensitivity import Field, Sense


def proves_owner(operation: Operation, new: list[Field]) -> bool:
    """Whether the request carries what only the owner of the account knows, beside the new one."""
    carried = {words(field.path.rpartition(".")[2]) for field in new}
    if any(CURRENT.search(name) for name in carried):
        return True
    proofs = (Sense.CODE, Sense.SECRET)
    if any(field.sense in proofs for field in received(operation)):
        return True
    names = [words(name) for name in names_sent(operation)]
    names += [words(listed.node.get("name")) for listed in operation.parameters]
    return any(CURRENT.search(name) or _PROOF.search(name) for name in names)


def names_sent(operation: Operation) -> list[str]:
    """The names of the properties of a request's bodies."""
    properties = operation.api.properties
    return [name for body in operation.request_bodies for name in properties(body.schema)]


CURRENT = re.compile(r"_(current|old|previous|existing|present|original)_")
_PROOF = re.compile(r"_(token|code|otp|key|hash|signature|secret|nonce|challenge|proof|ticket)_$")
_USER = re.compile(
    r"^_(user_?name|user|user_id|email|email_address|e_mail|login|account_id|account|phone|number"
    r"|customer_id|member_id|id)_$"
)


def names_user(operation: Operation) -> list[str]:
    """Parameters and properties by which the client says whose password it is."""
    names = [
        str(listed.node.get("name"))
        for listed in operation.parameters
        if listed.node.get("in") in ("path", "query")
    ]
    return [name for name in (*names, *names_sent(operation)) if _USER.match(words(name))]


ENOUGH_BITS = 19.9  # six digits; ASVS counts them as 20
_DIGITS = re.compile(r"\^?(\\d|\[0-9\])(\{(\d,)?(?P<length>\d{1,2})\}|\+|\*)\$?")


def choices(api: Api, node: Node) -> tuple[int, int, str] | None:
    """How many codes there are, at least and at most, and the reason; None if nothing bounds it."""
    parts = api.parts(node)
    lengths = [part.get("maxLength") for part in parts]
    length = next((n for n in lengths if type(n) is int and 0 < n < 100), None)
    maxima = [part.get("maximum") for part in parts]
    maximum = next((n for n in maxima if type(n) is int and 0 < n < 10**30), None)
    pattern = next((part.get("pattern") for part in parts if part.get("pattern")), None)
    digits = _DIGITS.fullmatch(pattern) if isinstance(pattern, str) else None
    if digits:
        length = int(digits["length"] or length or 0)
        return (10**length, 10**length, f"{length} digits") if length else None
    if maximum and "integer" in api.types(node):
        return maximum + 1, maximum + 1, f"a number up to {maximum}"
    if length and pattern is None:
        return 10**length, 36**length, f"at most {length} characters"
    return None
