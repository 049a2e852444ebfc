"""Documents read by the service Chunkr (https://docs.chunkr.ai), where its key is set and it was asked for by name."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from configs.errors import ConfigurationError, ToolCallError
from configs.settings import Settings
from tools.documents.choice import choose
from tools.documents.document import Document, Part, Source, of_parts
from tools.documents.shown import shown

if TYPE_CHECKING:
    import httpx

ADDRESS = "https://api.chunkr.ai"
MAX_BYTES = 50_000_000
MAX_ANSWER = 100_000_000
SECONDS = 150.0
WAIT = 1.0
"""Seconds between questions whether it is done."""


async def read(
    name: str, file: BinaryIO, settings: Settings, pages: str = "", query: str = "", address: str = ADDRESS
) -> str:
    """Upload a document, wait for it, and show it as `tools.documents.reader.read_file` does.

    Raises:
        ConfigurationError: no key.
        ToolCallError: the service refused or did not finish.
    """
    if settings.chunkr_api_key is None:
        raise ConfigurationError("engine='chunkr' needs a key: set CHUNKR_API_KEY, or leave engine out")
    import httpx

    data = await asyncio.to_thread(file.read, MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ToolCallError(f"Chunkr is given documents up to {MAX_BYTES:,} bytes")
    encoded = await asyncio.to_thread(base64.b64encode, data)
    headers = {"Authorization": settings.chunkr_api_key.get_secret_value()}
    task = {"file": f"data:application/octet-stream;base64,{encoded.decode('ascii')}", "file_name": name}
    try:
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=30.0, trust_env=False) as client:
            output = await _finished(client, await _told(await client.post("/tasks/parse", json=task)))
    except httpx.HTTPError as error:
        raise ToolCallError(f"Chunkr is not reached: {type(error).__name__}") from None
    try:
        document = document_of(output)
        choice = choose(document, _source(name), pages, query)
    except ValueError as error:
        raise ToolCallError(str(error)) from None
    told = {"kind": document.kind, "unit": document.unit, "total": document.total, "facts": [], "notes": []}
    return shown(name, {**told, **choice.as_json()}, pages, query)


def document_of(output: Mapping[str, Any]) -> Document:
    """The pages of Chunkr's `output`: the segments' content in its order.

    Raises:
        ValueError: it has another shape.
    """
    by_page: dict[int, list[str]] = {}
    try:
        for chunk in output["chunks"]:
            for segment in chunk["segments"]:
                text = segment.get("markdown") or segment.get("content") or segment.get("text") or ""
                by_page.setdefault(int(segment["page_number"]), []).append(str(text))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ValueError("Chunkr's answer is not understood") from None
    total = max(by_page, default=0)
    if not 0 < total <= 100_000:
        raise ValueError("Chunkr found no text in it")
    return of_parts("read by Chunkr", "page", [_page(by_page.get(number, ())) for number in range(1, total + 1)])


def _page(texts: Sequence[str]) -> Part:
    return Part("\n\n".join(text.strip() for text in texts if text.strip()))


async def _finished(client: httpx.AsyncClient, task: Mapping[str, Any]) -> Mapping[str, Any]:
    ends = time.monotonic() + SECONDS
    task_id = str(task.get("task_id", ""))
    if not task_id.replace("-", "").replace("_", "").isalnum():
        raise ToolCallError("Chunkr's answer is not understood")
    while task.get("status") in ("Starting", "Processing"):
        if time.monotonic() > ends:
            raise ToolCallError(f"Chunkr was not done within {SECONDS:g} s")
        await asyncio.sleep(WAIT)
        task = await _told(await client.get(f"/tasks/{task_id}/parse"))
    output = task.get("output")
    if task.get("status") != "Succeeded" or not isinstance(output, Mapping):
        raise ToolCallError(f"Chunkr could not read it: {str(task.get('message', ''))[:200]}")
    return output


async def _told(response: httpx.Response) -> Mapping[str, Any]:
    if response.status_code in (401, 403):
        raise ConfigurationError("Chunkr refused the key: check CHUNKR_API_KEY")
    if response.status_code >= 400:
        raise ToolCallError(f"Chunkr answered {response.status_code}")
    try:
        told = response.json()
    except ValueError:
        told = None
    if not isinstance(told, dict) or len(response.content) > MAX_ANSWER:
        raise ToolCallError("Chunkr's answer is not understood")
    return told


def _source(name: str) -> Source:
    from pathlib import Path

    return Source(Path(name), name, Path(), time.monotonic() + 60, lambda done, total, text: None)
