"""Open the task in the last human message and fetch the earlier cases the planner will see."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage
from langgraph.config import get_config
from langgraph.runtime import Runtime
from langgraph.types import Overwrite
from typing_extensions import TypedDict

from configs.errors import InvalidInputError
from configs.settings import Settings
from graph.context import Context, Knobs, resolve
from graph.identity import namespace_of
from graph.state import Claim, Judged, ShownCase, Spent, Task, claimed_by
from memory.case_memory import CaseMemory, ScoredCase
from nodes.chat_steps import cases_step, is_step
from nodes.meter import spent
from nodes.prompts import harmless
from nodes.running import Runs
from nodes.user_notes import standing_notes

MAX_QUESTION_CHARS = 100_000
CONVERSATION_CHARS = 4000
MORE_CASES = 2


class Again(TypedDict):
    """On the way to a new plan: the subtasks that failed, and the cases that are shown already."""

    task: Task
    spent: Spent
    failed: list[Judged]
    cases: list[ShownCase]


class RetrieveInput(TypedDict, total=False):
    """A thread with a question, or what to retrieve again for."""

    messages: list[AnyMessage]
    files: dict[str, Any]
    again: Again


class MoreCases(TypedDict):
    cases: list[ShownCase]


class RetrieveUpdate(TypedDict):
    task: Task
    files: Claim
    expected_answer: Claim
    cases: list[ShownCase]
    notes: list[str]
    episode: dict[str, Any]
    plan: list[Any]
    cycles: int
    subtasks: Overwrite
    model_calls: Overwrite
    active: Overwrite
    report: None
    loops: list[str]
    ending: None
    answer: None
    reward: None
    reward_source: None
    case_id: None
    status: str
    messages: list[AIMessage]


@dataclass(frozen=True, slots=True)
class CaseRetriever:
    """Open a task: clear what the one before it left behind, and select the cases for it.

    Within a task, add the cases nearest to what failed. They are no part of the episode that the policy learns from:
    it is about the choice for the task.
    """

    runs: Runs
    memory: CaseMemory
    settings: Settings

    async def __call__(self, state: RetrieveInput, runtime: Runtime[Context]) -> RetrieveUpdate | MoreCases:
        settings = self.settings.model_copy(update={"namespace": namespace_of(get_config(), self.settings)})
        knobs = resolve(runtime.context, self.settings)
        again = state.get("again") if not state.get("messages") else None  # a branch is sent nothing of the thread
        if again is not None:
            new = await self._for_failures(again, knobs, settings.namespace)
            emit = self.runs.of(again["task"], again["spent"], runtime).emit
            emit({"type": "cases_retrieved", "policy": knobs.policy, "cases": new})
            return {"cases": [*again["cases"], *new]}
        task = open_task(state.get("messages") or [], state.get("files", {}))
        task["approval"] = knobs.approval
        emit = self.runs.of(task, spent([], []), runtime).emit
        emit({"type": "task_opened", "id": task["id"], "question": task["question"]})
        retrieval = await self.memory.retrieve(
            task["question"],
            policy=knobs.policy,
            k=knobs.top_k,
            namespace=settings.namespace,
            margin=self.settings.cosine_margin,
        )
        cases = [show(scored) for scored in retrieval.cases]
        emit({"type": "cases_retrieved", "policy": knobs.policy, "cases": cases})
        notes = await standing_notes(settings, task["question"], emit)
        claimed: Claim = {"claimed_by": task["id"]}
        return {
            "task": task,
            "files": claimed,
            "expected_answer": claimed,
            "cases": cases,
            "notes": notes,
            "episode": retrieval.episode().model_dump(mode="json"),
            "plan": [],
            "cycles": 0,
            "subtasks": Overwrite([]),
            "model_calls": Overwrite([]),
            "active": Overwrite([[task["started_at"], time.time()]]),
            "report": None,
            "loops": [],
            "ending": None,
            "answer": None,
            "reward": None,
            "reward_source": None,
            "case_id": None,
            "status": "running",
            "messages": [cases_step(task["id"], cases)] if knobs.show_steps else [],
        }

    async def _for_failures(self, again: Again, knobs: Knobs, namespace: str) -> list[ShownCase]:
        """At most MORE_CASES that are not shown yet, shared out evenly among the failures."""
        found: list[ShownCase] = []
        left = len(again["failed"]) if knobs.policy != "none" and knobs.top_k else 0
        for failed, others in zip(again["failed"], range(left, 0, -1), strict=False):
            retrieval = await self.memory.retrieve(
                " ".join([failed["description"], failed["reason"]]),
                policy=knobs.policy,
                k=min((MORE_CASES - len(found)) // others, knobs.top_k),
                namespace=namespace,
                margin=self.settings.cosine_margin,
                exclude={case["id"] for case in [*again["cases"], *found]},
            )
            found += [{**show(scored), "found_for": failed["description"]} for scored in retrieval.cases]
        return found


def open_task(messages: Sequence[BaseMessage], files: dict[str, Any]) -> Task:
    """The last human message as a task, with the conversation before it and the files that came with it.

    Raises:
        InvalidInputError: there is no human message, or its text is empty or too long.
    """
    position = max((index for index, each in enumerate(messages) if isinstance(each, HumanMessage)), default=-1)
    if position < 0:
        raise InvalidInputError("no question: the input holds no human message")
    message = messages[position]
    question = check_question(str(message.text))
    return {
        "id": str(message.id),
        "question": question,
        "conversation": _conversation(messages[:position]),
        "files": list(claimed_by(files, str(message.id)) or []),
        "started_at": time.time(),
    }


def check_question(question: str) -> str:
    """The question without surrounding white space.

    Raises:
        InvalidInputError: it is empty or longer than MAX_QUESTION_CHARS.
    """
    question = question.strip()
    if not question:
        raise InvalidInputError("the question is empty")
    if len(question) > MAX_QUESTION_CHARS:
        raise InvalidInputError(
            f"the question has {len(question)} characters, more than {MAX_QUESTION_CHARS}; use a file for long text"
        )
    return question


def show(scored: ScoredCase) -> ShownCase:
    """A case as the planner sees it."""
    case = scored.case
    return {
        "id": case.id,
        "task": case.task,
        "plan": [
            {"id": step.id, "description": step.description, "status": step.status, "result": step.result}
            for step in case.plan
        ],
        "answer": case.answer,
        "reward": case.reward or 0,
        "lesson": case.lesson,
        "score": round(float(scored.score), 4),
    }


def _conversation(messages: Sequence[BaseMessage]) -> str:
    """The turns so far, the last CONVERSATION_CHARS characters of them; no text in them can begin a turn of its own."""
    turns = [
        ("User" if isinstance(each, HumanMessage) else "Assistant", each) for each in messages if not is_step(each)
    ]
    said = [f"{who}: {harmless(each.text)}" for who, each in turns]
    text = "\n".join(said)
    kept = text[-CONVERSATION_CHARS:]
    if len(text) == len(kept) or text[-CONVERSATION_CHARS - 1] == "\n":
        return kept
    cut, line_end, whole = kept.partition("\n")
    return f"{harmless(cut)}{line_end}{whole}"
