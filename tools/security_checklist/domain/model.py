"""The description of a system that `security_checklist` takes: who signs in how, what flows where.

Every field is optional: what is left out is unknown, and asked. What is said is a declaration; a
control that rests on it is met as declared, never as verified.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_PARTS: Final = 300
Name = Annotated[str, Field(min_length=1, max_length=80)]
Text = Annotated[str, Field(max_length=500)]
Names = Annotated[list[Name], Field(max_length=MAX_PARTS)]
Days = Annotated[int, Field(ge=0, le=36_500)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Said = bool | None

Method = Literal[
    "password",
    "one_time_code",
    "magic_link",
    "passkey",
    "oauth",
    "oidc",
    "saml",
    "session_cookie",
    "bearer_token",
    "api_key",
    "basic",
    "mtls",
]
Sensitivity = Literal["public", "internal", "personal", "special", "secret", "payment", "health"]
Regime = Literal["pci_dss", "gdpr", "hipaa", "soc2"]


class Part(BaseModel):
    """What all parts have in common: unknown fields are errors, values are not converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Passwords(Part):
    """Rules on passwords that people choose."""

    min_length: Count | None = None
    max_length: Count | None = Field(None, description="Longest that is accepted")
    composition_rules: Said = Field(None, description="Letters, digits, symbols are demanded")
    rotation_days: Days | None = Field(None, description="0: no forced change")
    breached_check: Said = Field(None, description="Compared with leaked and common passwords")
    context_words: Said = Field(None, description="Words such as the product's name are refused")
    stored_as: Literal["argon2id", "bcrypt", "scrypt", "pbkdf2", "fast_hash", "plain"] | None = None
    change_needs_current: Said = None
    attempts_per_hour: Count | None = Field(None, description="For one account; 0: no limit")
    same_answer: Said = Field(None, description="Unknown user and wrong password answer alike")
    defaults_removed: Said = Field(None, description="No default accounts such as admin")


class OneTimeCodes(Part):
    """Codes by message, app or list."""

    length: Count | None = None
    alphabet: Literal["digits", "alphanumeric"] | None = None
    attempts: Count | None = Field(None, description="Before a code is void; 0: no limit")
    lifetime_seconds: Count | None = None
    single_use: Said = None
    channel: Literal["app", "sms", "email", "voice", "push", "list"] | None = None
    stored_hashed: Said = Field(None, description="Recovery codes and seeds are not in clear")


class Mfa(Part):
    """A second factor."""

    required_for: Literal["nobody", "administrators", "everybody"] | None = None
    phishing_resistant: Said = Field(None, description="Passkeys or certificates")
    kept_on_recovery: Said = Field(None, description="Recovery does not pass it by")


class Recovery(Part):
    """How an account is recovered."""

    secret_questions: Said = None
    link_lifetime_minutes: Count | None = None
    single_use: Said = None
    notifies: Said = Field(None, description="The owner is told of a change")
    initial_secret_random: Said = Field(
        None, description="First passwords are random, expire, and are changed"
    )


class Sessions(Part):
    """Sessions of users, however they are kept."""

    idle_minutes: Count | None = Field(None, description="0: never ends")
    absolute_hours: Count | None = Field(None, description="0: never ends")
    token_bits: Count | None = Field(None, description="Of randomness")
    new_at_login: Said = Field(None, description="A new token when someone signs in")
    ended_at_logout: Said = Field(None, description="On the server, not in the client alone")
    ended_at_disable: Said = Field(None, description="When an account is disabled or deleted")
    ended_at_password_change: Said = None
    users_see_theirs: Said = Field(None, description="And can end them")
    administrators_end: Said = None
    checked_by_server: Said = Field(None, description="On a trusted service, in every call")
    reauthentication: Said = Field(None, description="Before credentials or contact data change")
    cookie_secure: Said = None
    cookie_http_only: Said = None
    cookie_same_site: Literal["strict", "lax", "none"] | None = None
    cookie_prefix: Literal["__Host-", "__Secure-", "none"] | None = None
    csrf_defence: Literal["same_site", "token", "origin_check", "none"] | None = None


