"""What feedback bodies mean, and what is said about the others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from configs.errors import InvalidInputError
from graph.feedback import REWARD_KEYS, CaseFeedback, RunFeedback, parsed


@pytest.mark.parametrize(
    ("body", "reward"),
    [
        ({"reward": 1}, 1),
        ({"reward": 0, "note": "n", "source": "verifier"}, 0),
        ({"verdict": "correct"}, 1),
        ({"verdict": "incorrect"}, 0),
    ],
)
def test_verdicts(body: dict[str, Any], reward: int) -> None:
    assert parsed(CaseFeedback, json.dumps(body).encode()).outcome() == reward


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{}", "takes either reward"),
        (b'{"reward": 1, "verdict": "correct"}', "takes either reward"),
        (b'{"reward": null}', "takes either reward"),
        (b'{"reward": 2}', "reward: "),
        (b'{"reward": "1"}', "reward: "),
        (b'{"verdict": "maybe"}', "verdict: "),
        (b'{"reward": 1, "source": "ground_truth"}', "source: "),
        (b'{"reward": 1, "note": 5}', "note: "),
        (b'{"reward": 1, "extra": 5}', "extra: "),
        (b"[1]", "object"),
        (b'"reward"', "object"),
        (b"", "JSON"),
        (b"\xff", "JSON"),
        (b"{" * 60_000, "JSON"),
        (b'{"a":' * 10_000, "JSON"),
    ],
)
def test_bodies_that_are_no_verdict(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason) as refused:
        parsed(CaseFeedback, body)
    assert len(str(refused.value)) < 200
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("key", REWARD_KEYS)
@pytest.mark.parametrize(
    ("score", "reward"), [("1", 1), ("0", 0), ("0.5", 1), ("0.499", 0), ("true", 1), ("false", 0), ("1.0", 1)]
)
def test_scores(key: str, score: str, reward: int) -> None:
    body = f'{{"run_id": "r", "key": "{key}", "score": {score}, "value": "x", "trace_id": "t", "comment": null}}'
    assert parsed(RunFeedback, body.encode()).outcome() == reward


@pytest.mark.parametrize("score", ["null", "-1", "1.1", "NaN", "Infinity", "1e999", '"1"', "[1]", "{}"])
def test_scores_that_say_nothing(score: str) -> None:
    with pytest.raises(InvalidInputError, match="score: takes a number from 0 to 1, true or false"):
        parsed(RunFeedback, f'{{"run_id": "r", "key": "correct", "score": {score}}}'.encode())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"run_id": "r", "key": "correct"}, "score: is missing"),
        ({"run_id": "r", "score": 1}, "key: "),
        ({"run_id": "r", "score": 1, "key": "thumbs_down"}, f"takes {', '.join(REWARD_KEYS)}"),
        ({"run_id": "r", "score": 1, "key": "Correctness"}, "no reward by this name"),
        ({"score": 1, "key": "correct"}, "one of case_id, run_id and thread_id"),
        ({"score": 1, "key": "correct", "run_id": "r", "thread_id": "t"}, "one of case_id, run_id and thread_id"),
        ({"score": 1, "key": "correct", "run_id": ""}, "run_id: "),
        ({"score": 1, "key": "correct", "run_id": 7}, "run_id: "),
    ],
)
def test_feedback_that_is_no_reward(body: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        parsed(RunFeedback, json.dumps(body).encode())
