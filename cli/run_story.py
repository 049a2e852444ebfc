"""A past run told in order: rounds, subtasks, model calls and tool calls with their times, from state and trace.

The state says what was kept, the trace what happened besides: calls of a subtask that never finished, failed model
calls, warnings. Either may be missing: older versions wrote no trace and fewer times. No I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from cli.run_notes import Events, Halt, halts, notes, of_kind

State = Mapping[str, Any]


@dataclass(slots=True)
class Asked:
    """One model call. Times are seconds since 1970 and seconds; None is unknown, as is a cost of None."""

    id: str
    role: str
    model: str
    subtask: int | None
    started_at: float | None
    seconds: float | None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    error: str | None = None


@dataclass(slots=True)
class Used:
    """One tool call; `ok` is None where it never returned."""

    id: str
    name: str
    arguments: dict[str, Any]
    result: str
    ok: bool | None
    started_at: float | None
    seconds: float | None


@dataclass(slots=True)
class Part:
    """One subtask. `status` is that of its result, or `running` (no result yet), `pending` or `dropped` (replanned)."""

    id: int
    description: str
    depends_on: list[int]
    status: str = "pending"
    result: str = ""
    reason: str = ""
    evidence: list[str] = field(default_factory=list)
    budget: str | None = None
    started_at: float | None = None
    seconds: float | None = None
    asked: list[Asked] = field(default_factory=list)
    used: list[Used] = field(default_factory=list)


@dataclass(slots=True)
class Round:
    """The planner's calls, the subtasks they led to, what reflection made of them."""

    number: int
    asked: list[Asked] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    report: str = ""
    loops: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Story:
    """A run. `rounds` ends with the calls that gave the answer, in a round without subtasks; `verdict` judged it.

    `notes` are warnings, budgets and approvals in their order, `halts` where the run stood still before its end, why
    and how long.
    """

    began: float | None
    rounds: list[Round]
    verdict: list[Asked]
    notes: list[str]
    halts: list[Halt]
    traced: bool

    def as_json(self) -> dict[str, Any]:
        """What `--json` adds to a result."""
        return asdict(self)


def story_of(state: State, traced: Events) -> Story:
    """Tell a run.

    Args:
        state: of its latest checkpoint.
        traced: the events of its task, in their order; empty where there is no trace.
    """
    task = state.get("task") or {}
    asked = _asked(state, traced)
    parts = _parts(state, traced)
    for part in parts.values():
        part.asked = [each for each in asked if each.subtask == part.id]
    rounds = _rounds([each for each in asked if each.role == "planner"], parts, traced)
    verdict = _judged([each for each in asked if each.role == "judge" and each.subtask is None], rounds)
    _reflect(rounds, state, traced)
    began = task.get("started_at") or (traced[0].get("at") if traced else None)
    return Story(began, rounds, verdict, notes(traced), halts(traced), bool(traced))


def total(calls: Iterable[Asked]) -> tuple[int, int, float | None]:
    """Input tokens, output tokens and cost of some calls; the cost is None where one of them is unknown."""
    made = [each for each in calls if each.error is None]
    costs = [each.cost_usd for each in made]
    known = [cost for cost in costs if cost is not None]
    cost = sum(known) if len(known) == len(costs) else None
    return sum(each.input_tokens for each in made), sum(each.output_tokens for each in made), cost


def end_of(started_at: float | None, seconds: float | None) -> float | None:
    """When it ended, if that is known."""
    return None if started_at is None or seconds is None else started_at + seconds


def _asked(state: State, traced: Events) -> list[Asked]:
    calls = {call["id"]: call for call in of_kind(traced, "model_called")}
    calls.update({call["id"]: call for call in state.get("model_calls") or []})
    failed = [{**call, "id": f"failed-{number}"} for number, call in enumerate(of_kind(traced, "model_failed"))]
    found = [
        Asked(
            str(call["id"]),
            call["role"],
            call.get("model", ""),
            call.get("subtask"),
            call.get("started_at"),
            call.get("seconds"),
            call.get("input_tokens", 0),
            call.get("output_tokens", 0),
            call.get("cost_usd"),
            call.get("error"),
        )
        for call in [*calls.values(), *failed]
    ]
    return sorted(found, key=lambda each: each.started_at or 0.0)


def _parts(state: State, traced: Events) -> dict[int, Part]:
    """Every subtask that is known of: of the plan, of the trace's plans, and those with a result."""
    plans = [event["subtasks"] for event in of_kind(traced, "plan_made")]
    kept = {each["id"] for each in state.get("plan") or []}
    parts: dict[int, Part] = {}
    for subtask in [*(each for plan in plans for each in plan), *(state.get("plan") or [])]:
        parts[subtask["id"]] = Part(subtask["id"], subtask["description"], list(subtask.get("depends_on") or []))
    for event in traced:
        _follow(parts, event)
    for result in state.get("subtasks") or []:
        part = parts.setdefault(result["id"], Part(result["id"], result["description"], []))
        _settle(part, result)
    latest = {each["id"] for each in plans[-1]} if plans else set()
    for part in parts.values():
        if part.status == "pending" and part.id not in kept | latest:
            part.status = "dropped"
    return parts


