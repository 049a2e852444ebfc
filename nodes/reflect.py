"""Judge how far the task has come: after each round for the planner, after the final answer to settle the reward.

A round that went plainly needs no model. Where something failed, is partial or contradicts, the judge's model is asked;
what rules alone could tell stands where there is none, or where it does not help.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NotRequired

from langchain_core.messages import HumanMessage, SystemMessage
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from configs.errors import MementoError
from graph.context import Context
from graph.state import Ending, ModelCall, Report, Subtask, SubtaskResult, Task, claimed_by
from nodes.answer_match import alternatives
from nodes.budgets import reached_by
from nodes.dependencies import check_plan, ready
from nodes.language_model import Models
from nodes.meter import spent
from nodes.planner_prompt import render_report
from nodes.prompts import Prompts
from nodes.reflection import REFLECTION_SCHEMA, reflection_message, with_reflection
from nodes.reward import Judge, RewardUpdate
from nodes.round_loops import ENDS_AT
from nodes.round_report import failed_in, is_unclear, round_report
from nodes.running import Running, Runs


class ReflectInput(TypedDict, total=False):
    task: Task
    plan: list[Subtask]
    cycles: int
    subtasks: list[SubtaskResult]
    model_calls: list[ModelCall]
    active: list[list[float]]
    report: Report | None
    loops: list[str]
    ending: Ending | None
    answer: str | None
    expected_answer: dict[str, Any]


class RoundUpdate(TypedDict):
    model_calls: list[ModelCall]
    active: NotRequired[list[list[float]]]
    report: Report
    loops: list[str]
    ending: NotRequired[Ending]


@dataclass(frozen=True, slots=True)
class Reflector:
    """Judge a round once nothing of it is left to do; settle the reward once there is an answer.

    Raises:
        InvalidInputError: somebody has edited the plan so that it cannot be carried out.
    """

    runs: Runs
    models: Models
    prompts: Prompts

    async def __call__(self, state: ReflectInput, runtime: Runtime[Context]) -> RoundUpdate | RewardUpdate:
        answer = state.get("answer")
        if answer is None:
            check_plan(state["plan"])
            if not _is_over(state):
                return {}
        used = spent(state["model_calls"], state["subtasks"], state.get("active"))
        running = self.runs.of(state["task"], used, runtime)
        update = await self._update(state, running)
        update["model_calls"], update["active"] = running.calls, running.shared.clock.stretches()
        return update

    async def _update(self, state: ReflectInput, running: Running) -> RoundUpdate | RewardUpdate:
        answer = state.get("answer")
        if answer is None:
            return await self._round(state, running)
        expected = alternatives(claimed_by(state.get("expected_answer", {}), state["task"]["id"]) or [])
        return await Judge(self.models, self.prompts).settle(state["task"], answer, expected, running)

    async def _round(self, state: ReflectInput, running: Running) -> RoundUpdate:
        report = round_report(state["plan"], state["subtasks"], state.get("report"))
        calls: list[ModelCall] = []
        by: Literal["rules", "model"] = "rules"
        goes_on = state.get("ending") is None and reached_by(state["subtasks"]) is None
        if goes_on and is_unclear(report) and running.knobs.judge_model != "none":
            reflected, calls = await self._reflected(state, report, running)
            report, by = (report, "rules") if reflected is None else (reflected, "model")
        loops = [*state.get("loops", []), *filter(None, [report["loop"]])]
        update: RoundUpdate = {"report": report, "loops": loops, "model_calls": calls}
        if goes_on and report["loop"] and len(loops) >= ENDS_AT:
            goes_on = False
            update["ending"] = {"cause": "loop", "budget": None, "detail": report["loop"]}
        knobs = running.knobs
        if goes_on and state["cycles"] < knobs.max_cycles and knobs.top_k and knobs.policy != "none":
            report["retrieve_for"] = failed_in(report)
        running.emit({"type": "reflected", "by": by, "report": render_report(report), "loops": loops})
        return update

    async def _reflected(
        self, state: ReflectInput, report: Report, running: Running
    ) -> tuple[Report | None, list[ModelCall]]:
        """The report with a model's view; None where its reply is no reflection or, with a warning, none came."""
        message = reflection_message(state["task"], report, state["subtasks"])
        request = [SystemMessage(self.prompts.render("reflect")), HumanMessage(message)]
        try:
            model = await self.models.get(running.knobs.judge_model)
            reply = await running.ask("judge", model, request, schema=REFLECTION_SCHEMA)
        except MementoError as error:
            running.emit({"type": "warned", "message": f"no model reflected on the round: {error}"})
            return None, []
        return with_reflection(report, str(reply.message.text)), [reply.call]


def _is_over(state: ReflectInput) -> bool:
    """Whether nothing of the round is left to do, or no budget is left to do it with."""
    return not ready(state["plan"], state["subtasks"]) or reached_by(state["subtasks"]) is not None
