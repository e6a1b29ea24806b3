"""What changes data: payloads, errors as data, retries."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....graphql.graph import Graph
from ....graphql.model import Field
from ....names import words
from ....report import Confidence, FindingClass, Severity, quoted
from ....rule import Hit, rule
from .votes import outliers

ERRORS = re.compile(r"(^e|E)rrors?$|[pP]roblems?$")
_MOVE = "pay|charge|refund|capture|withdraw|transfer|purchase"
_WHAT = "payment|order|invoice|funds|money|card|customer|product|subscription|transaction"
MONEY = re.compile(
    rf"^_({_MOVE})(_({_WHAT}))?_$"
    r"|_(capture|refund|charge|payout|withdrawal|payment_create|checkout_complete)_$"
    r"|^_(create_payment|make_payment|complete_checkout|place_order)_$"
)
KEY = re.compile(
    r"_idempot|_client_mutation_id_|_nonce_"
    r"|_(request|transaction|reference|external)_(id|key)_"
)
RULES_OF_MUTATIONS = "https://github.com/Shopify/graphql-design-tutorial/blob/master/TUTORIAL.md"


@rule(
    "graphql/mutation-result-scalar",
    Severity.INFO,
    FindingClass.RISK,
    on="mutation",
    fix="Return an object: a payload with what was changed and with `errors`",
    references=[RULES_OF_MUTATIONS],
    bad="""
    type Query { a: Int }
    type Mutation { deletePet(id: ID!): Boolean }
    """,
    good="""
    type Query { a: Int }
    type Mutation { deletePet(id: ID!): DeletePetPayload }
    type DeletePetPayload { id: ID }
    """,
)
def mutation_result_scalar(field: Field, graph: Graph) -> Iterator[Hit]:
    """A mutation returns a scalar.

    Nothing can be added to the answer later without breaking clients: no error as data, no
    changed object for their caches.
    """
    found = graph.type_of(field)
    if found is None or found.kind in ("scalar", "enum"):
        yield Hit(
            field.place,
            f"{quoted(field.coordinate)} returns {quoted(field.type.text)}",
            cause="mutations return scalars",
        )


@rule(
    "graphql/mutation-errors-missing",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    fix="Add the field that the others have",
    references=[RULES_OF_MUTATIONS],
    bad="""
    type Query { a: Int }
    type Mutation { ma: Pa, mb: Pb, mc: Pc, md: Pd, me: Pe, mf: Pf, mg: Pg, mh: Ph, mi: Pi, mj: Pj }
    type E { message: String }
    type Pa { errors: [E!] }
    type Pb { errors: [E!] }
    type Pc { errors: [E!] }
    type Pd { errors: [E!] }
    type Pe { errors: [E!] }
    type Pf { errors: [E!] }
    type Pg { errors: [E!] }
    type Ph { errors: [E!] }
    type Pi { errors: [E!] }
    type Pj { ok: Boolean }
    """,
    good="""
    type Query { a: Int }
    type Mutation { ma: Pa }
    type E { message: String }
    type Pa { errors: [E!] }
    """,
)
def mutation_errors_missing(graph: Graph, _: Graph) -> Iterator[Hit]:
    """A mutation cannot tell errors as data, unlike nearly all others.

    Clients read `errors` of each payload; of this one they see a failure of the whole request, in
    another form, or nothing. Reported where at least five payloads, and nine of ten, have the
    field.
    """
    votes = [(any(map(ERRORS.search, each.fields)), each) for each in graph.payloads.values()]
    for each in outliers(votes, 5):
        yield Hit(
            each.place,
            f"{quoted(each.name)} has no field for errors",
            cause="payloads without a field for errors",
        )


@rule(
    "graphql/mutation-not-repeatable",
    Severity.INFO,
    FindingClass.RISK,
    on="mutation",
    confidence=Confidence.MEDIUM,
    fix="Take an `idempotencyKey`, and answer a repeated one with the first outcome",
    references=["https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/"],
    bad="""
    type Query { a: Int }
    type Mutation { paymentCapture(amount: Int!): P }
    type P { id: ID! }
    """,
    good="""
    type Query { a: Int }
    type Mutation { paymentCapture(amount: Int!, idempotencyKey: ID!): P }
    type P { id: ID! }
    """,
)
def mutation_not_repeatable(field: Field, graph: Graph) -> Iterator[Hit]:
    """A mutation moves money, and cannot be repeated safely.

    When the answer is lost, the client does not know whether it was carried out, repeats it and
    pays twice. A key chosen by the client lets the server recognise the second call.
    """
    if not MONEY.search(words(field.name)):
        return
    names = set(field.arguments)
    for argument in field.arguments.values():
        given = graph.schema.types.get(argument.type.name)
        names |= set(given.inputs) if given else set()
    if not any(KEY.search(words(name)) for name in names):
        yield Hit(
            field.place,
            f"{quoted(field.coordinate)} takes no key by which a repeated call is recognised",
            cause="mutations that move money cannot be repeated safely",
        )


@rule(
    "graphql/mutation-arguments-many",
    Severity.INFO,
    FindingClass.STYLE,
    on="mutation",
    opt_in=True,
    fix="Take one argument `input` of an input type",
    references=[RULES_OF_MUTATIONS],
    bad="""
    type Query { a: Int }
    type Mutation { create(a: Int, b: Int, c: Int, d: Int, e: Int): P }
    type P { id: ID! }
    """,
    good="""
    type Query { a: Int }
    type Mutation { create(input: CreateInput!): P }
    input CreateInput { a: Int }
    type P { id: ID! }
    """,
)
def mutation_arguments_many(field: Field, graph: Graph) -> Iterator[Hit]:
    """A mutation takes many arguments instead of one input.

    Each new argument changes every caller's variables; one `input` object grows without.
    """
    if len(field.arguments) > 4:
        yield Hit(
            field.place,
            f"{quoted(field.coordinate)} takes {len(field.arguments)} arguments",
            cause="mutations take many arguments",
        )


@rule(
    "graphql/mutation-without-query",
    Severity.INFO,
    FindingClass.STYLE,
    on="mutation",
    opt_in=True,
    fix="Add `query: Query` to the payload",
    references=[RULES_OF_MUTATIONS],
    bad="""
    type Query { a: Int }
    type Mutation { create: P }
    type P { id: ID! }
    """,
    good="""
    type Query { a: Int }
    type Mutation { create: P }
    type P { id: ID!, query: Query }
    """,
)
def mutation_without_query(field: Field, graph: Graph) -> Iterator[Hit]:
    """The payload of a mutation has no field of the query type.

    With it clients read what the mutation changed elsewhere, in the same request.
    """
    found = graph.type_of(field)
    query = graph.schema.roots.get("query", "Query")
    if found is None or found.kind != "object":
        return
    if all(each.type.name != query for each in found.fields.values()):
        yield Hit(
            field.place,
            f"{quoted(found.name)} has no field of the type {quoted(query)}",
            cause="payloads have no field of the query type",
        )
