"""The spans of one run, built from its events: run, round, subtask, model call, tool call.

Names and attributes follow OpenTelemetry's semantic conventions for generative AI where they have one; the rest is
under `memento.`. What is asked, called with and answered is content and left out unless it was asked for.
https://opentelemetry.io/docs/specs/semconv/gen-ai/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context

from graph.events import Event
from graph.telling import RunName

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer
    from opentelemetry.util.types import AttributeValue

PROVIDERS = {"openai": "openai", "azure": "azure.ai.openai"}


class RunSpans:
    """Takes a run's events in their order; `Tracer` gives the spans, whose times are the events'."""

    def __init__(self, tracer: Tracer, run: RunName, *, content: bool = False) -> None:
        self._tracer = tracer
        self._run = run
        self._content = content
        self._root: Span | None = None
        self._began = 0.0
        self._round: Span | None = None
        self._rounds = 0
        self._planned = False
        self._subtasks: dict[int, Span] = {}
        self._tools: dict[tuple[int, str], Span] = {}
        self._tokens = [0, 0]

    def apply(self, event: Event) -> None:
        """Begin and end spans as the event says."""
        at = event["at"]
        root = self._opened(at)
        match event["type"]:
            case "task_opened":
                self._say(root, "gen_ai.input.messages", "user", event["question"])
            case "cases_retrieved":
                span = self._begin("retrieve_cases", self._began, root)
                _set(span, {"memento.policy": event["policy"], "memento.cases": len(event["cases"])})
                span.end(_nanoseconds(at))
            case "model_called" | "model_failed":
                self._model(event)
            case "plan_made":
                self._planned = True
                if self._round is not None:
                    _set(self._round, {"memento.plan.subtasks": len(event["subtasks"])})
            case "subtask_started":
                self._subtasks[event["id"]] = self._begin(f"subtask {event['id']}", at, self._round or root)
                self._say(self._subtasks[event["id"]], "memento.subtask", "", event["description"])
            case "tool_called":
                self._tool(event)
            case "tool_returned":
                self._returned(event)
            case "subtask_finished":
                self._finished(event)
            case "answered":
                self._say(root, "gen_ai.output.messages", "assistant", event["answer"])
                if self._round is not None and not self._planned:
                    self._round.update_name("answer")
                self._end_round(at)
            case "rewarded" if event["reward"] is not None:
                _set(root, {"memento.reward": event["reward"], "memento.reward_source": event["source"] or ""})
            case "case_written":
                _set(root, {"memento.case_id": event["case_id"]})
            case "budget_reached":
                root.add_event("budget_reached", {"memento.budget": event["budget"]}, _nanoseconds(at))
            case "reflected" | "approval_requested" | "approval_answered" | "warned" as name:
                root.add_event(name, {"message": event["message"]} if name == "warned" else None, _nanoseconds(at))  # type: ignore[typeddict-item]
            case "run_ended":
                self.end(at, event["status"], event["error"])

    def end(self, at: float, status: str, error: str | None = None) -> None:
        """End what is still going on, and the run."""
        moment = _nanoseconds(at)
        for span in [*self._tools.values(), *self._subtasks.values()]:
            _set(span, {"memento.status": "interrupted"})
            span.end(moment)
        self._tools.clear()
        self._subtasks.clear()
        self._end_round(at)
        if self._root is not None:
            tokens = {"gen_ai.usage.input_tokens": self._tokens[0], "gen_ai.usage.output_tokens": self._tokens[1]}
            _set(self._root, {"memento.status": status, **tokens})
            if error is not None:
                _fail(self._root, error)
            self._root.end(moment)
            self._root = None

    def _opened(self, at: float) -> Span:
        if self._root is None:
            self._began = at
            self._root = self._tracer.start_span("invoke_agent memento", start_time=_nanoseconds(at))
            _set(
                self._root,
                {
                    "gen_ai.operation.name": "invoke_agent",
                    "gen_ai.agent.name": "memento",
                    "gen_ai.conversation.id": self._run.thread_id,
                    "memento.task_id": self._run.task_id,
                },
            )
        return self._root

    def _begin(self, name: str, at: float, parent: Span, kind: SpanKind = SpanKind.INTERNAL) -> Span:
        return self._tracer.start_span(name, set_span_in_context(parent), kind, start_time=_nanoseconds(at))

    def _end_round(self, at: float) -> None:
        if self._round is not None:
            self._round.end(_nanoseconds(at))
        self._round, self._planned = None, False

    def _parent(self, role: str, subtask: int | None, at: float) -> Span:
        """A planner's call after a plan begins the next round."""
        root = self._opened(at)
        if subtask is not None:
            return self._subtasks.get(subtask, root)
        if role == "planner":
            if self._planned:
                self._end_round(at)
            if self._round is None:
                self._rounds += 1
                self._round = self._begin(f"round {self._rounds}", at, root)
        return self._round or root

    def _model(self, event: Mapping[str, Any]) -> None:
        started = event["started_at"]
        provider, _, name = event["model"].partition(":")
        parent = self._parent(event["role"], event["subtask"], started)
        span = self._begin(f"chat {name or provider}", started, parent, SpanKind.CLIENT)
        _set(
            span,
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": PROVIDERS.get(provider, provider),
                "gen_ai.request.model": name or provider,
                "gen_ai.conversation.id": self._run.thread_id,
                "memento.role": event["role"],
            },
        )
        if event["type"] == "model_failed":
            _fail(span, event["error"])
        else:
            tokens = (event["input_tokens"], event["output_tokens"])
            self._tokens = [before + more for before, more in zip(self._tokens, tokens, strict=True)]
            _set(span, {"gen_ai.usage.input_tokens": tokens[0], "gen_ai.usage.output_tokens": tokens[1]})
            if event["cost_usd"] is not None:
                _set(span, {"memento.cost_usd": event["cost_usd"]})
        span.end(_nanoseconds(started + event["seconds"]))

    def _tool(self, event: Mapping[str, Any]) -> None:
        at = event["at"]
        span = self._begin(f"execute_tool {event['name']}", at, self._subtasks.get(event["subtask"], self._opened(at)))
        _set(
            span,
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": event["name"],
                "gen_ai.tool.type": "function",
                "gen_ai.tool.call.id": event["id"],
            },
        )
        if self._content:
            _set(span, {"gen_ai.tool.call.arguments": json.dumps(event["arguments"], ensure_ascii=False, default=str)})
        self._tools[event["subtask"], event["id"]] = span

    def _returned(self, event: Mapping[str, Any]) -> None:
        span = self._tools.pop((event["subtask"], event["id"]), None)
        if span is None:
            return
        if not event["ok"]:
            _fail(span, f"tool_error: {event['result']}" if self._content else "tool_error")
        if self._content:
            _set(span, {"gen_ai.tool.call.result": event["result"]})
        span.end(_nanoseconds(event["at"]))

    def _finished(self, event: Mapping[str, Any]) -> None:
        span = self._subtasks.pop(event["id"], None)
        if span is None:
            return
        _set(span, {"memento.status": event["status"]})
        if event["status"] == "failed":
            _fail(span, f"subtask_failed: {event.get('reason') or ''}" if self._content else "subtask_failed")
        span.end(_nanoseconds(event["at"]))

    def _say(self, span: Span, name: str, role: str, text: str) -> None:
        if not self._content:
            return
        message = [{"role": role, "parts": [{"type": "text", "content": text}]}]
        _set(span, {name: json.dumps(message, ensure_ascii=False) if role else text})


def _set(span: Span, attributes: Mapping[str, AttributeValue]) -> None:
    span.set_attributes({name: value for name, value in attributes.items() if value != ""})


def _fail(span: Span, error: str) -> None:
    kind, _, message = error.partition(":")
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, message.strip() or None))


def _nanoseconds(at: float) -> int:
    return int(at * 1_000_000_000)
