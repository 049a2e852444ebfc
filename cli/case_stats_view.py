"""The statistics of the case bank on a terminal: tables, and success over time as bars."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cli.output import console, print_table, print_text, say
from cli.printable import one_line
from cli.times import when

if TYPE_CHECKING:
    from memory.bank_stats import BankStats, Useful
    from memory.clusters import Clusters

BAR = 30
ORIGINS_SHOWN = 10
CLUSTERS_SHOWN = 3
METHODS = {"vectors": "alike by meaning", "tasks": "the same task; --thorough compares by meaning"}


def print_stats(found: BankStats) -> None:
    """Print all of it; an alarm goes to stderr."""
    print_table(["what", "how many"], _counts(found), widest=1)
    _print_origins(found)
    _print_learning(found)
    _print_worth(found)
    if found.concentration.warning:
        say(f"memory shows the same again and again: {found.concentration.warning}", "bold red")


def bar(share: float, width: int = BAR) -> str:
    """A share from 0 to 1 as a bar of fixed width."""
    filled = round(share * width)
    return "█" * filled + "░" * (width - filled)


def _counts(found: BankStats) -> list[tuple[str, object]]:
    counted = found.totals
    rows: list[tuple[str, object]] = [
        ("namespace", found.namespace),
        ("cases", f"{counted.cases:,}"),
        ("that may be retrieved", f"{counted.retrievable:,}"),
        ("archived", f"{counted.archived:,}"),
        ("exact copies", f"{counted.copies:,}"),
        ("right", f"{counted.right:,}"),
        ("wrong", f"{counted.wrong:,}"),
        ("unknown", f"{counted.unknown:,}"),
        *((f"reward by {source}", f"{count:,}") for source, count in found.reward_sources.items()),
        *_cluster_rows(found.clusters),
    ]
    recent = found.recent
    rows += [
        (f"shown by {policy}", f"{one.right} right, {one.wrong} wrong of the last {one.tasks} tasks")
        for policy, one in recent.policies.items()
    ]
    if recent.tasks:
        tokens = (recent.input_tokens + recent.output_tokens) / recent.tasks
        rows.append(("tokens a task", f"{tokens:,.0f} in the last {recent.tasks} tasks"))
    return rows


def _cluster_rows(clusters: Clusters | None) -> list[tuple[str, object]]:
    if clusters is None:
        return [("near-duplicates", "not looked for among so many; --thorough does")]
    sizes = {first: size for first, size in clusters.sizes().items() if size > 1}
    spare = sum(sizes.values()) - len(sizes)
    largest = ", ".join(f"{size} × {first}" for first, size in list(sizes.items())[:CLUSTERS_SHOWN])
    rows: list[tuple[str, object]] = [
        ("near-duplicates", f"{spare:,} cases in {len(sizes):,} clusters ({METHODS[clusters.method]})"),
        ("tasks right and wrong", f"{clusters.contrasts:,}"),
    ]
    return rows if not largest else [*rows[:1], ("largest clusters", largest), *rows[1:]]


def _print_origins(found: BankStats) -> None:
    if not found.origins:
        return
    rows = [
        (one_line(one.name, 60), f"{one.cases:,}", f"{one.right:,}", f"{one.wrong:,}", f"{one.unknown:,}",
         f"{one.trust:.2f}", f"{one.untrusted:,}")
        for one in found.origins[:ORIGINS_SHOWN]
    ]  # fmt: skip
    print_table(["origin", "cases", "right", "wrong", "unknown", "trust", "untrusted cases"], rows)
    if len(found.origins) > ORIGINS_SHOWN:
        say(f"{ORIGINS_SHOWN} of {len(found.origins)} origins; --json has them all", "dim")


def _print_learning(found: BankStats) -> None:
    rows, first = [], 1
    for part in found.learning:
        last = first + part.tasks - 1
        rows.append((f"tasks {first:,}-{last:,}", when(part.start), f"{bar(part.share)} {part.share:4.0%}"))
        first = last + 1
    if rows:
        print_table(["success over time", "from", "right answers"], rows)


def _print_worth(found: BankStats) -> None:
    worth = found.worth
    if worth.waiting:
        print_text(f"usefulness: not estimated, {worth.waiting:,} tasks to learn from first; --thorough does")
        return
    if not worth.estimated:
        why = "no case was shown yet" if not worth.shown else "no case was shown by a policy that records features"
        print_text(f"usefulness: not estimated, {why}")
        return
    rows = [
        *(_useful_row("most", each) for each in worth.most),
        *(_useful_row("least", each) for each in worth.least),
    ]
    headings = ["useful", "value", "±", "uses", "judged", "right", "trust", "case", "task"]
    print_table(headings, rows, widest=len(headings) - 1)
    unknown = worth.shown - worth.estimated
    note = f"; {unknown:,} cases that were shown have no estimate" if unknown else ""
    text = f"value: log-odds of success added by showing it, ± one standard deviation, {worth.estimated:,} estimated"
    if console(sys.stdout).is_terminal:
        say(text + note, "dim")


def _useful_row(which: str, each: Useful) -> tuple[str, ...]:
    record, estimate = each.record, each.estimate
    return (
        which, f"{estimate.value:+.2f}", f"{estimate.sd:.2f}", f"{record.uses:,}", f"{record.judged:,}",
        f"{record.wins:,}", f"{record.trust:.2f}", record.case_id, one_line(each.task, 100),
    )  # fmt: skip
