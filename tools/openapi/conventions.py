"""What nearly all of an API does alike: conventions inferred by vote, and what departs from them.

A vote needs a number of supporters and few outliers; a split one is no convention, and silent.
Names that fit several casings (`id` is camel, snake and kebab case) do not vote.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

from ..names import words
from .values import listing

T = TypeVar("T")
C = TypeVar("C", bound=Hashable)

SUPPORT = 10
"""How many must agree before there is a convention at all."""

SHARE = 0.9
"""Which part of those that vote must agree."""


@dataclass(frozen=True, slots=True)
class Convention(Generic[C, T]):
    """What `support` of `total` voters do, and those that do something else, with what they do."""

    choice: C
    support: int
    total: int
    outliers: tuple[tuple[C, T], ...]

    @property
    def ratio(self) -> str:
        """How many agree: 212 of 215."""
        return f"{self.support} of {self.total}"


def convention(
    ballots: Iterable[tuple[C, T]], support: int = SUPPORT, share: float = SHARE
) -> Convention[C, T] | None:
    """What nearly all ballots, pairs of a choice and its voter, agree on; None on a split vote."""
    cast = list(ballots)
    if len(cast) < support:
        return None
    [(winner, votes)] = Counter(choice for choice, _ in cast).most_common(1)
    if votes < support or votes < share * len(cast):
        return None
    outliers = tuple((choice, voter) for choice, voter in cast if choice != winner)
    return Convention(winner, votes, len(cast), outliers)


# Casing

_CASINGS = {
    "snake_case": re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*"),
    "camelCase": re.compile(r"[a-z][a-z0-9]*([A-Z][A-Za-z0-9]*)?"),
    "kebab-case": re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*"),
    "PascalCase": re.compile(r"[A-Z][A-Za-z0-9]*"),
    "UPPER_CASE": re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*"),
    "Hyphenated-Case": re.compile(r"[A-Z][A-Za-z0-9]*(-[A-Z0-9][A-Za-z0-9]*)*"),
}
_WORDS = re.compile(r"[A-Za-z][A-Za-z0-9]*([_-][A-Za-z0-9]+)*")
_OTHER = re.compile(r"x-.*|[a-z]{2,3}[-_][A-Z]{2}|[A-Z][A-Z0-9]*|[A-Z]{2,}s")
"""Extensions, locales and acronyms."""


@lru_cache(maxsize=20_000)
def casings_of(name: str) -> frozenset[str]:
    """The casings that a name fits, a leading `_` or `$` aside; all if it is of no kind at all."""
    bare = name.lstrip("_$@")
    if not _WORDS.fullmatch(bare) or _OTHER.fullmatch(bare):
        return frozenset(_CASINGS)
    return frozenset(casing for casing, shape in _CASINGS.items() if shape.fullmatch(bare))


def casing(
    names: Iterable[str], support: int = SUPPORT, share: float = SHARE
) -> Convention[str, str] | None:
    """The casing of nearly all names that show one; outliers are those that do not fit it."""
    fits = {name: casings_of(name) for name in names}
    votes = Counter(next(iter(fit)) for fit in fits.values() if len(fit) == 1)
    [(winner, agreeing)] = votes.most_common(1) or [("", 0)]
    outliers = tuple((_described(fit), name) for name, fit in fits.items() if winner not in fit)
    total = agreeing + len(outliers)
    if agreeing < support or agreeing < share * total:
        return None
    return Convention(winner, agreeing, total, outliers)


def _described(fit: frozenset[str]) -> str:
    return min(fit, key=list(_CASINGS).index) if fit else "of mixed casing"


_STANDARD = (
    "access_token acr_values client_assertion client_assertion_type client_id client_secret"
    " code_challenge code_challenge_method code_verifier device_code error_description error_uri"
    " expires_in grant_type id_token id_token_hint login_hint logo_uri max_age redirect_uri"
    " redirect_uris refresh_token response_mode response_type token_endpoint token_type"
    " token_type_hint ui_locales user_code verification_uri given_name family_name"
    " middle_name preferred_username email_verified phone_number phone_number_verified"
    " updated_at zoneinfo jwks_uri"
)
STANDARD = frozenset(_STANDARD.split())
"""Names that standards fix: OAuth 2.0 (RFC 6749, 7636, 7662, 8628) and OpenID Connect Core."""


_FAMILIES = dict.fromkeys(("integer", "number"), "number") | {
    "string": "string",
    "boolean": "boolean",
}


def family_of(named: Any) -> str:
    """The one kind of scalar that a `type` names, null aside; integers are numbers. Or nothing."""
    if type(named) is str:
        return _FAMILIES.get(named, "")
    kinds = {str(kind) for kind in listing(named)} - {"null"}
    families = {_FAMILIES.get(kind, "") for kind in kinds}
    return families.pop() if len(families) == 1 else ""


_MOMENT = re.compile(
    r"_(at|timestamp|date_?time)_$"
    r"|_(created|updated|modified|changed|deleted|cancell?ed|completed|expired?s?|expiry|expiration"
    r"|start(ed|s)?|end(ed|s)?|finished|issued|published|archived|last_\w+)_(on|time|date)_$"
)


def is_moment(name: str) -> bool:
    """Whether a name says that the value is a moment: `created_at`, `startTime`."""
    return _MOMENT.search(words(name)) is not None


def moment_of(schema: dict[str, Any]) -> str:
    """How a schema writes a moment: `date-time`, `date`, a plain string, a number. Or nothing."""
    kind, format = family_of(schema.get("type")), schema.get("format")
    if kind == "string" and ("enum" in schema or "const" in schema):
        return ""
    if kind == "string":
        return str(format) if format else "a plain string" if not schema.get("pattern") else ""
    return "a number" if kind == "number" else ""
