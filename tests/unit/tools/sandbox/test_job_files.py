"""What comes out of a job's folder is taken as hostile."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from configs.errors import ToolCallError
from tests.project_files import ROOT
from tools.sandbox import job_files
from tools.sandbox.job_files import MAX_FILES, PREFIX, JobFolder, job_folder


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


def test_more_names_than_are_taken_are_refused_whatever_they_name(folder: JobFolder, target: Path) -> None:
    for number in range(MAX_FILES + 1):
        (folder.out / str(number)).symlink_to("x")
    with pytest.raises(ToolCallError, match="more files"):
        folder.collect(target, 1000)


MANY = '{"value": [' + "{}," * 1_100_000 + "0]}"
LONG = '{"value": "' + "x" * 20_000_000 + '"}'


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "[" * 100_000, '{"value": NaN', MANY, LONG, '{"a": "\udcff"}'])
def test_an_outcome_that_is_none_is_empty(text: str, folder: JobFolder) -> None:
    (folder.result / "result.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    assert folder.outcome() == {}


def test_every_text_of_an_outcome_can_be_written(folder: JobFolder) -> None:
    (folder.result / "result.json").write_text(r'{"value": ["\uD83D\ude00 \uDCFF", {"\ud800": "x"}]}')
    assert folder.outcome() == {"value": ["\U0001f600 ?", {"?": "x"}]}


def test_an_input_that_grows_while_it_is_copied_is_not_copied_without_end(
    folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_files, "MAX_INPUT", 3_000_000)

    class Growing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return b"x" * 1000

    with pytest.raises(ToolCallError, match="larger than 3,000,000 bytes"):
        folder.place({"file": Growing()})
    with tempfile.TemporaryFile() as file:
        file.truncate(3_000_001)
        with pytest.raises(ToolCallError, match="larger than 3,000,000 bytes"):
            folder.place({"file": file})
        file.truncate(3_000_000)
        folder.place({"file": file})
    assert (folder.inputs / "0").stat().st_size == 3_000_000


def test_folders_that_a_job_closed_are_looked_into(folder: JobFolder, target: Path) -> None:
    (folder.out / "made").write_text("made")
    (folder.result / "result.json").write_text('{"value": 1}')
    folder.out.chmod(0)
    folder.result.chmod(0)
    assert folder.outcome() == {"value": 1}
    folder.collect(target, 1000)
    assert (target / "made").read_text() == "made"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become an ordinary user")
def test_all_of_it_holds_for_an_ordinary_user_too() -> None:
    with tempfile.TemporaryDirectory() as place:
        os.chown(place, 12_345, 12_345)
        Path(place).chmod(0o755)
        as_user = [sys.executable, str(ROOT / "tests" / "fakes" / "ordinary_user.py"), "12345", sys.executable, "-B"]
        tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", __file__, "--basetemp", f"{place}/tests"]
        done = subprocess.run(
            [*as_user, *tests, "-k", "not ordinary_user"],
            env={"PATH": os.environ["PATH"], "HOME": place},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


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
