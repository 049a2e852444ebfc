"""Jupyter notebooks: cells with what they printed."""

from __future__ import annotations

import json
import re
from typing import Any

from tools.documents.document import Document, Source, of_text
from tools.documents.plain import MAX_TEXT, decoded, read_json
from tools.documents.web_page import markdown

MAX_OUTPUT = 4000
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def read(source: Source) -> Document:
    """Its cells in order; a file that is no notebook inside is shown as JSON."""
    with source.path.open("rb") as file:
        text, _ = decoded(file.read(MAX_TEXT))
    try:
        notebook = json.loads(text)
        cells = notebook.get("cells")
        if cells is None:  # nbformat 3 and before
            cells = [cell for sheet in notebook.get("worksheets", []) for cell in sheet.get("cells", [])]
        blocks = [_cell(number, cell) for number, cell in enumerate(cells, start=1)]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return read_json(source)
    language = _language(notebook)
    return of_text(
        "notebook", "\n\n".join(blocks), [f"{len(cells)} cells" + (f", language {language}" if language else "")]
    )


def _language(notebook: dict[str, Any]) -> str:
    told = notebook.get("metadata")
    info = told.get("language_info") or told.get("kernelspec") if isinstance(told, dict) else None
    return str(info.get("name", ""))[:40] if isinstance(info, dict) else ""


def _cell(number: int, cell: dict[str, Any]) -> str:
    kind = cell.get("cell_type", "raw")
    source = _joined(cell.get("source", cell.get("input", "")))
    if kind != "code":
        level = cell.get("level")
        return f"{'#' * level} {source}" if kind == "heading" and isinstance(level, int) else source
    count = cell.get("execution_count", cell.get("prompt_number"))
    told = [f"[cell {number}, code{f', run {count}' if count is not None else ''}]\n```\n{source}\n```"]
    for output in cell.get("outputs", []):
        text = _ESCAPES.sub("", _output(output)).strip()
        if text:
            told.append(
                f"output:\n{text[:MAX_OUTPUT]}" + (f"\n[{len(text):,} characters]" if len(text) > MAX_OUTPUT else "")
            )
    return "\n".join(told)


def _output(output: dict[str, Any]) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        return _joined(output.get("text", ""))
    if kind in ("error", "pyerr"):
        return f"{output.get('ename', 'Error')}: {output.get('evalue', '')}"
    data = output.get("data", output)
    if not isinstance(data, dict):
        return ""
    for name in ("text/markdown", "text/plain", "text"):
        if name in data:
            return _joined(data[name]) + _pictures(data)
    html = data.get("text/html", data.get("html"))
    return (markdown(_joined(html))[1] if html else "") + _pictures(data)


def _pictures(data: dict[str, Any]) -> str:
    kinds = [name for name in data if name.startswith("image/") or name in ("png", "jpeg", "svg")]
    return f"\n[picture: {', '.join(kinds)}]" if kinds else ""


def _joined(text: object) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text)
