"""Traces and spans of real runs: written wherever the graph runs, appended by a resumed run, never repeated."""

from __future__ import annotations

import asyncio
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from cli.run_story import story_of
from graph.api import aask, aresume
from graph.builder import build_graph
from graph.context import Context
from graph.traces import Traced, read_trace
from tests.conftest import SettingsFactory
from tests.fakes.scripted_model import ScriptedModel, Step, calls, plan
from tests.fakes.services import ProviderFault, scripted_services
from tests.fakes.sink import Sink

QUESTION = "What is 48 times 37?"
ANSWER = '{"final_answer": "1776"}'


def executor() -> ScriptedModel:
    return ScriptedModel(
        [
            Step("1776", when="^tool: 1776", times=1),
            Step(calls(("multiply", {"a": 48, "b": 37})), when="Subtask: Multiply", times=1),
            Step("FAILED: division by zero", when="^tool: .*zero", times=1),
            Step(calls(("divide", {"a": 7, "b": 0})), when="Subtask: Divide", times=1),
        ]
    )


def planner(*between: Step) -> ScriptedModel:
    return ScriptedModel([plan("Multiply 48 by 37.", "Divide 7 by 0."), *between, ANSWER])


@pytest.fixture
def collector() -> Iterator[Sink]:
    with Sink() as running:
        yield running


async def trace(home: Path, thread_id: str) -> list[Traced]:
    return await asyncio.to_thread(read_trace, home, thread_id)


def kinds(traced: list[Traced]) -> list[str]:
    return [each.event["type"] for each in traced]


async def test_a_resumed_run_appends_to_its_trace_and_repeats_nothing(settings: SettingsFactory, home: Path) -> None:
    made = settings(judge_model="none", policy="none")
    async with scripted_services(made, planner(Step(ProviderFault("no luck"))), executor()) as services:
        failed = await aask(QUESTION, thread_id="t1", services=services)
        assert failed.status == "failed"
        first = await trace(home, "t1")
        assert kinds(first)[0] == "task_opened"
        assert kinds(first)[-2:] == ["model_failed", "run_ended"]
        assert first[-1].event["error"] == "ModelUnavailableError: the model is down: no luck"
        done = await aresume("t1", services=services)
        assert done.status == "answered"
    whole = await trace(home, "t1")
    assert whole[: len(first)] == first
    assert kinds(whole)[len(first)] == "run_resumed"
    assert kinds(whole)[-2:] == ["case_written", "run_ended"]
    assert (whole[-1].event["status"], whole[-1].event["error"]) == ("answered", None)
    assert len({each.run for each in whole}) == 1
    count = Counter(kinds(whole))
    assert (count["task_opened"], count["tool_called"], count["tool_returned"], count["model_called"]) == (1, 2, 2, 6)
    times = [each.event["at"] for each in whole]
    assert times == sorted(times)
    path = home / "traces" / "t1.jsonl"
    modes = [stat.S_IMODE((await asyncio.to_thread(each.stat)).st_mode) for each in (path, path.parent)]
    assert modes == [0o600, 0o700]
    (halt,) = story_of({}, [each.event for each in whole]).halts
    assert (halt.kind, halt.reason) == ("stopped", "ModelUnavailableError: the model is down: no luck")


async def test_a_graph_that_is_called_directly_is_traced_and_may_have_no_thread(
    settings: SettingsFactory, home: Path
) -> None:
    made = settings(judge_model="none", policy="none")
    async with scripted_services(made, planner(), executor()) as services:
        state = await build_graph(services).ainvoke(
            {"messages": [HumanMessage(QUESTION)]}, {"configurable": {"thread_id": "direct"}}, context=Context()
        )
    assert state["answer"] == "1776"
    assert kinds(await trace(home, "direct"))[-1] == "run_ended"


async def test_traces_can_be_switched_off(settings: SettingsFactory, home: Path) -> None:
    made = settings(judge_model="none", policy="none", traces="false")
    async with scripted_services(made, planner(), executor()) as services:
        assert (await aask(QUESTION, services=services)).status == "answered"
    assert not await asyncio.to_thread((home / "traces").exists)


async def test_a_trace_that_cannot_be_written_is_one_warning(settings: SettingsFactory, home: Path) -> None:
    await asyncio.to_thread(home.mkdir)
    await asyncio.to_thread((home / "traces").write_text, "no folder")
    made = settings(judge_model="none", policy="none")
    told: list[str] = []
    async with scripted_services(made, planner(), executor()) as services:
        result = await aask(
            QUESTION,
            services=services,
            on_event=lambda event: told.append(event["message"]) if event["type"] == "warned" else None,
        )
    assert result.status == "answered"
    assert len(told) == 1
    assert "trace" in told[0] and "traces" in told[0]


def spans_of(collector: Sink) -> dict[str, Span]:
    """The spans that arrived, by name; what comes more than once is numbered from the second."""
    found: dict[str, Span] = {}
    for sent in collector.posted("/v1/traces"):
        for resource in ExportTraceServiceRequest.FromString(sent.body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    times = sum(name.split("#")[0] == span.name for name in found)
                    found[f"{span.name}#{times + 1}" if times else span.name] = span
    return found


def attributes(span: Span) -> dict[str, str | int]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


@pytest.mark.parametrize("content", [False, True])
async def test_a_run_is_spans_that_hang_together(
    content: bool, collector: Sink, settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = settings(judge_model="none", policy="none")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "my-agent")
    if content:
        monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    async with scripted_services(made, planner(), executor()) as services:
        await aask(QUESTION, thread_id="t1", services=services, expected="1776")
    spans = spans_of(collector)
    by_id = {span.span_id: name for name, span in spans.items()}
    parents = {name: by_id.get(span.parent_span_id, "") for name, span in spans.items()}
    assert parents["invoke_agent memento"] == ""
    assert parents["round 1"] == parents["retrieve_cases"] == parents["answer"] == "invoke_agent memento"
    assert parents["subtask 1"] == parents["subtask 2"] == "round 1"
    assert (parents["execute_tool multiply"], parents["execute_tool divide"]) == ("subtask 1", "subtask 2")
    assert Counter(parents[name] for name in spans if name.startswith("chat ")) == {
        "round 1": 1, "subtask 1": 2, "subtask 2": 2, "answer": 1,
    }  # fmt: skip
    root = attributes(spans["invoke_agent memento"])
    assert (root["gen_ai.operation.name"], root["gen_ai.conversation.id"]) == ("invoke_agent", "t1")
    assert (root["memento.status"], root["memento.reward"]) == ("answered", 1)
    chat = attributes(spans["chat scripted"])
    assert (chat["gen_ai.operation.name"], chat["gen_ai.request.model"]) == ("chat", "scripted")
    assert int(chat["gen_ai.usage.input_tokens"]) > 0
    failed = spans["execute_tool divide"]
    assert (failed.status.code, attributes(failed)["error.type"]) == (2, "tool_error")
    for name, span in spans.items():
        assert span.start_time_unix_nano <= span.end_time_unix_nano, name
    told = collector.everything()
    assert (QUESTION.encode() in told, b"1776" in told) == (content, content)
    assert collector.sent[0].headers["x-tenant"] == "blue"
    assert b"my-agent" in told and b"deployment.environment" in told
