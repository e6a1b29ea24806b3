"""Who calls: bearer tokens of a file, or JWTs of an OAuth 2.1 authorisation server.

Nothing is fetched: keys and metadata of the issuer come from files, which are read again when they
change, so that keys can be rotated without a restart.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import jwt
from mcp.server.auth.provider import AccessToken, TokenVerifier

T = TypeVar("T")

ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "EdDSA"),
)
"""Asymmetric ones (RFC 8725, section 3.1): with a shared secret, whoever verifies could sign."""

LEEWAY: Final = 30  # seconds that clocks may differ by
MAX_TOKEN: Final = 8_192  # characters; a longer one is not looked at


class BadSettings(ValueError):
    """A file on who may call that cannot be used; the message says what would be right."""


@dataclass
class Watched(Generic[T]):
    """What a file says, read again when its time or size changes.

    A change that cannot be read leaves the last good state, and the server running.
    """

    path: Path
    parse: Callable[[str], T]
    _stamp: tuple[int, int] = field(init=False)
    _value: T = field(init=False)

    def __post_init__(self) -> None:
        try:
            self._stamp, self._value = self._read()
        except (OSError, ValueError) as error:
            raise BadSettings(f"{self.path}: {error}") from None

    def value(self) -> T:
        """What the file says now."""
        try:
            if self._now() != self._stamp:
                self._stamp, self._value = self._read()
        except (OSError, ValueError):
            pass
        return self._value

    def _now(self) -> tuple[int, int]:
        status = self.path.stat()
        return status.st_mtime_ns, status.st_size

    def _read(self) -> tuple[tuple[int, int], T]:
        stamp = self._now()
        return stamp, self.parse(self.path.read_text("utf-8"))


class Tokens(TokenVerifier):
    """Bearer tokens for small teams: a file with lines `NAME SHA256`, and comments after `#`."""

    def __init__(self, path: Path) -> None:
        self._names = Watched(path, names_by_digest)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whose token it is; None if nobody's."""
        seen = digest(token)
        for known, name in self._names.value().items():
            if compare_digest(known, seen):
                return AccessToken(token=token, client_id=name, subject=name, scopes=[])
        return None


def new_token() -> str:
    """A token that nobody guesses: 256 random bits. Its plain hash is safe to keep, as it is."""
    return f"ba_{secrets.token_urlsafe(32)}"


def digest(token: str) -> str:
    """The SHA-256 of a token in hexadecimal digits, as a token file holds it."""
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def names_by_digest(text: str) -> dict[str, str]:
    """What a token file says. Raises `ValueError` with the line that is wrong."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        entry = re.fullmatch(r"([\w.@-]{1,64})\s+([0-9a-f]{64})", content)
        if not entry:
            raise ValueError(f"line {number} is no `NAME SHA256` (`backend-architect token NAME`)")
        found[entry[2]] = entry[1]
    return found


class Jwts(TokenVerifier):
    """Access tokens in JWT form (RFC 9068), verified against the issuer's published keys.

    A token counts if its signature is by a key of the set that it names, its issuer and audience
    are the expected ones, and it has not expired.
    """

    def __init__(self, jwks: Path, issuer: str, audience: str) -> None:
        self._keys = Watched(jwks, keys_by_id)
        self._issuer, self._audience = issuer, audience

    async def verify_token(self, token: str) -> AccessToken | None:
        """The claims that count; None for a token that does not hold."""
        if len(token) > MAX_TOKEN:
            return None
        try:
            key = self._key(jwt.get_unverified_header(token))
            if key is None:
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            return None
        return AccessToken(
            token=token,
            client_id=str(claims.get("client_id") or claims.get("azp") or claims["sub"]),
            subject=str(claims["sub"]),
            scopes=scopes_of(claims),
            expires_at=int(claims["exp"]) + LEEWAY,
            resource=self._audience,
            claims={"iss": claims["iss"]},
        )

    def _key(self, header: Mapping[str, Any]) -> jwt.PyJWK | None:
        keys = self._keys.value()
        if "kid" in header:
            return keys.get(str(header["kid"]))
        return next(iter(keys.values())) if len(keys) == 1 else None


def keys_by_id(text: str) -> dict[str, jwt.PyJWK]:
    """The keys of a JWK set (RFC 7517) that verify signatures. Raises `ValueError`."""
    try:
        found = jwt.PyJWKSet.from_json(text).keys
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"no JWK set (RFC 7517): {error}") from None
    if any(key.key_type == "oct" for key in found):
        raise ValueError("a symmetric key: whoever verifies with it could sign, too")
    return {
        key.key_id or str(number): key
        for number, key in enumerate(found)
        if key.public_key_use in (None, "sig")
    }


def scopes_of(claims: Mapping[str, Any]) -> list[str]:
    """The scopes of a token: `scope` (RFC 9068, section 2.2.3) or `scp`, as text or list."""
    said = claims.get("scope", claims.get("scp", ""))
    listed: Sequence[Any] = said.split() if isinstance(said, str) else said
    return [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []


def issuer_in(path: Path) -> str:
    """The issuer that a metadata document (RFC 8414, OpenID Connect Discovery) names."""
    try:
        found = json.loads(path.read_text("utf-8"))["issuer"]
    except (OSError, ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, str):
        raise BadSettings(f"{path}: no metadata of an issuer: a JSON object with `issuer`")
    return found


class AnyOf(TokenVerifier):
    """The first verifier that knows a token decides."""

    def __init__(self, *verifiers: TokenVerifier) -> None:
        self._verifiers = verifiers

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whose token it is; None if nobody's."""
        for verifier in self._verifiers:
            found = await verifier.verify_token(token)
            if found:
                return found
        return None
