"""Authorisation on objects, properties and functions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...names import words
from ..control import Status, Verdict, attested, broken, control, doubtful, kept
from ..facts import Fact, Facts, Kind

_BOLA = (
    "Log in as two users, A and B. Let A create or own the object, then send `{request}` with B's"
    " token and A's id: expect 404 (or 403) and no change; repeat with A's token: expect success."
)


@control(
    "object-authorization",
    asvs=("8.2.2", "8.2.4", "8.3.1"),
    api_top10=("API1",),
    cwe=(639, 862, 284),
    pci=("6.2.4", "7.2.1"),
    hipaa=("164.312(a)(1)",),
    impact=3,
    question="Is the object checked to be the caller's (or shared with them) before it is used?",
    verify=_BOLA,
    implement="object-scope",
    said="authorization.object_checks",
)
def object_authorization(facts: Facts) -> Iterator[Verdict]:
    """Each object that a request names is checked to be the caller's.

    Whoever may call the operation may name any object: only a check on the server stands between
    one user and the data of all. Documents cannot show that check, but they show where it is
    needed, and where another operation hands out the ids.
    """
    told = {fact.subject: fact for fact in facts.of(Kind.DISCLOSES)}
    declares = any(call.protected for _, call in facts.calls())
    for fact, call in facts.calls():
        chosen = [f for f in facts.about(fact.subject, Kind.SELECTS) if _names_object(f)]
        if not chosen or call.early or (call.anonymous and declares):
            continue
        if confined := _confined(facts, fact.subject):
            yield kept(confined)
            continue
        if fact.subject in told:
            hint = told[fact.subject]
            why = f"{chosen[0].note}; {hint.note}"
            cause = f"{hint.value.teller} tells ids of others"
            yield Verdict(fact.subject, Status.UNKNOWN, why, (chosen[0], hint), cause, signal=3)
        elif call.privileged:
            continue
        elif easy := [f for f in chosen if f.value.guessable and f.value.where != "body"]:
            yield doubtful(easy[0], cause="ids that are easily guessed")
        elif all(f.value.where == "body" for f in chosen):
            yield doubtful(chosen[0], cause="ids in bodies", signal=1)
        else:
            yield doubtful(chosen[0], cause="ids in requests", signal=1)


def _confined(facts: Facts, subject: str) -> Fact | None:
    """A rule that gives a role its own or its tenant's objects only; none gives any role all."""
    rules = [r for r in facts.about(subject, Kind.RULE) if r.value.allows]
    limited = [rule for rule in rules if rule.value.scope != "all"]
    privileged = {f.subject for f in facts.of(Kind.ROLE) if f.value.privileged} | _ADMINISTRATORS
    others = [r for r in rules if r.value.scope == "all" and r.value.role not in privileged]
    return limited[0] if limited and not others else None


_ADMINISTRATORS = {"admin", "administrator", "superuser", "root", "support", "operator"}


def _names_object(fact: Fact) -> bool:
    return fact.value.where in ("path", "query") or words(fact.value.name).endswith("_id_")


@control(
    "subject-from-credential",
    asvs=("8.2.2", "8.3.3"),
    api_top10=("API1",),
    cwe=(639, 472),
    impact=3,
    question="Is the user taken from the access token, whatever the request names?",
    verify="Send `{request}` with B's token and A's name in the body: expect 403, or that B is"
    " changed and A is not.",
    implement="subject-from-token",
)
def subject_from_credential(facts: Facts) -> Iterator[Verdict]:
    """Calls for oneself take the user from the credential, not from the body."""
    for fact in facts.of(Kind.NAMES_SUBJECT):
        yield doubtful(fact, cause="the body names the user", signal=3)


