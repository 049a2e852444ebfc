"""JSON values that every store and encoder takes. Pure."""

from __future__ import annotations

import re
from typing import Any

UNSAFE = re.compile("[\x00\ud800-\udfff]")
"""Lone surrogates cannot be encoded as UTF-8, and PostgreSQL takes no NUL."""


def storable(value: Any) -> Any:
    """The value with U+FFFD for every character in its texts and keys that cannot be kept."""
    if isinstance(value, str):
        return UNSAFE.sub("\ufffd", value) if UNSAFE.search(value) else value
    if isinstance(value, dict):
        return {storable(key): storable(each) for key, each in value.items()}
    return [storable(each) for each in value] if isinstance(value, list) else value
