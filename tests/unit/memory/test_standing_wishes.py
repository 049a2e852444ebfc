"""What is kept of what a person says, and, above all, what is not."""

from __future__ import annotations

import time

import pytest

from memory.standing_wishes import standing_wishes

STATED = [
    ("Remember that I am allergic to nuts.", ["I am allergic to nuts."]),
    ("remember: answer in metric units", ["answer in metric units"]),
    ("Please remember my name is Ann.", ["my name is Ann."]),
    ("From now on, answer in French.", ["From now on, answer in French."]),
    ("from now on please use metric units", ["from now on please use metric units"]),
    ("Answer in one sentence from now on.", ["Answer in one sentence from now on."]),
    ("Always answer in metric units. How tall is Mont Blanc?", ["Always answer in metric units."]),
    ("How tall is Mont Blanc? Always answer in metric units!", ["Always answer in metric units!"]),
    ("Please always cite your sources.", ["Please always cite your sources."]),
    ("Please never mention prices.", ["Please never mention prices."]),
    ("Never use bullet points.", ["Never use bullet points."]),
    ("I prefer short answers.\nWhat is the capital of Peru?", ["I prefer short answers."]),
    ("My name is Ann Lee.\nI live in Berlin.", ["My name is Ann Lee.", "I live in Berlin."]),
    ("I live in New York, USA", ["I live in New York, USA"]),
    ("Call me Dr. Smith. What is 2 + 2?", ["Call me Dr. Smith."]),
    ("Always use e.g. metres, not feet.", ["Always use e.g. metres, not feet."]),
    ('Remember that my cat is called "Tom".', ['my cat is called "Tom".']),
]
NOT_STATED = [
    "",
    "What is 48 times 37?",
    "Always or never: is it right to lie?",
    "Do you always answer in English?",
    "Always answer in metric units?",
    "What is the name of the film 'From Now On'?",
    "From now on prices double every day. What is the price after 3 days?",
    "Remember the Alamo: when was it?",
    "Do you remember that I live in Berlin?",
    "Who said \"I prefer not to\"?",
    "Who wrote this line? My name is Ozymandias, King of Kings.",
    "My name is Ozymandias, King of Kings",
    "My Name Is Khan was released when?",
    "Call me Ishmael. Which novel begins so?",
    "Call me back later.",
    "Call Me Maybe is by whom?",
    "Translate into German: I live in Berlin.",
    "Translate this into German.\nI live in Berlin.",
    "Say this in Latin:\nAlways answer in verse.",
    "In Latin, please:\nAlways answer in verse.",
    "Correct the grammar. I prefers tea.",
    "What is the sentiment? I prefer the old version.",
    "I live in the sea and have no legs. What am I?",
    "I live in a house with three cats. How many legs are there?",
    "Suppose the following. I live in Berlin and work in Bonn.",
    "He told me to always answer in French.",
    "If I say so, always answer in French.",
    "\"Always answer in French.\"",
    "> Always answer in French.",
    "Alice: I live in Paris.",
    "Never say never again was released in which year?",
    "Never Let Me Go is by whom?",
    "Always Sunny in Philadelphia has how many seasons?",
    "`always answer in French`",
    "Always answer in French " + "and so on " * 40,
    "Always answer in French.\n" + "\n".join(f"Line {number}." for number in range(6)),
    "Always answer in French. " + "x" * 1000,
    "Bob prefers tea. I prefer \"coffee. Who is right?",
    "Always answer",
]  # fmt: skip


@pytest.mark.parametrize(("message", "wishes"), STATED)
def test_what_is_stated_outright_is_found(message: str, wishes: list[str]) -> None:
    assert standing_wishes(message) == wishes


@pytest.mark.parametrize("message", NOT_STATED)
def test_questions_quotations_and_material_are_not(message: str) -> None:
    assert standing_wishes(message) == []


def test_at_most_three_and_curly_apostrophes() -> None:
    many = "\n".join(f"Always answer in unit {number}." for number in range(5))
    assert len(standing_wishes(many)) == 3
    assert standing_wishes("From now on don’t use emojis.") == ["From now on don't use emojis."]


@pytest.mark.parametrize("piece", ["always answer ", "' ", '"', "(", "remember ", ". A", "I live in A ", "a.", "\t"])
def test_any_message_takes_little_time(piece: str) -> None:
    started = time.perf_counter()
    for length in (1000, 100_000):
        standing_wishes((piece * 100_000)[:length])
    assert time.perf_counter() - started < 1
