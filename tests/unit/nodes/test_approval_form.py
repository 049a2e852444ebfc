"""What a person is shown, and both forms in which they may answer; what is no answer is never an approval."""

from __future__ import annotations

from typing import Any

import pytest

from configs.errors import InvalidInputError
from nodes.approval_form import Action, Decision, approval_request, read_answer

SEND: Action = {"name": "send", "args": {"to": "ann", "times": 2}, "description": "send a mail"}
RUN: Action = {"name": "run_code", "args": {"code": "1 + 1"}, "description": "run code"}


def edit(name: str = "send", **args: Any) -> dict[str, Any]:
    return {"type": "edit", "edited_action": {"name": name, "args": args}}


def test_the_request_has_the_keys_of_both_forms() -> None:
    request = approval_request([SEND, RUN, SEND], fault="not so")
    assert request["action_requests"] == [SEND, RUN, SEND]
    assert request["review_configs"] == [
        {"action_name": "send", "allowed_decisions": ["approve", "edit", "reject"]},
        {"action_name": "run_code", "allowed_decisions": ["approve", "edit", "reject"]},
    ]
    assert request["action_request"] == {
        "action": "send, run_code",
        "args": {"1 send": SEND["args"], "2 run_code": RUN["args"], "3 send": SEND["args"]},
    }
    assert set(request["config"]) == {"allow_accept", "allow_edit", "allow_respond", "allow_ignore"}
    assert request["description"] == "not so\n\nsend a mail\n\nrun code\n\nsend a mail"
    assert request["fault"] == "not so"
    assert approval_request([SEND])["action_request"] == {"action": "send", "args": SEND["args"]}
    assert "fault" not in approval_request([SEND])


@pytest.mark.parametrize(
    ("actions", "answer", "decisions"),
    [
        ([SEND], {"decisions": [{"type": "approve"}]}, [Decision("approve")]),
        ([SEND], {"decisions": [{"type": "reject", "message": " no "}]}, [Decision("reject", reason="no")]),
        ([SEND], {"decisions": [{"type": "reject"}]}, [Decision("reject")]),
        (
            [SEND, RUN],
            {"decisions": [edit(to="bob"), {"type": "approve"}]},
            [Decision("edit", {"to": "bob"}), Decision("approve")],
        ),
        ([SEND], [{"type": "accept", "args": None}], [Decision("approve")]),
        ([SEND, RUN], [{"type": "accept", "args": {"action": "x"}}], [Decision("approve")] * 2),
        ([SEND], [{"type": "ignore", "args": None}], [Decision("reject")]),
        ([SEND, RUN], [{"type": "response", "args": "too dear"}], [Decision("reject", reason="too dear")] * 2),
        (
            [SEND],
            [{"type": "edit", "args": {"action": "send", "args": {"to": "7", "times": "3"}}}],
            [Decision("edit", {"to": "7", "times": 3})],
        ),
        (
            [SEND, RUN],
            [{"type": "edit", "args": {"args": {"1 send": '{"to": "bob"}', "2 run_code": {"code": "1 + 1"}}}}],
            [Decision("edit", {"to": "bob"}), Decision("approve")],
        ),
    ],
)
def test_an_answer_in_either_form(actions: list[Action], answer: object, decisions: list[Decision]) -> None:
    assert read_answer(actions, answer) == decisions


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (None, "no decision"),
        (True, "no decision"),
        ("approve", "no decision"),
        ({}, "no decision"),
        ([], "no decision"),
        ({"decisions": {"type": "approve"}}, "no decision"),
        ({"type": "approve"}, "no decision"),
        ({"decisions": [{"type": "approve"}], "and": 1}, "no decision"),
        ([{"type": "accept"}, {"type": "accept"}], "no decision"),
        ({"decisions": []}, "1 decisions are needed, 0 were given"),
        ({"decisions": [{"type": "approve"}] * 2}, "1 decisions are needed, 2"),
        ({"decisions": ["approve"]}, "decision on send is none of"),
        ({"decisions": [{"type": "Approve"}]}, "decision on send is none of"),
        ({"decisions": [{"type": "edit"}]}, "no edited_action"),
        ({"decisions": [{"type": "edit", "edited_action": {"name": "send", "args": "x"}}]}, "no edited_action"),
        ({"decisions": [edit("run_code", code="2")]}, "not what is called"),
        ({"decisions": [{"type": "reject", "message": 7}]}, "is no text"),
        ([{"type": "approve"}], "type is none of accept"),
        ([{"type": "edit", "args": None}], "the edit has no args"),
        ([{"type": "edit", "args": {"args": {"times": "many"}}}], "times: not JSON"),
    ],
)
def test_what_is_no_answer_is_refused_with_the_reason(answer: object, fault: str) -> None:
    with pytest.raises(InvalidInputError, match=fault):
        read_answer([SEND], answer)


def test_an_edit_of_several_actions_names_them_all() -> None:
    with pytest.raises(InvalidInputError, match="1 send, 2 run_code"):
        read_answer([SEND, RUN], [{"type": "edit", "args": {"args": {"1 send": "{}"}}}])
