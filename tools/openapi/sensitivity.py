"""What the name of a value tells about it: a password, contact data, an internal detail, …

Names are read word by word, never by substrings: `academic_year_code` is no card code. Words that
mean many things (`address`, `name`, `code`) count only where what is around them says which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from ..names import words
from .api import Api, Operation
from .document import Node
from .values import mapping


class Sense(StrEnum):
    """A class of values that need care."""

    PASSWORD = "password"
    SECRET = "secret"
    CODE = "one-time code"
    PAYMENT = "payment data"
    IDENTITY = "identity document"
    HEALTH = "health data"
    CONTACT = "contact data"
    PERSONAL = "personal data"
    LOCATION = "location"
    PRIVILEGE = "privilege"
    INTERNAL = "internal detail"


ABOUT_PEOPLE = frozenset(
    (
        Sense.PAYMENT,
        Sense.IDENTITY,
        Sense.HEALTH,
        Sense.CONTACT,
        Sense.PERSONAL,
        Sense.LOCATION,
    )
)


class Match(NamedTuple):
    """A sense, and the words of the name that gave it."""

    sense: Sense
    token: str


_TOKENS: dict[Sense, str] = {
    Sense.PASSWORD: r"password|passwd|pwd|passphrase|passcode|password_(hash|digest|salt)"
    r"|(hashed|encrypted|plain|plaintext|new|current|old|user|account)_password|pw_hash"
    r"|password_(confirm|confirmation|repeat|again)",
    Sense.SECRET: r"secret|secret_key|private_key|signing_key|encryption_key|api_key|api_secret"
    r"|(client|app|consumer|shared|webhook|signing|totp|otp|mfa)_secret|secret_access_key|jwt"
    r"|(access|auth|refresh|session|bearer|id|api|security|reset|csrf|xsrf|device)_token"
    r"|security_answer|recovery_codes?|backup_codes?|seed_phrase|mnemonic",
    Sense.CODE: r"otp|totp|otp_code|one_time_(code|password|pin)|(verification|confirmation"
    r"|security|sms|email|mfa|auth|authentication|reset|activation|login)_(code|pin)|pin|pin_code"
    r"|passcode|two_factor_code|2_fa_code|pincode",
    Sense.PAYMENT: r"(credit_?|debit_?)?card_(number|no|num)|(credit|debit)_?card|cc_(number|num)"
    r"|pan|cvv2?|cvc2?|cvv_2|cvc_2|card_(security|verification)_(code|value)|iban"
    r"|bank_account(_number)?|sort_code",
    Sense.IDENTITY: r"ssn|social_security(_number|_no)?|national_(id|identity)(_number)?"
    r"|passport(_(number|no))?|(driver|drivers|driving)_licen[cs]e(_(number|no))?"
    r"|identity_(number|card)|id_card_number",
    Sense.HEALTH: r"diagnos[ie]s|medical_(record|history|condition)s?(_number)?|blood_(type|group)"
    r"|allergies|medications?|prescriptions?|disabilit(y|ies)",
    Sense.CONTACT: r"(e_?mail|mail|phone|mobile|cell|telephone)(_(address|number|no))?"
    r"|(home|street|postal|mailing|residential)_address|phone_?number|email_?address",
    Sense.PERSONAL: r"date_of_birth|dob|birth_?(date|day)|ethnicity|religion|sexual_orientation"
    r"|marital_status|nationality|salary|net_worth",
    Sense.LOCATION: r"latitude|longitude|geo_?location|(vehicle|current|last|home)_location",
    Sense.PRIVILEGE: r"(is_)?(admin|administrator|super_?user|staff|root)|roles?|user_roles?"
    r"|permissions?|privileges?|access_level|user_type|account_type",
    Sense.INTERNAL: r"(conversion|convert|exec|execution|command|ffmpeg|encoder|transcod(e|ing)"
    r"|shell|process|compiler|interpreter)_(params?|parameters?|args|arguments|options|flags)"
    r"|command_line|shell_command|sql_query|raw_sql|debug_info|internal_(id|notes?|state|status"
    r"|comments?|data|flags?)|is_(deleted|internal|flagged|suspended)|fraud_score|risk_score"
    r"|cost_price|profit_margin",
}
_NAMED = re.compile(
    "^_(?:"
    + r"(?:\w+?_)??(?:"
    + "|".join(f"(?P<{sense.name}>{tokens})" for sense, tokens in _TOKENS.items())
    + "))_$"
)
_PREFIXED = re.compile(  # a switch, a date or a policy that only speaks of the thing
    r"^_(is|has|include|exclude|show|hide|with|without|needs?|requires?|required|use|force|allow"
    r"|enable|disable|generate|rotate|expired?|masked|public|type|max|min|num|number_of|last|next"
    r"|total|count|can|should|must|send|verify|verified|valid|invalid|strong|weak|default|max|min"
    r"|supported|allowed|available|required|no|not|set|unset|delete|remove|update|change|reset)_"
)
_PUBLIC = re.compile(  # of an organisation or a machine, not of a person
    r"_(support|contact_us|company|business|merchant|store|shop|office|organi[sz]ation|org|billing"
    r"|noreply|no_reply|publisher|vendor|supplier|branch|restaurant|service|technical|sales|press"
    r"|public|abuse|from|reply_to|sender|template|bounce)_"
)
_PERSON = re.compile(
    r"_(users?|customers?|persons?|people|members?|employees?|patients?|accounts?|authors?|owners?"
    r"|profiles?|students?|teachers?|clients?|contacts?|drivers?|guests?|subscribers?|citizens?"
    r"|workers?|buyers?|sellers?|passengers?|travell?ers?|doctors?|nurses?|staff|players?|mechanics?"
    r"|participants?|attendees?|creators?|reviewers?|commenters?|posters?|uploaders?|me|dashboard"
    r"|admins?|operators?|agents?|tenants?|borrowers?|applicants?|candidates?|beneficiar(y|ies))_"
)
_PRIVATE = re.compile(  # whole segments of a path
    r"^_((check_)?(account_)?balances?|transactions?|statements?|payments?|payouts?|orders?|invoices?"
    r"|(\w+_)?(cards|addresses)|wallets?|inbox|purchases|prescriptions?|appointments"
    r"|medical_records?|payslips?|salaries|bank_accounts?|beneficiaries|passphrases?)_$"
)
_SIBLINGS = re.compile(
    r"^_(user_?name|nick_?name|first_?name|last_?name|full_?name|sur_?name|given_name|family_name"
    r"|password|role|birth_?(date|day)|date_of_birth|dob|gender|user_id|login)_$"
)


@lru_cache(maxsize=50_000)
def sense_of(name: str) -> Match | None:
    """The sense of a name by itself, and the words that gave it; None for all others."""
    text = words(name)
    if text == "_token_":  # any longer name says which: `page_token` is none
        return Match(Sense.SECRET, "token")
    found = _NAMED.match(text)
    if found is None or (_PREFIXED.match(text) and text[1:4] != "is_"):
        return None
    sense = next(each for each in Sense if found[each.name])
    if sense is Sense.CONTACT and _PUBLIC.search(text):
        return None
    return Match(sense, found[sense.name])


def is_person(name: str) -> bool:
    """Whether a name (of a property, schema, path) is that of a person or an account."""
    return _PERSON.search(words(name)) is not None


def private_part(path: str) -> str:
    """The segment of a path that names one person's business: `credit-cards`; or nothing."""
    parts = (part for part in path.split("/") if part[:1] != "{")
    return next((part for part in parts if _PRIVATE.match(words(part))), "")


