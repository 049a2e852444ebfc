"""The memory of an agent, for code on an event loop: policies choose from the case bank, finished tasks go into it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from configs.settings import PolicyName, Settings
from memory.case import Case, Reward
from memory.embedding import Vectors
from memory.episode import Episode, Ranked, Shown
from memory.exchange import ImportReport, read_file
from memory.ledger import Entry
from memory.policies.base import Candidate, CasePolicy, Pool, by_cosine
from memory.policies.registry import make_policy
from memory.subtask_memory import EarlierSubtask, found

if TYPE_CHECKING:
    from memory.case_bank import CaseBank


SHOW_ALL = 2.0
"""No two cosines differ by more."""


@dataclass(frozen=True, slots=True)
class ScoredCase:
    """A case and the score its policy gave it: the cosine, or 0 from a policy that does not compare."""

    case: Case
    score: float
    propensity: float = 1.0


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What a policy showed for a task, and from what it chose."""

    policy: PolicyName
    cases: list[ScoredCase]
    bank_size: int
    k: int
    candidates: list[Candidate]

    def episode(self) -> Episode:
        """The record of this choice, plain JSON once dumped, for `CaseMemory.write` when the task has ended."""
        return Episode(
            policy=self.policy,
            k=self.k,
            bank_size=self.bank_size,
            candidates=tuple(Ranked(case_id=one.case_id, cosine=one.cosine) for one in self.candidates),
            slate=tuple(Shown(case_id=one.case.id, score=one.score, propensity=one.propensity) for one in self.cases),
        )


