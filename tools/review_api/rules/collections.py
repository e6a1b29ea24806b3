"""Rules about lists that are unlike the other lists of the API, or lead to no next page."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...openapi.api import PAGE_SIZE, Api, Listed, page_style
from ...openapi.conventions import convention
from ...openapi.lists import ListAnswer, is_named_by_path, items_of, list_answered, lists_of
from ...openapi.values import mapping
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule

_AIP_158 = "https://google.aip.dev/158"


@rule(
    "api/cursor-not-returned",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Return the cursor of the next page beside the list, or in a `Link` header",
    references=[_AIP_158, "https://www.rfc-editor.org/rfc/rfc8288"],
    bad="""
    paths:
      /pets:
        get:
          parameters:
            - {name: cursor, in: query, schema: {type: string, maxLength: 200}}
          responses:
            '200':
              description: A page
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      data: {type: array, items: {type: object, properties: {a: {type: string}}}}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets:
        get:
          parameters:
            - {name: cursor, in: query, schema: {type: string, maxLength: 200}}
          responses:
            '200':
              description: A page
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      data: {type: array, items: {type: object, properties: {a: {type: string}}}}
                      nextCursor: {type: string}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def cursor_not_returned(api: Api, _: Api) -> Iterator[Hit]:
    """A list takes a cursor that no answer gives.

    Cursors are opaque: a client has one only from the page before. Here neither the body, nor its
    members, nor a header, nor a text has one, so that all but the first page cannot be asked for.
    Parameters that take the id of a member (`after`, `starting_after`) are fine.
    """
    for found in lists_of(api):
        operation = found.operation
        taken = [q for q in operation.parameters_in("query") if _is_cursor(q)]
        if taken and not found.continued and not _gives(found, taken):
            name = quoted(taken[0].node.get("name"))
            yield Hit(
                operation.node.place("responses"),
                f"{quoted(operation)} takes {name}, but no answer gives one",
                cause=f"lists take {name}, but their answers give none",
            )


_CURSOR = re.compile(
    r"^(next_?|page_?)?cursor$|^((next_?)?page|next|continuation|pagination)_?token$", re.I
)
_GIVES = re.compile(r"next|cursor|continu|page|link|marker|token", re.I)
_TOLD = re.compile(r"\b(next|header|link)\b", re.I)


def _is_cursor(parameter: Listed) -> bool:
    return _CURSOR.match(str(parameter.node.get("name"))) is not None


def _gives(found: ListAnswer, taken: list[Listed]) -> bool:
    """Whether headers, members or a text may tell the cursor of the next page."""
    api = found.operation.api
    answered = list_answered(found.operation)
    answers = [answer for _, answer in found.operation.success]
    names = [name for answer in answers for name in mapping(answer.get("headers"))]
    names += api.properties(items_of(answered.array, api)) if answered else ()
    texts = [node.get("description") for node in (*answers, *(each.node for each in taken))]
    return any(_GIVES.search(str(name)) for name in names) or any(
        isinstance(text, str) and _TOLD.search(text) for text in texts
    )


@rule(
    "api/page-parameter-inconsistent",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Take the name that the other lists have; keep the old one as a deprecated alias",
    references=[_AIP_158],
    bad="""
    paths:
      /pets: {get: &paged {responses: &page {'200': {$ref: '#/components/responses/Page'},
        '400': {$ref: '#/components/responses/Problem'}}, parameters: [
        {name: cursor, in: query, schema: {type: string, maxLength: 200}},
        {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100}}]}}
      /vets: {get: *paged}
      /cats: {get: *paged}
      /dogs: {get: *paged}
      /owners: {get: *paged}
      /visits: {get: {responses: *page, parameters: [
        {name: cursor, in: query, schema: {type: string, maxLength: 200}},
        {name: pageSize, in: query, schema: {type: integer, minimum: 1, maximum: 100}}]}}
    components:
      responses:
        Page: &answer {description: A page, content: {application/json: {schema: {type: object,
          properties: {next: {type: string}, data: {type: array, items: {type: object}}}}}}}
    """,
    good="""
    paths:
      /pets: {get: &paged {responses: &page {'200': {$ref: '#/components/responses/Page'},
        '400': {$ref: '#/components/responses/Problem'}}, parameters: [
        {name: cursor, in: query, schema: {type: string, maxLength: 200}},
        {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100}}]}}
      /vets: {get: *paged}
      /cats: {get: *paged}
      /dogs: {get: *paged}
      /owners: {get: *paged}
      /visits: {get: *paged}
    components:
      responses:
        Page: &answer {description: A page, content: {application/json: {schema: {type: object,
          properties: {next: {type: string}, data: {type: array, items: {type: object}}}}}}}
    """,
)
def page_parameter_inconsistent(api: Api, _: Api) -> Iterator[Hit]:
    """The page size or cursor of a list has another name than in nearly all others.

    One function that pages through any list sends the usual name; this list ignores it as unknown
    and gives pages of the default size, or the first page again and again. Reported where at least
    five lists, and four of five, agree on the name.
    """
    for called, matches in (("page size", _is_size), ("cursor", _is_cursor)):
        ballots = []
        for each in lists_of(api):
            named = [q for q in each.operation.parameters_in("query") if matches(q)]
            if len(named) == 1 and page_style(each.operation):
                ballots.append((str(named[0].node.get("name")), (each, named[0])))
        found = convention(ballots, 5, 0.8)
        for name, (outlier, parameter) in found.outliers if found else ():
            usual = f"{found.ratio} lists name the {called} {quoted(found.choice)}" if found else ""
            yield Hit(
                parameter.at.place(),
                f"{quoted(outlier.operation)} names the {called} {quoted(name)}, {usual}",
                cause=f"{usual}, these {quoted(name)}",
            )