class Field(NamedTuple):
    """A property that needs care: its path below the body (`users[].email`), its node."""

    path: str
    node: Node
    match: Match
    person: bool  # belongs to an object that describes a person
    owner: Node  # the object it is a property of

    @property
    def sense(self) -> Sense:
        """The sense of its name."""
        return self.match.sense


MAX_FIELDS = 400  # properties of one body that are looked at, nearest first
MAX_DEPTH = 4  # of nested objects: what lies deeper is another resource


class Part(NamedTuple):
    """An object inside a body: its schema, its path (`users[]`), its properties."""

    schema: Node
    path: str
    properties: dict[str, Node]
    person: bool  # describes a person, or lies in what does


def objects(api: Api, schema: Node | None, around: str = "") -> Iterator[Part]:
    """The objects of a body, those nested in others included, nearest first.

    `around` is what surrounds the body, such as the path: it tells whether this is about people.
    """
    if schema is not None:
        person = is_person(around)
        for part in api.found(_parts_below, schema):
            outermost = person and not part.path.strip("[]")
            yield part._replace(person=True) if outermost else part


def fields(api: Api, schema: Node | None, around: str = "") -> Iterator[Field]:
    """The properties of a body that need care, those of nested objects included, nearest first."""
    if schema is not None:
        person = is_person(around)
        for field in api.found(_fields_below, schema):
            outermost = person and not field.path.rpartition(".")[0].strip("[]")
            yield field._replace(person=True) if outermost else field


