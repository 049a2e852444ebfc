"""Word documents as markdown: headings, lists, tables, equations, footnotes, comments, headers and footers."""

from __future__ import annotations

import re
import zipfile
from typing import Any

from tools.documents.document import EXTRA, Document, Source, damaged, of_text
from tools.documents.equations import with_equations
from tools.documents.packages import checked, media_fact
from tools.documents.web_page import markdown
from tools.documents.word_html import plain_elements
from tools.servers.extras import need

STYLES = "comment-reference => sup"
"""mammoth leaves comments out unless told otherwise."""
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_AROUND = re.compile(r"word/(header|footer)\d*\.xml")


def read(source: Source) -> Document:
    """The whole text.

    Raises:
        UnreadableError: it is damaged.
    """
    checked(source.path, "Word document")
    mammoth = need("mammoth", EXTRA)
    pictures: list[str] = []

    def named(image: Any) -> dict[str, str]:
        pictures.append(image.alt_text or "")
        return {"src": "", "alt": f"picture {len(pictures)}" + (f": {image.alt_text}" if image.alt_text else "")}

    with damaged("Word document"), with_equations(source.path, source.work / "equations.docx").open("rb") as file:
        result = mammoth.convert_to_html(file, style_map=STYLES, convert_image=mammoth.images.img_element(named))
    _, text = markdown(plain_elements(result.value))
    facts = [*_around(source), *media_fact(source.path, "word/media/")]
    return of_text("Word document", text, facts)


def _around(source: Source) -> list[str]:
    """The texts of headers and footers, which belong to every page."""
    etree = need("lxml.etree", EXTRA)
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    facts: list[str] = []
    with zipfile.ZipFile(source.path) as archive:
        for name in sorted(filter(_AROUND.fullmatch, archive.namelist())):
            root = etree.fromstring(archive.read(name), parser)
            text = " ".join("".join(node.itertext(f"{_WORD}t")) for node in root.iter(f"{_WORD}p")).strip()
            fact = f"{name[5:11]}: {text[:300]}"
            if text and fact not in facts:
                facts.append(fact)
    return facts[:6]
