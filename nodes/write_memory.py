"""Write the finished task into the case bank and put the answer into the conversation."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NotRequired

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_config
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from configs.settings import Settings, secrets
from graph.context import Context, Knobs, resolve
from graph.identity import namespace_of
from graph.state import Ending, ModelCall, Report, ShownCase, Status, Subtask, SubtaskResult, Task
from memory.case import Case, Step, ToolUse, case_id, with_own_id
from memory.case_memory import CaseMemory
from memory.case_redaction import redact_case
from memory.episode import Episode
from nodes.lessons import lesson_of
from nodes.meter import spent
from nodes.prompts import Prompts
from nodes.running import Runs


class WriteInput(TypedDict):
    task: Task
    cases: list[ShownCase]
    episode: dict[str, Any]
    plan: list[Subtask]
    subtasks: list[SubtaskResult]
    model_calls: list[ModelCall]
    report: NotRequired[Report | None]
    ending: NotRequired[Ending | None]
    answer: str | None
    reward: int | None
    reward_source: str | None


class WriteUpdate(TypedDict):
    messages: list[AIMessage]
    case_id: str
    status: Status


@dataclass(frozen=True, slots=True)
class CaseWriter:
    """Writing is idempotent: a repeated run of this node writes the same case under the same id.

    A fork of a finished task that came out differently is a case of its own.
    """

    runs: Runs
    memory: CaseMemory
    prompts: Prompts
    settings: Settings

    async def __call__(self, state: WriteInput, runtime: Runtime[Context]) -> WriteUpdate:
        knobs = resolve(runtime.context, self.settings)
        config = get_config()
        namespace = namespace_of(config, self.settings)
        built = build_case(state, knobs, self.prompts.fingerprint, namespace, time.time())
        case = without_secrets(built, secrets(self.settings))
        case = case.model_copy(update=_ids_of(config))
        held = await self.memory.entry(case.id, namespace=namespace)
        case = apart_from(held.case, case) if held is not None else case
        await self.memory.write(case, Episode.model_validate(state["episode"]))
        emit = self.runs.of(state["task"], spent(state["model_calls"], state["subtasks"]), runtime).emit
        emit({"type": "case_written", "case_id": case.id})
        if warning := (await self.memory.concentration(case.namespace)).warning:
            emit({"type": "warned", "message": f"case memory: {warning}"})
        answer = AIMessage(state["answer"] or "", id=f"answer-{state['task']['id']}")
        return {"messages": [answer], "case_id": case.id, "status": "answered"}


def build_case(state: WriteInput, knobs: Knobs, prompt_hash: str, namespace: str, now: float) -> Case:
    """The finished task as a case: the whole plan as carried out, its results, and how it ended."""
    task = state["task"]
    steps = carried_steps(state["plan"], state["subtasks"])
    return Case.model_validate(
        {
            "id": case_id(task["question"], steps, task["id"], namespace),
            "task": task["question"],
            "plan": steps,
            "reward": state["reward"],
            "reward_source": state["reward_source"],
            "answer": state["answer"] or "",
            "lesson": lesson_of(state["subtasks"], state.get("report"), state.get("ending")),
            "parents": tuple(case["id"] for case in state["cases"]),
            "namespace": namespace,
            "run_id": task["id"],
            "model": knobs.planner_model,
            "prompt_hash": prompt_hash,
            "created_at": now,
            "seconds": max(now - task["started_at"], 0.0),
            "input_tokens": sum(call["input_tokens"] for call in state["model_calls"]),
            "output_tokens": sum(call["output_tokens"] for call in state["model_calls"]),
        }
    )


def without_secrets(case: Case, known: Collection[str]) -> Case:
    """The case as the bank keeps it, under the id of that text: whoever reads it can check the one by the other."""
    return with_own_id(redact_case(case, known))


def apart_from(held: Case, case: Case) -> Case:
    """The case, told apart from one of the same task, plan and run whose results or answer are others."""
    before, now = outcome_text(held), outcome_text(case)
    if before == now:
        return case
    return with_own_id(case.model_copy(update={"run_id": f"{case.run_id}/{sha256(now.encode()).hexdigest()[:8]}"}))


def outcome_text(case: Case) -> str:
    """What came out of a task: each step's status and result, and the answer."""
    return json.dumps([case.answer, *([step.status, step.result] for step in case.plan)])


def _ids_of(config: RunnableConfig) -> dict[str, str]:
    """How others name this run: its thread, and the server's run, which its traces name too."""
    configurable = config.get("configurable", {})
    run_id = configurable.get("run_id") or config.get("run_id")
    return {"thread_id": str(configurable.get("thread_id") or ""), "trace_id": str(run_id or "")}


def carried_steps(plan: Sequence[Subtask], results: Sequence[SubtaskResult]) -> tuple[Step, ...]:
    """The plan with what each subtask gave; a subtask that never ran stays pending."""
    by_id = {result["id"]: result for result in results}
    return tuple(_step(subtask, by_id.get(subtask["id"])) for subtask in plan)


def _step(subtask: Subtask, result: SubtaskResult | None) -> Step:
    if result is None:
        return Step(id=subtask["id"], description=subtask["description"], depends_on=tuple(subtask["depends_on"]))
    return Step(
        id=subtask["id"],
        description=subtask["description"],
        depends_on=tuple(subtask["depends_on"]),
        status=result["status"],
        result=result["result"],
        calls=tuple(
            ToolUse(name=call["name"], arguments=call["arguments"], result=call["result"], ok=call["ok"])
            for call in result["tool_calls"]
        ),
    )