def _parts_below(api: Api, schema: Node) -> tuple[Part, ...]:
    return tuple(_walked(api, schema))


def _fields_below(api: Api, schema: Node) -> tuple[Field, ...]:
    return tuple(
        Field(f"{part.path}.{name}" if part.path else name, child, match, part.person, part.schema)
        for part in api.found(_parts_below, schema)
        for name, child in part.properties.items()
        if (match := sense_of(name)) and holds_value(api, child, match.sense)
    )


def _walked(api: Api, schema: Node) -> Iterator[Part]:
    level: list[tuple[Node | None, str, bool]] = [(schema, "", False)]
    seen: set[int] = set()
    left = MAX_FIELDS
    for _ in range(MAX_DEPTH):
        deeper: list[tuple[Node | None, str, bool]] = []
        for node, prefix, person in level:
            for part, path in _objects(api, node, prefix):
                if id(part.value) in seen:
                    continue
                seen.add(id(part.value))
                properties = dict(islice(api.properties(part).items(), left))
                left -= len(properties)
                person_here = person or _describes_person(api, part, properties)
                yield Part(part, path, properties, person_here)
                deeper.extend(
                    (child, f"{path}.{name}" if path else name, is_person(name))
                    for name, child in properties.items()
                )
        level = deeper


def _objects(api: Api, schema: Node | None, prefix: str) -> Iterator[tuple[Node, str]]:
    """The objects a schema stands for: itself, its items, its alternatives."""
    for part in api.parts(schema):
        yield part, prefix
        for step in ("items", "additionalProperties"):
            inside = api.description.child(part, step)
            if inside is not None:
                for piece in api.parts(inside):
                    yield piece, f"{prefix}[]"
        for step in ("oneOf", "anyOf"):
            alternatives = part.get(step)
            for alternative in alternatives[:10] if isinstance(alternatives, list) else ():
                found = api.description.resolve(alternative)
                if found is not None:
                    yield found, prefix


def _describes_person(api: Api, schema: Node, properties: dict[str, Node]) -> bool:
    if schema.key[:1] in (("schemas",), ("definitions",)) and is_person(str(schema.key[-1])):
        return True
    return any(_SIBLINGS.match(words(name)) for name in properties)


_MASKED = re.compile(
    r"mask(ed|ing)?\b|redact|obfuscat|\*\*\*|asterisk|truncat|last (4|four)|never returned"
    r"|write[- ]?only|not returned|hash of|encrypted"
    r"|only (present|returned|shown|set) (when|on|at|if)",
    re.I,
)


def holds_value(api: Api, node: Node, sense: Sense) -> bool:
    """Whether a property can hold what its name says: a text, not a switch, an object or a mask."""
    types = api.types(node) - {"null"}
    if sense is Sense.PRIVILEGE:
        return not types & {"object"}
    if sense is Sense.INTERNAL:
        return True
    if types and not types & {"string", "integer", "number"}:
        return False
    if sense in (Sense.PASSWORD, Sense.SECRET):
        if types and "string" not in types:
            return False
        told = " ".join(str(part.get("description", ""))[:500] for part in api.parts(node)[:3])
        return not _MASKED.search(told)
    return True


def sensitive_properties(api: Api) -> tuple[tuple[Node, Match], ...]:
    """Every property with a sense, wherever it is written."""
    found = []
    for node in api.nodes("schema") + api.nodes("reference"):
        if len(node.key) == 2 and node.key[0] == "properties":
            match = sense_of(str(node.key[1]))
            if match is not None:
                found.append((node, match))
    return tuple(found)


def _operations_by_label(api: Api) -> dict[str, list[Operation]]:
    found: dict[str, list[Operation]] = {}
    for operation in api.operations:
        found.setdefault(operation.node.unit.operation, []).append(operation)
    return found


def senders(api: Api, node: Node) -> tuple[Operation, ...]:
    """The operations whose responses contain this object, by any references."""
    return tuple(
        operation
        for label in sorted(api.sent_by(node.unit))
        for operation in api.once(_operations_by_label).get(label, ())
    )


def receivers(api: Api, node: Node) -> tuple[Operation, ...]:
    """The operations whose requests contain this object, by any references."""
    return tuple(
        operation
        for label in sorted(api.received_by(node.unit))
        for operation in api.once(_operations_by_label).get(label, ())
    )


def text_of(node: Node) -> str:
    """Title, description and example of a value, for what they tell about it; bounded."""
    value = mapping(node.value)
    return " ".join(str(value.get(key, ""))[:300] for key in ("title", "description", "example"))
