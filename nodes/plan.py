"""Turn the task, the retrieved cases and the results so far into the next plan or the final answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NotRequired, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from configs.errors import BudgetReachedError, PlanFormatError
from configs.settings import Settings
from graph.context import Context
from graph.state import Ending, ModelCall, Report, ShownCase, Subtask, SubtaskResult, Task
from nodes.approval import review_plan
from nodes.attachments import Attachments, render_files
from nodes.budgets import budget_ending, reached_by
from nodes.chat_steps import plan_step
from nodes.dependencies import check_plan
from nodes.language_model import LanguageModel, Models
from nodes.last_answer import answer_from, cut_short, in_brief, why_ended
from nodes.meter import spent
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
from nodes.prompts import Prompts, sections, shorten
from nodes.reply_ending import EMPTY, refusal_of, was_cut
from nodes.running import Running, Runs

FILE_CHARS = 20_000
SAID_CHARS = 20_000
"""Of a reply that could not be read, as it is shown to the model again."""


class PlanInput(TypedDict):
    task: Task
    cases: list[ShownCase]
    notes: NotRequired[list[str]]
    plan: list[Subtask]
    cycles: int
    subtasks: list[SubtaskResult]
    model_calls: list[ModelCall]
    active: NotRequired[list[list[float]]]
    report: NotRequired[Report | None]
    ending: NotRequired[Ending | None]


class PlanUpdate(TypedDict):
    plan: NotRequired[list[Subtask]]
    answer: NotRequired[str]
    cycles: int
    model_calls: list[ModelCall]
    active: NotRequired[list[list[float]]]
    ending: NotRequired[Ending]
    messages: NotRequired[list[AIMessage]]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the planner replied: the answer, or a plan. `rejection` is the reason of a person who does not want it."""

    answer: str | None
    plan: list[Subtask]
    calls: list[ModelCall]
    rejection: str | None = None


