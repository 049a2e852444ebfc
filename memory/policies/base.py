"""What a case policy is: from a task and candidates to the slate the planner sees, and learning from the outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from configs.errors import InvalidInputError
from configs.settings import PolicyName
from memory.case import Case, Reward
from memory.episode import Episode

if TYPE_CHECKING:
    from memory.embedding import Vectors

Pool: TypeAlias = Literal["none", "roster", "newest", "nearest", "nearest-successes", "hybrid"]
"""Which candidates a policy chooses from.

none; roster: every case; newest: the k newest; nearest: the nearest of both outcomes; nearest-successes; hybrid: the
nearest by meaning and by words, fused, with features. Only the last three are compared to the task.
"""


@dataclass(frozen=True, slots=True)
class Query:
    """The task to choose cases for.

    `vector` is its unit vector of shape (d,), None where the pool is not compared; `context` is x(q) of
    `memory.features` in the hybrid pool; `texts` reads what a case says (task and plan) by id, for policies with an
    encoder of their own.
    """

    task: str
    vector: Vectors | None = None
    context: tuple[float, ...] = ()
    texts: Callable[[Sequence[str]], list[str]] | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case a policy may pick; `cosine` to the task is None in a pool that is not compared; `trusted` as by its trust.

    In the hybrid pool `lexical` is its BM25 score as a share of the best one's, `features` is ψ(q, c) of
    `memory.features`, and `vector` is the unit vector of its task, shape (d,).
    """

    case_id: str
    reward: Reward
    created_at: float
    cosine: float | None = None
    lexical: float = 0.0
    features: tuple[float, ...] = ()
    vector: Vectors | None = field(default=None, compare=False)
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class Pick:
    """A case to show: the policy's score, and the probability with which the policy drew it at its place."""

    case_id: str
    score: float
    propensity: float = 1.0


@dataclass(frozen=True, slots=True)
class PolicyOptions:
    """What a policy is made with: `seed` decides whatever it draws, `models` is the folder of trained models."""

    seed: int = 0
    models: Path | None = None


class CasePolicy(Protocol):
    """The retrieval policy μ(c | s, M) of the paper (eq. 2): which cases c of the memory M to show for a state s."""

    @property
    def name(self) -> PolicyName: ...

    @property
    def pool(self) -> Pool: ...

    @property
    def records_vector(self) -> bool:
        """Whether `update` needs the task's vector in the episode."""
        ...

    def select(self, query: Query, candidates: Sequence[Candidate], k: int) -> list[Pick]:
        """Choose the slate. Pure: the same policy state and arguments give the same slate.

        Args:
            query: the task.
            candidates: the policy's pool, first written first where it is not compared; outcomes are known.
            k: the most cases to show, 0 or more.

        Returns:
            At most k picks of different candidates, in the order to show them.
        """
        ...

    def update(self, case: Case, episode: Episode) -> None:
        """Learn from a finished task.

        Args:
            case: the case it became; its reward is None when nobody could tell, and then nothing is learned.
            episode: what was shown, and from which candidates.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything `load_state_dict` needs, as plain JSON values."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave.

        Raises:
            InvalidInputError: the state is another policy's, of another version, or damaged; nothing changes then.
        """
        ...


class UnlearnedPolicy:
    """Base of policies that learn nothing: their state is their name."""

    name: PolicyName
    records_vector: bool = False

    def update(self, case: Case, episode: Episode) -> None:
        """Nothing to learn."""

    def state_dict(self) -> dict[str, Any]:
        return {"policy": self.name, "version": 1}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        if (state.get("policy"), state.get("version")) != (self.name, 1):
            raise InvalidInputError(f"policy {self.name}: got the state of {state.get('policy')!r} or another version")


def by_cosine(candidates: Sequence[Candidate], k: int) -> list[Pick]:
    """The k candidates of largest cosine (paper eq. 13); of equal ones the newest, then the smallest id."""
    ranked = sorted(candidates, key=lambda c: (-(c.cosine or 0.0), -c.created_at, c.case_id))
    return [Pick(candidate.case_id, candidate.cosine or 0.0) for candidate in ranked[: max(k, 0)]]
