"""What decides whether controls apply: passwords there are none of need no rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .facts import SYSTEM, Artefact, Basis, Fact, Facts, Kind

Seen = Callable[[Facts], Fact | None]


@dataclass(frozen=True, slots=True)
class Gate:
    """A trait of the system on which controls depend.

    `seen` finds what shows it; `missing` finds what shows that it is not there.
    """

    id: str
    question: str
    seen: Seen
    missing: Seen = lambda facts: None

    def state(self, facts: Facts) -> tuple[bool | None, Fact | None]:
        """Whether the trait is there (None: not known), and the fact that says so."""
        if found := self.seen(facts):
            return True, found
        answer = facts.answer(self.id)
        if answer is not None:
            return answer.value != "no", answer
        found = self.missing(facts)
        return (False, found) if found else (None, None)


def _method(*names: str) -> Seen:
    def seen(facts: Facts) -> Fact | None:
        said = facts.said("authentication.methods")
        return said if said and set(names) & set(said.value) else None

    return seen


def _no_method(*names: str) -> Seen:
    def missing(facts: Facts) -> Fact | None:
        said = facts.said("authentication.methods")
        if said is None or set(names) & set(said.value):
            return None
        return _told(said, f"`authentication.methods` names no {' or '.join(names[:2])}")

    return missing


def _told(fact: Fact, note: str) -> Fact:
    return Fact(fact.kind, fact.subject, fact.value, fact.basis, fact.at, note)


def _kind(*kinds: Kind, where: Callable[[Any], bool] = lambda value: True) -> Seen:
    def seen(facts: Facts) -> Fact | None:
        return next((fact for fact in facts.of(*kinds) if where(fact.value)), None)

    return seen


def _any(*seen: Seen) -> Seen:
    return lambda facts: next((fact for each in seen if (fact := each(facts))), None)


def _absent(artefact: Artefact, note: str) -> Seen:
    """Absence, where the artefact is complete and the description does not contradict."""

    def missing(facts: Facts) -> Fact | None:
        if artefact not in facts.artefacts:
            return None
        return Fact(Kind.SAID, SYSTEM, False, Basis.DERIVED, None, note)

    return missing


def _said(path: str, *values: Any) -> Seen:
    def seen(facts: Facts) -> Fact | None:
        fact = facts.said(path)
        return fact if fact and (fact.value in values if values else fact.value) else None

    return seen


def _section(path: str) -> Seen:
    """Anything said below a field of the description."""

    def seen(facts: Facts) -> Fact | None:
        return next((f for f in facts.of(Kind.SAID) if f.subject.startswith(path + ".")), None)

    return seen


def _regime(name: str) -> Gate:
    def seen(facts: Facts) -> Fact | None:
        fact = facts.said("compliance")
        return fact if fact and name in fact.value else None

    def missing(facts: Facts) -> Fact | None:
        fact = facts.said("compliance")
        return _told(fact, f"`compliance` does not name {name}") if fact else None

    return Gate(
        f"regime-{name.replace('_', '-')}", f"Is the system bound by {name}?", seen, missing
    )


_PEOPLE = {
    "contact data",
    "personal data",
    "identity document",
    "health data",
    "location",
    "payment data",
}
_SCHEME = Kind.SCHEME
PASSWORDS = Gate(
    "has-passwords",
    "Do people sign in with passwords that this system keeps?",
    _any(
        _kind(Kind.NEW_PASSWORD),
        _kind(Kind.RECEIVES, Kind.COLUMN, where=lambda held: held.sense == "password"),
        _method("password"),
        _section("authentication.passwords"),
    ),
    _no_method("password", "basic"),
)
CODES = Gate(
    "has-one-time-codes",
    "Are there one-time codes (by message, app, list)?",
    _any(
        _kind(Kind.CODE),
        _kind(Kind.PURPOSE, where=lambda purpose: purpose == "check a one-time code"),
        _method("one_time_code"),
        _section("authentication.one_time_codes"),
    ),
    _no_method("one_time_code", "magic_link"),
)
RECOVERY = Gate(
    "has-recovery",
    "Can people recover an account by themselves?",
    _any(
        _kind(Kind.PURPOSE, where=lambda purpose: purpose == "start a recovery"),
        _section("authentication.recovery"),
    ),
    _no_method("password", "one_time_code"),
)
USERS = Gate(
    "has-users",
    "Do people sign in (not programs alone)?",
    _any(
        _kind(Kind.PURPOSE, where=lambda purpose: purpose in ("log in", "register")),
        _kind(Kind.NEW_PASSWORD),
        _section("authentication.sessions"),
        _method("password", "oidc", "saml", "passkey", "session_cookie", "magic_link"),
    ),
    _no_method("password", "oidc", "saml", "passkey", "session_cookie", "magic_link", "oauth"),
)
COOKIES = Gate(
    "has-cookie-sessions",
    "Do browsers carry the session in a cookie?",
    _any(
        _kind(_SCHEME, where=lambda scheme: scheme.get("in") == "cookie"),
        _method("session_cookie"),
    ),
    _any(
        _no_method("session_cookie"),
        lambda facts: (
            Fact(Kind.SAID, SYSTEM, False, Basis.DERIVED, None, "no security scheme is a cookie")
            if facts.of(_SCHEME)
            else None
        ),
    ),
)
TOKENS = Gate(
    "has-self-contained-tokens",
    "Are there tokens with claims inside (JWT)?",
    _any(
        _kind(Kind.TOKEN),
        _kind(_SCHEME, where=lambda scheme: scheme.get("bearerFormat") == "jwt"),
        _kind(_SCHEME, where=lambda scheme: scheme.get("type") == "openidconnect"),
        _said("authentication.tokens.kind", "jwt"),
        _method("oidc"),
    ),
    _any(
        _said("authentication.tokens.kind", "opaque"),
        _no_method("bearer_token", "oauth", "oidc"),
    ),
)
BEARER = Gate(
    "has-bearer-tokens",
    "Do callers send a bearer token?",
    _any(
        _kind(_SCHEME, where=lambda scheme: scheme.get("scheme") == "bearer"),
        _kind(_SCHEME, where=lambda scheme: scheme.get("type") in ("oauth2", "openidconnect")),
        _method("bearer_token", "oauth", "oidc"),
        _section("authentication.tokens"),
    ),
    _no_method("bearer_token", "oauth", "oidc"),
)
OAUTH = Gate(
    "has-oauth",
    "Is OAuth 2 or OpenID Connect used?",
    _any(
        _kind(_SCHEME, where=lambda scheme: scheme.get("type") in ("oauth2", "openidconnect")),
        _method("oauth", "oidc"),
        _section("authentication.oauth"),
    ),
    _any(
        _no_method("oauth", "oidc"),
        lambda facts: (
            Fact(Kind.SAID, SYSTEM, False, Basis.DERIVED, None, "no security scheme is OAuth")
            if facts.of(_SCHEME)
            else None
        ),
    ),
)
FEDERATION = Gate(
    "has-federation",
    "Do people sign in through another identity provider?",
    _method("oidc", "saml"),
    _no_method("oidc", "saml"),
)
API_KEYS = Gate(
    "has-api-keys",
    "Do callers send static keys?",
    _any(
        _kind(
            _SCHEME,
            where=lambda scheme: scheme.get("type") == "apikey" and scheme.get("in") != "cookie",
        ),
        _method("api_key"),
        _section("authentication.api_keys"),
    ),
    _any(
        _no_method("api_key"),
        lambda facts: (
            Fact(Kind.SAID, SYSTEM, False, Basis.DERIVED, None, "no security scheme is an API key")
            if facts.of(_SCHEME)
            else None
        ),
    ),
)
TENANTS = Gate(
    "has-tenants",
    "Do several customers share the system, who must not see each other's data?",
    _any(
        _said("tenancy.kind", "shared", "schema", "database"),
        _kind(Kind.TENANT, where=bool),
    ),
    _said("tenancy.kind", "none"),
)
UPLOADS = Gate(
    "has-uploads",
    "Do clients send files?",
    _kind(Kind.UPLOAD),
    _absent(Artefact.API, "no operation of the document takes a file"),
)
WEBHOOKS = Gate(
    "has-webhooks",
    "Does the system call addresses that its clients register?",
    _kind(Kind.WEBHOOK),
    _absent(Artefact.API, "the document has no webhook and no callback"),
)
OUTBOUND = Gate(
    "has-outbound-requests",
    "Does the system call addresses that requests name?",
    _kind(Kind.URL_INPUT, Kind.WEBHOOK),
    _absent(Artefact.API, "no request of the document carries an address"),
)
BROWSERS = Gate(
    "has-browsers",
    "Do browsers call this system?",
    _any(
        _kind(Kind.COMPONENT, where=lambda component: component.kind == "browser"),
        _said("kind", "web_application"),
        _kind(_SCHEME, where=lambda scheme: scheme.get("in") == "cookie"),
        _kind(Kind.CORS),
    ),
    _said("kind", "service", "data_pipeline"),
)
DATABASES = Gate(
    "has-database",
    "Does the system keep data in a database?",
    _any(
        _kind(Kind.TABLE),
        _said("stack.datastores"),
        _kind(Kind.COMPONENT, where=lambda component: component.kind == "datastore"),
        _section("database"),
    ),
)
SERVICES = Gate(
    "has-internal-services",
    "Do several services of the system talk to each other?",
    _kind(Kind.FLOW),
)
THIRD_PARTIES = Gate(
    "has-third-parties",
    "Does the system call APIs of others?",
    _any(
        _kind(Kind.COMPONENT, where=lambda component: component.kind == "external"),
        _said("dependencies.third_party_validated"),
    ),
    lambda facts: (
        Fact(Kind.SAID, SYSTEM, False, Basis.DERIVED, None, "no component is external")
        if facts.of(Kind.COMPONENT)
        else None
    ),
)
GRAPHQL = Gate(
    "has-graphql",
    "Is there a GraphQL endpoint?",
    _any(_kind(Kind.GRAPHQL), lambda facts: _graphql_path(facts)),
    _absent(Artefact.API, "no operation of the document is a GraphQL endpoint"),
)
PERSONAL = Gate(
    "has-personal-data",
    "Does the system hold data about people?",
    _any(
        _kind(Kind.RETURNS, Kind.RECEIVES, Kind.COLUMN, where=lambda held: held.sense in _PEOPLE),
        _kind(Kind.DATA, where=lambda data: data.sensitivity in ("personal", "special", "health")),
    ),
)
PCI = _regime("pci_dss")
GDPR = _regime("gdpr")
HIPAA = _regime("hipaa")
SOC2 = _regime("soc2")


def _graphql_path(facts: Facts) -> Fact | None:
    return next((fact for fact, call in facts.calls() if call.path.endswith("/graphql")), None)


GATES = tuple(value for value in dict(globals()).values() if isinstance(value, Gate))
