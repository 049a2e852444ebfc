"""Text in any encoding: notes, source code, JSON, XML, CSV. XML is shown as it stands, never parsed or expanded."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

from tools.documents.document import PART_CHARS, Document, Part, Source, labelled, of_parts, of_text, split, table

MAX_TEXT = 50_000_000
MAX_CELLS = 2_000_000
BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]*)")
_DECLARED = re.compile(rb"(?:encoding|charset)=[\"']?([A-Za-z0-9_.:-]{2,40})")


def decoded(data: bytes) -> tuple[str, str]:
    """The text and its encoding: by its mark, as UTF-8, as it declares itself, or as its letters are spread."""
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return _lines(data[len(mark) :].decode(encoding, "replace")), encoding
    try:
        return _lines(data.decode("utf-8")), "utf-8"
    except UnicodeDecodeError as error:
        if error.start > len(data) - 4:  # cut inside a character
            return _lines(data.decode("utf-8", "ignore")), "utf-8"
    declared = _DECLARED.search(data[:1000])
    if declared is not None:
        try:
            return _lines(data.decode(declared[1].decode("ascii"))), declared[1].decode("ascii").lower()
        except (LookupError, UnicodeError):
            pass
    return _guessed(data)


def read_text(source: Source) -> Document:
    """Notes, markdown, source code."""
    text, encoding = _read(source)
    return of_text("text", text, [f"{len(text.splitlines()):,} lines, encoding {encoding}"])


def read_xml(source: Source) -> Document:
    """XML as it stands."""
    text, encoding = _read(source)
    root = _ROOT.search(re.sub(r"<!--.*?-->|<\?.*?\?>", "", text[:20_000], flags=re.DOTALL))
    facts = [f"root element {root[1]}, encoding {encoding}"] if root else []
    if "<!ENTITY" in text[:100_000]:
        facts.append("it declares entities; they are shown as written, not expanded")
    return of_parts("XML", "part", [Part(piece) for piece in split(text)], facts)


def read_json(source: Source) -> Document:
    """JSON, indented where it is one long line; JSON lines, one value a line."""
    text, _ = _read(source)
    try:
        value = json.loads(text)
    except RecursionError:
        return of_parts("JSON", "part", [Part(piece) for piece in split(text)], ["nested too deep to be parsed"])
    except ValueError as error:
        return _json_lines(text, str(error)[:100], source.name)
    if len(text) > 2000 and text.count("\n") < len(text) / 2000:
        text = json.dumps(value, ensure_ascii=False, indent=1)
    return of_parts("JSON", "part", [Part(piece) for piece in split(text)], [_shape(value)])


def read_csv(source: Source) -> Document:
    """A table in parts, each with the head row; cells as they stand, formulas too."""
    text, encoding = _read(source)
    try:
        dialect: Any = csv.Sniffer().sniff(text[:20_000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel_tab if "\t" in text.partition("\n")[0] else csv.excel
    rows: list[list[str]] = []
    cells = 0
    try:
        for row in csv.reader(io.StringIO(text), dialect):
            cells += len(row)
            if cells > MAX_CELLS:
                break
            rows.append(row)
    except csv.Error as error:
        return of_text("text", text, [f"not readable as CSV: {error}"])
    rows = [row for row in rows if row]
    width = max(map(len, rows), default=0)
    facts = [f"{len(rows):,} rows with the head, {width} columns, encoding {encoding}"]
    if cells > MAX_CELLS:
        facts.append(f"read up to {MAX_CELLS:,} cells")
    return of_parts("CSV table", "part", row_parts(rows), facts)


def row_parts(rows: list[list[str]], label: str = "") -> list[Part]:
    """Tables of about PART_CHARS each, with the first row as the head of each."""
    parts: list[Part] = []
    first, size = 1, 0
    for index in range(1, len(rows) + 1):
        size += sum(map(len, rows[index])) + 3 * len(rows[index]) if index < len(rows) else PART_CHARS
        if size >= PART_CHARS:
            last = min(index + 1, len(rows))
            where = f"rows {first + 1}-{last}" if first > 1 or last < len(rows) else ""
            parts.append(Part(table([rows[0], *rows[first:last]]), ", ".join(filter(None, [label, where]))))
            first, size = last, 0
            if last == len(rows):
                break
    return parts or ([Part("", label)] if not rows else [Part(table(rows), label)])


def _read(source: Source) -> tuple[str, str]:
    with source.path.open("rb") as file:
        data = file.read(MAX_TEXT + 1)
    text, encoding = decoded(data[:MAX_TEXT])
    if len(data) > MAX_TEXT:
        text += f"\n[the file goes on; the first {MAX_TEXT:,} bytes were read]"
    return text, encoding


def _guessed(data: bytes) -> tuple[str, str]:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:50_000]).best()
    encoding = best.encoding if best is not None else "latin-1"
    return _lines(data.decode(encoding, "replace")), encoding


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _json_lines(text: str, fault: str, name: str) -> Document:
    """Lines of JSON where most are, those that are not named; else plain text."""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    bad = [number for number, line in lines if not _is_json(line)]
    named_so = name.lower().endswith((".jsonl", ".ndjson"))
    records = sum(line.lstrip().startswith(("{", "[")) for _, line in lines)
    mostly = len(bad) * 2 < len(lines) and (named_so or records * 2 > len(lines))
    if len(lines) > 1 and (mostly or not bad):
        facts = [f"{len(lines):,} lines"]
        if bad:
            places = ", ".join(map(str, bad[:10])) + ", ..." * (len(bad) > 10)
            facts.append(f"not valid JSON: {len(bad)} of the lines (line {places})")
        return of_parts("JSON lines", "part", [Part(piece) for piece in split(text)], facts)
    return of_parts("text", "part", labelled(split(text)), [f"not valid JSON: {fault}"])


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _shape(value: Any) -> str:
    if isinstance(value, dict):
        return f"an object with {len(value):,} keys: {', '.join(str(key)[:40] for key in list(value)[:20])}"
    if isinstance(value, list):
        return f"an array of {len(value):,}"
    return f"a single {type(value).__name__}"
