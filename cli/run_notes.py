"""What a trace says beside the work itself: warnings, budgets, approvals, halts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cli.run_view import amount

Events = Sequence[Mapping[str, Any]]


def notes(traced: Events) -> list[str]:
    """One line for each, in the order of their first telling."""
    found: dict[str, None] = {}
    for event in traced:
        match event["type"]:
            case "warned":
                found[f"warning: {event['message']}"] = None
            case "budget_reached":
                found[f"budget {event['budget']}: {amount(event['spent'])} of {amount(event['limit'])}"] = None
            case "approval_requested":
                found[f"asked to approve: {'; '.join(event['actions'])}"] = None
            case "approval_answered":
                found[f"a person said: {'; '.join(event['decisions'])}"] = None
    return list(found)


def halts(traced: Events) -> list[str]:
    """Where the run stopped before its end: told by itself, or known from its going on without having said so."""
    found: list[str] = []
    ended = True
    for event in traced:
        if event["type"] == "run_ended":
            ended = True
            if event["status"] != "answered":
                found.append(str(event.get("error") or event["status"]))
        elif event["type"] == "run_resumed" and not ended:
            found.append("it was cut off and went on")
        else:
            ended = False
    return found


def of_kind(traced: Events, kind: str) -> list[Mapping[str, Any]]:
    """The events of one type."""
    return [event for event in traced if event["type"] == kind]
