"""Carry out one subtask with tools. One branch a subtask; several may run side by side."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired, Protocol

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.config import get_config
from langgraph.errors import GraphInterrupt
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from configs.errors import BudgetReachedError
from configs.settings import Settings
from graph.context import Context, Knobs
from graph.identity import namespace_of
from graph.state import ModelCall, Spent, Subtask, SubtaskResult, Task
from memory.case_memory import CaseMemory
from memory.subtask_memory import EarlierSubtask
from nodes.approval_names import check_kept
from nodes.attachments import Attachments, render_files
from nodes.chat_steps import subtask_steps
from nodes.evidence import evidence
from nodes.json_actions import REPLY, JsonActions, tool_lines
from nodes.language_model import LanguageModel, Models
from nodes.native_tools import NativeTools
from nodes.prompts import Prompts, fence, harmless, sections, shorten
from nodes.running import Place, Running, Runs
from nodes.tool_choice import ToolShelf
from nodes.tool_loop import Limits, Outcome, ToolLoop, cut_off
from nodes.whole_results import ResultStore, WholeResults

EARLIER_RESULT_CHARS = 500


class Assignment(TypedDict):
    """One subtask with what its executor needs to know."""

    task: Task
    subtask: Subtask
    needed: list[SubtaskResult]
    spent: Spent


class ExecuteInput(TypedDict):
    assignment: Assignment


class ExecuteUpdate(TypedDict):
    subtasks: list[SubtaskResult]
    model_calls: list[ModelCall]
    active: NotRequired[list[list[float]]]
    messages: NotRequired[list[AIMessage | ToolMessage]]


class Tools(Protocol):
    """Where the executor gets its tools from."""

    async def tools(self) -> list[BaseTool]:
        """Every tool there is; starts the servers at first use."""
        ...

    def failures(self) -> dict[str, str]:
        """The servers that did not start, and why, one line each."""
        ...


@dataclass(frozen=True, slots=True)
class Executor:
    """Give the subtask to the executor model, in the dialect it speaks, with earlier subtasks like it as examples."""

    runs: Runs
    models: Models
    tools: Tools
    memory: CaseMemory
    prompts: Prompts
    attachments: Attachments
    results: ResultStore
    settings: Settings

    async def __call__(self, state: ExecuteInput, runtime: Runtime[Context]) -> ExecuteUpdate:
        assignment = state["assignment"]
        subtask = assignment["subtask"]
        running = self.runs.of(assignment["task"], assignment["spent"], runtime)
        task_id = assignment["task"]["id"]
        results = WholeResults(self.results, running.thread_id, task_id, self.settings.result_chars)
        async with running.branch():
            if running.shared.meter.ended is not None and not await running.kept_calls(subtask["id"]):
                return {"subtasks": [], "model_calls": []}  # without a result it stays pending
            place = place_of(runtime)
            if running.knobs.parallelism == 1 and waits_beside(running.shared.waiting, place):
                return {"subtasks": [], "model_calls": []}  # without a result it is sent again after the one that waits
            running.emit({"type": "subtask_started", "id": subtask["id"], "description": subtask["description"]})
            started, clock = time.time(), time.monotonic()
            try:
                outcome = await self._carry_out(assignment, running, results)
            except BudgetReachedError as reached:
                await running.recover(subtask["id"])
                outcome = cut_off([], reached)
            except GraphInterrupt:
                running.shared.waiting = place
                raise
        result: SubtaskResult = {
            "id": subtask["id"],
            "description": subtask["description"],
            "status": outcome.status,
            "result": await results.shown(outcome.result),
            "reason": shorten(outcome.reason, self.settings.result_chars),
            "evidence": evidence(outcome.result, outcome.tool_calls),
            "budget": outcome.budget,
            "stuck": outcome.stuck,
            "tool_calls": outcome.tool_calls,
            "started_at": started,
            "seconds": time.monotonic() - clock,
        }
        running.emit(
            {"type": "subtask_finished", "id": result["id"], "status": result["status"], "result": result["result"],
             "reason": outcome.reason}
        )  # fmt: skip
        shown = subtask_steps(assignment["task"]["id"], result) if running.knobs.show_steps else []
        active = running.shared.clock.stretches()
        return {"subtasks": [result], "model_calls": running.calls, "active": active, "messages": shown}

    async def _carry_out(self, assignment: Assignment, running: Running, results: WholeResults) -> Outcome:
        subtask = assignment["subtask"]
        earlier = await self._earlier(subtask, running.knobs, namespace_of(get_config(), self.settings))
        model = await self.models.get(running.knobs.executor_model)
        tools = await running.in_time(self.tools.tools())
        for server, reason in self.tools.failures().items():
            running.emit({"type": "warned", "message": f"tool server {server} is not there: {reason}"})
        if not self.tools.failures():
            check_kept(running.knobs.approval, [tool.name for tool in tools])
        texts = await self.attachments.read(running.thread_id, assignment["task"]["files"])
        files = render_files(texts, self.settings.result_chars)
        shelf = ToolShelf({tool.name: tool for tool in tools}, self.memory.similarities)
        if model.native_tools:
            await shelf.fill(subtask["description"], proven_tools(earlier), self.settings.max_tools)
        loop = ToolLoop(
            running,
            model,
            NativeTools(shelf, results.tools) if model.native_tools else JsonActions(tools, results.tools),
            lambda: {**shelf.callable_tools(), **{tool.name: tool for tool in results.tools()}},
            Limits(running.knobs.max_steps, [f"Subtask: {subtask['description']}"]),
            subtask["id"],
            results,
            assignment["task"]["id"],
        )
        return await loop.run(self._request(model, tools, assignment, earlier, files))

    async def _earlier(self, subtask: Subtask, knobs: Knobs, namespace: str) -> list[EarlierSubtask]:
        if knobs.policy == "none" or knobs.top_k == 0:
            return []
        return await self.memory.earlier_subtasks(
            subtask["description"],
            k=knobs.top_k,
            namespace=namespace,
            margin=self.settings.cosine_margin,
        )

    def _request(
        self,
        model: LanguageModel,
        tools: Sequence[BaseTool],
        assignment: Assignment,
        earlier: Sequence[EarlierSubtask],
        files: str,
    ) -> list[BaseMessage]:
        message = subtask_message(assignment, earlier, files)
        if model.native_tools:
            return [SystemMessage(self.prompts.render("executor_native")), HumanMessage(message)]
        system = self.prompts.render("executor_json", tools=tool_lines(tools))
        return [SystemMessage(system), HumanMessage(f"{message}\n{REPLY}")]


def place_of(runtime: Runtime[Context]) -> Place:
    """Where a branch stands; the same when it runs again."""
    info = runtime.execution_info
    return (info.checkpoint_id, info.task_id) if info is not None else ("", "")


def waits_beside(waiting: Place | None, place: Place) -> bool:
    """Whether what waits for a person is another branch of the same round."""
    return waiting is not None and waiting[0] == place[0] and waiting[1] != place[1]


def proven_tools(earlier: Sequence[EarlierSubtask]) -> list[str]:
    """The tools whose calls helped to solve earlier subtasks, most alike first."""
    return [call["name"] for each in earlier for call in each.tool_calls if call["ok"]]


def subtask_message(assignment: Assignment, earlier: Sequence[EarlierSubtask], files: str = "") -> str:
    """The user message: the question, earlier subtasks, files, the results this subtask needs, and the subtask."""
    examples = ["Earlier subtasks:", *(render_earlier(each) for each in reversed(earlier)), "New subtask:"]
    return sections(
        f"Question: {assignment['task']['question']}",
        files,
        "\n".join(
            [
                *(examples if earlier else []),
                *(f"Result {each['id']}: {harmless(each['result'])}" for each in assignment["needed"]),
                f"Subtask: {assignment['subtask']['description']}",
            ]
        ),
    )


def render_earlier(earlier: EarlierSubtask) -> str:
    """An earlier subtask that succeeded: what it built on, what it was, the tool calls made, what they gave."""
    lines = [f"Result {number}: {result}" for number, result in enumerate(earlier.needed, 1)]
    lines.append(f"Subtask: {earlier.description}")
    for call in earlier.tool_calls:
        if call["ok"]:
            action = json.dumps({"tool": call["name"], "arguments": call["arguments"]}, ensure_ascii=False)
            lines += ["Reply:", action, f"Tool result: {shorten(call['result'], EARLIER_RESULT_CHARS)}"]
    result = shorten(earlier.result, EARLIER_RESULT_CHARS)
    return fence("subtask", "\n".join([*lines, "Reply:", json.dumps({"result": result}, ensure_ascii=False)]))
