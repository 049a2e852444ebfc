"""Near-duplicates: cases whose tasks are alike, with the same outcome and a similar plan, and one that stands for them.

Each case joins the first representative it is alike, or becomes one. So whatever is compared is compared to
representatives, nothing drifts along a chain, and time and memory are bounded.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from memory.case import normalise_task
from memory.case_heads import CaseHead, case_heads
from memory.ledger import Ledger

if TYPE_CHECKING:
    from memory.embedding import Vectors

COSINE = 0.95
PLANS = 0.5
"""Least Jaccard index of the words of two plans."""
MOST_COMPARED = 20_000
"""Cases up to which vectors are compared, which takes time in the square of their number."""
LOOKS = 32
"""Representatives of like tasks that a case's plan is compared to, nearest first."""
BLOCK = 256
_WORD = re.compile(r"\w+")

Method: TypeAlias = Literal["vectors", "tasks"]


@dataclass(frozen=True, slots=True)
class Sketch:
    """What of a case is compared: a hash of its task, its outcome, and hashes of its plan's words (32 bit, sorted)."""

    case_id: str
    task: bytes
    right: bool
    words: bytes


@dataclass(frozen=True, slots=True)
class Clusters:
    """The representative of every case by id, itself if it is one.

    `method` says what made two tasks alike: the cosine of their vectors, or only that they are the same. `contrasts`
    counts tasks that have cases of either outcome.
    """

    method: Method
    representative: Mapping[str, str]
    contrasts: int

    def sizes(self) -> dict[str, int]:
        """How many cases each representative stands for, itself included; largest first."""
        counts: dict[str, int] = {}
        for first in self.representative.values():
            counts[first] = counts.get(first, 0) + 1
        return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def sketches(ledger: Ledger, namespace: str) -> list[Sketch]:
    """Every case that may be retrieved, first written first: some 400 bytes each.

    Raises:
        CaseBankError: the journal cannot be read.
    """
    return [sketch_of(head, right=row[3] == 1) for head, row in case_heads(ledger, namespace, retrievable=True)]


def sketch_of(head: CaseHead, *, right: bool) -> Sketch:
    """What of a case is compared."""
    task = hashlib.sha256(normalise_task(head.task).encode()).digest()[:12]
    text = " ".join(step.description for step in head.plan).casefold()
    words = {zlib.crc32(word.encode()) for word in _WORD.findall(text)}
    return Sketch(head.id, task, right, array("I", sorted(words)).tobytes())


def find_clusters(ordered: Sequence[Sketch], vectors: Mapping[str, Vectors] | None = None) -> Clusters:
    """Group near-duplicates.

    Args:
        ordered: different cases; of those alike the first stands for the others.
        vectors: unit vectors of their tasks by case id, shape (d,); None compares tasks by their words. A case that
            has none is alike to no other.
    """
    found: dict[str, str] = {}
    for right in (True, False):
        same = [sketch for sketch in ordered if sketch.right is right]
        found |= _by_tasks(same) if vectors is None else _by_vectors(same, vectors)
    outcomes = {(sketch.task, sketch.right) for sketch in ordered}
    contrasts = sum(right and (task, False) in outcomes for task, right in outcomes)
    return Clusters("tasks" if vectors is None else "vectors", found, contrasts)


def _by_tasks(ordered: Sequence[Sketch]) -> dict[str, str]:
    firsts: dict[bytes, list[Sketch]] = {}
    found = {}
    for sketch in ordered:
        known = firsts.setdefault(sketch.task, [])
        first = _first_alike(sketch, known[:LOOKS])
        if first is sketch:
            known.append(sketch)
        found[sketch.case_id] = first.case_id
    return found


def _by_vectors(ordered: Sequence[Sketch], vectors: Mapping[str, Vectors]) -> dict[str, str]:
    import numpy as np

    found = {sketch.case_id: sketch.case_id for sketch in ordered}
    ordered = [sketch for sketch in ordered if sketch.case_id in vectors]
    if not ordered:
        return found
    firsts: list[Sketch] = []
    theirs = np.empty((len(ordered), len(vectors[ordered[0].case_id])), dtype=np.float32)
    for start in range(0, len(ordered), BLOCK):
        block = ordered[start : start + BLOCK]
        mine = np.stack([vectors[sketch.case_id] for sketch in block])
        known = len(firsts)
        near = np.concatenate([mine @ theirs[:known].T, np.full((len(block), len(block)), -1.0, np.float32)], axis=1)
        for row, sketch in enumerate(block):
            first = _first_alike(sketch, [firsts[at] for at in _nearest(near[row])])
            found[sketch.case_id] = first.case_id
            if first is sketch:
                theirs[len(firsts)] = mine[row]
                near[row + 1 :, len(firsts)] = mine[row + 1 :] @ mine[row]
                firsts.append(sketch)
    return found


def _nearest(cosines: Vectors) -> list[int]:
    """Positions of at most LOOKS cosines of COSINE or more, largest first."""
    import numpy as np

    alike = np.flatnonzero(cosines >= COSINE)
    order = alike[np.argsort(-cosines[alike], kind="stable")]
    return [int(at) for at in order[:LOOKS]]


def _first_alike(sketch: Sketch, firsts: Sequence[Sketch]) -> Sketch:
    """The first of some representatives of like tasks whose plan is similar, or the case itself."""
    words = set(array("I", sketch.words))
    for first in firsts:
        theirs = set(array("I", first.words))
        if len(words & theirs) >= PLANS * len(words | theirs):
            return first
    return sketch
