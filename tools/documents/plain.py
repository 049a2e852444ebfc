"""Text in any encoding: notes, source code, JSON, XML. XML is shown as it stands, never parsed or expanded."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from tools.documents.document import Document, Part, Source, labelled, of_parts, of_text, split
from tools.documents.encodings import encoding_of

MAX_TEXT = 50_000_000
_ESCAPED = re.compile(r"(?<!\\)((?:\\\\)*)((?:\\u[0-9a-fA-F]{4})+|\\/)")
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]*)")


def decoded(data: bytes) -> tuple[str, str]:
    """The text and its encoding."""
    encoding, mark = encoding_of(data)
    text = data[mark:].decode(encoding, "replace" if mark or encoding != "utf-8" else "ignore")
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding


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
    """JSON, indented where it is one long line; JSON lines, one value a line. Letters stand for their escapes."""
    text, _ = _read(source)
    try:
        value = json.loads(text)
    except RecursionError:
        return of_parts("JSON", "part", [Part(piece) for piece in split(text)], ["nested too deep to be parsed"])
    except ValueError as error:
        return _json_lines(text, str(error)[:100], source.name)
    if len(text) > 2000 and text.count("\n") < len(text) / 2000:
        text = json.dumps(value, indent=1)
    return _records("JSON", text, [_shape(value)])


def _records(kind: str, text: str, facts: list[str]) -> Document:
    parts = [Part(piece) for piece in split(_ESCAPED.sub(_letters, text))]
    return replace(of_parts(kind, "part", parts, facts), records=True)


def _letters(match: re.Match[str]) -> str:
    """The letters that a run of escapes stands for; those that JSON has to escape stay so."""
    if match[2] == "\\/":
        return f"{match[1]}/"
    letters = str(json.loads(f'"{match[2]}"'))
    halves = any("\ud800" <= letter <= "\udfff" for letter in letters)
    return match[0] if halves else match[1] + json.dumps(letters, ensure_ascii=False)[1:-1]


def _read(source: Source) -> tuple[str, str]:
    with source.path.open("rb") as file:
        data = file.read(MAX_TEXT + 1)
    text, encoding = decoded(data[:MAX_TEXT])
    if len(data) > MAX_TEXT:
        text += f"\n[the file goes on; the first {MAX_TEXT:,} bytes were read]"
    return text, encoding


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
        return _records("JSON lines", text, facts)
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
