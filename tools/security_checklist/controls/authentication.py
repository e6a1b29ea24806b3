"""Authentication: who must show who they are, passwords, one-time codes, recovery."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..control import Control, Status, Verdict, attested, broken, control, doubtful, kept
from ..facts import Facts, Kind
from ..gates import CODES, FEDERATION, PASSWORDS, RECOVERY, USERS


@control(
    "authentication-required",
    asvs=("6.3.4", "7.2.1"),
    api_top10=("API2", "API5"),
    cwe=(306, 287),
    pci=("8.2.1",),
    hipaa=("164.312(d)",),
    impact=2,
    blast=3,
    question="Does the server refuse this call without a valid credential, and is that tested?",
    verify="Send `{request}` without a token, then with an expired one and one of another audience:"
    " expect 401 each time.",
    implement="require-login",
)
def authentication_required(facts: Facts) -> Iterator[Verdict]:
    """Operations that change data, or that others protect, demand a credential.

    A declaration proves nothing about the code: what is declared is met as declared, and the test
    that shows it is to be run.
    """
    declares = any(call.protected for _, call in facts.calls())
    for fact, call in facts.calls():
        purposes = facts.purposes(fact.subject)
        by_get = facts.first(fact.subject, Kind.CHANGES_BY_GET)
        if call.protected:
            yield kept(fact)
        elif by_get is not None and not call.early:
            why = f"{by_get.note}; {fact.note}"
            yield Verdict(
                fact.subject, Status.NOT_MET, why, (fact, by_get),
                "a GET that changes data for anyone", signal=3,
            )  # fmt: skip
        elif call.early or purposes & _EARLY or not call.anonymous:
            continue
        elif "debug or set up" in purposes or call.privileged:
            why = f"for operators, by its names; {fact.note}"
            yield broken(fact, why, "technical operations for anyone")
        elif call.writes and declares:
            yield broken(fact, cause="writes for anyone")
        elif call.writes:
            yield doubtful(fact, cause="no operation declares a credential")


_EARLY = frozenset(("log in", "register", "start a recovery", "check a one-time code"))


@control(
    "credential-change-proof",
    asvs=("6.2.3", "7.5.1", "6.4.6"),
    api_top10=("API2", "API1"),
    cwe=(620, 306, 640),
    pci=("8.3.3",),
    impact=4,
    question="Is the current password, or a fresh proof, demanded before a credential changes?",
    verify="Send `{request}` with a valid session and no current password: expect 400/403; then"
    " with another user's name: expect 403 and that user's password unchanged.",
    implement="credential-change",
    said="authentication.passwords.change_needs_current",
)
def credential_change_proof(facts: Facts) -> Iterator[Verdict]:
    """A credential is changed only with the current one, or a fresh proof."""
    for fact in facts.of(Kind.PROOF):
        call = facts.call(fact.subject)
        if fact.value:
            yield kept(fact, proven=True)
        elif call is not None and call.privileged:
            yield doubtful(fact, cause="an administrator sets passwords")
        else:
            yield broken(fact, cause="a password is changed without proof")


@control(
    "password-change-exists",
    asvs=("6.2.2",),
    api_top10=("API2",),
    cwe=(620,),
    impact=2,
    when=PASSWORDS,
    question="Can people change their password?",
    verify="Look for the operation; sign in with the new password, and not with the old one.",
    implement="Add an operation that takes the current and the new password",
)
def password_change_exists(facts: Facts) -> Iterator[Verdict]:
    """People can change their password."""
    change = [f for f in facts.of(Kind.PURPOSE) if f.value == "change a credential"]
    for fact in change[:1]:
        yield kept(fact, f"`{fact.subject}` changes it", proven=True)


@control(
    "password-length",
    asvs=("6.2.1", "6.2.9"),
    api_top10=("API2",),
    cwe=(521,),
    nist=("3.1.1.2",),
    pci=("8.3.6",),
    impact=3,
    when=PASSWORDS,
    question="Are at least 8 characters demanded (15 if the password is the only factor) and at"
    " least 64 accepted?",
    verify="Register with 7 characters: expect 400/422; with 64 random ones: expect success, and"
    " that all of them count at sign-in.",
    implement="password-policy",
    said="authentication.passwords.min_length",
    good=lambda value: value >= 8,
    wants="at least 8",
)
def password_length(facts: Facts) -> Iterator[Verdict]:
    """Passwords are long, and may be longer."""
    for fact in facts.of(Kind.NEW_PASSWORD):
        least, most = fact.value.least, fact.value.most
        if least is not None and least < 8:
            yield broken(fact, cause=f"minLength {least}")
        elif most is not None and most < 64:
            yield broken(fact, cause=f"maxLength {most}")
        elif least is not None:
            yield kept(fact)
        else:
            yield doubtful(fact, cause="no minimum is declared", signal=1)


@control(
    "password-composition",
    asvs=("6.2.5",),
    api_top10=("API2",),
    cwe=(521,),
    nist=("3.1.1.2",),
    pci=("8.3.6",),
    impact=1,
    when=PASSWORDS,
    question="Are passwords free of rules on letters, digits and symbols?",
    verify="Register with 20 lower-case letters: expect success.",
    implement="password-policy",
    said="authentication.passwords.composition_rules",
    good=lambda value: value is False,
    wants="no composition rules",
)
def password_composition(facts: Facts) -> Iterator[Verdict]:
    """Any composition of a password is allowed."""
    for fact in facts.of(Kind.NEW_PASSWORD):
        if fact.value.composition:
            why = f"`{fact.value.name}` must match `{fact.value.composition}`"
            yield broken(fact, why, "a pattern demands classes of characters")


@control(
    "one-time-code-entropy",
    asvs=("6.5.4", "6.6.3"),
    api_top10=("API2",),
    cwe=(307, 330, 334),
    impact=4,
    when=CODES,
    question="How many codes are there (20 bits, that is 6 digits, at least), and after how many"
    " attempts is one void?",
    verify="Ask for a code and send `{request}` with 20 wrong ones, from several addresses and by"
    " every version of the operation: expect 429 or a void code, and the right one refused then.",
    implement="one-time-codes",
    said="authentication.one_time_codes.attempts",
    good=lambda value: 0 < value <= 10,
    wants="1 to 10 attempts",
)
def one_time_code_entropy(facts: Facts) -> Iterator[Verdict]:
    """One-time codes cannot be tried out.

    What counts is the number of codes against the number of attempts, and the version of the
    operation with the weakest limit.
    """
    for fact in facts.of(Kind.CODE):
        code = fact.value
        if code.least >= 19.9:
            yield kept(fact)
            continue
        limited = facts.first(fact.subject, Kind.LIMITED)
        other = _unlimited_version(facts, fact.subject)
        if limited and other:
            why = f"{fact.note}; it names a limit, but `{other}` does the same without"
            yield Verdict(
                fact.subject, Status.PARTIAL, why, (fact, limited), "short one-time codes",
                signal=3,
            )  # fmt: skip
        elif limited:
            yield Verdict(
                fact.subject, Status.UNKNOWN, f"{fact.note}, with a limit", (fact, limited),
                "short one-time codes",
            )  # fmt: skip
        elif code.most >= 19.9 and code.least < 13:
            yield doubtful(fact, cause="one-time codes of unknown alphabet")
        else:
            yield broken(fact, f"{fact.note}; no limit is named", "short one-time codes")


def _unlimited_version(facts: Facts, subject: str) -> str:
    same = facts.first(subject, Kind.VERSIONS)
    others = same.value[1:] if same else ()
    return next((o for o in others if o != subject and not facts.about(o, Kind.LIMITED)), "")


@control(
    "attempts-limited",
    asvs=("6.3.1", "6.1.1", "2.4.1"),
    api_top10=("API4", "API2", "API6"),
    cwe=(307, 770, 799),
    nist=("3.2.2",),
    pci=("8.3.4",),
    impact=3,
    question="Are attempts limited by account and by address here?",
    verify="Send `{request}` 100 times in a minute, with one account and with many: expect 429 with"
    " `Retry-After` before the 20th.",
    implement="rate-limit",
    said="authentication.passwords.attempts_per_hour",
    good=lambda value: 0 < value <= 100,
    wants="1 to 100 an hour",
)
def attempts_limited(facts: Facts) -> Iterator[Verdict]:
    """Steps that attackers repeat are limited."""
    for fact in facts.of(Kind.PURPOSE):
        call = facts.call(fact.subject)
        if (
            fact.value not in _EARLY
            or call is None
            or (call.protected and "code" not in fact.value)
        ):
            continue
        limited = facts.first(fact.subject, Kind.LIMITED)
        if limited:
            yield kept(limited)
        else:
            why = f"a call to {fact.value} names no limit on attempts"
            yield doubtful(fact, why, "sign-in steps without a limit")


@control(
    "user-enumeration",
    asvs=("6.3.8",),
    api_top10=("API2",),
    cwe=(204, 203),
    impact=2,
    blast=3,
    question="Do answers for a known and an unknown account look the same?",
    verify="Send `{request}` with a known and with an unknown account: expect the same status, body"
    " and, within noise, time.",
    implement="same-answer",
    said="authentication.passwords.same_answer",
)
def user_enumeration(facts: Facts) -> Iterator[Verdict]:
    """Answers do not tell whether an account exists."""
    for fact in facts.of(Kind.ENUMERATES):
        if fact.value == "registers":
            yield doubtful(fact, cause="registration tells which accounts exist")
        elif fact.value == "looks up" and not any(call.protected for _, call in facts.calls()):
            yield doubtful(fact, cause="a public look-up of accounts")
        elif fact.value == "looks up":
            yield broken(fact, cause="a public look-up of accounts")
        else:
            yield broken(fact, cause="errors tell which accounts exist")


@control(
    "one-pathway",
    asvs=("6.3.4", "6.1.3"),
    api_top10=("API9", "API2"),
    cwe=(1059, 306),
    impact=3,
    question="Do all versions of this step have the same checks, and is the older one being"
    " retired?",
    verify="Run the tests of the newest version against `{operation}`: expect the same refusals; or"
    " 410 from the older one.",
    implement="Retire the older version (410), or share one implementation; mark it `deprecated`"
    " with a `Sunset` header until then",
)
def one_pathway(facts: Facts) -> Iterator[Verdict]:
    """A sensitive step exists in one live version."""
    for fact in facts.of(Kind.VERSIONS):
        if fact.value[0] == "sensitive":
            yield broken(fact, cause="several live versions of a sensitive step")


@control(
    "credentials-by-basic",
    asvs=("6.3.4",),
    api_top10=("API2",),
    cwe=(522, 287),
    impact=3,
    question="Is HTTP Basic needed?",
    verify="Call with `Authorization: Basic`: expect 401.",
    implement="Replace it by short-lived tokens (OAuth 2 client credentials for programs)",
)
def basic(facts: Facts) -> Iterator[Verdict]:
    """The password itself does not travel with every call."""
    for fact in facts.of(Kind.SCHEME):
        if fact.value.get("scheme") == "basic" or fact.value.get("type") == "basic":
            yield Verdict(
                fact.subject, Status.PARTIAL, fact.note, (fact,), "HTTP Basic is declared"
            )


def _password(id: str, title: str, said: str, why: str, *ask: str, **more: Any) -> Control:
    """A control on passwords; `ask` is the question and how to verify."""
    question, verify = ask
    said = f"authentication.passwords.{said}"
    fixed: dict[str, Any] = {"when": PASSWORDS, "api_top10": ("API2",)}
    return attested(id, title, said, why=why, question=question, verify=verify, **fixed, **more)


breached = _password(
    "password-blocklist",
    "Leaked and common passwords are refused",
    "breached_check",
    "Most guesses come from lists of leaked passwords.",
    "Are new passwords compared with leaked and common ones?",
    "Register with `Password123!`: expect it to be refused, with the reason.",
    implement="password-policy",
    asvs=("6.2.4", "6.2.12", "6.2.11"),
    cwe=(521,),
    nist=("3.1.1.2",),
    impact=3,
)
rotation = _password(
    "password-rotation",
    "Passwords are not changed by calendar",
    "rotation_days",
    "Forced changes make people number their passwords; change them when they leak.",
    "Do passwords stay valid until there is a reason to change them?",
    "Sign in with a password older than the period: expect no forced change.",
    implement="password-policy",
    good=lambda value: value == 0,
    wants="0",
    asvs=("6.2.10",),
    cwe=(262,),
    nist=("3.1.1.2",),
    pci=("8.3.9",),
    impact=1,
)
stored = _password(
    "password-hash",
    "Passwords are kept as slow, salted hashes",
    "stored_as",
    "A stolen table of fast hashes is read in hours.",
    "Are passwords kept with Argon2id, bcrypt, scrypt or PBKDF2?",
    "Read one row of the table of users: expect `$argon2id$`, `$2b$` or the like.",
    implement="password-hash",
    good=lambda value: value in ("argon2id", "bcrypt", "scrypt", "pbkdf2"),
    wants="argon2id, bcrypt, scrypt or pbkdf2",
    asvs=("11.4.2", "11.4.4"),
    cwe=(916, 256, 328),
    nist=("3.1.1.2",),
    pci=("8.3.2",),
    impact=4,
    blast=3,
)
defaults = _password(
    "default-accounts",
    "There are no default accounts",
    "defaults_removed",
    "`admin` with the vendor's password is tried first.",
    "Are default accounts such as root, admin or sa gone or disabled?",
    "Try the vendors' default names and passwords: expect 401.",
    implement="Delete seeded accounts; create the first administrator by a one-time link",
    asvs=("6.3.2", "13.2.3"),
    cwe=(798, 1392),
    pci=("2.2.2",),
    impact=4,
    blast=3,
)
context = _password(
    "password-context-words",
    "Passwords with the product's own words are refused",
    "context_words",
    "Names of the company and its products are the next guess.",
    "Is there a list of own words that passwords may not hold, and is it written?",
    "Register with the product's name and a year: expect it to be refused.",
    implement="password-policy",
    asvs=("6.1.2", "6.2.11"),
    cwe=(521,),
    impact=1,
)
mfa = attested(
    "multi-factor",
    "A second factor is required",
    "authentication.mfa.required_for",
    why="A password alone is one leak away from the account.",
    question="Is a second factor required (of administrators at least)?",
    verify="Sign in with the password alone: expect no session until the second factor is shown.",
    implement="mfa",
    good=lambda value: value in ("everybody", "administrators"),
    wants="everybody, or administrators",
    when=USERS,
    asvs=("6.3.3",),
    api_top10=("API2",),
    cwe=(308,),
    pci=("8.4.2", "8.4.3"),
    hipaa=("164.312(d)",),
    impact=3,
    blast=3,
)
mfa_recovery = attested(
    "recovery-keeps-factors",
    "Recovery does not pass the second factor by",
    "authentication.mfa.kept_on_recovery",
    why="The weakest way in is the strength of the account.",
    question="Is the second factor still demanded after a password was reset?",
    verify="Reset the password of an account with a second factor and sign in: expect it to be"
    " asked for.",
    implement="mfa",
    when=RECOVERY,
    asvs=("6.4.3", "6.4.4"),
    api_top10=("API2",),
    cwe=(640, 308),
    impact=3,
)
secret_questions = attested(
    "no-secret-questions",
    "There are no secret questions or hints",
    "authentication.recovery.secret_questions",
    why="The answers are in social networks.",
    question="Is recovery free of secret questions and password hints?",
    verify="Start a recovery: expect no question about the person.",
    implement="Remove the questions; recover by a link or code to a verified channel",
    good=lambda value: value is False,
    wants="no",
    when=RECOVERY,
    asvs=("6.4.2",),
    api_top10=("API2",),
    cwe=(640,),
    nist=("3.1.1.2",),
    impact=3,
)
recovery_link = attested(
    "recovery-short-lived",
    "Recovery links are short-lived and used once",
    "authentication.recovery.single_use",
    why="A link in a mailbox is a key under the mat.",
    question="Do links and codes for recovery end with their use and within an hour?",
    verify="Use a recovery link twice, and one that is a day old: expect both to be refused.",
    implement="one-time-codes",
    when=RECOVERY,
    asvs=("6.4.1", "6.5.1", "6.5.5"),
    api_top10=("API2",),
    cwe=(640, 613),
    impact=3,
)
notified = attested(
    "credential-changes-notified",
    "People are told of changes to their credentials",
    "authentication.recovery.notifies",
    why="The owner is the first who can tell that it was not them.",
    question="Is a message sent when a password, e-mail address or factor changes, or a sign-in is"
    " unusual?",
    verify="Change the e-mail address: expect a message to the old one.",
    implement="Send to the old channel, with a way to undo; without the secret itself",
    when=USERS,
    asvs=("6.3.7", "6.3.5"),
    api_top10=("API2",),
    cwe=(778,),
)
initial = attested(
    "initial-secrets-random",
    "First passwords and activation codes are random and short-lived",
    "authentication.recovery.initial_secret_random",
    why="`Welcome1` is known to every colleague.",
    question="Are first passwords and activation codes random, short-lived and never kept?",
    verify="Create two accounts: expect unlike secrets, refused after the first use.",
    implement="one-time-codes",
    when=USERS,
    asvs=("6.4.1",),
    cwe=(1391,),
)
codes_once = attested(
    "codes-single-use",
    "One-time codes are used once",
    "authentication.one_time_codes.single_use",
    why="A code that is seen on the way must be worthless when it arrives.",
    question="Is a code void once it was used?",
    verify="Send the same right code twice: expect the second to be refused.",
    implement="one-time-codes",
    when=CODES,
    asvs=("6.5.1", "6.6.2"),
    api_top10=("API2",),
    cwe=(308, 294),
    impact=3,
)
codes_lifetime = attested(
    "codes-short-lived",
    "One-time codes end within ten minutes",
    "authentication.one_time_codes.lifetime_seconds",
    why="Time is attempts.",
    question="Do codes end within 10 minutes (30 seconds for those of an app)?",
    verify="Send a right code 11 minutes after it was made: expect it to be refused.",
    implement="one-time-codes",
    good=lambda value: 0 < value <= 600,
    wants="at most 600",
    when=CODES,
    asvs=("6.5.5",),
    api_top10=("API2",),
    cwe=(613,),
    impact=3,
)
codes_stored = attested(
    "codes-stored-hashed",
    "Recovery codes and seeds are not kept in clear",
    "authentication.one_time_codes.stored_hashed",
    why="Who reads the table would sign in as anybody.",
    question="Are recovery codes hashed and seeds encrypted?",
    verify="Read the table of codes: expect hashes, and seeds that need a key from elsewhere.",
    implement="password-hash",
    when=CODES,
    asvs=("6.5.2",),
    cwe=(330, 312),
    impact=4,
)
codes_channel = attested(
    "codes-not-by-phone",
    "Codes do not depend on the telephone network",
    "authentication.one_time_codes.channel",
    why="Numbers are moved to other SIM cards by talking to a shop.",
    question="Is there a way without SMS or voice, and are their users told of the risk?",
    verify="Sign in with the factor that is not the telephone.",
    implement="mfa",
    good=lambda value: value not in ("sms", "voice"),
    wants="app, push, list or e-mail",
    when=CODES,
    asvs=("6.6.1", "6.3.6"),
    cwe=(287,),
    nist=("3.1.3.3",),
)
documented = attested(
    "authentication-documented",
    "How sign-in defends itself is written",
    "authentication.documented",
    why="Limits, lock-outs and pathways that nobody wrote down differ from one to the next.",
    question="Is it written how guessing is stopped, how lock-out cannot be abused, and which"
    " pathways there are?",
    verify="Compare the page with the operations that take a credential.",
    implement="Write a page: each pathway, its limits, factors, lock-out and who is told",
    when=USERS,
    asvs=("6.1.1", "6.1.2", "6.1.3"),
    cwe=(307,),
    impact=1,
)
federation = attested(
    "federated-identity-key",
    "An external identity is keyed by issuer and subject",
    "authentication.federation_keys_issuer",
    why="An e-mail address belongs to whoever the other provider says.",
    question="Are external accounts found by issuer and subject, never by e-mail alone?",
    verify="Sign in through a second provider with the e-mail of another user: expect a new account"
    " or a refusal.",
    implement="Unique key on (issuer, subject); link accounts only after a sign-in with both",
    when=FEDERATION,
    asvs=("6.8.1", "6.8.4"),
    cwe=(290,),
    impact=3,
)
