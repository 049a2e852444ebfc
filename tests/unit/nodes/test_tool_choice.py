"""Which tools a subtask is offered, and how the others are found."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.tools import BaseTool, StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from nodes.tool_choice import FIND, ToolShelf, compact_schema


def tool(name: str, description: str) -> BaseTool:
    async def run(text: str) -> str:
        return text

    schema = {
        "title": "Arguments",
        "type": "object",
        "properties": {"text": {"title": "Text", "type": "string"}, "title": {"type": "string"}},
        "required": ["text"],
    }
    return StructuredTool(name=name, description=description, args_schema=schema, coroutine=run)


TOOLS = {each.name: each for each in (tool(f"t{number}", f"does {number}\nand more") for number in range(10))}


async def by_number(text: str, others: Sequence[str]) -> list[float]:
    """The tool whose number is in the text is nearest, the others the farther the higher their number."""
    return [2.0 if other.partition(":")[0].removeprefix("t") in text else 1 / (2 + n) for n, other in enumerate(others)]


def names(shelf: ToolShelf) -> list[str]:
    return [each.name for each in shelf.offered]


async def test_few_tools_are_all_offered() -> None:
    shelf = ToolShelf(TOOLS, by_number)
    await shelf.fill("anything", [], 10)
    assert names(shelf) == list(TOOLS)


async def test_of_many_the_proven_and_the_nearest_are_offered() -> None:
    shelf = ToolShelf(TOOLS, by_number)
    await shelf.fill("do 7", ["t9", "gone", "t9"], 3)
    assert names(shelf) == ["t9", "t7", "t0", FIND]


async def test_find_tools_offers_more_and_says_which() -> None:
    shelf = ToolShelf(TOOLS, by_number)
    await shelf.fill("do 7", [], 2)
    find = shelf.callable_tools()[FIND]
    said = await find.ainvoke({"need": "something that does 8"})
    assert "t8: does 8" in said
    assert "and more" not in said
    assert names(shelf) == ["t7", "t0", FIND, "t8", "t1", "t2", "t3"]
    assert await find.ainvoke({"need": 5}) == "find_tools takes one text: need"
    assert await find.ainvoke({}) == "find_tools takes one text: need"
    for _ in range(3):
        said = await find.ainvoke({"need": "anything"})
    assert said == "There are no other tools."


async def test_a_tool_that_was_not_offered_can_still_be_called() -> None:
    shelf = ToolShelf(TOOLS, by_number)
    await shelf.fill("do 7", [], 1)
    assert set(shelf.callable_tools()) == {*TOOLS, FIND}


async def test_schemas_are_the_librarys_but_for_titles() -> None:
    shelf = ToolShelf(TOOLS, by_number)
    await shelf.fill("do 7", [], 2)
    again = tool("t7", "does something else")
    for each in [*shelf.offered, again]:
        theirs, ours = convert_to_openai_tool(each)["function"], compact_schema(each)["function"]
        assert (ours["name"], ours["description"]) == (theirs["name"], theirs["description"])
        assert ours["parameters"]["properties"].keys() == theirs["parameters"]["properties"].keys()
        assert ours["parameters"]["required"] == theirs["parameters"]["required"]


def test_schemas_lose_titles_but_no_parameter_of_that_name() -> None:
    parameters = compact_schema(TOOLS["t1"])["function"]["parameters"]
    assert parameters == {
        "type": "object",
        "properties": {"text": {"type": "string"}, "title": {"type": "string"}},
        "required": ["text"],
    }