class Tokens(Part):
    """Tokens that carry claims, such as JWTs."""

    kind: Literal["jwt", "opaque"] | None = None
    algorithm: Name | None = Field(None, description="RS256, ES256, EdDSA, HS256")
    algorithm_fixed: Said = Field(None, description="By the receiver's allow-list, never the token")
    key_bits: Count | None = Field(None, description="Of a shared key (HS256) or of RSA")
    keys_from: Literal["configured", "issuer_metadata", "token_header"] | None = None
    issuer: Text | None = None
    audience: Text | None = None
    issuer_checked: Said = None
    audience_checked: Said = None
    type_checked: Said = Field(None, description="An id or refresh token is no access token")
    access_minutes: Count | None = Field(None, description="0: never ends")
    refresh_days: Days | None = Field(None, description="0: never ends")
    refresh_rotated: Said = Field(None, description="Or bound to the sender")
    revocation: Said = Field(None, description="A token can be ended before it expires")
    sender_constrained: Said = Field(None, description="By mTLS or DPoP")


class OAuth(Part):
    """The authorisation server and its clients."""

    flows: Annotated[
        list[
            Literal[
                "authorization_code", "client_credentials", "device", "implicit", "password",
                "refresh_token", "token_exchange",
            ]
        ],
        Field(max_length=10),
    ] = []  # fmt: skip
    pkce: Literal["S256", "plain", "none"] | None = None
    redirect_uris: Literal["exact", "pattern", "any"] | None = None
    code_lifetime_seconds: Count | None = None
    code_single_use: Said = None
    state_or_nonce: Said = Field(None, description="Ties the answer to the request")
    issuer_in_response: Said = Field(None, description="Or one issuer only: no mix-up")
    client_authentication: (
        Literal["private_key_jwt", "mtls", "client_secret", "none"] | None
    ) = None  # fmt: skip
    scopes_minimal: Said = Field(None, description="Each client only those it needs")
    consent: Said = Field(None, description="The user sees what a client will get")
    pushed_requests: Said = Field(None, description="PAR")
    response_types: Annotated[list[Name], Field(max_length=10)] = []
    tokens_in_backend: Said = Field(None, description="Tokens stay out of the browser")


class ApiKeys(Part):
    """Keys that programs send."""

    stored_hashed: Said = None
    expire_days: Days | None = Field(None, description="0: never")
    scoped: Said = None
    for_people: Said = Field(None, description="They stand for a user, too")


class Authentication(Part):
    """How callers show who they are; `methods` names all there are."""

    methods: Annotated[list[Method], Field(max_length=12)] | None = None
    documented: Said = Field(None, description="Rate limits, lock-out and pathways are written")
    passwords: Passwords | None = None
    one_time_codes: OneTimeCodes | None = None
    mfa: Mfa | None = None
    recovery: Recovery | None = None
    sessions: Sessions | None = None
    tokens: Tokens | None = None
    oauth: OAuth | None = None
    api_keys: ApiKeys | None = None
    federation_keys_issuer: Said = Field(
        None, description="An external identity is keyed by issuer and subject, not by e-mail"
    )


class Role(Part):
    """A role and what it may do."""

    name: Name
    description: Text = ""
    privileged: bool = False
    may: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=300)]], Field(max_length=2_000)
    ] = Field(
        default=[],
        description="`GET /orders/{id}`, `* /admin/*`, `*`; with ` own` or ` tenant` behind it:"
        " only the caller's own objects, or those of the caller's tenant",
    )


class Authorization(Part):
    """Decisions on who may do what."""

    default: Literal["deny", "allow"] | None = None
    enforced_in: Literal["server", "gateway", "client"] | None = None
    central: Said = Field(None, description="One place decides, handlers cannot forget")
    object_checks: Said = Field(None, description="Every object is checked to be the caller's")
    field_rules: Said = Field(None, description="Which fields a role reads and writes is written")
    rules_documented: Said = None
    changes_apply_at_once: Said = None
    admin_separate: Said = Field(None, description="Administration has further layers")
    tested: Said = Field(None, description="Negative tests run in CI")


