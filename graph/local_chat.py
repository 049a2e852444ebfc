"""The chat model of the embedded server. Importing this costs what langchain_openai costs."""

from __future__ import annotations

import json
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_openai import ChatOpenAI

COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""No free white space: replies look like `json.dumps`, as the examples in the prompts do, and are half as long."""


class LocalChat(ChatOpenAI):
    """ChatOpenAI for xllamacpp, whose response_format leaves white space free: a schema is sent as a grammar."""

    def _get_request_payload(
        self, input_: LanguageModelInput, *, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        form = kwargs.pop("response_format", None)
        payload: dict[str, Any] = super()._get_request_payload(input_, stop=stop, **kwargs)
        if form is not None:
            body = payload.get("extra_body") or {}
            payload["extra_body"] = {**body, "grammar": grammar(form["json_schema"]["schema"])}
        return payload


def grammar(schema: dict[str, Any]) -> str:
    """An llguidance grammar for compact JSON of a schema."""
    return f"%llguidance {{}}\nstart: %json {json.dumps({**schema, 'x-guidance': COMPACT})}"
