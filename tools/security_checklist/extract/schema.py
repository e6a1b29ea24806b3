"""Facts of a relational schema: sensitive columns, owners, tenants, rights, what scripts plant."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence

from ...ddl.load import Loaded
from ...ddl.model import At, Column, Dialect, Function, Name, Schema, Table, Type
from ...ddl.types import Family, family, max_length
from ...names import words
from ...report import clean, quoted
from ...rule import Place
from ..classes import Confidence, DataClass, Match, classify
from ..facts import Basis, Fact, Held, Kind

SENSES = {
    DataClass.CREDENTIAL: "password",
    DataClass.SECRET: "secret",
    DataClass.ONE_TIME_CODE: "one-time code",
    DataClass.PAYMENT: "payment data",
    DataClass.BANK: "payment data",
    DataClass.IDENTITY: "identity document",
    DataClass.TAX: "identity document",
    DataClass.HEALTH: "health data",
    DataClass.SPECIAL: "personal data",
    DataClass.BIRTH: "personal data",
    DataClass.NAME: "personal data",
    DataClass.ACCOUNT: "personal data",
    DataClass.CONTACT: "contact data",
    DataClass.ADDRESS: "contact data",
    DataClass.LOCATION: "location",
    DataClass.NETWORK: "personal data",
    DataClass.INCOME: "personal data",
    DataClass.MESSAGE: "personal data",
}
_TEXTS = (Family.TEXT, Family.VARCHAR, Family.CHAR)
_NUMBERS = (Family.INTEGER, Family.DECIMAL, Family.FLOAT, Family.MONEY, Family.BIT)
_DATES = (
    Family.DATE,
    Family.TIME,
    Family.TIMETZ,
    Family.TIMESTAMP,
    Family.TIMESTAMPTZ,
    Family.YEAR,
)
MAX_HOPS = 4  # from a table to its owner
TENANT_KEY = re.compile(
    r"^_(tenant|organi[sz]ation|org|workspace|company|customer_account|merchant)_"
    r"(id|uuid|guid)_$|^_tenant_$"
)


def schema_facts(loaded: Loaded, tenant_key: str = "") -> Iterator[Fact]:
    """All that the schema tells; `tenant_key`: the column that names the tenant, if it is said."""
    reader = _Reader(loaded.schema, tenant_key)
    for table in loaded.schema.tables.values():
        if table.partition_of is None:
            yield from reader.table(table)
    for function in loaded.schema.functions.values():
        yield from _routine(function, loaded.schema.dialect)
    yield from _grants(loaded.schema)
    yield from _planted(loaded)


def kind_of(type: Type, schema: Schema) -> str:
    """The kind of a column's type, as `classify` takes it."""
    found = family(type, schema.dialect)
    if type.array:
        return "other"
    if schema.dialect is Dialect.MYSQL and type.name == "tinyint" and type.args == ("1",):
        return "boolean"
    for kind, families in _KINDS.items():
        if found in families:
            return kind
    return "text" if found in _TEXTS else "other"


_KINDS: dict[str, tuple[Family, ...]] = {
    "boolean": (Family.BOOLEAN,),
    "number": _NUMBERS,
    "date": _DATES,
    "binary": (Family.BINARY,),
    "json": (Family.JSON, Family.JSONB),
}


def column_class(table: Table, column: Column, schema: Schema) -> Match | None:
    """The class of a column."""
    beside = [name for name in table.columns if name != column.name]
    kind = kind_of(column.type, schema)
    return classify(column.name, around=table.name.name, beside=beside, kind=kind)


