"""EPUB books: chapters in reading order."""

from __future__ import annotations

import posixpath
import zipfile
from typing import Any
from urllib.parse import unquote

from tools.documents.document import EXTRA, Document, Part, Source, UnreadableError, of_parts, split
from tools.documents.packages import BROKEN, checked
from tools.documents.web_page import markdown
from tools.servers.extras import need

MAX_CHAPTERS = 3000
MAX_CHAPTER = 10_000_000
LONG_CHAPTER = 15_000
OPF = "{http://www.idpf.org/2007/opf}"
DC = "{http://purl.org/dc/elements/1.1/}"


def read(source: Source) -> Document:
    """Its chapters; long ones in several parts.

    Raises:
        UnreadableError: it is damaged.
    """
    checked(source.path, "EPUB")
    try:
        with zipfile.ZipFile(source.path) as archive:
            facts, names = _contents(archive)
            parts = [part for name in names for part in _chapter(archive, name)]
    except (*BROKEN, KeyError, need("lxml.etree", EXTRA).LxmlError) as error:
        raise UnreadableError(f"this EPUB is damaged: {type(error).__name__}") from None
    return of_parts("EPUB book", "part", parts, [*facts, f"{len(names)} chapters"])


def _contents(archive: zipfile.ZipFile) -> tuple[list[str], list[str]]:
    """What the package file tells of the book, and its chapters' names in reading order."""
    root_file = _xml(archive, "META-INF/container.xml").find(".//{*}rootfile").get("full-path")
    package = _xml(archive, root_file)
    told = [
        f"{name}: {text.strip()[:200]}"
        for name in ("title", "creator", "language")
        if (text := package.findtext(f".//{DC}{name}"))
    ]
    folder = posixpath.dirname(root_file)
    by_id = {item.get("id"): unquote(item.get("href") or "") for item in package.iter(f"{OPF}item")}
    spine = [by_id.get(item.get("idref"), "") for item in package.iter(f"{OPF}itemref")]
    names = [posixpath.normpath(posixpath.join(folder, href)) for href in spine[:MAX_CHAPTERS] if href]
    inside = set(archive.namelist())
    return told, [name for name in names if name in inside]


def _chapter(archive: zipfile.ZipFile, name: str) -> list[Part]:
    with archive.open(name) as file:
        title, text = markdown(file.read(MAX_CHAPTER).decode("utf-8", "replace"))
    heading = next((line.lstrip("#").strip() for line in text.splitlines() if line.startswith("#")), title)
    return [Part(piece, heading[:80]) for piece in split(text, LONG_CHAPTER)]


def _xml(archive: zipfile.ZipFile, name: str) -> Any:
    etree = need("lxml.etree", EXTRA)
    return etree.fromstring(archive.read(name), etree.XMLParser(resolve_entities=False, no_network=True))
