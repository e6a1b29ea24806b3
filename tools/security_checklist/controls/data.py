"""Data: how it is kept, shown, logged and erased; secrets and tokens at rest."""

from __future__ import annotations

from collections.abc import Iterator

from ..control import Status, Verdict, attested, broken, control, doubtful, kept
from ..facts import Facts, Kind
from ..gates import PERSONAL


@control(
    "password-storage",
    asvs=("11.4.2", "11.4.1"),
    api_top10=("API2",),
    cwe=(256, 916, 257, 759),
    nist=("3.1.1.2",),
    pci=("8.3.2",),
    impact=4,
    blast=3,
    question="Which function hashes what this column holds?",
    verify="Read one value of `{operation}`: expect `$argon2id$`, `$2b$`, `$scrypt$` or the like.",
    implement="password-hash",
    said="authentication.passwords.stored_as",
    good=lambda value: value in ("argon2id", "bcrypt", "scrypt", "pbkdf2"),
    wants="argon2id, bcrypt, scrypt or pbkdf2",
)
def password_storage(facts: Facts) -> Iterator[Verdict]:
    """Columns of passwords hold slow hashes.

    A `password varchar(255)` may hold anything: that is not known, not failed.
    """
    for fact in facts.of(Kind.STORED):
        held = facts.first(fact.subject, Kind.COLUMN)
        if held is None or held.value.sense != "password":
            continue
        if fact.value in ("fast hash", "no room", "clear", "default"):
            yield broken(fact, cause=f"a column of passwords: {fact.value}")
        elif fact.value == "slow hash":
            yield kept(fact, proven=False)
        else:
            yield doubtful(fact, cause="columns of passwords that do not say how")


@control(
    "secrets-at-rest",
    asvs=("14.2.4", "6.5.2", "11.4.1"),
    api_top10=("API2",),
    cwe=(312, 522, 330),
    impact=4,
    blast=3,
    question="Is the value hashed (tokens) or encrypted with a key from elsewhere (secrets that are"
    " used)?",
    verify="Read one value of `{operation}` and use it as the credential: expect a refusal.",
    implement="Keep SHA-256 of tokens that are compared; encrypt what must be read back",
)
def secrets_at_rest(facts: Facts) -> Iterator[Verdict]:
    """Tokens, codes and keys are not kept as they are."""
    for fact in facts.of(Kind.STORED):
        held = facts.first(fact.subject, Kind.COLUMN)
        if held is None or held.value.sense not in ("secret", "one-time code"):
            continue
        if fact.value == "protected":
            yield kept(fact)
        elif fact.value in ("unknown",):
            yield doubtful(fact, cause="tokens and secrets that may be in clear")


@control(
    "tokens-random",
    asvs=("11.5.1", "7.2.3"),
    api_top10=("API2",),
    cwe=(330, 338, 340),
    impact=4,
    question="Are tokens made of 128 bits of a cryptographic generator?",
    verify="Make ten and compare: expect no pattern, 22 characters of base64 or more.",
    implement="`secrets.token_urlsafe(32)`, `crypto.randomBytes(32)`, `gen_random_bytes(32)`",
    said="cryptography.random",
    good=lambda value: value == "csprng",
    wants="csprng",
)
def tokens_random(facts: Facts) -> Iterator[Verdict]:
    """Tokens cannot be guessed."""
    for fact in facts.of(Kind.STORED):
        if fact.value in ("number", "weak random"):
            yield broken(fact, cause="tokens that can be guessed")


@control(
    "sensitive-columns-encrypted",
    asvs=("14.2.4", "11.3.2"),
    api_top10=("API3",),
    cwe=(311, 312),
    pci=("3.5.1",),
    gdpr=("Article 32(1)",),
    hipaa=("164.312(a)(2)(iv)",),
    impact=4,
    blast=3,
    question="Is this column encrypted below the database's users (application or column"
    " encryption), or tokenised?",
    verify="As a read-only role: `SELECT` of `{operation}`: expect ciphertext or a token.",
    implement="column-encryption",
    said="cryptography.at_rest",
    good=lambda value: value in ("column", "application"),
    wants="column, or application",
)
def sensitive_columns(facts: Facts) -> Iterator[Verdict]:
    """Payment, health and identity data are encrypted by column."""
    for fact in facts.of(Kind.STORED):
        if fact.value == "clear":
            held = facts.first(fact.subject, Kind.COLUMN)
            if held and held.value.sense != "password":
                yield doubtful(fact, cause="columns in clear, as far as it can be seen")


@control(
    "card-verification-not-kept",
    asvs=("14.2.4", "14.2.6"),
    api_top10=("API3",),
    cwe=(359, 312),
    pci=("3.3.1",),
    impact=4,
    blast=3,
    question="Is the code erased once the payment is authorised?",
    verify="Read `{operation}` after a payment: expect nothing.",
    implement="Never store it; take the payment provider's token",
)
def card_verification(facts: Facts) -> Iterator[Verdict]:
    """Verification codes of cards are not kept."""
    for fact in facts.of(Kind.STORED):
        if fact.value == "forbidden":
            yield broken(fact, cause="verification codes of cards are kept")


