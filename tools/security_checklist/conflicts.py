"""Where regimes contradict each other: what each asks, whom it binds, what satisfies all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .facts import Facts
from .gates import PASSWORDS

PCI, GDPR, HIPAA = "pci_dss", "gdpr", "hipaa"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Rules of several standards on one thing; `holds` judges the description, None if unsaid."""

    id: str
    topic: str
    regimes: tuple[str, ...]  # that must bind for the conflict to exist
    rules: tuple[tuple[str, str, str], ...]  # standard and number, what it asks, whom it binds
    combination: str
    holds: Callable[[Facts], bool | None]


def _value(facts: Facts, path: str) -> Any:
    fact = facts.said(path)
    return fact.value if fact else None


_WHO_PCI = "accounts with access to cardholder data; not those of consumers"
_WHO_ALL = "all who choose passwords here"
_MFA = "authentication.mfa.required_for"


def _length(facts: Facts) -> bool | None:
    least = _value(facts, "authentication.passwords.min_length")
    if least is None:
        return None
    everybody = _value(facts, _MFA) == "everybody"
    return bool(least >= (8 if everybody else 15))


def _length_pci(facts: Facts) -> bool | None:
    least = _value(facts, "authentication.passwords.min_length")
    if least is None:
        return None
    return bool(least >= (12 if _value(facts, _MFA) == "everybody" else 15))


def _composition(facts: Facts) -> bool | None:
    rules = _value(facts, "authentication.passwords.composition_rules")
    checked = _value(facts, "authentication.passwords.breached_check")
    return None if rules is None or checked is None else bool(checked)


def _rotation(facts: Facts) -> bool | None:
    days, factor = _value(facts, "authentication.passwords.rotation_days"), _value(facts, _MFA)
    if days is None or factor is None:
        return None
    return bool(days == 0 and factor == "everybody")


def _attempts(facts: Facts) -> bool | None:
    attempts = _value(facts, "authentication.passwords.attempts_per_hour")
    return None if attempts is None else 0 < attempts <= 10


def _idle(facts: Facts) -> bool | None:
    minutes = _value(facts, "authentication.sessions.idle_minutes")
    return None if minutes is None else 0 < minutes <= 15


def _logs(facts: Facts) -> bool | None:
    days, clean = _value(facts, "logging.retention_days"), _value(facts, "logging.redacts")
    return None if days is None or clean is None else bool(days >= 365 and clean)


CONFLICTS = (
    Conflict(
        "password-length",
        "length of passwords",
        (),
        (
            ("ASVS 5.0.0 V6.2.1", "8 characters at least", _WHO_ALL),
            (
                "NIST SP 800-63B-4 3.1.1.2",
                "15 where the password is the only factor, 8 beside another",
                "US federal systems, and who follows it",
            ),
        ),
        "15 characters; 8 are enough where a second factor is required of everybody",
        _length,
    ),
    Conflict(
        "password-length-pci",
        "length of passwords under PCI DSS",
        (PCI,),
        (
            ("PCI DSS 4.0.1 8.3.6", "12 characters at least", _WHO_PCI),
            ("NIST SP 800-63B-4 3.1.1.2", "15 for a single factor, 8 beside another", _WHO_ALL),
            ("ASVS 5.0.0 V6.2.1", "8 characters at least", _WHO_ALL),
        ),
        "15 characters satisfy all three; with a second factor for everybody, 12",
        _length_pci,
    ),
    Conflict(
        "password-composition",
        "composition of passwords",
        (PCI,),
        (
            ("PCI DSS 4.0.1 8.3.6", "letters and digits", _WHO_PCI),
            ("ASVS 5.0.0 V6.2.5", "no rules on kinds of characters", _WHO_ALL),
            ("NIST SP 800-63B-4 3.1.1.2", "no composition rules", _WHO_ALL),
        ),
        "Ask for letters and digits only of the accounts that PCI DSS binds, and tell the"
        " assessor; or"
        " let these sign in with passkeys, where 8.3.6 does not apply. Everybody: long passwords,"
        " compared with leaked ones, no composition",
        _composition,
    ),
    Conflict(
        "password-rotation",
        "change of passwords by calendar",
        (PCI,),
        (
            (
                "PCI DSS 4.0.1 8.3.9",
                "every 90 days, or the account's posture is analysed, where the password is the"
                " only factor",
                _WHO_PCI,
            ),
            ("ASVS 5.0.0 V6.2.10", "no periodic change", _WHO_ALL),
            ("NIST SP 800-63B-4 3.1.1.2", "no periodic change", _WHO_ALL),
        ),
        "Require a second factor: then 8.3.9 does not apply, and nobody changes by calendar",
        _rotation,
    ),
    Conflict(
        "attempts",
        "attempts before an account is locked",
        (PCI,),
        (
            ("PCI DSS 4.0.1 8.3.4", "lock after at most 10, for 30 minutes at least", _WHO_PCI),
            ("NIST SP 800-63B-4 3.2.2", "no more than 100 failures in a row", _WHO_ALL),
            ("ASVS 5.0.0 V6.1.1", "lock-out that others cannot abuse", _WHO_ALL),
        ),
        "10 attempts for an account and an address together, then 30 minutes; devices that"
        " signed in"
        " before are counted apart, so that strangers cannot lock people out",
        _attempts,
    ),
    Conflict(
        "session-idle",
        "time without use before a session ends",
        (PCI,),
        (
            ("PCI DSS 4.0.1 8.2.8", "15 minutes", _WHO_PCI),
            ("ASVS 5.0.0 V7.3.1", "a time that the risk decides", _WHO_ALL),
        ),
        "15 minutes for the accounts that PCI DSS binds; a longer time for others, written with its"
        " reason",
        _idle,
    ),
    Conflict(
        "log-retention",
        "how long logs are kept",
        (PCI, GDPR),
        (
            (
                "PCI DSS 4.0.1 10.5.1",
                "12 months, 3 of them at hand",
                "systems with cardholder data",
            ),
            ("GDPR Article 5(1)(e)", "personal data no longer than needed", "who processes it"),
        ),
        "Keep 12 months of logs without personal data, or with pseudonyms whose key is erased"
        " earlier",
        _logs,
    ),
    Conflict(
        "erasure-and-records",
        "erasure of people's data",
        (HIPAA, GDPR),
        (
            ("GDPR Article 17", "erasure on request", "who processes data of people in the EU"),
            (
                "45 CFR 164.316(b)(2)(i)",
                "documentation of the security measures for 6 years",
                "covered entities and business associates",
            ),
        ),
        "Keep records of measures and decisions for 6 years without the person's data; erase the"
        " data"
        " itself where no law asks to keep it (Article 17(3))",
        lambda facts: None,
    ),
)


def conflicts(facts: Facts) -> Iterator[dict[str, Any]]:
    """The conflicts that exist where these regimes bind, with what the description says of them."""
    bound = _value(facts, "compliance") or []
    applies, _ = PASSWORDS.state(facts)
    for each in CONFLICTS:
        if not set(each.regimes) <= set(bound):
            continue
        about_passwords = each.id.startswith(("password", "attempts"))
        if about_passwords and not applies:
            continue
        if each.id == "password-length" and PCI in bound:
            continue  # the one under PCI DSS says more
        holds = each.holds(facts)
        yield {
            "id": each.id,
            "topic": each.topic,
            "rules": [
                {"standard": standard, "asks": asks, "binds": binds}
                for standard, asks, binds in each.rules
            ],
            "combination": each.combination,
            "status": {True: "met", False: "not_met", None: "unknown"}[holds],
        }
