"""Signs that people write in formulas, as plain characters: × ÷ − ^ x² √2 π |x|."""

from __future__ import annotations

import re

_PLAIN = str.maketrans({"×": "*", "·": "*", "⋅": "*", "÷": "/", "−": "-", "–": "-", "^": "**", "π": "(pi)"})
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_POWER = re.compile(r"⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_ROOT = re.compile(r"√\s*(\d+(?:\.\d+)?|[^\W\d_](?!\w)|\((?:pi)\))")
_BARS = re.compile(r"\|(?!\s*[+*/)=<>|])([^|]+)(?<![-+*/(=<>\s])\s*\|")


def plain_signs(text: str) -> str:
    """The text with * / - ** sqrt() abs() and (pi) for the signs that stand for them."""
    text = _POWER.sub(lambda match: f"**({match[0].translate(_RAISED)})", text).translate(_PLAIN)
    text = _ROOT.sub(r"sqrt(\1)", text).replace("√", "sqrt")
    for _ in range(5):  # bars within bars
        text = _BARS.sub(r"(abs(\1))", text)
    return text
