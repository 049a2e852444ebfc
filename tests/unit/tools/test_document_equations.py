"""Equations of Word in one line of text, in their place between the words."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tools.documents.equations import linear, with_equations
from tools.documents.parse import read
from tools.servers.extras import need

MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def r(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def e(text: str) -> str:
    return f"<m:e>{text}</m:e>"


SQUARE = f"<m:sSup>{e(r('b'))}<m:sup>{r('2')}</m:sup></m:sSup>"
ROOT = f"<m:rad><m:radPr><m:degHide m:val='1'/></m:radPr><m:deg/>{e(SQUARE + r('-4ac'))}</m:rad>"
QUADRATIC = f"{r('x=')}<m:f><m:num>{r('-b±')}{ROOT}</m:num><m:den>{r('2a')}</m:den></m:f>"
LIMITS = f"<m:sub>{r('i=1')}</m:sub><m:sup>{r('n')}</m:sup>"


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        (QUADRATIC, "x=(-b±√(b^2-4ac))/(2a)"),
        (f"<m:sSub>{e(r('v'))}<m:sub>{r('i+1')}</m:sub></m:sSub>", "v_(i+1)"),
        (f"<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr>{LIMITS}{e(r('i'))}</m:nary>", "∑_(i=1)^n i"),
        (f"<m:rad><m:deg>{r('3')}</m:deg>{e(r('x'))}</m:rad>", "√[3](x)"),
        (f"<m:func><m:fName>{r('sin')}</m:fName>{e(r('x'))}</m:func>", "sin(x)"),
        (f"<m:m><m:mr>{e(r('a'))}{e(r('b'))}</m:mr><m:mr>{e(r('c'))}{e(r('d'))}</m:mr></m:m>", "[a, b; c, d]"),
        (f"<m:strange>{r('kept')}</m:strange>", "kept"),
    ],
)
def test_it_is_written_in_one_line(inner: str, text: str) -> None:
    assert linear(need("lxml.etree", "documents").fromstring(f'<m:oMath xmlns:m="{MATH}">{inner}</m:oMath>')) == text


def test_it_stands_between_its_words(tmp_path: Path) -> None:
    place = f"<m:oMath>{QUADRATIC}</m:oMath>"
    text = (
        f'<w:document xmlns:w="{WORD}" xmlns:m="{MATH}"><w:body><w:p><w:r><w:t>Here</w:t></w:r>{place}'
        f"<w:r><w:t>holds.</w:t></w:r></w:p><w:p><m:oMathPara>{place}{place}</m:oMathPara></w:p>"
        f"<m:oMathPara>{place}</m:oMathPara></w:body></w:document>"
    )
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{relations}"><Relationship Id="rId1" Type="{office}" Target="word/document.xml"/>'
            "</Relationships>",
        )
        archive.writestr("word/document.xml", text)
        archive.writestr("word/media/image1.png", b"\0" * 1000)
    told = read({"file": tmp_path / "file"}, tmp_path, name="a.docx")
    formula = "x=(-b±√(b^2-4ac))/(2a)"
    assert told["shown"][0]["text"].split("\n\n") == [f"Here {formula} holds.", f"{formula} {formula}", formula]
    assert zipfile.ZipFile(tmp_path / "equations.docx").namelist()[-1] == "word/document.xml"


def test_a_document_without_any_is_not_copied(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    assert with_equations(tmp_path / "file", tmp_path / "copy") == tmp_path / "file"
