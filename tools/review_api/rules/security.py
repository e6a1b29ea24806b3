"""Rules about security: what is declared, what is required, and what travels where."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from functools import partial
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from ...openapi.api import TEMPLATE, Api, Listed, Operation
from ...openapi.document import Node
from ...openapi.kinds import Version
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, Place, rule

_REQUIREMENT = "https://spec.openapis.org/oas/v3.1.1#security-requirement-object"
_SCHEME = "https://spec.openapis.org/oas/v3.1.1#security-scheme-object"
_FLOWS = "https://spec.openapis.org/oas/v3.1.1#oauth-flows-object"
_SERVER = "https://spec.openapis.org/oas/v3.1.1#server-object"
_OWASP = "https://owasp.org/API-Security/editions/2023/en/"
_AUTHENTICATION = ("OWASP API2:2023", f"{_OWASP}0xa2-broken-authentication/")
_FUNCTION_LEVEL = ("OWASP API5:2023", f"{_OWASP}0xa5-broken-function-level-authorization/")
_MISCONFIGURATION = ("OWASP API8:2023", f"{_OWASP}0xa8-security-misconfiguration/")


# Declared and required


@rule(
    "api/security-scheme-undefined",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="security_requirement",
    fix="Declare the scheme, or name one that is declared",
    references=[_REQUIREMENT, *_AUTHENTICATION],
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
    for name in requirement.value:
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
        return set(_mapping(document.get("securityDefinitions")))
    return set(_mapping(_mapping(document.get("components")).get("securitySchemes")))


@rule(
    "api/security-scope-undefined",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="security_requirement",
    fix="Declare the scope in the flows of the scheme, or require one that is declared",
    references=[_REQUIREMENT, _FLOWS, *_FUNCTION_LEVEL],
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
    for name, wanted in requirement.value.items():
        scheme = api.security_schemes.get(name)
        if scheme is None or not isinstance(wanted, list) or not wanted:
            continue
        kind = scheme.get("type")
        if kind == "oauth2":
            offered = {
                scope for _, flow in _flows(scheme) for scope in _mapping(flow.get("scopes"))
            }
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
    references=[_SCHEME],
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
    required = {name for node in api.nodes("security_requirement") for name in _mapping(node.value)}
    named = required | {name.rpartition("/")[2] for name in required}  # 3.2 allows URIs
    for name, scheme in api.security_schemes.items():
        if name not in named and api.operations:
            message = f"nothing requires the security scheme {quoted(name)}"
            yield Hit(scheme.place(), message, cause=message)


# Open doors


@rule(
    "api/operation-unprotected",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Require a security scheme; if anyone may call it, say why in the description",
    references=["CWE-306", *_AUTHENTICATION, *_FUNCTION_LEVEL, _REQUIREMENT],
    bad="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
        delete:
          security: []
          responses:
            '204': {description: Gone}
            '404': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
        delete:
          responses:
            '204': {description: Gone}
            '404': {$ref: '#/components/responses/Problem'}
    """,
)
def operation_unprotected(api: Api, _: Api) -> Iterator[Hit]:
    """An operation that changes data can be called by anyone, unlike its neighbours.

    The rest of the API asks for a credential, so this one was probably forgotten: a `security: []`
    from testing, an empty alternative `{}` that makes the credential optional, or a requirement
    that was written on each operation but this. Where the description drives a gateway or a
    framework, the door stands open. Operations that are anonymous by nature are left alone: login,
    registration, password reset, verification, receivers of webhooks, and reads by POST.
    """
    if not api.security_schemes:
        return
    writes = _writes(api)
    reasons = Counter(map(_open_because, writes))
    guarded = sum(operation.protected for operation in writes)
    siblings = {id(op.item): op for op in api.operations if op.protected}
    for operation in writes:
        reason = _open_because(operation)
        if not reason or (reasons[reason] > 10 and 2 * reasons[reason] > guarded):
            continue  # so many are a habit of this API, not a slip
        sibling = siblings.get(id(operation.item))
        # A POST may be meant for everybody; overwriting and deleting hardly ever is.
        expected = 2 * guarded > len(writes) or (operation.method != "post" and guarded)
        if sibling or expected:
            steps = ["security"] if "security" in operation.node.value else []
            contrast = f"{quoted(sibling)} needs one" if sibling else f"{guarded} others need one"
            yield Hit(
                operation.node.place(*steps),
                f"{quoted(operation)} can be called without a credential, as {reason}",
                cause=f"operations that change data need no credential, as {reason}",
                evidence=f"{contrast}; {len(writes)} operations change data",
                related=(sibling.node.place(),) if sibling else (),
            )


