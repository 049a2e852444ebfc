"""Notes at the start of a task: which are shown, what a task adds, and what happens where that fails."""

from __future__ import annotations

import pytest

from configs.errors import CaseBankError
from graph.events import Event
from memory.user_memory import UserMemory
from nodes.planner_prompt import NOTES_CHARS, shown_notes
from nodes.user_notes import standing_notes
from tests.conftest import SettingsFactory

WISH = "Always answer in metric units."


async def test_a_wish_is_kept_once_and_shown_from_the_next_task_on(settings: SettingsFactory) -> None:
    events: list[Event] = []
    made = settings()
    assert await standing_notes(made, f"How tall is Mont Blanc? {WISH}", events.append) == []
    (note,) = await UserMemory.of(made).anotes()
    assert (note.text, note.source) == (WISH, "said")
    assert events == [{"type": "remembered", "note_id": note.id, "text": WISH}]
    assert await standing_notes(made, WISH, events.append) == [WISH]
    assert len(events) == 1
    assert await standing_notes(settings(namespace="other"), "And the Eiger?", events.append) == []


async def test_switched_off_nothing_is_shown_or_kept(settings: SettingsFactory) -> None:
    await UserMemory.of(settings()).aadd("a wish", "command")
    events: list[Event] = []
    assert await standing_notes(settings(user_memory=False), WISH, events.append) == []
    assert (events, len(await UserMemory.of(settings()).anotes())) == ([], 1)


async def test_a_wish_that_cannot_be_kept_is_a_warning(
    settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise CaseBankError("the disk is full")

    monkeypatch.setattr(UserMemory, "aadd", refuse)
    events: list[Event] = []
    assert await standing_notes(settings(), WISH, events.append) == []
    assert events == [{"type": "warned", "message": "not remembered: the disk is full"}]


def test_the_newest_notes_that_fit_are_shown_oldest_first() -> None:
    assert shown_notes([]) == []
    assert shown_notes(["a", "b"]) == ["a", "b"]
    many = [f"{number:03} {'x' * 495}" for number in range(10)]
    shown = shown_notes(many)
    assert shown == many[-4:]
    assert len("\n".join(shown)) <= NOTES_CHARS < len("\n".join(many[-5:]))
    assert shown_notes(shown) == shown
