"""The three servers of ours, as processes over standard input and output, through the ToolBox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from langchain_core.tools import BaseTool

from configs.errors import ToolCallError
from configs.settings import load_settings
from tools.client import open_tools

NAMES = {
    "math": {"add", "sub", "multiply", "divide", "round", "percent", "calculate", "solve", "convert_units"},
    "datetime": {
        "days_between",
        "add_days",
        "add_months",
        "weekday",
        "minutes_between",
        "add_minutes",
        "now",
        "convert_timezone",
    },
    "text": {
        "count_words",
        "count_characters",
        "count_letter",
        "reverse",
        "uppercase",
        "lowercase",
        "sort_words",
        "replace",
    },
}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tools(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, BaseTool]]:
    home = await asyncio.to_thread(tmp_path_factory.mktemp, "home")
    settings = await asyncio.to_thread(load_settings, overrides=[f"home={home}", "servers=math, datetime, text"])
    async with open_tools(settings) as box:
        found = await box.tools()
        assert box.failures() == {}
        yield {tool.name: tool for tool in found}


async def test_names_are_short_unique_and_unprefixed(tools: dict[str, BaseTool]) -> None:
    by_server: dict[str, set[str]] = {}
    for name, tool in tools.items():
        assert tool.metadata is not None
        by_server.setdefault(tool.metadata["server"], set()).add(name)
        assert tool.metadata["readOnlyHint"] is True
        assert tool.metadata["destructiveHint"] is False
    assert by_server == NAMES


async def test_schemas_are_flat_and_close_what_they_list(tools: dict[str, BaseTool]) -> None:
    assert tools["multiply"].args_schema == {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    }
    for tool in tools.values():
        assert tool.description
        assert "\n" not in tool.description
        assert isinstance(tool.args_schema, dict)
        for declaration in tool.args_schema["properties"].values():
            assert set(declaration) <= {"type", "default"}


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("multiply", {"a": 48, "b": 37}, "1776"),
        ("multiply", {"a": "48", "b": "37"}, "1776"),
        ("add", {"a": 0.1, "b": 0.2}, "0.3"),
        ("sub", {"a": 1, "b": "1,000.5"}, "-999.5"),
        ("divide", {"a": 10, "b": 4}, "2.5"),
        ("round", {"number": 2.345, "digits": 2}, "2.35"),
        ("round", {"number": 7.5}, "8"),
        ("percent", {"percent": 15, "number": 80}, "12"),
        ("calculate", {"expression": "4.35*12"}, "52.2"),
        ("solve", {"equations": "x + y = 5; x - y = 1"}, "x = 3, y = 2"),
        ("convert_units", {"value": 20, "from_unit": "degC", "to_unit": "degF"}, "68 degF"),
        ("days_between", {"start": "2024-02-10", "end": "2024-03-05"}, "24"),
        ("add_days", {"date": "2024-02-28", "days": 2}, "2024-03-01"),
        ("add_months", {"date": "2024-01-31", "months": 1}, "2024-02-29"),
        ("weekday", {"date": "March 5, 2024"}, "Tuesday"),
        ("minutes_between", {"start": "9:15", "end": "11:00"}, "105"),
        ("add_minutes", {"time": "23:50", "minutes": 25}, "00:15"),
        (
            "convert_timezone",
            {"time": "2024-07-01 14:30", "from_timezone": "Europe/Berlin", "to_timezone": "new york"},
            "2024-07-01 08:30",
        ),
        ("count_words", {"text": "the quick brown fox"}, "4"),
        ("count_characters", {"text": "strawberry"}, "10"),
        ("count_letter", {"text": "strawberry", "letter": "r"}, "3"),
        ("reverse", {"text": "memento"}, "otnemem"),
        ("uppercase", {"text": "straße"}, "STRASSE"),
        ("lowercase", {"text": "ABC"}, "abc"),
        ("sort_words", {"text": "pear, Apple, fig"}, "Apple, fig, pear"),
        ("replace", {"text": "a cat", "old": "cat", "new": "dog"}, "a dog"),
    ],
)
async def test_everyday_calls(tools: dict[str, BaseTool], name: str, arguments: dict[str, Any], result: str) -> None:
    assert await tools[name].ainvoke(arguments) == result


async def test_now_tells_date_time_and_weekday(tools: dict[str, BaseTool]) -> None:
    told = await tools["now"].ainvoke({"timezone": "Europe/Berlin"})
    date, clock, weekday = told.split(", ")[0].split(" ")
    assert await tools["weekday"].ainvoke({"date": date}) == weekday
    assert clock.count(":") == 2


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("divide", {"a": 1, "b": 0}, "division by zero"),
        ("calculate", {"expression": "1/0"}, "division by zero"),
        ("calculate", {"expression": "().__class__"}, "cannot read '().__class__'"),
        ("add", {"a": "x", "b": 1}, "a: 'x' is not a number"),
        ("add", {"a": 1}, "add: missing: b; it takes add(a: number, b: number)"),
        ("add_days", {"date": "2024-02-28", "days": 1.5}, "days: "),
        ("weekday", {"date": "03/04/2024"}, "'03/04/2024' is not a date; write it as 2024-03-05"),
        ("now", {"timezone": "../../etc/passwd"}, "no time zone '../../etc/passwd'"),
        ("count_letter", {"text": "abc", "letter": "ab"}, "letter takes one character, got 'ab'"),
    ],
)
async def test_errors_are_one_line_for_the_model(
    tools: dict[str, BaseTool], name: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ToolCallError) as raised:
        await tools[name].ainvoke(arguments)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
    assert "pydantic" not in str(raised.value)


async def test_a_held_session_is_much_faster_than_one_a_call(
    tools: dict[str, BaseTool], tmp_path_factory: pytest.TempPathFactory
) -> None:
    started = time.monotonic()
    for number in range(10):
        await tools["add"].ainvoke({"a": number, "b": 1})
    ten_held_calls = time.monotonic() - started
    started = time.monotonic()
    home = await asyncio.to_thread(tmp_path_factory.mktemp, "home")
    settings = await asyncio.to_thread(load_settings, overrides=[f"home={home}", "servers=math, datetime, text"])
    async with open_tools(settings) as box:
        one = {tool.name: tool for tool in await box.tools()}
        assert await one["add"].ainvoke({"a": 1, "b": 1}) == "2"
    assert ten_held_calls < time.monotonic() - started
