"""Draw a world from its parameters and a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.simulation.reader import SimTask
from evaluation.simulation.world import Floats, Looks, SimCase, World, WorldSpec

START = 1_700_000_000.0
HOUR = 3600.0
PAST_DAYS = 60.0
"""The cases of the start were written within this time before the stream begins."""


@dataclass(frozen=True)
class _Families:
    """What the families are: arrays of shape (families,) but `new_tool`, which is what `tool` becomes when renamed."""

    popularity: NDArray[np.float64]
    topic: NDArray[np.int64]
    tool: NDArray[np.int64]
    new_tool: NDArray[np.int64]
    trap: NDArray[np.int64]


def draw_world(spec: WorldSpec, seed: int, stream: int = 0) -> World:
    """The same world for the same parameters and seed; another stream of it has the same families, but other tasks."""
    kinds_rng = np.random.default_rng([seed, sum(spec.name.encode())])
    rng = np.random.default_rng([seed, sum(spec.name.encode()), stream])
    families = _families(spec, kinds_rng)
    looks = spec.looks
    axes = (_directions(spec.topics, looks.dimension, kinds_rng), _directions(spec.tools, looks.dimension, kinds_rng))
    tasks = [_task(spec, families, number, rng) for number in range(spec.tasks)]
    kinds = [task.family for task in tasks]
    given: list[SimCase] = []
    for _ in range(spec.imports):
        _add(given, kinds, _imported(spec, families, len(kinds), rng))
    for _ in range(spec.own):
        _add(given, kinds, _own(spec, families, len(kinds), rng))
    for family in np.argsort(-families.popularity)[: spec.forged_families] if spec.forged else ():
        tool = _other(int(families.tool[family]), spec.tools, rng)
        for _ in range(spec.forged):
            before = round(spec.tasks * spec.forged_at)
            at = START + before * spec.hours * HOUR
            _add(given, kinds, (int(family), SimCase(len(kinds), tool, 1, "import", at, before, forged=True)))
    noise = np.full(len(kinds), 1 - spec.looks.topic - spec.looks.skill)
    noise[[case.row for case in given if case.forged]] = spec.forged_noise
    kind = np.array(kinds)
    vectors = _vectors(looks, families, axes, kind, noise, rng)
    return World(spec, seed, tasks, given, vectors, _bags(spec, families, kind, rng))


def _add(given: list[SimCase], kinds: list[int], made: tuple[int, SimCase]) -> None:
    family, case = made
    kinds.append(family)
    given.append(case)


def _families(spec: WorldSpec, rng: np.random.Generator) -> _Families:
    """Families that share a topic get different tools; a renamed tool has its own number, tools + its old one."""
    count = spec.families
    popularity = np.arange(1, count + 1, dtype=float) ** -spec.zipf
    topic = rng.permutation(np.arange(count) % spec.topics)
    tool = np.empty(count, dtype=np.int64)
    for shared in range(spec.topics):
        alike = np.flatnonzero(topic == shared)
        tool[alike] = rng.permutation(spec.tools)[: len(alike)]
    renamed = rng.permutation(count) < round(spec.renamed * count)
    trap = np.array([_other(int(one), spec.tools, rng) for one in tool])
    return _Families(popularity / popularity.sum(), topic, tool, np.where(renamed, tool + spec.tools, tool), trap)


def _task(spec: WorldSpec, families: _Families, number: int, rng: np.random.Generator) -> SimTask:
    family = _family(families, rng)
    renamed = number >= round(spec.tasks * spec.renamed_at)
    ability, execution, *draws = rng.beta(2, 4), rng.beta(9, 1), *rng.random(3)
    return SimTask(
        number,
        f"task {number}",
        START + number * spec.hours * HOUR,
        family,
        int((families.new_tool if renamed else families.tool)[family]),
        int(families.trap[family]),
        ability,
        execution,
        (draws[0], draws[1], draws[2]),
    )


def _imported(spec: WorldSpec, families: _Families, row: int, rng: np.random.Generator) -> tuple[int, SimCase]:
    family = _family(families, rng)
    success, right = rng.random() < spec.import_success, rng.random() < spec.import_right
    tool = int(families.tool[family])
    used = tool if success and right else _other(tool, spec.tools, rng)
    return family, SimCase(row, used, 1 if success else 0, "import", _past(rng))


def _own(spec: WorldSpec, families: _Families, row: int, rng: np.random.Generator) -> tuple[int, SimCase]:
    """What the reader made of a task by itself."""
    task = _task(spec, families, 0, rng)
    used, success = spec.reader.attempt(task, [])
    return task.family, SimCase(row, used, 1 if success else 0, "ground_truth", _past(rng))


def _past(rng: np.random.Generator) -> float:
    return START - float(rng.random()) * PAST_DAYS * 24 * HOUR


def _family(families: _Families, rng: np.random.Generator) -> int:
    return int(rng.choice(len(families.popularity), p=families.popularity))


def _other(tool: int, tools: int, rng: np.random.Generator) -> int:
    return int((tool + rng.integers(1, tools)) % tools)


def _vectors(
    looks: Looks,
    families: _Families,
    axes: tuple[NDArray[np.float64], NDArray[np.float64]],
    kind: NDArray[np.int64],
    noise: NDArray[np.float64],
    rng: np.random.Generator,
) -> Floats:
    """Unit vectors: topic, skill and noise by their shares. A renamed tool does not change what its tasks look like."""
    topics, skills = axes
    signal = np.sqrt(looks.topic) * topics[families.topic[kind]] + np.sqrt(looks.skill) * skills[families.tool[kind]]
    scale = np.sqrt((1 - noise) / (looks.topic + looks.skill))[:, None]
    vectors = signal * scale + np.sqrt(noise)[:, None] * _directions(len(kind), looks.dimension, rng)
    unit: Floats = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _directions(count: int, dimension: int, rng: np.random.Generator) -> NDArray[np.float64]:
    drawn = rng.standard_normal((count, dimension))
    directions: NDArray[np.float64] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return directions


def _bags(spec: WorldSpec, families: _Families, kind: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which words each text has: some of its topic's, some of its skill's, some that anything may have."""
    words = spec.words
    skills = spec.topics * words.topic_vocabulary
    others = skills + spec.tools * words.skill_vocabulary
    bags = np.zeros((len(kind), others + words.other_vocabulary), dtype=bool)
    for row, family in enumerate(kind):
        topic = families.topic[family] * words.topic_vocabulary
        skill = skills + families.tool[family] * words.skill_vocabulary
        bags[row, topic + rng.permutation(words.topic_vocabulary)[: words.topic]] = True
        bags[row, skill + rng.permutation(words.skill_vocabulary)[: words.skill]] = True
        bags[row, others + rng.permutation(words.other_vocabulary)[: words.other]] = True
    return bags