@control(
    "function-authorization",
    asvs=("8.2.1", "8.1.1"),
    api_top10=("API5",),
    cwe=(285, 269, 863),
    pci=("7.2.1", "7.2.2"),
    hipaa=("164.312(a)(1)",),
    impact=3,
    blast=3,
    question="Does the server demand a special role here, and is that tested with an ordinary"
    " user?",
    verify="Send `{request}` with the token of an ordinary user: expect 403, and nothing changed.",
    implement="role-check",
)
def function_authorization(facts: Facts) -> Iterator[Verdict]:
    """Administrative operations demand a role that ordinary users lack."""
    for fact, call in facts.calls():
        if not call.privileged:
            continue
        if "debug or set up" in facts.purposes(fact.subject) and not call.protected:
            continue  # the control on technical pages speaks of it
        if call.anonymous:
            why = f"an administrative operation: {call.anonymous}"
            yield broken(fact, why, "administration without a credential")
        elif _rules(facts, fact.subject):
            yield kept(_rules(facts, fact.subject)[0])
        elif _SPECIAL.search(words(call.needs)):
            yield kept(fact)
        elif not call.scopes:
            why = f"for administrators, by its names, and {fact.note} like operations of every user"
            yield doubtful(fact, why, "administration with the credential of any user", signal=3)
        else:
            yield kept(fact)


_SPECIAL = re.compile(r"_(admin|administrator|internal|management|service|root)_")


def _rules(facts: Facts, subject: str) -> list[Fact]:
    return facts.about(subject, Kind.RULE)


@control(
    "privileged-fields-not-writable",
    asvs=("8.2.3", "15.3.3"),
    api_top10=("API3",),
    cwe=(915, 269),
    impact=3,
    question="Are these fields ignored or refused when a client sends them?",
    verify="Send `{request}` with the field set to what the caller must not be, then read the"
    " object: expect the old value, or 400/422.",
    implement="bind-allow-list",
)
def privileged_fields(facts: Facts) -> Iterator[Verdict]:
    """Clients cannot set rights, balances or internal details."""
    for fact in facts.of(Kind.WRITES_PRIVILEGED):
        if fact.value.sense == "internal detail" and _OF_PROGRAM.search(words(fact.value.path)):
            yield broken(fact, cause="requests declare internal details")
        elif fact.value.sense == "internal detail":
            yield doubtful(fact, cause="requests declare internal details that staff may set")
        elif fact.value.sense == "own":
            yield broken(fact, cause="people set their own rights, balance or verification")
        else:
            yield doubtful(fact, cause="requests declare a privilege")


_OF_PROGRAM = re.compile(
    r"_(params?|parameters?|args?|arguments?|options?|flags?|command|shell|sql|debug)_"
)


@control(
    "mass-assignment",
    asvs=("15.3.3", "8.2.3"),
    api_top10=("API3",),
    cwe=(915,),
    impact=2,
    question="Are undeclared fields refused or dropped, so that only the declared ones are bound?",
    verify="Send `{request}` with the undeclared field beside the declared ones, then read the"
    " object: expect 400/422, or the field unchanged.",
    implement="bind-allow-list",
    said="inputs.unknown_fields",
    good=lambda value: value in ("refused", "dropped"),
    wants="refused or dropped",
)
def mass_assignment(facts: Facts) -> Iterator[Verdict]:
    """Requests carry declared fields only.

    Where an open request is copied onto the stored object, a client sets what the server decides:
    the response shows the names of the fields.
    """
    for fact in facts.of(Kind.OPEN_WRITE):
        if not facts.purposes(fact.subject) & _BINDS_NOTHING:
            yield doubtful(fact, cause="open requests beside responses with decided fields")


_BINDS_NOTHING = frozenset(("log in", "check a one-time code", "start a recovery"))


@control(
    "amounts-bounded",
    asvs=("2.2.1", "2.1.1"),
    api_top10=("API6",),
    cwe=(1284, 20, 915, 840),
    impact=3,
    question="Are negative, zero and huge values refused here?",
    verify="Send `{request}` with -1, 0 and 10^9: expect 400/422, and no change of balance or"
    " stock.",
    implement="bounds",
)
def amounts_bounded(facts: Facts) -> Iterator[Verdict]:
    """Quantities and amounts have a minimum."""
    for fact in facts.of(Kind.AMOUNT_INPUT):
        call = facts.call(fact.subject)
        if call is not None and (facts.about(fact.subject, Kind.ORDER) or call.writes):
            yield doubtful(fact, cause="amounts without minimum")


