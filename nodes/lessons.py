"""The lesson of a finished task: what failed in it, why, and what worked instead. Pure.

A model's words on its rounds come first, where there are any. It never saw an expected answer, and the judge, who may
have, is not asked: a lesson is read by the planners of later tasks.
"""

from __future__ import annotations

from collections.abc import Sequence

from graph.state import Ending, Report, SubtaskResult
from nodes.outcomes import shorten_line

LESSON_CHARS = 800
DESCRIPTION_CHARS = 120
REASON_CHARS = 160
MOST = 3
ENDED = {
    "loop": "Ended because it went in a circle",
    "budget": "Ended because a budget was used up",
    "rejected": "Ended because a person rejected the plan",
}


def lesson_of(results: Sequence[SubtaskResult], report: Report | None, ending: Ending | None) -> str:
    """One paragraph; empty where nothing failed and nothing ended the run early.

    Args:
        results: of the whole run, in the order of the plan.
        report: on the last round; its lesson is of any round.
        ending: why the planner had to answer, if it had to.
    """
    failed = [each for each in results if each["status"] != "done"]
    parts = [report["lesson"] if report else "", *list(dict.fromkeys(map(_failure, failed)))[:MOST]]
    if instead := _instead(results, report):
        parts.append(f"Worked instead: {instead}")
    if ending is not None:
        parts.append(f"{ENDED[ending['cause']]}: {shorten_line(ending['detail'], REASON_CHARS)}.")
    return shorten_line(" ".join(filter(None, parts)), LESSON_CHARS)


def _failure(result: SubtaskResult) -> str:
    what = "Gave only a part" if result["status"] == "partial" else "Failed"
    reason = shorten_line(result.get("reason") or result["result"], REASON_CHARS)
    return f"{what}: {_name(result)} ({reason})."


def _instead(results: Sequence[SubtaskResult], report: Report | None) -> str:
    """What was done in the rounds after the first one in which something failed."""
    done = {each["id"] for each in results if each["status"] == "done"}
    rounds = [each["ids"] for each in report["rounds"]] if report else []
    first = next((place for place, ids in enumerate(rounds) if not set(ids) <= done), len(rounds))
    later = {id_ for ids in rounds[first + 1 :] for id_ in ids} & done
    return "; ".join(_name(each) for each in [one for one in results if one["id"] in later][:MOST])


def _name(result: SubtaskResult) -> str:
    return shorten_line(result["description"], DESCRIPTION_CHARS).rstrip(".")
