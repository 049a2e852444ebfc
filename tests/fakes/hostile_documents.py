"""Documents made to do harm to whoever reads them, in memory; each a few megabytes at most."""

from __future__ import annotations

import gzip
import importlib
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">
<!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;">
<!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;"><!ENTITY h "&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;">]><l>&h;&h;&h;&h;</l>"""
TYPES = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"

Made: TypeAlias = Callable[[], bytes]


def outsider(secret: str) -> bytes:
    """XML that asks for a file of this machine."""
    return f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file://{secret}">]><d>&x;</d>'.encode()


def zipped(files: Mapping[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", packing, compresslevel=1) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def with_part(document: bytes, part: str, data: bytes) -> bytes:
    """An Office document with one part replaced."""
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return zipped({**files, part: data})


def word_document(text: str = "Fine.") -> bytes:
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return zipped(
        {
            "[Content_Types].xml": (
                '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
                '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                f'<Override PartName="/word/document.xml" ContentType="{kind}"/></Types>'
            ).encode(),
            "_rels/.rels": (
                '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
                f'<Relationship Id="r1" Type="{relations}" Target="word/document.xml"/></Relationships>'
            ).encode(),
            "word/document.xml": (
                '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
                f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>"
            ).encode(),
        }
    )


def workbook(rows: bytes, strings: bytes = b"") -> bytes:
    """A workbook with one sheet whose `sheetData` is given."""
    openpyxl: Any = importlib.import_module("openpyxl")
    made = io.BytesIO()
    book = openpyxl.Workbook()
    book.active["A1"] = "x"
    book.save(made)
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>'.encode() + rows + b"</sheetData></worksheet>"
    document = with_part(made.getvalue(), "xl/worksheets/sheet1.xml", sheet)
    return with_part(document, "xl/sharedStrings.xml", strings) if strings else document


def far_cell() -> bytes:
    """One cell in the last row and column there can be."""
    return workbook(b'<row r="1048576"><c r="XFD1048576"><v>42</v></c></row>')


def many_strings() -> bytes:
    """A table of shared strings that unpacks to 160 MB."""
    text = b"<si><t>" + b"A" * 1_000_000 + b"</t></si>"
    strings = f'<sst xmlns="{MAIN}">'.encode() + text * 160 + b"</sst>"
    return workbook(b'<row r="1"><c r="A1" t="s"><v>0</v></c></row>', strings)


def formulas() -> bytes:
    return workbook(b'<row r="1"><c r="A1"><f>cmd|\' /C calc\'!A0</f></c><c r="B1" t="str"><v>=1+1</v></c></row>')


def zip_bomb() -> bytes:
    """420 MB of zeros."""
    return zipped({f"zeros-{number}": b"\0" * 70_000_000 for number in range(6)})


def overlapping_zip() -> bytes:
    """A hundred names for the same packed bytes (as in D. Fifield, A better zip bomb, 2019)."""
    data = zipped({"a": b"\0" * 3_000_000})
    start = data.index(b"PK\x01\x02")
    entry, end = data[start:-22], data[-22:]
    count = 100
    total = struct.pack("<HHII", count, count, count * len(entry), start)
    return data[:start] + entry * count + end[:8] + total + end[20:]


def nested_zip(depth: int) -> bytes:
    data = zipped({"end.txt": b"the end"})
    for _ in range(depth):
        data = zipped({"inner.zip": data})
    return data


def lying_zip() -> bytes:
    """An entry of 150 MB that claims to be of 10 bytes, in its head and in the list."""
    data = bytearray(zipped({"a.txt": b"A" * 150_000_000}))
    listed = data.index(b"PK\x01\x02")
    data[22:26] = data[listed + 24 : listed + 28] = struct.pack("<I", 10)
    return bytes(data)


def tar_of(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return made.getvalue()


def tar_with_links(target: str) -> bytes:
    link, hard, up = tarfile.TarInfo("link"), tarfile.TarInfo("hard"), tarfile.TarInfo("../../up.txt")
    link.type, hard.type = tarfile.SYMTYPE, tarfile.LNKTYPE
    link.linkname = hard.linkname = target
    return tar_of([(link, b""), (hard, b""), (up, b"outside")])


def zip_with_link(target: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, target)
        archive.writestr("../../up.txt", "outside")
        archive.writestr("/etc/absolute.txt", "absolute")
    return made.getvalue()


def tar_bomb() -> bytes:
    """600 MB of zeros behind 600 kB."""
    made = io.BytesIO()
    with gzip.GzipFile(fileobj=made, mode="wb", compresslevel=1) as file:
        info = tarfile.TarInfo("zeros")
        info.size = 600_000_000
        file.write(info.tobuf())
        for _ in range(600):
            file.write(b"\0" * 1_000_000)
    return made.getvalue()


def lying_png(side: int = 100_000) -> bytes:
    """Claims side x side points, holds a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def pdf_of(*objects: bytes, root: int = 1) -> bytes:
    """A PDF of the given objects, numbered from 1, with a table that says where they are."""
    made = b"%PDF-1.7\n"
    places = []
    for number, each in enumerate(objects, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return made + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1, table, len(objects) + 1, root, len(made),
    )  # fmt: skip


def cyclic_pdf() -> bytes:
    """A tree of pages whose branch is its own root."""
    return pdf_of(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 1000000>>")


def many_pages_pdf(count: int = 30_000) -> bytes:
    """Many pages that are all the same object, each with the same contents."""
    kids = b"3 0 R " * count
    text = b"BT /F1 12 Tf 72 700 Td (one of many) Tj ET"
    return pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )


def huge_page_pdf() -> bytes:
    """A page of 2 million points each way with nothing but a picture that claims to be huge and packs 200 MB."""
    zeros = zlib.compress(b"\0" * 200_000_000, 1)
    return pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 2000000 2000000]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>",
        b"<</Length 36>>stream\nq 2000000 0 0 2000000 0 0 cm /I Do Q \nendstream",
        b"<</Type/XObject/Subtype/Image/Width 14142/Height 14142/BitsPerComponent 8/ColorSpace/DeviceGray"
        b"/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(zeros), zeros),
    )


def deep(opening: bytes, closing: bytes, count: int = 50_000) -> bytes:
    return opening * count + closing * count
