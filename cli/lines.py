"""The progress of a run as plain lines, for logs, pipes and terminals that cannot move the cursor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from cli.budget_text import budget_text
from cli.printable import call_text, one_line
from cli.progress_text import progress_text

if TYPE_CHECKING:
    from graph.events import Event, ModelCalled, ModelFailed


class Lines:
    """Writes a line or a few for each event. A context manager, to be exchangeable with `LiveView`."""

    def __init__(self, stream: TextIO, *, only_warnings: bool = False) -> None:
        self._stream = stream
        self._only_warnings = only_warnings
        self._warned: set[str] = set()

    def on_event(self, event: Event) -> None:
        """May be called from any thread, by one at a time."""
        if event["type"] == "warned":
            if event["message"] in self._warned:
                return
            self._warned.add(event["message"])
        elif self._only_warnings:
            return
        for line in lines_of(event):
            self._stream.write(f"{line}\n")
        self._stream.flush()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stream.flush()


def remembered_text(note_id: str, text: str) -> str:
    """What was kept, and how to have it forgotten."""
    return f"remembered: {one_line(text)} (memento notes delete {one_line(note_id[:8])})"


def lines_of(event: Event) -> Iterator[str]:
    """What is told of an event; the answer and the reward are told by whoever prints the result."""
    match event["type"]:
        case "cases_retrieved":
            yield f"cases: {len(event['cases'])} by {event['policy']}"
            for case in event["cases"]:
                outcome = "right" if case["reward"] == 1 else "wrong"
                yield f"  {case['score']:.2f} {outcome} {case['id']} {one_line(case['task'], 100)}"
        case "remembered":
            yield remembered_text(event["note_id"], event["text"])
        case "plan_made":
            yield f"plan: round {event['cycle']}"
            for subtask in event["subtasks"]:
                yield f"  {subtask['id']} {one_line(subtask['description'])}"
        case "subtask_started":
            yield f"[{event['id']}] {one_line(event['description'])}"
        case "model_called":
            tokens = f"{event['input_tokens']:,} + {event['output_tokens']:,} tokens"
            cost = "" if event["cost_usd"] is None else f", ${event['cost_usd']:.4f}"
            yield f"{_who(event)}: {tokens}, {event['seconds']:.1f} s{cost}"
        case "model_failed":
            yield f"{_who(event)}: failed: {one_line(event['error'])}"
        case "approval_requested":
            yield f"{_place(event['subtask'])} waits for approval: {one_line('; '.join(event['actions']))}"
        case "approval_answered":
            yield f"{_place(event['subtask'])} a person said: {one_line('; '.join(event['decisions']))}"
        case "tool_called":
            yield f"[{event['subtask']}] {call_text(event['name'], event['arguments'], 200)}"
        case "tool_progressed":
            yield f"[{event['subtask']}] {one_line(event['name'])}: {progress_text(event)}"
        case "tool_returned":
            failed = "" if event["ok"] else "failed: "
            yield f"[{event['subtask']}] {one_line(event['name'])} -> {failed}{one_line(event['result'])}"
        case "subtask_finished":
            yield f"[{event['id']}] {event['status']}: {one_line(event['result'])}"
        case "reflected":
            if event["report"]:
                yield f"reflection: {one_line(event['report'], 500)}"
            yield from (f"going round in a circle: {one_line(loop)}" for loop in event["loops"])
        case "budget_reached":
            yield f"budget: {budget_text(event['budget'], event['spent'], event['limit'])}"
        case "warned":
            yield f"memento: warning: {one_line(event['message'], 500)}"
        case _:
            return


def _who(event: ModelCalled | ModelFailed) -> str:
    place = event["role"] if event["subtask"] is None else f"[{event['subtask']}]"
    return f"{place} {one_line(event['model'])}"


def _place(subtask: int | None) -> str:
    return "plan:" if subtask is None else f"[{subtask}]"
