"""What a tool tells the client of its progress, whatever a file or a page has put into it."""

from __future__ import annotations

from typing import Any

import pytest

from tools.servers.requests import progress_of


@pytest.mark.parametrize(
    ("text", "sent"), [("page 3", "page 3"), ("", None), ("bad \udcff\x1b[2J", "bad "), ("\udcff", None)]
)
async def test_progress_is_text_that_can_be_sent(text: str, sent: str | None) -> None:
    """A lone surrogate would end the whole server, which cannot write it."""
    told: list[Any] = []

    class Context:
        async def report_progress(self, *what: Any) -> None:
            told.append(what)

    await progress_of(Context())(1.0, 2.0, text)
    assert told == [(1.0, 2.0, sent)]
