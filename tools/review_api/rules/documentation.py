"""Styles: what a document says to its readers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ...openapi.api import Api, Operation
from ...openapi.document import Node
from ...openapi.kinds import Version, name_of
from ...openapi.values import listing, mapping
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule

SPECIFICATION: Final = "https://spec.openapis.org/oas/v3.1.1"
SUMMARY: Final = 120
"""Characters of a summary, as Swagger 2.0 recommends."""


def _is_blank(value: Any) -> bool:
    return not (isinstance(value, str) and value.strip())


@rule(
    "api/operation-summary-missing",
    Severity.INFO,
    FindingClass.STYLE,
    on="operation",
    opt_in=True,
    fix="Say in a few words what the operation does: `List orders`",
    references=[f"{SPECIFICATION}#operation-object"],
    bad="""
    paths: {/health: {get: {description: Whether the service is up}}}
    """,
    good="""
    paths: {/health: {get: {summary: Report liveness}}}
    """,
)
def operation_summary_missing(operation: Operation, _: Api) -> Iterator[Hit]:
    """An operation has no summary.

    The summary is its line in every list: menus of documentation, collections of HTTP clients, the
    tools of an assistant. Without one they show the path, which says where and not what.
    """
    if _is_blank(operation.node.get("summary")):
        yield Hit(operation.node.place(), f"{quoted(operation)} has no summary", cause=_NO_SUMMARY)


_NO_SUMMARY: Final = "operations have no summary"


@rule(
    "api/operation-summary-style",
    Severity.INFO,
    FindingClass.STYLE,
    on="operation",
    opt_in=True,
    fix="Shorten it to a few words without a full stop, and tell the rest in `description`",
    references=[f"{SPECIFICATION}#operation-object", "https://swagger.io/specification/v2/"],
    bad="""
    paths: {/health: {get: {summary: Reports whether the service is up and takes traffic.}}}
    """,
    good="""
    paths: {/health: {get: {summary: Report whether the service is up}}}
    """,
)
def operation_summary_style(operation: Operation, _: Api) -> Iterator[Hit]:
    """A summary is longer than 120 characters or ends with a full stop.

    Summaries stand in lists: a long one is cut off there, and an entry of a list is no sentence.
    Swagger 2.0 sets the limit of 120 characters, for readability.
    """
    summary = operation.node.get("summary")
    if not isinstance(summary, str):
        return
    at = operation.node.place("summary")
    if len(summary) >= SUMMARY:
        message = f"the summary of {quoted(operation)} has {len(summary)} characters"
        yield Hit(at, message, cause=f"summaries have {SUMMARY} characters or more")
    elif summary.rstrip().endswith(".") and not summary.rstrip().endswith(("..", "etc.")):
        message = f"the summary of {quoted(operation)} ends with a full stop"
        yield Hit(at, message, cause="summaries end with a full stop")


@rule(
    "api/operation-description-missing",
    Severity.INFO,
    FindingClass.STYLE,
    on="operation",
    opt_in=True,
    fix="Describe what is not in the schemas: who may call it, what it changes, what can go wrong",
    references=[f"{SPECIFICATION}#operation-object"],
    bad="""
    paths: {/health: {get: {summary: Report liveness}}}
    """,
    good="""
    paths: {/health: {get: {description: 'Answers without a token, so that balancers can ask'}}}
    """,
)
def operation_description_missing(operation: Operation, _: Api) -> Iterator[Hit]:
    """An operation has no description.

    What an operation changes, in which order things happen and what the caller has to do about a
    failure is not in its schemas; who writes a client guesses it.
    """
    if _is_blank(operation.node.get("description")):
        message = f"{quoted(operation)} has no description"
        yield Hit(operation.node.place(), message, cause="operations have no description")


@rule(
    "api/description-repeated",
    Severity.INFO,
    FindingClass.STYLE,
    on="operation",
    opt_in=True,
    fix="Write what the summary does not say, or leave the description out",
    references=[f"{SPECIFICATION}#operation-object"],
    bad="""
    paths: {/health: {get: {summary: Report liveness, description: Report liveness.}}}
    """,
    good="""
    paths: {/health: {get: {summary: Report liveness, description: Answers without a token.}}}
    """,
)
def description_repeated(operation: Operation, _: Api) -> Iterator[Hit]:
    """A description only repeats the summary.

    It takes the reader's time and says nothing, and hides from those who look for operations
    without a description that this is one.
    """
    summary, description = operation.node.get("summary"), operation.node.get("description")
    if isinstance(summary, str) and isinstance(description, str):
        plain = [" ".join(re.findall(r"\w+", text.lower())) for text in (summary, description)]
        if plain[0] and plain[0] == plain[1]:
            message = f"the description of {quoted(operation)} repeats its summary"
            at = operation.node.place("description")
            yield Hit(at, message, cause="descriptions repeat the summary")


@rule(
    "api/operation-id-missing",
    Severity.INFO,
    FindingClass.STYLE,
    on="operation",
    opt_in=True,
    fix="Give the operation an `operationId`, as a verb and a noun: `listPets`",
    references=[f"{SPECIFICATION}#operation-object"],
    bad="""
    paths: {/pets/count: {get: {}}}
    """,
    good="""
    paths: {/pets/count: {get: {operationId: countPets}}}
    """,
)
def operation_id_missing(operation: Operation, _: Api) -> Iterator[Hit]:
    """An operation has no `operationId`.

    Code generators then name the method after the path, and rename it with the path. Links,
    workflows and the tools of assistants have nothing to refer to.
    """
    if _is_blank(operation.node.get("operationId")):
        message = f"{quoted(operation)} has no `operationId`"
        yield Hit(operation.node.place(), message, cause="operations have no `operationId`")


@rule(
    "api/operation-id-not-url-safe",
    Severity.INFO,
    FindingClass.STYLE,
    on="operation",
    opt_in=True,
    fix="Use letters, digits, `-` and `_` only",
    references=["https://www.rfc-editor.org/rfc/rfc3986#section-2.3"],
    bad="""
    paths: {/pets/count: {get: {operationId: count pets}}}
    """,
    good="""
    paths: {/pets/count: {get: {operationId: count-pets}}}
    """,
)
def operation_id_not_url_safe(operation: Operation, _: Api) -> Iterator[Hit]:
    """An `operationId` has characters that URLs and programming languages escape.

    Documentation makes anchors of these ids and generators make names: with a space or a slash
    in them, each tool has an escape of its own and links break.
    """
    id = operation.node.get("operationId")
    if isinstance(id, str) and id.strip() and not _URL_SAFE.fullmatch(id):
        message = f"the `operationId` {quoted(id)} has characters that URLs escape"
        at = operation.node.place("operationId")
        yield Hit(at, message, cause="operationIds have characters that URLs escape")


_URL_SAFE: Final = re.compile(r"[A-Za-z0-9\-._~:?#\[\]@!$&'()*+,;=/]+")
"""The characters of URLs (RFC 3986); `/` among them, as GitHub's `repos/get`."""


