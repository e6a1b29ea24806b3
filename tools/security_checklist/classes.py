"""Classes of data by names: word by word, with the type and what stands around.

A name of its own (`card_number`, `birth_date`) is enough; a word that means many things (`name`,
`address`, `city`, `code`) counts only in a table or object that describes a person, or beside
columns that say which. Never substrings: `academic_year_code` is no card code.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from ..names import words


class DataClass(StrEnum):
    """What a value is, as far as its care goes."""

    CREDENTIAL = "credential"
    SECRET = "secret"
    ONE_TIME_CODE = "one-time code"
    PAYMENT = "payment"
    BANK = "bank account"
    IDENTITY = "identity document"
    TAX = "tax number"
    HEALTH = "health"
    SPECIAL = "special category"
    BIRTH = "date of birth"
    NAME = "person's name"
    ACCOUNT = "account name"
    CONTACT = "contact"
    ADDRESS = "postal address"
    LOCATION = "location"
    NETWORK = "network identifier"
    INCOME = "income"
    MESSAGE = "private message"


class Confidence(StrEnum):
    """How sure a class is."""

    HIGH = "high"  # the name says it by itself
    MEDIUM = "medium"  # the name with its context


class Match(NamedTuple):
    """A class, how sure it is, and the words that told."""

    data: DataClass
    confidence: Confidence
    token: str


_OWN: dict[DataClass, str] = {
    DataClass.CREDENTIAL: r"password|passwd|pwd|passphrase|pass_?word_?(hash|digest|salt)"
    r"|(hashed|encrypted|crypted|bcrypt|plain|old|new|user|login)_(password|passwd|pass)(_hash)?"
    r"|user_pass|pw_?hash|password_(history|confirmation)",
    DataClass.SECRET: r"secrets?|secret_key|private_key|signing_key|encryption_key|hmac_key|api_key"
    r"|api_secret|api_token|(client|app|consumer|shared|webhook|totp|otp|mfa|oauth|jwt)_secret"
    r"|(access|auth|authentication|refresh|session|bearer|security|reset|csrf|remember|activation"
    r"|confirmation|invitation|reset_password|persistence|perishable|single_access|unlock|otp"
    r"|verification|remember_me|push|fcm|apns|user_activation)_(token|key)|session_token(s)?"
    r"|security_answer|(otp_|two_factor_)?(recovery|backup)_codes?|seed_phrase|credentials"
    r"|session_data|sess(ion)?_vars|access_key|license_key",
    DataClass.ONE_TIME_CODE: r"otp|otp_code|one_time_(code|password|pin)"
    r"|(verification|confirmation|activation|sms|mfa|login|reset)_(code|pin)|pin_code|pin",
    DataClass.PAYMENT: r"(credit_?|debit_?)?card_?(number|no|num)|(credit|debit)_?card"
    r"|cc_(number|num)"
    r"|pan|primary_account_number|cvv2?|cvc2?|cvv_2|cvc_2|card_(security|verification)_(code|value)"
    r"|card_?holder(_name)?|name_on_card|card_(expiry|expiration)(_(date|month|year))?"
    r"|card_last_?4|card_last_four|(card_)?last_?4(_digits)?|last_four(_digits)?"
    r"|(exp|expiration)_(month|year)_card",
    DataClass.BANK: r"iban|bic|swift_code|bank_account(_number|_no)?|account_iban|routing_number"
    r"|sort_code|bsb_number",
    DataClass.IDENTITY: r"ssn|social_security(_number|_no)?|sin_number"
    r"|national_(id|identity|insurance)(_number|_no)?|passport(_(number|no))?"
    r"|(driver|drivers|driving)_?licen[cs]e(_(number|no))?|identity_(number|card_number)"
    r"|id_card_number|citizen_id|aadhaar(_number)?",
    DataClass.TAX: r"tax_(id|number|identification_number)|vat_(id|number|no)|fiscal_code|tin"
    r"|ein|legal_number",
    DataClass.HEALTH: r"diagnos[ie]s(_code)?|icd_?(9|10|11)?_code|medical_(record|history"
    r"|condition)s?"
    r"(_number)?|mrn|blood_(type|group)|allerg(y|ies)|medications?|prescriptions?|disabilit(y|ies)"
    r"|symptoms?|treatments?|vaccinations?|insurance_number|patient_notes",
    DataClass.SPECIAL: r"ethnicity|race_ethnicity|religion|sexual_orientation|political_(party"
    r"|views)"
    r"|trade_union|union_membership|biometric_\w+|fingerprint_data|genetic_\w+|criminal_record",
    DataClass.BIRTH: r"date_of_birth|dob|birth_?(date|day|year)|place_of_birth|birth_place",
    DataClass.NAME: r"first_?name|last_?name|middle_?name|given_?name|family_?name|sur_?name"
    r"|maiden_name"
    r"|full_?name|legal_first_name|legal_last_name|nick_?name",
    DataClass.CONTACT: r"e_?mails?|mail|email_?(address|addr)(es)?|e_mail_address"
    r"|(home|work|mobile|cell|business|alternate|secondary|backup|paypal|recovery|billing|contact)_"
    r"(e_?mail|phone|mobile)(_(number|no|address))?"
    r"|phone(_?(number|no|num))?s?|mobile(_?(number|phone|no))?|cell(_?phone|_number)?"
    r"|telephone(_?(number|no))?|fax(_?(number|no))?|msisdn",
    DataClass.ADDRESS: r"(home|street|postal|mailing|residential|shipping|billing|delivery"
    r"|permanent"
    r"|ship|bill)_?(address|street|city|state|zip|zip_?code|postcode|postal_?code|country)"
    r"(_?(1|2|3|line_?1|line_?2))?|address_?(line_?)?[123]|address_line_(one|two)|street(_name)?"
    r"|street_?(1|2)|house_number",
    DataClass.LOCATION: r"(current|last|home|user|device|vehicle|pickup|dropoff)_"
    r"(location|latitude|longitude|lat|lng|lon|position)|gps_(coordinates|position|location)"
    r"|geo_?location",
    DataClass.NETWORK: r"ip|ip_?(address|addr)|(remote|client|user|last|created|login|registration"
    r"|current|last_sign_in|current_sign_in|sign_in|last_login|updater|creator|uploader|author"
    r"|host|source|from|to|reporter|comment_author|last_ip)_ip(_?(address|addr))?"
    r"|ip_(v4|v6|v_4|v_6)|user_?agent|mac_address|device_(id|token|fingerprint)|browser_fingerprint"
    r"|imei|imsi|advertising_id|idfa",
    DataClass.INCOME: r"salary|wage|hourly_rate_of_pay|net_worth|annual_income|monthly_income"
    r"|income"
    r"|credit_score",
}
_BY_CONTEXT: dict[DataClass, str] = {  # in what describes a person
    DataClass.NAME: r"name|display_?name|real_?name|user_?nicename|contact_?name|author_?name"
    r"|person_?name"
    r"|customer_?name|employee_?name|patient_?name|initials|legal_name",
    DataClass.ACCOUNT: r"user_?name|login|user_?login|handle|screen_?name|login_name|account_name",
    DataClass.ADDRESS: r"address|addr|zip|zip_?code|post_?code|postal_?code|city|town|suburb",
    DataClass.SPECIAL: r"gender|sex|race|marital_status|nationality|pronouns|citizenship",
    DataClass.LOCATION: r"latitude|longitude|lat|lng|lon|coordinates",
    DataClass.TAX: r"tax_identifier",
    DataClass.CONTACT: r"contact|skype|whatsapp|telegram|im_handle|vcard",
    DataClass.SECRET: r"token|sess_?id|session_?id|salt|user_activation_key",
}
_MESSAGES = re.compile(r"^_(body|content|message|text|subject|comment|note|notes)_$")
_MESSAGE_TABLE = re.compile(
    r"_(direct_messages?|private_messages?|dmails?|chats?|chat_messages?|conversations?|messages?"
    r"|inbox|mail_messages?)_$"
)
_SWITCH = re.compile(  # speaks of the thing, is not the thing
    r"^_(is|has|have|include|show|hide|with|without|need|needs|require|requires|required|use|uses"
    r"|force|allow|enable|enabled|disable|disabled|total|count|num|number_of|min|max|can|should|must"
    r"|send|sent|notify|default|supports?|accepts?|verify|validate|check|no|not|next|prev|previous"
    r"|document|tmp|test)_"
    r"|_(verified|confirmed|enabled|disabled|required|sent|count|counter|at|on|type|kind|status|state"
    r"|flag|format|template|policy|length|valid|visible|hidden|public|opt_in|opt_out|option|options"
    r"|setting|settings|validity|expiry|expires|expiration|strength|attempts?|retries|id|ids|uuid"
    r"|created|updated|changed|date|time|timestamp|score|domain|host|server|port|provider|subject"
    r"|prefix|suffix|name_format|rule|rules|index|order|sort|class|group|level|url|uri|path|file)_$"
)
_DATES = re.compile(r"_(birth|dob|of_birth)_|_birth_?(date|day|year)_")
_ORGANISATION = re.compile(
    r"_(compan(y|ies)|suppliers?|vendors?|shippers?|organi[sz]ations?|orgs?|merchants?|stores?|shops?"
    r"|branch(es)?|warehouses?|publishers?|airports?|banks?|partners?|tenants?|offices?|brands?"
    r"|hotels?|restaurants?|studios?|institutions?|schools?|billing_entit(y|ies)|providers?"
    r"|integrations?|servers?|systems?|sites?|domains?|roles?|permissions?|categor(y|ies)|products?"
    r"|territor(y|ies)|regions?|countr(y|ies)|languages?|plans?|tags?|groups?|teams?|movies?|films?"
    r"|titles?|char|characters?|keywords?|types?|artists?)_$"
)
_PERSON = re.compile(
    r"_(users?|customers?|persons?|people|members?|employees?|patients?|authors?|owners?|profiles?"
    r"|students?|teachers?|clients?|contacts?|drivers?|guests?|subscribers?|citizens?|workers?|buyers?"
    r"|sellers?|passengers?|travell?ers?|doctors?|physicians?|nurses?|staff|players?|participants?"
    r"|attendees?|reviewers?|admins?|administrators?|operators?|agents?|borrowers?|applicants?"
    r"|candidates?|beneficiar(y|ies)|leads?|invites?|invitations?|signups?|identities|identity"
    r"|accounts?|recipients?|addressees?|actors?|residents?|voters?|donors?|followers?)_$"
)
_ADDRESSES = re.compile(r"_(address(es)?|locations_of_people|deliver(y|ies)|shipments?|orders?)_$")
_BESIDE = re.compile(
    r"^_(first_?name|last_?name|given_?name|family_?name|sur_?name|full_?name|birth_?(date|day)"
    r"|date_of_birth|dob|gender|password|password_hash|passwd|user_pass|email_address|home_phone)_$"
)


def _compiled(tokens: dict[DataClass, str]) -> re.Pattern[str]:
    groups = "|".join(f"(?P<{data.name}>{pattern})" for data, pattern in tokens.items())
    return re.compile(rf"^_(?:\w+?_)??(?:{groups})_$")


_NAMED, _IN_CONTEXT = _compiled(_OWN), _compiled(_BY_CONTEXT)
_PREFIX_OK = re.compile(  # what may stand before the word without changing what it is
    r"^_(user|customer|employee|member|owner|author|contact|billing|shipping|delivery|account|admin"
    r"|staff|person|personal|primary|secondary|alternate|home|work|mobile|patient|client|guest|student"
    r"|driver|buyer|seller|sender|recipient|receiver|from|to|reply|comment|comment_author|creator"
    r"|creditor|debtor|payer|payee|holder|applicant|emergency|emergency_contact|spouse|parent|child"
    r"|mother|father|invitee|invited|new|old|current|last|first|unconfirmed|pending|encrypted|hashed"
    r"|bcrypt|public|private|company|business|signup|uploader|updater|reporter|doctor|provider|smtp"
    r"|ftp|db|database|redis|aws|stripe|webhook|github|google|facebook|twitter|slack|oauth|api|app"
    r"|post|forgotten|manager|legal|actor|player|approver|requester|assignee|ban|session|login)_"
)


def classify(
    name: str,
    *,
    around: str = "",
    beside: Collection[str] = (),
    kind: str = "",
) -> Match | None:
    """The class of a column or property, or None.

    `around` is the table or object, `beside` the other names in it, `kind` the type: text, number,
    date, boolean, binary, json, other, or empty where it is not known.
    """
    text = words(name)
    found = _by_name(text)
    if (
        found
        and found.data in _NEEDS_PERSON
        and _is_organisation(around)
        and not _person_beside(beside)
    ):
        found = None
    if found is None:
        found = _by_context(text, words(around), frozenset(beside))
    return found if found and _fits(found, text, kind) else None


@lru_cache(maxsize=50_000)
def _by_name(text: str) -> Match | None:
    if _SWITCH.search(text) and not _DATES.search(text) and not _EXCEPT.search(text):
        return None
    return _matched(_NAMED, text, Confidence.HIGH)


_EXCEPT = re.compile(
    r"_(device_id|advertising_id|tax_id|vat_id|national_id|citizen_id|host_ip|id_card_number"
    r"|card_(expiry|expiration)(_date)?|sess(ion)?_id)_$"
)


def _matched(pattern: re.Pattern[str], text: str, confidence: Confidence) -> Match | None:
    found = pattern.match(text)
    if found is None:
        return None
    data = next(each for each in DataClass if each.name in found.groupdict() and found[each.name])
    before = text[: found.start(data.name)]
    if before != "_" and not _PREFIX_OK.match(before):
        return None
    if data is DataClass.NAME and _OF_FIRM.search(before):
        return None
    return Match(data, confidence, found[data.name])


_OF_FIRM = re.compile(r"_(company|business|legal|api|app|db|database|redis|aws|public|private)_$")


def _by_context(text: str, around: str, beside: frozenset[str]) -> Match | None:
    if _SWITCH.search(text) and not _EXCEPT.search(text):
        return None
    if _MESSAGES.match(text) and _MESSAGE_TABLE.search(around):
        return Match(DataClass.MESSAGE, Confidence.MEDIUM, text.strip("_"))
    found = _matched(_IN_CONTEXT, text, Confidence.MEDIUM)
    if found is None:
        return None
    person = _is_about_person(around, beside)
    match found.data:
        case DataClass.SECRET:
            return found if person or _SECRET_TABLE.search(around) else None
        case DataClass.ADDRESS:
            place = _ADDRESSES.search(around) is not None and len(beside & _ADDRESS_PARTS) >= 2
            return found if person or place else None
        case DataClass.LOCATION:
            return found if person or _MOVES.search(around) else None
    return found if person else None


_SECRET_TABLE = re.compile(
    r"_(sessions?|tokens?|password_resets?|resets?|invites?|invitations?|api_keys?|access_tokens?"
    r"|refresh_tokens?|credentials?|keys?)_$"
)
_ADDRESS_PARTS = frozenset(
    ("address", "address1", "address2", "city", "postal_code", "postalcode", "zip", "zipcode"),
)
_MOVES = re.compile(
    r"_(users?|devices?|vehicles?|trips?|rides?|check_?ins?|ip_geolocations?|positions?)_"
)
_NEEDS_PERSON = frozenset((DataClass.CONTACT, DataClass.ADDRESS, DataClass.TAX))


def _is_organisation(around: str) -> bool:
    return _ORGANISATION.search(words(around)) is not None


def _person_beside(beside: Collection[str]) -> bool:
    return any(_BESIDE.match(words(name)) for name in beside)


def _is_about_person(around: str, beside: Collection[str]) -> bool:
    """Whether a table or object describes a person, by its name or by what is in it."""
    if _ORGANISATION.search(around):
        return _person_beside(beside)
    return _PERSON.search(around) is not None or _person_beside(beside)


_ADDRESS = DataClass.ADDRESS
_TEXT_ONLY = frozenset(DataClass) - {
    DataClass.BIRTH, DataClass.LOCATION, DataClass.INCOME, DataClass.NETWORK, DataClass.PAYMENT,
    DataClass.CONTACT, DataClass.ONE_TIME_CODE, DataClass.IDENTITY, DataClass.TAX,
    DataClass.SECRET, DataClass.ADDRESS, DataClass.HEALTH,
}  # fmt: skip


def _fits(found: Match, text: str, kind: str) -> bool:
    """Whether a value of the type can be what the name says."""
    if kind == "boolean" or (found.token == "tax_id" and kind not in ("text", "")):
        return False
    if kind == "date":
        return found.data in (DataClass.BIRTH, DataClass.PAYMENT)
    if kind == "number":
        if found.data is DataClass.SECRET:
            return text.endswith("_token_")
        return found.data not in _TEXT_ONLY and (found.data, "zip" in text) != (_ADDRESS, False)
    if found.data is DataClass.INCOME and kind == "text":
        return "income" in text or "salary" in text
    return True
