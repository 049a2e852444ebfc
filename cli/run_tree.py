"""`memento runs show`: a run as a tree with start, time, tokens and cost of everything in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from cli.budget_text import NAMES, counted
from cli.printable import call_text, clean, one_line
from cli.run_notes import Halt
from cli.run_story import Asked, Part, Round, Story, Used, end_of, total
from cli.run_view import ENDINGS, reward_text
from cli.tree_lines import Row, TreeLines

if TYPE_CHECKING:
    from cli.symbols import Symbols
    from graph.results import Result
    from graph.state import ShownCase

HEADINGS = ("start", "time", "tokens", "cost")
STYLES = {
    "done": "green", "failed": "red", "partial": "yellow", "running": "yellow", "pending": "dim", "dropped": "dim",
}  # fmt: skip
STATUS_STYLES = {"answered": "green", "failed": "red"}
CALL_CHARS, RESULT_CHARS, FEW, LINES = 70, 500, 4, 12


def run_tree(result: Result, cases: Sequence[ShownCase], story: Story, when: str, symbols: Symbols) -> TreeLines:
    """Draw a run.

    Args:
        result: what came of it.
        cases: those the planner saw.
        story: what happened.
        when: the time of its latest checkpoint, ISO 8601, UTC.
        symbols: of the terminal.
    """
    return _Drawing(story, symbols).tree(result, cases, when)


class _Drawing:
    def __init__(self, story: Story, symbols: Symbols) -> None:
        self._story = story
        self._symbols = symbols

    def tree(self, result: Result, cases: Sequence[ShownCase], when: str) -> TreeLines:
        moment = f"  {when[:19].replace('T', ' ')} UTC"
        status = (f"  {result.status}", STATUS_STYLES.get(result.status, "yellow"))
        root = Row(Text.assemble((clean(result.thread_id), "bold"), status, (moment, "dim")))
        question = clean(result.question).strip() or "(no question)"
        root.add(Text(question, style="bold"), self._whole(result), lines=LINES)
        self._cases(root, cases)
        *before, last = self._story.rounds
        for each in [*before, *([last] if last.parts or (result.answer is None and last.asked) else [])]:
            self._round(root, each)
        if result.ended_by is not None:
            root.add(_pair("ended by", ENDINGS[result.ended_by], "yellow"))
        for note in self._story.notes:
            root.add(_pair(*_named(note), style="yellow"), lines=FEW)
        for halt in self._story.halts:
            line = Text("waited for a person", "yellow") if halt.kind == "waited" else _stopped(halt)
            root.add(line, self._figures((halt.at, halt.seconds), []), lines=FEW)
        self._ending(root, result, [] if last.parts else last.asked)
        return TreeLines(root, HEADINGS)

    def _cases(self, root: Row, cases: Sequence[ShownCase]) -> None:
        branch = root.add(Text(f"cases used: {len(cases)}", style="bold" if cases else ""))
        for case in cases:
            good = case["reward"] == 1
            sign = (self._symbols.done, "green") if good else (self._symbols.failed, "red")
            answer = f" {self._symbols.arrow} {one_line(case['answer'], 100)}" if case["answer"] else ""
            body = (f" {case['score']:.2f} {case['id'][:8]} ", "dim")
            branch.add(Text.assemble(sign, body, one_line(case["task"]), (answer, "dim")))

    def _round(self, root: Row, of: Round) -> None:
        calls = [*of.asked, *(call for part in of.parts for call in part.asked)]
        times = [*_times(calls), *((part.started_at, part.seconds) for part in of.parts)]
        branch = root.add(Text(f"round {of.number}", style="bold"), self._figures(_span(times), calls))
        for call in of.asked:
            if call.role == "planner":
                self._asked(branch, call, "plan")
        for part in of.parts:
            self._part(branch, part)
        for call in of.asked:
            if call.role != "planner":
                self._asked(branch, call, "reflect")
        if of.report:
            branch.add(_pair("reflection", of.report), lines=LINES)
        for loop in of.loops:
            branch.add(_pair("loop", loop, "yellow"), lines=2)

    def _part(self, branch: Row, part: Part) -> None:
        after = f" (after {', '.join(map(str, part.depends_on))})" if part.depends_on else ""
        shown = "" if part.status in ("done", "failed", "pending") else f" {part.status}"
        line = Text.assemble(
            (self._sign(part.status), STYLES[part.status]),
            (f" {part.id} {one_line(part.description)}", "dim" if part.status in ("pending", "dropped") else ""),
            (after, "dim"),
            (shown, STYLES[part.status]),
        )
        figures = self._figures((part.started_at, part.seconds), part.asked) if part.status != "pending" else ()
        row = branch.add(line, figures, lines=FEW)
        calls: list[Asked | Used] = [*part.asked, *part.used]
        for call in sorted(calls, key=lambda each: each.started_at or 0.0):
            if isinstance(call, Asked):
                self._asked(row, call)
            else:
                self._used(row, call)
        if part.budget:
            row.add(_pair("budget", f"{NAMES.get(part.budget, part.budget)} used up", "yellow"))
        if part.reason and part.status != "done":
            row.add(_pair("reason", part.reason, STYLES[part.status]), lines=FEW)
        if part.result and part.result != part.reason and not any(part.result == call.result for call in part.used):
            row.add(_pair("result", part.result), lines=LINES)

    def _asked(self, row: Row, call: Asked, purpose: str = "") -> None:
        name = f"{purpose}: {call.model}" if purpose else call.model
        line = Text(one_line(name), style="magenta")
        if call.error is not None:
            line.append(f" {self._symbols.arrow} {one_line(call.error, RESULT_CHARS)}", style="red")
        row.add(line, self._figures((call.started_at, call.seconds), [call]), lines=FEW)

    def _used(self, row: Row, call: Used) -> None:
        line = Text(call_text(call.name, call.arguments, CALL_CHARS), style="cyan")
        if call.ok is None:
            line.append(" never returned", style="yellow")
        else:
            result = one_line(call.result, RESULT_CHARS)
            line.append(f" {self._symbols.arrow} {result}", style="default" if call.ok else "red")
        row.add(line, self._figures((call.started_at, call.seconds), []), lines=FEW)

    def _ending(self, root: Row, result: Result, asked: Sequence[Asked]) -> None:
        if result.answer is not None:
            span = _span(_times(asked))
            row = root.add(_pair("answer", result.answer, "bold"), self._figures(span, asked), lines=4 * LINES)
            for call in asked:
                self._asked(row, call)
        if result.status == "answered":
            style = {1: "green", 0: "red"}.get(-1 if result.reward is None else result.reward, "yellow")
            calls = self._story.verdict
            span = _span(_times(calls))
            text = _pair("reward", reward_text(result.reward, result.reward_source), style)
            row = root.add(text, self._figures(span, calls))
            for call in calls:
                self._asked(row, call)
        if result.case_id is not None:
            root.add(_pair("case", result.case_id))
        if result.error is not None:
            root.add(_pair("error", f"{result.error.type}: {result.error.message}", "red"), lines=FEW)
        usage = result.usage
        cost = "cost unknown" if usage.cost_usd is None else _cost(usage.cost_usd)
        tokens = f"{usage.input_tokens:,} + {usage.output_tokens:,} tokens in {counted(usage.llm_calls, 'model call')}"
        root.add(_pair("spent", f"{tokens}, {cost}, {result.seconds:.1f} s"))

    def _whole(self, result: Result) -> tuple[str, ...]:
        usage = result.usage
        cost = "unknown" if usage.cost_usd is None else _cost(usage.cost_usd)
        return ("", f"{result.seconds:.2f} s", _tokens(usage.input_tokens, usage.output_tokens), cost)

    def _figures(self, span: tuple[float | None, float | None], calls: Sequence[Asked]) -> tuple[str, ...]:
        """Start after the run's, time, tokens and cost; what is unknown is not shown as nothing."""
        start, seconds = span
        began = self._story.began
        offset = "" if start is None or began is None else f"+{max(start - began, 0.0):.2f} s"
        time = "" if seconds is None else f"{seconds:.2f} s"
        if not any(each.error is None for each in calls):
            return (offset, time, "", "")
        tokens_in, tokens_out, cost = total(calls)
        return (offset, time, _tokens(tokens_in, tokens_out), "unknown" if cost is None else _cost(cost))

    def _sign(self, status: str) -> str:
        signs = {"done": self._symbols.done, "failed": self._symbols.failed}
        unknown = self._symbols.unknown if status in ("partial", "running") else self._symbols.pending
        return signs.get(status, unknown)


def _times(calls: Sequence[Asked]) -> list[tuple[float | None, float | None]]:
    return [(each.started_at, each.seconds) for each in calls]


def _span(times: Sequence[tuple[float | None, float | None]]) -> tuple[float | None, float | None]:
    """From the first start to the last end, as far as they are known."""
    starts = [start for start, _ in times if start is not None]
    ends = [end for start, seconds in times if (end := end_of(start, seconds)) is not None]
    if not starts:
        return None, None
    return min(starts), max(ends) - min(starts) if ends else None


def _tokens(given: int, made: int) -> str:
    return f"{given:,} + {made:,}"


def _cost(cost: float) -> str:
    return f"${cost:.4f}" if cost < 1 else f"${cost:,.2f}"


def _stopped(halt: Halt) -> Text:
    return _pair("stopped", halt.reason, "yellow")


def _named(note: str) -> tuple[str, str]:
    name, _, rest = note.partition(": ")
    return name, rest


def _pair(name: str, value: str, style: str = "") -> Text:
    return Text.assemble((f"{name}: ", "dim"), (clean(value).strip(), style))