@control(
    "secrets-in-urls",
    asvs=("14.2.1",),
    api_top10=("API8", "API2"),
    cwe=(598,),
    impact=3,
    question="Is the value worthless after one use, and kept out of logs?",
    verify="Send `{request}` and search the logs of proxy and service: expect it to be absent.",
    implement="Send it in a header or body; short-lived and single-use where a link must carry it",
)
def secrets_in_urls(facts: Facts) -> Iterator[Verdict]:
    """Addresses carry no secrets."""
    for fact in facts.of(Kind.SECRET_IN_URL):
        if fact.value.where == "query":
            yield broken(fact, cause="secrets in the query", signal=2)
        else:
            yield doubtful(fact, cause="secrets in the path")
    for fact in facts.of(Kind.SCHEME):
        if fact.value.get("type") == "apikey" and fact.value.get("in") == "query":
            yield Verdict(
                fact.subject, Status.NOT_MET, fact.note, (fact,), "an API key in the query",
                signal=3,
            )  # fmt: skip


@control(
    "answers-not-cached",
    asvs=("14.3.2",),
    api_top10=("API8",),
    cwe=(525, 524),
    impact=1,
    question="Do answers with sensitive data carry `Cache-Control: no-store`?",
    verify="Send `{request}`: expect `Cache-Control: no-store`.",
    implement="A middleware that adds `Cache-Control: no-store` unless a handler says otherwise",
)
def not_cached(facts: Facts) -> Iterator[Verdict]:
    """Sensitive answers are not cached."""
    for fact in facts.of(Kind.CACHED):
        if fact.value:
            yield kept(fact)
        else:
            yield doubtful(fact, cause="sensitive answers without Cache-Control", signal=1)


@control(
    "retention",
    asvs=("14.2.7", "14.2.4"),
    api_top10=("API3",),
    cwe=(212, 459),
    gdpr=("Article 5(1)(e)", "Article 17"),
    pci=("3.2.1",),
    impact=2,
    question="How long are these rows kept, and what removes them then?",
    verify="Count the rows of `{operation}` older than the period: expect 0.",
    implement="A period for each class; a job that erases or anonymises, tested on a copy",
)
def retention(facts: Facts) -> Iterator[Verdict]:
    """Data about people ends."""
    for fact in facts.of(Kind.TRAIT):
        if fact.value != "about people":
            continue
        ends = [t for t in facts.about(fact.subject, Kind.TRAIT) if t.value == "ends"]
        if ends:
            yield kept(ends[0])
        else:
            yield doubtful(fact, f"{fact.note}; nothing tells when it ends", "no end", signal=1)


@control(
    "data-classified",
    asvs=("14.1.1", "14.1.2"),
    api_top10=("API3",),
    cwe=(213,),
    gdpr=("Article 30",),
    impact=1,
    question="Is it written which data is sensitive, and what each class needs?",
    verify="Compare the list with the inventory of this answer.",
    implement="A table: class, fields, encryption, retention, who may see it, masked in logs",
)
def data_classified(facts: Facts) -> Iterator[Verdict]:
    """Data is classified, and each class has its rules."""
    classes = facts.of(Kind.DATA)
    for fact in classes:
        data = fact.value
        lacks = [
            name
            for name, value in (
                ("retention_days", data.retention_days),
                ("encryption", data.encryption),
                ("masked_in_logs", data.masked_in_logs),
            )
            if value is None
        ]
        if data.sensitivity in ("public", "internal") or not lacks:
            yield kept(fact)
        else:
            why = f"`{fact.subject}` does not say {', '.join(lacks)}"
            yield Verdict(fact.subject, Status.PARTIAL, why, (fact,), "classes without rules")


erasure = attested(
    "erasure-possible",
    "People get their data, and have it erased",
    "privacy.erasure",
    why="Both are rights, and neither works by hand for long.",
    question="Can a person's data be exported and erased, in all stores and at all processors?",
    verify="Erase a test person, search every store for them: expect nothing but what law keeps.",
    implement="One routine that knows every store; anonymise what must stay",
    when=PERSONAL,
    asvs=("14.2.7",),
    cwe=(212,),
    gdpr=("Article 15", "Article 17", "Article 20"),
)
third_party_data = attested(
    "data-to-others",
    "Others get what they need, by contract",
    "privacy.processors_listed",
    why="Trackers and tools receive more than anyone decided.",
    question="Is it listed which data goes to which third party, and why?",
    verify="Record a day of outbound traffic; compare hosts and fields with the list.",
    implement="A list of processors with fields and purpose; strip the rest",
    when=PERSONAL,
    asvs=("14.2.3",),
    cwe=(200,),
    gdpr=("Article 28", "Article 30"),
)
masked = attested(
    "sensitive-data-masked",
    "Sensitive values are masked where they are shown",
    "privacy.masked",
    why="A support screen needs four digits, not sixteen.",
    question="Are card numbers, identity numbers and the like shown in part only?",
    verify="Read each sensitive field as support staff: expect a part.",
    implement="Mask in the response model; the whole value behind a right of its own, audited",
    when=PERSONAL,
    asvs=("14.2.6",),
    cwe=(200,),
    pci=("3.4.1",),
)