class _Reader:
    """Reads tables, with what the schema says of owners and tenants."""

    def __init__(self, schema: Schema, tenant_key: str) -> None:
        self._schema = schema
        self._tenant_key = words(tenant_key) if tenant_key else ""
        self._people = {name for name, table in schema.tables.items() if _is_people(table)}
        self._has_tenants = any(map(self._tenant_column, schema.tables.values()))

    def table(self, table: Table) -> Iterator[Fact]:
        subject, at = str(table.name), _at(table.at, str(table.name))
        yield Fact(Kind.TABLE, subject, table, Basis.OBSERVED, at, f"table {quoted(subject)}")
        classes = {c.name: m for c in table.columns.values() if (m := self._class(table, c))}
        for name, match in classes.items():
            yield from self._column(table, table.columns[name], match)
        yield from self._owner(table, at)
        yield from self._tenant(table, at)
        yield from _row_security(table, at, self._schema.dialect)
        yield from _events(table, at)
        yield from _lifetime(table, at, classes)

    def _class(self, table: Table, column: Column) -> Match | None:
        return column_class(table, column, self._schema)

    def _column(self, table: Table, column: Column, match: Match) -> Iterator[Fact]:
        subject = f"{table.name}.{column.name}"
        at = _at(column.at or table.at, subject)
        person = table.name in self._people
        value = Held(subject, SENSES[match.data], match.token, person, match.data, match.confidence)
        note = f"{quoted(subject)} {quoted(column.type)} is a {match.data} by {quoted(match.token)}"
        basis = Basis.OBSERVED if match.confidence is Confidence.HIGH else Basis.HEURISTIC
        yield Fact(Kind.COLUMN, subject, value, basis, at, note)
        if stored := _stored(column, match, self._schema):
            state, told = stored
            yield Fact(Kind.STORED, subject, state, Basis.OBSERVED, at, f"{quoted(subject)} {told}")

    def _owner(self, table: Table, at: Place) -> Iterator[Fact]:
        """The path of foreign keys from a table to people or tenants."""
        path = self._path(table.name)
        told = " → ".join(map(str, path))
        note = (
            f"foreign keys lead to an owner: {quoted(told, 200)}"
            if path
            else ("no foreign key leads to a person or tenant")
        )
        yield Fact(Kind.OWNER, str(table.name), tuple(map(str, path)), Basis.DERIVED, at, note)

    def _path(self, start: Name) -> tuple[Name, ...]:
        queue: deque[tuple[Name, ...]] = deque([(start,)])
        seen = {start}
        while queue:
            path = queue.popleft()
            if path[-1] in self._people:
                return path
            table = self._schema.tables.get(path[-1])
            for key in table.foreign_keys.values() if table and len(path) <= MAX_HOPS else ():
                if key.table not in seen:
                    seen.add(key.table)
                    queue.append((*path, key.table))
        return ()

    def _tenant_column(self, table: Table) -> str:
        for name in table.columns:
            text = words(name)
            if text == self._tenant_key or (not self._tenant_key and TENANT_KEY.match(text)):
                return name
        return ""

    def _tenant(self, table: Table, at: Place) -> Iterator[Fact]:
        if not self._has_tenants:
            return
        column = self._tenant_column(table)
        note = f"column {quoted(column)} names the tenant" if column else "no column names a tenant"
        yield Fact(Kind.TENANT, str(table.name), column, Basis.OBSERVED, at, note)
        keys = [key for key in table.unique_sets() if column and column not in key]
        natural = [key for key in keys if not all(words(c).endswith("_id_") for c in key)]
        for key in natural[:1]:
            if not any(k.primary and k.columns == key for k in table.keys.values()):
                note = f"unique ({', '.join(key)}) holds across tenants"
                yield Fact(
                    Kind.TRAIT, str(table.name), "unique across tenants", Basis.OBSERVED, at, note
                )


_PEOPLE = re.compile(
    r"_(users?|customers?|persons?|people|members?|employees?|patients?|accounts?|profiles?|clients?"
    r"|tenants?|organi[sz]ations?|students?|staff|owners?|subscribers?)_$"
)


def _is_people(table: Table) -> bool:
    return _PEOPLE.search(words(table.name.name)) is not None


def _at(at: At | None, path: str) -> Place:
    return Place(at.file if at else "", tuple(path.split(".")), at.offset if at else None)


# How secrets are kept


