"""Long results: shown shortened, kept, read on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from configs.errors import ToolCallError
from nodes.whole_results import READ, WholeResults, result_id, whole_id


@dataclass
class Kept:
    """A store in memory; `full` refuses everything."""

    texts: dict[tuple[str, str, str], str] = field(default_factory=dict)
    full: bool = False

    async def keep(self, thread_id: str, task_id: str, result_id: str, text: str) -> bool:
        if not self.full:
            self.texts[thread_id, task_id, result_id] = text
        return not self.full

    async def read(self, thread_id: str, task_id: str, result_id: str) -> str | None:
        return self.texts.get((thread_id, task_id, result_id))


TEXT = "".join(f"{number:04} " for number in range(1000))


def results(store: Kept, task: str = "task") -> WholeResults:
    return WholeResults(store, "thread", task, 300)


async def test_a_short_result_is_shown_as_it_is_and_nothing_is_offered() -> None:
    store = Kept()
    own = results(store)
    assert await own.shown("x" * 300) == "x" * 300
    assert own.tools() == []
    assert store.texts == {}


async def test_reading_on_from_what_is_shown_gives_all_of_it() -> None:
    own = results(Kept())
    shown = await own.shown(TEXT)
    assert shown.startswith(TEXT[:200] + "\n[... 4,700 characters left out; ")
    assert shown.endswith(TEXT[-100:])
    assert whole_id(shown) == result_id(TEXT)
    (tool,) = own.tools()
    read, offset = TEXT[:200], 200
    while offset < len(TEXT):
        part, _, told = (await tool.ainvoke({"id": result_id(TEXT), "offset": offset})).rpartition("\n[... ")
        read += part
        offset += len(part)
        assert (f'{READ}("{result_id(TEXT)}", {offset}) reads on' in told) == (offset < len(TEXT))
    assert read == TEXT
    assert told == "the end of the result ...]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"id": result_id(TEXT), "offset": 5000}, "offset 5000 is outside the result: it has 5,000 characters"),
        ({"id": result_id(TEXT), "offset": -1}, "offset -1 is outside"),
        ({"id": result_id(TEXT), "offset": 10**30}, "is outside the result"),
        ({"id": "r0000000000", "offset": 0}, "no result 'r0000000000' is kept"),
        ({"id": "../../etc/passwd", "offset": 0}, "no result '../../etc/passwd' is kept"),
        ({"id": "x" * 9000, "offset": 0}, "is kept"),
        ({"id": 5, "offset": 0}, f"{READ} takes an id and an offset"),
        ({"id": result_id(TEXT), "offset": "soon"}, f"{READ} takes an id and an offset"),
        ({"id": result_id(TEXT), "offset": 1.5}, f"{READ} takes an id and an offset"),
        ({"offset": True}, f"{READ} takes an id and an offset"),
        ({}, f"{READ} takes an id and an offset"),
    ],
)
async def test_what_cannot_be_read_is_told_in_one_short_line(arguments: dict[str, Any], message: str) -> None:
    own = results(Kept())
    await own.shown(TEXT)
    with pytest.raises(ToolCallError) as raised:
        await own.tools()[0].ainvoke(arguments)
    assert message in str(raised.value)
    assert len(str(raised.value)) < 150


async def test_numbers_as_models_write_them_are_offsets() -> None:
    own = results(Kept())
    await own.shown(TEXT)
    for offset in ("40", " 40 ", 40.0):
        assert (await own.read(id=result_id(TEXT), offset=offset)).startswith(TEXT[40:340])


async def test_a_disk_that_takes_nothing_still_shows_the_result() -> None:
    own = results(Kept(full=True))
    shown = await own.shown(TEXT)
    assert "4700 characters left out ..." in shown
    assert READ not in shown
    assert own.tools() == []
    assert await own.keep(TEXT) is None


async def test_another_subtask_of_the_task_that_is_shown_an_id_may_read_on() -> None:
    store = Kept()
    shown = await results(store).shown(TEXT)
    later, elsewhere, forged = results(store), results(store, "other"), results(store)
    for own in (later, elsewhere):
        await own.notice(f"Result 1: {shown}")
    await forged.notice(f'{READ}("r0123456789", 5) or {"r" * 11} or r0123')
    assert [len(own.tools()) for own in (later, elsewhere, forged)] == [1, 0, 0]
