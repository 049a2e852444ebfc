"""The demo's texts: one task before and after, and what the numbers show and what they do not. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from evaluation.attempts import Attempt, Comparison, Pair, accuracy
from evaluation.demo_tasks import Family
from graph.state import ShownCase

NO_PAIR = "No task was wrong without memory and right with it."


def pair_text(pair: Pair | None) -> str:
    """The task, the run without memory, the cases that were retrieved, the run with memory."""
    if pair is None:
        return NO_PAIR
    task = pair.before.task
    lines = [
        "One task, before and after",
        f"  question: {task.question}",
        f"  right answer: {task.answer}",
        "",
        "Without memory",
        *_indented(attempt_lines(pair.before)),
        "",
        "Cases retrieved for it, which the planner was shown as examples",
        *_indented(line for case in pair.after.cases for line in case_lines(case)),
        "",
        "With memory",
        *_indented(attempt_lines(pair.after)),
    ]
    return "\n".join(lines)


def attempt_lines(attempt: Attempt) -> list[str]:
    """Plan, tool calls and answer of a run, one a line."""
    lines = []
    for subtask in attempt.result.plan:
        lines.append(f"plan {subtask['id']}: {subtask['description']}")
        done = next((each for each in attempt.result.subtasks if each["id"] == subtask["id"]), None)
        for call in done["tool_calls"] if done else []:
            lines.append(f"  {call_text(call['name'], call['arguments'])} → {call['result']}")
        if done and not done["tool_calls"]:
            lines.append("  no tool was called")
    if not lines:
        lines.append("no plan, no tool call")
    return [*lines, outcome_text(attempt)]


def outcome_text(attempt: Attempt) -> str:
    """How a run ended: its answer and whether that is right, or why there is none."""
    if attempt.answer is None:
        error = attempt.result.error
        return f"failed: {error.message if error else 'no answer'}"
    return f"answer: {attempt.answer} ({'right' if attempt.right else 'wrong'})"


def case_lines(case: ShownCase) -> list[str]:
    """A retrieved case: how near it is, its question, its plan."""
    steps = [f"  plan {number}: {step.get('description', '')}" for number, step in enumerate(case["plan"], 1)]
    return [f"{case['score']:.2f}  {case['task']}", *steps, f"  answer: {case['answer']}"]


def call_text(name: str, arguments: dict[str, Any]) -> str:
    """A tool call as a person writes it: `multiply(a=48, b=37)`."""
    given = ", ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in arguments.items())
    return f"{name}({given})"


def wordings_return(families: Sequence[Family], rounds: int, last: int) -> bool:
    """Whether every wording of the last rounds came up in an earlier one; wordings take turns round by round."""
    return all(len(family.wordings) <= rounds - last for family in families)


def shown_points(compared: Comparison) -> list[str]:
    """What the numbers show, one sentence or two each."""
    none, memory = len(compared.none), len(compared.memory)
    return [
        f"Without memory {accuracy(compared.none):.0%} of {none} tasks came out right; with memory "
        f"{accuracy(compared.memory):.0%} of {memory}, and {accuracy(compared.last_third):.0%} of the last "
        f"{len(compared.last_third)}. The {none} tasks without memory are the last {none} of those with it.",
        "Model, weights, tools and prompts are the same in both runs; the prompts differ by the retrieved cases alone.",
        "Learning means more cases: hand-written ones to start with, then the agent's own successes. "
        "No weight changes.",
    ]


def limit_points(compared: Comparison, model: str, *, wordings_seen: bool) -> list[str]:
    """What the numbers do not show."""
    wordings = (
        "have new numbers and words in wordings that came up earlier in the run"
        if wordings_seen
        else "have new numbers and words, and some of their wordings are new too"
    )
    size = "has 135 million parameters" if "135m" in model else f"is {model}"
    questions = [each.task.question for each in compared.memory]
    repeated = len(questions) - len(set(questions))
    repeats = (
        f"{repeated} of all {len(questions)} questions came up before, word for word."
        if repeated
        else "No question is asked twice."
    )
    return [
        f"The model {size}. A small model imitates: its gain comes from the examples it is shown; "
        "a large model can do such tasks without one and gains less.",
        f"The tasks are generated from {len({each.task.family for each in compared.memory})} families, and every "
        "family has a hand-written case. Nothing is said about tasks of a kind the bank holds no case of.",
        f"The {len(compared.none)} tasks that are compared {wordings}. {repeats}",
        "Answers are compared exactly, and the reward the agent learns from is that comparison; "
        "in real use there is a judge model or a person, and both err.",
        "One run with one seed; a few tasks more or less right are chance.",
    ]


def points_text(title: str, points: Iterable[str]) -> str:
    """A heading with a list."""
    return "\n".join([title, *(f"  - {point}" for point in points)])


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]
