"""What a trace says beside the work itself: warnings, budgets, approvals, halts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cli.budget_text import budget_text

Events = Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class Halt:
    """Where a run stood still: it `waited` for a person's answer, or it `stopped`, for this reason.

    `at` is when, in seconds since 1970; `seconds` is how long, until it went on. None is unknown.
    """

    kind: Literal["waited", "stopped"]
    reason: str
    at: float | None
    seconds: float | None = None


def notes(traced: Events) -> list[str]:
    """One line for each, in the order of their first telling."""
    found: dict[str, None] = {}
    for event in traced:
        match event["type"]:
            case "warned":
                found[f"warning: {event['message']}"] = None
            case "budget_reached":
                found[f"budget: {budget_text(event['budget'], event['spent'], event['limit'])}"] = None
            case "approval_requested":
                found[f"asked to approve: {'; '.join(event['actions'])}"] = None
            case "approval_answered":
                found[f"a person said: {'; '.join(event['decisions'])}"] = None
    return list(found)


def halts(traced: Events) -> list[Halt]:
    """Where the run stood still before its end: told by itself, or known from its going on without having said so."""
    found: list[Halt] = []
    asked = 0
    running, before = False, None
    for event in traced:
        at = event.get("at")
        match event["type"]:
            case "run_ended":
                running = False
                if event["status"] != "answered":
                    found.append(_halt(event, waiting=asked > 0))
            case "run_resumed":
                if running:
                    found.append(Halt("stopped", "it was cut off and went on", before))
                if found and found[-1].at is not None and at is not None and found[-1].seconds is None:
                    found[-1].seconds = at - found[-1].at
                running = True
            case other:
                asked = max(asked + {"approval_requested": 1, "approval_answered": -1}.get(other, 0), 0)
                running = True
        before = at
    return found


def _halt(event: Mapping[str, Any], *, waiting: bool) -> Halt:
    if waiting and event["status"] == "interrupted":
        return Halt("waited", "for a person", event.get("at"))
    return Halt("stopped", str(event.get("error") or event["status"]), event.get("at"))


def of_kind(traced: Events, kind: str) -> list[Mapping[str, Any]]:
    """The events of one type."""
    return [event for event in traced if event["type"] == kind]
