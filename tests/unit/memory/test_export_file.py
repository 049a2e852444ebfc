"""An export is written as a whole or not at all, and into pipes and devices as they are."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory.entries import Entries
from memory.exchange import export_file
from memory.journal import replay
from tests.fakes.bank_events import case, imported, write


@pytest.fixture
def entries(tmp_path: Path) -> Entries:
    write(tmp_path / "home", [imported(case("one")), imported(case("two"))])
    return replay(tmp_path / "home").entries


def test_an_export_that_fails_leaves_the_earlier_file(
    entries: Entries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "cases.jsonl").write_text("earlier")

    def broken(_: Entries) -> Iterator[str]:
        yield "first"
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("memory.exchange.export_lines", broken)
        with pytest.raises(Exception, match=r"cannot write .*cases.jsonl: No space left on device"):
            export_file(entries, folder / "cases.jsonl")
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("cases.jsonl", "earlier")]
    (folder / "link").symlink_to("cases.jsonl")
    assert export_file(entries, folder / "link") == 2
    assert (folder / "link").is_symlink()
    assert len((folder / "cases.jsonl").read_text().splitlines()) == 2
    assert stat.S_IMODE((folder / "cases.jsonl").stat().st_mode) == 0o600


def test_a_pipe_is_written_into(entries: Entries, tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    assert export_file(entries, pipe) == 2
    reader.join(10)
    assert len(read[0].splitlines()) == 2
    assert pipe.is_fifo()


def test_standard_output_is_written_to_whatever_it_is(entries: Entries, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from memory.exchange import export_file; from memory.journal import"
        f" replay; export_file(replay(Path({str(tmp_path / 'home')!r})).entries, Path('/dev/stdout'))"
    )
    command = [sys.executable, "-c", code]
    assert len(subprocess.run(command, capture_output=True, check=True).stdout.splitlines()) == 2
    with (tmp_path / "out").open("w+b") as out:
        subprocess.run(command, stdout=out, check=True)
        out.seek(0)
        assert len(out.read().splitlines()) == 2, "not into another file of its name"
    assert len(entries) == 2
