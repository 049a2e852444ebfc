"""The episode: what a policy chose from and what it showed. Learning and off-policy estimates read it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from memory.embedding import Vectors


class Ranked(BaseModel):
    """A case that could have been shown, with its cosine to the task; None where the policy does not look at it.

    `lexical` is its BM25 score as a share of the best one's, from 0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    case_id: str
    cosine: float | None = None
    lexical: float = 0.0


class Shown(BaseModel):
    """A case that was shown: the score the policy gave it, and the probability with which it was drawn at its place.

    `features` is ψ(q, c) of `memory.features` as the policy saw it; empty where the policy does not look at it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    case_id: str
    score: float = 0.0
    propensity: float = Field(default=1.0, ge=0, le=1)
    features: tuple[float, ...] = ()


class Episode(BaseModel):
    """The choice behind one finished task; the case it became holds the rest (reward, tokens, model, times).

    A policy learns from nothing else, so that replaying episodes gives its state again, whatever has become of the
    bank and the embedding model since. `context` is x(q) of `memory.features`; `vector` is the task's embedding, see
    `pack`, where the policy asks for it; `version` is the last line of the journal the policy had learned from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    policy: str = "none"
    k: int = Field(default=0, ge=0)
    bank_size: int = Field(default=0, ge=0)
    version: int = Field(default=0, ge=0)
    context: tuple[float, ...] = ()
    vector: str = ""
    candidates: tuple[Ranked, ...] = ()
    slate: tuple[Shown, ...] = ()


def pack(vector: Vectors) -> str:
    """A vector of shape (d,) as text: base64 over little-endian float16."""
    return base64.b64encode(np.asarray(vector, dtype="<f2").tobytes()).decode("ascii")


def unpack(text: str) -> Vectors:
    """The float32 vector of shape (d,) that `pack` made into text, to float16 precision."""
    vector: Vectors = np.frombuffer(base64.b64decode(text), dtype="<f2").astype(np.float32)
    return vector
