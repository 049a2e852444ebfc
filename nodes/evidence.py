"""Which tool calls a subtask's result rests on: those that gave values or words which the result repeats. Pure.

A call counts if the result has a number of it, or enough of its words; so does a call whose result went into the
arguments of one that counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from graph.state import ToolCallRecord
from nodes.outcomes import call_line, is_useful

MOST = 5
LOOKED_AT = 200
"""The latest calls; a subtask with more has long left the first ones behind."""

TEXT_CHARS = 8000
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?!\w)")
_WORD = re.compile(r"[^\W\d_]{4,}")
ENOUGH_WORDS = 3
ENOUGH_SHARE = 0.5
LONGEST_VALUE = 200
SMALLEST_NUMBER = 10
"""Smaller ones stand anywhere, so one that is handed on proves nothing."""


def evidence(result: str, calls: Sequence[ToolCallRecord]) -> list[str]:
    """One line for each call that the result rests on, in the order of the calls; the MOST telling ones.

    Args:
        result: what the subtask gave; empty where it gave nothing, which rests on nothing.
        calls: all calls of the subtask.
    """
    useful = [call for call in calls if is_useful(call)][-LOOKED_AT:]
    found = [overlap(result, call["result"]) for call in useful]
    wanted = _values_of_arguments([call for call, score in zip(useful, found, strict=True) if score])
    for place, call in enumerate(useful):
        if not found[place] and values(call["result"]) & wanted:
            found[place] = 0.5
    best = sorted((place for place, score in enumerate(found) if score), key=lambda place: -found[place])[:MOST]
    return list(dict.fromkeys(call_line(useful[place]) for place in sorted(best)))


def overlap(result: str, given: str) -> float:
    """How much of what a call gave is in a result: its numbers, and a share of the result's words; 0 if too little."""
    numbers = len(numbers_in(result) & numbers_in(given))
    said = words_in(result)
    shared = len(said & words_in(given))
    enough = shared >= ENOUGH_WORDS or (bool(said) and shared / len(said) >= ENOUGH_SHARE)
    same = result.strip().casefold() == given.strip().casefold() != ""
    return numbers + (shared / len(said) if enough else 0.0) + same


def numbers_in(text: str) -> set[Decimal]:
    """The numbers in a text by their value: 1,776 is 1776.0."""
    return set(number_list(text))


def number_list(text: str) -> list[Decimal]:
    """The same in their order."""
    found: list[Decimal] = []
    for match in _NUMBER.finditer(text[:TEXT_CHARS]):
        try:
            found.append(Decimal(match[0].replace(",", "")).normalize())
        except InvalidOperation:
            continue
    return found


def words_in(text: str) -> set[str]:
    """The words of four letters or more, case folded."""
    return set(_WORD.findall(text[:TEXT_CHARS].casefold()))


def values(text: str) -> set[str]:
    """The numbers of a text, and the whole of a short one: what may be handed on to another call."""
    whole = " ".join(text.casefold().split())
    numbers = {str(each) for each in numbers_in(text) if abs(each) >= SMALLEST_NUMBER}
    return numbers | ({whole} if 0 < len(whole) <= LONGEST_VALUE else set())


def _values_of_arguments(calls: Sequence[ToolCallRecord]) -> set[str]:
    found: set[str] = set()
    for call in calls:
        for argument in call["arguments"].values():
            text = argument if isinstance(argument, str) else json.dumps(argument, ensure_ascii=False)
            found |= values(text)
    return found
