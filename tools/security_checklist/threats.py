"""Threats (STRIDE) on flows that cross a boundary, each with the fact behind it and its control."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..report import clean
from .control import Status
from .evaluate import Row
from .facts import Artefact, Facts, Kind
from .risk import SENSITIVITIES

OUTSIDE = "clients → API"
TO_DATABASE = "API → database"


class _Kind(NamedTuple):
    stride: str
    threat: str
    flow: str = OUTSIDE


_S, _T, _R = "Spoofing", "Tampering", "Repudiation"
_I, _D, _E = "Information disclosure", "Denial of service", "Elevation of privilege"

OF_CONTROL: dict[str, _Kind] = {
    "object-authorization": _Kind(_I, "A user names another's object and gets it"),
    "subject-from-credential": _Kind(_S, "A user acts for another by naming them"),
    "function-authorization": _Kind(_E, "An ordinary user administers"),
    "operation-outliers": _Kind(_E, "A caller uses the operation that asks for less"),
    "authorization-matrix": _Kind(_E, "A role calls what no rule mentions"),
    "privileged-fields-not-writable": _Kind(_E, "A client sets what only the server decides"),
    "mass-assignment": _Kind(_T, "A client sends undeclared fields that are stored"),
    "amounts-bounded": _Kind(_T, "A client sends a negative amount"),
    "excessive-data": _Kind(_I, "Readers collect fields that they do not need"),
    "personal-data-needs-credential": _Kind(_I, "Anyone copies the data of people"),
    "authentication-required": _Kind(_S, "Anyone calls without a credential"),
    "credential-change-proof": _Kind(_S, "A stolen session becomes an account for good"),
    "one-time-code-entropy": _Kind(_S, "Codes are tried until one is right"),
    "attempts-limited": _Kind(_S, "Leaked passwords are tried by the million"),
    "user-enumeration": _Kind(_I, "Answers tell who has an account"),
    "one-pathway": _Kind(_S, "The version with the weaker checks is used"),
    "credentials-by-basic": _Kind(_S, "The password travels with every call"),
    "token-algorithm": _Kind(_S, "A token is forged"),
    "token-claims": _Kind(_S, "A stolen token is used for long"),
    "oauth-flows": _Kind(_S, "Tokens leak by a retired flow"),
    "logout": _Kind(_S, "A session outlives its sign-out"),
    "cookie-prefix": _Kind(_S, "A cookie is planted by a neighbour host"),
    "csrf": _Kind(_T, "A foreign page acts for a visitor"),
    "injection": _Kind(_T, "A value becomes part of a query", TO_DATABASE),
    "command-injection": _Kind(_E, "A value becomes part of a command"),
    "regular-expression-cost": _Kind(_D, "A text keeps a pattern busy"),
    "file-names-from-clients": _Kind(_I, "A path leads out of its folder"),
    "upload-size": _Kind(_D, "Uploads fill memory and disks"),
    "upload-type": _Kind(_T, "A file runs in another's browser"),
    "redirect-targets": _Kind(_S, "A link of ours leads elsewhere"),
    "xml-entities": _Kind(_I, "An entity reads files"),
    "serialised-objects": _Kind(_E, "An object runs code when it is read"),
    "forwarded-headers": _Kind(_S, "A client sends the header that a proxy sets"),
    "outbound-targets": _Kind(_I, "The server is sent to addresses inside"),
    "webhooks-signed": _Kind(_S, "Anyone posts to the receiver of a webhook"),
    "amplification": _Kind(_D, "One request makes thousands"),
    "costly-operations": _Kind(_D, "Costly operations are started in a loop"),
    "business-flows": _Kind(_T, "A flow is repeated faster than it is counted"),
    "page-size": _Kind(_D, "A page of everything is asked for"),
    "technical-operations": _Kind(_I, "Anyone reads what is for operators"),
    "state-changing-get": _Kind(_T, "A link changes data"),
    "error-details": _Kind(_I, "Errors show the inside"),
    "cross-origin": _Kind(_I, "A foreign page reads answers"),
    "secrets-in-urls": _Kind(_I, "Logs and histories keep secrets"),
    "tls-outside": _Kind(_I, "Traffic is read on its way"),
    "password-storage": _Kind(_I, "A stolen table gives passwords away", TO_DATABASE),
    "secrets-at-rest": _Kind(_S, "A stolen table gives sessions away", TO_DATABASE),
    "tokens-random": _Kind(_S, "Tokens are guessed", TO_DATABASE),
    "sensitive-columns-encrypted": _Kind(_I, "A copy of the database is read", TO_DATABASE),
    "card-verification-not-kept": _Kind(_I, "Cards are used by who reads the table", TO_DATABASE),
    "rows-have-owners": _Kind(_I, "Rows of others cannot be told apart", TO_DATABASE),
    "row-security": _Kind(_I, "A query without its condition shows all rows", TO_DATABASE),
    "rights-of-everybody": _Kind(_E, "Any role of the server reads or writes", TO_DATABASE),
    "application-rights": _Kind(_E, "An injection has the owner's rights", TO_DATABASE),
    "default-accounts-in-scripts": _Kind(_S, "A planted account is used"),
    "dynamic-sql": _Kind(_T, "A value becomes part of a statement", TO_DATABASE),
    "definer-search-path": _Kind(
        _E, "An object in front is run with the owner's rights", TO_DATABASE
    ),
    "tenant-key": _Kind(_I, "A tenant sees another's rows", TO_DATABASE),
    "tenant-from-credential": _Kind(_I, "A caller names another tenant"),
    "audit-complete": _Kind(_R, "Nobody can show who did it", TO_DATABASE),
    "audit-without-secrets": _Kind(_I, "Records hold secrets", TO_DATABASE),
    "audit-protected": _Kind(_R, "Records are changed by who made them", TO_DATABASE),
}


def threats(facts: Facts, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The threats that facts support, worst first."""
    found = [*_of_rows(facts, rows), *_of_flows(facts, rows)]
    found.sort(key=lambda each: (-each["risk"], each["control"], each["flow"]))
    return [{"id": f"T{number}", **each} for number, each in enumerate(found, 1)]


