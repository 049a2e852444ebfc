"""The kept case rows: filled once, found again in the next process, and never trusted when damaged."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from memory.embedding import Vectors
from memory.training.case_rows import WRITTEN_FROM, CaseRows

IDS = [f"case {number}" for number in range(WRITTEN_FROM)]


def make(ids: Sequence[str]) -> Vectors:
    return np.array([[len(id_), int(id_.split()[1])] for id_ in ids], dtype=np.float32)


def opened(path: Path | None, fingerprint: str = "f", width: int = 2) -> CaseRows:
    return CaseRows(path, fingerprint, width)


def test_rows_come_back_in_the_order_asked_for() -> None:
    kept = opened(None)
    for part in (IDS[:1], IDS[1:5], IDS[5:]):
        kept.fill(part, make)
    asked = [IDS[30], IDS[0], IDS[4]]
    np.testing.assert_array_equal(kept.rows(asked), make(asked))
    assert kept.missing([*asked, "case 99"]) == ["case 99"]


def test_the_next_process_finds_them(tmp_path: Path) -> None:
    path = tmp_path / "below" / "cases.safetensors"
    opened(path).fill(IDS[1:], make)
    assert not path.exists(), "so few rows are not worth a file"
    opened(path).fill(IDS, make)
    again = opened(path)
    assert again.missing(IDS) == []
    np.testing.assert_array_equal(again.rows(IDS), make(IDS))
    again.fill(["case 77"], make)
    np.testing.assert_array_equal(again.rows(["case 77", IDS[3]]), make(["case 77", IDS[3]]))


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"", lambda data: b"{}" * 400])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: object, caplog: pytest.LogCaptureFixture) -> None:
    assert callable(damage)
    path = tmp_path / "cases.safetensors"
    opened(path).fill(IDS, make)
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        kept = opened(path)
    assert "is damaged and is made anew" in caplog.text
    assert kept.missing(IDS) == IDS
    kept.fill(IDS, make)
    assert opened(path).missing(IDS) == []


def test_rows_of_another_model_are_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "cases.safetensors"
    opened(path).fill(IDS, make)
    assert opened(path, fingerprint="other").missing(IDS) == IDS
    assert opened(path, width=3).missing(IDS) == IDS


def test_a_full_disk_costs_time_but_no_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    kept = opened(tmp_path / "file" / "cases.safetensors")
    kept.fill(IDS, make)
    assert "cannot keep" in caplog.text
    assert kept.missing(IDS) == []
