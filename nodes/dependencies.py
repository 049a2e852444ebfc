"""A plan as a graph: what may run, what it builds on, and whether it can be carried out at all. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from configs.errors import InvalidInputError
from graph.state import Subtask, SubtaskResult


def ready(plan: Sequence[Subtask], results: Sequence[SubtaskResult]) -> list[Subtask]:
    """The subtasks that have no result yet and whose dependencies are all done, in the order of the plan."""
    tried = {result["id"] for result in results}
    done = {result["id"] for result in results if result["status"] == "done"}
    return [each for each in plan if each["id"] not in tried and set(each["depends_on"]) <= done]


def needed(subtask: Subtask, plan: Sequence[Subtask], results: Sequence[SubtaskResult]) -> list[SubtaskResult]:
    """The results a subtask builds on, directly or through others, in the order of the plan."""
    wanted = ancestors(subtask["id"], plan)
    by_id = {result["id"]: result for result in results}
    return [by_id[each["id"]] for each in plan if each["id"] in wanted and each["id"] in by_id]


def ancestors(subtask: int, plan: Sequence[Subtask]) -> set[int]:
    """The ids of everything a subtask depends on, directly or through others."""
    parents = {each["id"]: each["depends_on"] for each in plan}
    wanted: set[int] = set()
    waiting = list(parents.get(subtask, []))
    while waiting:
        each = waiting.pop()
        if each not in wanted:
            wanted.add(each)
            waiting.extend(parents.get(each, []))
    return wanted


def check_plan(plan: Any) -> None:
    """Refuse a plan that somebody has edited in a thread's state so that it cannot be carried out.

    A planner's own plan never gets here like that, see `nodes.planner_reply.to_subtasks`.

    Raises:
        InvalidInputError: what is wrong with it, in one line.
    """
    fault = fault_of(plan)
    if fault is not None:
        raise InvalidInputError(f"the plan in the state cannot be carried out: {fault}")


def fault_of(plan: Any) -> str | None:
    """Why a plan cannot be carried out, in one line; None if it can."""
    return next(_faults(plan), None)


def circle(needs: Mapping[int, AbstractSet[int]]) -> list[int]:
    """The subtasks that wait for each other, or for one that does; empty if all can be put in an order."""
    waiting = dict(needs)
    while waiting:
        free = [each for each, wanted in waiting.items() if not wanted & waiting.keys()]
        if not free:
            return sorted(waiting)
        for each in free:
            del waiting[each]
    return []


def _faults(plan: Any) -> Iterator[str]:
    if not isinstance(plan, list):
        yield "it is no list of subtasks"
        return
    for place, each in enumerate(plan, 1):
        yield from _entry_faults(place, each)
    ids = [each["id"] for each in plan]
    known = set(ids)
    for id_, times in Counter(ids).items() if len(known) < len(ids) else ():
        if times > 1:
            yield f"the id {id_} stands in it {times} times"
    for each in plan:
        for wanted in each["depends_on"]:
            if wanted not in known:
                yield f"subtask {each['id']} depends on {wanted}, which is not in it"
    if stuck := circle({each["id"]: set(each["depends_on"]) for each in plan}):
        yield f"the dependencies run in a circle: {stuck}"


def _entry_faults(place: int, entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict) or not _is_id(entry.get("id")):
        yield f"entry {place} has no whole number as its id"
    elif not isinstance(entry.get("description"), str) or not entry["description"].strip():
        yield f"subtask {entry['id']} has no description"
    elif not isinstance(entry.get("depends_on"), list) or not all(map(_is_id, entry["depends_on"])):
        yield f"depends_on of subtask {entry['id']} is no list of ids"


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
