"""Pages and passages as a tool's text."""

from __future__ import annotations

from collections.abc import Sequence

from configs.errors import ToolCallError
from tools.web.crawler import Page
from tools.web.passages import Scored, end_of_part

PART = 7000
"""Characters of a page in one result; what the executor shows of a result is a little more."""
EMPTY = "(there is no text on this page)"


def page_part(page: Page, start: int) -> str:
    """A part of a page with its title and address, and the line that says how to read on.

    Raises:
        ToolCallError: the page ends before `start`.
    """
    total = len(page.text)
    if start and start >= total:
        raise ToolCallError(f"the page has {total:,} characters; start is beyond its end")
    end = end_of_part(page.text, start, PART)
    lines = [f"Title: {page.title}", f"Address: {page.url}"]
    if page.note:
        lines.append(f"Note: {page.note}")
    if start or end < total:
        lines.append(f"Part: characters {start} to {end} of {total}")
    text = page.text[start:end].strip("\n") or EMPTY
    more = [f"[cut here; read on with start={end}]"] if end < total else []
    return "\n".join([*lines, "", text, *more])


def quotes(pages: Sequence[Page], passages: Sequence[Scored]) -> str:
    """The passages word for word, each with where it stands; pages in their order."""
    lines: list[str] = []
    for number, page in enumerate(pages):
        own = [each.passage for each in passages if each.source == number]
        if not own:
            continue
        lines += ["", f"{page.title} ({page.url})" if page.title else page.url]
        lines += [f"Note: {page.note}"] if page.note else []
        for passage in own:
            under = f"{' > '.join(passage.headings)}; " if passage.headings else ""
            lines += ["", f"[{under}start={passage.start}]", page.text[passage.start : passage.end]]
    return "\n".join(lines).strip()