def _stored(column: Column, match: Match, schema: Schema) -> tuple[str, str] | None:
    """How a secret seems to be kept: state, and in words."""
    text, found = words(column.name), family(column.type, schema.dialect)
    length = max_length(column.type)
    if match.data is DataClass.CREDENTIAL:
        return _password(text, found, length, column)
    if match.data in (DataClass.SECRET, DataClass.ONE_TIME_CODE):
        if found in (Family.INTEGER,) or column.identity or column.auto_increment:
            return "number", f"is {quoted(column.type)}: few values, easily guessed"
        if re.search(
            r"random\(\)|rand\(\)|uuid_generate_v1|\buuid\(\)", column.default or "", re.I
        ):
            return "weak random", f"defaults to {quoted(column.default)}, which can be foretold"
        if found is Family.BINARY or _HASHED.search(text):
            return "protected", "is binary or a digest"
        return "unknown", f"is {quoted(column.type)}: hashed, encrypted or clear, it does not say"
    if match.data in (DataClass.PAYMENT, DataClass.IDENTITY, DataClass.HEALTH, DataClass.BANK):
        if _VERIFICATION.search(text):
            return "forbidden", "keeps a card's verification code"
        if found is Family.BINARY or _HASHED.search(text):
            return "protected", "is binary, encrypted or a digest"
        if found in (*_TEXTS, *_NUMBERS) and not _TRUNCATED.search(text):
            return "clear", f"is {quoted(column.type)}: nothing says that it is encrypted"
    return None


_HASHED = re.compile(
    r"_(hash|hashed|digest|encrypted|enc|cipher|ciphertext|bcrypt|crypted|sealed)_"
)
_VERIFICATION = re.compile(
    r"_(cvv2?|cvc2?|cvv_2|cvc_2|card_(security|verification)_(code|value))_$"
)
_TRUNCATED = re.compile(r"_last_?(4|four)|_(expiry|expiration|holder|cardholder|brand|month|year)_")
_FAST = re.compile(r"_(md_?5|sha_?1|sha_?256|sha_?512|crc_?32)_")


def _password(
    text: str, found: Family, length: int | None, column: Column
) -> tuple[str, str] | None:
    if _FAST.search(text) or re.search(r"\b(md5|sha1|sha2)\(", column.default or "", re.I):
        return "fast hash", "is a fast hash, by its name or default"
    if found is Family.CHAR and length in (32, 40, 64):
        return "fast hash", f"is {quoted(column.type)}: the size of MD5, SHA-1 or SHA-256"
    if found in (Family.VARCHAR, Family.CHAR) and length and length < 60:
        return "no room", f"is {quoted(column.type)}: no room for a hash of bcrypt or Argon2id"
    if re.search(r"_(plain|plaintext|clear)_", text):
        return "clear", "is the password in clear, by its name"
    if re.search(r"_(argon2\w*|bcrypt|scrypt|pbkdf2)_", text):
        return "slow hash", "is a slow hash, by its name"
    if column.default and re.match(r"'[^']+'", column.default):
        return "default", "has a default password"
    if _HASHED.search(text):
        return "hash", "is a hash, of which kind it does not say"
    return "unknown", f"is {quoted(column.type)}: which hash it holds, if any, it does not say"


# Rows, rights, routines


def _row_security(table: Table, at: Place, dialect: Dialect) -> Iterator[Fact]:
    if dialect is not Dialect.POSTGRES:
        return
    on = table.row_security and bool(table.policies)
    forced = ", forced" if table.force_row_security else ", not for the table's owner"
    note = f"{len(table.policies)} policies{forced}" if on else "no row-level security"
    yield Fact(Kind.ROW_SECURITY, str(table.name), on, Basis.OBSERVED, at, note)
    for name, policy in table.policies.items():
        if (policy.using or "").strip().lower() in ("true", "(true)") and policy.permissive:
            note = f"policy {quoted(name)} lets {', '.join(policy.roles)} see every row"
            yield Fact(Kind.TRAIT, str(table.name), "open policy", Basis.OBSERVED, at, note)


