"""PowerPoint presentations: each slide's title, texts, tables, charts, pictures and notes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from tools.documents.charts import chart_text
from tools.documents.document import EXTRA, Document, Part, Source, damaged, table
from tools.documents.packages import checked, media_fact
from tools.servers.extras import need

MAX_SLIDES = 5000
MAX_SHAPES = 3000
MAX_DEPTH = 12


def read(source: Source) -> Document:
    """Its slides.

    Raises:
        UnreadableError: it is damaged.
    """
    checked(source.path, "presentation")
    pptx = need("pptx", EXTRA)
    with damaged("presentation"), source.path.open("rb") as file:
        presentation = pptx.Presentation(file)
        slides = [slide for slide, _ in zip(presentation.slides, range(MAX_SLIDES), strict=False)]
    title = (presentation.core_properties.title or "").strip()[:200]
    facts = [*([f"title: {title}"] if title else []), *media_fact(source.path, "ppt/media/")]
    return Document("presentation", "slide", len(slides), lambda number: _slide(slides[number - 1]), facts)


def _slide(slide: Any) -> Part:
    lines: list[str] = []
    for shape in _in_order(slide.shapes):
        try:
            lines += _shape(shape)
        except (KeyError, AttributeError, ValueError, TypeError, IndexError, NotImplementedError):  # parts are missing
            lines.append(f"[{shape.name}: of a kind that is not read]")
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text.strip()
        lines += [f"Notes: {notes}"] if notes else []
    title = slide.shapes.title.text_frame.text.strip() if slide.shapes.title is not None else ""
    hidden = slide._element.get("show") == "0"
    return Part("\n\n".join(lines), " ".join(title.split())[:80] + (" (hidden)" if hidden else ""))


def _in_order(shapes: Any) -> list[Any]:
    """The title first, then from top to bottom and left to right."""
    flat = [shape for shape, _ in zip(_flat(shapes), range(MAX_SHAPES), strict=False)]
    title = getattr(shapes, "title", None)
    first = title.shape_id if title is not None else None
    return sorted(flat, key=lambda shape: (shape.shape_id != first, (shape.top or 0) // 200_000, shape.left or 0))


def _flat(shapes: Any, depth: int = 0) -> Iterator[Any]:
    for shape in shapes:
        inner = getattr(shape, "shapes", None)
        if inner is not None and depth < MAX_DEPTH:
            yield from _flat(inner, depth + 1)
        else:
            yield shape


def _shape(shape: Any) -> list[str]:
    if getattr(shape, "has_table", False):
        return [table([[cell.text_frame.text for cell in row.cells] for row in shape.table.rows])]
    if getattr(shape, "has_chart", False):
        return [_chart(shape.chart)]
    alt = shape._element._nvXxPr.cNvPr.get("descr") or ""
    kind = getattr(shape.shape_type, "name", "")
    if kind in ("MEDIA", "PICTURE", "LINKED_PICTURE") or (kind == "PLACEHOLDER" and hasattr(shape, "image")):
        return [_picture(shape, kind, alt)]
    if kind in ("EMBEDDED_OLE_OBJECT", "LINKED_OLE_OBJECT"):
        return [f"[embedded object {shape.ole_format.prog_id}: {shape.name}]"]
    if not getattr(shape, "has_text_frame", False):
        return [f"[{shape.name}: {alt}]"] if alt else []
    lines = [_paragraph(paragraph) for paragraph in shape.text_frame.paragraphs if paragraph.text.strip()]
    return ["\n".join(lines)] if lines else []


def _paragraph(paragraph: Any) -> str:
    return f"{'  ' * paragraph.level}- {paragraph.text}" if paragraph.level else str(paragraph.text)


def _picture(shape: Any, kind: str, alt: str) -> str:
    told = f": {alt}" if alt and alt != shape.name else ""
    if kind == "MEDIA":
        return f"[media {shape.name}{told}{_media_part(shape)}]"
    part = ""
    with suppress(KeyError, AttributeError, ValueError):
        relation = shape._element.blip_rId
        part = f", {shape.part.related_part(relation).partname.lstrip('/')}"
    return f"[picture {shape.name}{told}{part}]"


def _media_part(shape: Any) -> str:
    for relation in shape.part.rels.values():
        if relation.rId in shape._element.xml and "media" in relation.reltype and not relation.is_external:
            return f", {relation.target_part.partname.lstrip('/')}"
    return ""


def _chart(chart: Any) -> str:
    kind = ""
    with suppress(NotImplementedError, ValueError, AttributeError, KeyError):  # a kind that python-pptx does not know
        kind = chart.chart_type.name.lower().replace("_", " ")
    return chart_text(chart._chartSpace, kind)
