"""Rules about what travels where: credentials in URLs, plain text on the wire."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from ...names import CREDENTIAL, words
from ...openapi.api import TEMPLATE, Api, Operation
from ...openapi.document import Node
from ...openapi.kinds import Version
from ...openapi.naming import comes_before_login
from ...openapi.values import listing, mapping
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, Place, rule
from .authorities import API2, API8

_SERVER = "https://spec.openapis.org/oas/v3.1.1#server-object"


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
        *API2,
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
    name = words(parameter.get("name"))
    if CREDENTIAL.search(name):
        around = operation.path.partition("{" + str(parameter.get("name")) + "}")[0]
        names_resource = parameter.get("in") == "path" and words(around).endswith(name[:-1] + "s_")
        types = api.types(api.schema_of(parameter))
        return not (_ABOUT_ONE.search(name) or names_resource or (types and "string" not in types))
    return (
        name == "_token_"
        and _TOKEN_TEXT.search(str(parameter.get("description"))) is not None
        and not comes_before_login(operation)
    )


@rule(
    "api/plaintext-transport",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Offer `https` (or `wss`) only, and redirect or refuse plain HTTP",
    references=[
        "CWE-319",
        *API8,
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
            for index, scheme in enumerate(listing(node.get("schemes"))):
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
    for name, variable in mapping(server.get("variables")).items():
        values[name] = str(mapping(variable).get("default", name))
        if first and first[1] == name:
            choices = listing(mapping(variable).get("enum"))
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
