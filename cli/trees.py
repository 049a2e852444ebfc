"""Runs and cases drawn as trees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text
from rich.tree import Tree

from cli.printable import call_text, clean, one_line
from cli.run_view import ENDINGS, reward_text

if TYPE_CHECKING:
    from graph.runs import Run
    from graph.state import ShownCase, SubtaskResult
    from memory.case import Step
    from memory.entries import Entry

SIGNS = {"done": ("✓", "green"), "partial": ("◐", "yellow"), "failed": ("✗", "red"), "pending": ("○", "dim")}
RESULT_CHARS = 1000


def run_tree(run: Run) -> Tree:
    """A run's trajectory: cases used, plan with tool calls, answer, reward, case."""
    result = run.result
    tree = Tree(Text(clean(result.question) or "(no question)", style="bold"), guide_style="dim")
    tree.add(_pair("thread", f"{result.thread_id}, {run.updated_at[:19].replace('T', ' ')} UTC"))
    tree.add(_pair("status", result.status, {"answered": "green", "failed": "red"}.get(result.status, "yellow")))
    if result.ended_by is not None:
        tree.add(_pair("ended by", ENDINGS[result.ended_by], "yellow"))
    _add_cases(tree, run.state.get("cases", []))
    plan = tree.add(Text(f"plan, {result.cycles} {'round' if result.cycles == 1 else 'rounds'}", style="bold"))
    results = {each["id"]: each for each in result.subtasks}
    for subtask in result.plan:
        _add_subtask(plan, subtask["id"], subtask["description"], subtask["depends_on"], results.get(subtask["id"]))
    if result.answer is not None:
        tree.add(_pair("answer", result.answer, "bold"))
    if result.status == "answered":
        tree.add(_pair("reward", reward_text(result.reward, result.reward_source)))
    if result.case_id is not None:
        tree.add(_pair("case", result.case_id))
    if result.error is not None:
        tree.add(_pair("error", f"{result.error.type}: {result.error.message}", "red"))
    usage = result.usage
    cost = "unknown cost" if usage.cost_usd is None else f"${usage.cost_usd:.4f}"
    spent = f"{usage.input_tokens:,} + {usage.output_tokens:,} tokens in {usage.llm_calls} model calls, {cost}"
    tree.add(_pair("spent", f"{spent}, {result.seconds:.1f} s"))
    return tree


def case_tree(entry: Entry) -> Tree:
    """A case as it is kept."""
    case = entry.case
    tree = Tree(Text(clean(case.task), style="bold"), guide_style="dim")
    archived = ", archived" if entry.archived else ""
    tree.add(_pair("case", f"{case.id} in namespace {case.namespace}{archived}"))
    plan = tree.add(Text("plan", style="bold"))
    for step in case.plan:
        _add_step(plan, step)
    if case.answer:
        tree.add(_pair("answer", case.answer, "bold"))
    tree.add(_pair("reward", reward_text(case.reward, case.reward_source)))
    if case.lesson:
        tree.add(_pair("lesson", case.lesson))
    if entry.episode is not None:
        shown = ", ".join(f"{slot.case_id} ({slot.score:.2f})" for slot in entry.episode.slate) or "no case"
        tree.add(_pair("shown to it", f"{shown}, by {entry.episode.policy}"))
    if case.model:
        spent = f"{case.input_tokens:,} + {case.output_tokens:,} tokens, {case.seconds:.1f} s"
        tree.add(_pair("made by", f"{case.model}, {spent}"))
    return tree


def _add_cases(tree: Tree, cases: Sequence[ShownCase]) -> None:
    branch = tree.add(Text(f"cases used: {len(cases)}", style="bold"))
    for case in cases:
        sign, style = ("✓", "green") if case["reward"] == 1 else ("✗", "red")
        body = f" {case['score']:.2f} {case['id']} {one_line(case['task'])} → {one_line(case['answer'], 100)}"
        branch.add(Text.assemble((sign, style), body))


def _add_subtask(
    tree: Tree, id_: int, description: str, depends_on: Sequence[int], result: SubtaskResult | None
) -> None:
    branch = tree.add(_step_line(id_, description, depends_on, result["status"] if result else "pending"))
    for call in result["tool_calls"] if result else []:
        _add_call(branch, call["name"], call["arguments"], call["result"], call["ok"])
    if result:
        branch.add(_pair("result", result["result"]))


def _add_step(tree: Tree, step: Step) -> None:
    branch = tree.add(_step_line(step.id, step.description, step.depends_on, step.status))
    for call in step.calls:
        _add_call(branch, call.name, call.arguments, call.result, call.ok)
    if step.result:
        branch.add(_pair("result", step.result))


def _step_line(id_: int, description: str, depends_on: Sequence[int], status: str) -> Text:
    after = f" (after {', '.join(map(str, depends_on))})" if depends_on else ""
    return Text.assemble(SIGNS[status], f" {id_} {clean(description)}", (after, "dim"))


def _add_call(tree: Tree, name: str, arguments: Mapping[str, Any], result: str, ok: bool) -> None:
    shown = one_line(result, RESULT_CHARS)
    tree.add(Text.assemble((call_text(name, arguments, 300), "cyan"), " → ", (shown, "" if ok else "red")))


def _pair(name: str, value: str, style: str = "") -> Text:
    text = clean(value)
    shown = text if len(text) <= 4 * RESULT_CHARS else f"{text[: 4 * RESULT_CHARS]}… ({len(text)} characters)"
    return Text.assemble((f"{name}: ", "dim"), (shown, style))
