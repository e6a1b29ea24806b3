"""How to implement controls on the declared stack: a few lines for each topic and technology."""

from __future__ import annotations

import re
from collections.abc import Iterable

GENERAL = ""
TOPICS: dict[str, dict[str, str]] = {
    "object-scope": {
        GENERAL: "Look the object up within what the caller owns: one query with the id *and* the"
        " owner or tenant from the token; answer 404 to all else",
        "django": "`get_object_or_404(Order, pk=pk, owner=request.user)`; in DRF filter in"
        " `get_queryset()`",
        "fastapi": "a dependency that loads by id and `current_user.id` and raises 404; no handler"
        " takes the bare id",
        "flask": "`Order.query.filter_by(id=id, owner_id=current_user.id).first_or_404()`",
        "spring": "`@PreAuthorize(\"@orders.owns(#id, principal)\")`, or `findByIdAndOwnerId`",
        "express": "`Order.findOne({_id: id, owner: req.user.id})`; 404 when null",
        "rails": "`current_user.orders.find(params[:id])`",
        "laravel": "`$request->user()->orders()->findOrFail($id)`, or a policy with `authorize()`",
        "postgres": "behind it row-level security: `USING (owner_id ="
        " current_setting('app.user_id')::bigint)`",
    },
    "subject-from-token": {
        GENERAL: "Take the user from the verified token; drop the field from the request",
    },
    "role-check": {
        GENERAL: "Demand a role or scope on the route, by a declaration that a test can list; deny"
        " where none is declared",
        "django": "`permission_classes = [IsAdminUser]`; `DEFAULT_PERMISSION_CLASSES` denies",
        "fastapi": "`Security(current_user, scopes=[\"admin\"])` on the admin router",
        "spring": "`@PreAuthorize(\"hasRole('ADMIN')\")`; `anyRequest().denyAll()`",
        "express": "one middleware on the admin router: `router.use(requireRole('admin'))`",
        "rails": "`before_action :require_admin` in an `AdminController` that all inherit",
        "laravel": "`Route::middleware('can:admin')->group(…)`",
    },
    "require-login": {
        GENERAL: "Demand a credential for all routes by default; list the few that are open",
        "django": "`DEFAULT_PERMISSION_CLASSES = [IsAuthenticated]`, `AllowAny` on the few",
        "fastapi": "`FastAPI(dependencies=[Depends(current_user)])`, open routes on an app or"
        " router"
        " of their own",
        "spring": "`anyRequest().authenticated()`, `permitAll()` for a short list",
        "express": "`app.use(authenticate)` before the routers, open routes before it",
        "flask": "`before_request` that demands a user, with a list of open endpoints",
        "rails": "`before_action :authenticate!` in ApplicationController; skip it by name",
        "laravel": "`Route::middleware('auth:sanctum')` around all, open routes outside",
    },
    "bind-allow-list": {
        GENERAL: "Bind declared fields only, by a model for writing of its own; refuse what is"
        " undeclared (`additionalProperties: false`)",
        "django": "explicit `fields`, `read_only_fields` for what the server decides",
        "fastapi": "a pydantic model for input with `extra=\"forbid\"`, without the server's"
        " fields",
        "spring": "a DTO; `FAIL_ON_UNKNOWN_PROPERTIES`; never bind the entity",
        "express": "`pick(req.body, ['name'])`, or a schema (zod `.strict()`)",
        "rails": "`params.require(:user).permit(:name)`",
        "laravel": "`$fillable`, and `$request->validated()` instead of `all()`",
    },
    "response-model": {
        GENERAL: "A response model of its own with the fields that readers need; never the row",
        "django": "a serializer with explicit `fields`",
        "fastapi": "`response_model=UserPublic`",
        "spring": "a record for the answer; no entity leaves a controller",
        "express": "map to a literal object; `toJSON` without secrets as a second line",
        "rails": "a serializer with named attributes",
        "laravel": "an API resource with named fields",
    },
    "credential-change": {
        GENERAL: "Take the user from the token; verify the current password (or a fresh, single-use"
        " token) in the same request; end other sessions; tell the owner",
        "django": "`PasswordChangeForm`, and `update_session_auth_hash`",
        "rails": "`user.authenticate(params[:current_password])` first",
        "laravel": "the rule `current_password`",
    },
    "one-time-codes": {
        GENERAL: "6 digits or more from a CSPRNG, hashed, void after 5 attempts, 10 minutes or one"
        " use; count by account, in all versions of the operation",
    },
    "password-policy": {
        GENERAL: "8 characters at least (15 where it is the only factor), 64 or more accepted, no"
        " composition, no calendar; compare with leaked passwords and own words",
        "django": "`AUTH_PASSWORD_VALIDATORS`: MinimumLengthValidator 8, CommonPasswordValidator",
        "spring": "Passay with length and a dictionary, no character rules",
    },
    "password-hash": {
        GENERAL: "Argon2id (m=19 MiB, t=2, p=1 or more), else scrypt, bcrypt or PBKDF2 with today's"
        " cost; rehash at sign-in",
        "django": "`PASSWORD_HASHERS`: Argon2PasswordHasher first",
        "spring": "`Argon2PasswordEncoder`, in a `DelegatingPasswordEncoder`",
        "python": "`argon2.PasswordHasher()` of argon2-cffi",
        "node": "`argon2.hash(password)`",
    },
    "rate-limit": {
        GENERAL: "Limit by account and by address at the edge and in the service; 429 with"
        " `Retry-After`; slow down before locking out",
        "nginx": "`limit_req_zone` by address; the service counts by account",
        "django": "django-axes for sign-in; DRF `ScopedRateThrottle`",
        "fastapi": "slowapi with a key of account and address",
        "express": "express-rate-limit with a shared store",
        "spring": "bucket4j by account, a filter by address",
        "rails": "rack-attack: `throttle('logins/email')`",
    },
    "same-answer": {
        GENERAL: "One status and text for unknown account and wrong password; hash a dummy for"
        " unknown accounts; recovery always says that a message was sent",
    },
    "mfa": {
        GENERAL: "TOTP or passkeys for everybody, administrators first; recovery codes, hashed;"
        " demand the factor after a recovery, too",
    },
    "parameterised": {
        GENERAL: "Bind values, never paste them; take sort and filter names from a fixed list; type"
        " and length in the contract",
        "django": "the ORM, or `cursor.execute(sql, [value])`; no `extra()`, no f-strings",
        "python": "`execute(\"… WHERE name = %s\", (name,))`",
        "spring": "`:name` parameters of JPA or JdbcTemplate",
        "node": "`$1` parameters; with MongoDB a cast to string and `sanitizeFilter`",
        "mongodb": "cast to string before the query; refuse objects and keys that begin with `$`",
    },
    "bounds": {
        GENERAL: "`minimum`, `maximum`, `maxLength`, `pattern` in the contract, checked on the"
        " server",
        "fastapi": "`Field(ge=1, le=100)`, `constr(max_length=…)`",
        "spring": "`@Min`, `@Max`, `@Size` with `@Valid`",
        "django": "`min_value`, `max_length` of serializer fields",
        "express": "a zod schema: `z.number().int().min(1).max(100)`",
    },
    "upload": {
        GENERAL: "A size at the edge, a list of types by content, names made by the server, storage"
        " outside the web root, scanning before others get it",
        "nginx": "`client_max_body_size`",
    },
    "outbound": {
        GENERAL: "A list of hosts, or a key for a configured one instead of an address; else"
        " resolve"
        " once, refuse private ranges, connect to that address, follow no redirects, through an"
        " egress proxy",
    },
    "errors": {
        GENERAL: "One handler answers `application/problem+json` with an id; details go to the log",
        "django": "`DEBUG = False`, own `handler500`",
        "spring": "`server.error.include-stacktrace=never`, `@ControllerAdvice`",
        "express": "an error handler as the last middleware; `NODE_ENV=production`",
        "fastapi": "an `exception_handler(Exception)`; `debug=False`",
        "flask": "`errorhandler(Exception)`; never `debug=True`",
    },
    "cors": {
        GENERAL: "A fixed list of origins; never reflect `Origin` together with credentials",
        "django": "django-cors-headers: `CORS_ALLOWED_ORIGINS`",
        "fastapi": "`CORSMiddleware(allow_origins=[…])`",
        "express": "`cors({origin: [...]})`",
        "spring": "`setAllowedOrigins(List.of(…))`",
    },
    "deny-by-default": {
        GENERAL: "The router denies what has no rule; a test walks all routes",
        "spring": "`anyRequest().denyAll()`",
        "django": "a default permission that denies",
    },
    "graphql-limits": {
        GENERAL: "Depth ≤ 10, cost by list sizes, no more than a few aliases of one field, no"
        " batches, introspection off in production or persisted queries only",
        "node": "graphql-armor, or Apollo with `introspection: false`",
        "python": "`DisableIntrospection`, `depth_limit_validator` of graphene; strawberry's"
        " `QueryDepthLimiter`",
        "java": "`MaxQueryDepthInstrumentation`, `MaxQueryComplexityInstrumentation`",
    },
    "jwt": {
        GENERAL: "Verify signature, `iss`, `aud`, `exp`, `typ` in one place with a maintained"
        " library; algorithm and keys configured, never read from the token",
        "python": "`jwt.decode(token, key, algorithms=[\"RS256\"], audience=…, issuer=…,"
        " options={\"require\": [\"exp\", \"aud\", \"iss\"]})`",
        "spring": "`spring.security.oauth2.resourceserver.jwt` with `audiences`",
        "node": "jose: `jwtVerify(token, key, {algorithms: ['RS256'], audience, issuer})`",
    },
    "session": {
        GENERAL: "Random session ids (128 bits) on the server, new at sign-in, ended at sign-out,"
        " after a time idle and in all; `__Host-` cookie with Secure, HttpOnly, SameSite",
        "django": "`SESSION_COOKIE_SECURE`, `SESSION_COOKIE_AGE`, `cycle_key()` at sign-in",
        "express": "express-session with `regenerate()`, `cookie: {secure, httpOnly, sameSite}`",
        "spring": "`sessionFixation().newSession()`, `maximumSessions`",
    },
    "row-security": {
        GENERAL: "Add the owner or tenant to the table and to every query",
        "postgres": "`ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL"
        " SECURITY; CREATE POLICY … USING (tenant_id = current_setting('app.tenant_id')::uuid)`",
        "mysql": "views with the tenant of the session, no privilege on the tables",
    },
    "secrets": {
        GENERAL: "Keep secrets in a vault or the cloud's manager; read at start, rotate, scan"
        " repositories",
        "kubernetes": "External Secrets or CSI driver; no secrets in manifests",
    },
    "column-encryption": {
        GENERAL: "Encrypt in the application with AES-256-GCM and keys of a KMS; a keyed hash"
        " beside"
        " it where it is looked up",
        "postgres": "`bytea` for the ciphertext; pgcrypto only if the server may see the key",
    },
    "audit-log": {
        GENERAL: "Who, what, when (UTC), where from, outcome; append only; another account reads"
        " it",
        "postgres": "INSERT only for the application's role; `timestamptz`; a trigger refuses"
        " UPDATE and DELETE",
    },
}  # fmt: skip
_ALSO = {
    "postgresql": "postgres",
    "springboot": "spring",
    "nodejs": "node",
    "javascript": "node",
    "typescript": "node",
    "nestjs": "express",
    "mariadb": "mysql",
    "drf": "django",
    "mongo": "mongodb",
}


def implementation(topic: str, stack: Iterable[str]) -> str:
    """What to do, with the ways of the declared technologies; what is no topic is returned."""
    ways = TOPICS.get(topic)
    if ways is None:
        return topic
    named = [_normal(name) for name in stack]
    own = [f"{name}: {ways[name]}" for name in dict.fromkeys(named) if name in ways]
    return "; ".join([ways[GENERAL], *own])


def _normal(name: str) -> str:
    plain = re.sub(r"[^a-z]", "", name.lower())
    return _ALSO.get(plain, plain)
