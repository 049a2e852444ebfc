"""Arithmetic as people write it, put into the form that Python's syntax has for it."""

from __future__ import annotations

import re

from tools.servers.signs import plain_signs

_SYMBOLS = str.maketrans({"$": "", "€": "", "£": ""})
_DEGREES = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(?:°|deg(?:rees?)?\b)")
_MODULO = re.compile(r"\bmod\b")
_MORE_PERCENT = re.compile(r"(?<=[\w.)])(?<![^\w.]1)\s*[-+]\s*(\d+(?:\.\d+)?|\.\d+)\s*%(?=\s*(?:$|[-+)]))")
"""200 + 10%, but neither 5% + 3% nor (1 + 5%)."""
_LETTERS = re.compile(r"[A-Za-z_]{2,}")
_THOUSANDS = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?![\d,])")
_HEXADECIMAL = re.compile(r"(?<![\w.])0[xX][0-9A-Fa-f]+")
_TIMES = re.compile(r"(?<=[\d)])\s*[xX]\s*(?=[\d(.-])")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(?:%(?=\s*(?:$|[-+*/)]))|\s*%(?=\s*of\b))")
"""5% and 5 % of; what stands as in 17 % 5 is the remainder."""
_OF = re.compile(r"\bof\b")
_TWO_WAYS = re.compile(r"/\s*\d+(?:\.\d+)?\s*\(")
_IMPLIED = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s*(?=[A-Za-z(])(?![eE][+-]?\d)|(?<=\))\s*(?=[A-Za-z\d(])")
_FACTORIAL = re.compile(r"(?<![\w.])(\d+)\s*!(?![=!])")
_NAME_BEFORE = re.compile(r"[A-Za-z_]\w*$")


def as_python(expression: str) -> str:
    """The expression with `*`, `**`, `/` and calls where people write ×, ^, ÷, "of", 5%, 2(3 + 4), 5!.

    Raises:
        ValueError: it could be read in two ways.
    """
    text = plain_signs(expression.strip().rstrip("=? ")).translate(_SYMBOLS)
    hexadecimal = _HEXADECIMAL.search(text)
    if hexadecimal is not None:
        raise ValueError(
            f"{hexadecimal[0][:20]} is hexadecimal, which is not read; write decimal numbers, and * for times"
        )
    if not _LETTERS.search(text):  # in max(1,200) a comma separates
        text = _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)
    text = _MODULO.sub("%", _DEGREES.sub(r"radians(\1)", text))
    more = _MORE_PERCENT.search(text)
    if more is not None:
        raise ValueError(f"a{more[0].replace(' ', '')} can be read in two ways; write a * (1 + p/100) or a + p/100")
    text = _TIMES.sub("*", text)
    text = _OF.sub("*", _PERCENT.sub(r"(\1/100)", text))
    if _TWO_WAYS.search(text):
        raise ValueError("a/b(c) can be read in two ways; write a/b*(c) or a/(b*(c))")
    return _IMPLIED.sub(lambda match: f"{match[1] or ''}*", _factorials(text))


def _factorials(text: str) -> str:
    """5! and (2 + 3)! as calls."""
    text = _FACTORIAL.sub(r"factorial(\1)", text)
    while (mark := text.find(")!")) >= 0 and text[mark + 2 : mark + 3] not in ("!", "="):
        start = _opening(text, mark)
        if start < 0:
            break
        text = f"{text[:start]}factorial({text[start : mark + 1]}){text[mark + 2 :]}"
    return text


def _opening(text: str, close: int) -> int:
    """Where what ends in this bracket begins, the name of a function included; -1: nowhere."""
    depth = 0
    for place in range(close, -1, -1):
        depth += (text[place] == ")") - (text[place] == "(")
        if depth == 0:
            name = _NAME_BEFORE.search(text[:place])
            return name.start() if name is not None else place
    return -1