@rule(
    "api/security-undeclared",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Declare the security schemes and require them for the whole document",
    references=["CWE-306", *_AUTHENTICATION, _SCHEME],
    bad="""
    openapi: 3.1.1
    info: {title: Pets, version: 1.0.0}
    servers:
      - url: https://api.example.com
    paths:
      /pets/{petId}:
        delete:
          parameters:
            - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
          responses:
            '204': {description: Gone}
            '404': {description: No such pet}
    """,
    good="""
    openapi: 3.1.1
    info: {title: Pets, version: 1.0.0}
    servers:
      - url: https://api.example.com
    security:
      - token: []
    paths:
      /pets/{petId}:
        delete:
          parameters:
            - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
          responses:
            '204': {description: Gone}
            '404': {description: No such pet}
    components:
      securitySchemes:
        token: {type: http, scheme: bearer}
    """,
)
def security_undeclared(api: Api, _: Api) -> Iterator[Hit]:
    """The description says nothing about security, though operations change data.

    Clients cannot know which credential to send, and no tool can tell a protected operation from
    one that was forgotten: tests of authorization, gateways and this review all start from what is
    declared. Protection that exists in the code only is protection that nobody verifies.
    """
    writes = [operation for operation in _writes(api) if _open_because(operation)]
    if writes and not any(operation.security for operation in api.operations):
        schemes = ", ".join(map(quoted, api.security_schemes))
        yield Hit(
            api.root.place(),
            "no operation requires a credential, "
            + (f"though there is a scheme: {schemes}" if schemes else "and no scheme is declared")
            + f"; {len(writes)} of {len(api.operations)} change data",
            evidence="such as " + ", ".join(quoted(operation) for operation in writes[:3]),
        )


def _writes(api: Api) -> list[Operation]:
    """The operations that change data, but for those that anyone must be able to call."""
    return [
        operation
        for operation in api.operations
        if operation.method in ("post", "put", "patch", "delete")
        and "$ref" not in operation.node.value
        and not _anonymous_by_nature(operation)
    ]


def _open_because(operation: Operation) -> str:
    """Why a call passes without a credential; empty if none does, or if that is malformed."""
    declared = operation.node.get("security", operation.api.root.get("security"))
    if operation.protected or any(map(_authenticates, operation.parameters)):
        return ""
    if declared is None:
        return "no security requirement is in force"
    if not isinstance(declared, list) or not all(isinstance(entry, dict) for entry in declared):
        return ""
    return "`security` offers `{}` as an alternative" if declared else "`security` is `[]`"


def _authenticates(parameter: Listed) -> bool:
    """Whether a parameter that is no declared scheme carries a credential all the same."""
    name = _words(parameter.node.get("name"))
    if parameter.node.get("in") == "path":
        return name.endswith("_token_")  # a link that is a secret itself
    return _AUTHENTICATES.search(name) is not None


def _words(name: object) -> str:
    """A name as its words in lower case: `clientSecret` is `_client_secret_`."""
    return f"_{'_'.join(_WORD.findall(str(name))).lower()}_"


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ANONYMOUS = re.compile(
    r"_(log_?(out|off)|sign_?(out|off)|forg[eo]t(ten)?|recover(y)?|unsubscribe"
    r"|(password|pin|credentials?|account)_reset|reset_(\w+_)?(password|pin|credentials?)"
    r"|verif(y|ication)|confirm(ation)?|activat(e|ion))_"
)
_ANONYMOUS_POST = re.compile(
    r"_(log_?(in|on)|sign_?(in|up|on)|auth|o_?auth2?|authenticate|authentication|authori[sz]e|sso"
    r"|saml|regist(er|ration)|enrol(l|lment)?|onboarding|guest|callback|ipn|health(z|check)?|ping"
    r"|contact_us|feedback|newsletter|subscribe|search(es)?|query|find|lookup|filter|graphql"
    r"|introspect(ion)?|validat(e|ion)|preview|estimate|calculate|captcha|csrf|challenges?|otp|mfa"
    r"|passkeys?|webauthn|telemetry|beacon)_"
)
_ANONYMOUS_SEGMENT = re.compile(r"_((access_)?tokens?|sessions?|check|contact|queries)_")
_RECEIVER = re.compile(r"_(web_?)?hooks?_")
_MANAGES = re.compile(r"_(create|add|new|update|set|replace|register|ping|test|redeliver)_")
_READS = re.compile(r"_(get|list|fetch|read|retrieve|download|count|check|compare|convert)_")


