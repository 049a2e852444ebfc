"""Equations of Word (Office Math, ISO/IEC 29500-1, 22.1) as text in one line: x^2, (a + b)/c, √(x), ∑_(i=1)^n i."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tools.documents.document import EXTRA
from tools.servers.extras import need

SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_IS_MATH = re.compile(
    r"\{http://(?:schemas\.openxmlformats\.org|purl\.oclc\.org/ooxml)/officeDocument/(?:2006/)?math\}"
)
_ATOM = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]|[({][^(){}]*[)}]|[^\w\s]?")
_HEAVY = ("word/media/", "word/embeddings/")


def with_equations(path: Path, into: Path) -> Path:
    """A Word document whose equations are runs of text: a copy without pictures where it has any, else itself.

    Raises:
        Exception: of zipfile and lxml, on damaged files.
    """
    etree = need("lxml.etree", EXTRA)
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    with zipfile.ZipFile(path) as archive:
        texts = [name for name in archive.namelist() if re.fullmatch(r"word/\w+\.xml", name)]
        having = {name for name in texts if b"oMath" in archive.read(name)}
        if not having:
            return path
        with zipfile.ZipFile(into, "w") as copy:
            for name in dict.fromkeys(archive.namelist()):
                if name in having:
                    root = etree.fromstring(archive.read(name), parser)
                    _replace(root, etree)
                    copy.writestr(name, etree.tostring(root))
                elif not name.startswith(_HEAVY):
                    with archive.open(name) as source, copy.open(name, "w") as target:
                        shutil.copyfileobj(source, target)
    return into


def _replace(root: Any, etree: Any) -> None:
    word = root.tag.partition("}")[0] + "}"
    for each in [each for each in root.iter() if _local(each) == "oMath"]:
        run = etree.Element(f"{word}r")
        text = etree.SubElement(run, f"{word}t")
        text.text = f" {' '.join(linear(each).split())} "
        text.set(SPACE, "preserve")
        outer = each.getparent()
        if outer is None:
            continue
        place = outer if _local(outer) == "oMathPara" else each
        if place is not each and place.getparent() is None:
            continue
        if place.getparent().tag in (f"{word}body", f"{word}tc"):
            paragraph = etree.Element(f"{word}p")
            paragraph.append(run)
            run = paragraph
        place.addprevious(run)
        if place is each:
            run.tail = each.tail
            outer.remove(each)
    for each in [each for each in root.iter() if _local(each) == "oMathPara"]:
        each.getparent().remove(each)


def linear(element: Any) -> str:
    """An element of Office Math and what is in it."""
    name = _local(element)
    if name in _WRITTEN:
        return _WRITTEN[name](element)
    if name == "t" or (isinstance(element.tag, str) and element.tag.endswith("main}t")):
        return element.text or ""
    return "".join(linear(child) for child in element if isinstance(child.tag, str) and not child.tag.endswith("Pr"))


def _local(element: Any) -> str:
    """The name of an element of Office Math; empty for others."""
    match = _IS_MATH.match(element.tag) if isinstance(element.tag, str) else None
    return element.tag[match.end() :] if match else ""


def _children(element: Any, name: str) -> Iterator[Any]:
    return (child for child in element if _local(child) == name)


def _of(element: Any, name: str) -> str:
    return "".join(linear(child) for child in _children(element, name)).strip()


def _setting(element: Any, name: str, default: str) -> str:
    for properties in (child for child in element if _local(child).endswith("Pr")):
        for each in _children(properties, name):
            return next((str(value) for key, value in each.attrib.items() if key.endswith("val")), "")
    return default


def _grouped(text: str) -> str:
    """In brackets, unless it is one letter, number or sign, or is so already."""
    return text if _ATOM.fullmatch(text) else f"({text})"


def _fraction(element: Any) -> str:
    over, under = _of(element, "num"), _of(element, "den")
    if _setting(element, "type", "bar") == "noBar":
        return f"({over} over {under})"
    return f"{_grouped(over)}/{_grouped(under)}"


def _scripts(element: Any) -> str:
    return _grouped(_of(element, "e")) + _around(element)


def _around(element: Any) -> str:
    below, above = _of(element, "sub"), _of(element, "sup")
    return (f"_{_grouped(below)}" if below else "") + (f"^{_grouped(above)}" if above else "")


def _sum(element: Any) -> str:
    return f"{_setting(element, 'chr', '∫')}{_around(element)} {_of(element, 'e')}"


def _root(element: Any) -> str:
    degree = _of(element, "deg")
    return f"√{f'[{degree}]' if degree else ''}({_of(element, 'e')})"


def _brackets(element: Any) -> str:
    inner = _setting(element, "sepChr", "|").join(linear(each).strip() for each in _children(element, "e"))
    return f"{_setting(element, 'begChr', '(')}{inner}{_setting(element, 'endChr', ')')}"


def _function(element: Any) -> str:
    inner = _of(element, "e")
    return f"{_of(element, 'fName')}{inner if inner.startswith('(') and inner.endswith(')') else f'({inner})'}"


def _matrix(element: Any) -> str:
    rows = [", ".join(linear(each).strip() for each in _children(row, "e")) for row in _children(element, "mr")]
    return f"[{'; '.join(rows)}]"


def _accent(element: Any) -> str:
    inner = _of(element, "e")
    return inner + _setting(element, "chr", "\u0302") if len(inner) == 1 else inner


_WRITTEN: dict[str, Callable[[Any], str]] = {
    "f": _fraction,
    "sSup": _scripts,
    "sSub": _scripts,
    "sSubSup": _scripts,
    "sPre": lambda element: _around(element) + _of(element, "e"),
    "nary": _sum,
    "rad": _root,
    "d": _brackets,
    "func": _function,
    "limLow": lambda element: f"{_of(element, 'e')}_{_grouped(_of(element, 'lim'))}",
    "limUpp": lambda element: f"{_of(element, 'e')}^{_grouped(_of(element, 'lim'))}",
    "m": _matrix,
    "eqArr": lambda element: "; ".join(linear(each).strip() for each in _children(element, "e")),
    "acc": _accent,
}
