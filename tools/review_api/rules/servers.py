"""Rules about servers: where an API is to be found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ...openapi.api import TEMPLATE, Api
from ...openapi.document import Node
from ...openapi.kinds import Version
from ...openapi.values import listing, mapping
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule

SERVER: Final = "https://spec.openapis.org/oas/v3.1.1#server-object"


@rule(
    "api/server-variable-unused",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="server",
    fix="Remove the variable, or put it into the URL",
    references=["https://spec.openapis.org/oas/v3.1.1#server-variable-object"],
    bad="""
    servers:
      - url: https://api.example.org
        variables: {region: {default: eu}}
    """,
    good="""
    servers:
      - url: https://{region}.example.org
        variables: {region: {default: eu}}
    """,
)
def server_variable_unused(server: Node, api: Api) -> Iterator[Hit]:
    """A server's variable does not stand in its URL.

    Whoever picks a value for it changes nothing: mostly the URL was edited and the variable was
    forgotten, or is misspelt in one of the two.
    """
    used = set(TEMPLATE.findall(str(server.get("url"))))
    for name in mapping(server.get("variables")):
        if name not in used and not name.startswith("x-"):
            message = f"the URL {quoted(server.get('url'))} has no variable {quoted(name)}"
            yield Hit(server.place("variables", name), message)


@rule(
    "api/server-default-excluded",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="server_variable",
    fix="Add the default to the `enum`, or take one of its values",
    references=["https://spec.openapis.org/oas/v3.1.1#server-variable-object"],
    bad="""
    servers:
      - url: https://{region}.example.org
        variables: {region: {default: eu, enum: [us, asia]}}
    """,
    good="""
    servers:
      - url: https://{region}.example.org
        variables: {region: {default: eu, enum: [eu, us, asia]}}
    """,
)
def server_default_excluded(variable: Node, api: Api) -> Iterator[Hit]:
    """The default of a server's variable is none of its values.

    The default must be in the `enum`. Clients that start from it call a host that does not exist.
    """
    values = variable.get("enum")
    if isinstance(values, list) and values and variable.get("default") not in values:
        default = quoted(variable.get("default"))
        yield Hit(variable.place("default"), f"{default} is none of the values of `enum`")


@rule(
    "api/server-missing",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Say under `servers` (in 2.0 `host` and `schemes`) where the API is to be found",
    references=[SERVER],
    bad="""
    servers: []
    """,
    good="""
    servers: [{url: https://api.example.org}]
    """,
)
def server_missing(api: Api, _: Api) -> Iterator[Hit]:
    """The description does not say where the API is.

    Clients that are generated from it have no address, and whoever tries it out in the portal
    calls the portal.
    """
    root = api.root
    is_told = root.get("host") if api.version is Version.V20 else listing(root.get("servers"))
    if not is_told and api.operations:
        yield Hit(
            root.place(*(["servers"] if "servers" in root.value else [])), "no server is named"
        )


@rule(
    "api/server-placeholder",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Name the real host",
    references=["https://www.rfc-editor.org/rfc/rfc2606#section-3"],
    bad="""
    servers: [{url: https://api.example.com}]
    """,
    good="""
    servers: [{url: https://api.pets.dev}]
    """,
)
def server_placeholder(api: Api, _: Api) -> Iterator[Hit]:
    """A server is the placeholder of a template: `example.com`, `localhost`.

    It was copied and never filled in, or names a developer's machine: nobody else can call it.
    """
    places = [(server.get("url"), server.place("url")) for server in api.nodes("server")]
    places.append((api.root.get("host"), api.root.place("host")))
    for url, place in places:
        if isinstance(url, str) and _PLACEHOLDER.search(url):
            yield Hit(place, f"{quoted(url)} is a placeholder", cause="servers are placeholders")


_PLACEHOLDER: Final = re.compile(
    r"(^|//)((api\.|www\.)?(example\.(com|org|net)|yourdomain\.\w+)|localhost|127\.0\.0\.1)([:/]|$)",
    re.I,
)


@rule(
    "api/trailing-slash",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Leave the slash at the end out, and redirect the old path",
    references=["https://opensource.zalando.com/restful-api-guidelines/#136"],
    bad="""
    paths:
      /pets/: {get: {}}
    """,
    good="""
    paths:
      /pets: {get: {}}
    """,
)
def trailing_slash(api: Api, _: Api) -> Iterator[Hit]:
    """A path or server ends with a slash.

    `/pets` and `/pets/` are different paths to some servers and one to others: clients that join
    URLs get `//`, redirects that lose the body, or 404.
    """
    for item in api.nodes("path_item"):
        path = str(item.key[-1])
        if item.key[:1] == ("paths",) and path != "/" and path.endswith("/"):
            yield Hit(
                item.place(), f"{quoted(path)} ends with a slash", cause="paths end with a slash"
            )
    for server in api.nodes("server"):
        url = server.get("url")
        if isinstance(url, str) and url != "/" and url.endswith("/"):
            message = f"the server {quoted(url)} ends with a slash"
            yield Hit(server.place("url"), message, cause="servers end with a slash")