def _anonymous_by_nature(operation: Operation) -> bool:
    """Whether its path, operationId or summary tell of a call that comes before any login."""
    segments = [_words(part) for part in operation.path.split("/") if part[:1] not in ("", "{")]
    opening = " ".join(str(operation.node.get("summary", "")).split()[:4])
    names = [_words(operation.node.get("operationId", "")), _words(opening)]
    static = _words(TEMPLATE.sub("", operation.path))
    if any(map(_ANONYMOUS.search, (static, *names))):
        return True
    return operation.method == "post" and (
        any(map(_ANONYMOUS_POST.search, (*segments, *names)))
        or any(map(_ANONYMOUS_SEGMENT.fullmatch, segments[-1:]))
        or any(map(_READS.match, (*segments[-1:], *names)))
        or (any(map(_RECEIVER.fullmatch, segments)) and not any(map(_MANAGES.search, names)))
    )


# What travels where


_CREDENTIAL = re.compile(
    r"_(password|passwd|pwd|passphrase|secret|api_?key|secret_?key|private_?key|jwt|authorization"
    r"|(access|auth|refresh|session|bearer|id|api|security)_?token)(_confirm(ation)?|_repeat)?_$"
)
_AUTHENTICATES = re.compile(rf"{_CREDENTIAL.pattern}|^_(x_)?token_$|_(signature|session_?id|sid)_")
_ABOUT_ONE = re.compile(  # a switch or a filter that only speaks of a credential
    r"_(include|exclude|has|is|show|hide|with|without|needs?|requires?|required|use|force|allow"
    r"|enable|disable|reset|generate|rotate|expired?|hashed|encrypted|masked|public|type|max|min)_"
)
_TOKEN_TEXT = re.compile(r"\b(access|auth\w*|api|bearer|session|login)[ -]token", re.I)


@rule(
    "api/credentials-in-url",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Send it in the `Authorization` header, another header, or the request body",
    references=[
        "CWE-598",
        *_AUTHENTICATION,
        "https://www.rfc-editor.org/rfc/rfc9110#section-17.9",
        "https://www.rfc-editor.org/rfc/rfc6750#section-5.3",
        "https://www.rfc-editor.org/rfc/rfc9700#section-4.3.2",
    ],
    bad="""
    paths:
      /pets:
        get:
          parameters:
            - {name: access_token, in: query, schema: {type: string, maxLength: 200}}
    """,
    good="""
    paths:
      /pets:
        get:
          parameters:
            - {name: token_type, in: query, schema: {type: string, maxLength: 20}}
    """,
)
def credentials_in_url(api: Api, _: Api) -> Iterator[Hit]:
    """A credential travels in the URL.

    URLs are written to the logs of every proxy, load balancer and server on the way, kept in
    browser histories and passed on in `Referer` headers; TLS protects none of that. Whoever reads a
    log can act as the caller, for as long as the credential lives.
    """
    for name, scheme in api.security_schemes.items():
        if scheme.get("type") == "apiKey" and scheme.get("in") == "query":
            message = (
                f"the key of {quoted(name)} travels in the query, as {quoted(scheme.get('name'))}"
            )
            yield Hit(scheme.place("in"), message, cause=message)
    for operation in api.operations:
        for at, parameter in operation.parameters:
            where, name = parameter.get("in"), str(parameter.get("name"))
            if where in ("query", "path") and _is_credential(operation, parameter, api):
                message = f"the {where} parameter {quoted(name)} puts a credential into the URL"
                yield Hit(
                    parameter.place(),
                    message,
                    cause=message,
                    related=() if at is parameter else (at.place(),),
                )


