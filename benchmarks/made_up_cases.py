"""Cases and vectors made up by seed, as many as wanted."""

from __future__ import annotations

import numpy as np

from memory.case import Case, Step
from memory.embedding import Vectors, normalised

DIMENSIONS = 384
CLUSTERS = 2_000
SPREAD = 0.8
"""Length of the noise beside a cluster's centre of length 1: cosines within a cluster are about 0.6."""
RELATIONS = ("capital", "birthplace", "employer", "mother", "publisher", "genre", "spouse", "height", "composer")
SUBJECTS = ("river", "film", "novel", "city", "painter", "album", "bridge", "university", "general", "opera")
PLACES = ("northern", "second", "oldest", "national", "longest", "western", "coastal")


def text(number: int) -> str:
    """A question; different numbers give different ones."""
    relation, subject = RELATIONS[number % 9], SUBJECTS[number // 9 % 10]
    return f"What is the {relation} of the {subject} numbered {number} in the {PLACES[number % 7]} list?"


def case(number: int) -> Case:
    """A case with a plan of two steps; two of three succeeded."""
    plan = (
        Step(id=1, description=f"Find entry {number} in the list."),
        Step(id=2, description=f"Look up its {RELATIONS[number % 9]}."),
    )
    return Case(
        id=f"{number:016x}",
        task=text(number),
        plan=plan,
        reward=1 if number % 3 else 0,
        reward_source="ground_truth",
        created_at=1_700_000_000.0 + number,
    )


def vectors(size: int) -> Vectors:
    """Unit vectors of shape (size, DIMENSIONS), by seed; made in parts so that memory stays near the result's."""
    draw = np.random.default_rng(0)
    centres = normalised(draw.normal(size=(CLUSTERS, DIMENSIONS)))
    made = np.empty((size, DIMENSIONS), dtype=np.float32)
    for start in range(0, size, 50_000):
        part = made[start : start + 50_000]
        noise = draw.normal(scale=SPREAD / DIMENSIONS**0.5, size=part.shape).astype(np.float32)
        part[:] = normalised(centres[draw.integers(CLUSTERS, size=len(part))] + noise)
    return made


def nearby(given: Vectors, n: int) -> Vectors:
    """Vectors of tasks like some of the given ones, shape (n, DIMENSIONS)."""
    draw = np.random.default_rng(1)
    rows = given[draw.integers(len(given), size=n)]
    return normalised(rows + draw.normal(scale=0.4 / DIMENSIONS**0.5, size=rows.shape))
