"""Who may call, put together from what the operator gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl, ValidationError

from .tokens import AnyOf, BadSettings, Jwts, Tokens, issuer_in


@dataclass(frozen=True, slots=True)
class Access:
    """How callers are told apart; `settings` and `verifier` are None where anyone may call."""

    settings: AuthSettings | None = None
    verifier: TokenVerifier | None = None


def access(
    resource: str,
    *,
    tokens: Path | None = None,
    jwks: Path | None = None,
    issuer: str = "",
    issuer_metadata: Path | None = None,
    audience: str = "",
    scopes: Sequence[str] = (),
) -> Access:
    """What verifies tokens for the server at `resource`, the URL that clients know it by.

    With `jwks` it is an OAuth 2.1 resource server, and publishes metadata (RFC 9728) that leads
    clients to the issuer. Raises `BadSettings`.
    """
    verifiers: list[TokenVerifier] = [Tokens(tokens)] if tokens else []
    if jwks:
        issuer = issuer or (issuer_in(issuer_metadata) if issuer_metadata else "")
        if not issuer:
            raise BadSettings("--jwks needs --issuer URL or --issuer-metadata FILE")
        verifiers.append(Jwts(jwks, issuer, audience or resource))
    elif issuer or issuer_metadata or audience or scopes:
        raise BadSettings("--issuer, --issuer-metadata, --audience and --scope go with --jwks FILE")
    if not verifiers:
        return Access()
    if tokens and scopes:
        raise BadSettings("tokens of a file have no scopes: give --scope or --tokens, not both")
    try:
        settings = AuthSettings(
            issuer_url=AnyHttpUrl(issuer or resource),
            resource_server_url=AnyHttpUrl(resource) if jwks else None,
            required_scopes=list(scopes),
            validate_token_resource=False if jwks else None,  # the verifier checks the audience
        )
    except ValidationError:
        raise BadSettings(f"no URL: {issuer or resource!r}") from None
    return Access(settings, AnyOf(*verifiers))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
