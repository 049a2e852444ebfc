"""Long results on disk."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from graph.result_store import StoredResults
from graph.workspaces import Workspaces
from nodes.whole_results import result_id

TEXT = "größer als nötig " * 1000
OWN = result_id(TEXT)


@pytest.fixture
def store(tmp_path: Path) -> StoredResults:
    return StoredResults(Workspaces(tmp_path))


async def kept(store: StoredResults, text: str, thread: str = "thread", task: str = "task") -> bool:
    return await store.keep(thread, task, result_id(text), text)


async def test_a_text_is_kept_for_its_owner_alone(store: StoredResults, tmp_path: Path) -> None:
    assert await kept(store, TEXT)
    assert await kept(store, TEXT)
    assert await store.read("thread", "task", OWN) == TEXT
    folder = tmp_path / "workspaces" / "thread" / ".results" / "task"
    assert await asyncio.to_thread(os.listdir, folder) == [OWN]
    for path, mode in ((folder, 0o700), (folder / OWN, 0o600)):
        assert (await asyncio.to_thread(path.stat)).st_mode & 0o777 == mode


@pytest.mark.parametrize(("thread", "task"), [("other", "task"), ("thread", "other"), ("", ""), ("../thread", "task")])
async def test_nobody_else_reaches_it(store: StoredResults, thread: str, task: str) -> None:
    await kept(store, TEXT)
    assert await store.read(thread, task, OWN) is None


@pytest.mark.parametrize("name", ["../task/" + OWN, "/etc/passwd", "..", "", ".", "a\0b", OWN + "x", "R" + OWN[1:]])
async def test_an_id_is_never_a_path(store: StoredResults, name: str) -> None:
    await kept(store, TEXT)
    assert await store.read("thread", "task", name) is None


@pytest.mark.parametrize("owner", ["../../up", "a/b", ".hidden", "\0", "x" * 300, "", "ü"])
async def test_odd_owners_stay_below_the_home(store: StoredResults, tmp_path: Path, owner: str) -> None:
    assert await kept(store, TEXT, owner, owner)
    assert await store.read(owner, owner, OWN) == TEXT
    assert await asyncio.to_thread(os.listdir, tmp_path) == ["workspaces"]
    assert len(await asyncio.to_thread(os.listdir, tmp_path / "workspaces")) == 1


async def test_links_and_changed_files_are_not_read(store: StoredResults, tmp_path: Path) -> None:
    await kept(store, TEXT)
    file = tmp_path / "workspaces" / "thread" / ".results" / "task" / OWN
    secret = tmp_path / "secret"
    await asyncio.to_thread(secret.write_text, TEXT)
    await asyncio.to_thread(file.unlink)
    await asyncio.to_thread(file.symlink_to, secret)
    assert await store.read("thread", "task", OWN) is None
    await asyncio.to_thread(file.unlink)
    await asyncio.to_thread(file.write_text, TEXT + "forged")
    assert await store.read("thread", "task", OWN) is None


async def test_a_linked_folder_is_not_followed(store: StoredResults, tmp_path: Path) -> None:
    outside, workspace = tmp_path / "outside", tmp_path / "workspaces" / "thread"
    for folder in (outside, workspace):
        await asyncio.to_thread(folder.mkdir, parents=True)
    await asyncio.to_thread((workspace / ".results").symlink_to, outside)
    assert not await kept(store, TEXT)
    assert await asyncio.to_thread(os.listdir, outside) == []


async def test_of_too_much_the_oldest_go(tmp_path: Path) -> None:
    store = StoredResults(Workspaces(tmp_path), max_task_bytes=2500)
    texts = [f"{number}" * 1000 for number in range(4)]
    for text in texts[:2]:
        assert await kept(store, text)
        await asyncio.sleep(0.01)
    assert await kept(store, texts[0])  # again: now it is the newer one
    await asyncio.sleep(0.01)
    assert await kept(store, texts[2])
    there = [await store.read("thread", "task", result_id(text)) is not None for text in texts]
    assert there == [True, False, True, False]
    assert not await kept(store, "x" * 2501)


async def test_a_disk_that_refuses_is_told(store: StoredResults, tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / "workspaces").touch)
    assert not await kept(store, TEXT)
    assert await store.read("thread", "task", OWN) is None