class Tenancy(Part):
    """Customers that must not see each other's data."""

    kind: Literal["none", "shared", "schema", "database"] | None = None
    key: Name | None = Field(None, description="Column that names the tenant: `tenant_id`")
    taken_from: Literal["token", "path", "header", "subdomain"] | None = None
    checked: Said = Field(None, description="Against the caller's tenant, in every query")


class DataClass(Part):
    """A kind of data and how it is treated."""

    name: Name
    sensitivity: Sensitivity
    fields: Names = Field(default=[], description="Columns or properties: `users.email`, `ssn`")
    retention_days: Days | None = Field(None, description="0: kept for good")
    encryption: Literal["none", "disk", "column", "application"] | None = None
    masked_in_logs: Said = None
    masked_in_answers: Said = None
    access_audited: Said = None


class Component(Part):
    """A part that runs by itself."""

    name: Name
    kind: Literal[
        "service", "worker", "gateway", "datastore", "cache", "queue", "browser", "mobile",
        "client", "external", "identity_provider", "storage", "logs",
    ]  # fmt: skip
    zone: Name = Field("", description="Trust zone: internet, dmz, internal, cluster")
    technology: Text = ""
    holds: Names = Field(default=[], description="Names of data classes")


class Flow(Part):
    """Data on its way from one component to another."""

    name: Name = ""
    source: Name
    target: Name
    protocol: Name = Field("", description="https, http, postgres, amqps, grpc")
    tls: Said = None
    certificate_checked: Said = None
    authentication: (
        Literal["none", "password", "static_key", "token", "mtls", "workload_identity", "session"]
        | None
    ) = None
    data: Names = Field(default=[], description="Names of data classes")


class Stack(Part):
    """What it is built with; names in lower case: python, fastapi, postgres."""

    languages: Names = []
    frameworks: Names = []
    datastores: Names = []
    queues: Names = []
    proxies: Names = []


class Secrets(Part):
    """Keys and passwords of the system itself."""

    store: Literal["vault", "cloud", "environment", "files", "code"] | None = None
    rotation_days: Days | None = Field(None, description="0: never")
    least_access: Said = None
    default_credentials: Said = Field(None, description="Left anywhere")
    scanned: Said = Field(None, description="Repositories are searched for secrets")


class Cryptography(Part):
    """What is encrypted, and with what."""

    inventory: Said = Field(None, description="Keys, algorithms and their replacement are written")
    at_rest: Literal["none", "disk", "column", "application"] | None = None
    modes: Names = Field(default=[], description="aes-256-gcm, chacha20-poly1305, aes-cbc, ecb")
    random: Literal["csprng", "other"] | None = None


class Logging(Part):
    """What is logged and who sees it."""

    inventory: Said = Field(None, description="What is logged where is written")
    redacts: Said = Field(None, description="No credentials, tokens or personal data")
    authentication_events: Said = None
    authorization_failures: Said = None
    control_bypasses: Said = Field(None, description="Refused input, limits that were hit")
    errors: Said = None
    utc: Said = Field(None, description="One clock, UTC")
    structured: Said = Field(None, description="Encoded, so that input cannot forge lines")
    separate_system: Said = None
    protected: Said = Field(None, description="Services can add only")
    alerts: Said = None
    retention_days: Days | None = None


class Errors(Part):
    """What happens when something fails."""

    generic_answers: Said = None
    fails_closed: Said = None
    last_resort_handler: Said = None
    degrades: Said = Field(None, description="An external failure does not take all down")


class Limits(Part):
    """How much one caller may use."""

    rate_limits: Said = None
    per: Literal["account", "address", "both", "global"] | None = None
    body_bytes: Count | None = None
    page_size: Count | None = None
    timeout_seconds: Count | None = None
    business_limits: Said = Field(None, description="Orders, messages, reservations per user")
    documented: Said = None
    query_depth: Count | None = Field(None, description="GraphQL; 0: no limit")
    query_cost: Said = Field(None, description="GraphQL: the cost of a query is bounded")
    introspection: Said = Field(None, description="GraphQL: on in production")


