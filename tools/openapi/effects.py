"""Whether calls that should only read change data, by their names."""

from __future__ import annotations

import re

from .api import Api, Operation
from .purposes import segments, spoken

_CHANGES = re.compile(
    r"_(create|add|insert|register|delete|remove|destroy|drop|purge|wipe|erase|truncate|update"
    r"|modify|edit|set|reset|save|change|rename|revoke|rotate|disable|enable|activate|deactivate"
    r"|cancel|approve|reject|ban|unban|block|unblock|lock|unlock|suspend|publish|unpublish|send"
    r"|resend|submit|subscribe|unsubscribe|install|uninstall|restart|reboot|shutdown|terminate"
    r"|kill|populate|seed|migrate|initiali[sz]e|grant|assign|unassign|transfer|pay|buy|purchase"
    r"|refund|charge|redeem|logout|log_?out|sign_?out)s?_"
)
_CREATES_DATABASE = re.compile(r"^_(create|init|drop|reset|seed|flush)_?(db|database|tables)_$")
_READS = re.compile(r"_(get|list|fetch|read|retrieve|show|find|search|query|download|view|check)_")


def changes_by_safe_method(operation: Operation) -> str:
    """The word by which a GET or HEAD seems to change data; empty if none does.

    Read from the last segment of the path, the `operationId` and the summary; two of them, or the
    path and no word of reading, have to agree.
    """
    return operation.api.found(_change, operation)


def _change(_: Api, operation: Operation) -> str:
    if operation.method not in ("get", "head"):
        return ""
    id, summary = spoken(operation)[1:]
    last = next(iter(segments(operation)[-1:]), "_")
    ends_in_verb = _CHANGES.fullmatch(last) or _CREATES_DATABASE.match(last)
    names = [text for text in (id, summary) if text != "_"]
    agreeing = [text for text in names if _CHANGES.match(text)]
    reading = [text for text in names if _READS.match(text)]
    if (ends_in_verb and not reading) or len(agreeing) == 2:
        return (agreeing[0] if agreeing else last).strip("_")
    return ""
