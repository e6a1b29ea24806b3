"""Rules about `$ref`: whether it leads somewhere, to the right kind, and what stands beside it."""

from __future__ import annotations

from collections.abc import Iterator

from ...openapi.api import Api
from ...openapi.document import Node
from ...openapi.kinds import name_of
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule

_REFERENCE = "https://spec.openapis.org/oas/v3.1.1#reference-object"
_SIBLINGS = "https://spec.openapis.org/oas/v3.0.4#reference-object"


MAX_SUGGESTIONS = 100  # each looks at all names there are


def _broken(api: Api, *reasons: str) -> Iterator[tuple[Node, str, str]]:
    for node, text, _ in api.description.references:
        broken = api.description.broken.get(id(node))
        if broken is not None and broken.reason in reasons:
            yield node, text, broken.detail


@rule(
    "api/reference-unresolved",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Correct the reference or add what it names",
    references=[_REFERENCE, "https://www.rfc-editor.org/rfc/rfc6901"],
    bad="""
    paths:
      /health:
        get:
          responses:
            '200': {description: The service is up}
            '503': {$ref: '#/components/responses/Problme'}
            '500': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /health:
        get:
          responses:
            '200': {description: The service is up}
            '503': {$ref: '#/components/responses/Problem'}
    """,
)
def reference_unresolved(api: Api, _: Api) -> Iterator[Hit]:
    """A reference leads nowhere.

    Code generators stop, validators accept anything in its place, and readers of the documentation
    find a hole. Usually the component was renamed or the name is misspelt.
    """
    nearest: dict[tuple[str, str], str] = {}
    for node, text, detail in _broken(api, "missing"):
        key = (node.file, text)
        if key not in nearest and len(nearest) < MAX_SUGGESTIONS:
            nearest[key] = api.description.nearest(text, node.file)
        near = nearest.get(key)
        yield Hit(
            node.place("$ref"),
            f"{quoted(text, 160)} leads nowhere: {detail}",
            cause=f"{quoted(text, 160)} leads nowhere",
            fix=f"Write {quoted(near, 160)}, or add what the reference names" if near else "",
        )


@rule(
    "api/reference-unreadable",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Put the file where the reference says, below a root the reviewer may read",
    references=[_REFERENCE],
    bad="""
    paths:
      /health:
        get:
          responses:
            '200': {description: The service is up}
            '503': {$ref: 'responses.yaml#/Problem'}
            '500': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /health:
        get:
          responses:
            '200': {description: The service is up}
            '503': {$ref: '#/components/responses/Problem'}
    """,
)
def reference_unreadable(api: Api, _: Api) -> Iterator[Hit]:
    """A reference names a file that could not be read.

    The file is missing, malformed, or outside of the folders that may be read, so what it describes
    was not reviewed.
    """
    for node, text, detail in _broken(api, "unreadable"):
        file = text.partition("#")[0]
        yield Hit(
            node.place("$ref"),
            f"{quoted(text, 160)} was not followed: {detail}",
            cause=f"{quoted(file, 160)} was not followed: {detail}",
        )


@rule(
    "api/reference-remote",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Keep a copy in the repository and refer to that",
    references=[_REFERENCE, "CWE-829"],
    bad="""
    paths:
      /health:
        get:
          responses:
            '200': {description: The service is up}
            '503': {$ref: 'https://example.com/responses.yaml#/Problem'}
            '500': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /health:
        get:
          responses:
            '200': {description: The service is up}
            '503': {$ref: '#/components/responses/Problem'}
    """,
)
def reference_remote(api: Api, _: Api) -> Iterator[Hit]:
    """A reference names a URL.

    Whoever serves that URL can change the API's description afterwards, and a build without network
    fails. It was not fetched, so what it describes was not reviewed.
    """
    for node, text, _detail in _broken(api, "remote"):
        yield Hit(
            node.place("$ref"),
            f"{quoted(text, 160)} was not followed: URLs are never fetched",
            cause=f"{quoted(text.partition('#')[0], 160)} was not followed",
        )


