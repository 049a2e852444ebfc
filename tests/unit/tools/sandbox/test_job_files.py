"""What comes out of a job's folder is taken as hostile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from configs.errors import ToolCallError
from tools.sandbox.job_files import PREFIX, JobFolder, job_folder


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    return job_folder(tmp_path / "jobs")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    made = tmp_path / "taken"
    made.mkdir()
    return made


def test_regular_files_are_taken_and_nothing_is_followed(folder: JobFolder, target: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (folder.out / "plain").write_text("plain")
    (folder.out / "a").mkdir()
    (folder.out / "a" / "b").write_text("b")
    (folder.out / "closed").mkdir(mode=0)
    (folder.out / "unreadable").write_text("u")
    (folder.out / "unreadable").chmod(0)
    (folder.out / "link").symlink_to(tmp_path / "secret")
    (folder.out / "up").symlink_to(tmp_path)
    os.mkfifo(folder.out / "pipe")
    folder.collect(target, 1000)
    taken = {str(path.relative_to(target)): path.read_text() for path in target.rglob("*") if path.is_file()}
    assert taken == {"plain": "plain", "a/b": "b", "unreadable": "u"}


def test_too_many_bytes_or_too_deep_is_refused(folder: JobFolder, target: Path) -> None:
    (folder.out / "large").write_bytes(bytes(1001))
    with pytest.raises(ToolCallError, match="more files"):
        folder.collect(target, 1000)
    (folder.out / "large").unlink()
    (folder.out / "/".join("d" * 20)).mkdir(parents=True)
    with pytest.raises(ToolCallError, match="more folders"):
        folder.collect(target, 1000)


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "[" * 100_000, '{"value": NaN'])
def test_an_outcome_that_is_none_is_empty(text: str, folder: JobFolder) -> None:
    (folder.result / "result.json").write_text(text)
    assert folder.outcome() == {}


def test_an_outcome_elsewhere_is_not_read(folder: JobFolder, tmp_path: Path) -> None:
    (tmp_path / "other").write_text('{"value": 1}')
    (folder.result / "result.json").symlink_to(tmp_path / "other")
    assert folder.outcome() == {}


def test_folders_of_processes_that_are_gone_are_taken_away(tmp_path: Path) -> None:
    old = tmp_path / "jobs" / f"{PREFIX}4194305-abc"
    (old / "out").mkdir(parents=True)
    kept = job_folder(tmp_path / "jobs")
    assert not old.exists()
    assert job_folder(tmp_path / "jobs").root != kept.root
    assert kept.root.exists()