@control(
    "excessive-data",
    asvs=("15.3.1", "8.2.3", "14.2.6"),
    api_top10=("API3",),
    cwe=(213, 200, 201),
    gdpr=("Article 5(1)(c)",),
    hipaa=("164.312(a)(1)",),
    impact=2,
    question="Does every caller who gets this field need it?",
    verify="Send `{request}` with the token of an ordinary user and look for the field in the raw"
    " body: expect it to be absent.",
    implement="response-model",
)
def excessive_data(facts: Facts) -> Iterator[Verdict]:
    """Responses hold what their readers need, no more."""
    for fact in facts.of(Kind.EMBEDS):
        why = f"{fact.note} of other people, in what many read"
        yield broken(fact, why, "data of others inside what many read")
    for fact in facts.of(Kind.RETURNS):
        if fact.value.sense == "password" and not _makes(facts, fact):
            yield broken(fact, cause="responses return passwords")
    for fact in facts.of(Kind.INTERNAL_FIELD):
        yield doubtful(fact, cause="responses show internal details")
    for fact in facts.of(Kind.RETURNS):
        if fact.value.sense in ("payment data", "identity document", "health data"):
            yield doubtful(fact, cause=f"responses return {fact.value.sense}")


def _makes(facts: Facts, fact: Fact) -> bool:
    """Whether the server has just made the password up: the client sends none."""
    call = facts.call(fact.subject)
    sent = facts.about(fact.subject, Kind.RECEIVES)
    return (
        call is not None
        and call.method == "post"
        and not any(f.value.sense == "password" for f in sent)
    )


@control(
    "personal-data-needs-credential",
    asvs=("8.2.1", "14.2.3"),
    api_top10=("API3", "API2"),
    cwe=(359, 306, 200),
    gdpr=("Article 32(1)",),
    hipaa=("164.312(d)",),
    impact=3,
    blast=3,
    question="Is this data meant for everybody?",
    verify="Send `{request}` without a token: expect 401 and no personal data in the body.",
    implement="require-login",
)
def personal_data_needs_credential(facts: Facts) -> Iterator[Verdict]:
    """Data about people is not returned to anyone who asks.

    Where no operation of a document declares a credential, it tells nothing of who may call.
    """
    declares = any(call.protected for _, call in facts.calls())
    for fact, call in facts.calls():
        if not call.anonymous or call.method not in ("get", "query"):
            continue
        held = [f for f in facts.about(fact.subject, Kind.RETURNS) if f.value.sense in _PEOPLE]
        told = [f for f in held if f.value.person]
        if told:
            names = ", ".join(f"`{f.value.path}`" for f in told[:4])
            why = f"returns {names}; {fact.note}"
            yield Verdict(
                fact.subject, Status.NOT_MET if declares else Status.UNKNOWN, why, (fact, told[0]),
                "personal data without a credential", signal=3 if declares else 2,
            )  # fmt: skip


_PEOPLE = (
    "contact data",
    "personal data",
    "identity document",
    "health data",
    "location",
    "payment data",
)


@control(
    "operation-outliers",
    asvs=("8.1.1", "8.2.1", "10.3.2"),
    api_top10=("API5",),
    cwe=(862, 285),
    question="Is the lower demand meant?",
    verify="Send `{request}` with the least credential it declares: expect 403 where the"
    " neighbours demand more.",
    implement="role-check",
)
def outliers(facts: Facts) -> Iterator[Verdict]:
    """No operation asks for less than its neighbours do."""
    for fact in facts.of(Kind.OUTLIER):
        if fact.value == "open beside protected":
            call = facts.call(fact.subject)
            if call and not call.early:
                yield broken(fact, cause=fact.value)
        elif not fact.value.startswith("privileged"):
            yield doubtful(fact, cause=fact.value)


