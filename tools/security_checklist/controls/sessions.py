"""Sessions, tokens, OAuth, API keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..control import Control, Verdict, attested, broken, control, doubtful, kept
from ..facts import Facts, Kind
from ..gates import API_KEYS, BEARER, COOKIES, OAUTH, TOKENS, USERS


def _of(section: str, when: Any) -> Any:
    """Makes controls on one section of the description."""

    def make(id: str, title: str, field: str, why: str, *ask: str, **more: Any) -> Control:
        question, verify, implement = ask
        return attested(
            id, title, f"{section}.{field}", why=why, question=question, verify=verify,
            implement=implement, when=when, api_top10=more.pop("api_top10", ("API2",)), **more,
        )  # fmt: skip

    return make


_session = _of("authentication.sessions", USERS)
_cookie = _of("authentication.sessions", COOKIES)
_token = _of("authentication.tokens", TOKENS)
_bearer = _of("authentication.tokens", BEARER)
_oauth = _of("authentication.oauth", OAUTH)
_key = _of("authentication.api_keys", API_KEYS)


def _bounded(most: int) -> Any:
    return lambda value: 0 < value <= most


# Sessions


@control(
    "logout",
    asvs=("7.4.1", "7.5.2"),
    api_top10=("API2",),
    cwe=(613,),
    pci=("8.2.8",),
    when=USERS,
    question="Does signing out end the session on the server?",
    verify="Sign out and repeat an earlier call with the same token: expect 401.",
    implement="session",
    said="authentication.sessions.ended_at_logout",
)
def logout(facts: Facts) -> Iterator[Verdict]:
    """Signing out ends the session on the server."""
    signs_in = [f for f in facts.of(Kind.PURPOSE) if f.value == "log in"]
    out = next((f for f, call in facts.calls() if _OUT(call.path)), None)
    if signs_in and out is not None:
        yield doubtful(
            out, "an operation signs out; whether the token ends cannot be seen", signal=1
        )
    elif signs_in:
        why = "people sign in here, and no operation signs out or revokes"
        yield doubtful(signs_in[0], why, "no operation signs out")


def _OUT(path: str) -> bool:
    plain = path.lower().replace("-", "").replace("_", "")
    return any(word in plain for word in ("logout", "signout", "logoff", "revoke", "/session"))


idle = _session(
    "session-idle-limit", "Sessions end when nobody uses them", "idle_minutes",
    "An open browser in a library is an open account.",
    "Does a session end after a time without use, as the risk asks?",
    "Wait for the limit, then call: expect 401.",
    "session",
    good=_bounded(10_080), wants="1 to 10080", asvs=("7.3.1", "7.1.1"), cwe=(613,),
    pci=("8.2.8",), hipaa=("164.312(a)(2)(iii)",),
)  # fmt: skip
absolute = _session(
    "session-absolute-limit", "Sessions end after a time in all", "absolute_hours",
    "A stolen session that is kept in use never ends by itself.",
    "Does a session end after a time in all, whatever its use?",
    "Keep a session in use beyond the limit: expect 401.",
    "session",
    good=_bounded(720), wants="1 to 720", asvs=("7.3.2", "7.1.1"), cwe=(613,),
)  # fmt: skip
renewed = _session(
    "session-new-at-login", "A new session begins at sign-in", "new_at_login",
    "A session that an attacker planted becomes the victim's.",
    "Is a new token made at each sign-in, and the old one ended?",
    "Note the cookie, sign in, compare: expect another; use the old one: expect 401.",
    "session",
    asvs=("7.2.4",), cwe=(384,), impact=3,
)  # fmt: skip
on_server = _session(
    "session-checked-by-server", "Sessions are checked by a trusted service", "checked_by_server",
    "What the client checks, the client can skip.",
    "Is every session token verified on the server, in every call?",
    "Change one character of the token: expect 401.",
    "session",
    asvs=("7.2.1",), cwe=(603, 287), impact=3,
)  # fmt: skip
dynamic = _session(
    "session-token-random", "Session tokens are random", "token_bits",
    "What counts up can be counted.",
    "Have session tokens at least 128 bits of a cryptographic generator?",
    "Make ten and compare: expect no pattern, 22 characters of base64 or more.",
    "session",
    good=lambda value: value >= 128, wants="at least 128", asvs=("7.2.2", "7.2.3"), cwe=(331,),
    impact=3,
)  # fmt: skip
disabled = _session(
    "session-ends-with-account", "Sessions end with their account", "ended_at_disable",
    "Who left on Friday still reads on Monday.",
    "Do all sessions end when an account is disabled or deleted?",
    "Disable a signed-in account and call: expect 401.",
    "session",
    asvs=("7.4.2",), cwe=(613,), pci=("8.2.5",), hipaa=("164.308(a)(3)",), impact=3,
)  # fmt: skip
changed = _session(
    "session-ends-with-password", "Other sessions end when a credential changes",
    "ended_at_password_change",
    "The thief's session survives the owner's new password.",
    "Can (or do) all other sessions end when a password or factor changes?",
    "Change the password in one of two sessions: expect 401 in the other.",
    "session",
    asvs=("7.4.3",), cwe=(613,), impact=3,
)  # fmt: skip
seen = _session(
    "sessions-listed", "People see their sessions and end them", "users_see_theirs",
    "The owner knows which device is theirs.",
    "Can people list their sessions and end each?",
    "End a session from another: expect 401 there.",
    "session",
    asvs=("7.5.2",), cwe=(613,), impact=1,
)  # fmt: skip
ended = _session(
    "sessions-ended-by-administrators", "Administrators can end sessions", "administrators_end",
    "An incident needs a switch.",
    "Can administrators end the sessions of one user, and of all?",
    "End them and call with an old token: expect 401.",
    "session",
    asvs=("7.4.5",), cwe=(613,), impact=1,
)  # fmt: skip
again = _session(
    "reauthentication", "Sensitive changes ask who it is again", "reauthentication",
    "A session that was left open must not be enough to take the account.",
    "Is a fresh sign-in or factor demanded before e-mail, phone, factors or payouts change?",
    "With an old session, change the e-mail address: expect a challenge.",
    "credential-change",
    asvs=("7.5.1", "7.5.3"), cwe=(306,), impact=3,
)  # fmt: skip
secure = _cookie(
    "cookie-secure", "Session cookies travel over TLS only", "cookie_secure",
    "One plain request gives the session away.",
    "Have session cookies the attribute Secure?",
    "Read `Set-Cookie` at sign-in: expect `Secure`.",
    "session",
    asvs=("3.3.1",), cwe=(614,), api_top10=("API8",),
)  # fmt: skip
http_only = _cookie(
    "cookie-http-only", "Scripts cannot read session cookies", "cookie_http_only",
    "One script in a page would take every session.",
    "Have session cookies the attribute HttpOnly?",
    "Read `Set-Cookie` at sign-in: expect `HttpOnly`.",
    "session",
    asvs=("3.3.4",), cwe=(1004,), api_top10=("API8",),
)  # fmt: skip
same_site = _cookie(
    "cookie-same-site", "Cookies stay with their site", "cookie_same_site",
    "Foreign pages send the visitor's cookies along.",
    "Have session cookies SameSite Lax or Strict?",
    "Read `Set-Cookie` at sign-in: expect `SameSite=Lax` or `Strict`.",
    "session",
    good=lambda value: value in ("lax", "strict"), wants="lax, or strict", asvs=("3.3.2",),
    cwe=(1275,), api_top10=("API8",),
)  # fmt: skip


@control(
    "cookie-prefix",
    asvs=("3.3.1", "3.3.3"),
    api_top10=("API8",),
    cwe=(614,),
    impact=1,
    when=COOKIES,
    question="Does the session cookie's name begin with `__Host-` (or `__Secure-`)?",
    verify="Read `Set-Cookie` at sign-in.",
    implement="session",
    said="authentication.sessions.cookie_prefix",
    good=lambda value: value != "none",
    wants="__Host-",
)
def cookie_prefix(facts: Facts) -> Iterator[Verdict]:
    """The cookie's name binds it to its host."""
    for fact in facts.of(Kind.SCHEME):
        if fact.value.get("in") == "cookie":
            name = fact.value.get("name", "")
            if name.startswith(("__Host-", "__Secure-")):
                yield kept(fact, f"the cookie is `{name}`", proven=True)
            else:
                yield broken(fact, f"the cookie is `{name}`", "a cookie without prefix", signal=2)


