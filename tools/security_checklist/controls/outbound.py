"""Requests that the system makes: to addresses of clients, webhooks, APIs of others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..control import Verdict, attested, broken, control, doubtful, kept
from ..facts import Facts, Kind
from ..gates import OUTBOUND, THIRD_PARTIES, WEBHOOKS


@control(
    "outbound-targets",
    asvs=("1.3.6", "13.2.4", "13.2.5"),
    api_top10=("API7",),
    cwe=(918,),
    impact=3,
    blast=3,
    when=OUTBOUND,
    question="Is the address compared with a list of hosts, and are private and metadata addresses"
    " refused after every resolution and redirect?",
    verify="Send `{request}` with `http://169.254.169.254/latest/meta-data/`, `http://127.0.0.1:22`,"
    " `http://[::1]` and a host of yours that redirects there: expect 400/422 and no call.",
    implement="outbound",
    said="inputs.outbound_allow_list",
)
def outbound_targets(facts: Facts) -> Iterator[Verdict]:
    """Clients do not say where the server calls.

    A service inside the network reaches what its clients cannot: metadata of the cloud,
    administration ports, other tenants.
    """
    for fact in facts.of(Kind.URL_INPUT):
        call = facts.call(fact.subject)
        if call is None or not (call.writes or fact.value.where in ("query", "body")):
            continue
        name = fact.value.name.lower()
        bounded = "enum" in fact.value.bounds or "pattern" in fact.value.bounds
        if not fact.value.sign:
            yield doubtful(fact, cause="addresses that may only be shown", signal=1)
        elif bounded or _REGISTERS.search(f"{fact.subject.lower()} {name}"):
            yield doubtful(fact, cause="addresses of webhooks that clients register")
        else:
            yield broken(fact, cause="clients say where the server calls")


_REGISTERS = re.compile(r"hook|callback|subscription|notification|integration")


@control(
    "webhooks-signed",
    asvs=("4.1.5",),
    api_top10=("API10",),
    cwe=(345, 347),
    when=WEBHOOKS,
    question="Do calls to webhooks carry a signature over time and body that receivers can check?",
    verify="Receive one, recompute the signature with the shared secret, and repeat it an hour"
    " later: expect the receiver to refuse it.",
    implement="Sign timestamp and body with HMAC-SHA-256 or RFC 9421; rotate the secret",
    said="inputs.webhook_signatures",
)
def webhooks_signed(facts: Facts) -> Iterator[Verdict]:
    """Webhooks are signed."""
    for fact in facts.of(Kind.WEBHOOK):
        if fact.value:
            yield kept(fact)
        else:
            yield doubtful(fact, cause="webhooks without a signature")


egress = attested(
    "egress-allow-list",
    "Services reach listed hosts only",
    "configuration.egress_allow_list",
    why="The second wall, when the check of an address fails.",
    question="Is outbound traffic limited to listed hosts?",
    verify="From inside a service, call a host that is not listed: expect no connection.",
    implement="Egress policy of the network or a forward proxy with a list",
    when=OUTBOUND,
    asvs=("13.2.4", "13.2.5"),
    api_top10=("API7",),
    cwe=(918,),
    pci=("1.3.2",),
)
validated = attested(
    "third-party-answers-checked",
    "Answers of other APIs are checked like input",
    "dependencies.third_party_validated",
    why="What comes from a partner is only as clean as the partner.",
    question="Are answers of other APIs checked against a schema, and their redirects not followed"
    " blindly?",
    verify="Let a stub of the other API answer with a wrong type, `'`, and a redirect inside:"
    " expect"
    " an error, nothing stored.",
    implement="Parse into a model with bounds; allow redirects to the same host only",
    when=THIRD_PARTIES,
    asvs=("2.2.1",),
    api_top10=("API10",),
    cwe=(20, 346),
)
timeouts = attested(
    "third-party-timeouts",
    "Calls to others end in time",
    "dependencies.third_party_timeouts",
    why="One slow partner holds every worker.",
    question="Do calls to other services have timeouts, bounded retries and bounded pools?",
    verify="Let a stub never answer: expect an error in seconds, other operations unharmed.",
    implement="Timeouts for connect and read, a few retries with jitter, a circuit breaker",
    when=THIRD_PARTIES,
    asvs=("13.1.3", "16.5.2"),
    api_top10=("API4", "API10"),
    cwe=(1088, 400),
)
