"""The memory of an agent, for code on an event loop: policies choose from the case bank, finished tasks go into it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from configs.settings import PolicyName
from memory.candidates import SPARE, find_candidates
from memory.case import Case, Reward, RewardSource
from memory.compaction import Compacted
from memory.concentration import Concentration, concentration
from memory.embedding import Vectors
from memory.entries import Entry
from memory.episode import Episode, Ranked, Shown, pack
from memory.events import IMPORTED
from memory.exchange import ImportReport, read_file
from memory.guard import within_cap
from memory.policies.base import Candidate, by_cosine
from memory.subtask_memory import EarlierSubtask, found

if TYPE_CHECKING:
    from memory.case_bank import CaseBank
    from memory.learner import Learner


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
    """What a policy showed for a task, and from what it chose. `version` is what it had learned from, see `Episode`."""

    policy: PolicyName
    cases: list[ScoredCase]
    bank_size: int
    k: int
    candidates: list[Candidate]
    version: int = 0
    context: tuple[float, ...] = ()
    vector: Vectors | None = None

    def episode(self) -> Episode:
        """The record of this choice, plain JSON once dumped, for `CaseMemory.write` when the task has ended."""
        features = {one.case_id: one.features for one in self.candidates}
        return Episode(
            policy=self.policy,
            k=self.k,
            bank_size=self.bank_size,
            version=self.version,
            context=self.context,
            vector="" if self.vector is None else pack(self.vector),
            candidates=tuple(Ranked(case_id=c.case_id, cosine=c.cosine, lexical=c.lexical) for c in self.candidates),
            slate=tuple(
                Shown(
                    case_id=one.case.id,
                    score=one.score,
                    propensity=one.propensity,
                    features=features.get(one.case.id, ()),
                )
                for one in self.cases
            ),
        )


class CaseMemory:
    """One home's cases and the policies over them. Opens bank and embedder at first use; usable from any event loop."""

    def __init__(self, bank: CaseBank, learner: Learner) -> None:
        self._bank = bank
        self._learner = learner
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
            margin: a case whose cosine to the task is smaller than the nearest candidate's by more is left out.
            exclude: ids never to show, such as the task's own when evaluating.

        Raises:
            CaseBankError: the bank cannot be read; never an empty retrieval instead.
        """
        await self._indexed()
        return await asyncio.to_thread(self._retrieve, task, policy, k, namespace, margin, frozenset(exclude))

    async def write(self, case: Case, episode: Episode) -> bool:
        """Add a finished task's case, from which the policies learn; False if its id was there already.

        Returns once the case is durable; what is asked of this memory afterwards waits until it can be found.

        Raises:
            CaseBankError: the case is not in the journal.
        """
        return await asyncio.wrap_future(self._bank.submit(Entry(case, episode=episode)))

    async def concentration(self, namespace: str) -> Concentration:
        """What the latest tasks were shown; its `warning` is the alarm of a poisoned or stuck memory."""
        return await asyncio.to_thread(lambda: concentration(self._bank.ledger, namespace))

    async def earlier_subtasks(
        self, description: str, *, k: int, namespace: str, margin: float = SHOW_ALL
    ) -> list[EarlierSubtask]:
        """The k solved subtasks of successful cases whose description is nearest by cosine, nearest first.

        What is farther from the description than the nearest by more than `margin` is left out.
        """
        await self._indexed()
        found = await asyncio.to_thread(self._earlier_subtasks, description, k, namespace)
        return [each for each in found if each.score >= found[0].score - margin]

    async def similarities(self, text: str, others: Sequence[str]) -> list[float]:
        """The cosine of a text with each of some short, recurring ones, such as descriptions of tools."""
        return await asyncio.to_thread(self._similarities, text, others)

    async def feedback(
        self, case_id: str, reward: Reward, note: str = "", *, namespace: str, source: RewardSource = "person"
    ) -> Case:
        """Replace a case's reward by a person's, or a verifier's; the case as it is now.

        Policies are corrected as if they had known at once.

        Raises:
            InvalidInputError: the namespace has no such case.
        """
        return await asyncio.to_thread(self._bank.reward, namespace, case_id, reward, note, source)

    async def entry(self, case_id: str, *, namespace: str) -> Entry | None:
        """A case with what may change about it; None if the namespace has no such case."""
        return await asyncio.to_thread(self._bank.entry, namespace, case_id)

    async def case_of(self, kind: Literal["run", "thread"], name: str, *, namespace: str) -> str | None:
        """The id of the case written last of a run or a thread, see `Ledger.latest_of`; None if there is none."""
        return await asyncio.to_thread(lambda: self._bank.ledger.latest_of(namespace, kind, name))

    async def import_cases(
        self,
        cases: Sequence[Case],
        *,
        origin: str = IMPORTED,
        vouched: bool = False,
        vectors: Mapping[str, Vectors] | None = None,
    ) -> ImportReport:
        """Add cases as one batch; what is there already stays as it is.

        Args:
            cases: finished tasks from elsewhere.
            origin: where they are from, "import" or "import:NAME"; `delete_from` finds them again by it.
            vouched: whether what they say about their outcome may be believed; otherwise they start untrusted.
            vectors: unit vectors of their tasks by case id, shape (d,), that need not be computed.
        """
        entries = [Entry(case, origin=origin, vouched=vouched) for case in cases]
        return await self._import(entries, ImportReport(), vectors)

    async def import_file(self, path: Path, *, namespace: str, vouched: bool = False) -> ImportReport:
        """Add the cases of a JSONL file, see `memory.exchange`; bad lines are reported, the rest is imported.

        Cases that the file itself says were imported keep that origin, and nobody can vouch for them by this.

        Raises:
            InvalidInputError: the file cannot be read.
        """
        entries, report = await asyncio.to_thread(read_file, path, namespace)
        origin = f"{IMPORTED}:{path.name}"
        named = [
            replace(entry, origin=entry.origin or origin, vouched=vouched and not entry.origin) for entry in entries
        ]
        return await self._import(named, report)

    async def set_archived(self, ids: Collection[str], archived: bool, *, namespace: str) -> None:
        """Take cases out of retrieval or put them back. InvalidInputError if one is unknown; nothing changes then."""
        await asyncio.to_thread(self._bank.set_archived, namespace, ids, archived)

    async def delete(self, ids: Collection[str], *, namespace: str) -> None:
        """Remove cases. InvalidInputError if one is unknown; nothing changes then."""
        await asyncio.to_thread(self._bank.delete, namespace, ids)

    async def compact(self) -> Compacted:
        """Take the deleted cases of every namespace out of the journal; policies then learn from the same episodes.

        Raises:
            CaseBankError: another process writes the home, or the journal cannot be rewritten and is as before.
        """
        return await asyncio.to_thread(self._bank.compact)

    async def vectors(self, namespace: str) -> dict[str, Vectors]:
        """The unit vectors of the tasks of every case that may be retrieved, by id, shape (d,)."""
        await self._indexed()
        return await asyncio.to_thread(self._bank.vectors, namespace)

    async def search(self, text: str, k: int, namespace: str) -> list[ScoredCase]:
        """The k cases that may be retrieved, of either outcome, nearest to a text by cosine."""
        await self._indexed()
        return await asyncio.to_thread(self._search, text, k, namespace)

    async def _indexed(self) -> None:
        """Wait until every case whose writing was answered can be found."""
        if not (indexed := self._bank.indexed()).done():
            await asyncio.wrap_future(indexed)

    async def _import(
        self, entries: Sequence[Entry], read: ImportReport, vectors: Mapping[str, Vectors] | None = None
    ) -> ImportReport:
        distinct = {entry.case.id for entry in entries}
        new = await asyncio.to_thread(self._bank.add, entries, vectors)
        return ImportReport(
            added=len(new),
            known=len(distinct) - len(new),
            duplicates=read.duplicates + len(entries) - len(distinct),
            rejected=read.rejected,
        )

    def _retrieve(
        self, task: str, name: PolicyName, k: int, namespace: str, margin: float, exclude: frozenset[str]
    ) -> Retrieval:
        ledger = self._bank.follow()
        learned = self._learner.current(name, namespace, ledger)
        policy = learned.policy
        pool = find_candidates(self._bank, policy, task, namespace, k, exclude)
        candidates = within_cap(_near(pool.candidates, margin), k)
        with learned.lock:
            picks = policy.select(pool.query, candidates, k)
            version = learned.upto
        cases = self._bank.cases(namespace, [pick.case_id for pick in picks])
        shown = [ScoredCase(cases[p.case_id], p.score, p.propensity) for p in picks if p.case_id in cases]
        compared = [candidate for candidate in candidates if candidate.cosine is not None]
        return Retrieval(
            name,
            shown,
            self._bank.size(namespace),
            k,
            compared,
            version,
            pool.query.context,
            pool.query.vector if policy.records_vector else None,
        )

    def _search(self, text: str, k: int, namespace: str) -> list[ScoredCase]:
        picks = by_cosine(self._bank.nearest(namespace, self._bank.embed(text), k), k)
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
        near = self._bank.nearest_subtasks(namespace, vector, SPARE * k)
        candidates = [Candidate(one.id, 1, 0.0, one.cosine, trusted=one.trusted) for one in near]
        picks = by_cosine(within_cap(candidates, k), k)
        solved = self._bank.subtasks(namespace, [pick.case_id for pick in picks])
        return [found(solved[pick.case_id], pick.score) for pick in picks if pick.case_id in solved]


def _near(candidates: list[Candidate], margin: float) -> list[Candidate]:
    """The candidates without those much farther from the task than the nearest; not compared ones stay."""
    nearest = max((one.cosine for one in candidates if one.cosine is not None), default=0.0)
    return [one for one in candidates if one.cosine is None or one.cosine >= nearest - margin]