@control(
    "csrf",
    asvs=("3.5.1", "3.5.2"),
    api_top10=("API8",),
    cwe=(352, 346),
    impact=3,
    when=COOKIES,
    question="Are changes by foreign pages stopped (SameSite, token, Origin check)?",
    verify="From a page of another origin, submit a form to `{operation}`: expect 403, no change.",
    implement="SameSite=Lax or Strict, and a token or a check of `Origin` for every change",
    said="authentication.sessions.csrf_defence",
    good=lambda value: value != "none",
    wants="same_site, token or origin_check",
)
def csrf(facts: Facts) -> Iterator[Verdict]:
    """Foreign pages cannot act for a signed-in visitor."""
    cookies = [f for f in facts.of(Kind.SCHEME) if f.value.get("in") == "cookie"]
    if not cookies:
        return
    for fact, call in facts.calls():
        if not call.writes or cookies[0].subject not in call.needs:
            continue
        media = facts.first(fact.subject, Kind.MEDIA)
        simple = media and any(
            kind.startswith(("application/x-www-form", "multipart/", "text/plain"))
            for kind in media.value
        )
        if media is not None and simple:
            yield doubtful(media, f"{media.note}, with a cookie", "forms with a cookie", signal=3)


# Tokens


@control(
    "token-algorithm",
    asvs=("9.1.2", "9.1.1", "11.2.3"),
    api_top10=("API2",),
    cwe=(347, 327, 326, 345),
    impact=4,
    blast=3,
    when=TOKENS,
    question="Is the algorithm fixed by the receiver (an allow-list), with a key of at least 256"
    " bits (HMAC) or 2048 (RSA)?",
    verify="Take a valid token, set `alg` to `none` and drop the signature; then sign it with the"
    " public key as an HMAC key; then with `secret`: expect 401 each time.",
    implement="jwt",
    said="authentication.tokens.algorithm_fixed",
)
def token_algorithm(facts: Facts) -> Iterator[Verdict]:
    """The receiver decides how tokens are verified."""
    seen = set()
    for fact in facts.of(Kind.TOKEN):
        algorithm = str(fact.value["header"].get("alg", ""))
        if algorithm in seen:
            continue
        seen.add(algorithm)
        if algorithm.lower() == "none":
            yield broken(
                fact, "an example token has the algorithm none", "tokens without signature"
            )
        elif algorithm.startswith("HS"):
            why = f"{fact.note}: whoever can verify can also sign, and the key may be weak"
            yield doubtful(fact, why, "tokens with a shared key")
    for fact in facts.of(Kind.SCHEME):
        if fact.value.get("bearerFormat") == "jwt" and not seen:
            yield doubtful(fact, cause="tokens are JWT", signal=1)
            return


