"""A cap on the slots that untrusted cases may take, for every policy alike.

It narrows what a policy may choose from and draws nothing, so a policy's propensities stay exact.
"""

from __future__ import annotations

from collections.abc import Sequence

from memory.policies.base import Candidate

REACH = 0.3
"""A trusted case stands in for an untrusted one if its cosine to the task is at most this much smaller."""


def cap(k: int) -> int:
    """How many of k slots untrusted cases may take where trusted ones are at hand."""
    return max(k // 4, 1)


def within_cap(candidates: Sequence[Candidate], k: int) -> list[Candidate]:
    """The candidates without the untrusted ones beyond the cap, as far as trusted ones can stand in for them.

    Args:
        candidates: what a policy could choose from.
        k: the most cases to show.

    Returns:
        Every trusted candidate, and the untrusted ones nearest to the task (the newest, where they are not compared):
        `cap(k)` of them, and one more for each of the k slots that no trusted one about as near could take. All of
        them if there is no such trusted one at all.
    """
    doubtful = [one for one in candidates if not one.trusted]
    if len(doubtful) <= cap(k):
        return list(candidates)
    nearest = sorted(doubtful, key=lambda one: (-(one.cosine or 0.0), -one.created_at, one.case_id))
    reach = (nearest[cap(k)].cosine or 0.0) - REACH
    stand_ins = sum(one.trusted and (one.cosine or 0.0) >= reach for one in candidates)
    if not stand_ins:
        return list(candidates)
    kept = {one.case_id for one in nearest[: cap(k) + max(k - cap(k) - stand_ins, 0)]}
    return [one for one in candidates if one.trusted or one.case_id in kept]
