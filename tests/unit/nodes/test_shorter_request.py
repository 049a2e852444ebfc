"""A request that was too long, made half as long."""

from __future__ import annotations

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.utils import count_tokens_approximately

from nodes.shorter_request import half_as_long

CALL = AIMessage("", tool_calls=[{"name": "read", "args": {}, "id": "1"}])


def test_the_longest_messages_are_cut_and_calls_keep_their_answers() -> None:
    request: list[BaseMessage] = [
        SystemMessage("Rules. " * 100),
        HumanMessage("Question? Subtask."),
        CALL,
        ToolMessage(f"head {'x' * 50_000} tail", tool_call_id="1"),
    ]
    shorter = half_as_long(request)
    assert shorter is not None
    assert shorter[:3] == request[:3]
    assert count_tokens_approximately(shorter) <= count_tokens_approximately(request) / 2
    text = str(shorter[3].text)
    assert text.startswith("head ") and text.endswith(" tail") and "characters left out" in text


def test_what_cannot_be_cut_is_not_sent_again() -> None:
    assert half_as_long([SystemMessage("Rules. " * 10_000), HumanMessage("Question?")]) is None