_WRITES = ("insert", "update", "delete", "truncate")


def _grants(schema: Schema) -> Iterator[Fact]:
    for grant, at in schema.grants.items():
        subject = grant.object.removeprefix("public.")
        note = f"{grant.privilege.upper()} on {grant.kind} {quoted(subject)} to"
        f" {quoted(grant.grantee)}"
        place = _at(at, grant.object)
        yield Fact(Kind.GRANT, subject, grant, Basis.OBSERVED, place, note)


_DYNAMIC = re.compile(r"\bEXECUTE\s+(?!FUNCTION|PROCEDURE)[^;]{0,400}?\|\|", re.I | re.S)
_QUOTED = re.compile(r"quote_ident|quote_literal|quote_nullable|format\s*\(|\bUSING\b", re.I)
_CONCATENATES = re.compile(r"\b(PREPARE|EXECUTE)\b", re.I)


def _routine(function: Function, dialect: Dialect) -> Iterator[Fact]:
    subject, at = function.signature, _at(function.at, str(function.name))
    found = _DYNAMIC.search(function.body)
    if found and not _QUOTED.search(found[0]):
        note = f"{quoted(subject)} runs a text that it puts together"
        yield Fact(Kind.ROUTINE, subject, "dynamic sql", Basis.OBSERVED, at, note)
    elif (
        function.language == ""
        and "concat(" in function.body.lower()
        and _CONCATENATES.search(function.body)
    ):
        note = f"{quoted(subject)} prepares a text that it puts together"
        yield Fact(Kind.ROUTINE, subject, "dynamic sql", Basis.HEURISTIC, at, note)
    has_path = dialect is Dialect.POSTGRES
    if has_path and function.security_definer and "search_path" not in function.settings:
        note = f"{quoted(subject)} runs with its owner's rights and the caller's search path"
        yield Fact(Kind.ROUTINE, subject, "definer", Basis.OBSERVED, at, note)


# Tables of events, codes and people


_EVENTS = re.compile(
    r"_(audit(s|_log|_logs|_trail|_events?)?|access_logs?|activity_logs?|event_logs?|security_events?"
    r"|login_(events?|history|attempts)|change_logs?|history_log)_$"
)
_NEEDS = {
    "who": r"_(user|actor|account|by|who|principal|employee|staff|performed|changed)_",
    "what": r"_(action|event|operation|type|verb|activity|what|method|activity_type)_",
    "when": r"_(at|time|timestamp|date|when|created|occurred|logged)_",
    "where from": r"_(ip|address|addr|source|client|host|user_agent|session)_",
    "outcome": r"_(outcome|result|success|succeeded|status|failed|error)_",
}
_RAW = re.compile(
    r"_(query|sql|raw_\w+|request_body|body|payload|password|token|headers|cookies)_$"
)


def _events(table: Table, at: Place) -> Iterator[Fact]:
    if not _EVENTS.search(words(table.name.name)):
        return
    names = [words(name) for name in table.columns]
    lacks = tuple(
        what for what, pattern in _NEEDS.items() if not any(re.search(pattern, n) for n in names)
    )
    raw = tuple(name for name in table.columns if _RAW.search(words(name)))
    zoneless = tuple(
        column.name for column in table.columns.values() if column.type.name == "timestamp"
        or column.type.name == "timestamp without time zone"
    )  # fmt: skip
    value = {"lacks": lacks, "raw": raw, "zoneless": zoneless}
    told = (
        f"has no column for {', '.join(lacks)}" if lacks else "has who, what, when, where, outcome"
    )
    yield Fact(
        Kind.AUDIT, str(table.name), value, Basis.OBSERVED, at, f"{quoted(table.name)} {told}"
    )


