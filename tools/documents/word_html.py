"""What mammoth's HTML of a Word document says with elements that markdown has none for."""

from __future__ import annotations

import re
from typing import Any

from tools.documents.document import EXTRA
from tools.servers.extras import need

MAX_NESTED = 20
"""Tables that are deeper in each other are left as they are."""
_BOX = re.compile(r"<input\b([^>]*)>(?=(\s)?)")
_SCRIPT = re.compile(r"<(su[bp])>((?:</?(?:em|strong)>)*)([^<]{1,200})((?:</?(?:em|strong)>)*)</\1>")
_ORDINAL = re.compile(r"(?:st|nd|rd|th|er|re|e|ère|ème|o|a|os|as|TM|®|™|©)", re.IGNORECASE)
_TABLES = re.compile(r"<(/?)table\b")
_SUBSCRIPTS = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")


def plain_elements(html: str) -> str:
    """The HTML with boxes as [x] and [ ], powers as ^, indices as small figures or _, and no table inside another."""
    html = _BOX.sub(lambda match: ("[x]" if "checked=" in match[1] else "[ ]") + ("" if match[2] else " "), html)
    html = _SCRIPT.sub(_script, html)
    return _apart(html) if 1 < _depth(html) <= MAX_NESTED else html


def _script(match: re.Match[str]) -> str:
    text = match[3]
    if match[1] == "sub":
        written = text.translate(_SUBSCRIPTS)
        raised = written if not re.search(r"[^₀-₎]", written) else f"_{_grouped(text)}"
    else:
        raised = text if _ORDINAL.fullmatch(text.strip()) or not text.strip() else f"^{_grouped(text)}"
    return f"{match[2]}{raised}{match[4]}"


def _grouped(text: str) -> str:
    return text if re.fullmatch(r"[-+−]?\w+[.,;:]?\s*|[^\w\s]", text) else f"({text})"


def _depth(html: str) -> int:
    """How deep tables are in each other."""
    depth = deepest = 0
    for match in _TABLES.finditer(html):
        depth += -1 if match[1] else 1
        deepest = max(deepest, depth)
    return deepest


def _apart(html: str) -> str:
    """A table that only arranges others on the page gives way to them; others are put below the one they are in."""
    soups = need("bs4", EXTRA)
    soup = soups.BeautifulSoup(html, "lxml")
    number = 0
    for outer in soup.find_all("table"):
        inner = [each for each in outer.find_all("table") if each.find_parent("table") is outer]
        if not inner:
            continue
        if _arranges(outer):
            _unwrap(outer)
            continue
        last = outer
        for each in inner:
            number += 1
            each.insert_before(soup.new_string(f"[table {number}, below]"))
            title = soup.new_tag("p")
            title.string = f"[table {number}]"
            last.insert_after(title)
            title.insert_after(each.extract())
            last = each
    return str(soup)


def _arranges(table: Any) -> bool:
    """Whether every row of a table has at most one cell with something in it, or only cells with tables in them."""
    for row in table.find_all("tr"):
        if row.find_parent("table") is table:
            cells = row.find_all(["td", "th"], recursive=False)
            filled = [cell for cell in cells if cell.find(["table", "img"]) or cell.get_text(strip=True)]
            if len(filled) > 1 and not all(cell.find("table") for cell in filled):
                return False
    return True


def _unwrap(table: Any) -> None:
    for each in table.find_all(["thead", "tbody", "tr"]):
        if each.find_parent("table") is table:
            each.unwrap()
    for cell in table.find_all(["td", "th"], recursive=False):
        cell.attrs = {}
        cell.name = "div"
    table.attrs = {}
    table.name = "div"