@rule(
    "api/operation-untagged",
    Severity.INFO,
    FindingClass.STYLE,
    on="operation",
    opt_in=True,
    fix="Give the operation one tag, and describe the tag under `tags` of the document",
    references=[f"{SPECIFICATION}#operation-object"],
    bad="""
    paths: {/health: {get: {summary: Report liveness}}}
    """,
    good="""
    tags: [{name: System}]
    paths: {/health: {get: {tags: [System]}}}
    """,
)
def operation_untagged(operation: Operation, _: Api) -> Iterator[Hit]:
    """An operation has no tag.

    Tags are the chapters of the documentation and the classes of generated clients: without one
    the operation stands under `default`, beside whatever else was forgotten.
    """
    if not listing(operation.node.get("tags")):
        message = f"{quoted(operation)} has no tag"
        yield Hit(operation.node.place(), message, cause="operations have no tag")


@rule(
    "api/operation-tags-several",
    Severity.INFO,
    FindingClass.STYLE,
    on="operation",
    opt_in=True,
    fix="Keep the tag under which readers look for it",
    references=[f"{SPECIFICATION}#operation-object"],
    bad="""
    tags: [{name: System}, {name: Health}]
    paths: {/health: {get: {tags: [System, Health]}}}
    """,
    good="""
    tags: [{name: System}, {name: Health}]
    paths: {/health: {get: {tags: [System]}}}
    """,
)
def operation_tags_several(operation: Operation, _: Api) -> Iterator[Hit]:
    """An operation has more than one tag.

    Generators write its method once for each tag, into several classes, and documentation shows
    it several times.
    """
    tags = listing(operation.node.get("tags"))
    if len(tags) > 1:
        message = f"{quoted(operation)} has {len(tags)} tags"
        yield Hit(operation.node.place("tags"), message, cause="operations have several tags")


