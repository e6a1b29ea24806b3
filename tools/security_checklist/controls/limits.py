"""Limits: how often, how much, how deep; flows that are worth abusing."""

from __future__ import annotations

from collections.abc import Iterator

from ..control import Verdict, attested, broken, control, doubtful, kept
from ..facts import Facts, Kind
from ..gates import GRAPHQL


@control(
    "amplification",
    asvs=("2.4.1", "15.2.2", "2.2.1"),
    api_top10=("API4",),
    cwe=(770, 400),
    impact=2,
    blast=3,
    question="Is there a small maximum, on the server?",
    verify="Send `{request}` with 10^6 in the field: expect 400/422, an answer as fast as before,"
    " and one call or message at most.",
    implement="bounds",
)
def amplification(facts: Facts) -> Iterator[Verdict]:
    """No number of a client multiplies the work."""
    for fact in facts.of(Kind.REPEAT_INPUT):
        cause = "numbers that multiply the work, without maximum"
        if fact.value.sign:
            yield broken(fact, cause=cause)
        elif fact.value.where in ("body", "query"):
            yield doubtful(fact, cause="sizes of the work, without maximum", signal=1)


@control(
    "page-size",
    asvs=("15.2.2", "2.4.1"),
    api_top10=("API4",),
    cwe=(770,),
    impact=1,
    question="Is there a maximum of items in a page, on the server?",
    verify="Send `{request}` with the size 10^6: expect 400, or the maximum.",
    implement="Clamp the size; declare `maximum`",
    said="limits.page_size",
    good=lambda value: 0 < value <= 1000,
    wants="1 to 1000",
)
def page_size(facts: Facts) -> Iterator[Verdict]:
    """Pages have a maximum."""
    for fact in facts.of(Kind.PAGE_SIZE):
        if "maximum" in fact.value.bounds:
            yield kept(fact)
        else:
            yield doubtful(fact, cause="page sizes without maximum")


@control(
    "costly-operations",
    asvs=("2.4.1", "15.1.3", "15.2.2"),
    api_top10=("API4",),
    cwe=(770, 400),
    question="Are these operations limited per user, queued, and bounded in time?",
    verify="Send `{request}` 50 times at once: expect 202/429, and other operations as fast as"
    " before.",
    implement="rate-limit",
    said="limits.rate_limits",
)
def costly_operations(facts: Facts) -> Iterator[Verdict]:
    """Costly operations are limited."""
    for fact in facts.of(Kind.COSTLY):
        limited = facts.first(fact.subject, Kind.LIMITED)
        call = facts.call(fact.subject)
        if limited:
            yield kept(limited)
        elif call is not None and (call.writes or not call.protected):
            yield doubtful(fact, cause="costly operations without a limit")


@control(
    "business-flows",
    asvs=("2.4.1", "2.1.3", "2.3.4", "2.3.2"),
    api_top10=("API6",),
    cwe=(799, 837, 362),
    impact=3,
    question="Is it bounded how often one person (or bot) may do this, also at the same time?",
    verify="Send `{request}` 20 times at once with one user, and in a loop with ten: expect one"
    " effect each, then refusals.",
    implement="Unique key or lock on the thing that is used up; a limit by user; idempotency keys",
    said="limits.business_limits",
)
def business_flows(facts: Facts) -> Iterator[Verdict]:
    """Flows of money and stock cannot be repeated at will."""
    for fact in facts.of(Kind.ORDER):
        yield doubtful(fact, cause="flows of money and stock", signal=1)


@control(
    "rate-limits",
    asvs=("2.4.1", "2.1.3"),
    api_top10=("API4",),
    cwe=(770, 799),
    impact=1,
    question="Is the rate of calls limited, by user and by address?",
    verify="Call any operation 1,000 times in ten seconds: expect 429 with `Retry-After`.",
    implement="rate-limit",
    said="limits.rate_limits",
)
def rate_limits(facts: Facts) -> Iterator[Verdict]:
    """Calls are limited."""
    limited = facts.of(Kind.LIMITED)
    if limited:
        total = sum(1 for _ in facts.calls())
        note = f"{len(limited)} of {total} operations name a limit"
        yield kept(limited[0], note)


body_size = attested(
    "body-size",
    "The size of requests is bounded",
    "limits.body_bytes",
    why="A body of gigabytes fills memory before any check runs.",
    question="Is the size of a request body bounded at the edge?",
    verify="Send 100 MB of JSON: expect 413 soon.",
    implement="client_max_body_size of the proxy, and the framework's own limit",
    good=lambda value: value > 0,
    wants="a bound",
    asvs=("5.2.1",),
    api_top10=("API4",),
    cwe=(770,),
    impact=1,
)
time_limit = attested(
    "time-limit",
    "A call ends in time",
    "limits.timeout_seconds",
    why="A few slow calls hold every worker.",
    question="Is the time of a call, and of its queries, bounded?",
    verify="Ask for the most costly page: expect an answer or an error within the limit.",
    implement="statement_timeout, timeouts of workers and proxies",
    good=lambda value: 0 < value <= 120,
    wants="1 to 120",
    asvs=("15.2.2", "13.1.3"),
    api_top10=("API4",),
    cwe=(400,),
    impact=1,
)


@control(
    "graphql-depth",
    question="Are depth, aliases, batches and cost of GraphQL queries bounded?",
    verify="Send a query 30 levels deep, one with 1,000 aliases, and a batch of 1,000: expect an"
    " error, fast.",
    implement="graphql-limits",
    said="limits.query_depth",
    good=lambda value: 0 < value <= 20,
    wants="1 to 20",
    when=GRAPHQL,
    asvs=("4.3.1",),
    api_top10=("API4",),
    cwe=(770, 674, 400),
)
def graphql_depth(facts: Facts) -> Iterator[Verdict]:
    """The depth and cost of GraphQL queries are bounded.

    One short query can ask for itself in circles, or for a list of millions. Directives on cost
    show a bound; without, the server's configuration decides.
    """
    traits = facts.of(Kind.GRAPHQL)
    if costed := next((fact for fact in traits if fact.value == "cost"), None):
        yield kept(costed)
        return
    for fact in traits:
        if fact.value == "cycle":
            yield doubtful(fact, cause="types in circles", signal=3)
        elif fact.value == "unbounded list":
            yield doubtful(fact, cause="lists without a limit")


introspection = attested(
    "graphql-introspection",
    "Introspection is off in production",
    "limits.introspection",
    why="Unless the API is for others, its schema is a map for attackers.",
    question="Is introspection off in production (or the API meant for everybody)?",
    verify="Send `{__schema {types {name}}}` without a token: expect an error.",
    implement="graphql-limits",
    good=lambda value: value is False,
    wants="off",
    when=GRAPHQL,
    asvs=("4.3.2",),
    api_top10=("API8", "API9"),
    cwe=(200,),
    impact=1,
)
limits_documented = attested(
    "limits-documented",
    "Limits are written",
    "limits.documented",
    why="Nobody can test a limit that is not written.",
    question="Are the limits on calls and business flows written, for each user and in all?",
    verify="Compare the page with the operations that send, sell or reserve.",
    implement="A table: flow, limit per user and in all, what happens beyond",
    asvs=("2.1.3", "6.1.1", "15.1.3"),
    cwe=(770,),
    impact=1,
)
