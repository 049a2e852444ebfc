"""A cap on the slots that untrusted cases may take, for every policy alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from memory.policies.base import Candidate, Pick

REACH = 0.3
"""A trusted case takes an untrusted one's slot if its cosine to the task is at most this much smaller."""


def cap(k: int) -> int:
    """How many of k slots untrusted cases may take where trusted ones are at hand."""
    return max(k // 4, 1)


def guarded(
    select: Callable[[Sequence[Candidate]], list[Pick]],
    candidates: Sequence[Candidate],
    trusted: Callable[[Sequence[str]], set[str]],
    k: int,
) -> list[Pick]:
    """Choose, and choose again without the untrusted cases beyond the cap that trusted ones can stand in for.

    Args:
        select: a policy's choice from candidates.
        candidates: what it may choose from.
        trusted: those of some ids that are trusted.
        k: the most cases to show.

    Returns:
        The policy's picks; more untrusted ones than the cap only for want of trusted candidates about as near.
    """
    picks = select(candidates)
    shown = [pick.case_id for pick in picks]
    believed = trusted(shown)
    doubtful = [id_ for id_ in shown if id_ not in believed]
    excess = doubtful[cap(k) :]
    if not excess:
        return picks
    believed |= trusted([one.case_id for one in candidates])
    by_id = {one.case_id: one for one in candidates}
    farthest = min((by_id[id_].cosine or 0.0) for id_ in excess) - REACH
    spare = [one for one in candidates if one.case_id in believed and one.case_id not in shown]
    stand_ins = sum((one.cosine or 0.0) >= farthest for one in spare)
    kept = {*doubtful[: cap(k)], *excess[: max(len(excess) - stand_ins, 0)]}
    return select([one for one in candidates if one.case_id in believed or one.case_id in kept])
