"""The parametric policy over hand-made candidates: trained, untrained, and over a damaged model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from configs.errors import ConfigurationError, InvalidInputError
from memory.case import Case
from memory.episode import Episode
from memory.minilm import MiniLM
from memory.policies.base import Candidate, PolicyOptions, Query
from memory.policies.parametric import Parametric
from memory.policies.registry import make_policy
from memory.training.encoders import EncoderSpec
from memory.training.head import Head
from memory.training.q_model import fingerprint_of
from memory.training.store import FILE, Header, save_model

TASK = "What is the capital of Sweden?"
TEXTS = {
    "norway": "What is the capital of Norway?\nLook up the capital of Norway.",
    "spider": "How many legs does a spider have?\nCount them.",
    "painter": "Who painted the Mona Lisa?\nSearch for the painter.",
}
CANDIDATES = [Candidate("spider", 1, 1.0), Candidate("norway", 0, 2.0), Candidate("painter", 1, 3.0)]


class Texts:
    """Reads what cases say, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, ids: Sequence[str]) -> list[str]:
        self.asked += ids
        return [TEXTS.get(id_, f"filler {id_}") for id_ in ids]


def likes(text: str, outcome: float = 0.0) -> Head:
    """A head whose Q is large for cases that say `text`, plus so much for a case's success; the task plays no part."""
    zero = np.zeros((MiniLM.dimension, 1), dtype=np.float32)
    one = np.ones(1, dtype=np.float32)
    wanted = MiniLM().embed([text])[0][:, None]
    return Head(zero, wanted, np.float32(outcome) * one, 10 * one, one, -10 * one)


def saved(models: Path, head: Head) -> Path:
    spec = EncoderSpec()
    header = Header(
        fingerprint=fingerprint_of(spec, head), encoder=spec, dimension=head.dimension, hidden=head.hidden,
        data="", seed=0, split="by-task", results=[],
    )  # fmt: skip
    save_model(models / "parametric", head, header)
    return models


def policy(models: Path | None) -> Parametric:
    return Parametric(PolicyOptions(models=models))


def ids(chosen: Parametric, k: int = 3, candidates: Sequence[Candidate] = CANDIDATES) -> list[str]:
    return [pick.case_id for pick in chosen.select(Query(TASK, texts=Texts()), candidates, k)]


def test_without_a_model_the_encoders_cosine_ranks(tmp_path: Path) -> None:
    for models in (None, tmp_path, tmp_path / "missing"):
        assert ids(policy(models))[0] == "norway", "the failed case about the nearest task"


def test_a_trained_model_ranks_by_q_whatever_the_cosine(tmp_path: Path) -> None:
    chosen = policy(saved(tmp_path, likes(TEXTS["spider"])))
    picks = chosen.select(Query(TASK, texts=Texts()), CANDIDATES, 2)
    assert picks[0].case_id == "spider" and len(picks) == 2
    assert picks[0].score == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-5) and picks[0].propensity == 1.0
    assert picks[0].score > picks[1].score


def test_a_changed_outcome_counts_at_once(tmp_path: Path) -> None:
    chosen = policy(saved(tmp_path, likes(TEXTS["norway"], outcome=2.0)))
    assert ids(chosen, 1) == ["spider"] or ids(chosen, 1) == ["painter"]
    corrected = [Candidate("norway", 1, 2.0), Candidate("spider", 0, 1.0), Candidate("painter", 0, 3.0)]
    assert ids(chosen, 1, corrected) == ["norway"]


def test_of_equal_cases_the_newest_comes_first() -> None:
    same = [Candidate("b", 1, 5.0), Candidate("newest", 1, 9.0), Candidate("a", 1, 5.0)]
    query = Query(TASK, texts=lambda some: ["the same words" for _ in some])
    assert [pick.case_id for pick in policy(None).select(query, same, 3)] == ["newest", "a", "b"]


def test_a_case_is_read_and_encoded_once_also_by_the_next_process(tmp_path: Path) -> None:
    many = [Candidate(f"{number}", 1, float(number)) for number in range(40)]
    models = saved(tmp_path, likes("filler 7"))
    first, later, third = Texts(), Texts(), Texts()
    chosen = policy(models)
    picks = chosen.select(Query(TASK, texts=first), many, 3)
    chosen.select(Query("Another task", texts=first), many, 3)
    assert sorted(first.asked) == sorted(one.case_id for one in many)
    assert policy(models).select(Query(TASK, texts=later), many, 3) == picks
    assert later.asked == []
    saved(models, likes("filler 8"))
    assert policy(models).select(Query(TASK, texts=third), many, 1)[0].case_id == "8"
    assert len(third.asked) == 40, "another model's rows were used"


def test_bounds() -> None:
    chosen = policy(None)
    assert ids(chosen, 0) == [] and ids(chosen, -1) == [] and ids(chosen, 3, []) == []
    assert len(ids(chosen, 99)) == 3


def test_without_texts_the_given_cosines_rank() -> None:
    near = [Candidate("far", 1, 0.0, 0.1), Candidate("near", 0, 0.0, 0.9)]
    assert [pick.case_id for pick in policy(None).select(Query(TASK), near, 2)] == ["near", "far"]


def test_a_damaged_model_is_an_error_not_the_untrained_choice(tmp_path: Path) -> None:
    path = saved(tmp_path, likes("x")) / "parametric" / FILE
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ConfigurationError, match="run `memento train` again"):
        ids(policy(tmp_path))


def test_the_state_names_the_model_and_another_models_is_refused(tmp_path: Path) -> None:
    trained, untrained = policy(saved(tmp_path, likes("x"))), policy(None)
    state = trained.state_dict()
    policy(tmp_path).load_state_dict(state)
    assert state["model"] != untrained.state_dict()["model"]
    for chosen, wrong in ((untrained, state), (trained, {**state, "version": 2}), (trained, {"policy": "parametric"})):
        with pytest.raises(InvalidInputError, match="parametric"):
            chosen.load_state_dict(wrong)


def test_learning_is_offline(tmp_path: Path) -> None:
    chosen = make_policy("parametric", PolicyOptions(models=saved(tmp_path, likes("x"))))
    before = chosen.state_dict()
    chosen.update(Case(id="x", task="t", plan=(), reward=1), Episode(policy="parametric"))
    assert chosen.state_dict() == before
