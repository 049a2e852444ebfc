"""What the journal records, one JSON object a line."""

from __future__ import annotations

import time
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from memory.case import Case, Reward, RewardSource
from memory.episode import Episode

IMPORTED = "import"
RUN = "run"


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    at: float = Field(default_factory=time.time)


class CaseWritten(_Event):
    """A case came in: with its episode when an agent ran it, without one when it was imported.

    `origin` is empty for a run, else where the case is from, such as "import:memory.jsonl"; `vouched` says that
    whoever imported it stands for it.
    """

    kind: Literal["case"] = "case"
    case: Case
    episode: Episode | None = None
    archived: bool = False
    origin: str = ""
    vouched: bool = False

    def source_label(self) -> str:
        """Where the case is from, for purging and statistics."""
        return self.origin or (IMPORTED if self.case.reward_source == "import" else RUN)

    def vouched_for(self) -> bool:
        """Whether what the case says about itself may be believed."""
        return self.vouched or self.source_label() == RUN

    def teaches(self) -> bool:
        """Whether policies learn from the case's episode: an import's only if somebody vouches for it."""
        return self.episode is not None and bool(self.episode.slate or self.episode.context) and self.vouched_for()


class FeedbackGiven(_Event):
    """A later reward, a person's unless it says otherwise, replaces the earlier one."""

    kind: Literal["feedback"] = "feedback"
    case_id: str
    reward: Reward
    note: str = ""
    source: RewardSource = "person"


class ArchiveChanged(_Event):
    """Cases were taken out of retrieval, or put back."""

    kind: Literal["archived", "restored"]
    case_ids: tuple[str, ...]


class Deleted(_Event):
    """Cases are gone for every reader; their lines stay in the file until it is compacted."""

    kind: Literal["deleted"] = "deleted"
    case_ids: tuple[str, ...]


Event: TypeAlias = CaseWritten | FeedbackGiven | ArchiveChanged | Deleted
LINE: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])
