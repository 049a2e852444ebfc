"""Cases and episodes for a journal written by hand, without an agent, an index or an embedder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from memory.case import Case, Reward, RewardSource, Step, case_id
from memory.episode import Episode, Shown
from memory.events import CaseWritten, Event
from memory.features import CONTEXT, FEATURES
from memory.journal import Journal

DAY = 86_400.0


def case(
    task: str,
    reward: Reward | None = 1,
    *,
    plan: str = "Look it up",
    run: str = "",
    at: float = 0.0,
    source: RewardSource | None = "judge",
    namespace: str = "default",
    parents: Sequence[str] = (),
) -> Case:
    """A case with a plan of one step; `run` sets exact copies apart."""
    steps = (Step(id=1, description=plan),)
    return Case(
        id=case_id(task, steps, run, namespace),
        task=task,
        plan=steps,
        reward=reward,
        reward_source=None if reward is None else source,
        run_id=run,
        created_at=at,
        namespace=namespace,
        parents=tuple(parents),
    )


def episode(shown: Sequence[str], *, features: bool = True, policy: str = "bandit") -> Episode:
    """What was shown, with features that are the same for every case; without them as a policy that has none."""
    psi = tuple(0.1 for _ in FEATURES) if features else ()
    return Episode(
        policy=policy,
        k=4,
        context=tuple(0.1 for _ in CONTEXT) if features else (),
        slate=tuple(Shown(case_id=one, score=0.5, features=psi) for one in shown),
    )


def write(home: Path, events: Sequence[Event]) -> Journal:
    """Append events to a home's journal, which is made if need be."""
    home.mkdir(parents=True, exist_ok=True)
    journal = Journal(home)
    journal.refresh()
    journal.append(events)
    return journal


def imported(one: Case, name: str = "", *, vouched: bool = False, shown: Sequence[str] = ()) -> CaseWritten:
    """A case from an import, of a file if a name is given."""
    return CaseWritten(
        case=one,
        origin=f"import:{name}" if name else "import",
        vouched=vouched,
        episode=episode(shown) if shown else None,
    )
