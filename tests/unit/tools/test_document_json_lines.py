"""Lines of JSON, also with a bad one among them, and parquet files, which another tool reads."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tools.documents.document import Document, Source
from tools.documents.parse import read
from tools.documents.plain import read_json


def document(folder: Path, text: str, name: str = "log.jsonl") -> Document:
    path = folder / "file"
    path.write_text(text)
    return read_json(Source(path, name, folder, time.monotonic() + 60, lambda done, total, text: None))


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ('{"a": 1}\n{"a": 2}\n', ["2 lines"]),
        ('{"a": 1}\n\n{"a": \n{"a": 3}\n', ["3 lines", "not valid JSON: 1 of the lines (line 3)"]),
        ('{"a": \n{"a": 2}\n{"a": 3}\n', ["3 lines", "not valid JSON: 1 of the lines (line 1)"]),
        ('"a"\noops\n"b"', ["3 lines", "not valid JSON: 1 of the lines (line 2)"]),
    ],
)
def test_lines_that_are_no_json_are_named(tmp_path: Path, text: str, facts: list[str]) -> None:
    found = document(tmp_path, text)
    assert (found.kind, found.facts) == ("JSON lines", facts)


def test_a_broken_json_file_is_no_lines_of_json(tmp_path: Path) -> None:
    found = document(tmp_path, '{\n"a": [\n1,\n2\n],\n"b": 3,\n', "data.json")
    assert found.kind == "text"
    assert found.facts[0].startswith("not valid JSON: ")


def test_of_a_parquet_file_the_tool_that_reads_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")
    with pytest.raises(ValueError, match="query_spreadsheet reads it"):
        read({"file": path}, tmp_path, name="table.parquet")
