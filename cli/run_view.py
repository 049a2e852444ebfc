"""What is known of a run while it goes: folded from its events, drawn by `live` and `lines`. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cli.budget_text import budget_text
from cli.progress_text import progress_text

if TYPE_CHECKING:
    from graph.events import Event
    from graph.state import ShownCase, Subtask

SOURCES = {
    "ground_truth": "as the expected answer says",
    "verifier": "as a verifier says",
    "judge": "as the judge model says",
    "person": "as a person says",
    "import": "as imported",
}
REWARDS = {1: "right", 0: "wrong", None: "nobody could tell whether it is right"}

ENDINGS = {
    "cycles": "the budget of planning rounds",
    "llm_calls": "the budget of model calls",
    "tokens": "the budget of tokens",
    "cost": "the budget of dollars",
    "seconds": "the budget of time",
    "tool_seconds": "the budget of tool time",
    "loop": "a loop without anything new",
    "rejected": "a person's rejection",
}


@dataclass(slots=True)
class Call:
    """One tool call; `result` is None until it returned, `progress` what it last said of how far it is."""

    name: str
    arguments: Mapping[str, Any]
    result: str | None = None
    ok: bool = True
    id: str = ""
    progress: str = ""


@dataclass(slots=True)
class Spent:
    """What the model calls so far cost. `cost_usd` is None once the price of one of them is not known."""

    calls: int = 0
    tokens: int = 0
    cost_usd: float | None = 0.0

    def add(self, tokens: int, cost_usd: float | None) -> None:
        """Count a call."""
        self.calls += 1
        self.tokens += tokens
        self.cost_usd = None if self.cost_usd is None or cost_usd is None else self.cost_usd + cost_usd


@dataclass(slots=True)
class Item:
    """One line of the plan. Times are those given to `RunView.apply`, in seconds."""

    id: int
    description: str
    status: Literal["pending", "running", "done", "partial", "failed"] = "pending"
    result: str = ""
    calls: list[Call] = field(default_factory=list)
    started: float = 0.0
    ended: float = 0.0


@dataclass(slots=True)
class RunView:
    """One run. `stage` is what it is doing where no line of the plan says so.

    `notes` are what else a person should see at once: loops, a budget that is used up.
    """

    stage: str = "looking for earlier cases"
    stage_since: float = 0.0
    policy: str | None = None
    cases: list[ShownCase] = field(default_factory=list)
    cycle: int = 0
    items: dict[int, Item] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    spent: Spent = field(default_factory=Spent)
    remembered: dict[str, str] = field(default_factory=dict)
    answer: str | None = None

    def apply(self, event: Event, now: float) -> None:
        """Fold one event in."""
        match event["type"]:
            case "cases_retrieved":
                self.policy, self.cases = event["policy"], [*self.cases, *event["cases"]]
                self._enter("planning", now)
            case "remembered":
                self.remembered[event["note_id"]] = event["text"]
            case "plan_made":
                self.cycle = event["cycle"]
                self._plan(event["subtasks"])
            case "subtask_started":
                item = self.items.setdefault(event["id"], Item(event["id"], event["description"]))
                item.status, item.started = "running", item.started or now
                self._enter("", now)
            case "model_called":
                self.spent.add(event["input_tokens"] + event["output_tokens"], event["cost_usd"])
            case "tool_called":
                self._called(event["subtask"], Call(event["name"], event["arguments"], id=event.get("id", "")))
            case "tool_progressed":
                for call in self._item(event["subtask"]).calls:
                    call.progress = progress_text(event) if call.id == event["id"] else call.progress
            case "tool_returned":
                self._returned(event["subtask"], event["name"], event["result"], event["ok"])
            case "reflected":
                self._note(*(f"going round in a circle: {loop}" for loop in event["loops"]))
            case "budget_reached":
                self._note(f"budget: {budget_text(event['budget'], event['spent'], event['limit'])}")
            case "subtask_finished":
                item = self._item(event["id"])
                item.status, item.result, item.ended = event["status"], event["result"], now
                self._enter("" if self.running() else "looking at the results", now)
            case "answered":
                self.answer = event["answer"]
                self._enter("checking the answer", now)
            case "rewarded":
                self._enter("writing the case", now)
            case "case_written":
                self._enter("", now)
            case "warned":
                if event["message"] not in self.warnings:
                    self.warnings.append(event["message"])

    def running(self) -> bool:
        return any(item.status == "running" for item in self.items.values())

    def _enter(self, stage: str, now: float) -> None:
        self.stage, self.stage_since = stage, now

    def _item(self, id_: int) -> Item:
        return self.items.setdefault(id_, Item(id_, f"subtask {id_}", "running"))

    def _plan(self, subtasks: list[Subtask]) -> None:
        """A new plan replaces what of the old one never ran."""
        kept = {id_: item for id_, item in self.items.items() if item.status != "pending"}
        new = {each["id"]: Item(each["id"], each["description"]) for each in subtasks if each["id"] not in kept}
        self.items = {**kept, **new}

    def _note(self, *texts: str) -> None:
        self.notes.extend(text for text in texts if text not in self.notes)

    def _called(self, subtask: int, call: Call) -> None:
        """A subtask begun again after an answer keeps its calls; one that is made again is still one line."""
        item = self._item(subtask)
        item.calls = [each for each in item.calls if not call.id or each.id != call.id] + [call]

    def _returned(self, subtask: int, name: str, result: str, ok: bool) -> None:
        waiting = [call for call in self._item(subtask).calls if call.result is None and call.name == name]
        if waiting:
            waiting[0].result, waiting[0].ok = result, ok


def reward_text(reward: int | None, source: str | None) -> str:
    """`right, as the judge model says`."""
    words = REWARDS[reward]
    return f"{words}, {SOURCES.get(source, source)}" if source and reward is not None else words