@rule(
    "api/tag-description-missing",
    Severity.INFO,
    FindingClass.STYLE,
    on="tag",
    opt_in=True,
    fix="Say in a sentence what the operations of the tag have in common",
    references=[f"{SPECIFICATION}#tag-object"],
    bad="""
    tags: [{name: System}]
    """,
    good="""
    tags: [{name: System, description: Whether the service is well}]
    """,
)
def tag_description_missing(tag: Node, _: Api) -> Iterator[Hit]:
    """A tag has no description.

    It opens the chapter of its operations; a bare name leaves the reader to open each of them.
    """
    if _is_blank(tag.get("description")) and _is_blank(tag.get("summary")):
        message = f"the tag {quoted(tag.get('name'))} has no description"
        yield Hit(tag.place(), message, cause="tags have no description")


@rule(
    "api/parameter-description-missing",
    Severity.INFO,
    FindingClass.STYLE,
    on="parameter",
    opt_in=True,
    fix="Say what the parameter does to the result, and what its absence means",
    references=[f"{SPECIFICATION}#parameter-object"],
    bad="""
    paths:
      /pets/count:
        get:
          parameters:
            - {name: deceased, in: query, schema: {type: boolean}}
    """,
    good="""
    paths:
      /pets/count:
        get:
          parameters:
            - name: deceased
              in: query
              description: Counts those that have died, too; else only the living
              schema: {type: boolean}
    """,
)
def parameter_description_missing(parameter: Node, api: Api) -> Iterator[Hit]:
    """A parameter has no description.

    What a call without the parameter does, how it works together with others and which values
    make sense is not in its schema. A description of the schema counts.
    """
    schema = api.description.child(parameter, "schema")
    if _is_blank(parameter.get("description")) and not (schema and _says(schema)):
        message = f"the parameter {quoted(parameter.get('name'))} has no description"
        yield Hit(parameter.place(), message, cause="parameters have no description")


def _says(schema: Node) -> bool:
    return not _is_blank(schema.get("description"))


@rule(
    "api/schema-description-missing",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Describe what the thing is, and what its properties do not say by their names",
    references=[f"{SPECIFICATION}#schema-object"],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            title: {type: string}
    """,
    good="""
    components:
      schemas:
        Problem:
          description: What went wrong, as in RFC 9457
    """,
)
def schema_description_missing(api: Api, _: Api) -> Iterator[Hit]:
    """A component schema describes neither itself nor any of its properties.

    Names tell people what a thing is called and not what it is: which state of an order this is,
    in which unit, since when. Schemas that describe one of their properties pass.
    """
    for name, schema in _component_schemas(api):
        value = mapping(schema.value)
        if not value or "$ref" in value or "enum" in value or not _is_blank(value.get("title")):
            continue
        if not any(map(_says, (*api.parts(schema), *api.properties(schema).values()))):
            message = f"the schema {quoted(name)} has no description"
            yield Hit(schema.place(), message, cause="schemas have no description")


def _component_schemas(api: Api) -> Iterator[tuple[str, Node]]:
    if api.version is Version.V20:
        yield from api.description.children(api.root, "definitions")
    else:
        components = api.description.child(api.root, "components")
        yield from api.description.children(components, "schemas")


@rule(
    "api/property-description-missing",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Say what the value means: the unit, the moment, who sets it",
    references=[f"{SPECIFICATION}#schema-object"],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            retryable: {type: boolean}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            status: {type: integer, description: That of the response}
            retryable: {type: boolean, description: Whether the same call may succeed later}
    """,
)
def property_description_missing(api: Api, _: Api) -> Iterator[Hit]:
    """A flag or a number has no description.

    Of all properties these say least by their schema: a number has no unit, a flag no default and
    no consequence. Strings, with their formats and values, and objects, which describe themselves,
    are left to `api/schema-description-missing`.
    """
    for name, schemas in api.declaring.items():
        for schema in schemas:
            value = mapping(schema.value["properties"][name])
            kind = value.get("type")
            if isinstance(kind, str) and kind in _TERSE and not _TELLING & value.keys():
                at = schema.place("properties", name)
                message = f"{quoted(name)} is {_TERSE[kind]} and has no description"
                yield Hit(at, message, cause="flags and numbers have no description")


