"""How a model's reply ended: by itself, at the length limit, or with a refusal. Pure."""

from __future__ import annotations

from langchain_core.messages import AIMessage

MAX_REFUSAL_CHARS = 500
FILTERED = "the provider's content filter stopped the reply"
CUT_CALL = "the reply was cut off at its length limit before the call was complete, so it was not run"
CUT_MARK = "[cut off here: the reply reached its length limit]"
CUT_REASON = "the executor's reply was cut off at its length limit"
EMPTY = "(an empty reply)"


def refusal_of(message: AIMessage) -> str | None:
    """What the model or its provider's filter said when it refused, in one line; None where it did not refuse."""
    said = message.additional_kwargs.get("refusal")
    if isinstance(said, str) and said.strip():
        return " ".join(said.split())[:MAX_REFUSAL_CHARS]
    return FILTERED if _reason(message) == "content_filter" else None


def was_cut(message: AIMessage) -> bool:
    """Whether the reply reached its length limit: its text is not all there is, its last tool call may be half."""
    return _reason(message) == "length"


def as_said(message: AIMessage) -> AIMessage:
    """The reply as it goes back to the model. Endpoints refuse an assistant's message that holds nothing."""
    if str(message.text).strip() or message.tool_calls or message.invalid_tool_calls:
        return message
    return message.model_copy(update={"content": EMPTY})


def _reason(message: AIMessage) -> object:
    return message.response_metadata.get("finish_reason")
