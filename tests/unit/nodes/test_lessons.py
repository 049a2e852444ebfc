"""What a task teaches the tasks after it."""

from __future__ import annotations

from graph.state import Report, SubtaskResult
from nodes.lessons import LESSON_CHARS, lesson_of
from nodes.round_report import round_report
from tests.fakes.results import gave, planned

BAD = gave(2, "", "failed", reason="division by zero", description="Divide 7 by 0.")
HALF = gave(3, "12", "partial", reason="missing: 2003", description="List the entries.")
BESIDE, INSTEAD = gave(4, "1", description="Add."), gave(5, "3.5", description="Divide 7 by 2.")


def report(*rounds: list[SubtaskResult]) -> Report:
    made, plan, results = None, [], list[SubtaskResult]()
    for each in rounds:
        plan += [planned(result["id"], result["description"]) for result in each]
        results += each
        made = round_report(plan, results, made)
    assert made is not None
    return made


def test_nothing_failed_teaches_nothing() -> None:
    assert lesson_of([gave(1, "7")], report([gave(1, "7")]), None) == ""
    assert lesson_of([], None, None) == ""


def test_what_failed_why_and_what_worked_instead() -> None:
    told = lesson_of([BAD, HALF, BESIDE, INSTEAD], report([BAD, HALF, BESIDE], [INSTEAD]), None)
    assert told == (
        "Failed: Divide 7 by 0 (division by zero). Gave only a part: List the entries (missing: 2003). "
        "Worked instead: Divide 7 by 2"
    )
    assert lesson_of([BAD, BAD], None, None) == "Failed: Divide 7 by 0 (division by zero)."


def test_a_models_words_come_first_and_an_early_end_is_told() -> None:
    made = report([BAD])
    made["lesson"] = "Never divide by zero."
    told = lesson_of([BAD], made, {"cause": "loop", "budget": None, "detail": "the same plan again"})
    assert told == (
        "Never divide by zero. Failed: Divide 7 by 0 (division by zero). "
        "Ended because it went in a circle: the same plan again."
    )


def test_it_is_bounded_and_one_line() -> None:
    failed = [gave(n, "", "failed", reason="a\n" * 5000, description="b\n" * 5000) for n in range(99)]
    told = lesson_of(failed, report(failed), {"cause": "loop", "budget": None, "detail": "c" * 5000})
    assert len(told) < LESSON_CHARS + 100
    assert "\n" not in told