class CaseMemory:
    """One home's cases and the policies over them. Opens bank and embedder at first use; usable from any event loop."""

    def __init__(self, bank: CaseBank, seed: int) -> None:
        self._bank = bank
        self._seed = seed
        self._policies: dict[PolicyName, CasePolicy] = {}
        self._recurring: dict[str, Vectors] = {}

    async def retrieve(
        self,
        task: str,
        *,
        policy: PolicyName,
        k: int,
        namespace: str,
        margin: float = SHOW_ALL,
        exclude: Collection[str] = (),
    ) -> Retrieval:
        """The cases a policy shows for a task.

        Args:
            task: the task's text.
            policy: whose choice.
            k: the most cases to show.
            namespace: whose cases.
            margin: what scores lower than the best by more than this is not shown.
            exclude: ids never to show, such as the task's own when evaluating.

        Raises:
            CaseBankError: the bank cannot be read; never an empty retrieval instead.
        """
        return await asyncio.to_thread(self._retrieve, task, policy, k, namespace, margin, frozenset(exclude))

    async def write(self, case: Case, episode: Episode) -> bool:
        """Add a finished task's case and let the policies learn from it; False if its id was there already.

        Raises:
            CaseBankError: the case is not in the journal, or is there and will be indexed at the next use.
        """
        new = await asyncio.to_thread(self._bank.add, [Entry(case, episode=episode)])
        for policy in list(self._policies.values()) if new else ():
            policy.update(case, episode)
        return bool(new)

    async def earlier_subtasks(
        self, description: str, *, k: int, namespace: str, margin: float = SHOW_ALL
    ) -> list[EarlierSubtask]:
        """The k solved subtasks of successful cases whose description is nearest by cosine, nearest first.

        What is farther from the description than the nearest by more than `margin` is left out.
        """
        found = await asyncio.to_thread(self._earlier_subtasks, description, k, namespace)
        return [each for each in found if each.score >= found[0].score - margin]

    async def similarities(self, text: str, others: Sequence[str]) -> list[float]:
        """The cosine of a text with each of some short, recurring ones, such as descriptions of tools."""
        return await asyncio.to_thread(self._similarities, text, others)

    async def feedback(self, case_id: str, reward: Reward, note: str = "") -> Case:
        """Replace a case's reward by a person's; the case as it is now. InvalidInputError if it is unknown."""
        return await asyncio.to_thread(self._bank.reward, case_id, reward, note)

    async def import_cases(self, cases: Sequence[Case]) -> ImportReport:
        """Add cases as one batch; what is there already stays as it is."""
        return await self._import([Entry(case) for case in cases], ImportReport())

    async def import_file(self, path: Path, *, namespace: str) -> ImportReport:
        """Add the cases of a JSONL file, see `memory.exchange`; bad lines are reported, the rest is imported.

        Raises:
            InvalidInputError: the file cannot be read.
        """
        entries, report = await asyncio.to_thread(read_file, path, namespace)
        return await self._import(entries, report)

    async def set_archived(self, ids: Collection[str], archived: bool) -> None:
        """Take cases out of retrieval or put them back. InvalidInputError if one is unknown; nothing changes then."""
        await asyncio.to_thread(self._bank.set_archived, ids, archived)

    async def delete(self, ids: Collection[str]) -> None:
        """Remove cases. InvalidInputError if one is unknown; nothing changes then."""
        await asyncio.to_thread(self._bank.delete, ids)

    async def search(self, text: str, k: int, namespace: str) -> list[ScoredCase]:
        """The k cases that may be retrieved, of either outcome, nearest to a text by cosine."""
        return await asyncio.to_thread(self._search, text, k, namespace)

    async def _import(self, entries: Sequence[Entry], read: ImportReport) -> ImportReport:
        distinct = {entry.case.id for entry in entries}
        new = await asyncio.to_thread(self._bank.add, entries)
        return ImportReport(
            added=len(new),
            known=len(distinct) - len(new),
            duplicates=read.duplicates + len(entries) - len(distinct),
            rejected=read.rejected,
        )

    def _retrieve(
        self, task: str, name: PolicyName, k: int, namespace: str, margin: float, exclude: frozenset[str]
    ) -> Retrieval:
        policy = self._policies.setdefault(name, make_policy(name, self._seed))
        pool = self._candidates(policy.pool, task, namespace, k + len(exclude)) if k > 0 else []
        candidates = [candidate for candidate in pool if candidate.case_id not in exclude]
        picks = policy.select(task, candidates, k)
        best = max((pick.score for pick in picks), default=0.0)
        picks = [pick for pick in picks if pick.score >= best - margin]
        cases = self._bank.cases(namespace, [pick.case_id for pick in picks])
        shown = [ScoredCase(cases[p.case_id], p.score, p.propensity) for p in picks if p.case_id in cases]
        compared = [candidate for candidate in candidates if candidate.cosine is not None]
        return Retrieval(name, shown, self._bank.size(namespace), k, compared)

    def _candidates(self, pool: Pool, task: str, namespace: str, n: int) -> list[Candidate]:
        if pool == "none":
            return []
        if pool == "roster":
            return self._bank.roster(namespace)
        vector = self._bank.embed(task)
        return self._bank.nearest(namespace, vector, n, failures=pool == "nearest")

    def _search(self, text: str, k: int, namespace: str) -> list[ScoredCase]:
        picks = by_cosine(self._candidates("nearest", text, namespace, k), k)
        cases = self._bank.cases(namespace, [pick.case_id for pick in picks])
        return [ScoredCase(cases[pick.case_id], pick.score) for pick in picks if pick.case_id in cases]

    def _similarities(self, text: str, others: Sequence[str]) -> list[float]:
        if unknown := [other for other in dict.fromkeys(others) if other not in self._recurring]:
            self._recurring.update(zip(unknown, self._bank.embed_all(unknown), strict=True))
        vector = self._bank.embed(text)
        return [float(self._recurring[other] @ vector) for other in others]

    def _earlier_subtasks(self, description: str, k: int, namespace: str) -> list[EarlierSubtask]:
        if k <= 0:
            return []
        vector = self._bank.embed(description)
        return [found(subtask, score) for subtask, score in self._bank.nearest_subtasks(namespace, vector, k)]


_Key: TypeAlias = tuple[Path, str | None, str | None]


class _OpenBanks:
    """The banks open in this process: a home has one writer, so memories of the same home share its bank."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._banks: dict[_Key, tuple[CaseBank, int]] = {}

    def take(self, settings: Settings) -> CaseBank:
        from memory.case_bank import CaseBank

        with self._lock:
            bank, users = self._banks.get(_key(settings)) or (CaseBank(settings), 0)
            self._banks[_key(settings)] = (bank, users + 1)
            return bank

    def give_back(self, settings: Settings) -> None:
        with self._lock:
            bank, users = self._banks.pop(_key(settings))
            if users > 1:
                self._banks[_key(settings)] = (bank, users - 1)
            else:
                bank.close()


def _key(settings: Settings) -> _Key:
    return settings.home, settings.chroma_url, settings.embedding_model


_open_banks = _OpenBanks()


@asynccontextmanager
async def open_case_memory(settings: Settings) -> AsyncIterator[CaseMemory]:
    """The case memory of a home. Opening costs nothing; the bank opens at first use and closes with its last user."""
    bank = await asyncio.to_thread(_open_banks.take, settings)
    try:
        yield CaseMemory(bank, settings.seed)
    finally:
        await asyncio.shield(asyncio.to_thread(_open_banks.give_back, settings))
