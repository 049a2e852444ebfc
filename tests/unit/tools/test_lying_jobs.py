"""What becomes of a job that was taken over by the file it reads, and tells what it likes, for every tool.

The job hands back any JSON and regular files; nothing in the JSON may name a file beyond those, or be taken for a
number, a name or a list that it is not.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from configs.settings import load_settings
from tools.documents import reader
from tools.media import images, speech, videos
from tools.sandbox.jobs import JobResult
from tools.servers import math, spreadsheet
from tools.servers.serving import ServedTool, _bounded
from tools.web import crawler

SECRET = "the host's secret"
MODULES = (reader, images, speech, videos, math, spreadsheet, crawler)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the host, beside the folder that holds what a job made."""
    path = tmp_path / "secret"
    path.write_text(SECRET)
    return path


@pytest.fixture
def lying(secret: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Path]:
    """Has every job answer a value; the folder of what it made."""
    made = secret.parent / "made"
    made.mkdir()

    def answer(value: Any) -> Path:
        @asynccontextmanager
        async def run_job(*arguments: Any) -> AsyncIterator[JobResult]:
            yield JobResult(value, made)

        for module in MODULES:
            monkeypatch.setattr(module, "run_job", run_job)
        return made

    return answer


async def told(function: Callable[..., Awaitable[Any]], *arguments: Any) -> str:
    """What a tool that calls it gives to the model: its answer, or its error."""
    try:
        return str(await _bounded("tool", ServedTool(function))(*arguments))
    except Exception as error:  # noqa: BLE001  whatever it is, is told
        return str(error)


PLACES = [
    "{secret}", "../secret", "./../secret", "x/../../secret", "..%2fsecret", "%2e%2e/secret", "file://{secret}",
    "/proc/self/environ", "/workspace/../../secret", "\0", "", ".", "..", None, 7, ["../secret"], {"a": 1},
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
async def test_a_file_that_a_parser_names_is_looked_for_among_those_it_made(
    place: Any, lying: Callable[[Any], Path], secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = place.format(secret=secret) if isinstance(place, str) else place
    seen: list[bytes] = []

    async def media_text(name: str, file: Any, *more: Any) -> str:
        seen.append(await asyncio.to_thread(file.read))
        return "heard"

    monkeypatch.setattr(reader, "media_text", media_text)
    lying({"media": "audio", "file": place, "name": "loot.txt"})
    known = await asyncio.to_thread(load_settings)
    for each in (
        await told(reader.take_out, "a.zip", io.BytesIO(b"zip"), ["b"]),
        await told(reader.read_file, "a.zip", io.BytesIO(b"zip"), known),
    ):
        assert len(each) < 300
        assert each == "heard" or str(secret.parent) not in each.replace(repr(place)[1:-1], "")
    assert seen in ([], [b"zip"])


async def test_a_file_that_it_did_make_is_taken(lying: Callable[[Any], Path]) -> None:
    made = lying({"file": "member-1", "name": "b"})
    await asyncio.to_thread((made / "member-1").write_bytes, b"taken")
    assert await reader.take_out("a.zip", io.BytesIO(b"zip"), ["b"]) == ("b", b"taken")


VIDEO = {"width": 9, "height": 9, "rate": 9.0, "codec": "h264"}
FACTS = {"video": VIDEO, "audio": None, "seconds": 9.0, "container": "mov", "subtitles": 0, "title": ""}
LIES: list[Any] = [
    None, [], {}, "\udcff", 7, True, -1, 1e999, float("nan"), 10**40, [0] * 300, [[]], [None], [{"text": 7}],
    {"file": "../secret", "name": "x", "media": "x"}, {"starts": [1e999], "until": "x"}, {"title": 7, "markdown": [7]},
    {**FACTS, "video": {**VIDEO, "width": "../secret"}}, {**FACTS, "seconds": 1e300}, {**FACTS, "seconds": "9"},
]  # fmt: skip


async def crawled(file: io.BytesIO) -> str:
    made = crawler.Crawler(await asyncio.to_thread(load_settings))
    return str(await made._html(file.getvalue(), "http://x.test/", None))


async def heard(file: io.BytesIO) -> str:
    engine: Any = None
    return str(await speech.transcribe(file, engine, length=9.0))


async def asked(file: io.BytesIO) -> str:
    return await videos.answered("v.mp4", file, "what?", await asyncio.to_thread(load_settings))


async def pictured(file: io.BytesIO) -> str:
    return await images.described("p.png", file, await asyncio.to_thread(load_settings))


async def read(file: io.BytesIO) -> str:
    return await reader.read_file("r.pdf", file, await asyncio.to_thread(load_settings))


async def taken(file: io.BytesIO) -> str:
    return str(await reader.take_out("a.zip", file, ["b"]))


async def solved(file: io.BytesIO) -> str:
    return await math.solve("x = 1")


@pytest.mark.parametrize("caller", [crawled, heard, asked, pictured, read, taken, solved])
async def test_whatever_a_job_tells_the_tool_ends_in_a_short_text(
    caller: Callable[[Any], Awaitable[str]], lying: Callable[[Any], Path]
) -> None:
    for lie in LIES:
        lying(lie)
        text = await asyncio.wait_for(told(caller, io.BytesIO(b"<p>a file")), 20)
        assert len(text) < 1000, lie
        assert SECRET not in text, lie


async def test_a_picture_is_taken_once_however_often_it_is_told(lying: Callable[[Any], Path]) -> None:
    made = lying([1, 0, 0, True, 1.0, -1, 2, 99, "0", None, [], *[1] * 300])
    for number in (0, 1):
        await asyncio.to_thread((made / f"{number:02d}.jpg").write_bytes, b"jpeg")
    frames = await videos.frames_at(io.BytesIO(b"video"), [0.5, 1.5])
    assert [frame.time for frame in frames] == [0.5, 1.5]
