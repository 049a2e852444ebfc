"""Open the task in the last human message and fetch the earlier cases the planner will see."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AnyMessage, BaseMessage, HumanMessage
from langgraph.config import get_config
from langgraph.runtime import Runtime
from langgraph.types import Overwrite
from typing_extensions import TypedDict

from configs.errors import InvalidInputError
from configs.settings import Settings
from graph.context import Context, resolve
from graph.identity import namespace_of
from graph.state import Claim, ShownCase, Task, claimed_by
from memory.case_memory import CaseMemory, ScoredCase
from nodes.prompts import harmless
from nodes.user_notes import standing_notes

MAX_QUESTION_CHARS = 100_000
CONVERSATION_CHARS = 4000


class RetrieveInput(TypedDict, total=False):
    messages: list[AnyMessage]
    files: dict[str, Any]


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
    report: str
    loops: list[str]
    ending: None
    answer: None
    reward: None
    reward_source: None
    case_id: None
    status: str


@dataclass(frozen=True, slots=True)
class CaseRetriever:
    """Open a task: clear what the one before it left behind, and select the cases for it."""

    memory: CaseMemory
    settings: Settings

    async def __call__(self, state: RetrieveInput, runtime: Runtime[Context]) -> RetrieveUpdate:
        settings = self.settings.model_copy(update={"namespace": namespace_of(get_config(), self.settings)})
        knobs = resolve(runtime.context, self.settings)
        task = open_task(state.get("messages") or [], state.get("files", {}))
        retrieval = await self.memory.retrieve(
            task["question"],
            policy=knobs.policy,
            k=knobs.top_k,
            namespace=settings.namespace,
            margin=self.settings.cosine_margin,
        )
        cases = [show(scored) for scored in retrieval.cases]
        runtime.stream_writer({"type": "cases_retrieved", "policy": knobs.policy, "cases": cases})
        notes = await standing_notes(settings, task["question"], runtime.stream_writer)
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
            "report": "",
            "loops": [],
            "ending": None,
            "answer": None,
            "reward": None,
            "reward_source": None,
            "case_id": None,
            "status": "running",
        }


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
    said = [f"{'User' if isinstance(each, HumanMessage) else 'Assistant'}: {harmless(each.text)}" for each in messages]
    text = "\n".join(said)
    kept = text[-CONVERSATION_CHARS:]
    if len(text) == len(kept) or text[-CONVERSATION_CHARS - 1] == "\n":
        return kept
    cut, line_end, whole = kept.partition("\n")
    return f"{harmless(cut)}{line_end}{whole}"
