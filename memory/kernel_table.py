"""The episodic memory of kernel-based control: which value was observed for a case at a task, bounded in size.

D_c of Memento's eq. 9 (arXiv 2508.16153), stored as in Neural Episodic Control (arXiv 1703.01988): an observation at
a state that is there already moves the stored value, any other one is appended, and the oldest is dropped when full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from configs.errors import InvalidInputError
from memory.episode import pack, unpack

if TYPE_CHECKING:
    from memory.embedding import Vectors

Array = NDArray[np.float64]
EMPTY = -1
NOBODY = 0
"""The row of every case without interactions; it stays empty."""


class CaseState(BaseModel):
    """The interactions of one case, oldest first: the states' numbers, the values, how many observations in each."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    numbers: list[int]
    values: list[float]
    counts: list[int]


class TableState(BaseModel):
    """A table as plain JSON values: states numbered from `first`, all in one `memory.episode.pack`, and D_c by case."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    dimension: int = Field(ge=0)
    first: int = Field(ge=0)
    states: str
    cases: dict[str, CaseState]


@dataclass(frozen=True, slots=True)
class Interactions:
    """D_c of m cases, each padded to e places: arrays of shape (m, e), oldest first.

    `cosines` to the state asked about; `values` are the stored Q'; `counts` of the observations in each, 0 where empty.
    """

    cosines: Array
    values: Array
    counts: Array


class KernelTable:
    """Interactions of any number of cases over shared states, both bounded; the oldest go first.

    States are kept as float16 values, so that their text in `state` is exact; cosines are taken in float32 without
    BLAS, whose results depend on the number of its threads.
    """

    def __init__(self, entries: int, states: int, longest: int, same: float) -> None:
        """An empty table.

        Args:
            entries: the most interactions kept of one case.
            states: the most states kept; an interaction goes with its state.
            longest: the most observations that one interaction counts for, 1/η.
            same: the cosine from which two states are one.
        """
        self._entries, self._capacity, self._longest, self._same = entries, states, longest, same
        self._clear(0)

    def near(self, state: Vectors, case_ids: Sequence[str]) -> Interactions:
        """The interactions of cases, with the cosines of a state of shape (d,) to theirs.

        A state of another dimension than those kept has nothing in common with them: no interactions then.
        """
        rows = [self._rows.get(case_id, NOBODY) for case_id in case_ids]
        numbers = self._numbers[rows]
        kept = numbers >= self._first
        if np.size(state) != self._dimension:
            kept[:] = False
        cosines = np.zeros(numbers.shape)
        cosines[kept] = self._cosines(np.asarray(state, dtype=np.float32), numbers[kept] % self._capacity)
        return Interactions(cosines, self._values[rows], np.where(kept, self._counts[rows], 0.0))

    def record(self, state: Vectors, case_id: str, value: float, found: Interactions) -> None:
        """Add an observed value of a case at a state; `found` is what `near` gives for just these.

        At a state that is there: Q' += (value - Q')/n', where n' counts this observation too, up to `longest`.
        """
        cosines = np.where(found.counts[0] > 0, found.cosines[0], -2.0)
        place = int(np.argmax(cosines))
        if cosines[place] >= self._same:
            row = self._rows[case_id]
            count = min(self._counts[row, place] + 1.0, float(self._longest))
            self._counts[row, place] = count
            self._values[row, place] += (value - self._values[row, place]) / count
        else:
            number = self._number(state)
            self._append(self._row(case_id), number, value)

    def state(self) -> TableState:
        """What `restored` needs; the same for the same interactions, in whatever order cases were met."""
        slots = np.arange(self._first, self._next) % self._capacity
        cases = {case_id: self._case_state(row) for case_id, row in sorted(self._rows.items())}
        return TableState(
            dimension=self._dimension,
            first=self._first,
            states=pack(self._states[slots]),
            cases={case_id: one for case_id, one in cases.items() if one.numbers},
        )

    def restored(self, state: TableState) -> KernelTable:
        """A table with this one's bounds and the given interactions. InvalidInputError if they can't be such."""
        table = KernelTable(self._entries, self._capacity, self._longest, self._same)
        vectors = _matrix(state.states, state.dimension)
        table._clear(state.dimension)
        table._first, table._next = state.first, state.first + len(vectors)
        if len(vectors) > self._capacity:
            raise InvalidInputError("the state holds more tasks than it may")
        slots = np.arange(table._first, table._next) % self._capacity
        table._grow_states(int(slots.max(initial=-1)) + 1)
        table._states[slots], table._scale[slots] = vectors, _scales(vectors)
        for case_id, one in state.cases.items():
            table._check(one)
            row, size = table._row(case_id), len(one.numbers)
            table._numbers[row, :size] = one.numbers
            table._values[row, :size] = one.values
            table._counts[row, :size] = one.counts
        return table

    def _clear(self, dimension: int) -> None:
        self._dimension = dimension
        self._first = self._next = 0
        self._states = np.empty((0, dimension), dtype=np.float32)
        self._scale = np.empty(0)
        self._rows: dict[str, int] = {}
        self._numbers = np.full((1, self._entries), EMPTY, dtype=np.int64)
        self._values = np.zeros((1, self._entries))
        self._counts = np.zeros((1, self._entries))

    def _cosines(self, state: Vectors, slots: NDArray[np.int64]) -> Array:
        """Of a state with those in the given slots; copying a fourth of the states takes longer than comparing all."""
        if len(slots) == 0:
            return np.empty(0)
        every = len(slots) > len(self._states) / 4
        states, scale = (self._states, self._scale) if every else (self._states[slots], self._scale[slots])
        length = float(np.sqrt(np.einsum("i,i->", state, state, dtype=np.float64)))
        products = np.einsum("ij,j->i", states, state).astype(np.float64)
        cosines: Array = np.clip(products * scale / (length or 1.0), -1.0, 1.0)
        return cosines[slots] if every else cosines

    def _number(self, state: Vectors) -> int:
        """The number of a state: the last one's if it is the same, as for the cases of one slate, else a new one."""
        vector = np.asarray(state, dtype=np.float16).astype(np.float32)
        if len(vector) != self._dimension:
            self._clear(len(vector))
        if self._next > self._first and np.array_equal(self._states[(self._next - 1) % self._capacity], vector):
            return self._next - 1
        slot = self._next % self._capacity
        self._grow_states(slot + 1)
        self._states[slot], self._scale[slot] = vector, _scales(vector[None, :])[0]
        self._next += 1
        self._first = max(self._first, self._next - self._capacity)
        return self._next - 1

    def _append(self, row: int, number: int, value: float) -> None:
        kept = self._numbers[row] >= self._first
        size = int(kept.sum())
        keep = min(size, self._entries - 1)
        for column, new in ((self._numbers, number), (self._values, value), (self._counts, 1)):
            newest = column[row, kept][size - keep :]
            column[row] = EMPTY if column is self._numbers else 0
            column[row, :keep], column[row, keep] = newest, new

    def _row(self, case_id: str) -> int:
        if case_id not in self._rows:
            row = len(self._rows) + 1
            if row >= len(self._numbers):
                self._numbers = _longer(self._numbers, 2 * row, EMPTY)
                self._values = _longer(self._values, 2 * row, 0)
                self._counts = _longer(self._counts, 2 * row, 0)
            self._rows[case_id] = row
        return self._rows[case_id]

    def _grow_states(self, size: int) -> None:
        if size > len(self._states):
            size = min(2 * size, self._capacity)
            self._states = _longer(self._states, size, 0)
            self._scale = _longer(self._scale, size, 0)

    def _case_state(self, row: int) -> CaseState:
        kept = self._numbers[row] >= self._first
        return CaseState(
            numbers=self._numbers[row, kept].tolist(),
            values=self._values[row, kept].tolist(),
            counts=self._counts[row, kept].astype(int).tolist(),
        )

    def _check(self, one: CaseState) -> None:
        if not 0 < len(one.numbers) == len(one.values) == len(one.counts) <= self._entries:
            raise InvalidInputError("a case's interactions are too many, or lack a part")
        rising = all(before <= after for before, after in zip(one.numbers, one.numbers[1:], strict=False))
        if not rising or one.numbers[0] < self._first or one.numbers[-1] >= self._next:
            raise InvalidInputError("a case's interactions name tasks that are not there, or not in order")
        if min(one.counts) < 1 or max(one.counts) > self._longest:
            raise InvalidInputError(f"an interaction counts for less than 1 or more than {self._longest} observations")


def _matrix(text: str, dimension: int) -> Vectors:
    try:
        values = unpack(text)
    except ValueError as error:
        raise InvalidInputError("the tasks' vectors can't be read") from error
    if values.size % max(dimension, 1) or (dimension == 0 and values.size) or not np.isfinite(values).all():
        raise InvalidInputError(f"the tasks' vectors are not finite ones of length {dimension}")
    return values.reshape(-1, max(dimension, 1))[:, :dimension]


def _scales(vectors: Vectors) -> Array:
    """1/length of each row; 0 for a zero row, which is like nothing."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    scales: Array = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return scales


def _longer(array: NDArray[Any], size: int, fill: int) -> NDArray[Any]:
    longer = np.full((size, *array.shape[1:]), fill, dtype=array.dtype)
    longer[: len(array)] = array
    return longer
