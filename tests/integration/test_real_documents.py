"""Documents that nobody here wrote, read as the server reads them, each with something known to be in it."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.conftest import SettingsFactory
from tests.fakes.real_documents import DOCUMENTS, RealDocument
from tests.fakes.tool_table import Row, note
from tools.documents.reader import members_of, read_file


def test_there_are_enough_of_them() -> None:
    assert len(DOCUMENTS) >= 40
    assert len({each.name.rpartition(".")[2] for each in DOCUMENTS if "!/" not in each.name}) >= 15


@pytest.mark.timeout(300)  # the first test of a package fetches it
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: f"{each.name}{each.pages}{each.query[:5]}")
async def test_what_is_known_is_found(document: RealDocument, settings: SettingsFactory) -> None:
    path = await asyncio.to_thread(document.path)
    made = await asyncio.to_thread(settings, speech_model="none")
    name, members = members_of(document.name)
    with await asyncio.to_thread(path.open, "rb") as file:
        start = time.monotonic()
        text = await read_file(
            name.rpartition("/")[2], file, made, members=members, pages=document.pages, query=document.query
        )
        seconds = time.monotonic() - start
    assert len(text) < 30_000
    for known in document.known:
        assert known in text
    gave = text.partition("\n")[0][:120]
    asked = "".join(
        f", {name} {value}" for name, value in (("pages", document.pages), ("query", document.query)) if value
    )
    check = "; ".join(repr(known)[1:-1] for known in document.known)[:200]
    row = Row("documents", "read_document", f"{document.name}{asked}", document.shown_origin, gave, check, seconds)
    await asyncio.to_thread(note, row)
