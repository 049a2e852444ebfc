"""Writes that share a commit: one that fails is told, the others are kept, whatever the fault."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from graph.group_commit import GroupCommit

INSERT = "INSERT INTO kept VALUES (?)"


async def test_a_write_that_cannot_be_kept_takes_no_other_with_it(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"

    def run(statement: str) -> list[str]:
        with sqlite3.connect(path) as connection:
            rows = [row[0] for row in connection.execute(statement)]
        connection.close()
        return rows

    await asyncio.to_thread(run, "CREATE TABLE kept (word TEXT NOT NULL UNIQUE)")
    writes = GroupCommit(path, timeout=5)
    words = ["good", "\ud800", "twice", "twice", "other"]  # UTF-8 has no lone surrogate; a word is kept once
    outcomes = await asyncio.wait_for(
        asyncio.gather(*(writes.write(INSERT, [(word,)]) for word in words), return_exceptions=True), 10
    )
    await writes.aclose()
    assert [type(each) for each in outcomes] == [
        type(None), UnicodeEncodeError, type(None), sqlite3.IntegrityError, type(None),
    ]  # fmt: skip
    assert sorted(await asyncio.to_thread(run, "SELECT word FROM kept")) == ["good", "other", "twice"]