def _follow(parts: dict[int, Part], event: Mapping[str, Any]) -> None:
    """What a trace says of subtasks; begun again after a crash, one keeps the calls it had."""
    at = event.get("at")
    match event["type"]:
        case "subtask_started":
            part = parts.setdefault(event["id"], Part(event["id"], event["description"], []))
            part.status, part.started_at = "running", part.started_at or at
        case "tool_called" if event["subtask"] in parts:
            call = Used(event["id"], event["name"], event["arguments"], "", None, at, None)
            parts[event["subtask"]].used.append(call)
        case "tool_returned" if event["subtask"] in parts:
            for call in parts[event["subtask"]].used:
                if call.id == event["id"] and call.ok is None:
                    call.result, call.ok, call.seconds = event["result"], event["ok"], event.get("seconds")
                    break
        case "subtask_finished" if event["id"] in parts:
            part = parts[event["id"]]
            part.status, part.result, part.reason = event["status"], event["result"], event.get("reason") or ""
            part.seconds = at - part.started_at if at and part.started_at else None


def _settle(part: Part, result: Mapping[str, Any]) -> None:
    """What the state says of a finished subtask; calls that a crash cut off are known to the trace alone."""
    part.status, part.result = result["status"], result["result"]
    part.reason, part.evidence = result.get("reason") or "", list(result.get("evidence") or [])
    part.budget = result.get("budget")
    part.started_at = result.get("started_at") or part.started_at
    part.seconds = result.get("seconds") if result.get("seconds") is not None else part.seconds
    kept = [
        Used(
            str(call.get("id", "")),
            call["name"],
            call["arguments"],
            call["result"],
            call["ok"],
            call.get("started_at"),
            call.get("seconds"),
        )
        for call in result.get("tool_calls") or []
    ]
    known = {call.id for call in kept}
    cut_off = [call for call in part.used if call.ok is None and call.id not in known]
    part.used = sorted([*kept, *cut_off], key=lambda call: call.started_at or 0.0)


def _rounds(planner: Sequence[Asked], parts: Mapping[int, Part], traced: Events) -> list[Round]:
    """A planner's call begins a round where something was planned or begun since the call before it."""
    marks = [part.started_at for part in parts.values() if part.started_at is not None]
    marks += [event["at"] for event in of_kind(traced, "plan_made") if "at" in event]
    rounds = [Round(1)]
    for call in planner:
        before = rounds[-1].asked[-1].started_at if rounds[-1].asked else None
        now = call.started_at
        if before is not None and now is not None and any(before < mark <= now for mark in marks):
            rounds.append(Round(len(rounds) + 1))
        rounds[-1].asked.append(call)
    planned_at = {each["id"]: event.get("at") for event in of_kind(traced, "plan_made") for each in event["subtasks"]}
    last = rounds[0]
    for part in sorted(parts.values(), key=lambda each: each.id):
        last = _round_at(rounds, planned_at.get(part.id) or part.started_at) or last
        last.parts.append(part)
    return rounds


def _round_at(rounds: Sequence[Round], at: float | None) -> Round | None:
    """The last round that had begun then."""
    begun = [each for each in rounds if each.asked and at is not None and (each.asked[0].started_at or 0.0) <= at]
    return begun[-1] if begun else None


def _judged(calls: Sequence[Asked], rounds: Sequence[Round]) -> list[Asked]:
    """Give reflection's calls to their rounds; what is left judged the answer."""
    last = rounds[-1]
    answered_at = last.asked[0].started_at if last.asked and not last.parts else None
    verdict: list[Asked] = []
    for call in calls:
        of = _round_at(rounds, call.started_at)
        if of is None or (answered_at is not None and (call.started_at or 0.0) > answered_at):
            verdict.append(call)
        else:
            of.asked.append(call)
    return verdict


def _reflect(rounds: Sequence[Round], state: State, traced: Events) -> None:
    told = of_kind(traced, "reflected")
    for event in told:
        if (of := _round_at(rounds, event.get("at"))) is not None:
            of.report, of.loops = event["report"], list(event["loops"])
    with_parts = [each for each in rounds if each.parts]
    if not told and with_parts and state.get("report"):
        with_parts[-1].report, with_parts[-1].loops = str(state["report"]), list(state.get("loops") or [])
