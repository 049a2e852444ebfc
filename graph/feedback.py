"""What a feedback request says: the bodies, and which of them is a reward."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from configs.errors import InvalidInputError
from memory.case import Reward

REWARD_KEYS = (
    "correctness",
    "correct",
    "accuracy",
    "user_score",
    "user_feedback",
    "thumbs",
    "thumbs_up",
)
"""The keys under which a score says whether the answer was right."""

Source = Literal["person", "verifier"]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Body = TypeVar("Body", bound=BaseModel)


class CaseFeedback(BaseModel):
    """`{"reward": 1}` or `{"verdict": "correct"}`, perhaps with a note and who says so."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    reward: Reward | None = None
    verdict: Literal["correct", "incorrect"] | None = None
    note: str = ""
    source: Source = "person"

    @model_validator(mode="after")
    def _one_of_them(self) -> CaseFeedback:
        if (self.reward is None) == (self.verdict is None):
            raise ValueError("takes either reward (1 or 0) or verdict (correct or incorrect)")
        return self

    def outcome(self) -> Reward:
        """The reward."""
        if self.reward is not None:
            return self.reward
        return 1 if self.verdict == "correct" else 0


class RunFeedback(BaseModel):
    """Feedback as LangSmith's clients write it; what else they send is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    case_id: Name | None = None
    run_id: Name | None = None
    thread_id: Name | None = None
    key: Name
    score: float | None = None
    comment: str | None = None
    source: Source = "person"

    @field_validator("score", mode="before")
    @classmethod
    def _from_0_to_1(cls, score: Any) -> float:
        if not isinstance(score, bool | int | float) or not 0 <= score <= 1:
            raise ValueError("takes a number from 0 to 1, true or false")
        return float(score)

    @model_validator(mode="after")
    def _is_a_reward(self) -> RunFeedback:
        if self.key not in REWARD_KEYS:
            raise ValueError(f"key: no reward by this name; takes {', '.join(REWARD_KEYS)}")
        if self.score is None:
            raise ValueError("score: is missing")
        if sum(each is not None for each in (self.case_id, self.run_id, self.thread_id)) != 1:
            raise ValueError("takes one of case_id, run_id and thread_id")
        return self

    def outcome(self) -> Reward:
        """Right from half the score on."""
        return 1 if self.score is not None and self.score >= 0.5 else 0


def parsed(model: type[Body], body: bytes) -> Body:
    """A body as what it says.

    Raises:
        InvalidInputError: it is no such JSON object; says the first thing that is wrong, without the value.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise InvalidInputError(_said(fault["loc"], fault["msg"])) from None


def _said(location: tuple[Any, ...], message: str) -> str:
    name = f"{str(location[0])[:100]}: " if location else ""
    return f"{name}{message.removeprefix('Value error, ')}".replace("\n", " ")
