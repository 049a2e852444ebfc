"""Documents made to do harm: each is refused or cut with its reason, in bounded time, and the next one is read."""

from __future__ import annotations

import asyncio
import gzip
import re
import time
from pathlib import Path

import pytest

from configs.errors import ToolCallError
from tests.conftest import SettingsFactory
from tests.fakes import hostile_documents as made
from tests.fakes.hostile_documents import Made, deep, outsider, word_document, zipped
from tests.fakes.real_documents import PYPDF, folder
from tools.documents.reader import members_of, read_bytes

SECRET = "what-nobody-may-read"
BOUND = 75.0
"""Seconds for one document: a job's 60, and a loaded machine. All but a few take less than one."""

OFFICE = ("a.docx", "a.xlsx", "a.pptx", "a.odt", "a.epub")


def opc(part: str, data: bytes, *others: str) -> bytes:
    files = dict.fromkeys(("[Content_Types].xml", *others), made.TYPES)
    return zipped({**files, part: data})


CASES: list[tuple[str, Made, str]] = [
    # archives
    ("bomb.zip", made.zip_bomb, "unpacks to 420,000,000 bytes; up to"),
    ("overlap.zip", made.overlapping_zip, "entries overlap"),
    ("lying.zip!/a.txt", made.lying_zip, "'a.txt' is damaged"),
    ("nested.zip", lambda: made.nested_zip(50), "1 files, readable"),
    ("nested.zip" + "!/inner.zip" * 7, lambda: made.nested_zip(50), "entered 5 deep at most"),
    ("links.zip", lambda: made.zip_with_link("/etc/passwd"), r"\.\./\.\./up\.txt \(7 bytes\)"),
    ("links.zip!/link", lambda: made.zip_with_link("/etc/passwd"), "'link' is a link, not read"),
    ("links.zip!/../../up.txt", lambda: made.zip_with_link("/etc/passwd"), "\n\noutside"),
    ("links.zip!//etc/absolute.txt", lambda: made.zip_with_link("/etc/passwd"), "\n\nabsolute"),
    ("links.tar.gz!/hard", lambda: made.tar_with_links("/etc/passwd"), "'hard' is a link, a folder or a device"),
    ("links.tar.gz!/link", lambda: made.tar_with_links("/etc/passwd"), "'link' is a link, a folder or a device"),
    ("bomb.tar.gz", made.tar_bomb, "unpacks to more than the 500,000,000 bytes"),
    ("bomb.txt.gz", lambda: gzip.compress(b"\0" * 150_000_000, 1), "unpacks to more than the 100,000,000 bytes"),
    ("zeros.tar", lambda: bytes(150_000_000), "binary file of no kind"),
    ("cut.zip", lambda: zipped({"a": b"a" * 1000})[:-30], "zip archive is damaged"),
    ("cut.gz", lambda: gzip.compress(b"some text" * 1000)[:-10], "packed file is damaged"),
    # XML that expands or reaches out
    ("laughs.xml", lambda: made.LAUGHS, "declares entities; they are shown as written"),
    ("laughs.svg", lambda: made.LAUGHS, "declares entities; they are shown as written"),
    ("laughs.docx", lambda: made.with_part(word_document(), "word/document.xml", made.LAUGHS), "declares XML entities"),
    ("laughs.xlsx", lambda: opc("xl/workbook.xml", made.LAUGHS), "declares XML entities"),
    ("laughs.pptx", lambda: opc("ppt/presentation.xml", made.LAUGHS), "declares XML entities"),
    ("laughs.html", lambda: b"<html><body>" + made.LAUGHS + b"</body></html>", "HTML page"),
    ("deep.xml", lambda: deep(b"<a>", b"</a>"), "root element a"),
    ("deep.html", lambda: b"<html><body>" + deep(b"<div>", b"</div>") + b"the end</body></html>", "HTML page"),
    ("deep.json", lambda: deep(b"[", b"]"), "nested too deep"),
    # pictures
    ("lying.png", made.lying_png, "claims 100,000 x 100,000 pixels; up to 60,000,000 are read"),
    ("small-lie.png", lambda: made.lying_png(3000), "picture is damaged|no text found"),
    ("cut.png", lambda: made.lying_png(10)[:40], "picture is damaged"),
    # PDF
    ("cyclic.pdf", made.cyclic_pdf, "damaged|no pages"),
    ("many.pdf", made.many_pages_pdf, "one of many"),
    ("huge.pdf", made.huge_page_pdf, "1 page"),
    ("cut.pdf", lambda: real("crazyones.pdf")[:9000], "damaged|PDF"),
    ("locked.pdf", lambda: real("encryption/r6-user-password.pdf"), "locked with a password"),
    # tables
    ("far.xlsx", made.far_cell, "down to row 1,048,576, column XFD"),
    ("strings.xlsx", made.many_strings, "larger than the 150,000,000 bytes"),
    ("formulas.xlsx", made.formulas, r"=cmd\\\|' /C calc'!A0 \| =1\+1"),
    ("formulas.csv", lambda: b"a,b\n=cmd|' /C calc'!A0,\"=HYPERLINK(1)\"\n", "=cmd.+ /C calc'!A0"),
    # what is not what it says
    ("picture.pdf", lambda: word_document("A Word document."), "Word document, 1 part\n\nA Word document"),
    ("report.docx", lambda: real("crazyones.pdf"), "Heres to the crazy ones"),
    ("data.csv", lambda: zipped({"a.txt": b"a"}), "zip archive"),
    ("notes.txt", lambda: b"", "the file is empty"),
    ("binary.txt", lambda: bytes(range(256)) * 40, "binary file of no kind"),
    ("wide.txt", lambda: "Grüße, 世界".encode("utf-16"), "Grüße, 世界"),
    ("latin.txt", lambda: ("Ein Gruß aus Köln, schöne Grüße für alle Mädchen. " * 9).encode("latin-1"), "schöne Grüße"),
    ("torn.txt", lambda: "Zürich".encode() + b"\xff\xfe\xfa" + b" text" * 50, "rich"),
]


