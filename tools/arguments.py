"""Arguments as a model sends them, made to fit the tool's schema where their meaning is plain."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from configs.errors import ToolCallError

_NUMERAL = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def fit_arguments(name: str, schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with "48" for a number made 48, 48 for a string made "48", "true" made true, JSON texts read.

    What does not plainly fit is left to the server to judge.

    Raises:
        ToolCallError: a required argument is missing; the message shows what the tool takes.
    """
    properties = schema.get("properties")
    known: Mapping[str, Any] = properties if isinstance(properties, dict) else {}
    missing = [key for key in schema.get("required") or () if key not in arguments]
    if missing:
        unknown = [key for key in arguments if key not in known]
        extra = f"; unknown: {', '.join(unknown)}" if unknown and known else ""
        raise ToolCallError(f"{name}: missing: {', '.join(missing)}{extra}; it takes {signature(name, known)}")
    return {key: _fitted(known.get(key), value) for key, value in arguments.items()}


def signature(name: str, properties: Mapping[str, Any]) -> str:
    """A tool and what it takes, as one writes a call: `days(start: string, end: string)`."""
    shown = (f"{key}: {declared}" if (declared := _type(value)) else key for key, value in properties.items())
    return f"{name}({', '.join(shown)})"


def _fitted(declaration: Any, value: Any) -> Any:
    declared = _type(declaration)
    if isinstance(value, str):
        return _from_text(declared, value)
    if declared == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if declared == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _from_text(declared: str | None, text: str) -> Any:
    plain = text.strip()
    if declared in ("number", "integer") and _NUMERAL.fullmatch(plain):
        number = int(plain) if _is_whole(plain) and len(plain) < 1000 else float(plain)
        return number if math.isfinite(number) else text
    if declared == "boolean" and plain.lower() in ("true", "false"):
        return plain.lower() == "true"
    if declared in ("array", "object"):
        return _from_json(text, list if declared == "array" else dict)
    return text


def _is_whole(numeral: str) -> bool:
    return numeral.lstrip("+-").isdigit()


def _from_json(text: str, kind: type) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, kind) else text


def _type(declaration: Any) -> str | None:
    declared = declaration.get("type") if isinstance(declaration, dict) else None
    return declared if isinstance(declared, str) else None
