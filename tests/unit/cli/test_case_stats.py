"""`memento cases stats`: the ledger alone, one namespace, as tables, JSON and picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import run
from cli.case_stats_picture import wilson
from cli.case_stats_view import bar
from memory.events import CaseWritten
from memory.features import DAY
from memory.writer_lock import WriterLock
from tests.fakes.bank_events import case, episode, imported, write

GOOD, BAD, SECOND = case("good \x1b[2J task"), case("bad", 0), case("good \x1b[2J task", plan="Look it up there")
PLAIN = case("shown by cosine", 0)
PNG = b"\x89PNG\r\n\x1a\n"


def lessons() -> list[CaseWritten]:
    """Tasks that fail at first, then succeed; always with GOOD, the failures also with BAD."""
    return [
        CaseWritten(
            case=case(f"task {number}", 0 if number < 8 else 1, at=1e9 + number * DAY),
            episode=episode([GOOD.id, BAD.id] if number < 8 else [GOOD.id]),
        )
        for number in range(16)
    ]


@pytest.fixture
def bank(home: Path) -> Path:
    plain = CaseWritten(case=case("t", None, at=1e9), episode=episode([PLAIN.id], features=False, policy="cosine"))
    events = [imported(GOOD, "notes.jsonl"), *(CaseWritten(case=one) for one in (BAD, SECOND, PLAIN)), plain]
    write(home, [*events, *lessons(), CaseWritten(case=case("elsewhere", namespace="other"))])
    return home


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run(["cases", "stats", "--json", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_json_tells_everything_of_one_namespace(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys)
    assert (found["namespace"], found["cases"], found["retrievable"], found["copies"]) == ("default", 21, 20, 0)
    assert found["outcomes"] == {"right": 10, "wrong": 10, "unknown": 1}
    assert found["reward_sources"] == {"judge": 20}
    assert [(one["name"], one["cases"], one["untrusted"]) for one in found["origins"]] == [
        ("run", 20, 0),
        ("import:notes.jsonl", 1, 0),  # whose case has earned its trust by use
    ]
    assert [(one["tasks"], one["right"]) for one in found["learning"]] == [(5, 1), (5, 0), (5, 4), (4, 4)]
    assert found["clusters"]["method"] == "tasks"
    assert found["clusters"]["near_duplicates"] == [{"case_id": GOOD.id, "cases": 2}]
    assert found["recent"]["policies"]["bandit"]["tasks"] == 16
    assert found["concentration"]["warning"] is None and found["concentration"]["case_id"] == GOOD.id
    assert told(capsys, "--set", "namespace=other")["cases"] == 1
    assert told(capsys, "--set", "namespace=nobody")["cases"] == 0


def test_worth_is_the_bandits_estimate_and_nothing_where_there_is_none(
    bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worth = told(capsys)["worth"]
    assert (worth["shown"], worth["estimated"]) == (3, 2), "features of one of them are not known"
    (most,), (least,) = worth["most_useful"], worth["least_useful"]
    assert (most["id"], most["uses"], most["judged"], most["wins"]) == (GOOD.id, 16, 16, 8)
    assert (least["id"], least["uses"], least["wins"]) == (BAD.id, 8, 0)
    assert most["value"] > least["value"] and 0 < most["sd"] < 1.42


def test_tables_show_the_same_without_escapes(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cases", "stats"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert "cases\t21" in lines and "archived\t0" in lines
    assert any(line.startswith("near-duplicates\t1 cases in 1 clusters (the same task") for line in lines)
    assert any(line.startswith("tasks 16-19") and line.endswith("█ 100%") for line in lines)
    assert any(line.startswith("most\t+") and GOOD.id in line and "good task" in line for line in lines)
    assert "\x1b" not in captured.out
    assert captured.err == ""


def test_an_alarm_is_told(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = [CaseWritten(case=case(f"again {n}", 1, at=2e9 + n), episode=episode([GOOD.id])) for n in range(20)]
    write(bank, again)
    assert run(["cases", "stats"]) == 0
    assert f"case {GOOD.id} was shown for" in capsys.readouterr().err
    assert "was shown for" in told(capsys)["concentration"]["warning"]


def test_it_works_while_an_agent_holds_the_bank(
    bank: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory.writer_lock.WAIT_SECONDS", 0.05)
    with WriterLock(bank).held():
        assert told(capsys)["cases"] == 21
        assert run(["cases", "stats", "--thorough", "--json"]) == 0
        captured = capsys.readouterr()
    assert json.loads(captured.out)["clusters"]["method"] == "tasks"
    assert "tasks are compared by their words: the case bank in" in captured.err


def test_namespaces_are_counted_for_the_operator(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "--all-namespaces")["namespaces"]
    assert {name: counted["cases"] for name, counted in found.items()} == {"default": 21, "other": 1}
    assert run(["cases", "stats", "--all-namespaces"]) == 0
    assert "other\t1\t1\t0\t0\t1\t0\t0" in capsys.readouterr().out.splitlines()


def test_an_empty_home_has_nothing_and_gets_nothing(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "empty.png"
    found = told(capsys, "--thorough", "--picture", str(picture))
    assert (found["cases"], found["learning"], found["worth"]["estimated"]) == (0, [], 0)
    assert picture.read_bytes().startswith(PNG)
    assert run(["cases", "stats"]) == 0
    assert "no case was shown yet" in capsys.readouterr().out
    assert not home.exists(), "reading leaves nothing behind"


def test_texts_of_others_are_drawn_as_they_are(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strange = [case(f"\x1b]0;{n}\x07 costs $x_{{ and \\frac of 瑞典 $ 🇸🇪", n) for n in (0, 1)]
    shows = [CaseWritten(case=case(f"t{n}", n), episode=episode([strange[n].id])) for n in (0, 1)]
    write(home, [*(imported(one, "$\\sqrt{.jsonl") for one in strange), *shows])
    picture = tmp_path / "strange.png"
    assert len(told(capsys, "--picture", str(picture))["worth"]["most_useful"]) == 1
    assert picture.read_bytes().startswith(PNG)


def test_the_picture_is_drawn(bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "stats.PNG"
    assert told(capsys, "--picture", str(picture))["picture"] == str(picture)
    assert picture.read_bytes().startswith(PNG) and picture.stat().st_size > 20_000


def test_too_many_cases_and_episodes_are_left_out_unless_asked_for(
    bank: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory.bank_stats.MOST_COMPARED", 19)
    monkeypatch.setattr("memory.bank_stats.QUICKLY", 15)
    found = told(capsys)
    assert found["clusters"] is None and found["worth"]["episodes_not_learned"] == 17
    assert found["worth"]["estimated"] == 0
    assert run(["cases", "stats"]) == 0
    text = capsys.readouterr().out
    assert "not looked for among so many" in text and "17 tasks to learn from first" in text
    found = told(capsys, "--thorough")
    assert found["clusters"]["method"] == "tasks" and found["worth"]["estimated"] == 2


def test_bar_and_interval() -> None:
    assert (bar(0.5, 4), bar(0, 2), bar(1, 2)) == ("██░░", "░░", "██")
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
