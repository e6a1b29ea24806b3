"""Rules about limits and demands that their format, direction or default makes void."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...openapi.api import Api
from ...openapi.constraints import is_number, is_strict
from ...openapi.document import Node
from ...openapi.values import listing
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import SCHEMA, VALIDATION
from .types import FORMATS
from .wording import text_of

_READ_ONLY = "https://spec.openapis.org/oas/v3.0.4#schema-read-only"
_READ_ONLY_31 = f"{VALIDATION}#section-9.4"
_DEFAULT = f"{VALIDATION}#section-9.2"


@rule(
    "api/number-beyond-format",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Take a wider format, or a narrower limit",
    references=[FORMATS, "https://spec.openapis.org/oas/v3.0.4#data-types"],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: integer, format: int32, maximum: 4294967295}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: integer, format: int64, maximum: 4294967295}
    """,
)
def number_beyond_format(api: Api, _: Api) -> Iterator[Hit]:
    """A limit, a default or an enumerated value does not fit the format.

    `int32` ends at 2,147,483,647. A value above is valid by `maximum` and overflows in every client
    that was generated from the format: it fails to parse, or becomes a negative number.
    """
    for schema in api.having("format"):
        value = schema.value
        allowed = _RANGES.get(value["format"]) if isinstance(value["format"], str) else None
        if allowed is None or _NUMBERS.isdisjoint(value):
            continue
        for keyword in _NUMBERS.intersection(value):
            beyond = next((n for n in _numbers(value[keyword]) if not _fits(n, allowed)), None)
            if beyond is None or _means_the_end(beyond, keyword, value, allowed):
                continue
            low, high = allowed
            message = f"`{keyword}` is {quoted(text_of(beyond), 40)}"
            message += f", beyond the format {quoted(value['format'])}"
            evidence = f"the format holds {low:,} to {high:,}"
            related = (schema.place("format"),)
            at = schema.place(keyword)
            yield Hit(at, message, cause=message, evidence=evidence, related=related)


_NUMBERS = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))
_NUMBERS |= {"default", "const", "enum"}
_RANGES = {
    f"{sign}int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if not sign else (0, 2**bits - 1)
    for bits in (8, 16, 32, 64)
    for sign in ("", "u")
}


def _numbers(value: Any) -> list[Any]:
    return [number for number in listing(value) or [value] if is_number(number)]


def _fits(number: float, allowed: tuple[int, int]) -> bool:
    return allowed[0] <= number <= allowed[1]


def _means_the_end(
    number: float, keyword: str, schema: dict[str, Any], allowed: tuple[int, int]
) -> bool:
    """Whether it is the first number that the format does not hold, and excluded; or its rounding.

    2⁶³ as a double is the nearest to the end of `int64`.
    """
    low, high = allowed
    strict = keyword.startswith("exclusive") or (
        keyword in ("minimum", "maximum") and is_strict(schema, keyword)
    )
    return (strict and number in (low - 1, high + 1)) or float(number) in (float(high), float(low))


