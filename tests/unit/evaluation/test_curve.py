"""The learning curve as text and as picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.curve import BAR, bar, curve_text, draw_curve
from tests.fakes.demo_attempts import comparison


def test_a_bar_for_the_baseline_and_one_for_each_block() -> None:
    assert curve_text(comparison("-+", "--+-+")).splitlines() == [
        "Right answers without memory",
        f"  all 2      {'█' * 15}{'░' * 15}   50%",
        "and with memory, as it learns",
        f"  tasks 1-2  {'░' * 30}    0%",
        f"  tasks 3-4  {'█' * 15}{'░' * 15}   50%",
        f"  tasks 5-5  {'█' * 30}  100%",
    ]


@pytest.mark.parametrize(("share", "filled"), [(0.0, 0), (1 / 7, 4), (1.0, BAR)])
def test_bars_have_one_width(share: float, filled: int) -> None:
    assert bar(share).count("█") == filled and len(bar(share)) == BAR


@pytest.mark.parametrize(("none", "memory"), [("--", "-+-+++"), ("++", "++++"), ("-", "-")])
def test_the_picture_is_a_png(none: str, memory: str, tmp_path: Path) -> None:
    path = tmp_path / "curve.png"
    draw_curve(comparison(none, memory), path)
    assert path.read_bytes().startswith(b"\x89PNG")