@control(
    "token-claims",
    asvs=("9.2.1",),
    api_top10=("API2",),
    cwe=(613,),
    impact=3,
    when=TOKENS,
    question="Does every token end, and is `exp` checked?",
    verify="Send an expired token: expect 401.",
    implement="jwt",
    said="authentication.tokens.access_minutes",
    good=_bounded(60),
    wants="1 to 60",
)
def token_claims(facts: Facts) -> Iterator[Verdict]:
    """Tokens end soon."""
    for fact in facts.of(Kind.TOKEN):
        claims = fact.value["claims"]
        begins, ends = claims.get("iat"), claims.get("exp")
        if claims and ends is None:
            yield broken(fact, "an example token has no `exp`", "tokens that never end", signal=2)
            return
        if type(begins) is int and type(ends) is int and ends - begins > 86_400:
            days = (ends - begins) / 86_400
            why = f"an example token is valid for {days:.1f} days"
            yield broken(fact, why, "tokens that live for days", signal=2)
            return


audience = _token(
    "token-audience", "Tokens of others are refused", "audience_checked",
    "A token for the newsletter opens the bank.",
    "Is the audience of each token compared with this service?",
    "Send a valid token of another audience: expect 401.",
    "jwt",
    asvs=("9.2.3", "10.3.1"), cwe=(287,), impact=3, blast=3,
)  # fmt: skip
issuer = _token(
    "token-issuer", "Tokens of one issuer are accepted", "issuer_checked",
    "Any provider can sign a token; only one is trusted.",
    "Is the issuer compared with the configured one, and its keys used only?",
    "Send a token of another issuer with a valid signature of its own: expect 401.",
    "jwt",
    asvs=("9.1.3", "10.3.3"), cwe=(346, 290), impact=3, blast=3,
)  # fmt: skip
kind = _token(
    "token-type", "An id token is no access token", "type_checked",
    "Tokens of one issuer are made for different ends.",
    "Is the type of a token checked, so that id and refresh tokens are refused as access tokens?",
    "Send an id token as bearer: expect 401.",
    "jwt",
    asvs=("9.2.2",), cwe=(287,), impact=3,
)  # fmt: skip
keys_from = _token(
    "token-key-source", "Keys come from configuration", "keys_from",
    "A token that brings its own key (`jwk`, `jku`, `x5u`, `kid` with a path) vouches for itself.",
    "Do verification keys come from configuration or the issuer's metadata, never from the token?",
    "Send a token with `jku` of yours: expect 401 and no call.",
    "jwt",
    good=lambda value: value != "token_header", wants="configured, or issuer_metadata",
    asvs=("9.1.3",), cwe=(347, 918), impact=4, blast=3,
)  # fmt: skip
key_size = _token(
    "token-key-size", "Keys of tokens are long and random", "key_bits",
    "A word as HMAC key is found offline from one token.",
    "Has the signing key at least 256 random bits (HMAC), or 2048 (RSA)?",
    "Run a word list against one token: expect no hit.",
    "secrets",
    good=lambda value: value >= 256, wants="at least 256", asvs=("11.2.3", "9.1.1"),
    cwe=(326, 321), impact=4, blast=3,
)  # fmt: skip
refresh = _bearer(
    "refresh-tokens", "Refresh tokens are used once, or bound to their sender", "refresh_rotated",
    "A stolen refresh token is a session that renews itself.",
    "Are refresh tokens rotated at each use (reuse ends them all), or bound by mTLS or DPoP?",
    "Use a refresh token twice: expect the second, and its descendants, to be refused.",
    "Rotate; on reuse revoke the family; end them after a time in all",
    asvs=("10.4.5",), cwe=(613, 294), impact=3,
)  # fmt: skip
refresh_end = _bearer(
    "refresh-tokens-end", "Refresh tokens end", "refresh_days",
    "What never ends is a password.",
    "Do refresh tokens end after a time, also when they are used?",
    "Use one beyond the limit: expect a refusal.",
    "Absolute lifetime of the grant",
    good=_bounded(90), wants="1 to 90", asvs=("10.4.8",), cwe=(613,),
)  # fmt: skip
revocation = _bearer(
    "token-revocation", "A token can be ended before its time", "revocation",
    "An incident cannot wait for `exp`.",
    "Can a token that is out be ended (denylist, session look-up, short life)?",
    "Revoke and call: expect 401.",
    "A denylist by `jti`, or sessions on the server; RFC 7009",
    asvs=("7.4.1", "10.4.9"), cwe=(613,),
)  # fmt: skip
sender = _bearer(
    "token-sender-constrained", "Tokens work for their sender only", "sender_constrained",
    "A bearer token is cash.",
    "Are access tokens bound to their client (mTLS, DPoP), where the risk asks for it?",
    "Send a token from another client: expect 401.",
    "RFC 8705 or RFC 9449",
    asvs=("10.3.5", "10.4.14"), cwe=(294,), impact=1,
)  # fmt: skip


