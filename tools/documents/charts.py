"""Charts of Office documents (DrawingML, ISO/IEC 29500-1, 21.2) of any kind: titles, series and their values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from tools.documents.document import table
from tools.tables.values import as_text
from tools.tables.xlsx_sheet import dated, plain_number

C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
MAX_PLOTS = 10
MAX_SERIES = 50
MAX_POINTS = 500
MAX_NAME = 300
_CHART = re.compile(rf"{re.escape(C)}(\w+)Chart")
Values = dict[int, str]
"""By the number of the point; those that are missing have none."""


def chart_text(space: Any, kind: str = "") -> str:
    """What a chart shows.

    Args:
        space: the element `c:chartSpace` of lxml.
        kind: in words; else as the elements are called.
    """
    plots = [each for each in islice(space.iter(), 100_000) if isinstance(each.tag, str) and _CHART.fullmatch(each.tag)]
    kinds = [_CHART.sub(_words, each.tag) for each in plots[:MAX_PLOTS]]
    epoch = space.find(f"{C}date1904")
    from_1904 = epoch is not None and epoch.get("val", "1") in ("1", "true")
    called = kind or ", ".join(dict.fromkeys(kinds)) or "of a kind that is not read"
    lines = [f"Chart ({called}) {_title(space)}".strip()]
    axes = [title for axis in space.iterfind(f"{C}chart/{C}plotArea/*[{C}axId]") if (title := _own_title(axis))]
    lines += [f"Axes: {'; '.join(axes[:6])}"] if axes else []
    for plot, name in zip(plots[:MAX_PLOTS], kinds, strict=True):
        lines += [f"{name}:"] if len(plots) > 1 else []
        lines += _plot(plot, from_1904)
    return "\n".join(lines)


def _words(match: re.Match[str]) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z3])", " ", match[1]).lower()


def _title(space: Any) -> str:
    chart = space.find(f"{C}chart")
    return _own_title(chart) if chart is not None else ""


def _own_title(element: Any) -> str:
    title = element.find(f"{C}title")
    texts = [] if title is None else [each.text or "" for each in title.iter(f"{A}t", f"{C}v")]
    return " ".join("".join(texts).split())[:MAX_NAME]


def _plot(plot: Any, from_1904: bool) -> Iterator[str]:
    """One table of all series over their categories, or one of each series of points."""
    series = list(islice(plot.iterfind(f"{C}ser"), MAX_SERIES))
    names = [_name(each, number) for number, each in enumerate(series, start=1)]
    if any(each.find(f"{C}xVal") is not None for each in series):
        for each, name in zip(series, names, strict=True):
            columns = [_values(each, tag, from_1904) for tag in ("xVal", "yVal", "bubbleSize")]
            sized = bool(columns[2])
            yield from _table(["x", name, "size"][: 2 + sized], columns[: 2 + sized])
        return
    categories = next((found for each in series if (found := _values(each, "cat", from_1904))), {})
    values = [_values(each, "val", from_1904) for each in series]
    if series:
        rows = range(max((max(each, default=-1) for each in [categories, *values]), default=-1) + 1)
        named = categories or {row: str(row + 1) for row in rows}
        yield from _table(["", *names], [named, *values])


def _table(head: list[str], columns: list[Values]) -> Iterator[str]:
    last = max((max(each, default=-1) for each in columns), default=-1)
    shown = range(min(last + 1, MAX_POINTS))
    yield table([head, *([each.get(row, "") for each in columns] for row in shown)])
    if last >= MAX_POINTS:
        yield f"[the first {MAX_POINTS} points]"


def _name(series: Any, number: int) -> str:
    told = series.find(f"{C}tx")
    text = "" if told is None else " ".join(each.text or "" for each in islice(told.iter(f"{C}v"), 10))
    return text.strip()[:MAX_NAME] or f"series {number}"


def _values(series: Any, tag: str, from_1904: bool) -> Values:
    """The values a chart keeps of its table; the names of several levels one after the other."""
    holder = series.find(f"{C}{tag}")
    if holder is None:
        return {}
    levels = [_points(level, "", from_1904) for level in islice(holder.iter(f"{C}lvl"), 5)]
    if levels:
        leaves, *above = levels
        return {row: " / ".join([*(_reaching(each, row) for each in reversed(above)), leaves[row]]) for row in leaves}
    cache = next(holder.iter(f"{C}numCache", f"{C}strCache", f"{C}numLit", f"{C}strLit"), None)
    if cache is None:
        return {}
    return _points(cache, cache.findtext(f"{C}formatCode") or "", from_1904)


def _reaching(names: Values, row: int) -> str:
    """The name of a group: it stands at the group's first point."""
    return names[max(each for each in names if each <= row)] if any(each <= row for each in names) else ""


def _points(cache: Any, number_format: str, from_1904: bool) -> Values:
    is_number = cache.tag.startswith(f"{C}num")
    found: Values = {}
    for point in islice(cache.iterfind(f"{C}pt"), MAX_POINTS + 1):
        index = point.get("idx", "")
        text = (point.findtext(f"{C}v") or "")[:MAX_NAME]
        if index.isascii() and index.isdigit() and int(index) <= MAX_POINTS:
            code = point.get("formatCode") or number_format
            found[int(index)] = as_text(dated(plain_number(text), code, from_1904)) if is_number else text
    return found
