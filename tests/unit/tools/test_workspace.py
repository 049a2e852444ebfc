"""The workspace against names and files that were made to get out of it or to fill it."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from pathlib import Path

import pytest

from configs.errors import ToolCallError
from tools import workspace_walk
from tools.workspace import Workspace, parts

SECRET = b"of the host"


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_bytes(SECRET)
    made = Workspace(tmp_path / "space", 10_000)
    made.write("a/b.txt", b"inside")
    return made


OUTSIDE = [
    "", " ", ".", "/", "..", "../secret", "../other/file", "a/../../secret", "/etc/passwd", "/workspace/../secret", "~",
    "/workspace", "~/x", "file:///etc/passwd", "FILE:secret", "%2e%2e/secret", "%2e%2e%2fsecret", "%2Fetc%2Fpasswd",
    "file%3A///etc/passwd", "a\0b", "a%00b", "a\nb", "a" * 5000, "/".join(["a"] * 2500), "\u202esecret",
]  # fmt: skip


@pytest.mark.parametrize("path", OUTSIDE, ids=range(len(OUTSIDE)))
def test_a_name_that_leads_out_is_refused(space: Workspace, path: str) -> None:
    for act in (
        lambda: space.read(path, 100),
        lambda: space.write(path, b"x"),
        lambda: space.open(path).__enter__(),
    ):
        with pytest.raises(ToolCallError) as refused:
            act()
        assert len(str(refused.value)) < 300 and str(space.folder) not in str(refused.value)
    assert [each.path for each in space.entries()] == ["a/b.txt"]
    assert (space.folder.parent / "secret").read_bytes() == SECRET


def test_names_that_only_look_odd_are_taken(space: Workspace) -> None:
    for path in ("/workspace/a/c", "a//c", "./a/./c", " a/c "):
        assert parts(path)[-1] == "c"
    for path in ("100%.txt", "~$book.docx", "..hidden", "ä ö.txt", "a:b"):
        space.write(path, b"1")
        assert space.read(path, 1) == b"1"


def test_links_and_what_is_no_file_are_not_followed(space: Workspace) -> None:
    top = space.folder
    (top / "link").symlink_to(top.parent / "secret")
    (top / "inside").symlink_to("a/b.txt")
    (top / "folder").symlink_to(top.parent / "other")
    os.mkfifo(top / "pipe")
    os.link(top.parent / "secret", top / "hard")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(top / "sock"))
        for path in ("link", "inside", "folder/file", "pipe", "sock", "hard", "a"):
            with pytest.raises(ToolCallError):
                space.read(path, 100)
    with pytest.raises(ToolCallError):
        space.write("folder/new", b"x")
    for path in ("link", "pipe", "hard"):  # replaced, never written through
        space.write(path, b"mine")
        assert space.read(path, 10) == b"mine"
    assert (top.parent / "secret").read_bytes() == SECRET
    assert {each.path for each in space.entries()} == {"a/b.txt", "hard", "link", "pipe"}
    assert not list((top.parent / "other").glob("new"))
    with pytest.raises(ToolCallError, match="is a folder"):
        space.write("a", b"x")


def test_a_link_that_is_put_there_while_we_write_is_never_followed(space: Workspace) -> None:
    """A thread keeps swapping a folder and a file for links that lead out, while the host reads and writes them."""
    top, stop = space.folder, threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for name, target in (("d", top.parent / "other"), ("f", top.parent / "secret")):
                (top / "new").symlink_to(target)
                (top / "new").replace(top / f"{name}-link")
                try:
                    (top / f"{name}-link").rename(top / name)
                    (top / name).unlink()
                except OSError:
                    (top / f"{name}-link").unlink(missing_ok=True)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(300):
            for path in ("f", "d/file"):
                try:
                    space.write(path, b"mine")
                    assert space.read(path, 100) == b"mine"
                except ToolCallError:
                    pass
            shutil.rmtree(top / "d", ignore_errors=True)
    finally:
        stop.set()
        thread.join()
    assert (top.parent / "secret").read_bytes() == SECRET
    assert (top.parent / "other" / "file").read_bytes() == SECRET


def test_the_quota_holds_and_what_is_replaced_does_not_count(space: Workspace) -> None:
    space.write("big", b"x" * 9_000)
    with pytest.raises(ToolCallError, match="the workspace is full: it takes 10,000 bytes"):
        space.write("more", b"x" * 2_000)
    space.write("big", b"y" * 9_900)
    assert space.used() == 9_906
    assert sorted(each.name for each in space.folder.iterdir()) == ["a", "big"]  # nothing half written is left
    with pytest.raises(ToolCallError, match="larger than the 100 bytes"):
        space.read("big", 100)


def test_what_hides_from_the_count_is_counted(space: Workspace) -> None:
    with (space.folder / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    assert space.used() > 1 << 40
    (space.folder / "shut").mkdir()
    (space.folder / "shut" / "file").write_bytes(b"x" * 5000)
    (space.folder / "shut").chmod(0)
    assert "shut/file" in [each.path for each in space.entries()]


def test_trimming_takes_the_largest_new_files_and_leaves_what_was_there(space: Workspace) -> None:
    for size in (10, 5_000, 7_000):
        space.folder.joinpath(f"n{size}").write_bytes(b"x" * size)
    space.folder.joinpath("old").write_bytes(b"x" * 9_000)
    assert sorted(space.trim(9_100, 100, {"a/b.txt", "old"})) == ["n5000", "n7000"]
    assert space.used() == 9_016


def test_trimming_ends_folders_of_any_depth_and_number(space: Workspace) -> None:
    here = Path.cwd()
    os.chdir(space.folder)
    try:
        for _ in range(300):
            Path("deep").mkdir()
            os.chdir("deep")
        Path("file").write_bytes(b"x")
    finally:
        os.chdir(here)
    for number in range(200):
        (space.folder / f"e{number}").mkdir()
    assert space.usage().deep
    space.trim(10_000, 50, {"a", "a/b.txt"})
    usage = space.usage()
    assert (usage.deep, usage.entries) == (False, 50)
    assert space.read("a/b.txt", 10) == b"inside"


def test_entries_are_bounded(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.workspace.MAX_ENTRIES", 5)
    for number in range(20):
        space.write(f"f{number}", b"")
    assert len(space.entries()) == 5
    assert space.usage(entries=10).entries == 11
    assert workspace_walk.MAX_ENTRIES == 10_000


def test_free_names(space: Workspace) -> None:
    assert space.free_name("a/c.txt") == "a/c.txt"
    assert space.free_name("a/b.txt") == "a/b-2.txt"
    space.write("a/b-2.txt", b"")
    assert space.free_name("a/b.txt") == "a/b-3.txt"
    assert Workspace(space.folder / "none", 1).entries() == []
