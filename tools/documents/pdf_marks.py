"""What stands on a PDF's page beside its text: what was filled into a form's fields, and what people noted."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tools.documents.document import EXTRA
from tools.servers.extras import need

MAX_MARKS = 1000
MAX_CHARS = 2000
"""Of one field or note."""
MAX_IN_ALL = 30_000


def marks(page: Any, text: Any, form: Any) -> str:
    """Blocks of fields and notes, or nothing.

    Args:
        page, text: of pypdfium2.
        form: the document's form environment, or None where it has no form.
    """
    raw = need("pypdfium2.raw", EXTRA)
    fields: dict[str, list[str]] = {}
    notes: list[str] = []
    size = 0
    for index in range(min(raw.FPDFPage_GetAnnotCount(page), MAX_MARKS)):
        with _annotation(raw, page, index) as annotation:
            if annotation is None:
                continue
            if raw.FPDFAnnot_GetSubtype(annotation) == raw.FPDF_ANNOT_WIDGET:
                name, value = _field(raw, form, annotation) if form is not None else ("", "")
                if name and value not in fields.setdefault(name, []):
                    fields[name].append(value)
                size += len(name) + len(value)
            elif note := _note(raw, annotation, text):
                notes.append(note)
                size += len(note)
        if size > MAX_IN_ALL:
            notes.append("[more fields and notes are left out]")
            break
    filled = [f"- {name}: {', '.join(filter(None, values)) or '[empty]'}" for name, values in fields.items()]
    blocks = [("Form fields:", filled), ("Notes on this page:", notes)]
    return "\n\n".join("\n".join([title, *lines]) for title, lines in blocks if lines)


def _field(raw: Any, form: Any, annotation: Any) -> tuple[str, str]:
    """A field's name and value; a box or a button of a group has a mark where it is chosen."""
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    name = _string(raw.FPDFAnnot_GetFormFieldName, form, annotation)
    if told := _string(raw.FPDFAnnot_GetFormFieldAlternateName, form, annotation):
        name = f"{name} ({told})" if told != name else name
    if kind == raw.FPDF_FORMFIELD_PUSHBUTTON:
        return "", ""
    if kind in (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON):
        chosen = raw.FPDFAnnot_IsChecked(form, annotation)
        option = _string(raw.FPDFAnnot_GetFormFieldExportValue, form, annotation)
        if kind == raw.FPDF_FORMFIELD_CHECKBOX:
            return name, ("[x]" if chosen else "[ ]")
        return name, f"[{'x' if chosen else ' '}] {option}"
    return name, _string(raw.FPDFAnnot_GetFormFieldValue, form, annotation)


def _note(raw: Any, annotation: Any, text: Any) -> str:
    """What somebody noted and who, or the words that are marked; links, popups and drawings without words are none."""
    kind = raw.FPDFAnnot_GetSubtype(annotation)
    if kind in (raw.FPDF_ANNOT_LINK, raw.FPDF_ANNOT_POPUP):
        return ""
    words = _string(raw.FPDFAnnot_GetStringValue, annotation, b"Contents")
    marked = {
        raw.FPDF_ANNOT_HIGHLIGHT: "highlighted",
        raw.FPDF_ANNOT_UNDERLINE: "underlined",
        raw.FPDF_ANNOT_SQUIGGLY: "underlined",
        raw.FPDF_ANNOT_STRIKEOUT: "struck out",
    }.get(kind)
    about = _under(raw, annotation, text) if marked else ""
    told = [f'{marked}: "{about}"'] if about else []
    if not words and not told:
        return ""
    author = _string(raw.FPDFAnnot_GetStringValue, annotation, b"T")
    return "- " + (f"{author}: " if author else "") + "; ".join([*told, *([words] if words else [])])


def _under(raw: Any, annotation: Any, text: Any) -> str:
    """The words under a marked place, line by line."""
    lines = []
    quad = raw.FS_QUADPOINTSF()
    for index in range(min(raw.FPDFAnnot_CountAttachmentPoints(annotation), 10)):
        if raw.FPDFAnnot_GetAttachmentPoints(annotation, index, quad):
            across, up = (quad.x1, quad.x2, quad.x3, quad.x4), (quad.y1, quad.y2, quad.y3, quad.y4)
            lines.append(text.get_text_bounded(min(across), min(up), max(across), max(up)))
    return " ".join(" ".join(lines).split())[:MAX_CHARS]


@contextmanager
def _annotation(raw: Any, page: Any, index: int) -> Iterator[Any]:
    annotation = raw.FPDFPage_GetAnnot(page, index)
    try:
        yield annotation or None
    finally:
        if annotation:
            raw.FPDFPage_CloseAnnot(annotation)


def _string(ask: Callable[..., int], *arguments: Any) -> str:
    """What a function of pdfium writes into a buffer of UTF-16 whose length it tells when there is none."""
    length = min(ask(*arguments, None, 0), 4_000_000)
    if length <= 2:
        return ""
    buffer = (ctypes.c_ushort * (length // 2 + 1))()
    ask(*arguments, buffer, length)
    text = bytes(buffer)[: length - 2].decode("utf-16-le", "replace").replace("\r\n", "\n").replace("\r", "\n").strip()
    return text if len(text) <= MAX_CHARS else f"{text[:MAX_CHARS]}... ({len(text):,} characters)"
