"""Workbooks as no program writes them, part by part."""

from __future__ import annotations

import zipfile
from pathlib import Path

SPREADSHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'


def made(path: Path, rows: str, *, before: str = "", **parts: str) -> Path:
    """An xlsx file of one sheet `S`.

    Args:
        rows: the XML within its sheetData.
        before: what stands before the sheet's XML, such as a DOCTYPE.
        parts: other parts of the folder xl, by name without `.xml`.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook {SPREADSHEET} {RELATIONS}><sheets><sheet name="S" r:id="rId1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            '<R><Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.xml"/></R>',
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml", f"{before}<worksheet {SPREADSHEET}><sheetData>{rows}</sheetData></worksheet>"
        )
        for name, text in parts.items():
            archive.writestr(f"xl/{name}.xml", text)
    return path
