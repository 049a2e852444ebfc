"""The texts of the demo."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from evaluation.attempts import Pair
from evaluation.demo_story import NO_PAIR, limit_points, outcome_text, pair_text, points_text, shown_points
from evaluation.demo_story import wordings_return as wordings_seen_again
from evaluation.demo_tasks import FAMILIES, Family, demo_stream
from tests.fakes.demo_attempts import SHOWN, attempt, comparison, failed


def test_before_and_after_show_why() -> None:
    assert pair_text(Pair(failed(2), attempt(2, right=True, cases=(SHOWN,)))).splitlines() == [
        "One task, before and after",
        "  question: What is 2 times 2?",
        "  right answer: 4",
        "",
        "Without memory",
        "  no plan, no tool call",
        "  failed: no plan <here>",
        "",
        "Cases retrieved for it, which the planner was shown as examples",
        "  0.87  What is 12 times 34?",
        "    plan 1: Multiply 12 by 34.",
        "    answer: 408",
        "",
        "With memory",
        "  plan 1: Multiply.",
        '    multiply(a=2, b="<x>") → 4',
        "  answer: 4 (right)",
    ]
    assert pair_text(None) == NO_PAIR


def test_a_wrong_answer_and_a_subtask_without_tools_are_told() -> None:
    wrong = attempt(2, right=False)
    wrong.result.subtasks[0]["tool_calls"].clear()
    text = pair_text(Pair(wrong, attempt(2, right=True)))
    assert "  no tool was called\n  answer: <b>no idea</b> (wrong)" in text
    interrupted = replace(wrong, result=replace(wrong.result, status="interrupted"))
    assert outcome_text(interrupted) == "failed: no answer"


def test_what_it_shows_has_the_numbers() -> None:
    first = shown_points(comparison("-+", "-+++++"))[0]
    assert "Without memory 50% of 2 tasks" in first
    assert "with memory 83% of 6, and 100% of the last 2" in first


@pytest.mark.parametrize(("seen", "said"), [(True, "came up earlier"), (False, "some of their wordings are new")])
def test_what_it_does_not_show_says_whether_wordings_were_seen(seen: bool, said: str) -> None:
    points = limit_points(comparison("-", "+++"), "local:smollm2-135m", wordings_seen=seen)
    assert said in points[2] and points[2].endswith("No question is asked twice.")
    assert "135 million" in points[0]
    assert points_text("Limits", points).startswith("Limits\n  - The model has")


def test_repeated_questions_and_other_models_are_named() -> None:
    compared = comparison("-", "+++")
    points = limit_points(replace(compared, memory=compared.memory * 2), "openai:gpt-4.1", wordings_seen=True)
    assert "3 of all 6 questions came up before, word for word." in points[2]
    assert "The model is openai:gpt-4.1." in points[0]


@pytest.mark.parametrize(("rounds", "last", "seen"), [(6, 2, True), (3, 1, False), (5, 2, True), (4, 2, False)])
def test_wordings_take_turns_so_they_return_after_all_were_used(rounds: int, last: int, seen: bool) -> None:
    families = [Family(name, ("a {x}", "b {x}", "c {x}"), _draw) for name in "pq"]
    questions = [task.question[0] for task in demo_stream(rounds, 1, families)]
    first = len(questions) - last * len(families)
    assert (set(questions[first:]) <= set(questions[:first])) is seen
    assert wordings_seen_again(families, rounds, last) is seen


def test_the_full_demo_compares_wordings_that_came_up_before() -> None:
    assert wordings_seen_again(FAMILIES, 6, 2)


def _draw(rng: random.Random) -> tuple[dict[str, str], str]:
    return {"x": str(rng.randint(1, 9))}, "1"
