"""What the names of operations and parameters tell, word by word."""

from __future__ import annotations

import re

from ..names import CREDENTIAL, words
from .api import TEMPLATE, Operation

AUTHENTICATES = re.compile(rf"{CREDENTIAL.pattern}|^_(x_)?token_$|_(signature|session_?id|sid)_")


_ANONYMOUS = re.compile(
    r"_(log_?(out|off)|sign_?(out|off)|forg[eo]t(ten)?|recover(y)?|anonymous(ly)?"
    r"|(password|pin|credentials?|account)_reset|reset_(\w+_)?(password|pin|credentials?)"
    r"|verif(y|ication)|confirm(ation)?|activat(e|ion))_"
)
_ANONYMOUS_POST = re.compile(
    r"_(log_?(in|on)|sign_?(in|up|on)|auth|o_?auth2?|authenticate|authentication|authori[sz]e|sso"
    r"|saml|regist(er|ration)|enrol(l|lment)?|onboarding|guest|callback|ipn|health(z|check)?|ping"
    r"|contact_us|feedback|newsletter|search(es)?|query|find|lookup|filter|graphql"
    r"|introspect(ion)?|validat(e|ion)|preview|estimate|calculate|captcha|csrf|challenges?|otp|mfa"
    r"|passkeys?|webauthn|telemetry|beacon)_"
)
_ANONYMOUS_SEGMENT = re.compile(
    r"_((access_)?tokens?|sessions?|check|contact|queries|setup|refresh)_"
)
_SUBSCRIBES = re.compile(r"_(un)?subscribe_")
_SUBSCRIPTIONS = re.compile(r"_(subscriptions?|hooks?|topics?|channels?|plans?|billing)_")
_RECEIVER = re.compile(r"_(web_?)?hooks?_")
_MANAGES = re.compile(r"_(create|add|new|update|set|replace|register|ping|test|redeliver)_")
_READS = re.compile(r"_(get|list|fetch|read|retrieve|download|count|check|compare|convert)_")


def comes_before_login(operation: Operation) -> bool:
    """Whether its path, operationId or summary tell of a call that comes before any login."""
    segments = [words(part) for part in operation.path.split("/") if part[:1] not in ("", "{")]
    told = operation.node.get("summary") or operation.node.get("description") or ""
    opening = " ".join(str(told)[:200].split()[:4])
    names = [words(operation.node.get("operationId", "")), words(opening)]
    static = words(TEMPLATE.sub("", operation.path))
    if any(map(_ANONYMOUS.search, (static, *names))):
        return True
    if any(map(_SUBSCRIBES.search, (static, *names))):  # to a newsletter, not as a resource
        return not _SUBSCRIPTIONS.search(static)
    return operation.method == "post" and (
        any(map(_ANONYMOUS_POST.search, (*segments, *names)))
        or any(map(_ANONYMOUS_SEGMENT.fullmatch, segments[-1:]))
        or any(map(_READS.match, (*segments[-1:], *names)))
        or (any(map(_RECEIVER.fullmatch, segments)) and not any(map(_MANAGES.search, names)))
    )
