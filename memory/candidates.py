"""From a task to what a policy may choose from."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memory.features import describe
from memory.policies.base import Candidate, CasePolicy, Query

if TYPE_CHECKING:
    from memory.case_bank import CaseBank
    from memory.embedding import Vectors

HYBRID = 64
"""Nearest of either outcome by meaning, and nearest by words."""
SPARE = 4
"""How many times k are fetched where only the nearest or newest count, so that the guard has stand-ins."""


@dataclass(frozen=True, slots=True)
class Found:
    """The task as its policy sees it, and the policy's pool."""

    query: Query
    candidates: list[Candidate]


def find_candidates(
    bank: CaseBank,
    policy: CasePolicy,
    task: str,
    namespace: str,
    k: int,
    exclude: Collection[str] = (),
    vector: Vectors | None = None,
) -> Found:
    """Fetch a policy's pool for a task. Blocking.

    Args:
        bank: where the cases are.
        policy: whose pool; nothing is fetched for k = 0 but what describes the task.
        task: the task's text.
        namespace: whose cases.
        k: the most cases to be shown.
        exclude: ids that must not be shown.
        vector: the task's, where it is known already.
    """
    pool = policy.pool
    texts: Callable[[Sequence[str]], list[str]] = lambda ids: bank.texts(namespace, ids)  # noqa: E731
    if pool == "none" or k <= 0:
        return Found(Query(task), [])
    if pool in ("roster", "newest"):
        every = bank.roster(namespace, SPARE * k + len(exclude) if pool == "newest" else None)
        return Found(Query(task, texts=texts), [one for one in every if one.case_id not in exclude])
    vector = bank.embed(task) if vector is None else vector
    query = Query(task, vector, texts=texts)
    if pool != "hybrid":
        near = bank.nearest(namespace, vector, SPARE * k + len(exclude), failures=pool == "nearest")
        return Found(query, [one for one in near if one.case_id not in exclude])
    matches = bank.matches(namespace, task, vector, max(HYBRID, k) + len(exclude))
    described = describe(
        [match for match in matches if match.case_id not in exclude], bank.size(namespace), time.time()
    )
    return Found(replace(query, context=described.context), described.candidates)
