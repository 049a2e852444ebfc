"""Events lose their secrets in one place, cheaply, and a listener that breaks harms no run."""

from __future__ import annotations

import time
import uuid
from typing import Any, cast

import pytest

from configs.errors import ModelUnavailableError, ToolCallError
from graph.events import Event
from graph.masked_tools import MaskedTool, MaskedTools
from graph.masking import Mask
from graph.telling import RunName, Teller
from nodes.execute import Tools
from tools.remote_tool import RemoteTool

KEY = 'known-"key"-1'
RUN = RunName("thread", "task")
PROSE = "The token count of a page, see https://example.org/a?b=1, is a key figure: passing 8,000 is rare. " * 80


class Heard:
    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def heard(self, run: RunName, event: Event) -> None:
        self.events.append(cast(dict[str, Any], event))

    def fault(self) -> str | None:
        return None

    async def settled(self) -> None:
        pass

    def close(self) -> None:
        pass


class Broken(Heard):
    def heard(self, run: RunName, event: Event) -> None:
        raise ValueError("no")


def called(arguments: dict[str, Any]) -> Event:
    return {"type": "tool_called", "subtask": 1, "id": "c", "name": "get", "arguments": arguments}


def test_known_and_telling_values_are_masked_wherever_they_stand() -> None:
    told: list[Any] = []
    tell = Teller(Mask.of([KEY])).telling(RUN, told.append)
    tell(called({"url": f"http://x/?k={KEY}", "deep": [{"password": "hunter22x"}], KEY: "ghp_" + "a1" * 18, "n": 1}))
    assert KEY not in str(told) and "hunter22x" not in str(told) and "ghp_" not in str(told)
    assert told[0]["arguments"]["n"] == 1
    assert (told[0]["type"], told[0]["name"], told[0]["id"]) == ("tool_called", "get", "c")
    assert abs(told[0]["at"] - time.time()) < 60


def test_an_event_without_a_hint_is_told_as_it_is_and_costs_little() -> None:
    told: list[Any] = []
    tell = Teller(Mask.of([KEY, "another-key-22"])).telling(RUN, told.append)
    arguments = {"a": 48, "b": [37.5, None, True], "text": PROSE}
    assert len(PROSE) > 7500
    tell(called(arguments))
    assert told[0]["arguments"] is arguments
    best = min(_seconds(lambda: tell(called(arguments))) for _ in range(20))
    assert best < 0.001, "0.2 ms were measured on an idle core; the full patterns take 5 ms"


def _seconds(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@pytest.mark.parametrize(
    ("error", "written", "status"),
    [
        (None, True, "answered"),
        (None, False, "interrupted"),
        (ModelUnavailableError(f"down: {KEY}"), False, "failed"),
        (KeyboardInterrupt(), False, "interrupted"),
    ],
)
async def test_how_a_run_ended_is_told(error: BaseException | None, written: bool, status: str) -> None:
    listener, root = Heard(), uuid.uuid4()
    teller = Teller(Mask.of([KEY]), [Broken(), listener])
    node = uuid.uuid4()
    teller.began(root, None)
    teller.began(node, root)
    tell = teller.telling(RUN, lambda event: None, node)
    tell({"type": "task_opened", "id": "task", "question": "?"})
    if written:
        tell({"type": "case_written", "case_id": "c"})
    await teller.ended(node, None)
    await teller.ended(root, error)
    await teller.ended(root, error)
    ended = [event for event in listener.events if event["type"] == "run_ended"]
    assert [event["status"] for event in ended] == [status]
    assert (ended[0]["error"] is not None) == (status == "failed")
    assert KEY not in str(ended)


def test_a_run_that_goes_on_says_so_once() -> None:
    listener = Heard()
    teller = Teller(listeners=[listener])
    root = uuid.uuid4()
    teller.began(root, None)
    for _ in range(2):
        teller.telling(RUN, lambda event: None, root)({"type": "warned", "message": "x"})
    assert [event["type"] for event in listener.events] == ["run_resumed", "warned", "warned"]


class OneTool:
    def __init__(self, text: str | Exception) -> None:
        self._text = text

    async def tools(self) -> list[Any]:
        async def call(arguments: dict[str, Any], _: Any) -> str:
            if isinstance(self._text, Exception):
                raise self._text
            return f"{self._text} {arguments}"

        schema = {"type": "object", "properties": {"config": {"type": "string"}}}
        return [RemoteTool(call, name="get", description="d", args_schema=schema, metadata={"readOnlyHint": True})]

    def failures(self) -> dict[str, str]:
        return {"other": f"no {KEY}"}


async def test_tools_give_no_known_key_and_stay_what_they_are() -> None:
    mask = Mask.of([KEY])
    masked = MaskedTools(cast(Tools, OneTool(f"a {KEY} ghp_{'a1' * 18}")), mask)
    (tool,) = await masked.tools()
    assert isinstance(tool, MaskedTool)
    assert (tool.name, tool.metadata, tool.args) == ("get", {"readOnlyHint": True}, {"config": {"type": "string"}})
    assert await tool.ainvoke({"config": "c"}) == f"a [redacted:known-secret] ghp_{'a1' * 18} {{'config': 'c'}}"
    assert masked.failures() == {"other": "no [redacted:known-secret]"}
    (broken,) = await MaskedTools(cast(Tools, OneTool(ToolCallError(f"no {KEY}"))), mask).tools()
    with pytest.raises(ToolCallError, match=r"^no \[redacted:known-secret\]$"):
        await broken.ainvoke({})
