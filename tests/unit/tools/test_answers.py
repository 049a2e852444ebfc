"""What every client of our servers gets: text that obeys nobody, and one line about wrong arguments."""

from __future__ import annotations

import pytest
from mcp.server.fastmcp.exceptions import ToolError
from mcp.shared.memory import create_connected_server_and_client_session as connected
from mcp.types import TextContent

from tools.servers.serving import ServedTool, server


def say(text: str, times: int = 1) -> str:
    """Say it."""
    if times > 9:
        raise ValueError(f"too often: {text}")
    return text * times


def table(text: str) -> dict[str, list[str]]:
    """Say it in a table."""
    return {"said": [text]}


SERVER = server("a", (ServedTool(say), ServedTool(table, structured=True)))
EVIL = " \x1b[31mred\x1b[0m\x07 \u202eab\ttab\n"


async def test_results_hold_no_control_characters() -> None:
    (part,) = await SERVER.call_tool("say", {"text": EVIL})
    assert isinstance(part, TextContent)
    assert part.text == " red ab\ttab\n"
    _, structured = await SERVER.call_tool("table", {"text": EVIL})
    assert str(structured) == str({"said": [" red ab\ttab\n"]})


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"text": "a", "times": "1,5"}, "times: Input should be a valid integer, unable to parse string as an integer"),
        ({"text": ["a"], "times": {}}, "text: Input should be a valid string; times: Input should be a valid integer"),
        ({}, "text: Field required"),
        ({"text": "a", "c": 3, "d\x1b[0m": 4}, "unknown: c, d; it takes say(text: string, times: integer)"),
        ({"text": EVIL, "times": 10}, "too often:  red ab\ttab\n"),
    ],
)
async def test_errors_are_one_clean_line(arguments: dict[str, object], line: str) -> None:
    with pytest.raises(ToolError) as caught:
        await SERVER.call_tool("say", arguments)
    assert str(caught.value) == f"Error executing tool say: {line}"


async def test_what_a_client_adds_beside_the_arguments_is_its_own_affair() -> None:
    async with connected(SERVER) as client:
        listed = (await client.list_tools()).tools
        result = await client.call_tool("say", {"text": "a"}, meta={"vendor/trace": "7", "sessionId": {"deep": [1]}})
    assert [part.text for part in result.content if part.type == "text"] == ["a"]
    assert [tool.inputSchema["additionalProperties"] for tool in listed] == [False, False]
