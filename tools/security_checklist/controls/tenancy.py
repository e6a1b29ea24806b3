"""Tenants: customers that must not see each other's data."""

from __future__ import annotations

from collections.abc import Iterator

from ..control import Verdict, attested, broken, control, doubtful, kept
from ..facts import Facts, Kind
from ..gates import TENANTS


@control(
    "tenant-key",
    asvs=("8.4.1",),
    api_top10=("API1",),
    cwe=(639, 1230, 668),
    impact=3,
    blast=3,
    when=TENANTS,
    question="Whose are the rows of this table, if no column names the tenant?",
    verify="As a user of tenant A, read rows of tenant B from `{operation}` by every operation:"
    " expect 404.",
    implement="row-security",
)
def tenant_key(facts: Facts) -> Iterator[Verdict]:
    """Every table of tenants names the tenant."""
    for fact in facts.of(Kind.TENANT):
        owner = facts.first(fact.subject, Kind.OWNER)
        if fact.value:
            yield kept(fact)
        elif owner and owner.value:
            yield kept(owner, f"{fact.note}; {owner.note}")
        elif any(t.value == "about people" for t in facts.about(fact.subject, Kind.TRAIT)):
            yield doubtful(fact, cause="tables of people without a tenant")


@control(
    "tenant-unique-keys",
    asvs=("8.4.1",),
    api_top10=("API1",),
    cwe=(203,),
    impact=2,
    when=TENANTS,
    question="Is it meant that two tenants cannot use the same value?",
    verify="Insert the same value for two tenants into `{operation}`: expect success.",
    implement="Put the tenant first in the unique key",
)
def tenant_unique(facts: Facts) -> Iterator[Verdict]:
    """Uniqueness holds within a tenant: else one learns what another has."""
    for fact in facts.of(Kind.TRAIT):
        if fact.value == "unique across tenants":
            yield doubtful(fact, cause="unique across tenants", signal=1)


@control(
    "tenant-from-credential",
    asvs=("8.4.1",),
    api_top10=("API1",),
    cwe=(639, 807),
    impact=3,
    blast=3,
    when=TENANTS,
    question="Is the tenant taken from the token, or compared with it?",
    verify="Send `{request}` with a token of tenant A and the id of tenant B: expect 403/404.",
    implement="Take the tenant from the verified token; compare where a path names it",
    said="tenancy.taken_from",
    good=lambda value: value == "token",
    wants="token",
)
def tenant_from_credential(facts: Facts) -> Iterator[Verdict]:
    """Clients do not choose the tenant."""
    checked = facts.said("tenancy.checked")
    for fact in facts.of(Kind.SELECTS):
        if "tenant" in fact.value.name.lower():
            if checked and checked.value:
                yield kept(checked)
            else:
                yield doubtful(fact, cause="requests name the tenant", signal=3)
    said = facts.said("tenancy.taken_from")
    if said and said.value == "header" and not (checked and checked.value):
        yield broken(said, "the tenant is a header that clients send", "a header names the tenant")


isolated = attested(
    "tenant-isolation-tested",
    "Each query is confined to the caller's tenant",
    "tenancy.checked",
    why="One query without the condition shows every customer.",
    question="Is the tenant part of every query by construction (policies, a scope), and tested"
    " with"
    " two tenants?",
    verify="Run the exported tests of other tenants: expect 404 everywhere.",
    implement="row-security",
    when=TENANTS,
    asvs=("8.4.1",),
    api_top10=("API1",),
    cwe=(639,),
    impact=4,
    blast=3,
)
