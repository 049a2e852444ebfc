"""PDF: text in the file's order, ruled tables as markdown in their place, scanned pages by OCR, fields and notes."""

from __future__ import annotations

import logging
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

from tools.documents.document import EXTRA, Document, Part, Source, UnreadableError, shown_name, table
from tools.documents.pdf_marks import marks
from tools.media.recognition import read as recognise
from tools.media.recognition import unread_scripts
from tools.servers.extras import need

MAX_PAGES = 20_000
MAX_TABLE_CHARS = 20_000
MAX_RULES = 3000
"""A page with more lines than this is a drawing; no tables are looked for."""
SCAN_CHARS = 20
"""A page with fewer characters and a picture on a good part of it is a scan."""
SCAN_SHARE = 0.25
RENDER_PIXELS = 1800
"""The longer side of a page rendered for OCR."""
Box = tuple[float, float, float, float]
"""left, bottom, right, top in points, from the page's lower left corner."""


def read(source: Source) -> Document:
    """Its pages.

    Raises:
        UnreadableError: it is damaged or locked.
    """
    pdf = _opened(source.path)
    if pdf.get_formtype():
        pdf.init_forms()
    total = len(pdf)
    if not total:
        raise UnreadableError("this PDF has no pages")
    document = Document("PDF", "page", min(total, MAX_PAGES), lambda number: Part(""), _facts(pdf))
    pages = Pages(pdf, source, document.notes)
    return Document(document.kind, document.unit, document.total, pages.part, document.facts, document.notes)


def attachments(path: Path) -> list[str]:
    """Names of the files inside a PDF."""
    pdf = _opened(path)
    return [pdf.get_attachment(index).get_name() for index in range(min(pdf.count_attachments(), 1000))]


def attachment(path: Path, name: str) -> bytes | None:
    """A file inside a PDF, or None."""
    pdf = _opened(path)
    for index in range(min(pdf.count_attachments(), 1000)):
        each = pdf.get_attachment(index)
        if name in (each.get_name(), shown_name(each.get_name())):
            return bytes(each.get_data())
    return None


class Pages:
    """Makes the parts of one open PDF."""

    def __init__(self, pdf: Any, source: Source, notes: list[str]) -> None:
        self._pdf = pdf
        self._source = source
        self._notes = notes
        self._has_read = False
        self._plumber: Any = None

    def part(self, number: int) -> Part:
        """One page's text; a page that cannot be read is said to be so."""
        raw = need("pypdfium2", EXTRA)
        try:
            page = self._pdf[number - 1]
            text = page.get_textpage()
        except raw.PdfiumError:
            return Part(f"[page {number} is damaged]")
        return Part("\n\n".join(filter(None, (self._text(number, page, text), marks(page, text, self._pdf.formenv)))))

    def _text(self, number: int, page: Any, text: Any) -> str:
        plain = text.get_text_bounded() if text.count_chars() else ""
        letters = len("".join(plain.split()))
        if letters < SCAN_CHARS and (_is_scan(page) or (not letters and _is_drawn(page))):
            read = self._scanned(page)
            stamp = "" if "".join(plain.split()) in "".join(read.split()) else plain.strip()
            return f"{stamp}\n{read}".strip()
        looked_for = not self._source.quick and len(plain) <= MAX_TABLE_CHARS and _is_ruled(page)
        tables = self._tables(number) if looked_for else []
        return _clean(_with_tables(text, tables) if tables else plain)

    def _scanned(self, page: Any) -> str:
        if self._has_read and self._source.late():
            return "[a scanned page, not read for lack of time: ask for it by its number]"
        width, height = page.get_size()
        scale = min(RENDER_PIXELS / max(width, height, 1.0), 300 / 72)
        self._has_read = True
        found = recognise(page.render(scale=scale, may_draw_forms=False).to_pil())
        told = f"[scanned page, read by OCR]\n{found.text}" if found.text else "[a scanned page without readable text]"
        return "\n".join(filter(None, (told, unread_scripts(found))))

    def _tables(self, number: int) -> list[tuple[Box, str]]:
        """Where ruled tables of two columns or more are, and their markdown."""
        found: list[tuple[Box, str]] = []
        # pdfminer raises anything on damaged files; the page's plain text is there without it.
        with suppress(Exception):
            if self._plumber is None:
                plumber = need("pdfplumber", EXTRA).open(self._source.path)
                self._plumber = self._source.until_read.enter_context(plumber)
            page = self._plumber.pages[number - 1]
            for each in page.find_tables():
                rows = [[cell or "" for cell in row] for row in each.extract()]
                filled = sum(bool(cell.strip()) for row in rows for cell in row)
                if len(rows) > 1 and max(map(len, rows)) > 1 and filled > len(rows):
                    left, top, right, bottom = each.bbox
                    height = float(page.height)
                    found.append(((left, height - bottom, right, height - top), table(rows)))
            page.close()
        return found


