"""What is sent when a subtask's conversation grows too long."""

from __future__ import annotations

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.utils import count_tokens_approximately

from nodes.window import fit

REQUEST: list[BaseMessage] = [SystemMessage("rules"), HumanMessage("Question: why? Subtask: find out")]


def turn(number: int, *results: str) -> list[BaseMessage]:
    made = [{"name": "look", "args": {}, "id": f"{number}-{index}"} for index, _ in enumerate(results)]
    answers = [ToolMessage(text, tool_call_id=f"{number}-{index}") for index, text in enumerate(results)]
    return [AIMessage("", tool_calls=made), *answers]


def test_what_fits_is_sent_unchanged() -> None:
    history = turn(1, "short")
    assert fit(REQUEST, history, 1000) == [*REQUEST, *history]


def test_older_results_are_shortened_before_anything_is_dropped() -> None:
    history = [*turn(1, "x" * 4000), *turn(2, "y" * 400)]
    sent = fit(REQUEST, history, 400)
    assert sent[:2] == REQUEST
    assert "left out" in str(sent[3].text)
    assert sent[-1].text == "y" * 400


def test_dropped_turns_go_as_a_whole_and_the_request_stays() -> None:
    history = [message for number in range(40) for message in turn(number, "x" * 4000, "y" * 4000)]
    sent = fit(REQUEST, history, 600)
    assert sent[:2] == REQUEST
    assert count_tokens_approximately(sent) <= 600
    asked = {call["id"] for message in sent if isinstance(message, AIMessage) for call in message.tool_calls}
    answered = {message.tool_call_id for message in sent if isinstance(message, ToolMessage)}
    assert asked == answered == {"39-0", "39-1"}


def test_a_last_turn_that_alone_is_too_long_is_cut_visibly() -> None:
    sent = fit(REQUEST, turn(1, "x" * 100_000), 500)
    assert sent[:2] == REQUEST
    assert "characters left out" in str(sent[-1].text)
    assert count_tokens_approximately(sent) < 700
