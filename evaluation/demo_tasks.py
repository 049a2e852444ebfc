"""The demo's tasks: families that need different tools, drawn with seeds, their answers computed without the tools."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeAlias

NOUNS = (
    "river",
    "stone",
    "apple",
    "garden",
    "winter",
    "candle",
    "pencil",
    "silver",
    "monkey",
    "yellow",
    "basket",
    "kitchen",
    "orange",
    "window",
    "mountain",
    "tiger",
    "letter",
    "bottle",
    "summer",
    "market",
    "flower",
    "bridge",
    "carpet",
    "doctor",
    "engine",
    "forest",
    "guitar",
    "hammer",
    "island",
    "jacket",
    "ladder",
    "magnet",
    "needle",
    "pepper",
    "rabbit",
    "saddle",
    "tunnel",
    "violet",
    "wallet",
    "zebra",
)
FIRST_DAY = date(2019, 1, 1)
DAYS = 2500

Values: TypeAlias = dict[str, str]
Drawn: TypeAlias = tuple[Values, str]
"""What goes into the wording, and the answer."""


@dataclass(frozen=True, slots=True)
class DemoTask:
    """One question with its one right answer."""

    family: str
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of task: several wordings, none of them a starter case's, and how numbers and answer are drawn."""

    name: str
    wordings: tuple[str, ...]
    draw: Callable[[random.Random], Drawn]

    def task(self, seed: int, position: int) -> DemoTask:
        """The task at a position of the stream; each position has numbers of its own, wordings take turns."""
        values, answer = self.draw(random.Random(f"{self.name}/{seed}/{position}"))  # noqa: S311  # no secret
        wording = self.wordings[position % len(self.wordings)]
        return DemoTask(self.name, wording.format(**values), answer)


def _product(rng: random.Random) -> Drawn:
    a, b = rng.randint(12, 99), rng.randint(12, 99)
    return {"a": str(a), "b": str(b)}, str(a * b)


def _share(rng: random.Random) -> Drawn:
    people, cents = rng.randint(3, 9), rng.randint(501, 2999)
    return {"people": str(people), "total": _plain(Decimal(cents * people) / 100)}, _plain(Decimal(cents) / 100)


def _days_between(rng: random.Random) -> Drawn:
    start, days = _day(rng), rng.randint(5, 300)
    return {"start": start.isoformat(), "end": (start + timedelta(days)).isoformat()}, str(days)


def _date_after(rng: random.Random) -> Drawn:
    start, days = _day(rng), rng.randint(11, 200)
    return {"start": start.isoformat(), "days": str(days)}, (start + timedelta(days)).isoformat()


def _backwards(rng: random.Random) -> Drawn:
    word = rng.choice(NOUNS)
    return {"word": word}, word[::-1]


def _weekday(rng: random.Random) -> Drawn:
    day = _day(rng)
    return {"day": day.isoformat()}, f"{day:%A}"


def _sum_times(rng: random.Random) -> Drawn:
    a, b, c = rng.randint(12, 99), rng.randint(12, 99), rng.randint(3, 9)
    return {"a": str(a), "b": str(b), "c": str(c)}, str((a + b) * c)


FAMILIES: tuple[Family, ...] = (
    Family(
        "multiplication",
        ("Multiply {a} by {b}.", "What is {a} multiplied by {b}?", "How much is {a} multiplied by {b}?"),
        _product,
    ),
    Family(
        "money",
        (
            "Split {total} dollars evenly among {people} people. How much does each get?",
            "{people} people share {total} dollars equally. How much does each get?",
            "A bill of {total} dollars is split by {people} guests. How much does each pay?",
        ),
        _share,
    ),
    Family(
        "days between dates",
        (
            "How many days lie between {start} and {end}?",
            "How many days is it from {start} to {end}?",
            "Count the days between {start} and {end}.",
        ),
        _days_between,
    ),
    Family(
        "date after days",
        (
            "What is the date {days} days after {start}?",
            "Which date comes {days} days after {start}?",
            "What date is it {days} days after {start}?",
        ),
        _date_after,
    ),
    Family(
        "text backwards",
        ("Write the word '{word}' backwards.", "Spell '{word}' backwards.", "What is '{word}' written backwards?"),
        _backwards,
    ),
    Family(
        "weekday",
        ("Which weekday is {day}?", "On which weekday did {day} fall?", "Tell me the weekday of {day}."),
        _weekday,
    ),
    Family(
        "two steps",
        (
            "Add {a} and {b}, then multiply by {c}.",
            "Add {a} and {b}. Then multiply the sum by {c}.",
            "Add {a} and {b} and multiply the sum by {c}.",
        ),
        _sum_times,
    ),
)


def demo_stream(rounds: int, seed: int, families: Sequence[Family] = FAMILIES) -> list[DemoTask]:
    """A stream of tasks: each round holds one of every family, in a shuffled order."""
    order = random.Random(f"order/{seed}")  # noqa: S311  # no secret
    stream: list[DemoTask] = []
    for position in range(rounds):
        tasks = [family.task(seed, position) for family in families]
        order.shuffle(tasks)
        stream += tasks
    return stream


def correct(answer: str | None, task: DemoTask) -> bool:
    """Whether an answer is exactly the right one; spaces around it and a closing full stop do not matter."""
    return answer is not None and answer.strip().removesuffix(".").casefold() == task.answer.casefold()


def _day(rng: random.Random) -> date:
    return FIRST_DAY + timedelta(rng.randint(0, DAYS))


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