def real(name: str) -> bytes:
    return (folder(PYPDF) / name).read_bytes()


async def read(name: str, data: bytes, settings: SettingsFactory) -> str:
    """What a model is told of a document: its text, or why there is none."""
    outer, members = members_of(name)
    configured = await asyncio.to_thread(settings)
    try:
        return await read_bytes(outer, "", data, configured, members=members)
    except ToolCallError as error:
        assert len(str(error)) < 300
        assert "Traceback" not in str(error)
        return str(error)


@pytest.mark.timeout(200)
@pytest.mark.parametrize(("name", "make", "outcome"), CASES, ids=[case[0][:40] for case in CASES])
async def test_it_ends_in_time_and_the_next_one_is_read(
    name: str, make: Made, outcome: str, settings: SettingsFactory
) -> None:
    data = await asyncio.to_thread(make)
    start = time.monotonic()
    text = await read(name, data, settings)
    assert time.monotonic() - start < BOUND
    assert re.search(outcome, text), text[:500]
    assert len(text) < 30_000
    assert "root:x:0" not in text
    assert "/tmp" not in text
    assert "Fine." in await read("next.docx", await asyncio.to_thread(word_document), settings)


@pytest.mark.parametrize("kind", ["a.xml", "a.svg", "a.html", *OFFICE])
async def test_no_document_brings_a_file_of_the_machine(kind: str, tmp_path: Path, settings: SettingsFactory) -> None:
    secret = tmp_path / "secret.txt"
    await asyncio.to_thread(secret.write_text, SECRET)
    documents = await asyncio.to_thread(reaching_out, outsider(str(secret)))
    text = await read(kind, documents[kind], settings)
    assert SECRET not in text
    if kind in OFFICE:
        assert "declares XML entities" in text


def reaching_out(evil: bytes) -> dict[str, bytes]:
    """The XML in every kind of document that holds some."""
    odf = {"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": evil}
    epub = {"mimetype": b"application/epub+zip", "META-INF/container.xml": evil}
    return {
        **dict.fromkeys(("a.xml", "a.svg", "a.html"), evil),
        "a.docx": made.with_part(word_document(), "word/document.xml", evil),
        "a.xlsx": made.with_part(made.workbook(b""), "xl/worksheets/sheet1.xml", evil),
        "a.pptx": opc("ppt/presentation.xml", evil),
        "a.odt": zipped(odf),
        "a.epub": zipped(epub),
    }
