"""Diagrams (Mermaid): data flows with trust zones, ways to sign in with threats, life of tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from .control import Status
from .evaluate import Row
from .facts import Facts, Kind
from .gates import OAUTH, PASSWORDS
from .threats import OF_CONTROL, crosses, implied

MAX_NODES = 80


def diagrams(facts: Facts, rows: Sequence[Row]) -> tuple[dict[str, Any], ...]:
    """Everything that facts can draw."""
    found = [*_flows(facts), *_sign_in(facts, rows), *_recovery(facts, rows), *_oauth(facts, rows)]
    return (*found, *_tokens(facts, rows))


def label(text: object, limit: int = 60) -> str:
    """A text that cannot end a label or begin another statement."""
    plain = re.sub(r"[^\w\s./:,+()→{}*-]", " ", str(text))[:limit]
    return re.sub(r"[{}]", "", " ".join(plain.split())) or "?"


# Data flows


def _flows(facts: Facts) -> Iterator[dict[str, Any]]:
    components = facts.of(Kind.COMPONENT)[:MAX_NODES]
    edges = [(f.value.source, f.value.target, f.value, f.subject) for f in facts.of(Kind.FLOW)]
    edges += [(source, target, None, f"{source} → {target}") for source, target in implied(facts)]
    if not edges:
        return
    names = dict.fromkeys([c.subject for c in components])
    names |= dict.fromkeys(name for source, target, _, _ in edges for name in (source, target))
    ids = {name: f"n{number}" for number, name in enumerate(list(names)[:MAX_NODES])}
    lines = ["flowchart LR"]
    zones: dict[str, list[str]] = {}
    shapes = {c.subject: c.value.kind for c in components}
    for name in ids:
        zone = next((c.value.zone for c in components if c.subject == name), "")
        zones.setdefault(zone, []).append(name)
    for number, (zone, members) in enumerate(zones.items()):
        nodes = [f"{ids[name]}{_shape(name, shapes.get(name, ''))}" for name in members]
        if zone:
            lines += [
                f'  subgraph z{number}["{label(zone)}"]',
                *(f"    {n}" for n in nodes),
                "  end",
            ]
        else:
            lines += [f"  {node}" for node in nodes]
    for source, target, flow, _ in edges:
        if source in ids and target in ids:
            lines.append(f"  {ids[source]} {_edge(facts, flow)} {ids[target]}")
    yield {"kind": "data flow", "title": "Data flows and trust zones", "mermaid": "\n".join(lines)}


def _shape(name: str, kind: str) -> str:
    shown = label(name)
    if kind in ("datastore", "cache", "storage", "logs") or name == "database":
        return f'[("{shown}")]'
    if kind in ("browser", "mobile", "client", "external") or name == "clients":
        return f'(["{shown}"])'
    return f'[["{shown}"]]' if kind == "queue" else f'["{shown}"]'


def _edge(facts: Facts, flow: Any) -> str:
    if flow is None:
        return "-->"
    told = label(" ".join([flow.protocol, *flow.data[:3]]).strip() or "flow", 40)
    plain = flow.tls is False or flow.protocol.lower() in ("http", "ws")
    arrow = "-.->" if plain else "==>" if crosses(facts, flow) else "-->"
    return f'{arrow}|"{told}"|'


# Sign-in


def _sequence(
    title: str, actors: Sequence[str], steps: Sequence[tuple[str, str, str, tuple[str, ...]]],
    rows: Sequence[Row],
) -> dict[str, Any]:  # fmt: skip
    """A sequence diagram; each step is from, to, what, and the controls that guard it."""
    lines = ["sequenceDiagram", "  autonumber"]
    lines += [f"  participant {actor}" for actor in actors]
    legs = []
    for number, (source, target, what, guards) in enumerate(steps, 1):
        arrow = "->>" if actors.index(source) <= actors.index(target) else "-->>"
        lines.append(f"  {source}{arrow}{target}: {label(what, 90)}")
        legs += [{"leg": number, **threat} for threat in _threats(guards, rows)]
    return {"kind": "sequence", "title": title, "mermaid": "\n".join(lines), "legs": legs}


def _threats(guards: tuple[str, ...], rows: Sequence[Row]) -> Iterator[dict[str, str]]:
    for guard in guards:
        mine = [row for row in rows if row.control.id == guard]
        open_ = [row for row in mine if row.status is not Status.MET]
        kind = OF_CONTROL.get(guard)
        for row in open_[:1] or mine[:1]:
            threat = kind.threat if kind else row.control.title
            yield {"threat": threat, "control": row.id, "status": row.status.value}


def _first(facts: Facts, purpose: str) -> str:
    fact = next((f for f in facts.of(Kind.PURPOSE) if f.value == purpose), None)
    return fact.subject if fact else ""


def _sign_in(facts: Facts, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    applies, _ = PASSWORDS.state(facts)
    login = _first(facts, "log in")
    if not applies or not login:
        return
    factor = facts.said("authentication.mfa.required_for")
    steps = [
        (
            "Client", "API", f"{login} with password",
            ("attempts-limited", "user-enumeration", "tls-outside"),
        ),
        ("API", "Store", "read the hash of the account", ("injection", "password-storage")),
    ]  # fmt: skip
    if factor and factor.value != "nobody":
        steps += [
            ("API", "Client", "ask for the second factor", ("multi-factor",)),
            ("Client", "API", "second factor", ("one-time-code-entropy",)),
        ]
    steps += [
        ("API", "Client", "token or session", ("token-claims", "token-algorithm", "cookie-prefix")),
        (
            "Client",
            "API",
            "call with the token",
            ("authentication-required", "object-authorization"),
        ),
        ("API", "Client", "answer", ("excessive-data",)),
    ]
    yield _sequence("Sign-in with a password", ("Client", "API", "Store"), steps, rows)


def _recovery(facts: Facts, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    start, check = _first(facts, "start a recovery"), _first(facts, "check a one-time code")
    if not start:
        return
    steps = [
        ("Person", "API", start, ("user-enumeration", "attempts-limited")),
        ("API", "Mail", "link or code", ("recovery-short-lived",)),
        ("Mail", "Person", "link or code", ("codes-not-by-phone",)),
        ("Person", "API", check or "the code and a new password",
         ("one-time-code-entropy", "one-pathway", "codes-single-use")),
        ("API", "Person", "changed", ("session-ends-with-password", "credential-changes-notified")),
    ]  # fmt: skip
    actors = ("Person", "API", "Mail")
    yield _sequence("Recovery of an account", actors, steps, rows)


def _oauth(facts: Facts, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    applies, _ = OAUTH.state(facts)
    flows = {f.value.get("flow") for f in facts.of(Kind.SCHEME) if f.value.get("flow")}
    said = facts.said("authentication.oauth.flows")
    flows |= set(said.value) if said else set()
    if not applies:
        return
    if flows & {"authorization_code", "access_code"}:
        yield _sequence("OAuth: authorization code", ("Browser", "Client", "Issuer", "API"), [
            ("Browser", "Client", "sign in", ()),
            ("Client", "Issuer", "request with code_challenge and state",
             ("oauth-pkce", "oauth-state")),
            ("Issuer", "Browser", "code to the registered address",
             ("oauth-redirects", "oauth-code-short-lived", "oauth-mix-up")),
            ("Browser", "Client", "code", ("oauth-code-once",)),
            ("Client", "Issuer", "code and code_verifier",
             ("oauth-client-authentication", "oauth-endpoints-over-tls")),
            ("Issuer", "Client", "tokens", ("oauth-tokens-in-backend", "refresh-tokens")),
            ("Client", "API", "call with the access token",
             ("token-audience", "token-algorithm", "oauth-scopes-used")),
        ], rows)  # fmt: skip
    if flows & {"client_credentials", "application"}:
        yield _sequence("OAuth: client credentials", ("Service", "Issuer", "API"), [
            ("Service", "Issuer", "own credential",
             ("oauth-client-authentication", "secrets-store")),
            ("Issuer", "Service", "access token", ("token-claims",)),
            ("Service", "API", "call with the access token",
             ("token-audience", "oauth-scopes-used")),
        ], rows)  # fmt: skip


def _tokens(facts: Facts, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """The life of a token, with the times that are declared."""
    section = [f for f in facts.of(Kind.SAID) if f.subject.startswith("authentication.tokens.")]
    bearer = any(f.value.get("scheme") == "bearer" for f in facts.of(Kind.SCHEME))
    if not section and not bearer and not facts.of(Kind.TOKEN):
        return

    def told(field: str, unit: str) -> str:
        fact = facts.said(f"authentication.tokens.{field}")
        return f"{fact.value} {unit}" if fact else f"{unit} unknown"

    lines = [
        "stateDiagram-v2",
        "  [*] --> Issued: sign-in",
        "  Issued --> Active: verified in each call",
        f"  Active --> Expired: after {told('access_minutes', 'minutes')}",
        f"  Expired --> Active: refresh, within {told('refresh_days', 'days')}",
        "  Active --> Revoked: sign-out, password change, incident",
        "  Expired --> [*]",
        "  Revoked --> [*]",
    ]
    guards = ("token-claims", "refresh-tokens", "token-revocation", "logout")
    legs = [{"leg": 0, **threat} for threat in _threats(guards, rows)]
    mermaid = "\n".join(lines)
    yield {"kind": "life cycle", "title": "Life of a token", "mermaid": mermaid, "legs": legs}
