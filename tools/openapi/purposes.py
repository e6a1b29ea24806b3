"""What an operation is for, where that calls for care: login, recovery, administration, …

Told by its path, operationId, summary and by what its request holds; nothing else of its texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

from ..names import words
from .api import TEMPLATE, Api, Body, Operation
from .sensitivity import Field, Sense, fields, holds_value, sense_of


class Purpose(StrEnum):
    """A step that attackers repeat, or that only few may take."""

    LOGIN = "log in"
    REGISTRATION = "register"
    RECOVERY = "start a recovery"
    CODE_CHECK = "check a one-time code"
    CREDENTIAL_CHANGE = "change a credential"
    ADMINISTRATION = "administer"
    DEBUGGING = "debug or set up"


_LOGIN = re.compile(r"_(log_?in|sign_?in|authenticate|authentication|log_?on|sso)_")
_TOKEN_ENDPOINT = re.compile(r"_(access_)?tokens?_|_sessions?_|_auth_|_jwt_")
_REGISTRATION = re.compile(
    r"_(sign_?up|regist(er|ration)|create_(an?_|new_)*(user_)?account|enroll?(ment)?)_"
)
_RECOVERY = re.compile(
    r"_(forg[eo]t(ten)?|recover(y)?|lost)_(\w+_)?(password|account|pin|credentials?)_"
    r"|_(password|account)_(reset|recovery|forgot(ten)?)_|_(forgot|forget|recover)_"
    r"|_reset_(\w+_)?password_|_(re_?)?send_(\w+_)?(otp|code|pin|sms|token|verification)_"
)
_CODE_CHECK = re.compile(
    r"_(otp|totp|mfa|2_fa|two_factor|verification|pin|one_time)_|_(check|verify|validate|confirm)_"
)
_CHANGE = re.compile(
    r"_(change|update|set|reset|edit|modify|replace|new)_(\w+_)?(password|passwd|pin)_"
    r"|_(password|passwd)_(change|update|reset)_"
)
_ADMINISTRATION = re.compile(
    r"^_(admin|administration|administrator|management|backoffice|root)s?_$"
)
_ADMIN_NAME = re.compile(r"_(as|by|for|only)_(an_)?admins?(istrators?)?_|_admins?_only_|^_admin_")
_DEBUGGING = re.compile(
    r"^_(debug|dbg|actuator|heap_?dump|thread_?dump|php_?info|create_?db|init_?db|reset_?db"
    r"|drop_?db|seed_?db|flush_?db|graphiql|playground)_$"
)
_INTERNAL_AREA = re.compile(r"^_(internal|private|dev|test|testing|console|shell|dump|seed)_$")
_TOLD = (  # most operations have none of these in their names and need no closer look
    *("admin", "manage", "backoffice", "root", "debug", "dbg", "actuator", "dump", "info", "db"),
    *("graphiql", "playground", "internal", "private", "dev", "test", "console", "shell", "seed"),
    *("log", "sign", "auth", "sso", "token", "session", "jwt", "regist", "account", "enrol"),
    *("forgot", "forget", "recover", "lost", "passw", "reset", "send", "otp", "mfa", "2fa"),
    *("factor", "verif", "pin", "one", "check", "validate", "confirm"),
)


def purposes(api: Api) -> dict[Operation, frozenset[Purpose]]:
    """The purposes of every operation that has any."""
    found = {operation: _purposes(operation) for operation in api.operations}
    return {operation: these for operation, these in found.items() if these}


def purposes_of(operation: Operation) -> frozenset[Purpose]:
    """The purposes of one operation; empty for all that are ordinary."""
    return operation.api.once(purposes).get(operation, frozenset())


def segments(operation: Operation) -> list[str]:
    """The fixed segments of the path, each as its words."""
    return [words(part) for part in TEMPLATE.sub("", operation.path).split("/") if part]


def spoken(operation: Operation) -> tuple[str, ...]:
    """What names an operation: the end of its path, its operationId, its summary; as words."""
    end = "".join(segments(operation)[-2:]).replace("__", "_") or "_"
    summary = " ".join(str(operation.node.get("summary") or "")[:200].split()[:8])
    operation_id = str(operation.node.get("operationId") or "")[:200].rpartition(".")[2]
    return end, words(operation_id), words(summary)


def received(operation: Operation) -> tuple[Field, ...]:
    """What a request holds that needs care: in its body, a form or the query."""
    return operation.api.found(_received, operation)


def answered(operation: Operation) -> tuple[Field, ...]:
    """What the body of a successful response holds that needs care."""
    return operation.api.found(_answered, operation)


def _received(api: Api, operation: Operation) -> tuple[Field, ...]:
    return (*_fields(api, operation.request_bodies, ""), *_fields_of_form(api, operation))


def _fields_of_form(api: Api, operation: Operation) -> Iterator[Field]:
    """What a form or the query holds: 2.0 describes each field of a form as a parameter."""
    for _, parameter in operation.parameters:
        if parameter.get("in") in ("formData", "query"):
            name, schema = str(parameter.get("name")), api.schema_of(parameter)
            match = sense_of(name)
            if match and schema and holds_value(api, schema, match.sense):
                yield Field(name, schema, match, False, operation.node)


def _answered(api: Api, operation: Operation) -> tuple[Field, ...]:
    bodies = [body for _, node in operation.success for body in api.bodies(node)]
    return _fields(api, bodies, operation.path)


def _fields(api: Api, bodies: Iterable[Body], around: str) -> tuple[Field, ...]:
    found = {
        field.path: field
        for schema in dict.fromkeys(body.schema for body in bodies)
        for field in fields(api, schema, around)
    }
    return tuple(found.values())


def _purposes(operation: Operation) -> frozenset[Purpose]:
    node = operation.node
    told = f"{operation.path} {node.get('operationId')} {str(node.get('summary'))[:200]}".lower()
    if not any(part in told for part in _TOLD):
        return frozenset()
    names = spoken(operation)
    static = segments(operation)
    found = set()
    if any(map(_DEBUGGING.match, static)) or _is_internal(operation):
        found.add(Purpose.DEBUGGING)
    if _is_administration(operation) or any(map(_ADMIN_NAME.search, names)):
        found.add(Purpose.ADMINISTRATION)
    if operation.method in ("get", "post", "put", "patch"):
        found |= _of_credentials(operation, names)
    return frozenset(found)


def _of_credentials(operation: Operation, names: tuple[str, ...]) -> set[Purpose]:
    text = "".join(names)
    if not any(pattern.search(text) for pattern in _CREDENTIAL_STEPS):
        return set()
    senses = {field.sense for field in received(operation)}
    if operation.method == "get" and Sense.PASSWORD not in senses:
        return set()
    proof = bool(senses & {Sense.PASSWORD, Sense.SECRET, Sense.CODE})
    person = Sense.CONTACT in senses
    found = set()
    if _CHANGE.search(text) or _ends_in_password(operation):
        found.add(Purpose.CREDENTIAL_CHANGE if Sense.PASSWORD in senses else Purpose.RECOVERY)
    elif _RECOVERY.search(text):
        found.add(Purpose.RECOVERY)
    elif _REGISTRATION.search(text) and (proof or person):
        found.add(Purpose.REGISTRATION)
    elif Sense.CODE in senses and _CODE_CHECK.search(text):
        found.add(Purpose.CODE_CHECK)
    elif proof and (_LOGIN.search(text) or _is_token_endpoint(operation, names[0])):
        found.add(Purpose.LOGIN)
    return found


def _is_token_endpoint(operation: Operation, end: str) -> bool:
    """Whether tokens are made here; below an object they are a resource like others."""
    return "{" not in operation.path and _TOKEN_ENDPOINT.search(end) is not None


def _is_internal(operation: Operation) -> bool:
    """Whether the whole area is internal; deeper in a path, `test` is an action of an object."""
    parts = (words(part) for part in operation.path.split("/") if part)
    first = next((part for part in parts if not _PREFIX.match(part)), "")
    return _INTERNAL_AREA.match(first) is not None


_PREFIX = re.compile(r"^_(api|rest|v(_\d+)+|\w+_(service|api))_$")


def _is_administration(operation: Operation) -> bool:
    """Whether a segment names the area; behind an id, `admin` is an attribute of the object."""
    parts = operation.path.rstrip("/").split("/")
    areas = parts[:-1] if parts[-2:-1] and parts[-2].startswith("{") else parts
    return any(_ADMINISTRATION.match(words(part)) for part in areas)


def _ends_in_password(operation: Operation) -> bool:
    return words(operation.path.rstrip("/").rpartition("/")[2]) in ("_password_", "_passwd_")


_CREDENTIAL_STEPS = (
    _LOGIN,
    _TOKEN_ENDPOINT,
    _REGISTRATION,
    _RECOVERY,
    _CODE_CHECK,
    _CHANGE,
    re.compile("_password_"),
)
