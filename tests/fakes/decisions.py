"""What a person decides about a run that waits, as `aresume` takes it."""

from __future__ import annotations

import json
from typing import Any

from graph.results import Result

QUESTION = "What is 48 times 37?"


def answer(result: Result, *decisions: dict[str, Any]) -> dict[str, Any]:
    """The decisions as the answer to the one thing that waits."""
    (waiting,) = result.interrupts
    return {waiting["id"]: {"decisions": list(decisions)}}


def edit(name: str, **args: Any) -> dict[str, Any]:
    return {"type": "edit", "edited_action": {"name": name, "args": args}}


def reject(message: str = "") -> dict[str, Any]:
    return {"type": "reject", "message": message}


def final(text: str) -> str:
    return json.dumps({"final_answer": text})
