"""The episode: what a policy chose from and what it showed. Learning and off-policy estimates read it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Ranked(BaseModel):
    """A case that could have been shown, with its cosine to the task; None where the policy does not look at it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    case_id: str
    cosine: float | None = None


class Shown(BaseModel):
    """A case that was shown: the score the policy gave it, and the probability with which it was drawn."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    case_id: str
    score: float = 0.0
    propensity: float = Field(default=1.0, ge=0, le=1)


class Episode(BaseModel):
    """The choice behind one finished task; the case it became holds the rest (reward, tokens, model, times)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    policy: str = "none"
    k: int = Field(default=0, ge=0)
    bank_size: int = Field(default=0, ge=0)
    candidates: tuple[Ranked, ...] = ()
    slate: tuple[Shown, ...] = ()