@rule(
    "api/reference-circular",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Put the object itself at one end of the chain",
    references=[_REFERENCE],
    bad="""
    paths:
      /health:
        get:
          responses:
            '200': {$ref: '#/components/responses/Up'}
            '503': {$ref: '#/components/responses/Problem'}
    components:
      responses:
        Up: {$ref: '#/components/responses/Healthy'}
        Healthy: {$ref: '#/components/responses/Up'}
    """,
    good="""
    paths:
      /health:
        get:
          responses:
            '200': {$ref: '#/components/responses/Up'}
            '503': {$ref: '#/components/responses/Problem'}
    components:
      responses:
        Up: {$ref: '#/components/responses/Healthy'}
        Healthy: {description: The service is up}
    """,
)
def reference_circular(api: Api, _: Api) -> Iterator[Hit]:
    """References lead in a circle and never to an object.

    A schema may contain itself (a tree does); a reference that only leads to itself says nothing.
    Tools that follow it run until they fail.
    """
    for node, text, detail in _broken(api, "circular"):
        yield Hit(node.place("$ref"), f"{quoted(text, 160)} leads nowhere: {detail}")


@rule(
    "api/reference-wrong-kind",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Refer to an object of the kind that belongs there",
    references=[_REFERENCE],
    bad="""
    paths:
      /health:
        get:
          responses:
            '200': {description: The service is up}
            '500': {$ref: '#/components/schemas/Problem'}
            '503': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /health:
        get:
          responses:
            '200': {description: The service is up}
            '503': {$ref: '#/components/responses/Problem'}
    """,
)
def reference_wrong_kind(api: Api, _: Api) -> Iterator[Hit]:
    """A reference leads to an object of another kind than belongs there.

    A schema where a response is expected has no `description` and no `content`: tools see an empty
    response or fail.
    """
    for node, text, expects in api.description.references:
        target = api.description.target(node)
        found = target.expects if target else expects
        if target is not None and found != expects and {found, expects} != {"schema", "items"}:
            yield Hit(
                node.place("$ref"),
                f"{quoted(text, 160)} is a {name_of(found)}; a {name_of(expects)} belongs here",
                cause=f"{quoted(text, 160)} is a {name_of(found)}, not a {name_of(expects)}",
                related=(target.place(),),
            )


_ANNOTATIONS = {"$ref", "description", "summary", "title", "example", "examples", "externalDocs"}


@rule(
    "api/reference-siblings-ignored",
    Severity.WARNING,
    FindingClass.RISK,
    on="reference",
    fix="Wrap the reference: `allOf: [{$ref: …}]` beside the fields, or move to OpenAPI 3.1",
    references=[_SIBLINGS],
    bad="""
    openapi: 3.0.3
    components:
      schemas:
        Problem:
          properties:
            status: {$ref: '#/components/schemas/Status', nullable: true}
        Status: {type: integer}
    """,
    good="""
    openapi: 3.0.3
    components:
      schemas:
        Problem:
          properties:
            status: {nullable: true, allOf: [{$ref: '#/components/schemas/Status'}]}
        Status: {type: integer}
    """,
)
def reference_siblings_ignored(node: Node, api: Api) -> Iterator[Hit]:
    """A field beside `$ref` changes what is valid, and is ignored.

    Up to OpenAPI 3.0 everything beside `$ref` is ignored: the `nullable`, `default` or limit that
    the author added does not exist for tools that follow the specification.
    """
    if node.expects != "schema" or api.version.modern:
        return
    ignored = sorted(key for key in node.value if key not in _ANNOTATIONS and key[:2] != "x-")
    if ignored:
        listed = ", ".join(quoted(key) for key in ignored[:5])
        yield Hit(node.place(ignored[0]), f"{listed} beside `$ref` is ignored", cause=listed)
