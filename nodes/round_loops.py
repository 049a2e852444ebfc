"""Notice a run that goes round in a circle: a round that brought nothing new and did what earlier ones had done. Pure.

A round brings something new if a tool call in it gave what it had not given before, or a subtask was done with a new
result. A round that brings nothing new is a circle if all it planned was planned before, or all the calls it made were
made before, and nothing new was learned in between; so is one in which nothing was done and a subtask's executor went
in a circle. A call whose result changes is none, nor are two subtasks of one round that make the same call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from graph.state import Round, SubtaskResult
from nodes.answer_match import normalise
from nodes.outcomes import shorten_line
from nodes.repetition import call_key, result_key

ENDS_AT = 2
"""So many circles end the run."""

TEXT_CHARS = 200


class _Traces(NamedTuple):
    """What one round left: what it planned, which calls gave what, and what was said to be done."""

    planned: frozenset[str]
    calls: frozenset[str]
    said: frozenset[str]

    @property
    def learned(self) -> frozenset[str]:
        return self.calls | self.said


def planned_key(description: str) -> str:
    """What makes two subtasks the same: their words."""
    return hashlib.sha256(normalise(description).encode(errors="surrogatepass")).hexdigest()[:12]


def find_loop(rounds: Sequence[Round], results: Sequence[SubtaskResult]) -> str:
    """What went round in a circle in the last round, in one line; empty if nothing did.

    Args:
        rounds: all of the run so far; the last one is looked at.
        results: of all of them.
    """
    by_id = {result["id"]: result for result in results}
    last = [by_id[id_] for id_ in rounds[-1]["ids"] if id_ in by_id]
    stuck = [each for each in last if each.get("stuck")]
    if stuck and not any(each["status"] == "done" for each in last):
        return "; ".join(f"task {each['id']} {shorten_line(each.get('reason', ''), TEXT_CHARS)}" for each in stuck)
    traces = [_traces(each, by_id) for each in rounds]
    *earlier, now = traces
    if now.learned - _union(each.learned for each in earlier):
        return ""
    if now.planned and now.planned <= _union(each.planned for each in earlier):
        if not _learned_since(traces, now.planned, [each.planned for each in earlier]):
            return f"the same plan again, and it brought nothing new: {_names(last)}"
    elif now.calls and not _learned_since(traces, now.calls, [each.calls for each in earlier]):
        return f"the same tool calls as before, with the same results: {_called(last)}"
    return ""


def _traces(one: Round, by_id: dict[int, SubtaskResult]) -> _Traces:
    results = [by_id[id_] for id_ in one["ids"] if id_ in by_id]
    calls = frozenset(f"{call_key(call)} {result_key(call)}" for each in results for call in each["tool_calls"])
    said = frozenset(_said(each) for each in results if each["status"] == "done")
    return _Traces(frozenset(one["planned"]), calls, said)


def _said(result: SubtaskResult) -> str:
    """What a subtask gave; without a tool call it is only known by what was asked."""
    return normalise(result["result"] if result["tool_calls"] else f"{result['description']} {result['result']}")


def _learned_since(traces: Sequence[_Traces], marks: frozenset[str], earlier: Sequence[frozenset[str]]) -> bool:
    """Whether a round between the last that left any of the marks and the one looked at brought something new."""
    since = max(place for place, each in enumerate(earlier) if each & marks)
    known = set(_union(each.learned for each in traces[: since + 1]))
    return any(each.learned - known for each in traces[since + 1 : -1])


def _names(results: Sequence[SubtaskResult]) -> str:
    names = "; ".join(each["description"].rstrip(".") for each in results)
    return shorten_line(names or "none of it could be begun", TEXT_CHARS)


def _called(results: Sequence[SubtaskResult]) -> str:
    return ", ".join(sorted({call["name"] for each in results for call in each["tool_calls"]}))


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*sets)
