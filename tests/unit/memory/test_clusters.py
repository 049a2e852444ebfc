"""Near-duplicates: like tasks with one outcome and similar plans, by vectors or by words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from memory.case import Reward
from memory.case_heads import CaseHead
from memory.clusters import BLOCK, Sketch, find_clusters, sketch_of, sketches
from memory.embedding import Vectors
from memory.events import CaseWritten
from tests.fakes.bank_events import case, write


def sketch(id_: str, task: str, plan: str = "look it up", reward: Reward = 1) -> Sketch:
    head = CaseHead.model_validate({"id": id_, "task": task, "plan": [{"description": plan}]})
    return sketch_of(head, right=reward == 1)


def at(degrees: float) -> Vectors:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], dtype=np.float32)


def test_one_task_in_other_words_needs_vectors() -> None:
    ordered = [sketch("a", "Add 2 and 3"), sketch("b", "  add 2 AND 3"), sketch("c", "Sum of 2 and 3")]
    by_words = find_clusters(ordered)
    assert by_words.method == "tasks" and by_words.representative == {"a": "a", "b": "a", "c": "c"}
    by_meaning = find_clusters(ordered, {"a": at(0), "b": at(0), "c": at(18)})  # cosine 0.951
    assert by_meaning.method == "vectors" and by_meaning.representative == {"a": "a", "b": "a", "c": "a"}
    assert by_meaning.sizes() == {"a": 3}
    assert find_clusters(ordered, {"a": at(0), "b": at(0), "c": at(19)}).sizes() == {"a": 2, "c": 1}  # 0.946


@pytest.mark.parametrize("vectors", [None, {"a": at(0), "b": at(0), "c": at(0)}])
def test_another_outcome_or_another_plan_is_another_cluster(vectors: dict[str, Vectors] | None) -> None:
    ordered = [
        sketch("a", "t", "search the web for it"),
        sketch("b", "t", "search the web for it", reward=0),
        sketch("c", "t", "compute with python"),
    ]
    found = find_clusters(ordered, vectors)
    assert found.representative == {"a": "a", "b": "b", "c": "c"}
    assert found.contrasts == 1


def test_plans_are_similar_from_half_of_their_words_on() -> None:
    plans = ["one two three", "one two four", "one five six"]  # 2 of 4 words, 1 of 5
    found = find_clusters([sketch(plan, "t", plan) for plan in plans])
    assert found.representative == {plans[0]: plans[0], plans[1]: plans[0], plans[2]: plans[2]}


def test_the_first_stands_for_the_others_and_nothing_chains() -> None:
    ordered = [sketch("a", "1"), sketch("b", "2"), sketch("c", "3")]
    vectors = {"a": at(0), "b": at(15), "c": at(30)}
    assert find_clusters(ordered, vectors).representative == {"a": "a", "b": "a", "c": "c"}
    assert find_clusters([ordered[1], ordered[0], ordered[2]], vectors).sizes() == {"b": 3}


def test_blocks_change_nothing() -> None:
    draw = np.random.default_rng(0)
    kinds = draw.normal(size=(40, 16)).astype(np.float32)
    vectors = {}
    for number in range(3 * BLOCK + 5):
        noisy = kinds[number % 40] + 0.02 * draw.normal(size=16).astype(np.float32)
        vectors[str(number)] = (noisy / np.linalg.norm(noisy)).astype(np.float32)
    found = find_clusters([sketch(id_, id_) for id_ in vectors], vectors)
    assert found.representative == {id_: str(int(id_) % 40) for id_ in vectors}


def test_a_case_without_a_vector_is_alone() -> None:
    ordered = [sketch("a", "t"), sketch("b", "t")]
    assert find_clusters(ordered, {"a": at(0)}).sizes() == {"a": 1, "b": 1}
    assert find_clusters(ordered, {}).sizes() == {"a": 1, "b": 1}
    assert find_clusters([]).sizes() == {}


def test_sketches_are_of_what_may_be_retrieved_as_it_is_now(tmp_path: Path) -> None:
    first, copy, odd = case("t", 1, run="1"), case("t", 1, run="2"), case("🇸🇪", 0)
    unknown = case("u", None)
    journal = write(tmp_path, [CaseWritten(case=one) for one in (first, copy, unknown, odd)])
    assert [(one.case_id, one.right) for one in sketches(journal.ledger, "default")] == [
        (first.id, True),
        (odd.id, False),
    ]
    assert sketches(journal.ledger, "other") == []
