"""`memento notes` and the notes of a chat, over the real store; no model, no case bank."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cli.__main__ import run
from cli.chat import Conversation
from cli.options import Given
from memory.user_memory import UserMemory
from tests.conftest import SettingsFactory


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run(arguments) == code
    return "".join(capsys.readouterr())


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(printed(capsys, *arguments, "--json"))
    return value


def test_add_list_edit_delete_clear(capsys: pytest.CaptureFixture[str]) -> None:
    made = told(capsys, "notes", "add", "Answer in metric \x1b[2Junits.")
    id_ = made["note"]["id"]
    assert (made["new"], made["note"]["source"]) == (True, "command")
    assert not told(capsys, "notes", "add", "Answer in metric \x1b[2Junits")["new"]
    assert "known already" in printed(capsys, "notes", "add", "Answer in metric \x1b[2Junits")
    printed(capsys, "notes", "add", "Call me Ann.")
    lines = printed(capsys, "notes", "list").splitlines()
    assert [line.split("\t")[-1] for line in lines] == ["text", "Answer in metric units.", "Call me Ann."]
    assert told(capsys, "notes", "edit", id_[:5], "Answer in feet.")["note"]["id"] == id_
    assert told(capsys, "notes", "delete", id_, id_[:6]) == {"deleted": [id_]}
    listed = told(capsys, "notes", "list")
    assert (listed["namespace"], [note["text"] for note in listed["notes"]]) == ("default", ["Call me Ann."])
    assert told(capsys, "notes", "list", "--set", "namespace=other")["notes"] == []
    assert "--yes" in printed(capsys, "notes", "clear", code=2)
    assert told(capsys, "notes", "clear", "--yes") == {"deleted": [listed["notes"][0]["id"]]}
    assert "user_memory is false" in printed(capsys, "notes", "list", "--set", "user_memory=false")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", " "], "the note is empty"),
        (["add", "x" * 501], "at most 500 characters"),
        (["edit", "abcd", "x"], "there is no note 'abcd'"),
        (["delete", "abcd"], "there is no note 'abcd'"),
        (["list", "--set", "user_memory=maybe"], "takes true or false"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = printed(capsys, "notes", *arguments, code=2)
    assert message in text and text.count("\n") == 1


def test_a_damaged_file_is_one_line_and_exit_code_1(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed(capsys, "notes", "add", "a wish")
    (path,) = (home / "users").glob("*.json")
    path.write_text("{")
    text = printed(capsys, "notes", "list", code=1)
    assert str(path) in text and text.count("\n") == 1


def test_a_chat_remembers_lists_and_forgets(settings: SettingsFactory, capsys: pytest.CaptureFixture[str]) -> None:
    made = settings()
    services = SimpleNamespace(settings=made)
    conversation = Conversation(cast(Any, None), cast(Any, services), Given())
    conversation.take("/remember answer in metric units")
    (note,) = UserMemory.of(made).notes()
    conversation.take("/notes")
    conversation.take(f"/forget {note.id[:8]}")
    conversation.take("/remember")
    assert UserMemory.of(made).notes() == []
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        f"memento: noted: answer in metric units ({note.id[:8]})",
        f"{note.id[:8]}  answer in metric units",
        f"memento: deleted {note.id[:8]}",
        "memento: the note is empty",
    ]
