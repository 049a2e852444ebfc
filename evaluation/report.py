"""The demo's report: one HTML page that needs no other file. Everything that models and tools wrote is escaped."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from evaluation.attempts import Attempt, Comparison, Pair, accuracy, family_rows
from evaluation.demo_story import NO_PAIR, attempt_lines, case_lines, outcome_text
from evaluation.report_style import STYLE


@dataclass(frozen=True, slots=True)
class Report:
    """What the page says."""

    compared: Comparison
    shown: Pair | None
    shows: Sequence[str]
    limits: Sequence[str]
    model: str
    quick: bool
    seconds: float


def write_report(report: Report, picture: Path, page: Path) -> None:
    """Write the page, with the PNG inside it."""
    page.write_text(report_html(report, picture.read_bytes()), encoding="utf-8")


def report_html(report: Report, picture: bytes) -> str:
    """The page as text.

    Args:
        report: what it says.
        picture: the learning curve as PNG.
    """
    compared = report.compared
    parts = [
        "<h1>A frozen model that learns from its cases</h1>",
        f'<p class="lead">{escape(report.model)}, the same weights, tools and prompts in both runs. '
        "Only the case memory differs.</p>",
        _figures(report),
        "<h2>Learning curve</h2>",
        f'<img alt="{escape(_curve_in_words(compared))}" src="data:image/png;base64,'
        f'{base64.b64encode(picture).decode("ascii")}">',
        "<h2>One task, before and after</h2>",
        _pair(report.shown),
        "<h2>What this shows</h2>",
        _list(report.shows),
        "<h2>What it does not show</h2>",
        _list(report.limits),
        "<h2>Families</h2>",
        _families(compared),
        "<h2>All tasks</h2>",
        _tasks(compared),
        "<h2>Reproduce it</h2>",
        _reproduce(report),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Memento: demo report</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _figures(report: Report) -> str:
    compared = report.compared
    figures = [
        (f"{accuracy(compared.none):.0%}", f"right without memory ({len(compared.none)} tasks)"),
        (f"{accuracy(compared.last_third):.0%}", f"right with memory, last {len(compared.last_third)} tasks"),
        (f"{accuracy(compared.memory):.0%}", f"right with memory, all {len(compared.memory)} tasks"),
        (f"{report.seconds / 60:.1f} min", "for both runs"),
    ]
    boxes = (f'<div class="figure"><b>{escape(value)}</b><span>{escape(what)}</span></div>' for value, what in figures)
    return f'<div class="figures">{"".join(boxes)}</div>'


def _curve_in_words(compared: Comparison) -> str:
    return (
        f"Right answers over {len(compared.memory)} tasks with memory, "
        f"against {accuracy(compared.none):.0%} without memory"
    )


def _pair(pair: Pair | None) -> str:
    if pair is None:
        return f'<p class="box">{NO_PAIR}</p>'
    task = pair.before.task
    cases = [line for case in pair.after.cases for line in case_lines(case)]
    sides = [
        _side("Without memory", attempt_lines(pair.before), "bad"),
        _side("Retrieved cases (similarity, question, plan)", cases, ""),
        _side("With memory", attempt_lines(pair.after), "good"),
    ]
    return (
        f'<div class="box"><p class="question"><b>{escape(task.question)}</b> '
        f'<span class="given">right answer: {escape(task.answer)}</span></p>'
        f'<div class="sides">{"".join(sides)}</div></div>'
    )


def _side(title: str, lines: Iterable[str], kind: str) -> str:
    return f'<div class="side {kind}"><h3>{escape(title)}</h3><pre>{escape(chr(10).join(lines))}</pre></div>'


def _list(points: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(point)}</li>' for point in points)}</ul>"


def _families(compared: Comparison) -> str:
    rows = [
        f"<tr><td>{escape(row.family)}</td>"
        f'<td class="number">{row.none_right} of {row.none_tasks}</td>'
        f'<td class="number">{row.memory_right} of {row.memory_tasks}</td></tr>'
        for row in family_rows(compared)
    ]
    head = '<th>family</th><th class="number">right without memory</th><th class="number">right with memory</th>'
    return _table(head, rows)


def _tasks(compared: Comparison) -> str:
    first = len(compared.memory) - len(compared.none)
    rows = [
        _task_row(number, after, compared.none[number - 1 - first] if number > first else None)
        for number, after in enumerate(compared.memory, 1)
    ]
    head = (
        '<th class="number">#</th><th>family</th><th>question</th><th>without memory</th><th>with memory</th>'
        "<th>cases used</th>"
    )
    note = (
        f'<p class="note">Without memory, the last {len(compared.none)} of these tasks were run. '
        "Below a question stands its right answer; before a case, its similarity.</p>"
    )
    return _table(head, rows) + note


def _task_row(number: int, after: Attempt, before: Attempt | None) -> str:
    task = after.task
    used = "".join(f'<span class="given">{case["score"]:.2f} {escape(case["task"])}</span>' for case in after.cases)
    return (
        f'<tr><td class="number">{number}</td><td>{escape(task.family)}</td>'
        f'<td>{escape(task.question)}<span class="given">{escape(task.answer)}</span></td>'
        f"<td>{_outcome(before)}</td><td>{_outcome(after)}</td><td>{used}</td></tr>"
    )


def _outcome(attempt: Attempt | None) -> str:
    """A mark, and unless the answer is right, what came instead."""
    if attempt is None:
        return '<span class="given">–</span>'
    if attempt.right:
        return '<span class="ok">✓ right</span>'
    told = attempt.answer if attempt.answer is not None else outcome_text(attempt)
    return f'<span class="no">✗ wrong</span><span class="given">{escape(told)}</span>'


def _table(head: str, rows: Iterable[str]) -> str:
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _reproduce(report: Report) -> str:
    command = "memento demo --quick" if report.quick else "make demo"
    return (
        f"<p><code>{command}</code> runs the same tasks again: they are drawn with a fixed seed. "
        "With the embedded model it needs no key and, once installed, no network.</p>"
    )