def _opened(path: Path) -> Any:
    raw = need("pypdfium2", EXTRA)
    logging.getLogger("pypdfium2").setLevel(logging.ERROR)  # it tells of drawings nested deeper than is asked for
    try:
        return raw.PdfDocument(path)
    except raw.PdfiumError as error:
        if "password" in str(error).lower():
            raise UnreadableError("this PDF is locked with a password") from None
        raise UnreadableError("this PDF is damaged: it cannot be opened") from None


def _facts(pdf: Any) -> list[str]:
    facts = []
    with suppress(Exception):  # a damaged dictionary says nothing about the pages
        told = pdf.get_metadata_dict(skip_empty=True)
        facts += [f"{name}: {told[name].strip()[:200]}" for name in ("Title", "Author", "CreationDate") if name in told]
        facts += _outline(pdf)
    if count := pdf.count_attachments():
        names = [shown_name(pdf.get_attachment(index).get_name()) for index in range(min(count, 20))]
        facts.append(f"files inside, readable as PATH!/NAME: {', '.join(names)}")
    if pdf.get_formtype():
        facts.append("it has form fields")
    return facts


def _outline(pdf: Any) -> list[str]:
    headings: list[str] = []
    for mark in pdf.get_toc(max_depth=3):
        if len(headings) == 40:
            break
        target = mark.get_dest()
        page = target.get_index() if target is not None else None
        headings.append(f"{'  ' * mark.level}{mark.get_title()[:80]}" + (f" ({page + 1})" if page is not None else ""))
    return ["outline (pages in brackets):\n" + "\n".join(headings)] if headings else []


def _is_scan(page: Any) -> bool:
    raw = need("pypdfium2.raw", EXTRA)
    width, height = page.get_size()
    share = 0.0
    for thing in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = thing.get_bounds()
        share += max(0.0, right - left) * max(0.0, top - bottom)
    return bool(math.isfinite(share) and share >= SCAN_SHARE * width * height > 0)


def _is_drawn(page: Any) -> bool:
    """Whether anything is on a page: letters may have been drawn as shapes."""
    return next(iter(page.get_objects(max_depth=2)), None) is not None


def _is_ruled(page: Any) -> bool:
    """Whether a page has lines that may be a table's, and not so many that it is a drawing."""
    raw = need("pypdfium2.raw", EXTRA)
    paths = page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=2)
    count = sum(1 for _, _ in zip(paths, range(MAX_RULES + 1), strict=False))
    return 3 <= count <= MAX_RULES


def _with_tables(text: Any, tables: list[tuple[Box, str]]) -> str:
    """The page's text with the characters of each table replaced by its markdown, where the first of them stood."""
    pieces: list[str] = []
    shown: set[int] = set()
    whole = text.get_text_range()
    if len(whole) != text.count_chars():  # characters beyond the basic plane: positions do not agree
        return "\n\n".join([whole, *(markdown for _, markdown in tables)])
    start = 0
    for position in range(len(whole)):
        inside = _table_at(text.get_charbox(position), tables) if not whole[position].isspace() else None
        if inside is None:
            continue
        gap = whole[start:position]
        if inside not in shown or gap.strip():
            pieces.append(gap)
        if inside not in shown:
            pieces.append(f"\n\n{tables[inside][1]}\n\n")
            shown.add(inside)
        start = position + 1
    pieces.append(whole[start:])
    return "".join(pieces)


def _table_at(box: Box, tables: list[tuple[Box, str]]) -> int | None:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    for index, ((left, bottom, right, top), _) in enumerate(tables):
        if left <= x <= right and bottom <= y <= top:
            return index
    return None


def _clean(text: str) -> str:
    """Line ends as \\n; words that were cut at a line's end (U+FFFE of pdfium) put together."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufffe\n", "").replace("\ufffe", "").split("\n")
    kept: list[str] = []
    for line in map(str.rstrip, lines):
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()
