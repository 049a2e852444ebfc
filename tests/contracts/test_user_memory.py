"""What the notes of a user promise: whose they are, what fits in, that none is lost, that a file is whole."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from configs.errors import CaseBankError, InvalidInputError
from memory import user_memory
from memory.user_memory import MOST_NOTES, NOTE_CHARS, UserMemory
from tests.conftest import ROOT, SettingsFactory

NAMESPACES = [
    "default", "Default", "ｄefault", "default ", "../default", "/etc/passwd", "a\0b", "a\nb", ".", "..", "*",
    '{"namespace": "default"}', "a" * 500, "ключ", "🙂",
]  # fmt: skip
WRITER = """
import sys
from pathlib import Path
from memory.user_memory import UserMemory
memory = UserMemory(Path(sys.argv[1]), "shared")
number = 0
while number < int(sys.argv[3]):
    memory.add(f"{sys.argv[2]} wants {number}", "command")
    number += 1
    print(number, flush=True)
"""


@pytest.fixture
def memory(home: Path) -> UserMemory:
    return UserMemory(home, "default")


def writer(home: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(home), name, str(count)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_notes_are_kept_edited_and_deleted_in_order(memory: UserMemory) -> None:
    assert memory.notes() == []
    first, second = memory.add("Answer in metric units.", "said"), memory.add(" My  name is\nAnn ", "command")
    assert first.new and second.new
    assert [(note.text, note.source) for note in memory.notes()] == [
        ("Answer in metric units.", "said"),
        ("My name is Ann", "command"),
    ]
    changed = memory.edit(first.note.id, "Answer in feet.")
    assert (changed.id, changed.created_at, changed.source) == (first.note.id, first.note.created_at, "command")
    assert [note.text for note in UserMemory(memory.home, "default").notes()] == ["Answer in feet.", "My name is Ann"]
    memory.delete([first.note.id])
    assert memory.notes() == [second.note]
    assert memory.clear() == [second.note.id]
    assert memory.notes() == [] and not memory.path.exists()


def test_what_is_said_twice_is_kept_once(memory: UserMemory) -> None:
    first = memory.add("Answer in metric units.", "said")
    again = memory.add("answer in  METRIC ｕnits", "command")
    assert (again.new, again.note) == (False, first.note)
    other = memory.add("Answer in French.", "said").note
    with pytest.raises(InvalidInputError, match=f"note {first.note.id} says the same"):
        memory.edit(other.id, "answer in metric units!")
    assert memory.edit(first.note.id, "ANSWER in metric units").text == "ANSWER in metric units"


@pytest.mark.parametrize("text", ["", " \n\t ", "\0", "x" * (NOTE_CHARS + 1), "\udcff"])
def test_a_note_that_does_not_fit_is_refused_in_one_line(memory: UserMemory, text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"(a|the) note") as refused:
        memory.add(text, "command")
    assert "\n" not in str(refused.value) and not memory.path.exists()
    kept = memory.add("x" * NOTE_CHARS, "command").note
    with pytest.raises(InvalidInputError):
        memory.edit(kept.id, text)
    assert memory.notes() == [kept]


def test_there_is_room_for_a_hundred(memory: UserMemory) -> None:
    for number in range(MOST_NOTES):
        memory.add(f"wish {number}", "command")
    with pytest.raises(InvalidInputError, match="there are 100 notes"):
        memory.add("one more", "command")
    assert not memory.add("wish 7", "command").new
    memory.delete([memory.notes()[0].id])
    assert memory.add("one more", "command").new


def test_an_unknown_note_is_refused_and_nothing_changes(memory: UserMemory) -> None:
    kept = memory.add("a wish", "command").note
    with pytest.raises(InvalidInputError, match="no note 'nope'"):
        memory.delete([kept.id, "nope"])
    with pytest.raises(InvalidInputError, match="no note 'nope'"):
        memory.edit("nope", "x")
    assert memory.notes() == [kept]


def test_secrets_are_replaced_before_anything_is_written(home: Path, settings: SettingsFactory) -> None:
    memory = UserMemory.of(settings(openai_api_key="canary-0123456789"))
    note = memory.add(f"my keys are canary-0123456789 and AKIA{'A1' * 8}", "command").note
    assert note.text == "my keys are [redacted:known-secret] and [redacted:aws-access-key]"
    assert "canary" not in memory.path.read_text() + repr(memory)
    assert memory.edit(note.id, "password=hunter2").text == "password=[redacted:password]"


def test_no_namespace_reads_or_changes_anothers_notes(home: Path) -> None:
    memories = [UserMemory(home, namespace) for namespace in NAMESPACES]
    for number, memory in enumerate(memories):
        memory.add(f"wish of {number}", "command")
    assert [[note.text for note in memory.notes()] for memory in memories] == [
        [f"wish of {number}"] for number in range(len(memories))
    ]
    foreign = memories[1].notes()[0].id
    with pytest.raises(InvalidInputError):
        memories[0].delete([foreign])
    memories[0].clear()
    assert [len(memory.notes()) for memory in memories] == [0] + [1] * (len(memories) - 1)
    assert {path.parent for path in home.rglob("*.json")} == {home / "users"}


@pytest.mark.parametrize("namespace", ["", "a" * 501, "\udcff"])
def test_a_namespace_that_cannot_be_kept_is_refused(home: Path, namespace: str) -> None:
    with pytest.raises(InvalidInputError, match="a namespace"):
        UserMemory(home, namespace)


def test_a_file_of_another_namespace_is_refused(home: Path, memory: UserMemory) -> None:
    other = UserMemory(home, "other")
    other.add("a secret wish", "command")
    memory.path.write_bytes(other.path.read_bytes())
    with pytest.raises(CaseBankError, match="another namespace") as refused:
        memory.notes()
    assert "secret wish" not in str(refused.value)


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"\xff", b'{"namespace": "default", "notes": [{"id": 1}]}', b'{"namespace": "default", "x": 1}'],
)
def test_a_damaged_file_is_told_in_one_line_that_names_it(memory: UserMemory, damage: bytes) -> None:
    memory.add("a wish", "command")
    memory.path.write_bytes(damage)
    for use in (memory.notes, lambda: memory.add("x y", "command"), memory.clear):
        with pytest.raises(CaseBankError, match="is damaged") as told:
            use()
        assert str(memory.path) in str(told.value) and "\n" not in str(told.value)
    assert memory.path.read_bytes() == damage


def test_files_are_private(memory: UserMemory) -> None:
    memory.add("a wish", "command")
    assert stat.S_IMODE(memory.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(memory.path.parent.stat().st_mode) == 0o700
    assert json.loads(memory.path.read_text())["namespace"] == "default"


def test_a_home_that_cannot_be_written_and_a_lock_that_is_held(
    memory: UserMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.add("a wish", "command")
    monkeypatch.setattr(user_memory, "WAIT_SECONDS", 0.1)
    with FileLock(memory.path.with_suffix(".lock")):
        assert len(memory.notes()) == 1, "reading takes no lock"
        with pytest.raises(CaseBankError, match="another process"):
            asyncio.run(memory.aadd("x y", "command"))
    blocked = UserMemory(memory.path, "default")
    with pytest.raises(CaseBankError, match=r"cannot (read|write)"):
        blocked.add("x y", "command")


def test_two_processes_lose_no_note(home: Path) -> None:
    writers = [writer(home, name, 50) for name in ("Ann", "Bob")]
    for process in writers:
        process.communicate(timeout=60)
        assert process.returncode == 0
    texts = {note.text for note in UserMemory(home, "shared").notes()}
    assert texts == {f"{name} wants {number}" for name in ("Ann", "Bob") for number in range(50)}


def test_a_killed_writer_leaves_a_whole_file_with_all_it_told_of(home: Path) -> None:
    for round_, delay in enumerate((0.0, 0.011, 0.023)):
        memory = UserMemory(home, "shared")
        with writer(home, f"round {round_}", 100) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            told = 1 + len(process.stdout.read().splitlines())
        notes = memory.notes()
        assert told <= len(notes) <= told + 1
        assert memory.add("still writable", "command").new
        memory.clear()


async def test_the_async_face_blocks_no_loop(memory: UserMemory) -> None:
    kept = await memory.aadd("a wish", "said")
    assert await memory.anotes() == [kept.note]
