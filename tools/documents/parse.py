"""What runs in the sandbox: finds out what a file is, goes into archives, reads, and chooses what is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from tools.documents import (
    archives,
    book,
    mail,
    notebook,
    open_document,
    outlook,
    pdf,
    pictures,
    plain,
    rich_text,
    sheets,
    slides,
    web_page,
    word,
)
from tools.documents.choice import choose
from tools.documents.document import Document, Source, UnreadableError
from tools.documents.kinds import Kind, kind_of

PRELOAD = (
    "bs4", "charset_normalizer", "cv2", "lxml.etree", "mammoth", "markdownify", "numpy", "olefile", "onnxruntime",
    "openpyxl", "pdfplumber", "PIL.Image", "pptx", "pypdfium2", "rapidocr", "striprtf.striprtf", "xlrd",
)  # fmt: skip
"""Imported once for all documents, see `tools.sandbox.jobs.run_job`; without it each would pay for its own."""
SECONDS = 35.0
"""After so long no further slow part is begun."""
MAX_DEPTH = 5
READERS: dict[Kind, Callable[[Source], Document]] = {
    "pdf": pdf.read,
    "docx": word.read,
    "pptx": slides.read,
    "xlsx": sheets.read_workbook,
    "xls": sheets.read_workbook,
    "ods": sheets.read_workbook,
    "odf": open_document.read,
    "epub": book.read,
    "zip": archives.read_zip,
    "tar": archives.read_tar,
    "packed": archives.read_tar,
    "msg": outlook.read,
    "eml": mail.read,
    "rtf": rich_text.read,
    "html": web_page.read,
    "json": plain.read_json,
    "ipynb": notebook.read,
    "xml": plain.read_xml,
    "csv": sheets.read_table,
    "text": plain.read_text,
    "image": pictures.read,
}
REFUSED: dict[Kind, str] = {
    "empty": "the file is empty",
    "old office": "this is a document of Office 97 to 2003 that only .xls is read of; save it as .docx, .pptx or PDF",
    "locked office": "this Office document is locked with a password",
    "parquet": "this is a parquet table; query_spreadsheet reads it from the workspace (extract_file brings it there)",
    "unknown": "this is a binary file of no kind that is read",
}
ZIPPED: frozenset[Kind] = frozenset({"zip", "docx", "pptx", "xlsx", "ods", "odf", "epub"})


def read(
    inputs: Mapping[str, Path],
    out: Path,
    *,
    name: str,
    media_type: str = "",
    members: Sequence[str] = (),
    pages: str = "",
    query: str = "",
    progress: Callable[[float, float | None, str], None] | None = None,
) -> dict[str, Any]:
    """Read `inputs["file"]`, or a file inside it.

    Args:
        members: names to go into, archive in archive.
        pages, query: as `choose`.

    Returns:
        `media`, for a sound or a film, left in `out` where it came out of an archive; or what `shown` takes: kind,
        unit, total, facts, notes, shown, searched, next.

    Raises:
        ValueError: it cannot be read; for the model.
        ConfigurationError: a library is missing.
    """
    try:
        path, name, kind = _entered(inputs["file"], out, name, media_type, members)
        if kind in ("audio", "video"):
            return {"media": kind, "file": path.name if members else ""}
        source = Source(path, name, out, time.monotonic() + SECONDS, progress or _silent, bool(query.strip()))
        with source.until_read:
            document = _reader(kind)(source)
            choice = choose(document, source, pages, query)
    except RecursionError:
        raise ValueError("this document is nested too deep to be read") from None
    except MemoryError:
        raise ValueError("this document takes more memory than there is to read it") from None
    told = {"kind": document.kind, "unit": document.unit, "total": document.total}
    return {**told, "facts": list(document.facts), "notes": document.notes, **choice.as_json()}


def take(inputs: Mapping[str, Path], out: Path, *, name: str, members: Sequence[str]) -> dict[str, Any]:
    """Leave a file inside `inputs["file"]` in `out`.

    Returns:
        `file`, its name in `out`, and `name`, what it is called.

    Raises:
        ValueError: there is none, or it cannot be unpacked.
    """
    path, called, _ = _entered(inputs["file"], out, name, "", members)
    return {"file": path.name, "name": PurePosixPath(called).name}


def _reader(kind: Kind) -> Callable[[Source], Document]:
    if kind in REFUSED:
        raise UnreadableError(REFUSED[kind])
    return READERS[kind]


def _entered(path: Path, out: Path, name: str, media_type: str, members: Sequence[str]) -> tuple[Path, str, Kind]:
    """The file that the members lead to, its name and kind; a single packed file is unpacked on the way."""
    if len(members) > MAX_DEPTH:
        raise UnreadableError(f"archives are entered {MAX_DEPTH} deep at most")
    path, name, kind = _unpacked(path, out, name, kind_of(path, name, media_type), 0)
    for depth, member in enumerate(members, start=1):
        inner = out / f"member-{depth}"
        if not _member(path, kind, member, inner):
            raise UnreadableError(f"there is no file {member[:200]!r} in {PurePosixPath(name).name[:100]}")
        name = member
        path, name, kind = _unpacked(inner, out, name, kind_of(inner, name), depth)
    return path, name, kind


def _unpacked(path: Path, out: Path, name: str, kind: Kind, depth: int) -> tuple[Path, str, Kind]:
    if kind != "packed":
        return path, name, kind
    inner = out / f"unpacked-{depth}"
    if not archives.unpacked(path, inner):
        return path, name, "tar"
    name = name.removesuffix(PurePosixPath(name).suffix) if PurePosixPath(name).suffix else name
    kind = kind_of(inner, name)
    if kind == "packed":
        raise UnreadableError("a packed file inside a packed file is not read")
    return inner, name, kind


def _member(path: Path, kind: Kind, name: str, into: Path) -> bool:
    if kind in ZIPPED:
        return archives.zip_member(path, name, into)
    if kind == "tar":
        return archives.tar_member(path, name, into)
    finders: dict[Kind, Callable[[Path, str], bytes | None]] = {
        "eml": mail.attachment,
        "msg": outlook.attachment,
        "pdf": pdf.attachment,
    }
    if kind not in finders:
        raise UnreadableError("there are no files inside this file")
    data = finders[kind](path, name)
    if data is not None:
        into.write_bytes(data)
    return data is not None


def _silent(done: float, total: float | None, text: str) -> None:
    pass
