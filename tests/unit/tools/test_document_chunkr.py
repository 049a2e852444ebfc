"""Chunkr's service as a loopback fake: only with a key and by name, its pages, its refusals."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest

from configs.errors import ConfigurationError, ToolCallError
from configs.settings import Settings
from tests.conftest import SettingsFactory
from tests.fakes.raw_web import raw_web, response
from tools.documents import chunkr

SEGMENTS = [
    {"page_number": 1, "content": "Title", "markdown": "# Title"},
    {"page_number": 3, "content": "The answer is 42."},
]
DONE = {"task_id": "t-1", "status": "Succeeded", "output": {"chunks": [{"segments": SEGMENTS}]}}


async def read(settings: Settings, *answers: bytes, query: str = "") -> tuple[str, list[bytes]]:
    first, *rest = answers
    async with raw_web({"/tasks/parse": first, "/tasks/t-1/parse": rest[0] if rest else b""}) as web:
        address = f"http://127.0.0.1:{web.port}"
        text = await chunkr.read("a.pdf", io.BytesIO(b"%PDF-bytes"), settings, query=query, address=address)
    return text, web.heads


def told(task: dict[str, Any]) -> bytes:
    return response(json.dumps(task).encode(), content_type="application/json", connection="close")


async def keyed(settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("CHUNKR_API_KEY", "ck-test")
    monkeypatch.setattr(chunkr, "WAIT", 0.01)
    return await asyncio.to_thread(settings)


async def test_its_pages_are_shown_like_any_document(
    settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await keyed(settings, monkeypatch)
    text, heads = await read(made, told({"task_id": "t-1", "status": "Starting"}), told(DONE))
    assert "a.pdf: read by Chunkr, 3 pages" in text
    assert "--- page 1 ---\n# Title" in text
    assert "--- page 3 ---\nThe answer is 42." in text
    assert b"authorization: ck-test" in heads[0].lower()
    found, _ = await read(made, told(DONE), query="answer")
    assert "--- page 3 ---" in found
    assert "Title" not in found


async def test_without_a_key_nothing_is_sent(settings: SettingsFactory) -> None:
    with pytest.raises(ConfigurationError, match="set CHUNKR_API_KEY"):
        await read(await asyncio.to_thread(settings), told(DONE))


@pytest.mark.parametrize(
    ("answer", "fault", "message"),
    [
        (response(b"no", status=401, connection="close"), ConfigurationError, "refused the key"),
        (response(b"no", status=500, connection="close"), ToolCallError, "Chunkr answered 500"),
        (response(b"<html>", connection="close"), ToolCallError, "not understood"),
        (told({"task_id": "../x", "status": "Starting"}), ToolCallError, "not understood"),
        (
            told({"task_id": "t-1", "status": "Failed", "message": "no pages"}),
            ToolCallError,
            "could not read it: no pages",
        ),
        (told({**DONE, "output": {"chunks": 5}}), ToolCallError, "not understood"),
    ],
)
async def test_what_goes_wrong_is_said_in_a_line(
    settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch, answer: bytes, fault: type[Exception], message: str
) -> None:
    with pytest.raises(fault, match=message):
        await read(await keyed(settings, monkeypatch), answer)