@control(
    "authorization-matrix",
    asvs=("8.1.1", "8.1.3", "8.1.4"),
    api_top10=("API5",),
    cwe=(285,),
    pci=("7.2.1",),
    hipaa=("164.312(a)(1)",),
    question="Is it written which role may call which operation?",
    verify="Compare the matrix with the routes of the running service; each operation without a row"
    " must answer 403 to every role.",
    implement="Write the roles with what each may do (`roles[].may`); deny what is not named",
    said="authorization.rules_documented",
)
def matrix(facts: Facts) -> Iterator[Verdict]:
    """Who may call what is written for every operation."""
    if not facts.of(Kind.RULE):
        return
    for fact, call in facts.calls():
        rules = facts.about(fact.subject, Kind.RULE)
        if rules:
            yield kept(rules[0], f"a rule names it: {rules[0].note}")
        elif call.protected:
            yield broken(fact, "no rule names it", "operations without a rule", signal=2)


deny_by_default = attested(
    "deny-by-default",
    "What no rule allows is denied",
    "authorization.default",
    why="A new operation that nobody thought of should be closed, not open.",
    question="Is a call denied where no rule says who may make it?",
    verify="Add a route without any rule in a test build and call it with a valid token: expect"
    " 403.",
    implement="deny-by-default",
    good=lambda value: value == "deny",
    wants="deny",
    asvs=("8.3.1", "8.1.3"),
    api_top10=("API5",),
    cwe=(276, 862),
    pci=("7.3.3",),
    impact=3,
    blast=3,
)

server_side = attested(
    "authorization-on-server",
    "Decisions are made on a trusted service",
    "authorization.enforced_in",
    why="Checks in a page or app are advice to its user.",
    question="Are all decisions made on the server?",
    verify="Call the operations directly, past the client, with a lower role: expect 403.",
    implement="role-check",
    good=lambda value: value in ("server", "gateway"),
    wants="server",
    asvs=("8.3.1",),
    cwe=(602,),
    impact=3,
    blast=3,
)

changes_at_once = attested(
    "authorization-changes-at-once",
    "A right that is taken away ends at once",
    "authorization.changes_apply_at_once",
    why="A role inside a token lives as long as the token.",
    question="Do changes of roles and rights hold for tokens that are already out?",
    verify="Take a role away from a logged-in user and repeat a call that needs it: expect 403.",
    implement="Look rights up in each call, or keep access tokens short and revocable",
    asvs=("8.3.2",),
    cwe=(613,),
)

field_rules = attested(
    "field-rules-documented",
    "Which fields a role reads and writes is written",
    "authorization.field_rules",
    why="Handlers drift apart where nobody says what each role may see.",
    question="Is it written which fields each role may read and write?",
    verify="For each role, read one object of each kind and compare its fields with the rules.",
    implement="response-model",
    asvs=("8.1.2", "8.1.4"),
    api_top10=("API3",),
    cwe=(213, 915),
)

admin_layers = attested(
    "administration-layered",
    "Administration has further layers than a password",
    "authorization.admin_separate",
    why="One stolen session of an administrator is the whole system.",
    question="Do administrative interfaces have further layers (network, device, second factor)?",
    verify="Call an administrative operation from the public internet with an administrator's"
    " token: expect it to be refused.",
    implement="Serve administration on a separate host, behind a VPN or device check, with MFA",
    asvs=("8.4.2",),
    api_top10=("API5",),
    cwe=(419,),
    pci=("8.4.1",),
    impact=3,
    blast=3,
)

negative_tests = attested(
    "authorization-tested",
    "Negative tests of authorisation run in CI",
    "authorization.tested",
    why="The check that was forgotten is found by the test that expects a refusal.",
    question="Do tests with the wrong user, tenant and role run on every change?",
    verify="Run the exported negative tests (`--export`) against a test deployment.",
    implement="Run the exported tests in CI; one for each cell of the matrix that says deny",
    asvs=("8.2.2",),
    cwe=(1059,),
)
