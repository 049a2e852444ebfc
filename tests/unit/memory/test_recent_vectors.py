"""Each text is embedded once, those of several threads together, and a fault reaches everyone it concerns."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from configs.errors import ModelUnavailableError
from memory.embedding import Vectors
from memory.recent_vectors import MOST, RecentVectors
from tests.fakes.quick_bank import QuickEmbedder


class Counting(QuickEmbedder):
    """Remembers its batches; waits for `gate` where one is given, and fails while `fault` is set."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        self.batches: list[list[str]] = []
        self.entered = threading.Event()
        self.fault: Exception | None = None
        self._gate = gate

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.batches.append(list(texts))
        self.entered.set()
        if self._gate is not None:
            assert self._gate.wait(10)
        if self.fault is not None:
            raise self.fault
        return super().embed(texts)


def test_vectors_are_the_embedders_in_the_order_of_the_texts() -> None:
    recent, texts = RecentVectors(Counting()), ["a", "b", "a", "c"]
    for _ in range(2):
        assert np.array_equal(recent.embed(texts), QuickEmbedder().embed(texts))


def test_a_text_is_embedded_once_until_it_is_forgotten() -> None:
    counting = Counting()
    recent = RecentVectors(counting, kept=2)
    recent.embed(["a"])
    recent.embed(["b", "a"])
    assert counting.batches == [["a"], ["b"]]
    recent.embed(["a"])
    recent.embed(["c"])  # "b" was used longest ago
    recent.embed(["a", "b"])
    assert counting.batches[2:] == [["c"], ["b"]]


def test_a_caller_cannot_change_what_is_remembered() -> None:
    recent = RecentVectors(Counting())
    recent.embed(["a"])[:] = 0
    assert recent.embed(["a"])[0] @ QuickEmbedder().embed(["a"])[0] == pytest.approx(1)


def test_long_lists_go_straight_through() -> None:
    counting = Counting()
    recent, texts = RecentVectors(counting), [str(number) for number in range(MOST + 1)]
    for _ in range(2):
        assert np.array_equal(recent.embed(texts), QuickEmbedder().embed(texts))
    assert counting.batches == [texts, texts]


def test_what_waits_meanwhile_is_one_batch() -> None:
    gate = threading.Event()
    counting = Counting(gate)
    recent = RecentVectors(counting)
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(recent.embed, ["first"])
        assert counting.entered.wait(10)
        others = [pool.submit(recent.embed, [f"other {number % 3}"]) for number in range(5)]
        while len(recent._waiting) < 4:
            threading.Event().wait(0.001)
        gate.set()
        assert first.result(10).shape == (1, 16)
        assert [other.result(10).shape for other in others] == [(1, 16)] * 5
    assert [sorted(batch) for batch in counting.batches] == [["first"], ["other 0", "other 1", "other 2"]]


def test_a_fault_is_everyones_and_is_not_remembered() -> None:
    counting = Counting()
    recent = RecentVectors(counting)
    counting.fault = ModelUnavailableError("down")
    for _ in range(2):
        with pytest.raises(ModelUnavailableError, match="down"):
            recent.embed(["a", "b"])
    counting.fault = None
    assert recent.embed(["b", "a"]).shape == (2, 16)
