"""Text from models, tools and files made fit for a terminal: no escape sequences, no control characters."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

VALUE_CHARS = 60
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor movements
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]{0,1000}(?:\x07|\x1b\\|\x9c)"  # OSC, DCS: titles, clipboard
    r"|\x1b[ -/]*[0-~]"
)
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def clean(text: str) -> str:
    """The text with line breaks and tabs kept, and everything gone that could drive a terminal or reverse its text."""
    return _UNSAFE.sub("", _SEQUENCE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def one_line(text: str, limit: int = 200) -> str:
    """The clean text on one line, at most `limit` characters."""
    line = " ".join(clean(text[: 20 * limit]).split())
    return line if len(line) <= limit and len(text) <= 20 * limit else f"{line[: limit - 1]}…"


def call_text(name: str, arguments: Mapping[str, Any], limit: int = 100) -> str:
    """A tool call as a person writes it: `multiply(a=48, b=37)`, long arguments shortened."""
    given = ", ".join(f"{key}={_value(value)}" for key, value in arguments.items())
    return one_line(f"{name}({given}", limit - 1) + ")"


def json_text(value: Any, *, ascii_only: bool = False) -> str:
    """One JSON document; characters a terminal acts on are escaped, numbers JSON does not know become null."""
    return escaped_json(json.dumps(_finite(value), ensure_ascii=ascii_only, indent=2))


def escaped_json(text: str) -> str:
    """JSON text with the same meaning and without the characters a terminal acts on."""
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= VALUE_CHARS else f"{text[: VALUE_CHARS - 1]}…"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value
