"""What the state alone tells of a round, and how the planner reads it."""

from __future__ import annotations

from graph.state import Report
from nodes.planner_prompt import REPORT_CHARS, render_report
from nodes.round_report import failed_in, is_unclear, round_report, went_plainly
from tests.fakes.results import call, gave, planned

PLAN = [planned(1), planned(2), planned(3, "", (2,)), planned(4)]
RESULTS = [
    gave(1, "7", evidence=("add {} -> 7",)),
    gave(2, "", "failed", call(), reason="no such page"),
    gave(4, "12 entries", "partial", reason="missing: 2003"),
]


def test_every_subtask_of_the_round_is_judged() -> None:
    report = round_report(PLAN, RESULTS, None)
    assert [(each["id"], each["status"], each["reason"]) for each in report["subtasks"]] == [
        (1, "done", ""),
        (2, "failed", "no such page"),
        (3, "pending", "it needs task 2, not done"),
        (4, "partial", "missing: 2003"),
    ]
    assert report["missing"] == ["task 2 (do 2)", "task 3 (do 3)", "task 4 (do 4)"]
    assert failed_in(report) == [2, 4]
    assert render_report(report).splitlines() == [
        "Task 2 failed: no such page",
        "Task 3 not carried out: it needs task 2, not done",
        "Task 4 partial: missing: 2003",
        "Missing: task 2 (do 2)",
        "Missing: task 3 (do 3)",
        "Missing: task 4 (do 4)",
    ]


def test_the_next_round_is_judged_by_itself() -> None:
    first = round_report(PLAN, RESULTS, None)
    first["lesson"] = "Look elsewhere."
    tried = [each for each in PLAN if each["id"] != 3]
    second = round_report([*tried, planned(5)], [*RESULTS, gave(5, "9")], first)
    assert [each["id"] for each in second["subtasks"]] == [5]
    assert [each["ids"] for each in second["rounds"]] == [[1, 2, 4], [5]]
    assert second["lesson"] == "Look elsewhere."
    assert went_plainly(second)
    assert (is_unclear(first), is_unclear(second)) == (True, False)
    assert render_report(second) == ""


def test_ids_of_what_never_ran_may_be_used_again() -> None:
    first = round_report(PLAN, RESULTS, None)
    second = round_report([PLAN[0], PLAN[1], planned(3, "anew")], [*RESULTS, gave(3, "9")], first)
    assert [(each["id"], each["status"]) for each in second["subtasks"]] == [(3, "done")]


def test_results_that_disagree_are_told_with_what_they_rest_on() -> None:
    one = gave(1, "134591", description="Find the population of Bern.", evidence=("read x -> 134591",))
    two = gave(2, "140000", description="Look up the population of Bern.")
    plan = [planned(1, one["description"]), planned(2, two["description"])]
    report = round_report(plan, [one, two], None)
    assert not went_plainly(report)
    assert is_unclear(report)
    assert render_report(report).splitlines() == [
        "Task 1 rests on: read x -> 134591",
        'Contradiction: task 1 gave "134591" but task 2 gave "140000"',
    ]
    later = round_report([*plan, planned(3)], [one, two, gave(3, "1")], report)
    assert later["contradictions"] == [], "it was told, and the planner has planned since"


def test_a_plan_without_results_is_judged_too() -> None:
    before = round_report([planned(1)], [gave(1, "", "failed", reason="no")], None)
    plan = [planned(1), planned(2, "", (1,))]
    first = round_report(plan, [gave(1, "", "failed", reason="no")], before)
    again = round_report(plan, [gave(1, "", "failed", reason="no")], first)
    assert (first["loop"], again["loop"][:19]) == ("", "the same plan again")
    assert "In a circle: the same plan again" in render_report(again)
    assert not is_unclear(again), "there is nothing that a model could judge"


def test_a_report_is_bounded() -> None:
    long = [gave(n, "", "failed", reason="x" * 50_000, description="y\n" * 50_000) for n in range(200)]
    report = round_report([planned(each["id"], each["description"]) for each in long], long, None)
    assert len(render_report(report)) < REPORT_CHARS + 100
    assert sum(len(str(each)) for each in report["subtasks"]) < 200 * 1000


def test_no_report_is_no_text() -> None:
    empty: Report | None = None
    assert render_report(empty) == ""
