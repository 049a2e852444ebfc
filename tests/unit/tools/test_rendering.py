"""When the text of a page that scripts write is taken."""

from __future__ import annotations

from itertools import chain, repeat
from typing import Any

import pytest
from playwright.async_api import Error

from tools.web import rendering


class Page:
    """A page whose text has these lengths, one a look, the last for ever; -1 while it goes to another address."""

    def __init__(self, *lengths: int) -> None:
        self._lengths = chain(lengths, repeat(lengths[-1]))
        self.length = -1
        self.marked = False

    async def wait_for_load_state(self, *_: Any, **__: Any) -> None:
        return

    async def evaluate(self, script: str, *_: Any) -> int:
        if script == rendering.SHOW:
            self.marked = True
            return 0
        self.length = next(self._lengths)
        if self.length < 0:
            raise Error("on its way")
        return self.length


@pytest.mark.parametrize(
    ("lengths", "taken"), [((0, 0, 0, 0, 0, 0, 0, 500), 500), ((3, 40, -1, -1, -1, 70), 70), ((0,), 0)]
)
async def test_a_page_without_text_is_waited_for(
    lengths: tuple[int, ...], taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "STEP", 0.001)
    monkeypatch.setattr(rendering, "SETTLE_SECONDS", 0.3)
    page = Page(*lengths)
    await rendering._settle(page)
    assert page.length == taken
    assert page.marked
