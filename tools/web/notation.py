"""Superscripts, subscripts and formulas (MathML) of an HTML page, written out in a line: 10^13, x_i, (a + b)/2."""

from __future__ import annotations

import re
from typing import TypeAlias

from tools.web.visible import HtmlElement

Parts: TypeAlias = list[str]
DEEPEST = 40
"""Formulas nested deeper are told as their characters."""
_SIMPLE = re.compile(r"[+-]?(?:\d+(?:[.,]\d+)*|[^\W\d_]+|\*|′+)?")
"""What is read as one in a line; 2a would be read as 2 times a after a power or a fraction's stroke."""
_FORMULA = re.compile(r"[^\s\[\]][^\[\]]{0,39}")
_ORDINAL = re.compile(r"st|nd|rd|th|e|er|re|ère|ème", re.IGNORECASE)
"""After a digit or a Roman numeral: no power."""
_MARK = re.compile(r"[ªº™®*†‡]+|tm|sm", re.IGNORECASE)
_ONE_PART = re.compile(r"[+-]?\d+(?:[.,]\d+)*|√?\([^()]*\)")
_APPLIED, _INVISIBLE = "\u2061", re.compile("[\u2062-\u2064]")
_BINARY = frozenset("=+-±∓×·÷<>≤≥≠≈≡∼∝→←⇒⇔∈∉⊂⊆∪∩∧∨|")
_NOTHING = frozenset({"annotation", "annotation-xml", "mphantom", "maligngroup", "malignmark", "none", "mprescripts"})


def write_out(root: HtmlElement) -> None:
    """Change the tree so that its text says what small letters and formulas say to who looks at them.

    Args:
        root: of a tree from which hidden elements are gone already.
    """
    for formula in list(root.iter("math")):
        _drop_second_rendering(formula)
        _becomes(formula, " ".join(_linear(formula, 0).split()))
    for raised in reversed(list(root.iter("sup", "sub"))):  # what is inside another one first
        text = " ".join(str(raised.text_content()).split()).replace("\u2212", "-")
        if raised.find(".//a") is None and not _is_mark(text, _text_before(raised)[-1:]) and _FORMULA.fullmatch(text):
            _becomes(raised, _lowered(text, raised) if raised.tag == "sub" else f"^{_one(text)}")


def _is_mark(text: str, before: str) -> bool:
    ordinal = (before.isdecimal() or before in tuple("IVXLCDM")) and _ORDINAL.fullmatch(text)
    return bool(ordinal or _MARK.fullmatch(text))


def _one(text: str) -> str:
    """In parentheses where it would not be read as one."""
    return text if _SIMPLE.fullmatch(text) else f"({text})"


def _lowered(text: str, element: HtmlElement) -> str:
    """H2O and a1 are understood; after and before a digit, and for what is no number, the line is needed."""
    before, after = _text_before(element)[-1:], (element.tail or "")[:1]
    return text if text.isdecimal() and before.isalpha() and not after.isdecimal() else f"_{_one(text)}"


def _text_before(element: HtmlElement) -> str:
    previous = element.getprevious()
    if previous is None:
        return str(element.getparent().text or "") if element.getparent() is not None else ""
    return str(previous.tail or previous.text_content())


def _becomes(element: HtmlElement, text: str) -> None:
    tail = element.tail
    element.clear()
    element.tag, element.text, element.tail = "span", text, tail


def _drop_second_rendering(formula: HtmlElement) -> None:
    """KaTeX writes a formula twice, the second time for the eye."""
    frame = formula.getparent()
    second = frame.getnext() if frame is not None else None
    if second is not None and "katex-html" in second.get("class", "").split():
        second.drop_tree()


def _linear(element: HtmlElement, depth: int) -> str:
    if not isinstance(element.tag, str) or element.tag in _NOTHING:
        return ""
    if depth > DEEPEST:
        return str(element.text_content())
    if len(element) == 0:
        return _token(element)
    children = [child for child in element if isinstance(child.tag, str) and child.tag not in _NOTHING]
    parts = [_linear(child, depth + 1) for child in children]
    if element.tag in ("mtable", "mtr", "mlabeledtr"):
        inside = (", " if element.tag != "mtable" else "; ").join(part.strip() for part in parts)
        return f"[{inside}]" if element.tag == "mtable" else inside
    if element.tag == "mfenced":
        return f"{element.get('open', '(')}{', '.join(parts)}{element.get('close', ')')}"
    if element.tag == "msqrt":
        return f"√({''.join(parts).strip()})"
    return _scripted(element.tag, [" ".join(part.split()) for part in parts]) or "".join(parts)


def _scripted(tag: str, parts: Parts) -> str:
    """What has two or three parts with a place each; empty for what has not."""
    match tag, parts:
        case "mfrac", [above, below]:
            return f"{_grouped(above)}/{_grouped(below)}"
        case "mroot", [base, degree]:
            return f"({base})^(1/{_grouped(degree)})"
        case "msup", [base, power]:
            return f"{_grouped(base)}^{_grouped(power)}"
        case "msub" | "munder", [base, index]:
            return f"{base}_{_grouped(index)}"
        case "msubsup" | "munderover", [base, index, power]:
            return f"{base}_{_grouped(index)}^{_grouped(power)} "
        case "mover", [base, above]:
            return f"{base}^{_grouped(above)}" if above.isalnum() else f"{base}{above}"
    return ""


def _grouped(part: str) -> str:
    return part if len(part) <= 1 or _ONE_PART.fullmatch(part) else f"({part})"


def _token(element: HtmlElement) -> str:
    if element.tag == "mspace":
        return " "
    text = _INVISIBLE.sub("", " ".join((element.text or "").split())).replace("\u2212", "-").replace(_APPLIED, " ")
    binary = element.tag == "mo" and text in _BINARY and element.getprevious() is not None
    return f" {text} " if binary or element.tag == "mtext" else text
