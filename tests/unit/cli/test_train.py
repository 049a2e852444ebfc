"""`memento train`: from rows to a model on disk, what it prints, and how a mistake ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.__main__ import run
from memory.policies.base import Candidate, PolicyOptions, Query
from memory.policies.parametric import Parametric

PLAN = '{"plan": [{"id": 1, "description": "look it up"}]}'


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Eight tasks of either outcome, two cases each."""
    shared = {"case_label": "positive", "plan": PLAN}
    lines = [
        {"query": f"{kind} question {number}", "case": case, "truth_label": label, **shared}
        for kind, label in (("easy", True), ("hard", False))
        for number in range(8)
        for case in ("one case", "another")
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


def test_the_model_is_written_where_the_policy_looks_and_json_is_alone_on_stdout(
    rows: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with rows.open("a", encoding="utf-8") as file:
        file.write("nonsense\n")
    assert run(["train", "--data", str(rows), "--epochs", "3", "--json"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert told["model"] == str(home / "models" / "parametric") and not told["leaks"]
    assert (told["data"]["rows"], told["data"]["tasks"], told["data"]["bad"][0]["line"]) == (32, 16, 33)
    assert told["data"]["train"] + told["data"]["validation"] + told["data"]["test"] == 32
    assert [each["name"] for each in told["results"]][:3] == [
        "Q(task, case)", "base rate", "source: the case's outcome",
    ]  # fmt: skip
    assert "line 33: not a JSON object" in captured.err and "training the head: 3 of 3" in captured.err
    policy = Parametric(PolicyOptions(models=home / "models"))
    assert policy.state_dict()["model"] == told["fingerprint"]
    query = Query("easy question 99", texts=lambda ids: [f"case {id_}" for id_ in ids])
    assert len(policy.select(query, [Candidate("a", 1, 0.0), Candidate("b", 0, 0.0)], 1)) == 1


def test_a_leaky_split_says_so_and_is_not_kept(rows: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--data", str(rows), "--epochs", "2", "--split", "leaky-rows"]) == 0
    captured = capsys.readouterr()
    assert "a lookup table by task scores as high" in captured.err
    assert "single outcome" in captured.err
    table = {line.split("\t")[0]: line.split("\t")[1:] for line in captured.out.splitlines() if "\t" in line}
    assert table["lookup table by task"][0] == "1.000"
    assert not (home / "models").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to train on"),
        (["--data", "missing.jsonl"], "cannot read missing.jsonl: No such file"),
        (["--encoder", "no/such-model", "--data"], "encoder 'no/such-model' cannot be loaded"),
        (["--epochs", "0"], "--epochs"),
        (["--split", "random"], "--split"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, rows: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [*arguments, str(rows)] if arguments and arguments[-1] == "--data" else arguments
    assert run(["train", *given]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.out == ""
    assert len([line for line in captured.err.splitlines() if "Traceback" in line]) == 0
    assert not (home / "models").exists()


def test_a_folder_that_cannot_be_written_is_told_before_training(
    rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "--data", str(rows), "--epochs", "1", "--out", str(rows / "below")]) == 2
    told = capsys.readouterr().err
    assert "cannot write" in told and "encoding" not in told