# OAuth


@control(
    "oauth-flows",
    asvs=("10.4.4",),
    api_top10=("API2",),
    cwe=(522, 598),
    impact=3,
    when=OAUTH,
    question="Can the flow be replaced by the authorization code with PKCE (people) or client"
    " credentials (programs)?",
    verify="Ask the token endpoint for `grant_type=password` and the authorisation endpoint for"
    " `response_type=token`: expect `unsupported_grant_type`, `unsupported_response_type`.",
    implement="Turn implicit and password grants off; authorization code with PKCE (RFC 9700)",
)
def oauth_flows(facts: Facts) -> Iterator[Verdict]:
    """Neither implicit nor password grants are used."""
    for fact in facts.of(Kind.SCHEME):
        if fact.value.get("flow") in ("implicit", "password"):
            yield broken(fact, cause=f"the {fact.value['flow']} flow is declared")
        elif fact.value.get("flow"):
            yield kept(fact, proven=True)
    said = facts.said("authentication.oauth.flows")
    if said and {"implicit", "password"} & set(said.value):
        yield Verdict("system", broken(said).status, said.note, (said,), "flows that are retired")


@control(
    "oauth-endpoints-over-tls",
    asvs=("12.2.1",),
    api_top10=("API8",),
    cwe=(319,),
    impact=4,
    when=OAUTH,
    question="Are these endpoints reached over TLS only?",
    verify="Ask the endpoint over http: expect no answer.",
    implement="https for authorizationUrl, tokenUrl, refreshUrl",
)
def oauth_endpoints(facts: Facts) -> Iterator[Verdict]:
    """Endpoints of the authorisation server use TLS."""
    for fact in facts.of(Kind.SCHEME):
        for key in ("authorizationUrl", "tokenUrl", "refreshUrl"):
            url = str(fact.value.get(key, ""))
            if url.startswith("http://") and "localhost" not in url and "127.0.0.1" not in url:
                yield broken(fact, f"{key} is `{url}`", "plain http to the authorisation server")


