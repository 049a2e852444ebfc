"""What a person is shown before something runs, how the terminal asks, and what options answer."""

from __future__ import annotations

import builtins
import json
import sys
from collections.abc import Iterator
from typing import Any, cast

import pytest

from cli.approval import ask_person, given_answers
from cli.approval_edit import edited_action
from cli.approval_text import LINES_SHOWN, request_lines, summary
from configs.errors import InvalidInputError
from graph.answers import Waiting
from nodes.approval_form import Action, approval_request

SEND: Action = {"name": "send", "args": {"to": "ann"}, "description": "Subtask 1 calls send."}
RUN: Action = {
    "name": "run_code",
    "args": {"code": "import os\n\nprint(1)"},
    "description": "Subtask 1 runs it.",
}
TASKS = [{"id": 1, "description": "a", "depends_on": []}, {"id": 2, "description": "b", "depends_on": [1]}]
PLAN: Action = {"name": "plan", "args": {"plan": TASKS}, "description": "The plan."}


def waiting(id_: str, *actions: Action, fault: str = "") -> Waiting:
    return {"id": id_, "value": cast(dict[str, Any], approval_request(actions, fault))}


def test_arguments_are_shown_whole_and_code_line_by_line() -> None:
    assert request_lines(waiting("1", SEND, RUN)["value"]) == [
        "Subtask 1 calls send.", "send", '  to: "ann"',
        "Subtask 1 runs it.", "run_code", "  code:", "    import os", "    ", "    print(1)",
    ]  # fmt: skip
    assert request_lines(waiting("1", PLAN)["value"])[2:] == ["  1 a", "  2 b (after 1)"]
    long: Action = {"name": "send", "args": {"text": "y" * 2500}, "description": "d"}
    assert "".join(line.strip() for line in request_lines(waiting("1", long)["value"])).count("y") == 2500
    longer: Action = {"name": "send", "args": {"text": "x\n" * 900}, "description": "d"}
    lines = request_lines(waiting("1", longer)["value"])
    assert len(lines) == LINES_SHOWN + 1
    assert "more lines, which are not shown here" in lines[-1]


@pytest.mark.parametrize("hidden", ["\x1b[2K", "\u202e", "\u200b", "\r", "\x00"])
def test_what_does_not_print_is_shown_escaped(hidden: str) -> None:
    action: Action = {"name": "run_code", "args": {"code": f"a\nb{hidden}c", "to": hidden}, "description": "d"}
    text = "\n".join(request_lines(waiting("1", action)["value"]))
    assert hidden not in text
    assert text.count("\\") >= 2


def test_a_request_on_one_line() -> None:
    assert summary(waiting("1", SEND, RUN)["value"]) == (
        'send(to="ann"); run_code(code="import os\\n\\nprint(1)")'
    )  # fmt: skip


def test_options_answer_everything_that_waits() -> None:
    two = [waiting("1", SEND), waiting("2", SEND, RUN)]
    approve, reject = {"type": "approve"}, {"type": "reject", "message": "no"}
    assert given_answers(two, True, None, None) == {"1": {"decisions": [approve]}, "2": {"decisions": [approve] * 2}}
    assert given_answers(two, False, "no", None) == {"1": {"decisions": [reject]}, "2": {"decisions": [reject] * 2}}
    assert given_answers(two, False, None, None) is None
    edit = {"type": "edit", "edited_action": {"name": "send", "args": {"to": "bob"}}}
    assert given_answers(two[:1], False, None, '{"to": "bob"}') == {"1": {"decisions": [edit]}}
    for arguments, fault in [
        ((two, True, "no", None), "takes one of them"),
        (([], True, None, None), "nothing waits"),
        ((two, False, None, "{}"), "3 actions wait"),
        ((two[:1], False, None, "{"), "not JSON"),
        ((two[:1], False, None, "[]"), "must be a JSON object"),
    ]:
        with pytest.raises(InvalidInputError, match=fault):
            given_answers(*arguments)


def test_a_plan_is_edited_as_a_list_or_as_an_object() -> None:
    tasks = [{"id": 1, "description": "c"}]
    for given in (tasks, {"plan": tasks}):
        assert edited_action(PLAN, json.dumps(given)) == {"name": "plan", "args": {"plan": tasks}}


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    left: Iterator[str] = iter(lines)

    def read(_prompt: str = "") -> str:
        try:
            return next(left)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr(builtins, "input", read)


def test_each_action_is_asked_about(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    typed(monkeypatch, "yes", "", "A", "reject", " too dear ", "approve")
    answers = ask_person([waiting("1", SEND, RUN), waiting("2", SEND, fault="The answer was not used: why")])
    assert answers == {
        "1": {"decisions": [{"type": "approve"}, {"type": "reject", "message": "too dear"}]},
        "2": {"decisions": [{"type": "approve"}]},
    }
    assert "The answer was not used: why" in capsys.readouterr().err


def test_the_end_of_input_answers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "a")
    assert ask_person([waiting("1", SEND), waiting("2", SEND)]) is None


def test_an_edit_in_the_editor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    change = "import sys; p = sys.argv[1]; t = open(p).read(); open(p, 'w').write(t.replace('ann', 'bob'))"
    monkeypatch.setenv("EDITOR", f'{sys.executable} -c "{change}"')
    monkeypatch.delenv("VISUAL", raising=False)
    typed(monkeypatch, "e")
    answers = ask_person([waiting("1", SEND)])
    edit = {"type": "edit", "edited_action": {"name": "send", "args": {"to": "bob"}}}
    assert answers == {"1": {"decisions": [edit]}}
    monkeypatch.setenv("VISUAL", "no-such-editor-anywhere")
    typed(monkeypatch, "e", "a")
    assert ask_person([waiting("1", SEND)]) == {"1": {"decisions": [{"type": "approve"}]}}
    assert "the editor failed" in capsys.readouterr().err
