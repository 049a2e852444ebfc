"""The alarm for a memory that shows the same thing again and again, as a poisoned or a stuck one does."""

from __future__ import annotations

from dataclasses import dataclass

from memory.events import RUN
from memory.ledger import Ledger

WINDOW = 50
"""The latest tasks looked at."""
LEAST = 20
"""Tasks with cases shown before there is anything to say."""
ONE_CASE = 0.5
"""Share of the tasks that one case may be shown for."""
ONE_ORIGIN = 0.5
"""Share of the slots that cases of one import, nobody vouching for them, may take."""


@dataclass(frozen=True, slots=True)
class Concentration:
    """The latest tasks' most shown case and most shown unvouched import, as shares; `tasks` had cases shown."""

    tasks: int
    case_id: str = ""
    case_share: float = 0.0
    origin: str = ""
    origin_share: float = 0.0

    @property
    def warning(self) -> str | None:
        """One line for a person, or None when nothing stands out."""
        if self.tasks < LEAST:
            return None
        if self.case_share > ONE_CASE:
            return f"case {self.case_id} was shown for {self.case_share:.0%} of the last {self.tasks} tasks"
        if self.origin_share > ONE_ORIGIN:
            return f"cases from {self.origin} took {self.origin_share:.0%} of the slots of the last {self.tasks} tasks"
        return None


def concentration(ledger: Ledger, namespace: str) -> Concentration:
    """What the latest tasks of a namespace were shown."""
    latest = ledger.latest_shown(namespace, WINDOW)
    tasks = len({seq for seq, _, _, _ in latest})
    if not tasks:
        return Concentration(0)
    cases: dict[str, int] = {}
    origins: dict[str, int] = {}
    for _, case_id, origin, doubtful in latest:
        cases[case_id] = cases.get(case_id, 0) + 1
        if doubtful and origin != RUN:
            origins[origin] = origins.get(origin, 0) + 1
    case_id = max(cases, key=lambda one: (cases[one], one))
    origin = max(origins, key=lambda one: (origins[one], one), default="")
    return Concentration(
        tasks, case_id, cases[case_id] / tasks, origin, origins.get(origin, 0) / len(latest) if origin else 0.0
    )
