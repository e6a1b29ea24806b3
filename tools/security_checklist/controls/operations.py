"""Logging, audit and errors: what is recorded, who sees it, what happens on failure."""

from __future__ import annotations

from collections.abc import Iterator

from ..control import Status, Verdict, attested, broken, control, kept
from ..facts import Facts, Kind
from ..gates import THIRD_PARTIES


@control(
    "audit-complete",
    asvs=("16.2.1",),
    api_top10=("API8",),
    cwe=(778, 223),
    pci=("10.2.2",),
    hipaa=("164.312(b)",),
    impact=2,
    question="Where are the missing parts recorded?",
    verify="Change a record as a known user: expect who, what, when, where from and outcome.",
    implement="audit-log",
)
def audit_complete(facts: Facts) -> Iterator[Verdict]:
    """Records of events say who, what, when, where from, with what outcome."""
    for fact in facts.of(Kind.AUDIT):
        lacks = fact.value["lacks"]
        if not lacks:
            yield kept(fact, proven=True)
        else:
            yield Verdict(
                fact.subject,
                Status.PARTIAL,
                fact.note,
                (fact,),
                "records of events that lack parts",
            )


@control(
    "audit-time",
    asvs=("16.2.2",),
    cwe=(778,),
    pci=("10.6.1",),
    impact=1,
    question="Are these times UTC?",
    verify="Compare a record of `{operation}` with the clock: expect UTC.",
    implement="timestamptz, or UTC by convention that a test checks",
    said="logging.utc",
)
def audit_time(facts: Facts) -> Iterator[Verdict]:
    """Times of events are moments."""
    for fact in facts.of(Kind.AUDIT):
        zoneless = fact.value["zoneless"]
        if zoneless:
            why = f"`{zoneless[0]}` has no time zone"
            yield Verdict(
                fact.subject, Status.PARTIAL, why, (fact,), "times without a zone", signal=1
            )


@control(
    "audit-without-secrets",
    asvs=("16.2.5",),
    api_top10=("API8",),
    cwe=(532,),
    pci=("3.4.1",),
    gdpr=("Article 5(1)(c)",),
    impact=3,
    question="Is what is recorded cleaned of credentials and personal data?",
    verify="Sign in and change a card, then search `{operation}` for password, token and number:"
    " expect none.",
    implement="A list of fields that may be logged; hash or mask the rest",
    said="logging.redacts",
)
def audit_without_secrets(facts: Facts) -> Iterator[Verdict]:
    """Records hold no credentials, bodies or tokens."""
    for fact in facts.of(Kind.AUDIT):
        raw = fact.value["raw"]
        if raw:
            why = f"`{', '.join(raw[:3])}` of `{fact.subject}` keep what was sent"
            yield Verdict(
                fact.subject, Status.UNKNOWN, why, (fact,), "records of raw requests", signal=2
            )


@control(
    "audit-protected",
    asvs=("16.4.2",),
    cwe=(284, 117),
    pci=("10.3.2",),
    hipaa=("164.312(c)(1)",),
    impact=3,
    question="Can services add records, but not change or delete them?",
    verify="As the application's role: `DELETE FROM {operation}`: expect permission denied.",
    implement="audit-log",
    said="logging.protected",
)
def audit_protected(facts: Facts) -> Iterator[Verdict]:
    """Records cannot be changed by who makes them."""
    for fact in facts.of(Kind.AUDIT):
        for grant in facts.about(fact.subject, Kind.GRANT):
            if grant.value.privilege in ("update", "delete", "truncate", "all"):
                yield broken(grant, cause="records that services may change", signal=2)
                break


