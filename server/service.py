"""Calls of tools: the worker that does one, and the answers of earlier calls that still hold."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import anyio

from .jobs import Outcome, Request
from .telemetry import Observed, Telemetry
from .workers import Failed, Refused, Workers
from .workspace import Workspace

MAX_FINDINGS = 20_000  # in one answer
MAX_KEPT = 50_000  # findings in all answers that are kept
QUICK = 256 * 1024  # bytes of arguments up to which a review takes a fraction of a second


class Service:
    """Runs tools; remembers answers by the content of all files they were made from."""

    def __init__(
        self, roots: tuple[Path, ...], workers: Workers, telemetry: Telemetry | None = None
    ) -> None:
        self.roots, self.workers = roots, workers
        self.telemetry = telemetry or Telemetry()
        self.running = 0
        self.draining = False
        self._kept: OrderedDict[bytes, Outcome[Any]] = OrderedDict()

    async def run(
        self, job: str, request: Request, progress: Callable[[str], Awaitable[None]]
    ) -> Any:
        """The answer of a job of `server.jobs`. Raises `Refused` and `Failed`."""
        with self.telemetry.call(job) as observed:
            if self.draining:
                observed.outcome = "refused"
                raise Refused("the server is shutting down; call again in a moment")
            self.running += 1
            try:
                return await self._answer(job, request, progress, observed)
            except Refused:
                observed.outcome = "refused"
                raise
            except anyio.get_cancelled_exc_class():
                observed.outcome = "cancelled"
                raise
            finally:
                self.running -= 1

    async def _answer(
        self,
        job: str,
        request: Request,
        progress: Callable[[str], Awaitable[None]],
        observed: Observed,
    ) -> Any:
        request = replace(request, max_findings=MAX_FINDINGS)
        encoded = pickle.dumps((job, request))
        observed.size = len(encoded)
        key = blake2b(encoded).digest()
        outcome = self._kept.get(key)
        if outcome is not None:
            outcome = await self._renewed(outcome)
        observed.outcome = "repeated" if outcome else "failed"
        if outcome is None:
            quick = job == "review_api" and not request.roots and len(encoded) <= QUICK
            outcome = await self.workers.run(job, request, progress, quick)
            observed.outcome = "ok"
        observed.size += sum(stamp.size for stamp in outcome.stamps)
        observed.findings = outcome.size
        self._keep(key, outcome)
        return outcome.answer

    async def drain(self, seconds: float) -> None:
        """Refuse new calls and wait for the running ones."""
        self.draining = True
        with anyio.move_on_after(seconds):
            while self.running:
                await anyio.sleep(0.02)

    async def _renewed(self, outcome: Outcome[Any]) -> Outcome[Any] | None:
        """The outcome, if every path leads where it led; in a thread, as files may be read."""

        def check() -> Outcome[Any] | None:
            workspace = Workspace(self.roots)
            stamps = [workspace.renewed(stamp) for stamp in outcome.stamps]
            current = tuple(stamp for stamp in stamps if stamp)
            return replace(outcome, stamps=current) if len(current) == len(stamps) else None

        return await anyio.to_thread.run_sync(check)

    def _keep(self, key: bytes, outcome: Outcome[Any]) -> None:
        self._kept[key] = outcome
        self._kept.move_to_end(key)
        size = sum(kept.size + 100 for kept in self._kept.values())
        while size > MAX_KEPT and self._kept:
            _, dropped = self._kept.popitem(last=False)
            size -= dropped.size + 100


__all__ = ["Failed", "Refused", "Service"]
