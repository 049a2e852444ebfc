"""Cases drawn as trees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text
from rich.tree import Tree

from cli.printable import call_text, clean, one_line
from cli.run_view import reward_text

if TYPE_CHECKING:
    from memory.case import Step
    from memory.entries import Entry

SIGNS = {"done": ("✓", "green"), "partial": ("◐", "yellow"), "failed": ("✗", "red"), "pending": ("○", "dim")}
RESULT_CHARS = 1000


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