def _is_size(parameter: Listed) -> bool:
    return PAGE_SIZE.search(str(parameter.node.get("name")).lstrip("$")) is not None


@rule(
    "api/list-envelope-inconsistent",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Answer with the list where the API's other lists have it",
    references=[_AIP_158, "https://google.aip.dev/132"],
    bad="""
    paths:
      /a: {get: &usual {parameters: &paging [
        {name: cursor, in: query, schema: {type: string, maxLength: 200}}],
        responses: {'200': {$ref: '#/components/responses/Page'},
        '400': {$ref: '#/components/responses/Problem'}}}}
      /b: {get: *usual}
      /c: {get: *usual}
      /d: {get: *usual}
      /e: {get: *usual}
      /f: {get: *usual}
      /g: {get: *usual}
      /h: {get: *usual}
      /i: {get: *usual}
      /j: {get: *usual}
      /k: {get: {parameters: *paging, responses: {'200': {$ref: '#/components/responses/Other'},
        '400': {$ref: '#/components/responses/Problem'}}}}
    components:
      responses:
        Page: {description: A page, content: {application/json: {schema: {type: object,
          properties: {next: {type: string}, data: {type: array, items: {type: object}}}}}}}
        Other: {description: A page, content: {application/json: {schema: {type: object,
          properties: {next: {type: string}, items: {type: array, items: {type: object}}}}}}}
    """,
    good="""
    paths:
      /a: {get: &usual {parameters: &paging [
        {name: cursor, in: query, schema: {type: string, maxLength: 200}}],
        responses: {'200': {$ref: '#/components/responses/Page'},
        '400': {$ref: '#/components/responses/Problem'}}}}
      /b: {get: *usual}
      /c: {get: *usual}
      /d: {get: *usual}
      /e: {get: *usual}
      /f: {get: *usual}
      /g: {get: *usual}
      /h: {get: *usual}
      /i: {get: *usual}
      /j: {get: *usual}
      /k: {get: *usual}
    components:
      responses:
        Page: {description: A page, content: {application/json: {schema: {type: object,
          properties: {next: {type: string}, data: {type: array, items: {type: object}}}}}}}
    """,
)
def list_envelope_inconsistent(api: Api, _: Api) -> Iterator[Hit]:
    """A list is wrapped otherwise than nearly all others of the API.

    Clients unwrap lists in one place: for this one they find nothing where the members should be,
    or take the envelope for the list. Reported where at least ten lists, and nine of ten, have
    their members in the same place.
    """
    found = convention((_wrapped(each), each) for each in lists_of(api))
    for how, outlier in found.outliers if found else ():
        usual = f"{found.ratio} lists are {found.choice}" if found else ""
        yield Hit(
            outlier.operation.node.place("responses"),
            f"the list of {quoted(outlier.operation)} is {how}, {usual}",
            cause=f"{usual}, these {how}",
        )


def _wrapped(each: ListAnswer) -> str:
    if not each.envelope:
        return "bare arrays"
    if is_named_by_path(each.envelope, each.operation):
        return "in a field named like the resource"
    return f"in {quoted(each.envelope)}"
