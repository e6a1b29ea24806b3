"""What operators see of calls: a line of JSON on standard error, OpenTelemetry spans and metrics.

Never a document, a name in it, a path, or a token: the tool, sizes, times, counts, the outcome.
Without an OpenTelemetry SDK in the process the spans and metrics cost nothing and go nowhere.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

from mcp.server.auth.middleware.auth_context import get_access_token
from opentelemetry import metrics, trace

from . import version


@dataclass(slots=True)
class Observed:
    """What a call turned out to be; filled in while it runs."""

    size: int = 0  # bytes of its arguments and of the files it read
    findings: int = 0  # or steps, or rows: what the answer consists of
    outcome: str = "failed"  # ok, repeated (nothing had changed), refused, failed, cancelled


class Telemetry:
    """Tells of calls. `log` is where lines go; None: nowhere."""

    def __init__(self, log: TextIO | None = None) -> None:
        self._log = log
        self._tracer = trace.get_tracer("backend_architect")
        meter = metrics.get_meter("backend_architect")
        self._duration = meter.create_histogram(
            "backend_architect.call.duration", "s", "Time from a call to its answer"
        )
        self._size = meter.create_histogram(
            "backend_architect.call.size", "By", "Arguments of a call and the files it read"
        )
        self._findings = meter.create_histogram(
            "backend_architect.call.findings", "{finding}", "Findings, or steps, of an answer"
        )

    @contextmanager
    def call(self, tool: str) -> Generator[Observed]:
        """Observe a call of a tool from its beginning to its end."""
        observed = Observed()
        began = time.monotonic()
        with self._tracer.start_as_current_span(f"tool {tool}", record_exception=False) as span:
            try:
                yield observed
            finally:
                seconds = time.monotonic() - began
                labels = {"tool": tool, "outcome": observed.outcome}
                self._duration.record(seconds, labels)
                self._size.record(observed.size, labels)
                self._findings.record(observed.findings, labels)
                span.set_attributes(
                    {**labels, "size": observed.size, "findings": observed.findings}
                )
                self._write(tool, seconds, observed)

    def _write(self, tool: str, seconds: float, observed: Observed) -> None:
        if self._log is None:
            return
        token = get_access_token()
        line: dict[str, Any] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "tool": tool,
            "outcome": observed.outcome,
            "seconds": round(seconds, 4),
            "bytes": observed.size,
            "findings": observed.findings,
            "principal": token.client_id if token else "",
        }
        print(json.dumps(line), file=self._log, flush=True)


def export() -> None:
    """Send spans and metrics over OTLP/HTTP, set up by the usual OTEL_* variables.

    Raises `ValueError` without the extra `telemetry`.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise ValueError("--otlp needs `pip install 'backend-architect[telemetry]'`") from None

    resource = Resource.create({"service.name": "backend-architect", "service.version": version()})
    spans = TracerProvider(resource=resource)
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(spans)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    metrics.set_meter_provider(MeterProvider([reader], resource))