def _is_credential(operation: Operation, parameter: Node, api: Api) -> bool:
    name = _words(parameter.get("name"))
    if _CREDENTIAL.search(name):
        around = operation.path.partition("{" + str(parameter.get("name")) + "}")[0]
        names_resource = parameter.get("in") == "path" and _words(around).endswith(name[:-1] + "s_")
        types = api.types(api.schema_of(parameter))
        return not (_ABOUT_ONE.search(name) or names_resource or (types and "string" not in types))
    return (
        name == "_token_"
        and _TOKEN_TEXT.search(str(parameter.get("description"))) is not None
        and not _anonymous_by_nature(operation)
    )


@rule(
    "api/plaintext-transport",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Offer `https` (or `wss`) only, and redirect or refuse plain HTTP",
    references=[
        "CWE-319",
        *_MISCONFIGURATION,
        _SERVER,
        "https://www.rfc-editor.org/rfc/rfc6750#section-5.3",
    ],
    bad="""
    servers:
      - url: http://api.example.com
    """,
    good="""
    servers:
      - url: https://api.example.com
      - url: http://localhost:8080
    """,
)
def plaintext_transport(api: Api, _: Api) -> Iterator[Hit]:
    """The API or its token endpoint is reached without encryption.

    Anyone on the way reads and alters requests and responses: credentials first, then data. A
    server that answers on `http` invites clients to send the token once in the clear before any
    redirect can help. Addresses of the own machine or network are left alone.
    """
    for at, what, url in _urls(api):
        try:
            scheme, host = urlsplit(url).scheme.lower(), urlsplit(url).hostname or ""
        except ValueError:
            continue  # not a URL; the schema check says so
        if scheme in ("http", "ws") and not _is_local(host):
            cause = f"{quoted(f'{scheme}://{host}')} is not encrypted"
            yield Hit(at, f"{what} is not encrypted", cause=cause)


def _urls(api: Api) -> Iterator[tuple[Place, str, str]]:
    """Every URL that requests go to: where it stands, what it is, and the text."""
    for server in api.nodes("server"):
        for url in _server_urls(server):
            yield server.place("url"), f"the server {quoted(url)}", url
    for node in (*api.nodes("security_scheme"), *api.nodes("oauth_flow")):
        for key in _ENDPOINTS:
            if isinstance(node.get(key), str):
                yield node.place(key), f"`{key}` {quoted(node.get(key))}", node.get(key)
    if api.version is Version.V20:
        host = api.root.get("host", "that.serves.the.description")
        for node in (api.root, *api.nodes("operation")):
            for index, scheme in enumerate(_listing(node.get("schemes"))):
                what = f"`schemes` offers {quoted(scheme)}, which"
                yield node.place("schemes", index), what, f"{scheme}://{host}"


_ENDPOINTS = (
    "authorizationUrl",
    "tokenUrl",
    "refreshUrl",
    "openIdConnectUrl",
    "deviceAuthorizationUrl",
    "oauth2MetadataUrl",
)


def _server_urls(server: Node) -> Iterator[str]:
    """The URL by the defaults of its variables, and by each value of one that it starts with."""
    url = str(server.get("url", ""))
    values, first = {}, TEMPLATE.match(url)
    choices: list[Any] = []
    for name, variable in _mapping(server.get("variables")).items():
        values[name] = str(_mapping(variable).get("default", name))
        if first and first[1] == name:
            choices = _listing(_mapping(variable).get("enum"))
    for choice in dict.fromkeys(map(str, choices or [""])):
        chosen = {**values, first[1]: choice} if first and choice else values
        yield TEMPLATE.sub(partial(_value, chosen), url)


def _value(values: dict[str, str], variable: re.Match[str]) -> str:
    return values.get(variable[1], variable[1])


_LOCAL = re.compile(
    r"(^|\.)(localhost|local|localdomain|test|example|invalid|internal|intranet|lan|svc"
    r"|home\.arpa)$"
)


def _is_local(host: str) -> bool:
    """Whether a host is of one's own machine or network, or does not exist (RFC 2606, 6761)."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or _LOCAL.search(host) is not None


@rule(
    "api/oauth-flow-deprecated",
    Severity.WARNING,
    FindingClass.RISK,
    on="security_scheme",
    fix="Use the authorization code flow with PKCE; between services, client credentials",
    references=[
        "https://www.rfc-editor.org/rfc/rfc9700#section-2.1.2",
        "https://www.rfc-editor.org/rfc/rfc9700#section-2.4",
        *_AUTHENTICATION,
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
        *_AUTHENTICATION,
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


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _listing(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
