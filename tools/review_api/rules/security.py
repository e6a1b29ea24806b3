"""Rules about security: what is declared, what is required, and what travels where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from ...openapi.api import Api
from ...openapi.document import Node
from ...openapi.kinds import Version
from ...openapi.values import mapping
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import API2, API5, API9, SECURITY_REQUIREMENT, SECURITY_SCHEME

_REGISTERED = "https://www.iana.org/assignments/http-authschemes/"
_FLOWS = "https://spec.openapis.org/oas/v3.1.1#oauth-flows-object"


# Declared and required


@rule(
    "api/security-scheme-undefined",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="security_requirement",
    fix="Declare the scheme, or name one that is declared",
    references=["CWE-306", SECURITY_REQUIREMENT, *API2],
    bad="""
    paths:
      /pets:
        get:
          security:
            - tokn: []
    """,
    good="""
    paths:
      /pets:
        get:
          security:
            - token: []
    """,
)
def security_scheme_undefined(requirement: Node, api: Api) -> Iterator[Hit]:
    """A security requirement names a scheme that is not declared.

    Nobody can tell from the description how to authenticate such a call. Generators skip the
    requirement without a word, so the client sends no credential, and a gateway that enforces the
    description either rejects every call or, worse, enforces nothing.
    """
    declared = _declared(api.root.value, api.version)
    if requirement.file != api.root.file:
        declared |= _declared(api.description.sources[requirement.file].data, api.version)
    for name in mapping(requirement.value):
        if name in declared or (api.version is Version.V32 and re.search("[:/#]", name)):
            continue  # 3.2 may name a scheme by its URI
        near = {known.lower(): known for known in sorted(declared)}
        close = get_close_matches(name.lower(), near, n=1, cutoff=0.7)
        yield Hit(
            requirement.place(name),
            f"no security scheme is named {quoted(name)}",
            cause=f"no security scheme is named {quoted(name)}",
            evidence="declared: " + (", ".join(map(quoted, sorted(declared))) or "none"),
            fix=f"Did you mean {quoted(near[close[0]])}?" if close else "",
        )


def _declared(document: Any, version: Version) -> set[str]:
    """The names of declared schemes, those whose reference is broken included."""
    if version is Version.V20:
        return set(mapping(document.get("securityDefinitions")))
    return set(mapping(mapping(document.get("components")).get("securitySchemes")))


@rule(
    "api/security-scope-undefined",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="security_requirement",
    fix="Declare the scope in the flows of the scheme, or require one that is declared",
    references=["CWE-862", SECURITY_REQUIREMENT, _FLOWS, *API5],
    bad="""
    paths:
      /pets:
        get:
          security:
            - login: [pets:red]
    components:
      securitySchemes:
        login:
          type: oauth2
          flows:
            clientCredentials:
              tokenUrl: https://id.example.com/token
              scopes: {pets:read: See pets}
    """,
    good="""
    paths:
      /pets:
        get:
          security:
            - login: [pets:read]
    components:
      securitySchemes:
        login:
          type: oauth2
          flows:
            clientCredentials:
              tokenUrl: https://id.example.com/token
              scopes: {pets:read: See pets}
    """,
)
def security_scope_undefined(requirement: Node, api: Api) -> Iterator[Hit]:
    """A security requirement asks for a scope that its scheme does not offer.

    A client requests the scopes it finds in the flows. One that is not listed there cannot be
    requested, so the token lacks it and the operation answers 403 to everyone, or the server does
    not check it and the description promises a protection that does not exist. Before 3.1, only
    `oauth2` and `openIdConnect` schemes take scopes at all.
    """
    for name, wanted in mapping(requirement.value).items():
        scheme = api.security_schemes.get(name)
        if scheme is None or not isinstance(wanted, list) or not wanted:
            continue
        kind = scheme.get("type")
        if kind == "oauth2":
            offered = {scope for _, flow in _flows(scheme) for scope in mapping(flow.get("scopes"))}
            evidence = "offered: " + (", ".join(map(quoted, sorted(offered))) or "none")
            for index, scope in enumerate(wanted):
                if isinstance(scope, str) and scope not in offered:
                    message = f"{quoted(name)} offers no scope {quoted(scope)}"
                    at = requirement.place(name, index)
                    yield Hit(at, message, cause=message, evidence=evidence)
        elif kind != "openIdConnect" and not api.version.modern:  # where these are role names
            message = f"{quoted(name)} is of type {quoted(kind)}, which takes no scopes"
            evidence = "required: " + ", ".join(map(quoted, wanted))
            fix = "Leave the list empty; from OpenAPI 3.1 on it may name roles"
            yield Hit(requirement.place(name), message, message, evidence, fix)


def _flows(scheme: Node) -> Iterator[tuple[str, dict[str, Any]]]:
    """The OAuth flows of a scheme by name; in 2.0 the scheme is its only flow."""
    flows = scheme.get("flows")
    if isinstance(flows, dict):
        yield from ((name, flow) for name, flow in flows.items() if isinstance(flow, dict))
    elif isinstance(scheme.get("flow"), str):
        yield scheme.get("flow"), scheme.value


@rule(
    "api/security-scheme-unused",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    fix="Require the scheme where it applies, or remove it",
    references=["CWE-1059", SECURITY_SCHEME, *API9],
    opt_in=True,
    bad="""
    components:
      securitySchemes:
        legacyKey: {type: apiKey, in: header, name: X-Key}
    """,
    good="""
    security:
      - token: []
      - legacyKey: []
    components:
      securitySchemes:
        legacyKey: {type: apiKey, in: header, name: X-Key}
    """,
)
def security_scheme_unused(api: Api, _: Api) -> Iterator[Hit]:
    """A security scheme is declared that nothing requires.

    Readers take it for a way to authenticate and build on it. It is usually left over from an
    earlier version, or was meant for operations that now go unprotected.
    """
    required = {name for node in api.nodes("security_requirement") for name in mapping(node.value)}
    named = required | {name.rpartition("/")[2] for name in required}  # 3.2 allows URIs
    for name, scheme in api.security_schemes.items():
        if name not in named and api.operations:
            message = f"nothing requires the security scheme {quoted(name)}"
            yield Hit(scheme.place(), message, cause=message)


@rule(
    "api/oauth-flow-deprecated",
    Severity.WARNING,
    FindingClass.RISK,
    on="security_scheme",
    fix="Use the authorization code flow with PKCE; between services, client credentials",
    references=[
        "CWE-522",
        "https://www.rfc-editor.org/rfc/rfc9700#section-2.1.2",
        "https://www.rfc-editor.org/rfc/rfc9700#section-2.4",
        *API2,
        _FLOWS,
    ],
    bad="""
    security:
      - token: []
      - login: []
    components:
      securitySchemes:
        login:
          type: oauth2
          flows:
            implicit:
              authorizationUrl: https://id.example.com/authorize
              scopes: {}
    """,
    good="""
    security:
      - token: []
      - login: []
    components:
      securitySchemes:
        login:
          type: oauth2
          flows:
            authorizationCode:
              authorizationUrl: https://id.example.com/authorize
              tokenUrl: https://id.example.com/token
              scopes: {}
    """,
)
def oauth_flow_deprecated(scheme: Node, api: Api) -> Iterator[Hit]:
    """An OAuth flow is offered that the current best practice rules out.

    The implicit flow delivers the access token in the URL, where it leaks through histories,
    referrers and open redirectors, and nothing binds it to the client. The password flow teaches
    users to type their password into other people's applications and defeats second factors.
    RFC 9700 says of the first that clients should not, of the second that they must not use it.
    """
    for flow, _ in _flows(scheme):
        if flow in _DEPRECATED and scheme.get("type") == "oauth2":
            steps = ("flow",) if scheme.get("flow") == flow else ("flows", flow)
            yield Hit(scheme.place(*steps), f"the {flow} flow {_DEPRECATED[flow]}", cause=flow)


_DEPRECATED = {
    "implicit": "puts access tokens into URLs, where they leak",
    "password": "hands the user's password to the client",
}


@rule(
    "api/security-basic-auth",
    Severity.INFO,
    FindingClass.RISK,
    on="security_scheme",
    opt_in=True,
    fix="Use short-lived tokens: OAuth 2.0 client credentials, or signed JWTs",
    references=[
        "CWE-522",
        *API2,
        "https://www.rfc-editor.org/rfc/rfc7617#section-4",
        "https://www.rfc-editor.org/rfc/rfc7616#section-5",
    ],
    bad="""
    components:
      securitySchemes:
        token: {type: http, scheme: basic}
    """,
    good="""
    components:
      securitySchemes:
        token: {type: http, scheme: bearer}
    """,
)
def security_basic_auth(scheme: Node, api: Api) -> Iterator[Hit]:
    """Clients authenticate with a user name and password on every call.

    The password is long-lived, covers all that the user may do, and passes through every client and
    proxy that handles the request; it can be neither narrowed to a scope nor withdrawn from one
    client alone. Digest spares the wire the password but makes servers keep what is as good as it.
    """
    key = "scheme" if scheme.get("type") == "http" else "type"
    kind = str(scheme.get(key)).lower()
    if kind in ("basic", "digest"):
        message = f"{quoted(scheme.key[-1])} is HTTP {kind} authentication"
        yield Hit(scheme.place(key), message, cause=message)


@rule(
    "api/security-scheme-unregistered",
    Severity.WARNING,
    FindingClass.RISK,
    on="security_scheme",
    fix="Name a registered scheme: `bearer` for any token that is sent as `Bearer`; what travels in"
    " a header of its own is `type: apiKey`",
    references=["CWE-1059", *API2, SECURITY_SCHEME, _REGISTERED],
    bad="""
    components:
      securitySchemes:
        token: {type: http, scheme: jwt}
    """,
    good="""
    components:
      securitySchemes:
        token: {type: http, scheme: bearer, bearerFormat: JWT}
    """,
)
def security_scheme_unregistered(scheme: Node, api: Api) -> Iterator[Hit]:
    """The HTTP authentication scheme is none that is registered.

    Its name is the first word of the `Authorization` header. Generators and gateways know the
    registered ones: of another they make a client that sends no credential, or a check that never
    runs. Usually the format of the token (`jwt`) or the name of the scheme was meant.
    """
    name = scheme.get("scheme")
    if scheme.get("type") == "http" and isinstance(name, str) and name.lower() not in _SCHEMES:
        message = f"{quoted(name)} is no registered HTTP authentication scheme"
        yield Hit(scheme.place("scheme"), message, cause=message)


_SCHEMES = (
    *("basic", "bearer", "concealed", "digest", "dpop", "gnap", "hoba", "mutual", "negotiate"),
    *("oauth", "privatetoken", "scram-sha-1", "scram-sha-256", "vapid"),
)
