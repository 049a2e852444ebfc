"""How far a case is believed: by where its reward comes from, and by what became of the tasks it was shown for."""

from __future__ import annotations

from collections.abc import Mapping

from memory.case import RewardSource

TRUSTED = 0.5
"""A case below this is untrusted: it takes at most a few slots, see `memory.guard`."""

BY_SOURCE: Mapping[RewardSource | None, float] = {
    "ground_truth": 1.0,
    "verifier": 1.0,
    "person": 1.0,
    "judge": 0.7,
    "import": 0.7,
    None: 0.5,
}
UNVOUCHED_IMPORT = 0.3
EVIDENCE = 8
"""Uses after which an untrusted case has covered half the way to full trust."""


def prior_trust(source: RewardSource | None, *, vouched: bool) -> float:
    """Trust before any use, from 0 to 1.

    Args:
        source: of the reward.
        vouched: whether the case or its later reward was written by us, or imported by somebody who vouches for it.
            What an import says about its own source proves nothing, a person's name included.
    """
    return BY_SOURCE[source] if vouched else UNVOUCHED_IMPORT


def earned_trust(prior: float, judged: int, wins: int, base_rate: float) -> float:
    """Trust after uses: an untrusted case earns it while the tasks it is shown for end no worse than others.

    Success is measured against the namespace's base rate, since good cases are also shown for hard tasks.

    Args:
        prior: trust before any use.
        judged: tasks with a known outcome that the case was shown for.
        wins: those of them that succeeded.
        base_rate: share of successes among all judged tasks that any case was shown for.
    """
    if judged == 0 or wins < base_rate * judged:
        return prior
    return prior + (1 - prior) * judged / (judged + EVIDENCE)
