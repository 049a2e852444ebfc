"""What forged cases and cases that give orders come to in the planner's prompt: `python -m benchmarks.poisoning`.

200 genuine cases around eight popular tasks, ten forged successes worded just like ten questions about one of them,
imported without anybody vouching for them, and a case full of orders. Those ten questions are asked: once a policy
chooses alone, and the cases' text is taken as it is; once through `CaseMemory.retrieve` and the planner's prompt.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.poisoned_bank import FORGED_STEP, ORDER, ROLES, TAGS, UNSEEN, forged, genuine, giving_orders, questions
from configs.settings import PolicyName, Settings, load_settings
from graph.state import ShownCase, Task
from memory.candidates import find_candidates
from memory.case import Case
from memory.case_bank import CaseBank
from memory.case_memory import CaseMemory, ScoredCase
from memory.entries import Entry
from memory.episode import Episode
from memory.learner import Learner
from memory.policies.base import PolicyOptions
from nodes.planner_prompt import CASE_CHARS, task_message
from nodes.retrieve_cases import show

K = 4
POLICIES: tuple[PolicyName, ...] = ("cosine-success", "cosine", "bandit", "soft-q")
ORIGIN = "import:forged.jsonl"


@dataclass(frozen=True, slots=True)
class Slots:
    """Forged cases among K, by question: as the policy alone chose, and as the memory showed."""

    policy: str
    alone: list[int]
    guarded: list[int]


@dataclass(frozen=True, slots=True)
class Orders:
    """How often each kind of trick is in a text, and how long what the case contributed is."""

    roles: int
    tags: int
    unseen: int
    orders: int
    characters: int


class PoisonedBank:
    """An open bank with a home of its own; `close` it."""

    def __init__(self, settings: Settings, *, vouched: bool = False) -> None:
        self.bank, self.learner = CaseBank(settings), Learner(PolicyOptions(settings.seed))
        self.memory = CaseMemory(self.bank, self.learner)
        self.forged = {case.id for case in forged()}
        self.bank.add([Entry(case, episode=Episode(policy="none")) for case in genuine()])
        self.bank.add([Entry(case, origin=ORIGIN, vouched=vouched) for case in forged()])

    def close(self) -> None:
        self.bank.close()

    async def alone(self, name: PolicyName, question: str) -> list[str]:
        """What the policy chooses without the guard."""
        return await asyncio.to_thread(self._alone, name, question)

    def _alone(self, name: PolicyName, question: str) -> list[str]:
        policy = self.learner.current(name, "default", self.bank.ledger).policy
        pool = find_candidates(self.bank, policy, question, "default", K)
        return [pick.case_id for pick in policy.select(pool.query, pool.candidates, K)]

    async def shown(self, name: PolicyName, question: str) -> list[Case]:
        """What the planner gets to see."""
        retrieval = await self.memory.retrieve(question, policy=name, k=K, namespace="default")
        return [scored.case for scored in retrieval.cases]

    async def slots(self, name: PolicyName, asked: Sequence[str]) -> Slots:
        alone = [self._forged_among(await self.alone(name, question)) for question in asked]
        guarded = [self._forged_among([case.id for case in await self.shown(name, question)]) for question in asked]
        return Slots(name, alone, guarded)

    def _forged_among(self, ids: Sequence[str]) -> int:
        return len(self.forged & set(ids))


def prompt(cases: Sequence[Case], question: str = "How far is it?") -> str:
    """The planner's message about a question with these cases."""
    shown: list[ShownCase] = [show(ScoredCase(case, 1.0)) for case in cases]
    task: Task = {"id": "1", "question": question, "conversation": "", "files": [], "started_at": 0.0}
    return task_message(task, shown, [], [])


def raw_text(case: Case) -> str:
    """Everything a case says, as it is."""
    steps = [text for step in case.plan for text in (step.description, step.result)]
    return "\n".join([case.task, *steps, case.answer, case.lesson])


def orders_in(text: str) -> Orders:
    return Orders(
        roles=sum(text.count(role) for role in ROLES),
        tags=sum(text.count(tag) for tag in TAGS),
        unseen=sum(text.count(char) for char in UNSEEN),
        orders=text.count(ORDER),
        characters=len(text),
    )


def inside(message: str) -> str:
    """What stands between the tags of the message's one case."""
    return message.partition("<case>\n")[2].rpartition("\n</case>")[0]


async def measure(home: Path) -> list[Slots]:
    poisoned = PoisonedBank(load_settings(overrides=[f"home={home}"]))
    try:
        return [await poisoned.slots(name, questions()) for name in POLICIES]
    finally:
        poisoned.close()


def main() -> None:
    argparse.ArgumentParser(prog="python -m benchmarks.poisoning", description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder) / "home"))
    print(f"Forged cases among K = {K}, of 10 forged beside 200 genuine ones (mean and most of 10 questions)\n")
    print(f"{'policy':<16}{'without the guard':>20}{'with it':>12}")
    for one in found:
        print(f"{one.policy:<16}{_mean_most(one.alone):>20}{_mean_most(one.guarded):>12}")
    raw, message = orders_in(raw_text(giving_orders())), orders_in(inside(prompt([giving_orders()])))
    print(f"\nA case that gives orders, in its own text and between the tags of the prompt (cut at {CASE_CHARS})\n")
    print(f"{'':<28}{'its text':>10}{'prompt':>10}")
    for name, label in (
        ("roles", "role and control markers"), ("tags", "our own tags"), ("unseen", "unseen characters"),
        ("orders", "orders, as data"), ("characters", "characters"),
    ):  # fmt: skip
        print(f"{label:<28}{getattr(raw, name):>10}{getattr(message, name):>10}")
    print(f"\nThe forged plan is {FORGED_STEP!r}.")


def _mean_most(slots: Sequence[int]) -> str:
    return f"{fmean(slots):.1f}, {max(slots)}"


if __name__ == "__main__":
    main()
