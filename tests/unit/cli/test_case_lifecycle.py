"""`memento cases forget` and `purge`, over a real bank."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import run
from memory.events import CaseWritten
from memory.journal import replay
from memory.writer_lock import WriterLock
from tests.fakes.bank_events import case, imported, write

ALIKE = [
    case(f"What is the capital of {name}?", plan=f"Look it up {n}", at=n)
    for n, name in enumerate(("Norway", "Norway now", "norway"))
]
RARE = case("How many legs has a spider?", source="import")
BAD = case("Who painted the Mona Lisa?")
BUILT_ON_BAD = case("Who painted it?", 0, parents=[BAD.id])


@pytest.fixture
def bank(home: Path) -> Path:
    runs = [CaseWritten(case=one) for one in (*ALIKE, BUILT_ON_BAD)]
    write(home, [*runs, imported(RARE, "rare.jsonl"), imported(BAD, "bad.jsonl")])
    return home


@pytest.fixture
def json_of(capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    def told(*arguments: str) -> dict[str, Any]:
        assert run(["cases", *arguments, "--json"]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    yield told


def retrievable(home: Path) -> set[str]:
    return set(replay(home).eligible("default"))


def test_forgetting_keeps_rare_kinds_and_can_be_undone(bank: Path, json_of: Any) -> None:
    before = retrievable(bank)
    would = json_of("forget", "--keep", "4", "--dry-run")
    assert would["clusters"] == {"method": "vectors", "count": 4}
    assert not would["archived"] and would["restore"] is None and retrievable(bank) == before
    did = json_of("forget", "--keep", "4", "--yes")
    assert did["ids"] == would["ids"] and did["archived"] and did["retrievable"] == 4
    assert set(did["ids"]) < {one.id for one in ALIKE}, "of three alike one stays, and so do the rare ones"
    assert retrievable(bank) == before - set(did["ids"])
    words = shlex.split(did["restore"])
    assert words[:3] == ["memento", "cases", "restore"]
    assert run(words[1:]) == 0
    assert retrievable(bank) == before


def test_what_would_go_is_told(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cases", "forget", "--keep", "3", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("expected use\twanted\tvalue\ttrust\tcase\tstays")
    assert [line.split("\t")[5] == "none alike" for line in lines[1:4]] == [False, False, True]
    assert lines[4] == "3 of 6 cases would go. Clusters by meaning: 4, 1 of which would have no case left."
    assert run(["cases", "forget", "--keep", "6"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "" and "nothing to forget: 6 cases" in captured.err


def test_many_ids_go_into_a_file_of_the_home(bank: Path, json_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.case_lifecycle.NAMED", 1)
    did = json_of("forget", "--keep", "4", "--yes", "--set", "top_k=3")
    command, path = did["restore"].split(" < ")
    assert command == "xargs memento cases restore --set top_k=3"
    assert Path(shlex.split(path)[0]).read_text().split() == did["ids"]
    assert Path(shlex.split(path)[0]).stat().st_mode & 0o077 == 0


def test_nothing_happens_unless_somebody_says_yes(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = retrievable(bank)
    for arguments in (["forget", "--keep", "1"], ["purge", "import"]):
        assert run(["cases", *arguments]) == 2
        assert "--yes" in capsys.readouterr().err
    assert retrievable(bank) == before
    assert not list(bank.glob("forgotten-*"))


def test_a_held_bank_can_be_looked_at_but_not_changed(
    bank: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory.writer_lock.WAIT_SECONDS", 0.05)
    with WriterLock(bank).held():
        assert run(["cases", "forget", "--keep", "3", "--dry-run"]) == 0
        assert "Clusters by the same task: 5" in capsys.readouterr().out
        assert run(["cases", "forget", "--keep", "3", "--yes"]) == 1
        assert run(["cases", "purge", "import", "--yes"]) == 1
    assert len(retrievable(bank)) == 6


def test_purging_a_source_with_what_was_built_on_it(bank: Path, json_of: Any) -> None:
    would = json_of("purge", "import:bad.jsonl", "--descendants", "--dry-run")
    assert would == {
        "origin": "import:bad.jsonl",
        "deleted": False,
        "cases": [BAD.id],
        "descendants": [BUILT_ON_BAD.id],
    }
    assert BAD.id in replay(bank).entries
    assert json_of("purge", "import:bad.jsonl", "--yes")["descendants"] == []
    assert BAD.id not in replay(bank).entries and BUILT_ON_BAD.id in replay(bank).entries
    assert json_of("purge", "import", "--yes")["cases"] == [RARE.id]
    assert retrievable(bank) == {one.id for one in (*ALIKE, BUILT_ON_BAD)}


def test_another_namespace_is_out_of_reach(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["purge", "import", "--yes"], ["purge", "run", "--descendants", "--yes"]):
        assert run(["cases", *arguments, "--set", "namespace=other"]) == 2
    assert run(["cases", "forget", "--keep", "0", "--yes", "--set", "namespace=other"]) == 0
    assert len(retrievable(bank)) == 6


def test_compacting_erases_what_purge_deleted(bank: Path, json_of: Any, capsys: pytest.CaptureFixture[str]) -> None:
    journal = bank / "journal.jsonl"
    size = journal.stat().st_size
    json_of("purge", "import:bad.jsonl", "--yes")
    assert BAD.task.encode() in journal.read_bytes()
    did = json_of("compact")
    assert did["cases_erased"] == 1 and did["bytes_after"] == journal.stat().st_size < size < did["bytes_before"]
    assert BAD.task.encode() not in journal.read_bytes()
    assert RARE.id in retrievable(bank) and BAD.id not in retrievable(bank)
    assert run(["cases", "compact"]) == 0
    assert "0 deleted cases" in capsys.readouterr().err


def test_compacting_a_bank_that_is_in_use_is_refused(
    bank: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory.writer_lock.WAIT_SECONDS", 0.1)
    before = (bank / "journal.jsonl").read_bytes()
    lock = WriterLock(bank)
    lock.acquire()
    try:
        assert run(["cases", "compact"]) == 1
    finally:
        lock.release()
    assert "in use by" in capsys.readouterr().err and (bank / "journal.jsonl").read_bytes() == before
