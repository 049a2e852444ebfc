"""`memento cases` and ids by prefix, over a journal written by the memory itself; no index, no embedder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.__main__ import run
from cli.identifiers import find
from cli.times import NO_DATE
from configs.errors import InvalidInputError
from memory.case import Case, Reward, Step, ToolUse
from memory.episode import Episode, Shown
from memory.events import ArchiveChanged, CaseWritten
from memory.journal import Journal, replay

CALL = ToolUse(name="multiply", arguments={"a": 12, "b": 9}, result="108")
PLAN = (Step(id=1, description="Multiply 12 by 9", status="done", result="108", calls=(CALL,)),)


def case(id_: str, reward: Reward | None, at: float) -> Case:
    source = None if reward is None else "judge"
    return Case(id=id_, task=f"task {id_} \x1b[2J", plan=PLAN, reward=reward, reward_source=source, created_at=at)


@pytest.fixture
def bank(home: Path) -> Path:
    home.mkdir(parents=True)
    journal = Journal(home)
    shown = Episode(policy="cosine", k=2, slate=(Shown(case_id="aaaa1111", score=0.5),))
    journal.append(
        [
            CaseWritten(case=case("aaaa1111", 1, 1e9)),
            CaseWritten(case=case("aaaa2222", 0, 2e9), episode=shown),
            CaseWritten(case=case("bbbb3333", None, 1.5e9), episode=shown),
            ArchiveChanged(kind="archived", case_ids=("aaaa1111",)),
        ]
    )
    return home


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(arguments) == 0
    return capsys.readouterr().out


def test_list_shows_the_newest_first_and_archived_ones_on_demand(
    bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(capsys, "cases", "list").splitlines()
    assert [line.split("\t")[:2] for line in lines] == [
        ["case", "outcome"],
        ["aaaa2222", "wrong"],
        ["bbbb3333", "unknown"],
    ]
    assert "\x1b" not in "".join(lines)
    told = json.loads(printed(capsys, "cases", "list", "--archived", "--json"))
    assert [each["id"] for each in told["cases"]] == ["aaaa2222", "bbbb3333", "aaaa1111"]
    told = json.loads(printed(capsys, "cases", "list", "--archived", "--outcome", "right", "--json"))
    assert [(each["id"], each["archived"]) for each in told["cases"]] == [("aaaa1111", True)]
    told = json.loads(printed(capsys, "cases", "list", "--limit", "1", "--json"))
    assert len(told["cases"]) == 1 and told["total"] == 2


def test_show_takes_a_unique_prefix(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "cases", "show", "bbbb")
    assert "bbbb3333" in text and "multiply(a=12, b=9) → 108" in text and "by cosine" in text
    told = json.loads(printed(capsys, "cases", "show", "aaaa2", "--json"))
    assert told["id"] == "aaaa2222" and told["episode"]["policy"] == "cosine"
    assert run(["cases", "show", "aaaa"]) == 2
    assert "aaaa1111, aaaa2222" in capsys.readouterr().err


def test_export_to_stdout_is_jsonl_that_means_the_same(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.loads(line) for line in printed(capsys, "cases", "export").splitlines()]
    assert [line["case"]["id"] for line in lines] == ["aaaa1111", "aaaa2222", "bbbb3333"]
    assert lines[0]["case"]["task"] == "task aaaa1111 \x1b[2J"


def test_export_to_a_file_says_how_many(bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "out.jsonl"
    assert json.loads(printed(capsys, "cases", "export", str(path), "--json")) == {"cases": 3, "path": str(path)}
    assert len(path.read_text().splitlines()) == 3


def test_an_empty_home_has_no_cases(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(printed(capsys, "cases", "list", "--json")) == {"cases": [], "total": 0}
    assert json.loads(printed(capsys, "cases", "stats", "--json"))["cases"] == 0
    assert not home.exists(), "reading leaves nothing behind"


def test_delete_asks_and_takes_nobody_there_for_a_no(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cases", "delete", "aaaa1"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert len(replay(bank).entries) == 3


def test_find_takes_whole_ids_and_prefixes_of_four() -> None:
    known = ["abcd1", "abcd2", "abce", "ab"]
    assert find("ab", known, "case") == "ab"
    assert find("abce", known, "case") == find("abce", ["abcex"], "case")[:4] == "abce"
    for given, message in (("abc", "at least"), ("abcd", "not unique"), ("zzzz", "no case"), ("", "no case")):
        with pytest.raises(InvalidInputError, match=message):
            find(given, known, "case")


@pytest.mark.parametrize("at", [1e17, -1e17, 1e300, 253402300800.0])
def test_a_time_that_no_calendar_has_is_told_as_such(bank: Path, at: float, capsys: pytest.CaptureFixture[str]) -> None:
    Journal(bank).append([CaseWritten(case=case("cccc4444", 1, at), episode=Episode(policy="cosine"))])
    rows = [line.split("\t") for line in printed(capsys, "cases", "list").splitlines()]
    assert [row[2] for row in rows if row[0] == "cccc4444"] == [NO_DATE]
    assert "cases" in printed(capsys, "cases", "stats")
    assert "cccc4444" in printed(capsys, "cases", "show", "cccc4444")
