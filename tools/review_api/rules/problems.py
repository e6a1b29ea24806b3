"""Rules about problem details, the standard body of errors: RFC 9457."""

from __future__ import annotations

from collections.abc import Iterator

from ...openapi.api import Api
from ...openapi.document import Node
from ...openapi.errors import ErrorBody, error_bodies
from ...openapi.models import declaration
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule

_PROBLEM = "https://www.rfc-editor.org/rfc/rfc9457"

_MEMBERS = {
    "type": {"string"},
    "title": {"string"},
    "status": {"integer", "number"},
    "detail": {"string"},
    "instance": {"string"},
}


def _problems(api: Api) -> dict[Node, ErrorBody]:
    """The schemas of problem details, each with a body that has it."""
    return {
        body.schema: body
        for body in error_bodies(api)
        if body.media_type.lower().startswith("application/problem+json")
    }


@rule(
    "api/problem-member-type",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Give the member the type that RFC 9457 gives it, or rename it",
    references=[f"{_PROBLEM}#section-3.1"],
    bad="""
    components:
      schemas:
        Problem:
          type: object
          required: [title, status]
          properties:
            title: {type: string}
            status: {type: string}
    """,
    good="""
    components:
      schemas:
        Problem:
          type: object
          required: [title, status]
          properties:
            title: {type: string}
            status: {type: integer}
    """,
)
def problem_member_type(api: Api, _: Api) -> Iterator[Hit]:
    """A member of problem details has another type than RFC 9457 gives it.

    `application/problem+json` promises `type`, `title`, `detail` and `instance` as strings and
    `status` as a number. Clients that keep to the standard ignore a member of another type, and
    typed ones fail to parse the whole error.
    """
    for schema in _problems(api):
        for name, node in api.properties(schema).items():
            types = api.types(node) - {"null"}
            wanted = _MEMBERS.get(name)
            if wanted and types and not types & wanted:
                yield Hit(
                    declaration(schema, name, api),
                    f"{quoted(name)} is {_listed(types)} in `application/problem+json`,"
                    f" where RFC 9457 has a {max(wanted)}",
                    cause=f"{quoted(name)} is {_listed(types)} in `application/problem+json`",
                )


def _listed(types: frozenset[str]) -> str:
    return " or ".join(quoted(kind) for kind in sorted(types))


@rule(
    "api/problem-members-missing",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Add `type`, `title`, `status` and `detail`, or answer with `application/json`",
    references=[f"{_PROBLEM}#section-3.1"],
    bad="""
    paths:
      /pets:
        delete:
          responses:
            '204': {description: All pets are gone}
            '400':
              description: Not understood
              content:
                application/problem+json:
                  schema: {type: object, properties: {code: {type: string}}}
    """,
    good="""
    paths:
      /pets:
        delete:
          responses:
            '204': {description: All pets are gone}
            '400':
              description: Not understood
              content:
                application/problem+json:
                  schema:
                    type: object
                    properties: {type: {type: string}, code: {type: string}}
    """,
)
def problem_members_missing(api: Api, _: Api) -> Iterator[Hit]:
    """A body is called problem details and has no member of them.

    `application/problem+json` tells clients and gateways to look for `type`, `title`, `status`,
    `detail` and `instance`. They find none of them and report an unknown problem, while the fields
    that do say what happened are read by nobody.
    """
    for schema, body in _problems(api).items():
        fields = api.properties(schema)
        closed = not any(part.get(key) for part in api.parts(schema) for key in ("oneOf", "anyOf"))
        if fields and closed and not fields.keys() & _MEMBERS.keys():
            shown = ", ".join(quoted(name) for name in sorted(fields)[:4])
            yield Hit(
                schema.place(),
                f"`application/problem+json` with {shown} and none of the members of RFC 9457",
                related=(body.place,),
            )


@rule(
    "api/error-not-problem-details",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Answer with `application/problem+json`",
    references=[_PROBLEM],
    bad="""
    paths:
      /pets:
        delete:
          responses:
            '204': {description: All pets are gone}
            '400':
              description: Not understood
              content: {application/json: {schema: {$ref: '#/components/schemas/Problem'}}}
    """,
    good="""
    paths:
      /pets:
        delete:
          responses:
            '204': {description: All pets are gone}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def error_not_problem_details(api: Api, _: Api) -> Iterator[Hit]:
    """An error is not of the standard media type for errors.

    RFC 9457 spares every API a model of its own: libraries, gateways and people know its members,
    and further ones can be added.
    """
    for body in error_bodies(api):
        if body.media_type and "problem+json" not in body.media_type.lower():
            message = f"errors are {quoted(body.media_type)}, not `application/problem+json`"
            yield Hit(body.place, message, cause=message)
