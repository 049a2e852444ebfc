"""What a file is, by its content first and its name second."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

from tools.documents.document import EXTRA
from tools.servers.extras import need

Kind: TypeAlias = Literal[
    "pdf",
    "docx",
    "pptx",
    "xlsx",
    "ods",
    "odf",
    "epub",
    "zip",
    "tar",
    "packed",
    "xls",
    "msg",
    "rtf",
    "html",
    "json",
    "ipynb",
    "xml",
    "eml",
    "csv",
    "text",
    "image",
    "audio",
    "video",
    "empty",
    "old office",
    "locked office",
    "parquet",
    "unknown",
]
HEAD = 4096
MARKS: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"{\\rtf", "rtf"),
    (0, b"\x1f\x8b", "packed"),
    (0, b"BZh", "packed"),
    (0, b"\xfd7zXZ\x00", "packed"),
    (257, b"ustar", "tar"),
    (0, b"\x89PNG\r\n\x1a\n", "image"),
    (0, b"\xff\xd8\xff", "image"),
    (0, b"GIF8", "image"),
    (0, b"II*\x00", "image"),
    (0, b"MM\x00*", "image"),
    (8, b"WEBP", "image"),
    (8, b"WAVE", "audio"),
    (8, b"AVI ", "video"),
    (8, b"AIF", "audio"),
    (0, b"ID3", "audio"),
    (0, b"fLaC", "audio"),
    (0, b".snd", "audio"),
    (0, b"#!AMR", "audio"),
    (0, b"OggS", "audio"),
    (0, b"\x1aE\xdf\xa3", "video"),
    (0, b"PAR1", "parquet"),
    (0, b"FLV\x01", "video"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video"),
    (0, b"\x09\x08", "xls"),
    (0, b"\x09\x04\x06\x00", "xls"),
)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
BY_NAME: dict[str, Kind] = {
    **dict.fromkeys((".json", ".jsonl", ".ndjson", ".jsonld", ".geojson", ".topojson"), "json"),
    **dict.fromkeys((".xml", ".svg", ".rdf", ".xsd", ".rss", ".atom", ".kml", ".gpx", ".wsdl"), "xml"),
    **dict.fromkeys((".csv", ".tsv", ".tab"), "csv"),
    **dict.fromkeys((".htm", ".html", ".xhtml"), "html"),
    ".eml": "eml",
    ".ipynb": "ipynb",
}
BY_TYPE: dict[str, Kind] = {
    "application/json": "json",
    "application/ld+json": "json",
    "application/xml": "xml",
    "text/xml": "xml",
    "text/csv": "csv",
    "text/tab-separated-values": "csv",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "message/rfc822": "eml",
}
PICTURES = (".bmp", ".pbm", ".pgm", ".ppm", ".ico", ".ras", ".sgi", ".tga", ".xbm", ".jp2", ".pcx")
_HEADER = re.compile(rb"(?m)^(?:From|To|Subject|Received|Date|Message-I[Dd]|MIME-Version|Return-Path|Delivered-To): ")
_OTHER_HEADER = re.compile(rb"(?:From |[!-9;-~]+:[ \t])")
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_NOTEBOOK = re.compile(rb'\s*\{.{0,200}"(?:cells|metadata|nbformat|worksheets)"\s*:', re.DOTALL)


def kind_of(path: Path, name: str, media_type: str = "") -> Kind:
    """The kind of a file.

    Args:
        name: as it is called; only what the content leaves open is decided by it.
        media_type: as a server told it, or empty; decides where neither content nor name does.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head.strip():
        return "empty"
    return _marked(path, head) or _of_text(head, PurePosixPath(name.lower()).suffix, media_type, path)


def _marked(path: Path, head: bytes) -> Kind | None:
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _of_zip(path)
    if head.startswith(OLE):
        return _of_ole(path)
    if head[4:8] == b"ftyp":
        return "audio" if head[8:11] == b"M4A" else "image" if head[8:12] in (b"heic", b"avif", b"mif1") else "video"
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return "image"
    for offset, mark, kind in MARKS:
        if head[offset : offset + len(mark)] == mark:
            return kind
    if head[0] == 0xFF and head[1:2] in (b"\xfb", b"\xf3", b"\xf2", b"\xfa"):
        return "audio"
    return None


def _of_zip(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            declared = archive.open("mimetype").read(100) if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError):
        return "zip"
    if declared.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
        return "ods"
    if declared.startswith(b"application/vnd.oasis.opendocument"):
        return "odf"
    if declared.startswith(b"application/epub") or "META-INF/container.xml" in names:
        return "epub"
    if "[Content_Types].xml" in names:
        folders: dict[str, Kind] = {"word/": "docx", "ppt/": "pptx", "xl/": "xlsx"}
        for folder, kind in folders.items():
            if any(each.startswith(folder) and each.endswith((".xml", ".bin")) for each in names):
                return kind
    return "zip"


def _of_ole(path: Path) -> Kind:
    try:
        with need("olefile", EXTRA).OleFileIO(path) as ole:
            names = {entry[0] for entry in ole.listdir()}
    except (OSError, ValueError, IndexError, TypeError, AttributeError):
        return "unknown"
    if names & {"Workbook", "Book"}:
        return "xls"
    if "__properties_version1.0" in names:
        return "msg"
    return "locked office" if "EncryptedPackage" in names else "old office"


def _of_text(head: bytes, suffix: str, media_type: str, path: Path) -> Kind:
    if suffix in PICTURES or (media_type.startswith("image/") and "svg" not in media_type):
        return "image"
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in head and not wide:
        return "tar" if _is_old_tar(head) else "unknown"
    plain = head.replace(b"\0", b"")[2:] if wide else head.removeprefix(b"\xef\xbb\xbf")
    if _HTML.match(plain) or (plain.lstrip().startswith(b"<?xml") and b"<html" in plain.lower()):
        return "html"
    if plain.lstrip().startswith(b"<?xml") or suffix == ".svg":
        return "xml"
    if plain.lstrip().startswith(b"{") and (suffix == ".ipynb" or (_NOTEBOOK.match(plain) and _ends_a_notebook(path))):
        return "ipynb"
    if _OTHER_HEADER.match(plain) and len(_HEADER.findall(plain.split(b"\n\n")[0])) >= 2:
        return "eml"
    return BY_NAME.get(suffix) or BY_TYPE.get(media_type) or "text"


def _ends_a_notebook(path: Path) -> bool:
    data = path.read_bytes()[:50_000_000]
    return b'"nbformat"' in data and (b'"cells"' in data or b'"worksheets"' in data)


def _is_old_tar(head: bytes) -> bool:
    """Whether it begins with a tar header whose sum is right; zeros, which `tarfile` takes for an empty one, do not."""
    import tarfile

    try:
        return bool(tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "replace"))
    except tarfile.TarError:
        return False
