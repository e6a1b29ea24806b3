"""How much a caller may ask for: calls at a time, calls a minute; and how much all together."""

from __future__ import annotations

import json
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.types import ASGIApp, Receive, Scope, Send

MAX_REMEMBERED: Final = 10_000  # callers
BUSY: Final = 1  # seconds after which to try again, if the server or the caller is busy


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one principal, and of all: calls at a time, and calls a minute. 0: no limit."""

    at_a_time: int = 16
    a_minute: int = 600
    of_all: int = 256


@dataclass(slots=True)
class _Caller:
    """A principal: calls under way, and its bucket of calls (filled up to `seen`, a time)."""

    running: int
    left: float
    seen: float


class Admission:
    """ASGI middleware: refuses POST requests beyond the limits with 429 and Retry-After.

    A principal is the subject of its token, or the address it calls from. Buckets refill evenly:
    a minute's worth of calls may come at once, but not twice.
    """

    def __init__(
        self, app: ASGIApp, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app, self._limits, self._clock = app, limits, clock
        self._callers: OrderedDict[str, _Caller] = OrderedDict()
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        caller = self._caller(principal(scope))
        wait = self._wait(caller)
        if wait:
            await _refuse(send, wait)
            return
        caller.running += 1
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            caller.running -= 1
            self._running -= 1

    def _caller(self, name: str) -> _Caller:
        now, full = self._clock(), float(self._limits.a_minute)
        caller = self._callers.setdefault(name, _Caller(0, full, now))
        self._callers.move_to_end(name)
        caller.left = min(full, caller.left + (now - caller.seen) * full / 60)
        caller.seen = now
        if len(self._callers) > MAX_REMEMBERED:
            self._forget()
        return caller

    def _forget(self) -> None:
        """Forget whoever called longest ago and has nothing under way."""
        for name, caller in self._callers.items():
            if not caller.running:
                del self._callers[name]
                return

    def _wait(self, caller: _Caller) -> int:
        """Seconds after which a call may be tried again; 0: now, and it counts."""
        limits = self._limits
        if limits.of_all and self._running >= limits.of_all:
            return BUSY
        if limits.at_a_time and caller.running >= limits.at_a_time:
            return BUSY
        if limits.a_minute:
            if caller.left < 1:
                return math.ceil((1 - caller.left) * 60 / limits.a_minute)
            caller.left -= 1
        return 0


def principal(scope: Scope) -> str:
    """Who sends a request: the subject of its token, else its address."""
    user = scope.get("user")
    if isinstance(user, AuthenticatedUser):
        token = user.access_token
        return f"{(token.claims or {}).get('iss', '')}#{token.subject or token.client_id}"
    return str((scope.get("client") or ("",))[0])


async def _refuse(send: Send, seconds: int) -> None:
    message = f"too many calls; try again in {seconds} second{'s' * (seconds > 1)}"
    error: dict[str, Any] = {"code": -32000, "message": message}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(seconds).encode()),
    ]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": body})