@dataclass(frozen=True, slots=True)
class Planner:
    """Ask the planner model; one repair round shows it what was wrong with its reply, then the run fails.

    Raises:
        PlanFormatError: the second reply cannot be read either.
        InvalidInputError: somebody has edited the plan so that it cannot be carried out.
    """

    runs: Runs
    models: Models
    prompts: Prompts
    attachments: Attachments
    settings: Settings

    async def __call__(self, state: PlanInput, runtime: Runtime[Context]) -> PlanUpdate:
        check_plan(state["plan"])
        used = spent(state["model_calls"], state["subtasks"], state.get("active"))
        running = self.runs.of(state["task"], used, runtime)
        budget, ending = reached_by(state["subtasks"]), state.get("ending")
        if ending is None and budget is not None:
            ending = budget_ending(running.knobs, budget)
        update = await self._within_budgets({**state, "ending": ending}, running)
        return {**update, "model_calls": running.calls, "active": running.shared.clock.stretches()}

    async def _within_budgets(self, state: PlanInput, running: Running) -> PlanUpdate:
        """Plan or answer; where a budget leaves no room for planning, answer."""
        ending = state.get("ending")
        if ending is not None:
            return {**await self._last(state, running, ending), "ending": ending}
        out_of_cycles = state["cycles"] >= running.knobs.max_cycles
        try:
            update = await self._next(state, running)
        except BudgetReachedError as reached:
            running.end(reached.budget)
            ending = budget_ending(running.knobs, reached.budget)
            return {**await self._last({**state, "ending": ending}, running, ending), "ending": ending}
        except PlanFormatError:
            if not out_of_cycles:
                raise
            update = self._from_results(state, running, budget_ending(running.knobs, "cycles"))
        if out_of_cycles and cut_short(state["plan"], state["subtasks"], running.calls):
            running.end("cycles")
            update["ending"] = budget_ending(running.knobs, "cycles")
        return update

    async def _last(self, state: PlanInput, running: Running, ending: Ending) -> PlanUpdate:
        """Answer from what there is: with less around it where the whole does not fit, then without the model."""
        for shown in (state, cast(PlanInput, {**state, **in_brief(state["task"], state["subtasks"])})):
            try:
                return await self._next(shown, running)
            except BudgetReachedError as reached:
                if reached.budget not in ("tokens", "cost"):
                    break
            except PlanFormatError:
                break
        return self._from_results(state, running, ending)

    def _from_results(self, state: PlanInput, running: Running, ending: Ending) -> PlanUpdate:
        answer = answer_from(state["plan"], state["subtasks"], why_ended(ending))
        running.emit({"type": "answered", "answer": answer})
        return {"cycles": state["cycles"], "model_calls": [], "answer": answer}

    async def _next(self, state: PlanInput, running: Running) -> PlanUpdate:
        model = await self.models.get(running.knobs.planner_model)
        last_call = state["cycles"] >= running.knobs.max_cycles or state.get("ending") is not None
        request = await self._request(state, running)
        if last_call and model.constrain is None:
            ending = state.get("ending")
            why = ending["detail"] if ending is not None and ending["cause"] == "budget" else ""
            request.append(HumanMessage(sections(why, self.prompts.render("planner_last_call"))))
        earlier = carried_out(state["plan"], state["subtasks"])
        proposal = await self._reviewed(running, model, request, earlier, last_call)
        update: PlanUpdate = {"cycles": state["cycles"] + (not last_call), "model_calls": proposal.calls}
        if proposal.answer is not None:
            running.emit({"type": "answered", "answer": proposal.answer})
            return {**update, "answer": proposal.answer}
        if proposal.rejection is not None:
            detail = proposal.rejection or "no reason was given"
            return {**update, "plan": earlier, "ending": {"cause": "rejected", "budget": None, "detail": detail}}
        running.emit({"type": "plan_made", "cycle": update["cycles"], "subtasks": proposal.plan})
        shown = [plan_step(state["task"]["id"], update["cycles"], proposal.plan)] if running.knobs.show_steps else []
        return {**update, "plan": [*earlier, *proposal.plan], "messages": shown}

    async def _reviewed(
        self,
        running: Running,
        model: LanguageModel,
        request: list[BaseMessage],
        earlier: Sequence[Subtask],
        last_call: bool,
    ) -> Proposal:
        """What the planner proposes, as a person approves it; after a rejection it may propose once more."""
        first = await self._ask(running, model, request, earlier, last_call)
        proposal = await reviewed(running, first, earlier)
        if proposal.rejection is None:
            return proposal
        said = AIMessage(json.dumps({"plan": first.plan}, ensure_ascii=False))
        reason = f": {proposal.rejection}" if proposal.rejection else "."
        request = [*request, said, HumanMessage(self.prompts.render("planner_rejected", reason=reason))]
        second = await self._ask(running, model, request, earlier, last_call)
        proposal = await reviewed(running, second, earlier)
        return replace(proposal, calls=[*first.calls, *second.calls])

    async def _request(self, state: PlanInput, running: Running) -> list[BaseMessage]:
        texts = await self.attachments.read(running.thread_id, state["task"]["files"])
        files, notes = render_files(texts, FILE_CHARS), state.get("notes") or []
        report = state.get("report")
        message = task_message(state["task"], state["cases"], state["plan"], state["subtasks"], files, notes, report)
        system = sections(self.prompts.render("planner"), self.prompts.render("planner_notes") if notes else "")
        return [SystemMessage(system), HumanMessage(message)]

    async def _ask(
        self,
        running: Running,
        model: LanguageModel,
        request: list[BaseMessage],
        earlier: Sequence[Subtask],
        last_call: bool,
    ) -> Proposal:
        schema = ANSWER_SCHEMA if last_call else REPLY_SCHEMA if earlier else PLAN_SCHEMA
        first = await running.ask("planner", model, request, schema=schema, last=last_call)
        try:
            return Proposal(*read(first.message, earlier, last_call), [first.call])
        except PlanFormatError as fault:
            repair = self.prompts.render("planner_repair", fault=str(fault))
        said = AIMessage(shorten(str(first.message.text), SAID_CHARS) or EMPTY)
        request = [*request, said, HumanMessage(repair)]
        second = await running.ask(
            "planner",
            model,
            request,
            schema=schema,
            check=lambda reply: read(reply, earlier, last_call),
            last=last_call,
        )
        return Proposal(*read(second.message, earlier, last_call), [first.call, second.call])


async def reviewed(running: Running, proposal: Proposal, earlier: Sequence[Subtask]) -> Proposal:
    """The proposal as a person leaves it; an answer is not asked about."""
    if proposal.answer is not None:
        return proposal
    review = await review_plan(running, proposal.plan, earlier)
    return replace(proposal, plan=review.plan, rejection=review.rejection)


def read(reply: AIMessage, earlier: Sequence[Subtask], last_call: bool) -> tuple[str | None, list[Subtask]]:
    """The answer or the numbered plan in a reply.

    Raises:
        PlanFormatError: the reply holds neither, or a plan that cannot be carried out.
    """
    if (refusal := refusal_of(reply)) is not None:
        raise PlanFormatError(f"the model refused: {refusal}")
    cut, text = was_cut(reply), str(reply.text)
    parsed: PlannerReply = parse_last_reply(text, cut=cut) if last_call else parse_reply(text, cut=cut)
    if isinstance(parsed, FinalAnswer):
        return parsed.final_answer.strip(), []
    return None, to_subtasks(parsed, earlier)


def carried_out(plan: Sequence[Subtask], results: Sequence[SubtaskResult]) -> list[Subtask]:
    """The subtasks that were tried; the ones that never ran give way to the new plan."""
    tried = {result["id"] for result in results}
    return [subtask for subtask in plan if subtask["id"] in tried]