_EVENTS = "Make each event and look for it: expect who, what, when, where from."
events = attested(
    "authentication-logged",
    "Sign-ins and failures are recorded",
    "logging.authentication_events",
    why="Guessing is seen in the failures.",
    question="Is every sign-in, failure and change of a credential recorded?",
    verify=_EVENTS,
    implement="audit-log",
    asvs=("16.3.1",),
    api_top10=("API2",),
    cwe=(778,),
    pci=("10.2.1",),
    hipaa=("164.312(b)",),
)
denied = attested(
    "denials-logged",
    "Refused calls are recorded",
    "logging.authorization_failures",
    why="Who tries ids one by one is refused a thousand times first.",
    question="Is every refusal (403, 404 of a foreign object) recorded?",
    verify=_EVENTS,
    implement="audit-log",
    asvs=("16.3.2",),
    api_top10=("API5",),
    cwe=(778, 285),
    pci=("10.2.1",),
)
bypasses = attested(
    "bypasses-logged",
    "Attempts to get around controls are recorded",
    "logging.control_bypasses",
    why="The tenth wrong signature is no accident.",
    question="Are refused input, limits that were hit and wrong signatures recorded?",
    verify=_EVENTS,
    implement="audit-log",
    asvs=("16.3.3",),
    cwe=(778,),
)
errors_logged = attested(
    "errors-logged",
    "Failures are recorded",
    "logging.errors",
    why="An error that nobody sees stays.",
    question="Are unexpected errors and failed connections recorded with their cause?",
    verify=_EVENTS,
    implement="errors",
    asvs=("16.3.4",),
    cwe=(778,),
    impact=1,
)
log_inventory = attested(
    "log-inventory",
    "What is logged where is written",
    "logging.inventory",
    why="Nobody finds what nobody listed.",
    question="Is there a list of logs: events, format, place, who reads them, how long they stay?",
    verify="Compare the list with the stores.",
    implement="A table for each component",
    asvs=("16.1.1", "16.2.3"),
    cwe=(778,),
    pci=("10.4.1",),
    impact=1,
)
redacts = attested(
    "logs-redacted",
    "Logs hold no secrets",
    "logging.redacts",
    why="Logs are read by more people than the database.",
    question="Are credentials, tokens and personal data left out of logs, or masked?",
    verify="Sign in, pay, and search all logs for password, token and number: expect none.",
    implement="A filter in the logging library with a list of fields; a test that looks for them",
    asvs=("16.2.5",),
    cwe=(532,),
    pci=("3.4.1",),
    gdpr=("Article 5(1)(c)",),
    impact=3,
)
structured = attested(
    "logs-structured",
    "Input cannot forge log lines",
    "logging.structured",
    why="A name with a line break writes its own history.",
    question="Are logs structured (JSON), so that input is encoded?",
    verify="Sign in as `x\\nadmin signed in`: expect one line, encoded.",
    implement="A JSON formatter",
    asvs=("16.4.1", "16.2.4"),
    cwe=(117,),
    impact=1,
)
separate = attested(
    "logs-elsewhere",
    "Logs go to another system",
    "logging.separate_system",
    why="Who breaks in cleans up.",
    question="Are logs shipped to a separate system at once?",
    verify="Delete a local log: expect the line in the other system.",
    implement="An agent or stdout to a collector in another account",
    asvs=("16.4.3",),
    cwe=(778,),
    pci=("10.3.3",),
)
protected = attested(
    "logs-protected",
    "Logs cannot be changed",
    "logging.protected",
    why="Evidence that can be edited is none.",
    question="Can services add to logs only, and is reading limited?",
    verify="With a service's identity, delete from the log store: expect a refusal.",
    implement="Append-only store, retention lock",
    asvs=("16.4.2",),
    cwe=(284,),
    pci=("10.3.2",),
    hipaa=("164.312(c)(1)",),
)
alerts = attested(
    "alerts",
    "Someone is told",
    "logging.alerts",
    why="Most breaches are in the logs for months.",
    question="Are there alerts on failures of sign-in, refusals and unusual exports, and who"
    " answers?",
    verify="Fail to sign in 100 times: expect a page within minutes.",
    implement="Rules on rates; an on-call",
    asvs=("16.3.3",),
    cwe=(778,),
    pci=("10.4.1",),
    gdpr=("Article 33",),
)
retention = attested(
    "logs-kept",
    "Logs are kept as long as they are needed",
    "logging.retention_days",
    why="The breach is found months later.",
    question="Are logs kept for a written time (a year, where PCI DSS binds)?",
    verify="Look for a line of that age.",
    implement="Tiers of storage; deletion at the end",
    good=lambda value: value >= 90,
    wants="at least 90",
    asvs=("16.1.1",),
    cwe=(778,),
    pci=("10.5.1",),
    impact=1,
)
generic = attested(
    "errors-generic",
    "Errors tell nothing of the inside",
    "errors.generic_answers",
    why="A stack names the library and the line.",
    question="Do unexpected errors answer with a plain message and an id?",
    verify="Send a wrong type and a huge value: expect no stack, query or path.",
    implement="errors",
    asvs=("16.5.1",),
    api_top10=("API8",),
    cwe=(209,),
    impact=1,
)
closed = attested(
    "fails-closed",
    "What fails is refused",
    "errors.fails_closed",
    why="A check that throws must not let through.",
    question="Is a call refused when its check fails to run?",
    verify="Stop the authorisation service: expect 503, no data.",
    implement="Decide inside the transaction; deny on any exception",
    asvs=("16.5.3",),
    cwe=(636, 755),
    impact=3,
    blast=3,
)
last = attested(
    "last-resort-handler",
    "Every error has a handler",
    "errors.last_resort_handler",
    why="What nobody catches ends the process, or prints itself.",
    question="Is there a handler of last resort, which logs and answers 500?",
    verify="Raise an error in a test route: expect 500 and a log line, the process alive.",
    implement="errors",
    asvs=("16.5.4",),
    cwe=(431, 248),
    impact=1,
)
degrades = attested(
    "degrades",
    "A failure outside does not take all down",
    "errors.degrades",
    why="The mail provider's bad day is not the shop's.",
    question="Does the system go on without a service of others that fails?",
    verify="Block each external host in turn: expect the rest to work.",
    implement="Timeouts, circuit breakers, queues",
    when=THIRD_PARTIES,
    asvs=("16.5.2",),
    cwe=(703,),
    impact=1,
)
