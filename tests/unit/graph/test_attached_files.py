"""What a prompt says of a file that came with a task."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from graph.workspaces import Workspaces

READ_BY = "not shown; read_document and other tools that take a path read it by its name]"


@pytest.mark.parametrize(
    ("name", "data", "shown"),
    [
        ("note.txt", "Größe".encode(), "Größe"),
        ("scan.pdf", b"%PDF-1.4\n\xff\xfe" + b"\x00" * 12_000, f"[application/pdf, 12 kB, {READ_BY}"),
        ("photo.jpg", b"\xff\xd8\xff" + b"\x00" * 97, f"[image/jpeg, 100 B, {READ_BY}"),
        ("thing", b"a\x00b", f"[unknown kind, 3 B, {READ_BY}"),
    ],
)
async def test_text_is_shown_and_other_files_are_named_with_kind_and_size(
    tmp_path: Path, name: str, data: bytes, shown: str
) -> None:
    (given := tmp_path / name).touch()
    await asyncio.to_thread(given.write_bytes, data)
    workspaces = Workspaces(tmp_path / "home")
    await workspaces.add("t", [given])
    assert await workspaces.read("t", [name]) == {name: shown}
