"""When a round of the run is a circle."""

from __future__ import annotations

import pytest

from graph.state import Round, SubtaskResult
from nodes.round_loops import find_loop, planned_key
from tests.fakes.results import call, gave

Told = tuple[str, SubtaskResult | None]


def tried(id_: int, text: str, *calls_: str, result: str = "", stuck: bool = False) -> Told:
    """A subtask that gave `result`, or failed; a call is `arguments>result`."""
    made = [call("search", each.partition(">")[2], q=each.partition(">")[0]) for each in calls_]
    status, reason = ("done" if result else "failed"), "" if result else f"no luck {id_}"
    return text, gave(id_, result, status, *made, description=text, reason=reason, stuck=stuck)  # type: ignore[arg-type]  # one of them


def loop(*rounds: list[Told]) -> str:
    told: list[Round] = [
        {"ids": [r["id"] for _, r in each if r], "planned": sorted({planned_key(text) for text, _ in each})}
        for each in rounds
    ]
    return find_loop(told, [r for each in rounds for _, r in each if r])


@pytest.mark.parametrize(
    ("rounds", "said"),
    [
        ([[tried(1, "Find it.", "x>none")]], ""),
        ([[tried(1, "Find it.", "x>none")], [tried(2, "find  IT", "x>none")]], "the same plan again"),
        ([[tried(1, "Find it.")], [tried(2, "Find it.")]], "the same plan again"),
        ([[tried(1, "a"), tried(2, "b")], [tried(3, "b"), tried(4, "a")]], "the same plan again"),
        ([[tried(1, "a", result="4"), tried(2, "b")], [tried(3, "b")]], "the same plan again"),
        ([[("a", None)], [("a", None)]], "the same plan again"),
        ([[tried(1, "Find it.", "x>none")], [tried(2, "Look for it.", "x>none")]], "the same tool calls"),
        ([[tried(1, "a", "x>none", "y>none")], [tried(2, "b", "y>none")]], "the same tool calls"),
        ([[tried(1, "a", "x>none")], [tried(2, "b")], [tried(3, "c", "x>none")]], "the same tool calls"),
        ([[tried(1, "a", "x>pending")], [tried(2, "a", "x>done")]], ""),
        ([[tried(1, "Find it.", "x>none")], [tried(2, "Find it.", "y>none")]], ""),
        ([[tried(1, "Find it.", "x>none")], [tried(2, "Find it.", "x>none", result="4")]], ""),
        ([[tried(1, "a", "x>none")], [tried(2, "b", "y>1", result="1")], [tried(3, "a", "x>none")]], ""),
        ([[tried(1, "a", "x>none"), tried(2, "b", "x>none")]], ""),
        ([[tried(1, "a")], [tried(2, "b")], [tried(3, "c")]], ""),
        ([[tried(1, "a", "x>1", stuck=True)]], "task 1 no luck 1"),
        ([[tried(1, "a", "x>1", stuck=True), tried(2, "b", "y>2", result="2")]], ""),
        ([[tried(1, "a", "x>4", result="4")], [tried(2, "compute a", "x>4", result="4")]], "the same tool calls"),
    ],
)
def test_circles(rounds: list[list[Told]], said: str) -> None:
    found = loop(*rounds)
    assert found.startswith(said) if said else found == ""
    assert "\n" not in found
