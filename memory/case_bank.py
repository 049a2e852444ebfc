"""The case bank: the journal decides, the indexes find. Blocking and thread-safe; `CaseMemory` is its async face."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Literal

from configs.errors import InvalidInputError
from configs.settings import Settings, secrets
from memory.bank_files import BankFiles
from memory.case import Case, Reward, RewardSource, case_text, with_own_id
from memory.case_redaction import redact_case
from memory.compaction import Compacted
from memory.entries import Entry
from memory.events import ArchiveChanged, CaseWritten, Deleted, Event, FeedbackGiven
from memory.features import Match
from memory.index import ChromaIndex, Hit
from memory.journal import Journal
from memory.ledger import Facts, Ledger
from memory.policies.base import Candidate
from memory.redaction import redact
from memory.rows import Kind
from memory.shared_writes import SharedWrites
from memory.subtask_memory import NearSubtask, SolvedSubtask, subtasks_of
from memory.trust import TRUSTED

if TYPE_CHECKING:
    from memory.embedding import Vectors
    from memory.learner import Learner

OUTCOMES: tuple[tuple[Kind, Reward], ...] = (("success", 1), ("failure", 0))
VECTORS_READ = 2_000
"""Vectors read at a time."""


class CaseBank:
    """Cases of one home; see `BankFiles` for who may open it when.

    Every reading and changing method names the namespace it is for, and cases of others do not exist for it.
    """

    def __init__(self, settings: Settings) -> None:
        self._files = BankFiles(settings)
        self._writes = SharedWrites(lambda entries: self._add(entries, self._files.append), self._files.bring_in_line)

    @property
    def shared(self) -> bool:
        """Whether the index is a server's."""
        return self._files.shared

    @property
    def ledger(self) -> Ledger:
        """The cases of this home as of the last write or opening; other homes on a shared server have their own."""
        return self._files.ledger

    def open(self) -> None:
        """Open journal and index and bring them in line. Idempotent; every other method does it when needed.

        Raises:
            CaseBankError: the home is locked by another process, cannot be read or written, or its journal is damaged.
        """
        self._files.ready()

    def close(self) -> None:
        """Release the index and the lock, once what was handed to `submit` is written."""
        self._writes.join()
        self._files.close()

    def submit(self, entry: Entry) -> Future[bool]:
        """`add` for one of many writers: does not block, and writes together what comes while another batch is written.

        The future tells whether the entry's id was new, once it is durable; `indexed` is when it can be found.
        """
        return self._writes.submit(entry)

    def indexed(self) -> Future[None]:
        """Done once everything that `submit` has answered so far can be found."""
        return self._writes.indexed()

    def add(self, entries: Sequence[Entry], vectors: Mapping[str, Vectors] | None = None) -> list[str]:
        """Write new cases as one batch, without the secrets in them; those whose id is there already stay as they are.

        An import's case that held a secret gets the id of the text without it; a run's keeps the id it is known by.

        Args:
            entries: the cases, with where they come from.
            vectors: unit vectors of tasks by case id, shape (d,), that need not be computed.

        Returns:
            The ids that were new.
        """
        return self._add(entries, lambda journal, new: self._files.commit(journal, new, vectors))

    def _add(self, entries: Sequence[Entry], write: Callable[[Journal, Sequence[Event]], None]) -> list[str]:
        with self._files.lock:
            self._files.ready()
            with self._files.appending() as journal:
                given = {event.case.id: event for event in map(self._event, entries)}
                there = {row[8] for row in journal.ledger.entry_rows(list(given))}
                new = [event for id_, event in given.items() if id_ not in there]
                write(journal, new)
            return [event.case.id for event in new]

    def reward(
        self, namespace: str, case_id: str, reward: Reward, note: str = "", source: RewardSource = "person"
    ) -> Case:
        """Replace a case's reward, by a person's unless told otherwise.

        Raises:
            InvalidInputError: this namespace of this home has no such case.
        """
        event = FeedbackGiven(case_id=case_id, reward=reward, note=redact(note, self._secrets()), source=source)
        with self._files.lock:
            self._change(namespace, [case_id], lambda: event)
            return self.ledger.entries[case_id].case

    def set_archived(self, namespace: str, ids: Collection[str], archived: bool) -> None:
        """Take cases out of retrieval or put them back; InvalidInputError if one is unknown, and nothing changes."""
        kind: Literal["archived", "restored"] = "archived" if archived else "restored"
        self._change(namespace, ids, lambda: ArchiveChanged(kind=kind, case_ids=tuple(ids)))

    def delete(self, namespace: str, ids: Collection[str]) -> None:
        """Remove cases; InvalidInputError if one is unknown, and nothing changes."""
        self._change(namespace, ids, lambda: Deleted(case_ids=tuple(ids)))

    def compact(self) -> Compacted:
        """Take the deleted cases of every namespace out of the journal, so that what they said is no longer there."""
        return self._files.compact()

    def save(self, learner: Learner) -> None:
        """Let a learner keep a snapshot of what it has learned, if the bank is open."""
        with self._files.lock:
            if self._files.is_open:
                learner.save(self.ledger)

    def embed(self, text: str) -> Vectors:
        """The vector of a text, shape (d,)."""
        vector: Vectors = self.embed_all([text])[0]
        return vector

    def embed_all(self, texts: Sequence[str]) -> Vectors:
        """The vectors of texts, shape (n, d). Opens the bank first: a locked home is told before a model loads."""
        self._files.ready()
        return self._files.embedder.embed(texts)

    def follow(self) -> Ledger:
        """The ledger with what other processes have meanwhile written; with an embedded index nobody else can."""
        return self._files.followed()

    def size(self, namespace: str) -> int:
        """How many cases may be retrieved."""
        if not self.shared:
            return self.ledger.size(namespace)
        return sum(self._files.read(ChromaIndex.count, kind, namespace) for kind, _ in OUTCOMES)

    def roster(self, namespace: str, newest: int | None = None) -> list[Candidate]:
        """Every case that may be retrieved, first written first, or the newest so many; not compared to any task."""
        if not self.shared:
            known = self.ledger.roster(namespace, newest)
            return [Candidate(one.case_id, one.reward, one.created_at, trusted=one.trusted) for one in known]
        return [
            Candidate(hit.id, reward, hit.created_at, trusted=hit.trust >= TRUSTED)
            for kind, reward in OUTCOMES
            for hit in self._files.read(ChromaIndex.read, kind, namespace)
        ]

    def nearest(self, namespace: str, vector: Vectors, n: int, *, failures: bool = True) -> list[Candidate]:
        """The n successes, and unless told otherwise the n failures, of largest cosine to a task's vector."""
        hits = [
            (hit, reward)
            for kind, reward in OUTCOMES[: 2 if failures else 1]
            for hit in self._files.read(ChromaIndex.nearest, kind, namespace, vector, n)
        ]
        facts = self.ledger.facts(namespace, [hit.id for hit, _ in hits])
        trusted = [facts[hit.id].trusted if hit.id in facts else hit.trust >= TRUSTED for hit, _ in hits]
        return [
            Candidate(hit.id, reward, hit.created_at, hit.cosine, trusted=believed)
            for (hit, reward), believed in zip(hits, trusted, strict=True)
        ]

    def matches(self, namespace: str, task: str, vector: Vectors, n: int) -> list[Match]:
        """The n successes and n failures nearest in meaning, and the n cases nearest in words, with what is known.

        On a shared server the words of other homes' cases are not searched: their journals are not here.
        """
        hits = {
            hit.id: (hit, reward)
            for kind, reward in OUTCOMES
            for hit in self._files.read(ChromaIndex.nearest, kind, namespace, vector, n, vectors=True)
        }
        words = dict(self._files.lexical.search(namespace, task, n))
        facts = self.ledger.facts(namespace, list({**hits, **words}))
        for kind, reward in OUTCOMES:
            only = [id_ for id_ in words if id_ not in hits and id_ in facts and facts[id_].reward == reward]
            hits |= {
                hit.id: (hit, reward) for hit in self._files.read(ChromaIndex.read, kind, namespace, only, vectors=True)
            }
        return [
            _match(hit, reward, vector, words.get(id_, 0.0), facts.get(id_))
            for id_, (hit, reward) in hits.items()
            if self.shared or id_ in facts  # else it has just gone
        ]

    def cases(self, namespace: str, ids: Sequence[str]) -> dict[str, Case]:
        """The cases of these ids; an id that has meanwhile gone is left out."""
        if not self.shared:
            rows = [row for row in self.ledger.entry_rows(ids) if row[6] and row[9] == namespace]
            found = {case.id: case for case in self.ledger.cases(rows)}
            return {id_: found[id_] for id_ in ids if id_ in found}
        hits = [hit for kind, _ in OUTCOMES for hit in self._files.read(ChromaIndex.read, kind, namespace, ids)]
        return {hit.id: Case.model_validate_json(hit.document) for hit in hits if hit.document}

    def vectors(self, namespace: str) -> dict[str, Vectors]:
        """The unit vectors of the tasks of every case that may be retrieved, by id, shape (d,)."""
        found: dict[str, Vectors] = {}
        for kind, _ in OUTCOMES:
            ids = [hit.id for hit in self._files.read(ChromaIndex.read, kind, namespace)]
            for start in range(0, len(ids), VECTORS_READ):
                part = ids[start : start + VECTORS_READ]
                hits = self._files.read(ChromaIndex.read, kind, namespace, part, vectors=True)
                found |= {hit.id: hit.vector for hit in hits if hit.vector is not None}
        return found

    def entry(self, namespace: str, case_id: str) -> Entry | None:
        """A case of this home with what may change about it, whether it may be retrieved or not."""
        ledger = self.ledger
        found = next(ledger.read(ledger.entry_rows([case_id])), None)
        return found if found is not None and found.case.namespace == namespace else None

    def texts(self, namespace: str, ids: Sequence[str]) -> list[str]:
        """What cases say, task and plan, in the order of the ids; empty for one that has meanwhile gone."""
        cases = self.cases(namespace, ids)
        return [case_text(cases[id_].task, cases[id_].plan) if id_ in cases else "" for id_ in ids]

    def nearest_subtasks(self, namespace: str, vector: Vectors, n: int) -> list[NearSubtask]:
        """The n solved subtasks of largest cosine to a description's vector, largest first."""
        hits = [
            (hit, hit.id.partition(":")[0])
            for hit in self._files.read(ChromaIndex.nearest, "subtask", namespace, vector, n)
        ]
        facts = self.ledger.facts(namespace, list({case_id for _, case_id in hits}))
        return [
            NearSubtask(hit.id, hit.cosine or 0.0, facts[case_id].trusted if case_id in facts else hit.trust >= TRUSTED)
            for hit, case_id in hits
            if self.shared or case_id in facts  # else it has just gone
        ]

    def subtasks(self, namespace: str, ids: Sequence[str]) -> dict[str, SolvedSubtask]:
        """The solved subtasks of these ids; an id that has meanwhile gone is left out."""
        if self.shared:
            hits = self._files.read(ChromaIndex.read, "subtask", namespace, ids)
            return {hit.id: SolvedSubtask.model_validate_json(hit.document) for hit in hits if hit.document}
        cases = self.cases(namespace, list(dict.fromkeys(id_.partition(":")[0] for id_ in ids)))
        solved = {each.id: each for case in cases.values() if case.reward == 1 for each in subtasks_of(case)}
        return {id_: solved[id_] for id_ in ids if id_ in solved}

    def _change(self, namespace: str, ids: Collection[str], event: Callable[[], Event]) -> None:
        with self._files.lock:
            self._files.ready()
            with self._files.appending() as journal:
                mine = {row[8] for row in journal.ledger.entry_rows(list(ids)) if row[9] == namespace}
                unknown = sorted(set(ids) - mine)
                if unknown:
                    where = f"{self._files.settings.home}, namespace {namespace}"
                    raise InvalidInputError(f"no case {unknown[0]!r} in {where}")
                self._files.commit(journal, [event()] if ids else [])

    def _event(self, entry: Entry) -> CaseWritten:
        case = redact_case(entry.case, self._secrets())
        return CaseWritten(
            case=with_own_id(case) if entry.origin and case is not entry.case else case,
            episode=entry.episode,
            archived=entry.archived,
            origin=entry.origin,
            vouched=entry.vouched,
        )

    def _secrets(self) -> list[str]:
        return secrets(self._files.settings)


def _match(hit: Hit, reward: Reward, vector: Vectors, lexical: float, facts: Facts | None) -> Match:
    """A row found with what the ledger knows of it; of another home's case only what its writer put beside it."""
    assert hit.vector is not None  # noqa: S101  # was asked for
    cosine = hit.cosine if hit.cosine is not None else float(hit.vector @ vector)
    if facts is not None:
        return Match(
            hit.id,
            reward,
            facts.created_at,
            cosine,
            lexical,
            facts.trust,
            facts.uses,
            facts.plan_length,
            hit.vector,
        )
    case = Case.model_validate_json(hit.document or "")
    return Match(hit.id, reward, hit.created_at, cosine, lexical, hit.trust, 0, len(case.plan), hit.vector)