@control(
    "oauth-scopes-used",
    asvs=("10.3.2", "10.4.11"),
    api_top10=("API5",),
    cwe=(285, 272),
    when=OAUTH,
    question="Does the server demand a scope here?",
    verify="Send `{request}` with a token of the least scope: expect 403.",
    implement="Name scopes for each operation, demand them by token",
    said="authentication.oauth.scopes_minimal",
)
def oauth_scopes(facts: Facts) -> Iterator[Verdict]:
    """Operations demand scopes of OAuth tokens."""
    offered = {f.subject for f in facts.of(Kind.SCHEME) if f.value.get("scopes")}
    if not offered:
        return
    for fact, call in facts.calls():
        if call.protected and any(name in call.needs for name in offered):
            if call.scopes:
                yield kept(fact)
            else:
                yield doubtful(fact, cause="operations without a scope")


pkce = _oauth(
    "oauth-pkce", "Codes are bound to who asked for them", "pkce",
    "A code that is intercepted is a token.",
    "Is PKCE with S256 demanded of every client?",
    "Ask for a token without `code_verifier`: expect `invalid_grant`.",
    "Demand PKCE at the authorisation server (RFC 7636, RFC 9700)",
    good=lambda value: value == "S256", wants="S256", asvs=("10.4.6", "10.2.1"), cwe=(345, 352),
    impact=3,
)  # fmt: skip
redirects = _oauth(
    "oauth-redirects", "Codes go to registered addresses", "redirect_uris",
    "A pattern that matches more sends codes elsewhere.",
    "Are redirect addresses compared as whole strings with registered ones?",
    "Add `/x` and `?y` to a registered address: expect an error page, no redirect.",
    "Exact strings, https; no wildcards",
    good=lambda value: value == "exact", wants="exact", asvs=("10.4.1",), cwe=(601,), impact=3,
)  # fmt: skip
code_life = _oauth(
    "oauth-code-short-lived", "Codes end within ten minutes", "code_lifetime_seconds",
    "A code in a log is fresh for as long as it lives.",
    "Do authorization codes end within 10 minutes (better: one)?",
    "Redeem a code 11 minutes old: expect `invalid_grant`.",
    "60 seconds",
    good=_bounded(600), wants="1 to 600", asvs=("10.4.3",), cwe=(613,),
)  # fmt: skip
code_once = _oauth(
    "oauth-code-once", "Codes are redeemed once", "code_single_use",
    "A second use is a theft.",
    "Is a second use of a code refused, and its tokens revoked?",
    "Redeem a code twice: expect `invalid_grant`, and the first tokens ended.",
    "Mark codes used; revoke on reuse",
    asvs=("10.4.2",), cwe=(294,), impact=3,
)  # fmt: skip
state = _oauth(
    "oauth-state", "Answers belong to the request", "state_or_nonce",
    "A victim signed in as the attacker stores secrets in the wrong account.",
    "Does the client tie the answer to its own request (PKCE, state, nonce)?",
    "Give a client a code of another session: expect a refusal.",
    "`state` or PKCE per request; check `nonce` of id tokens",
    asvs=("10.2.1", "10.5.1"), cwe=(352,),
)  # fmt: skip
mix_up = _oauth(
    "oauth-mix-up", "Clients know which server answered", "issuer_in_response",
    "With two servers, a code for one is sent to the other.",
    "Is there one authorisation server, or is `iss` of the answer checked?",
    "Change `iss` in the answer: expect a refusal.",
    "RFC 9207",
    asvs=("10.2.2", "10.5.3"), cwe=(346,),
)  # fmt: skip
clients = _oauth(
    "oauth-client-authentication", "Clients on servers authenticate", "client_authentication",
    "Anyone could redeem what they find.",
    "Do confidential clients authenticate (private_key_jwt or mTLS at best)?",
    "Ask for a token without the client's credential: expect `invalid_client`.",
    "private_key_jwt or mTLS; rotated secrets otherwise",
    good=lambda value: value != "none", wants="private_key_jwt, mtls or client_secret",
    asvs=("10.4.10", "10.4.16"), cwe=(287,),
)  # fmt: skip
consent = _oauth(
    "oauth-consent", "People see what they grant", "consent",
    "A consent that nobody reads grants everything.",
    "Are people shown what a client gets, and can they take it back?",
    "Ask for one scope more: expect a new consent.",
    "A page with client, scopes, duration; a list to revoke",
    asvs=("10.7.1", "10.7.2", "10.7.3"), cwe=(862,), impact=1,
)  # fmt: skip
backend = _oauth(
    "oauth-tokens-in-backend", "Tokens stay out of browsers", "tokens_in_backend",
    "What scripts can read, injected scripts can send.",
    "Do tokens stay in a backend for frontends, or in memory at least?",
    "Look into local storage after sign-in: expect no token.",
    "A backend for the frontend with a session cookie",
    asvs=("10.1.1",), cwe=(522,),
)  # fmt: skip
pushed = _oauth(
    "oauth-pushed-requests", "Requests for authorisation cannot be altered", "pushed_requests",
    "Parameters in a browser's address are the visitor's to change.",
    "Are authorisation requests pushed (PAR), where the risk asks for it?",
    "Send one that was not pushed: expect an error.",
    "RFC 9126",
    asvs=("10.4.13",), cwe=(345,), impact=1,
)  # fmt: skip
responses = _oauth(
    "oauth-response-types", "Only the code is handed out by the browser", "response_types",
    "Tokens in an address end in histories and logs.",
    "Is `code` the only response type (for OpenID Connect also those without tokens)?",
    "Ask for `response_type=token`: expect an error.",
    "Turn the others off",
    good=lambda value: all("token" not in each.split() for each in value), wants="code",
    asvs=("10.6.1",), cwe=(598,),
)  # fmt: skip