class Inputs(Part):
    """How input is treated."""

    validated_on_server: Said = None
    parameterised_queries: Said = None
    unknown_fields: Literal["refused", "dropped", "bound"] | None = None
    outbound_allow_list: Said = Field(None, description="URLs of clients are checked by host")
    redirect_allow_list: Said = None
    uploads_scanned: Said = None
    uploads_type_checked: Said = None
    upload_bytes: Count | None = None
    file_names_generated: Said = None
    xml_entities_off: Said = None
    csv_escaped: Said = Field(None, description="Cells that begin a formula")
    webhook_signatures: Said = None


class Transport(Part):
    """Connections from outside and inside."""

    tls_minimum: Literal["1.0", "1.1", "1.2", "1.3"] | None = None
    public_certificates: Said = None
    hsts: Said = None
    http_redirected: Literal["refused", "redirected", "served"] | None = None
    internal_tls: Said = None
    proxy_headers_overwritten: Said = Field(None, description="X-Forwarded-For cannot be forged")
    cors: Literal["none", "allow_list", "reflect", "any"] | None = None


class Configuration(Part):
    """How it is set up."""

    debug_off: Said = None
    documentation_public: Said = Field(None, description="API pages, metrics, health details")
    separate_environments: Said = None
    hardened: Said = Field(None, description="No sample code, no listings, no version headers")
    inventory: Said = Field(None, description="Of hosts, versions and their end of life")
    old_versions_retired: Said = None
    source_control_exposed: Said = Field(None, description=".git and the like can be fetched")
    egress_allow_list: Said = None


class Dependencies(Part):
    """Code of others."""

    sbom: Said = None
    locked: Said = Field(None, description="By version and hash")
    trusted_sources: Said = None
    update_days: Days | None = Field(None, description="For a critical fault")
    scanned: Said = None
    third_party_validated: Said = Field(None, description="Answers of other APIs are checked")
    third_party_timeouts: Said = None


class Database(Part):
    """How the services use databases."""

    least_privilege: Said = None
    separate_migrations_role: Said = None
    row_security: Said = None
    default_credentials: Said = None
    reachable_from_internet: Said = None


class Privacy(Part):
    """Data about people."""

    erasure: Said = Field(None, description="Export and erasure, in all stores")
    processors_listed: Said = Field(None, description="Who gets which data, and why")
    masked: Said = Field(None, description="Shown in part where that is enough")
    consent_recorded: Said = None


class Backups(Part):
    """Copies and getting back."""

    every_hours: Count | None = Field(None, description="0: none")
    encrypted: Said = None
    elsewhere: Said = Field(None, description="In another account or place")
    unchangeable: Said = None
    restore_tested_days: Days | None = Field(None, description="Ago; 0: never")


class System(Part):
    """A system, as far as someone has described it."""

    name: Name = "system"
    kind: (
        Literal["api", "web_application", "mobile_backend", "service", "data_pipeline"] | None
    ) = None  # fmt: skip
    exposure: Literal["public", "partner", "internal"] | None = None
    authentication: Authentication | None = None
    roles: Annotated[list[Role], Field(max_length=100)] = []
    authorization: Authorization | None = None
    tenancy: Tenancy | None = None
    data: Annotated[list[DataClass], Field(max_length=MAX_PARTS)] = []
    components: Annotated[list[Component], Field(max_length=MAX_PARTS)] = []
    flows: Annotated[list[Flow], Field(max_length=2_000)] = []
    stack: Stack | None = None
    secrets: Secrets | None = None
    cryptography: Cryptography | None = None
    logging: Logging | None = None
    errors: Errors | None = None
    limits: Limits | None = None
    inputs: Inputs | None = None
    transport: Transport | None = None
    configuration: Configuration | None = None
    dependencies: Dependencies | None = None
    database: Database | None = None
    backups: Backups | None = None
    privacy: Privacy | None = None
    compliance: Annotated[list[Regime], Field(max_length=4)] | None = None
    answers: dict[Annotated[str, Field(max_length=400)], Annotated[str, Field(max_length=100)]] = (
        Field(default={}, max_length=2_000, description="To questions of an earlier answer, by id")
    )


def json_schema() -> dict[str, Any]:
    """The JSON Schema of descriptions (2020-12)."""
    return System.model_json_schema()