@rule(
    "api/read-only-and-write-only",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Keep one of the two",
    references=[_READ_ONLY, _READ_ONLY_31],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: string, readOnly: true, writeOnly: true}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: string, readOnly: true}
    """,
)
def read_only_and_write_only(api: Api, _: Api) -> Iterator[Hit]:
    """A property is both read-only and write-only.

    The one keeps it out of requests, the other out of responses, so it may be sent in no message at
    all. OpenAPI 3.0 forbids the combination.
    """
    for schema in api.having("writeOnly"):
        both = [part for part in api.parts(schema) if part.get("readOnly") is True]
        if schema.value["writeOnly"] is True and both:
            message = "`readOnly` and `writeOnly` keep the value out of requests and of responses"
            related = (both[0].place("readOnly"), schema.place())
            yield Hit(schema.place("writeOnly"), message, cause=message, related=related)


@rule(
    "api/required-of-other-direction",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Give requests and responses a schema each, or take the name out of `required`",
    references=[_READ_ONLY, _READ_ONLY_31, "https://spec.openapis.org/oas/v2.0#schema-object"],
    bad="""
    paths:
      /pets:
        post:
          operationId: createPet
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [id]
                  properties: {id: {type: string, readOnly: true, maxLength: 9}}
          responses:
            '204': {description: Created}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets:
        post:
          operationId: createPet
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  properties: {id: {type: string, maxLength: 9}}
          responses:
            '204': {description: Created}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def required_of_other_direction(api: Api, _: Api) -> Iterator[Hit]:
    """A property is required in the direction in which it must not be sent.

    A read-only property has no place in a request, a write-only one none in a response. Where the
    schema is used in that direction only, the demand cannot be met: OpenAPI 3.0 drops it silently,
    2.0 advises against it, and in 3.1, where a validator knows nothing of directions, it rejects
    every message that leaves the property out.
    """
    for switch, kind in (("readOnly", "requests"), ("writeOnly", "responses")):
        for schema in api.having(switch):
            owner, name = schema.parent, schema.key[-1]
            listed = listing(owner.get("required")) if owner is not None else []
            if schema.value[switch] is not True or schema.key != ("properties", name):
                continue
            if owner is None or name not in listed or not _is_only(owner, kind, api):
                continue
            yield Hit(
                owner.place("required", listed.index(name)),
                f"{quoted(name)} is required and `{switch}`, in a schema of {kind} only",
                cause=f"{quoted(owner.unit.label)} requires what is `{switch}`",
                related=(schema.place(switch),),
            )


def _is_only(schema: Node, kind: str, api: Api) -> bool:
    """Whether a schema is used in requests only, or in responses."""
    sent, received = bool(api.sent_by(schema.unit)), bool(api.received_by(schema.unit))
    return (received, sent) == ((True, False) if kind == "requests" else (False, True))


@rule(
    "api/required-with-default",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Remove the default, or make it optional",
    references=[_DEFAULT, SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          required: [title, status]
          properties:
            title: {type: string, default: Bad request}
    """,
    good="""
    components:
      schemas:
        Problem:
          required: [status]
          properties:
            title: {type: string, default: Bad request}
    """,
)
def required_with_default(api: Api, _: Api) -> Iterator[Hit]:
    """A required property or parameter has a default, which is never used.

    The default says what is assumed when a value is left out, and leaving it out is forbidden. One
    of the two statements is wrong.
    """
    cause = "a default of what is required is never used"
    for schema in api.having("default"):
        owner = _requiring(schema)
        if owner is not None:
            at = schema.place("default")
            related = (owner.place("required"), schema.place())
            yield Hit(at, cause, cause=cause, related=related)


def _requiring(schema: Node) -> Node | None:
    """The object or parameter that requires what the schema describes."""
    if schema.kind == "parameter" and schema.get("required") is True:
        return schema  # in 2.0
    owner = schema.parent
    if owner is None:
        return None
    if schema.key[:1] == ("properties",) and len(schema.key) == 2:
        return owner if schema.key[1] in listing(owner.get("required")) else None
    required = owner.kind == "parameter" and owner.get("required") is True
    return owner if required and schema.key == ("schema",) else None


@rule(
    "api/bound-without-effect",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Keep the bound that was meant",
    references=[f"{VALIDATION}#section-6.2", SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            status: {type: integer, minimum: 400, exclusiveMinimum: 0}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            status: {type: integer, minimum: 400}
    """,
)
def bound_without_effect(api: Api, _: Api) -> Iterator[Hit]:
    """Of two lower, or two upper bounds one never decides.

    From OpenAPI 3.1 on `exclusiveMinimum` is a bound of its own beside `minimum`, and the stricter
    one counts. The other is read by people and enforced by nobody; mostly it is the one that was
    meant, left over from the switch that it was in 3.0.
    """
    pairs = (("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1))
    for plain, exclusive, sign in pairs if api.version.modern else ():
        for schema in api.having(exclusive):
            limit, strict = schema.value.get(plain), schema.value[exclusive]
            if not is_number(limit) or not is_number(strict):
                continue
            decides, idle = (
                (plain, exclusive) if sign * (limit - strict) > 0 else (exclusive, plain)
            )
            message = f"`{idle}` is {quoted(text_of(schema.value[idle]), 40)}"
            message += f", and `{decides}` of {quoted(text_of(schema.value[decides]), 40)} decides"
            related = (schema.place(decides),)
            yield Hit(schema.place(idle), message, cause=message, related=related)
