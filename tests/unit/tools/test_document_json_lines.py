"""Lines of JSON, also with a bad one among them, and parquet files, which another tool reads."""

from __future__ import annotations

import json
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


def shown_for(folder: Path, text: str, name: str, query: str) -> list[str]:
    (folder / "file").write_text(text)
    told = read({"file": folder / "file"}, folder, name=name, query=query)
    return [each["text"] for each in told["shown"]]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_letters_are_shown_and_found_whatever_their_escapes(tmp_path: Path, name: str) -> None:
    text = r'{"a": "\u8fd9\u662f\u4e2d\u6587\u6587\u672c", "b": "\ud83d\ude00 \/ \\u0041 \u0022 \ud800"}'
    text += "\n" + text.replace("a", "c") if name == "a.jsonl" else ""
    (found,) = shown_for(tmp_path, text, name, "中文")
    assert found.split("\n")[0] == r'{"a": "这是中文文本", "b": "😀 / \\u0041 \" \ud800"}'


@pytest.mark.parametrize("indent", [2, None])
def test_passages_are_whole_records(tmp_path: Path, indent: int | None) -> None:
    records = [{"id": number, "text": f"word{number} " * 30, "more": {"deep": [number]}} for number in range(100)]
    for found in shown_for(tmp_path, json.dumps(records, indent=indent), "a.json", "word57 word58"):
        assert json.loads(f"[{found.strip().strip('[]').strip().rstrip(',')}]")


def test_of_a_parquet_file_the_tool_that_reads_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")
    with pytest.raises(ValueError, match="query_spreadsheet reads it"):
        read({"file": path}, tmp_path, name="table.parquet")
