"""How far a tool call is, in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cli.printable import one_line


def progress_text(event: Mapping[str, Any]) -> str:
    """`3/10 decoding`, from a `tool_progressed` event; `3` where the whole is not known."""
    done = f"{event['done']:g}" if event["total"] is None else f"{event['done']:g}/{event['total']:g}"
    return one_line(f"{done} {event['text']}", 100).rstrip()