# API keys


@control(
    "api-keys-for-people",
    asvs=("7.2.2", "6.3.4"),
    api_top10=("API2",),
    cwe=(798, 522),
    impact=3,
    when=API_KEYS,
    question="Do keys stand for programs only, never for people?",
    verify="Look whose name the log has for a call with the key.",
    implement="Tokens that end for people; keys for programs, scoped and rotated",
    said="authentication.api_keys.for_people",
    good=lambda value: value is False,
    wants="no",
)
def api_keys(facts: Facts) -> Iterator[Verdict]:
    """Static keys do not stand for people."""
    keys = [
        f
        for f in facts.of(Kind.SCHEME)
        if f.value.get("type") == "apikey" and f.value.get("in") != "cookie"
    ]
    others = {f.subject for f in facts.of(Kind.SCHEME)} - {f.subject for f in keys}
    for fact in keys[:1]:
        if not others:
            yield doubtful(
                fact, f"{fact.note}, the only scheme there is", "keys are the only scheme"
            )


key_hash = _key(
    "api-keys-hashed", "Keys are kept as hashes", "stored_hashed",
    "Who reads the table calls as everybody.",
    "Are keys kept as hashes, shown once?",
    "Read one of the table and call with it: expect 401.",
    "SHA-256 of a key of 128 random bits; a prefix to find it",
    asvs=("6.5.2", "13.3.1"), cwe=(522,), impact=3,
)  # fmt: skip
key_end = _key(
    "api-keys-end", "Keys end", "expire_days",
    "A key in an old laptop opens the system for years.",
    "Do keys end, and can they be rotated without a pause?",
    "Use a key beyond its end: expect 401.",
    "Two keys at a time; an end; a notice before",
    good=_bounded(365), wants="1 to 365", asvs=("13.3.4",), cwe=(324, 613),
)  # fmt: skip
key_scope = _key(
    "api-keys-scoped", "Keys may do what they are for", "scoped",
    "One leaked key should not be the whole account.",
    "Has each key its own rights and, where it fits, addresses?",
    "Call an operation that the key is not for: expect 403.",
    "Scopes by key",
    asvs=("13.2.2",), cwe=(272,),
)  # fmt: skip
