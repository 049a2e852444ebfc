"""The proxy lent to browsers and downloaders: the same rules for connections that others make."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from urllib.parse import urlsplit

import httpx
import pytest

from tests.fakes.raw_web import InventedNetwork, RawWeb, raw_web, response
from tests.fakes.tls import made_certificate
from tools import egress_proxy
from tools.egress import Egress

PUBLIC = "93.184.216.34"


def client(proxy: str, **options: object) -> httpx.AsyncClient:
    return httpx.AsyncClient(proxy=proxy, trust_env=False, timeout=20, **options)  # type: ignore[arg-type]


async def raw(proxy: str, sent: bytes, count: int = -1) -> bytes:
    """What the proxy answers to these bytes until it ends the connection, or the first `count`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(proxy).port)
    try:
        writer.write(sent)
        async with asyncio.timeout(20):
            return await (reader.read() if count < 0 else reader.readexactly(count))
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_plain_http_goes_through_with_its_body_and_without_hop_by_hop_headers() -> None:
    async def echo(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nKeep-Alive: 5\r\nConnection: keep-alive\r\nX-One: 1\r\n\r\n" + head)
        await writer.drain()

    async with raw_web({"/echo": echo}) as web:
        network = InventedNetwork({"a.example": [[PUBLIC]]}, web.port)
        async with Egress(network=network).proxy() as proxy, client(proxy) as browser:
            answer = await browser.post("http://a.example/echo?x=1", content=b"data", headers={"Proxy-Connection": "y"})
    assert answer.text.startswith("POST /echo?x=1 HTTP/1.1\r\n")
    assert "host: a.example\r\n" in answer.text
    assert "content-length: 4\r\n" in answer.text
    assert "proxy-connection" not in answer.text.lower()
    assert (answer.headers["connection"], answer.headers["x-one"]) == ("close", "1")
    assert "keep-alive" not in answer.headers
    assert network.dialled == [(PUBLIC, 80)]


async def test_tls_passes_through_a_tunnel_and_is_verified_by_the_client() -> None:
    tls = await asyncio.to_thread(made_certificate, "secure.example")
    async with raw_web({"/": response(b"private")}, tls.server) as web:
        network = InventedNetwork({"secure.example": [[PUBLIC]]}, web.port)
        async with Egress(network=network).proxy() as proxy, client(proxy, verify=tls.client) as browser:
            assert (await browser.get("https://secure.example/")).text == "private"
    assert network.dialled == [(PUBLIC, 443)]
    assert tls.names == ["secure.example"]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0x7f000001",
        "2130706433",
        "169.254.169.254",
        "inside.example",
        "[::ffff:7f00:1]",
    ],
)
async def test_neither_way_leads_to_the_local_network(host: str) -> None:
    async with raw_web({"/": response(b"secret")}) as web:
        network = InventedNetwork({"inside.example": [["10.0.0.1"]]}, web.port)
        async with Egress(network=network).proxy() as proxy:
            tunnel = await raw(proxy, f"CONNECT {host}:{web.port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            plain = await raw(proxy, f"GET http://{host}:{web.port}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    for answer in (tunnel, plain):
        assert answer.startswith(b"HTTP/1.1 502 ")
        assert b"refused: " in answer
        assert b"10.0.0.1" not in answer
    assert (web.heads, network.dialled) == ([], [])


async def test_a_private_host_that_is_configured_is_reached_by_both_ways() -> None:
    async with (
        raw_web({"/": response(b"wiki")}) as web,
        Egress([("127.0.0.1", web.port)]).proxy() as proxy,
        client(proxy) as browser,
    ):
        assert (await browser.get(f"http://127.0.0.1:{web.port}/")).text == "wiki"
        sent = f"CONNECT 127.0.0.1:{web.port} HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"
        assert (await raw(proxy, sent.encode())).endswith(b"wiki")


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"GET https://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"GET http://user:pw@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"CONNECT a.example HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"CONNECT a.example:99999 HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"\x16\x03\x01 no http\r\n\r\n",
        b"GET http://a.example/ HTTP/1.1\r\nHost: a\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_no_proxy_request_reaches_nobody_and_the_next_one_works(sent: bytes) -> None:
    async with raw_web({"/": response(b"hello")}) as web:
        network = InventedNetwork({"a.example": [[PUBLIC]]}, web.port)
        async with Egress(network=network).proxy() as proxy, client(proxy) as browser:
            answer = await raw(proxy, sent)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 502 ")
            assert network.dialled == []
            assert (await browser.get("http://a.example/")).text == "hello"


async def test_a_second_request_on_a_connection_never_reaches_the_first_ones_server() -> None:
    async with raw_web({"/": response(b"hello")}) as web:
        network = InventedNetwork({"a.example": [[PUBLIC]], "b.example": [["1.1.1.1"]]}, web.port)
        async with Egress(network=network).proxy() as proxy:
            one = b"GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n"
            await raw(proxy, one + one.replace(b"a.example", b"b.example"))
    assert len(web.heads) == 1
    assert b"b.example" not in web.heads[0]


async def flood(head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 100_000)
        await writer.drain()


async def drip(head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def received(web: RawWeb, path: str, tunnel: bool, **options: float) -> int:
    async with Egress([("127.0.0.1", web.port)]).proxy(**options) as proxy:  # type: ignore[arg-type]
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"
        if tunnel:
            request = f"CONNECT 127.0.0.1:{web.port} HTTP/1.1\r\nHost: x\r\n\r\n{request}"
        else:
            request = request.replace(path, f"http://127.0.0.1:{web.port}{path}", 1)
        return len(await raw(proxy, request.encode()))


@pytest.mark.parametrize("tunnel", [True, False])
async def test_bytes_and_time_are_bounded(tunnel: bool) -> None:
    async with raw_web({"/flood": flood, "/drip": drip}) as web:
        assert 900_000 < await received(web, "/flood", tunnel, limit=1_000_000) < 1_100_000
        assert 0 < await received(web, "/drip", tunnel, seconds=0.7) < 5_000


async def test_nothing_is_served_after_the_limit() -> None:
    answer = response(b"x" * 1000)
    async with (
        raw_web({"/": answer}) as web,
        Egress([("127.0.0.1", web.port)]).proxy(limit=len(answer)) as proxy,
        client(proxy) as browser,
    ):
        assert len((await browser.get(f"http://127.0.0.1:{web.port}/")).text) == 1000
        refused = await browser.get(f"http://127.0.0.1:{web.port}/")
    assert (refused.status_code, refused.text) == (502, "more bytes than are allowed\n")
    assert len(web.heads) == 1


async def test_leaving_ends_every_connection_and_the_port() -> None:
    async with raw_web({"/drip": drip}) as web:
        async with Egress([("127.0.0.1", web.port)]).proxy() as proxy:
            port = urlsplit(proxy).port
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET http://127.0.0.1:{web.port}/drip HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await reader.readexactly(100)
        async with asyncio.timeout(10):
            assert len(await reader.read()) < 100_000
        writer.close()
        with pytest.raises(OSError, match=r".*"):
            await asyncio.open_connection("127.0.0.1", port)


ASK = """
import encodings.idna, os, socket, sys  # no module is readable later
user, port, asked = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
os.setgroups([]); os.setgid(user); os.setuid(user)
with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
    connection.sendall(f"GET {asked} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".encode())
    try:
        print(connection.recv(65536).partition(b"\\r")[0].decode())
    except ConnectionResetError:
        print("reset")
"""


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="takes root to run as another user")
async def test_programs_of_other_users_are_not_served() -> None:
    async with raw_web({"/": response(b"hello")}) as web:
        egress = Egress([("127.0.0.1", web.port)])
        for users, served in (((), False), ((54321,), True)):
            async with egress.proxy(users=users) as proxy:
                port = str(urlsplit(proxy).port)
                command = [sys.executable, "-I", "-c", ASK, "54321", port, f"http://127.0.0.1:{web.port}/"]
                done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stderr
                assert ("200" in done.stdout) is served, done.stdout
        assert len(web.heads) == 1


async def test_a_connection_the_kernel_does_not_list_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress_proxy, "_owner", lambda client, server: None)
    async with raw_web({}) as web, Egress([("127.0.0.1", web.port)]).proxy() as proxy:
        assert await raw(proxy, b"GET http://127.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n") == b""
    assert web.heads == []