_CODES = re.compile(
    r"_(otps?|one_time_codes?|verification_codes?|password_resets?|reset_tokens?|tokens?)_$"
)
_TRAITS: Sequence[tuple[str, str]] = (
    ("expires", r"_(expires?|expiry|expires_at|valid_until|expiration|valid_to|expired)_"),
    ("used once", r"_(used|consumed|redeemed|used_at|revoked)_"),
    ("locks out", r"_(failed_(login_)?attempts?|login_attempts|locked_(until|at)|lockout)_"),
    ("second factor", r"_(totp|mfa|two_factor|2_fa|otp_secret|webauthn)_"),
    ("ends", r"_(deleted_at|erased_at|anonymi[sz]ed_at|purge\w*|retention\w*|expires_at)_$"),
    ("password expires", r"_password_(expires?_at|expiry|expiration|changed_at|expires)_"),
    ("security question", r"_(security|secret)_(question|answer)_|_password_hint_|_hint_question_"),
    ("version", r"^_(version|lock_version|row_version|revision)_$"),
    ("external identity", r"^_(provider|issuer|iss|identity_provider|oauth_provider)_$"),
)


def _lifetime(table: Table, at: Place, classes: dict[str, Match]) -> Iterator[Fact]:
    """What columns tell of how long things live and how often they are tried."""
    subject = str(table.name)
    for trait, pattern in _TRAITS:
        name = next((n for n in table.columns if re.search(pattern, words(n))), None)
        if name is not None:
            note = f"column {quoted(name)}"
            yield Fact(Kind.TRAIT, subject, trait, Basis.HEURISTIC, at, note)
    if _CODES.search(words(table.name.name)):
        yield Fact(Kind.TRAIT, subject, "codes", Basis.HEURISTIC, at, "keeps codes or tokens")
    if sum(match.data in _ABOUT for match in classes.values()) >= 2:
        names = ", ".join(list(classes)[:4])
        note = f"holds {clean(names, 120)}"
        yield Fact(Kind.TRAIT, subject, "about people", Basis.DERIVED, at, note)
    if table.engine.lower() == "myisam":
        note = f"{quoted(subject)} is MyISAM: no transactions, no foreign keys"
        yield Fact(Kind.TRAIT, subject, "no transactions", Basis.OBSERVED, at, note)


_ABOUT = frozenset(DataClass) - {DataClass.SECRET, DataClass.CREDENTIAL, DataClass.ONE_TIME_CODE}


# What scripts plant

_INSERTS = re.compile(r"\s*INSERT\s+INTO\s+[\"`\[]?(?:\w+[\"`\]]?\.[\"`\[]?)?(\w+)", re.I)
_DEFAULTS = re.compile(r"'(admin|administrator|root|sa|guest|test|superuser)'", re.I)
_CREATES_ROLE = re.compile(
    r"\s*(CREATE|ALTER)\s+(USER|ROLE)\b.{0,300}?(PASSWORD|IDENTIFIED\s+BY)\s+'([^']+)'", re.I | re.S
)


def _planted(loaded: Loaded) -> Iterator[Fact]:
    tables = {name.name.lower(): table for name, table in loaded.schema.tables.items()}
    for statement in loaded.statements:
        text = statement.text[:20_000]
        at = Place(statement.file, (), statement.offset)
        if role := _CREATES_ROLE.match(text):
            note = "a script sets a password in clear"
            yield Fact(Kind.SEED, "script", f"{role[2].lower()} password", Basis.OBSERVED, at, note)
        inserted = _INSERTS.match(text)
        table = tables.get(inserted[1].lower()) if inserted else None
        if inserted and table is not None and _keeps_passwords(table, loaded.schema):
            name = _DEFAULTS.search(text)
            if name:
                note = f"a script adds {quoted(name[1])} to {quoted(table.name)}"
                value = "default account"
                yield Fact(Kind.SEED, str(table.name), value, Basis.OBSERVED, at, note)


def _keeps_passwords(table: Table, schema: Schema) -> bool:
    classes = (column_class(table, column, schema) for column in table.columns.values())
    return any(match and match.data is DataClass.CREDENTIAL for match in classes)
