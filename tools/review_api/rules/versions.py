"""Rules about the version of an API that its addresses carry."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from ...openapi.api import Api
from ...openapi.conventions import convention
from ...openapi.kinds import Version
from ...openapi.values import listing, mapping
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, Place, rule

_PATHS = "https://spec.openapis.org/oas/v3.1.1#paths-object"
_VERSIONS = "https://google.aip.dev/185"


@rule(
    "api/path-version-repeated",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Keep the version either in the server's address or in the paths",
    references=[_PATHS, _VERSIONS],
    bad="""
    servers: [{url: 'https://api.example.org/v1'}]
    paths:
      /v1/pets:
        get:
          responses: {'200': {description: Pets}, '400': {$ref: '#/components/responses/Problem'}}
    """,
    good="""
    servers: [{url: 'https://api.example.org'}]
    paths:
      /v1/pets:
        get:
          responses: {'200': {description: Pets}, '400': {$ref: '#/components/responses/Problem'}}
    """,
)
def path_version_repeated(api: Api, _: Api) -> Iterator[Hit]:
    """The server's address ends with the version that paths begin with.

    Paths are appended to the address: generated clients call `/v1/v1/pets`, and get 404 where
    somebody tries by hand what works. Mostly the version was added at one place, and forgotten at
    the other.
    """
    firsts = Counter(_first(path) for path in mapping(api.root.get("paths")))
    for place, address in _addresses(api):
        version = address.rstrip("/").rpartition("/")[2].lower()
        if _VERSION.fullmatch(version) and firsts[version]:
            yield Hit(
                place,
                f"the address ends with {quoted(version)}, and so begin"
                f" {firsts[version]} of {firsts.total()} paths:"
                f" calls go to {quoted(f'/{version}/{version}')}",
                cause="the version is in the address and in the paths",
            )


_VERSION = re.compile(r"v\d+(\.\d+)*((alpha|beta)\d*)?", re.I)


def _first(path: object) -> str:
    return str(path).strip("/").partition("/")[0].lower()


def _addresses(api: Api) -> Iterator[tuple[Place, str]]:
    """The paths of the servers' addresses, and where they are given."""
    if api.version is Version.V20:
        yield api.root.place("basePath"), str(api.root.get("basePath", ""))
        return
    for index, server in enumerate(listing(api.root.get("servers"))):
        try:
            yield api.root.place("servers", index), urlsplit(str(mapping(server).get("url"))).path
        except ValueError:
            continue  # another rule's


@rule(
    "api/path-version-missing",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Put the path under the version, as the others are",
    references=[_VERSIONS],
    bad="""
    paths:
      /v1/a: {get: &usual {responses: {'200': {description: Done},
        '400': {$ref: '#/components/responses/Problem'}}}}
      /v1/b: {get: *usual}
      /v1/c: {get: *usual}
      /v1/d: {get: *usual}
      /v1/e: {get: *usual}
      /v1/f: {get: *usual}
      /v1/g: {get: *usual}
      /v1/h: {get: *usual}
      /v1/i: {get: *usual}
      /v1/j: {get: *usual}
      /k: {get: *usual}
    """,
    good="""
    paths:
      /v1/a: {get: &usual {responses: {'200': {description: Done},
        '400': {$ref: '#/components/responses/Problem'}}}}
      /v1/b: {get: *usual}
      /v1/c: {get: *usual}
      /v1/d: {get: *usual}
      /v1/e: {get: *usual}
      /v1/f: {get: *usual}
      /v1/g: {get: *usual}
      /v1/h: {get: *usual}
      /v1/i: {get: *usual}
      /v1/j: {get: *usual}
      /v2/k: {get: *usual}
      /health: {get: *usual}
    """,
)
def path_version_missing(api: Api, _: Api) -> Iterator[Hit]:
    """A path has no version, where nearly all others have one.

    It cannot be changed incompatibly beside its old form, gateways that route by version miss it,
    and clients that build addresses by the rule call what is not there. Reported where at least
    ten paths, and nine of ten, have a version. Paths of health, sign-in, discovery and the
    description itself are left out.
    """
    paths = [path for path in mapping(api.root.get("paths")) if isinstance(path, str)]
    versioned = [path for path in paths if any(map(_VERSION.fullmatch, path.split("/")))]
    above = {
        "/".join(parts[:end])
        for path in versioned
        for parts in [path.split("/")]
        for end in range(1, min(len(parts), 20))
    }
    known = set(versioned)
    ballots = (
        (path in known, path)
        for path in paths
        if path in known or (path.rstrip("/") not in above and not _UNVERSIONED.search(path))
    )
    found = convention(ballots)
    for _versioned, path in found.outliers if found and found.choice else ():
        yield Hit(
            api.root.place("paths", path),
            f"the path {quoted(path)} has no version",
            cause=f"{found.ratio} paths have a version, these do not" if found else "",
        )


_UNVERSIONED = re.compile(
    r"^/?x-|/(\.well-known|health\w*|live\w*|ready|readiness|status|ping|metrics|version|info|oauth2?"
    r"|auth|login|logout|token|authorize|docs|swagger|openapi|robots|favicon|webhooks?|callback)"
    r"([/._-]|$)",
    re.I,
)
