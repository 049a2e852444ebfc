"""Turn the task, the retrieved cases and the results so far into the next plan or the final answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from configs.errors import PlanFormatError
from configs.settings import Settings
from graph.context import Context, resolve
from graph.state import ModelCall, ShownCase, Subtask, SubtaskResult, Task
from nodes.attachments import Attachments, render_files
from nodes.language_model import LanguageModel, Models, model_call
from nodes.planner_prompt import task_message
from nodes.planner_reply import (
    ANSWER_SCHEMA,
    PLAN_SCHEMA,
    REPLY_SCHEMA,
    FinalAnswer,
    PlannerReply,
    parse_last_reply,
    parse_reply,
    to_subtasks,
)
from nodes.prompts import Prompts, sections

FILE_CHARS = 20_000


class PlanInput(TypedDict):
    task: Task
    cases: list[ShownCase]
    notes: NotRequired[list[str]]
    plan: list[Subtask]
    cycles: int
    subtasks: list[SubtaskResult]


class PlanUpdate(TypedDict):
    plan: NotRequired[list[Subtask]]
    answer: NotRequired[str]
    cycles: int
    model_calls: list[ModelCall]


@dataclass(frozen=True, slots=True)
class Planner:
    """Ask the planner model; one repair round shows it what was wrong with its reply, then the run fails.

    Raises:
        PlanFormatError: the second reply cannot be read either.
    """

    models: Models
    prompts: Prompts
    attachments: Attachments
    settings: Settings

    async def __call__(self, state: PlanInput, runtime: Runtime[Context]) -> PlanUpdate:
        knobs = resolve(runtime.context, self.settings)
        model = await self.models.get(knobs.planner_model)
        last_call = state["cycles"] >= knobs.max_cycles
        request = await self._request(state, runtime)
        if last_call and model.constrain is None:
            request.append(HumanMessage(self.prompts.render("planner_last_call")))
        earlier = carried_out(state["plan"], state["subtasks"])
        answer, plan, calls = await self._ask(model, request, earlier, last_call)
        update: PlanUpdate = {"cycles": state["cycles"] + (not last_call), "model_calls": calls}
        if answer is not None:
            runtime.stream_writer({"type": "answered", "answer": answer})
            return {**update, "answer": answer}
        runtime.stream_writer({"type": "plan_made", "cycle": update["cycles"], "subtasks": plan})
        return {**update, "plan": [*earlier, *plan]}

    async def _request(self, state: PlanInput, runtime: Runtime[Context]) -> list[BaseMessage]:
        thread_id = (runtime.execution_info.thread_id if runtime.execution_info else None) or ""
        texts = await self.attachments.read(thread_id, state["task"]["files"])
        files, notes = render_files(texts, FILE_CHARS), state.get("notes") or []
        message = task_message(state["task"], state["cases"], state["plan"], state["subtasks"], files, notes)
        system = sections(self.prompts.render("planner"), self.prompts.render("planner_notes") if notes else "")
        return [SystemMessage(system), HumanMessage(message)]

    async def _ask(
        self, model: LanguageModel, request: list[BaseMessage], earlier: Sequence[Subtask], last_call: bool
    ) -> tuple[str | None, list[Subtask], list[ModelCall]]:
        schema = ANSWER_SCHEMA if last_call else REPLY_SCHEMA if earlier else PLAN_SCHEMA
        first = await model.reply(request, schema=schema)
        calls = [model_call(first, "planner", model)]
        try:
            return *read(first, earlier, last_call), calls
        except PlanFormatError as fault:
            repair = self.prompts.render("planner_repair", fault=str(fault))
        said = AIMessage(str(first.text) or "(an empty reply)")
        second = await model.reply([*request, said, HumanMessage(repair)], schema=schema)
        return *read(second, earlier, last_call), [*calls, model_call(second, "planner", model)]


def read(reply: AIMessage, earlier: Sequence[Subtask], last_call: bool) -> tuple[str | None, list[Subtask]]:
    """The answer or the numbered plan in a reply.

    Raises:
        PlanFormatError: the reply holds neither, or a plan that cannot be carried out.
    """
    text = str(reply.text)
    parsed: PlannerReply = parse_last_reply(text) if last_call else parse_reply(text)
    if isinstance(parsed, FinalAnswer):
        return parsed.final_answer.strip(), []
    return None, to_subtasks(parsed, earlier)


def carried_out(plan: Sequence[Subtask], results: Sequence[SubtaskResult]) -> list[Subtask]:
    """The subtasks that were tried; the ones that never ran give way to the new plan."""
    tried = {result["id"] for result in results}
    return [subtask for subtask in plan if subtask["id"] in tried]
