"""Which tools need approval, what their servers may say about it, and what a decision makes of a call."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.tools import BaseTool, StructuredTool

from configs.errors import ConfigurationError
from nodes.approval import apply_decision, check_names, needs_approval, scope_of
from nodes.approval_form import Decision
from nodes.tool_requests import ToolRequest


def tool(name: str = "send", **metadata: Any) -> BaseTool:
    return StructuredTool.from_function(lambda: None, name=name, description="d", metadata=metadata)


CODE: dict[str, Any] = {"_meta": {"memento/kind": "code"}}


@pytest.mark.parametrize(
    ("approval", "candidate", "needed"),
    [
        ("none", tool(), False),
        ("plan", tool(), False),
        ("tools", tool(readOnlyHint=True), True),
        ("plan, send", tool(), True),
        ("send", tool("sender"), False),
        ("side-effects", tool(), True),
        ("side-effects", tool(readOnlyHint=False), True),
        ("side-effects", tool(readOnlyHint="yes"), True),
        ("side-effects", tool(readOnlyHint=True), False),
        ("code", tool(**CODE), True),
        ("code", tool("raw_python", tool="python"), True),
        ("code", tool("run_code"), True),
        ("code", tool(_meta={"memento/kind": "text"}), False),
        ("code", tool(_meta="code"), False),
        ("code,side-effects", tool(readOnlyHint=True), False),
    ],
)
def test_what_needs_approval(approval: str, candidate: BaseTool, needed: bool) -> None:
    request = ToolRequest("1", candidate.name, {})
    assert needs_approval(request, {candidate.name: candidate}, scope_of(approval)) is needed


def test_a_call_that_cannot_run_is_not_asked_about() -> None:
    scope = scope_of("tools")
    assert not needs_approval(ToolRequest("1", "send", {}, fault="no JSON"), {"send": tool()}, scope)
    assert not needs_approval(ToolRequest("1", "other", {}), {"send": tool()}, scope)


def test_a_name_that_no_tool_has_is_a_mistake() -> None:
    check_names("plan, code,side-effects,tools,send", ["send"])
    check_names("none", [])
    with pytest.raises(ConfigurationError, match=r"approval: there is no tool 'sned'; the tools are: other, send"):
        check_names("sned", ["send", "other"])


def test_what_a_decision_makes_of_a_call() -> None:
    call = ToolRequest("1", "send", {"to": "ann"})
    assert apply_decision(call, Decision("approve")) == call
    assert apply_decision(call, Decision("edit", {"to": "ann"})) == call, "an edit that changes nothing approves"
    assert apply_decision(call, Decision("edit", {"to": "bob"})) == ToolRequest(
        "1", "send", {"to": "bob"}, note='A person changed the arguments to {"to": "bob"}.'
    )
    assert apply_decision(call, Decision("reject", reason="no")).fault == "a person rejected this call: no"