_TERSE: Final = {"boolean": "a flag", "integer": "a number", "number": "a number"}
_TELLING: Final = {"description", "title", "enum", "const", "format", "default", "maximum"}


@rule(
    "api/info-description-missing",
    Severity.INFO,
    FindingClass.STYLE,
    on="info",
    opt_in=True,
    fix="Say what the API is for, how one gets access, and what all its operations share",
    references=[f"{SPECIFICATION}#info-object"],
    bad="""
    info: {title: Pets, version: 1.0.0}
    openapi: 3.1.1
    security: []
    paths:
      /health: {get: {responses: {'200': {description: Up}, '503': {description: Down}}}}
    """,
    good="""
    info: {title: Pets, version: 1.0.0, description: Pets and their owners}
    openapi: 3.1.1
    security: []
    paths:
      /health: {get: {responses: {'200': {description: Up}, '503': {description: Down}}}}
    """,
)
def info_description_missing(info: Node, _: Api) -> Iterator[Hit]:
    """The API is not described.

    What holds for all operations belongs here: how one gets access, how lists are paged, what
    errors look like, how long versions live.
    """
    if _is_blank(info.get("description")):
        yield Hit(info.place(), "the API has no description")


@rule(
    "api/contact-missing",
    Severity.INFO,
    FindingClass.STYLE,
    on="info",
    opt_in=True,
    fix="Name those who answer questions, with a `url` or an `email`",
    references=[f"{SPECIFICATION}#contact-object"],
    bad="""
    info: {title: Pets, version: 1.0.0, contact: {name: The pets team}}
    openapi: 3.1.1
    security: []
    paths:
      /health: {get: {responses: {'200': {description: Up}, '503': {description: Down}}}}
    """,
    good="""
    info:
      title: Pets
      version: 1.0.0
      contact: {name: The pets team, url: 'https://example.com/pets'}
    openapi: 3.1.1
    security: []
    paths:
      /health: {get: {responses: {'200': {description: Up}, '503': {description: Down}}}}
    """,
)
def contact_missing(info: Node, _: Api) -> Iterator[Hit]:
    """Nobody can be reached by what the document says.

    Who finds a fault, or wants to use the API, needs somebody to ask. A name, and a URL or an
    address of e-mail, are what the Contact Object is for.
    """
    contact = mapping(info.get("contact"))
    if not contact:
        yield Hit(info.place(), "the API has no contact")
    elif _is_blank(contact.get("url")) and _is_blank(contact.get("email")):
        message = "the contact has neither a `url` nor an `email`"
        yield Hit(info.place("contact"), message)


@rule(
    "api/license-missing",
    Severity.INFO,
    FindingClass.STYLE,
    on="info",
    opt_in=True,
    fix="Name the licence, with its SPDX `identifier` (3.1) or a `url` to its text",
    references=[f"{SPECIFICATION}#license-object"],
    bad="""
    info: {title: Pets, version: 1.0.0, license: {name: Apache 2.0}}
    openapi: 3.1.1
    security: []
    paths:
      /health: {get: {responses: {'200': {description: Up}, '503': {description: Down}}}}
    """,
    good="""
    info: {title: Pets, version: 1.0.0, license: {name: Apache 2.0, identifier: Apache-2.0}}
    openapi: 3.1.1
    security: []
    paths:
      /health: {get: {responses: {'200': {description: Up}, '503': {description: Down}}}}
    """,
)
def license_missing(info: Node, _: Api) -> Iterator[Hit]:
    """The terms under which the API may be used are not said, or cannot be read.

    Companies ask before they depend on something. A name alone leaves open which text it means.
    """
    licence = mapping(info.get("license"))
    if not licence:
        yield Hit(info.place(), "the API has no licence")
    elif _is_blank(licence.get("url")) and _is_blank(licence.get("identifier")):
        yield Hit(info.place("license"), "the licence has neither a `url` nor an `identifier`")


