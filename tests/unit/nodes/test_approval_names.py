"""A mistyped approval is found before a run begins, and no server is started where none is needed for that."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from langchain_core.tools import BaseTool, StructuredTool

from configs.errors import ConfigurationError
from nodes.approval_names import check_before, check_kept


@dataclass
class Box:
    failed: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    async def tools(self) -> list[BaseTool]:
        self.asked += 1
        return [StructuredTool.from_function(lambda: "", name="send", description="Sends.")]

    def failures(self) -> dict[str, str]:
        return self.failed


async def test_a_name_that_no_tool_has_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match=r"^approval: there is no tool 'sned'; the tools are: send$"):
        await check_before("plan,sned", Box())
    await check_before("plan,send", Box())


async def test_classes_start_no_server_and_a_missing_server_says_nothing_of_its_tools() -> None:
    box = Box()
    for approval in ("none", "plan, code,side-effects,tools"):
        await check_before(approval, box)
    assert box.asked == 0
    await check_before("sned", Box(failed={"mail": "gone"}))


def test_a_run_that_has_begun_is_not_to_be_gone_on_with_as_it_is() -> None:
    check_kept("send", ["send"])
    with pytest.raises(ConfigurationError, match=r"'sned'.*start it anew with another, or go on only once"):
        check_kept("sned", ["send"])
