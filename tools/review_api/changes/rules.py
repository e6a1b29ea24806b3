"""Rules on what a new version does to clients of the old: what each means, and the gentler way.

The check is one for all of them (`verdicts`). An example is a document before and after, of an
operation only what matters.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Final

from ...report import Confidence, FindingClass, Severity
from ...rule import Hit, Rule

OAS: Final = "https://spec.openapis.org/oas/v3.1.1#style-values"
HTTP: Final = "https://www.rfc-editor.org/rfc/rfc9110#section-15.5"
SUNSET: Final = "https://www.rfc-editor.org/rfc/rfc8594"
DEPRECATION: Final = "https://www.rfc-editor.org/rfc/rfc9745"
SEMVER: Final = "https://semver.org/spec/v2.0.0.html"


def _not_a_rule_of_one_document(subject: Any, context: Any) -> Iterator[Hit]:
    """Changes are judged by `verdicts`, two documents at once."""
    yield from ()


def _example(text: str) -> str:
    return inspect.cleandoc(text) + "\n"


def _rule(
    id: str, title: str, rationale: str, fix: str, bad: str, good: str, *references: str
) -> Rule:
    breaking = id.startswith("breaking/")
    return Rule(
        id,
        Severity.ERROR if breaking else Severity.INFO,
        FindingClass.DEFECT if breaking else FindingClass.RISK,
        Confidence.HIGH,
        "change",
        title,
        rationale,
        fix,
        (*references, SEMVER),
        _example(bad),
        _example(good),
        False,
        _not_a_rule_of_one_document,
    )


def _parameter(before: str, after: str) -> str:
    return (
        "before: {parameters: [{name: limit, in: query, " + before + "}]}\n"
        "after: {parameters: [{name: limit, in: query, " + after + "}]}"
    )


def _request(before: str, after: str) -> str:
    return "\n".join(
        f"{side}: {{requestBody: {{content: {{application/json: {{schema: {schema}}}}}}}}}"
        for side, schema in (("before", before), ("after", after))
    )


def _response(before: str, after: str) -> str:
    return "\n".join(
        f"{side}: {{responses: {{'200': {{description: Done., content: {{application/json:"
        f" {{schema: {schema}}}}}}}}}}}"
        for side, schema in (("before", before), ("after", after))
    )


def _order(properties: str, more: str = "") -> str:
    return "{type: object, properties: {" + properties + "}" + more + "}"


_NOTE: Final = "note: {type: string}"
_BOTH: Final = "note: {type: string}, size: {type: integer}"

BREAKING: Final = (
    _rule(
        "breaking/operation-removed",
        "An operation is gone",
        "Clients that call it are answered 404 or 405. `deprecated` alone tells nobody when.",
        "Keep it, marked `deprecated`, answering with `Deprecation` and `Sunset` until its date",
        """
        before: {paths: {/orders: {get: {}, delete: {}}}}
        after: {paths: {/orders: {get: {}}}}
        """,
        """
        before: {paths: {/orders: {get: {}}}}
        after: {paths: {/orders: {get: {}, delete: {}}}}
        """,
        HTTP,
        DEPRECATION,
        SUNSET,
    ),
    _rule(
        "breaking/parameter-removed",
        "A parameter is gone",
        "Clients send it still. A strict server refuses them; a lenient one ignores what they ask"
        " for, and a filter that is ignored returns too much.",
        "Keep the parameter, marked `deprecated`, until no client sends it",
        "before: {parameters: [{name: state, in: query, schema: {type: string}}]}\nafter: {}",
        "before: {}\nafter: {parameters: [{name: state, in: query, schema: {type: string}}]}",
        HTTP,
    ),
    _rule(
        "breaking/parameter-required",
        "A parameter must be sent that clients do not have to send",
        "Calls without it were valid and are refused now.",
        "Make it optional, with a default that does what was done before",
        _parameter("schema: {type: integer}", "required: true, schema: {type: integer}"),
        _parameter("required: true, schema: {type: integer}", "schema: {type: integer}"),
        HTTP,
    ),
    _rule(
        "breaking/parameter-narrowed",
        "A parameter admits fewer values",
        "A value that clients send by the old contract is refused by the new one.",
        "Accept the old values as well; give what is new a parameter of its own",
        _parameter("schema: {type: integer, maximum: 100}", "schema: {type: integer, maximum: 50}"),
        _parameter("schema: {type: integer, maximum: 50}", "schema: {type: integer, maximum: 100}"),
        HTTP,
    ),
    _rule(
        "breaking/parameter-rewritten",
        "A parameter is written another way, or does something else by default",
        "Clients that write it the old way, or leave it out, get another result.",
        "Add a parameter for the new way beside the old one",
        _parameter(
            "schema: {type: array, items: {type: string}}",
            "explode: false, schema: {type: array, items: {type: string}}",
        ),
        _parameter(
            "style: form, schema: {type: array, items: {type: string}}",
            "explode: true, schema: {type: array, items: {type: string}}",
        ),
        OAS,
    ),
    _rule(
        "breaking/request-body-required",
        "A request must have a body that clients do not have to send",
        "Calls without a body were valid and are refused now.",
        "Make the body optional, and do without it what was done before",
        """
        before: {}
        after: {requestBody: {required: true, content: {application/json: {schema: {}}}}}
        """,
        """
        before: {}
        after: {requestBody: {content: {application/json: {schema: {}}}}}
        """,
        HTTP,
    ),
    _rule(
        "breaking/request-body-removed",
        "What requests may carry is gone",
        "Clients send a body, or one of a media type, that the new version has no meaning for; a"
        " server may answer 415.",
        "Accept both for a while, and mark the operation or the old media type as deprecated",
        """
        before: {requestBody: {content: {application/json: {schema: {}}}}}
        after: {}
        """,
        """
        before: {requestBody: {content: {application/json: {}}}}
        after: {requestBody: {content: {application/json: {}, application/cbor: {}}}}
        """,
        HTTP,
    ),
    _rule(
        "breaking/request-property-required",
        "A property must be sent that clients do not have to send",
        "Requests without it were valid and are refused now. A `default` does not help: it says"
        " what a server does, not what it admits.",
        "Make it optional, and do without it what was done before",
        _request(_order(_NOTE), _order(_NOTE, ", required: [note]")),
        _request(_order(_NOTE, ", required: [note]"), _order(_NOTE)),
        HTTP,
    ),
    _rule(
        "breaking/request-property-removed",
        "A property of requests is gone",
        "Clients send it still. A closed schema refuses them; an open one ignores what they sent"
        " to be kept.",
        "Keep the property, marked `deprecated`, until no client sends it",
        _request(
            _order(_BOTH, ", additionalProperties: false"),
            _order(_NOTE, ", additionalProperties: false"),
        ),
        _request(_order(_NOTE), _order(_BOTH)),
        HTTP,
    ),
    _rule(
        "breaking/request-narrowed",
        "A request admits fewer values",
        "What clients send by the old contract is refused by the new one.",
        "Accept the old values as well; give what is new a property of its own",
        _request(
            _order("note: {type: string, maxLength: 100}"),
            _order("note: {type: string, maxLength: 50}"),
        ),
        _request(
            _order("note: {type: string, maxLength: 50}"),
            _order("note: {type: string, maxLength: 100}"),
        ),
        HTTP,
    ),
    _rule(
        "breaking/response-removed",
        "A status or media type that clients were promised is gone",
        "Clients that wait for this status, or ask for this media type, get something else.",
        "Answer as before where clients ask for it, and offer the new beside it",
        """
        before: {responses: {'200': {description: Done.}, '202': {description: Later.}}}
        after: {responses: {'200': {description: Done.}}}
        """,
        """
        before: {responses: {'200': {description: Done.}}}
        after: {responses: {'200': {description: Done.}, '429': {description: Slowly.}}}
        """,
        HTTP,
    ),
    _rule(
        "breaking/response-property-removed",
        "A property of responses is gone",
        "Clients read it. Of a required one that is certain to break the contract; of an optional"
        " one the contract allowed for its absence, but clients may use it.",
        "Keep sending it, marked `deprecated`, and put the new property beside it",
        _response(_order(_BOTH, ", required: [size]"), _order(_NOTE)),
        _response(_order(_NOTE), _order(_BOTH)),
    ),
    _rule(
        "breaking/response-property-optional",
        "A property of responses may be missing",
        "Clients were promised that it is there, and read it without asking.",
        "Keep sending it always",
        _response(_order(_NOTE, ", required: [note]"), _order(_NOTE)),
        _response(_order(_NOTE), _order(_NOTE, ", required: [note]")),
    ),
    _rule(
        "breaking/response-widened",
        "A response may hold values that clients were not told of",
        "The new version may send what the old contract forbids; clients that rely on it fail, or"
        " do something wrong.",
        "Send the new values to clients only that ask for them: a version, a parameter, a property"
        " beside the old one",
        _response(
            _order("state: {enum: [open, paid]}"), _order("state: {enum: [open, paid, void]}")
        ),
        _response(
            _order("state: {enum: [open, paid, void]}"), _order("state: {enum: [open, paid]}")
        ),
    ),
    _rule(
        "breaking/response-header-removed",
        "A header of responses is gone, may be missing, or says something else",
        "Clients read it: of a required header they rely on it.",
        "Keep sending it",
        """
        before:
          responses: {'200': {description: Done., headers: {ETag: {required: true, schema: {}}}}}
        after: {responses: {'200': {description: Done.}}}
        """,
        """
        before: {responses: {'200': {description: Done.}}}
        after: {responses: {'200': {description: Done., headers: {ETag: {schema: {}}}}}}
        """,
    ),
    _rule(
        "breaking/security-tightened",
        "A call needs a credential or a scope that it did not need",
        "Clients without it are answered 401 or 403.",
        "Accept the old credential beside the new one for a while: another entry of `security`",
        """
        before: {security: [{key: []}]}
        after: {security: [{key: [], token: []}]}
        """,
        """
        before: {security: [{key: []}]}
        after: {security: [{key: []}, {token: []}]}
        """,
        HTTP,
    ),
    _rule(
        "breaking/security-scheme-changed",
        "A credential is obtained or sent another way",
        "What clients send, or where they get it from, is no longer right.",
        "Declare a second scheme and accept both for a while",
        """
        before: {components: {securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}}}
        after: {components: {securitySchemes: {key: {type: http, scheme: bearer}}}}
        """,
        """
        before: {components: {securitySchemes: {key: {type: http, scheme: bearer}}}}
        after: {components: {securitySchemes: {key: {type: http, scheme: Bearer}}}}
        """,
    ),
    _rule(
        "breaking/server-removed",
        "An address of the API is gone",
        "Clients call it still.",
        "Keep the address, or answer there with a permanent redirect (308)",
        """
        before: {servers: [{url: https://api.example.com/v1}]}
        after: {servers: [{url: https://api.example.com/v2}]}
        """,
        """
        before: {servers: [{url: https://api.example.com/v1}]}
        after: {servers: [{url: https://api.example.com/v1}, {url: https://api.example.com/v2}]}
        """,
        HTTP,
    ),
    _rule(
        "breaking/webhook-removed",
        "A webhook is no longer called",
        "Clients that wait for it wait in vain.",
        "Keep calling it until its subscribers have moved",
        """
        before: {webhooks: {paid: {post: {responses: {'200': {description: Seen.}}}}}}
        after: {webhooks: {}}
        """,
        """
        before: {webhooks: {}}
        after: {webhooks: {paid: {post: {responses: {'200': {description: Seen.}}}}}}
        """,
    ),
)

COMPATIBLE: Final = (
    _rule(
        "change/addition",
        "Something is there that was not",
        "Clients of the old version do not know it and do not need it.",
        "Nothing to do; tell readers of the changelog",
        """
        before: {parameters: []}
        after: {parameters: [{name: q, in: query, schema: {type: string}}]}
        """,
        "before: {}\nafter: {}",
    ),
    _rule(
        "change/relaxation",
        "More is accepted than before",
        "What clients send by the old contract is still accepted.",
        "Nothing to do; tell readers of the changelog",
        _parameter("schema: {type: integer, maximum: 50}", "schema: {type: integer, maximum: 100}"),
        "before: {}\nafter: {}",
    ),
    _rule(
        "change/promise",
        "More is promised of responses than before",
        "All that the new version sends, the old contract allowed.",
        "Nothing to do; tell readers of the changelog",
        _response(_order(_NOTE), _order(_NOTE, ", required: [note]")),
        "before: {}\nafter: {}",
    ),
    _rule(
        "change/deprecation",
        "Something is marked as deprecated, or no longer so",
        "Nothing breaks yet; clients should move.",
        "Say in `Sunset` and in the description until when it works, and what replaces it",
        "before: {}\nafter: {deprecated: true}",
        "before: {}\nafter: {}",
        DEPRECATION, SUNSET,
    ),
    _rule(
        "change/description",
        "Something changed that no call depends on",
        "Names, tags, annotations and the like; code that is generated from the document may get"
        " other names.",
        "Nothing to do; tell readers of the changelog",
        "before: {operationId: list}\nafter: {operationId: listOrders}",
        "before: {}\nafter: {}",
    ),
)  # fmt: skip

RULES: Final = (*BREAKING, *COMPATIBLE)
