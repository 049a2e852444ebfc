"""Opens a table file of any format; runs in the sandbox, see `tools.sandbox.jobs`."""

from __future__ import annotations

import gc
from pathlib import Path

from tools.documents.document import UnreadableError
from tools.tables.archive import opened
from tools.tables.book import Book, Wanted

_ZIP, _OLE, _PARQUET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PAR1"
_OLD_EXCEL = (b"\x09\x08", b"\x09\x04", b"\x09\x02", b"\x09\x00")


def read_book(path: Path, name: str, wanted: Wanted) -> Book:
    """The book in a file, told by its content; `name` only tells csv from tsv.

    Raises:
        UnreadableError: it is empty, no table, damaged, protected or too large.
    """
    collects = gc.isenabled()
    gc.disable()  # cells have no cycles; looking for some among a million takes a third of the time
    try:
        return _read(path, name, wanted)
    finally:
        if collects:
            gc.enable()


def _read(path: Path, name: str, wanted: Wanted) -> Book:
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise UnreadableError("the file is empty")
    if start.startswith(_ZIP):
        return _zipped(path, wanted)
    if start == _OLE or start.startswith(_OLD_EXCEL):
        from tools.tables.xls import read_xls

        return read_xls(path, wanted)
    if start.startswith(_PARQUET):
        raise UnreadableError("a parquet file has no cells; query_spreadsheet reads it")
    from tools.tables.delimited import read_delimited

    return read_delimited(path, name, wanted)


def is_text(path: Path) -> bool:
    """Whether the file is neither a workbook nor parquet."""
    with path.open("rb") as file:
        start = file.read(8)
    return bool(start) and not start.startswith((_ZIP, _PARQUET, *_OLD_EXCEL)) and start != _OLE


def is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == _PARQUET


def _zipped(path: Path, wanted: Wanted) -> Book:
    from tools.tables.ods import read_ods
    from tools.tables.xlsx import read_xlsx

    with opened(path) as parts:
        names = parts.names()
        if "content.xml" in names:
            return read_ods(parts, wanted)
        if any(name.endswith("workbook.bin") for name in names):
            raise UnreadableError("xlsb files are not read; save it as xlsx")
        if not any(name.endswith("workbook.xml") for name in names):
            raise UnreadableError("the file is a zip archive that holds no spreadsheet")
        return read_xlsx(parts, wanted)
