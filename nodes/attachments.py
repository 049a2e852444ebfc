"""The files that came with a task, as text for a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from nodes.prompts import fence, shorten


class Attachments(Protocol):
    """Where nodes read a thread's files."""

    async def read(self, thread_id: str, names: Sequence[str]) -> dict[str, str]:
        """The text of each file, or a line in brackets that says why there is none.

        Args:
            thread_id: whose workspace.
            names: relative to the workspace.
        """
        ...


def render_files(texts: dict[str, str], limit: int) -> str:
    """Each file fenced and named, all of them together within about `limit` characters."""
    if not texts:
        return ""
    share = max(limit // len(texts), 200)
    return fence("files", "\n\n".join(f"File {name}:\n{shorten(text, share)}" for name, text in texts.items()))
