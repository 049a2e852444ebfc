"""OpenTelemetry by its usual variables: the runs of this process as spans, exported beside them.

A run never waits for an exporter: spans go into a bounded queue, and what does not fit or cannot be sent is dropped.
"""

from __future__ import annotations

import logging
import threading
import time
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from configs.settings import environment_values
from graph.events import Event
from graph.quiet_logs import log_once
from graph.telling import RunName

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

    from graph.spans import RunSpans

logger = logging.getLogger(__name__)
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
EXPORTER = "OTEL_TRACES_EXPORTER"
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
DISABLED = "OTEL_SDK_DISABLED"
SERVICE_NAME = "OTEL_SERVICE_NAME"
CLOSE_SECONDS = 3.0
EXPORT_LOGGERS = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.sdk._shared_internal",
)
MISSING = (
    "OpenTelemetry is asked for, and its SDK or exporter is not installed: pip install '.[otel]'; no spans are sent"
)


def open_telemetry() -> Telemetry | None:
    """What makes spans of the runs; None where nothing asks for them.

    An application that has set a global tracer provider gets the spans there, whatever the variables say.
    """
    variables = environment_values([*ENDPOINTS, *PROTOCOLS, EXPORTER, CONTENT, DISABLED, SERVICE_NAME])
    content = variables.get(CONTENT, "").strip().lower() in ("true", "1", "span_only", "span_and_event")
    provider = _applications_provider()
    if provider is not None:
        return Telemetry(provider.get_tracer("memento"), content=content)
    if variables.get(DISABLED, "").strip().lower() == "true" or variables.get(EXPORTER, "").strip() == "none":
        return None
    if not any(variables.get(name) for name in (*ENDPOINTS, EXPORTER)):
        return None
    try:
        own = _own_provider(variables)
    except ImportError:
        return Telemetry(None, fault=MISSING)
    return Telemetry(own.get_tracer("memento"), own, content=content)


class Telemetry:
    """Implements `graph.telling.Listener`.

    Args:
        tracer: makes the spans; None if there is nothing that can.
        provider: to be flushed and shut down at the end, if it is ours.
        content: questions, arguments, results and answers are put into the spans.
        fault: why there are none.
    """

    def __init__(
        self,
        tracer: Tracer | None,
        provider: TracerProvider | None = None,
        *,
        content: bool = False,
        fault: str | None = None,
    ) -> None:
        self._tracer = tracer
        self._provider = provider
        self._content = content
        self._fault = fault
        self._runs: dict[RunName, RunSpans] = {}

    def heard(self, run: RunName, event: Event) -> None:
        """Fold the event into the run's spans."""
        if self._tracer is None:
            return
        if run not in self._runs:
            from graph.spans import RunSpans

            self._runs[run] = RunSpans(self._tracer, run, content=self._content)
        self._runs[run].apply(event)
        if event["type"] == "run_ended":
            del self._runs[run]

    def fault(self) -> str | None:
        """That something is not installed; told once."""
        fault, self._fault = self._fault, None
        return fault

    async def settled(self) -> None:
        """Nothing is waited for while runs go on."""

    def close(self) -> None:
        """End what is open and send what is left; gives up after a few seconds."""
        while self._runs:
            self._runs.popitem()[1].end(time.time(), "interrupted")
        if self._provider is not None:
            ending = threading.Thread(target=self._provider.shutdown, name="memento-spans", daemon=True)
            ending.start()
            ending.join(CLOSE_SECONDS)
            self._provider = None


def _applications_provider() -> Any:
    """The global tracer provider, if the application has set one that makes real spans."""
    import sys

    if "opentelemetry.sdk.trace" not in sys.modules:
        return None
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import get_tracer_provider

    provider = get_tracer_provider()
    return provider if isinstance(provider, TracerProvider) else None


def _own_provider(variables: dict[str, str]) -> TracerProvider:
    """A provider with the exporters that the variables name; the SDK reads everything else from them itself.

    Raises:
        ImportError: an exporter is not installed.
    """
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create()
    if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "memento"}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    for name in (variables.get(EXPORTER) or "otlp").split(","):
        if name.strip() not in ("", "none"):
            provider.add_span_processor(BatchSpanProcessor(_exporter(name.strip(), variables)))
    log_once(EXPORT_LOGGERS)
    return provider


def _exporter(name: str, variables: dict[str, str]) -> SpanExporter:
    if name == "console":
        import sys

        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr)  # stdout is the result's
    if name == "otlp":
        protocol = next((variables[each] for each in PROTOCOLS if variables.get(each)), "http/protobuf")
        name = "otlp_proto_grpc" if protocol.strip() == "grpc" else "otlp_proto_http"
    for entry in entry_points(group="opentelemetry_traces_exporter", name=name):
        exporter: SpanExporter = entry.load()()
        return exporter
    raise ImportError(f"no exporter {name!r}")
