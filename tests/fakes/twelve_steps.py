"""A run of twelve steps that can be killed anywhere: its script, its settings, and the process that carries it out.

plan · look up the seat (model, tool), book it (model, tool), say so (model) · beside it look up the weather (model,
tool), say so (model) · answer · reward · case. Where a booking may have happened, the scripted model looks before it
books again, as it is told to.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from configs.errors import InvalidInputError
from configs.settings import Settings, load_settings
from graph.api import aask, aresume
from graph.events import Event
from graph.results import Result
from graph.services import open_services
from tests.fakes.mcp_servers import bookings
from tests.fakes.openai_replies import JsonObject
from tests.fakes.quick_bank import QuickEmbedder
from tests.fakes.scenario import plan_reply, tool_reply

QUESTION = "Book seat 7 and tell the weather."
ANSWER = "Seat 7 is booked and the weather is fine."
THREAD = "killed"
REPLY_SECONDS = 0.02


def rules() -> list[JsonObject]:
    """The script of the model server."""
    subtask = "(?s)^Subtask: Book"
    return [
        {**rule, "delay": REPLY_SECONDS}
        for rule in (
            {"when": "(?s)^system: You plan.*Seat 7 is booked.*", "reply": {"content": _json(final_answer=ANSWER)}},
            {"when": "^system: You plan", "reply": plan_reply("Book seat 7.", "Tell the weather.")},
            {"when": rf"{subtask}.*^tool: booked seat 7\Z", "reply": {"content": "Seat 7 is booked."}},
            {"when": rf"{subtask}.*^tool: booking seat 7 exists\Z", "reply": {"content": "Seat 7 is booked."}},
            {"when": rf"{subtask}.*^tool: booking seat 7 is not there\Z", "reply": _call("book", "seat 7")},
            {"when": rf"{subtask}.*^tool: This call may have happened", "reply": _call("look", "booking seat 7")},
            {"when": rf"{subtask}.*^tool: seat 7 is fine\Z", "reply": _call("book", "seat 7")},
            {"when": subtask, "reply": _call("look", "seat 7")},
            {"when": r"(?s)^Subtask: Tell.*^tool: weather is fine\Z", "reply": {"content": "The weather is fine."}},
            {"when": "^Subtask: Tell", "reply": _call("look", "weather")},
        )
    ]


def prepare(home: Path) -> None:
    """Make a home whose only MCP server is the one that writes down what it does."""
    home.mkdir(parents=True, mode=0o700)
    own = {name: {"disabled": True} for name in ("math", "datetime", "text")}
    server = {"command": sys.executable, "args": [bookings.__file__, str(noted(home))]}
    (home / "mcp.json").write_text(json.dumps({"mcpServers": {**own, "bookings": server}}), encoding="utf-8")


def noted(home: Path) -> Path:
    """The file to which the MCP server appends each call."""
    return home / "calls.txt"


def settings_of(home: Path, model_url: str, database_url: str | None) -> Settings:
    given = {"home": home, "openai_base_url": model_url, "openai_api_key": "sk-test", "judge_model": "none"}
    given |= {"policy": "bandit"} | ({"database_url": database_url} if database_url else {})
    return load_settings(overrides=[f"{name}={value}" for name, value in given.items()])


def carry_out(
    home: Path,
    model_url: str,
    database_url: str | None,
    notes: Any,
    thread_id: str = THREAD,
    at_call: Callable[[], None] | None = None,
    wait_seconds: float | None = None,
) -> None:
    """Go on with the run, or begin it where nothing of it is kept; a process of its own, which may be killed.

    Args:
        notes: the end of a pipe that gets "ready", each event as JSON once it is told, and `{"outcome": ...}` at last.
        at_call: done when the booking is called.
        wait_seconds: how long PostgreSQL is waited for.
    """
    patch = pytest.MonkeyPatch()
    patch.setenv("MEMENTO_HOME", str(home))
    patch.setattr("memory.bank_files.make_embedder", lambda _: QuickEmbedder())
    if wait_seconds is not None:
        patch.setattr("graph.postgres_checkpoints.WAIT_SECONDS", wait_seconds)

    def tell(event: Event) -> None:
        notes.send_bytes(json.dumps(event).encode())
        if at_call is not None and event["type"] == "tool_called" and event["name"] == "book":
            at_call()

    notes.send_bytes(b'"ready"')
    result = asyncio.run(_carried(settings_of(home, model_url, database_url), thread_id, tell))
    notes.send_bytes(json.dumps({"outcome": result.as_json()}).encode())


async def _carried(settings: Settings, thread_id: str, tell: Any) -> Result:
    async with open_services(settings) as services:
        try:
            return await aresume(thread_id, services=services, on_event=tell)
        except InvalidInputError:  # killed before the first checkpoint: there is no run
            return await aask(QUESTION, expected=ANSWER, thread_id=thread_id, services=services, on_event=tell)


def _call(name: str, key: str) -> JsonObject:
    return tool_reply((name, {"key": key}))


def _json(**values: str) -> str:
    return json.dumps(values)