@rule(
    "api/example-missing",
    Severity.INFO,
    FindingClass.STYLE,
    on="media_type",
    opt_in=True,
    fix="Give an example of a whole body, with values as they really occur",
    references=[f"{SPECIFICATION}#media-type-object"],
    bad="""
    paths:
      /pets/first:
        get:
          responses:
            '200':
              description: A pet
              content:
                application/json: {schema: {type: object, properties: {name: {type: string}}}}
            '404': {$ref: '#/components/responses/Problem'}
    components:
      responses:
        Problem:
          content:
            application/problem+json: {example: {title: There is no such pet, status: 404}}
    """,
    good="""
    paths:
      /pets/first:
        get:
          responses:
            '200':
              description: A pet
              content:
                application/json:
                  schema: {type: object, properties: {name: {type: string}}}
                  example: {name: Rex}
            '404': {$ref: '#/components/responses/Problem'}
    components:
      responses:
        Problem:
          content:
            application/problem+json: {example: {title: There is no such pet, status: 404}}
    """,
)
def example_missing(media_type: Node, api: Api) -> Iterator[Hit]:
    """A JSON body has no example.

    An example is read first, and mock servers answer with it; made up from the schema it is
    `"string"` and `0`. Examples of the schema, or of its properties, count.
    """
    schema = api.description.child(media_type, "schema")
    if "json" not in str(media_type.key[-1:]) or schema is None:
        return
    if not ({"example", "examples"} & media_type.value.keys() or _has_example(schema, api)):
        yield Hit(
            media_type.place(),
            f"a body of {quoted(media_type.key[-1])} has no example",
            cause="bodies have no example",
        )


def _has_example(schema: Node, api: Api) -> bool:
    """Whether the schema or something in it, a few levels deep, has an example."""
    seen, level = {schema}, [schema]
    for _ in range(EXAMPLE_DEPTH):
        if any(_EXAMPLES & mapping(node.value).keys() for node in level):
            return True
        inner = dict.fromkeys(each for node in level for each in _inside(node, api))
        level = [node for node in inner if node not in seen]
        seen.update(level)
    return False


def _inside(schema: Node, api: Api) -> Iterator[Node]:
    for _, node in api.description.children(schema, "properties"):
        yield node
    for key in ("allOf", "oneOf", "anyOf"):
        for member in listing(schema.get(key)):
            if part := api.description.resolve(member):
                yield part
    if items := api.description.child(schema, "items"):
        yield items


EXAMPLE_DEPTH: Final = 6
_EXAMPLES: Final = {"example", "examples", "const"}


@rule(
    "api/markdown-unsafe",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Write CommonMark without scripts; put code that readers should see into a code span",
    references=[
        f"{SPECIFICATION}#rich-text-formatting",
        "CWE-79",
        "https://owasp.org/www-community/attacks/xss/",
    ],
    bad="""
    paths:
      /health:
        get: {description: "Is it up? <script src='https://example.org/x.js'></script>"}
    """,
    good="""
    paths:
      /health:
        get: {description: "Is it up? Embed `<script src='…'>` to show it."}
    """,
)
def markdown_unsafe(api: Api, _: Api) -> Iterator[Hit]:
    """A description has a script in it.

    Descriptions are CommonMark, which lets HTML through: portals that do not clean it run the
    script for everybody who reads the documentation, with their sessions.
    """
    for nodes in api.description.nodes.values():
        for node in nodes:
            text = node.get("description")
            if isinstance(text, str) and ("<" in text or "javascript:" in text.lower()):
                found = _SCRIPT.search(_CODE.sub("", text[:MAX_TEXT]))
                if found:
                    yield Hit(
                        node.place("description"),
                        f"the description of this {name_of(node.kind)} has {quoted(found[0])}",
                        cause="descriptions have scripts in them",
                    )


MAX_TEXT: Final = 20_000
_CODE: Final = re.compile(r"```(?s:.*?)(?:```|\Z)|`[^`\n]*`|^(?: {4}|\t).*$", re.M)
_SCRIPT: Final = re.compile(
    r"<\s*(?:script|iframe|object|embed)\b[^>]{0,80}|<[a-z][^<>]{0,200}\son[a-z]{3,20}\s*="
    r"|(?:\]\(|(?:href|src)\s*=\s*[\"']?)\s*javascript:",
    re.I,
)
