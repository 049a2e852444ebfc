"""When spans are made and where they go; the spans of a real run are in tests/integration/test_traces.py."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoints
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from configs.settings import export_dotenv
from graph.events import Event
from graph.quiet_logs import log_once
from graph.telemetry import MISSING, Telemetry, open_telemetry
from graph.telling import RunName

RUN = RunName("thread", "task")
OPENED: Event = {"type": "task_opened", "id": "task", "question": "secret plans?", "at": 1.0}
DEAD = "http://127.0.0.1:9"


@contextmanager
def closing(telemetry: Telemetry | None) -> Iterator[Telemetry]:
    assert telemetry is not None
    yield telemetry
    telemetry.close()


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_SERVICE_NAME": "x"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": DEAD, "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": DEAD, "OTEL_SDK_DISABLED": "true"},
    ],
)
def test_nothing_is_opened_where_nothing_asks_for_spans(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert open_telemetry() is None


def test_an_application_with_a_tracer_provider_gets_the_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", provider)
    with closing(open_telemetry()) as telemetry, provider.get_tracer("app").start_as_current_span("request") as request:
        telemetry.heard(RUN, OPENED)
        telemetry.heard(RUN, {"type": "run_ended", "status": "failed", "error": "ToolServerError: gone", "at": 2.5})
    run = next(span for span in kept.get_finished_spans() if span.name == "invoke_agent memento")
    assert run.parent is not None and run.parent.span_id == request.get_span_context().span_id
    assert (run.start_time, run.end_time) == (1_000_000_000, 2_500_000_000)
    assert run.attributes is not None and run.attributes["error.type"] == "ToolServerError"
    assert not run.status.is_ok and "secret" not in str(run.attributes)


def test_console_spans_leave_stdout_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    with closing(open_telemetry()) as telemetry:
        telemetry.heard(RUN, OPENED)  # cut off: ended by close
    told = capsys.readouterr()
    assert told.out == ""
    assert "invoke_agent memento" in told.err and "interrupted" in told.err


def test_a_missing_exporter_is_one_clear_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", DEAD)
    monkeypatch.setattr("graph.telemetry.entry_points", lambda **_: EntryPoints())
    with closing(open_telemetry()) as telemetry:
        telemetry.heard(RUN, OPENED)
        assert [telemetry.fault(), telemetry.fault()] == [MISSING, None]
    assert "pip install '.[otel]'" in MISSING


def test_a_collector_that_is_not_there_holds_up_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", DEAD)
    started = time.monotonic()
    with closing(open_telemetry()) as telemetry:
        for number in range(200):
            telemetry.heard(RunName("thread", str(number)), OPENED)
        assert time.monotonic() - started < 2
    assert time.monotonic() - started < 8
    assert len([each for each in caplog.records if each.name.startswith("opentelemetry")]) <= 1


def test_only_the_first_warning_is_let_through_and_as_one_line(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("test.exporter")
    log_once(["test.exporter"])
    log_once(["test.exporter"])
    for number in range(3):
        logger.warning("batch %d\nand a long story", number)
    assert [each.getMessage() for each in caplog.records] == ["batch 0"]


def test_variables_of_dotenv_reach_libraries_and_give_way_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("OTEL_SERVICE_NAME=file\nOTEL_TRACES_EXPORTER=file\nOTHER_NAME=file\n", encoding="utf-8")
    monkeypatch.setattr("os.environ", {**os.environ, "OTEL_TRACES_EXPORTER": "environment"})
    export_dotenv(("OTEL_",))
    assert (os.environ["OTEL_SERVICE_NAME"], os.environ["OTEL_TRACES_EXPORTER"]) == ("file", "environment")
    assert "OTHER_NAME" not in os.environ
