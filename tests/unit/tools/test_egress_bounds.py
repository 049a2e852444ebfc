"""What a server may send: how much, how long, and in which form."""

from __future__ import annotations

import asyncio
import gzip
import resource
import time

import pytest

from configs.errors import ToolCallError
from tests.fakes.raw_web import Answer, RawWeb, raw_web, response
from tools.egress import Egress
from tools.egress_gzip import Gunzip


def local(web: RawWeb) -> Egress:
    """An egress that may reach the test's server, by that one host and port."""
    return Egress([("127.0.0.1", web.port)])


def url(web: RawWeb, path: str = "/") -> str:
    return f"http://127.0.0.1:{web.port}{path}"


async def refusal(egress: Egress, address: str, seconds: float = 60) -> str:
    with pytest.raises(ToolCallError) as raised:
        await egress.fetch(address, seconds=seconds)
    return str(raised.value)


async def test_gzip_is_unpacked_and_others_are_refused() -> None:
    answers = {
        "/gzip": response(gzip.compress(b"packed" * 1000), content_encoding="gzip"),
        "/empty": response(b"", content_encoding="gzip"),
        "/cut": response(gzip.compress(b"packed" * 1000)[:-9], content_encoding="gzip"),
        "/br": response(b"x", content_encoding="br"),
        "/twice": response(b"x", content_encoding="gzip, gzip"),
    }
    async with raw_web(answers) as web:
        assert (await local(web).fetch(url(web, "/gzip"))).data == b"packed" * 1000
        assert (await local(web).fetch(url(web, "/empty"))).data == b""
        assert "no valid HTTP" in await refusal(local(web), url(web, "/cut"))
        for path in ("/br", "/twice"):
            assert "a compression that was not asked for" in await refusal(local(web), url(web, path))


async def test_bodies_are_counted_after_decompression_and_stopped_at_the_limit() -> None:
    sent = 0

    async def endless(head: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 200_000_000:
            sent += 100_000
            writer.write(b"x" * 100_000)
            await writer.drain()

    bomb = gzip.compress(b"\0" * 200_000_000, compresslevel=1)
    answers: dict[str, Answer] = {
        "/endless": endless,
        "/bomb": response(bomb, content_encoding="gzip"),
        "/told": b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n",
    }
    async with raw_web(answers) as web:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for path in answers:
            assert await refusal(local(web), url(web, path)) == "127.0.0.1 sent more than 15 MB"
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB
        assert (await local(web).fetch(url(web, "/missing"))).status == 404
    assert sent < 60_000_000


async def test_several_members_of_gzip_are_all_unpacked_and_counted_together() -> None:
    log = b"".join(gzip.compress(f"day {n}\n".encode()) for n in range(1000))

    answers: dict[str, Answer] = {
        "/log": response(log, content_encoding="gzip"),
        "/rest": response(gzip.compress(b"whole") + b"\0" * 100_000, content_encoding="gzip"),
        "/cut": response(log[:-1], content_encoding="gzip"),
        "/bomb": response(gzip.compress(b"\0" * 8_000_000) * 2, content_encoding="gzip"),
        "/empty": response(gzip.compress(b"") * 20_000, content_encoding="gzip"),
    }
    unpacked = Gunzip()
    assert b"".join(part for byte in log[:90] for part in unpacked.parts(bytes([byte]))).startswith(
        b"day 0\nday 1\nday"
    )
    async with raw_web(answers) as web:
        assert (await local(web).fetch(url(web, "/log"))).data == b"".join(b"day %d\n" % n for n in range(1000))
        assert (await local(web).fetch(url(web, "/rest"))).data == b"whole"
        assert await refusal(local(web), url(web, "/bomb")) == "127.0.0.1 sent more than 15 MB"
        for path in ("/cut", "/empty"):
            assert "no valid HTTP" in await refusal(local(web), url(web, path))


STORED = b"\0\0\0\xff\xff" * 20_000
"""Blocks of deflate that hold nothing."""


@pytest.mark.parametrize(
    "parts",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10], STORED),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", (b"1;" + b"x" * 9000 + b"\r\ny\r\n") * 10),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </" + b"x" * 9000 + b">\r\n\r\n"),
    ],
    ids=["stored", "chunks", "hints"],
)
async def test_what_comes_beside_the_body_is_counted_too(parts: tuple[bytes, bytes]) -> None:
    sent = 0

    async def endless(head: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(parts[0])
        while sent < 100_000_000:
            sent += len(parts[1])
            writer.write(parts[1])
            await writer.drain()

    async with raw_web({"/": endless}) as web:
        with pytest.raises(ToolCallError, match=r"^127.0.0.1 sent more than 2 MB$"):
            await local(web).fetch(url(web), limit=2_000_000)
    assert sent < 30_000_000  # what the buffers of both sockets hold is in it


async def test_one_byte_a_second_ends_in_time() -> None:
    async def drip(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.05)

    async def slow_head(head: bytes, writer: asyncio.StreamWriter) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.05)

    async def silent(head: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with raw_web({"/drip": drip, "/head": slow_head, "/silent": silent}) as web:
        for path in ("/drip", "/head", "/silent"):
            started = time.monotonic()
            assert await refusal(local(web), url(web, path), seconds=0.5) == "127.0.0.1 took longer than 0.5 s"
            assert time.monotonic() - started < 10


async def test_answers_that_are_no_http_are_an_error_in_words() -> None:
    async def flood(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-Flood: " + b"y" * 1000 + b"\r\n")
            await writer.drain()

    async with raw_web({"/garbage": b"\x16\x03garbage\r\n\r\n", "/flood": flood, "/nothing": b""}) as web:
        for path in ("/garbage", "/flood", "/nothing"):
            assert await refusal(local(web), url(web, path)) == "127.0.0.1: what it sent is no valid HTTP"
        assert "malformed" in str(await bad_header(web))


async def bad_header(web: RawWeb) -> Exception:
    with pytest.raises(ToolCallError) as raised:
        await local(web).fetch(url(web), headers={"X": "a\r\nY: b"})
    return raised.value