def _of_rows(facts: Facts, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    boundary = _boundaries(facts)
    for row in rows:
        kind = OF_CONTROL.get(row.control.id)
        if kind is None or row.status is Status.MET or row.worst.signal < 2:
            continue
        yield _threat(boundary.get(kind.flow, kind.flow), kind.stride, kind.threat, row)


def _boundaries(facts: Facts) -> dict[str, str]:
    """The described flows that stand for those that artefacts imply."""
    kinds = {fact.subject: fact.value.kind for fact in facts.of(Kind.COMPONENT)}
    found: dict[str, str] = {}
    for fact in facts.of(Kind.FLOW):
        source, target = kinds.get(fact.value.source), kinds.get(fact.value.target)
        if source in ("browser", "mobile", "client", "external") and target in (
            "service",
            "gateway",
        ):
            found.setdefault(OUTSIDE, fact.subject)
        if source in ("service", "worker") and target == "datastore":
            found.setdefault(TO_DATABASE, fact.subject)
    return found


def _threat(flow: str, stride: str, threat: str, row: Row, subject: str = "") -> dict[str, Any]:
    verdict = next((v for v in row.verdicts if v.subject == subject), row.worst)
    return {
        "flow": flow,
        "stride": stride,
        "threat": threat,
        "because": clean(verdict.why, 300),
        "subject": verdict.subject,
        "control": row.id,
        "status": verdict.status.value,
        "risk": row.risk.score,
    }


_OF_FLOW: dict[str, tuple[tuple[str, str], ...]] = {
    "tls-inside": ((_I, "Traffic is read on its way"), (_T, "Traffic is changed on its way")),
    "certificates-checked": ((_S, "Another host answers in its place"),),
    "service-identity": ((_S, "Anything inside calls as this service"),),
}


def _of_flows(facts: Facts, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    crossing = {fact.subject for fact in facts.of(Kind.FLOW) if crosses(facts, fact.value)}
    for row in rows:
        for stride, threat in _OF_FLOW.get(row.control.id, ()):
            for verdict in row.verdicts:
                if verdict.status is not Status.MET and verdict.subject in crossing:
                    yield _threat(verdict.subject, stride, threat, row, verdict.subject)
    yield from _to_others(facts, crossing)


def _to_others(facts: Facts, crossing: set[str]) -> Iterator[dict[str, Any]]:
    """Sensitive data that leaves the house."""
    kinds = {fact.subject: fact.value.kind for fact in facts.of(Kind.COMPONENT)}
    classes = {fact.subject: fact.value.sensitivity for fact in facts.of(Kind.DATA)}
    for fact in facts.of(Kind.FLOW):
        carried = [
            name for name in fact.value.data if SENSITIVITIES.get(classes.get(name, ""), 0) > 2
        ]
        if fact.subject in crossing and kinds.get(fact.value.target) == "external" and carried:
            yield {
                "flow": fact.subject,
                "stride": _I,
                "threat": "A third party holds more than it needs",
                "because": f"{', '.join(carried)} go to `{fact.value.target}`",
                "subject": fact.subject,
                "control": "data-to-others",
                "status": "unknown",
                "risk": 54,
            }


def crosses(facts: Facts, flow: Any) -> bool:
    """Whether a flow leads from one trust zone to another; zones that are not said count as own."""
    zones = {fact.subject: fact.value.zone or fact.subject for fact in facts.of(Kind.COMPONENT)}
    return bool(zones.get(flow.source, flow.source) != zones.get(flow.target, flow.target))


def implied(facts: Facts) -> Iterator[tuple[str, str]]:
    """The flows that artefacts imply where none is described: source and target."""
    if facts.of(Kind.FLOW):
        return
    if Artefact.API in facts.artefacts:
        yield "clients", "API"
    if {Artefact.API, Artefact.SCHEMA} <= facts.artefacts:
        yield "API", "database"
