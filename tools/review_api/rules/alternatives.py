"""Rules about `oneOf`: members that admit what another admits, so that nobody may send it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from ...openapi.api import Api
from ...openapi.document import Node
from ...openapi.values import key_of, listing
from ...openapi.witnesses import NOTHING
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import SCHEMA
from .wording import called

_ONE_OF = "https://json-schema.org/draft/2020-12/json-schema-core#section-10.2.1.3"
MAX_MEMBERS = 12


@rule(
    "api/one-of-member-included",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="api",
    fix="Write `anyOf`, or exclude in one member what the other admits",
    references=[_ONE_OF, SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            code:
              oneOf:
                - {type: string}
                - {type: string, pattern: '^[A-Z]{3}$'}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            code:
              oneOf:
                - {type: integer}
                - {type: string, pattern: '^[A-Z]{3}$'}
    """,
)
def one_of_member_included(api: Api, _: Api) -> Iterator[Hit]:
    """Whatever one member of a `oneOf` admits, another admits, too.

    Exactly one member may match. A value of the narrower member always matches the wider one as
    well, so it is refused, and the narrower one can never be chosen: a validating server rejects
    what the description offers, and generated code picks a type by chance.
    """
    for schema, members in _alternatives(api):
        narrow: set[int] = set()
        for one, other in _comparable(api, schema, members):
            if one in narrow or other in narrow:
                continue
            if not api.witnesses.includes(members[one], members[other]):
                continue
            narrow.add(other)
            wider, narrower = _names(api, schema, members, one, other)
            value = api.witnesses.value_of(members[other], full=False)
            shown = f": {quoted(key_of(value), 160)}" if value is not NOTHING else ""
            message = f"every value of {narrower} is one of {wider}, and `oneOf` refuses it"
            yield Hit(
                schema.place("oneOf", other),
                message,
                cause=f"{quoted(schema.unit.label)}: {message}",
                evidence=f"both admit it{shown}" if shown else "",
                related=(schema.place("oneOf", one),),
            )


def _alternatives(api: Api) -> Iterator[tuple[Node, list[Node]]]:
    """Each `oneOf` that no discriminator decides, with its members."""
    for schema in api.having("oneOf"):
        members = api.satisfiability.members(schema, "oneOf")
        complete = len(members) == len(listing(schema.value["oneOf"]))
        if "discriminator" not in schema.value and complete and 1 < len(members) <= MAX_MEMBERS:
            yield schema, members


def _names(api: Api, schema: Node, members: list[Node], *wanted: int) -> list[str]:
    targets = (api.description.resolve(members[index].value) for index in wanted)
    return [
        called(target or members[index], schema)
        for index, target in zip(wanted, targets, strict=True)
    ]


def _comparable(api: Api, schema: Node, members: list[Node]) -> Iterator[tuple[int, int]]:
    """Pairs of different members of which the first may admit what the second does."""
    listed = schema.value["oneOf"]
    for one, other in permutations(range(len(members)), 2):
        if api.witnesses.spent:
            return
        same = listed[one] == listed[other]  # another rule says so
        if not same and api.witnesses.may_hold(members[one], members[other]):
            yield one, other


@rule(
    "api/one-of-overlap",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Require in each member what tells it apart, or write `anyOf`",
    references=[_ONE_OF, SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            cause:
              oneOf:
                - {type: object, required: [a], properties: {a: {type: string}}}
                - {type: object, properties: {a: {type: string, maxLength: 9}}}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            cause:
              oneOf:
                - {type: object, required: [a], properties: {a: {type: string}}}
                - {type: object, required: [b], properties: {b: {type: string}}}
    """,
)
def one_of_overlap(api: Api, _: Api) -> Iterator[Hit]:
    """A plain value of one member of a `oneOf` satisfies another member, too.

    `oneOf` refuses what two members admit. Where objects are open and nothing that tells them apart
    is required, a usual value of the one is a value of the other: some validators reject it, and
    code that tries the members in turn takes the wrong one.
    """
    asked = api.witnesses
    for schema, members in _alternatives(api):
        for other, one in _comparable(api, schema, members):
            value = asked.value_of(members[one])
            if value is NOTHING or not asked.admits(value, members[other]):
                continue
            pair = members[one], members[other]
            if asked.includes(*pair) or asked.includes(*reversed(pair)):
                continue  # all values are: another rule
            first, second = _names(api, schema, members, one, other)
            yield Hit(
                schema.place("oneOf"),
                f"a value of {first} is one of {second}, too, and `oneOf` refuses it",
                cause="a value of one member of a `oneOf` is one of another member, too",
                evidence=f"both admit {quoted(key_of(value), 200)}",
                related=(schema.place("oneOf", one), schema.place("oneOf", other)),
            )
            break
