"""Pages that attack their reader: each ends in time with a short error or harmless text, and the next page is read."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from configs.errors import ToolCallError
from tests.fakes.crawl_server import Crawl, crawl_server, eventually
from tests.fakes.raw_web import Answer, RawWeb, raw_web, redirect, response

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
PSUTIL: Any = importlib.import_module("psutil")  # has no types
SECRET = "the secret of the neighbour"
TITLE = "<title>A page</title>"


def html(body: str, cookie: str = "") -> bytes:
    data = f"<!doctype html>{TITLE}<body>{body}".encode()
    return response(data, content_type="text/html; charset=utf-8", set_cookie=cookie)


def scripted(script: str) -> bytes:
    """A page whose script runs and then writes that it went on."""
    return html(f"<p id=out>before</p><script>{script}</script><script>out.textContent += ' and after'</script>")


async def slowly(head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(1)


class Hostile:
    """The pages of one module: a site that may be read, and a neighbour on another port that may not.

    Attributes:
        slow: a page that is asked for when the module begins, since its end takes half a minute.
    """

    def __init__(self, crawl: Crawl, site: RawWeb, neighbour: RawWeb, pages: dict[str, Answer], slow: RawWeb) -> None:
        self.crawl, self.site, self.neighbour, self.pages = crawl, site, neighbour, pages
        self.slow = asyncio.create_task(crawl.page(f"http://127.0.0.1:{slow.port}/"))

    async def page(self, answer: Answer, **more: Any) -> str:
        path = f"/page-{len(self.pages)}"
        self.pages[path] = answer
        return await self.crawl.page(f"http://127.0.0.1:{self.site.port}{path}", **more)

    async def still_works(self) -> None:
        assert "before and after" in await self.page(scripted("1"))
        assert self.neighbour.heads == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hostile]:
    home = await asyncio.to_thread(tmp_path_factory.mktemp, "home")
    pages: dict[str, Answer] = {}
    async with (
        raw_web(pages) as site,
        raw_web({"/": html(SECRET)}) as neighbour,
        raw_web({"/": slowly}) as slow,
        crawl_server(home, [f"127.0.0.1:{site.port}", f"127.0.0.1:{slow.port}"]) as crawl,
    ):
        hostile = Hostile(crawl, site, neighbour, pages, slow)
        yield hostile
        hostile.slow.cancel()
        await asyncio.wait({hostile.slow})


FORBIDDEN = ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/", "http://169.254.169.254/"]


async def test_a_page_reaches_no_neighbour(web: Hostile) -> None:
    """By any way it has without leaving; nothing arrives there, and nothing of it is read."""
    scripts = """
        fetch('{url}', {mode: 'no-cors'}).then(r => r.text()).then(t => out.textContent += t);
        new WebSocket('{url}'.replace('http', 'ws'));
        navigator.sendBeacon('{url}', document.cookie);
        new EventSource('{url}');
        window.open('{url}');
        for (const each of ['iframe', 'img', 'script']) {
          const made = document.createElement(each);
          made.src = '{url}';
          document.body.append(made);
        }
        fetch('file:///etc/passwd').then(r => r.text()).then(t => out.textContent += t);
    """
    addresses = [url.format(port=web.neighbour.port) for url in FORBIDDEN]
    text = await web.page(scripted("".join(scripts.replace("{url}", each) for each in addresses)), render="always")
    assert "before and after" in text
    assert SECRET not in text
    assert "root:" not in text
    await web.still_works()


@pytest.mark.parametrize(
    "script",
    [
        *(f"location = '{url}'" for url in FORBIDDEN),
        "document.write('<form action=http://127.0.0.1:{port}/ method=post></form>'); document.forms[0].submit()",
    ],
)
async def test_a_page_leads_to_no_neighbour(web: Hostile, script: str) -> None:
    try:
        text = await web.page(scripted(script.replace("{port}", str(web.neighbour.port))), render="always")
    except ToolCallError as error:
        text = str(error)
    assert SECRET not in text
    assert len(text) < 500
    assert web.neighbour.heads == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "view-source:file:///etc/passwd", "chrome://version"])
async def test_a_page_leads_to_no_file(web: Hostile, url: str) -> None:
    frame = f"<iframe src='{url}'></iframe>"
    text = await web.page(
        html(f"{frame}<p id=out>before</p><script>location = '{url}'</script>and after"), render="always"
    )
    assert "root:" not in text
    assert "before" in text


async def test_what_pages_do_to_people(web: Hostile) -> None:
    scripts = [
        "alert('1'); confirm('2'); prompt('3')",
        "for (let n = 0; n < 20; n++) window.open('about:blank')",
        "addEventListener('beforeunload', event => { event.preventDefault(); return 'stay'; })",
        "window.print()",
        "const a = document.createElement('a'); a.href = 'data:application/zip,x'; a.download = 'a.zip'; a.click()",
        "if (navigator.serviceWorker) navigator.serviceWorker.register('/sw.js').catch(() => 1)",
        "navigator.geolocation.getCurrentPosition(() => 1)",
        "history.pushState({}, '', '/' + 'x'.repeat(2000))",
        "if (window.RTCPeerConnection) out.textContent = 'WebRTC'",
    ]
    assert "before and after" in await web.page(scripted("; ".join(scripts)), render="always")


@pytest.mark.parametrize("script", ["while (true) {}", "while (true) alert('again')"])
async def test_a_page_without_end_is_ended_and_the_browser_works_on(web: Hostile, script: str) -> None:
    with pytest.raises(ToolCallError, match=r"took too long|not ready|broke down|cannot be shown"):
        await web.page(html(f"<p>x</p><script>{script}</script>"), render="always")
    assert web.crawl.seconds < 60
    await web.still_works()


async def test_a_page_that_eats_memory_is_ended(web: Hostile) -> None:
    script = (
        "const all = []; setInterval(() => { for (let n = 0; n < 8; n++) all.push(new Uint8Array(3e7).fill(1)) }, 50)"
    )
    with pytest.raises(ToolCallError) as raised:
        await web.page(html(f"<p>x</p><script>{script}</script>"), render="always")
    assert len(str(raised.value)) < 200
    await web.still_works()


async def test_a_browser_that_is_killed_is_replaced(web: Hostile) -> None:
    await web.still_works()
    for process in await asyncio.to_thread(_browsers):
        with suppress(ProcessLookupError):  # it has ended with the first of them
            os.kill(process, signal.SIGKILL)
    await web.still_works()


def _browsers() -> list[int]:
    """The browsers that the servers of this process have started."""
    family = PSUTIL.Process().children(recursive=True)
    return [each.pid for each in family if "--remote-debugging-port=0" in _command(each)]


def _command(process: Any) -> list[str]:
    try:
        return list(process.cmdline())
    except PSUTIL.Error:
        return []


async def test_cookies_and_storage_are_of_one_page_only(web: Hostile) -> None:
    await web.page(scripted("document.cookie = 'kept=1; path=/'; localStorage.kept = 1"), render="always")
    show = (
        "out.textContent = 'cookies [' + document.cookie.replace('cookiesEnabled=true', '') + '] ' + localStorage.kept"
    )
    assert "cookies [] undefined" in await web.page(html(f"<p id=out></p><script>{show}</script>"), render="always")
    await web.page(html("<p>x</p>", cookie="session=1"))
    assert all(b"session=1" not in head for head in web.site.heads)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (redirect("http://169.254.169.254/latest/meta-data"), "host cannot be found, or is not a public host"),
        (redirect("file:///etc/passwd"), "refused: only http and https"),
        (redirect("http://2130706433/"), "refused: "),
        (response(b"x" * 16_000_000, content_type="text/html"), "sent more than 15 MB"),
        (response(gzip.compress(b"x" * 200_000_000), content_type="text/html", content_encoding="gzip"), "than 15 MB"),
        (b"garbage\r\n\r\n", "is no valid HTTP"),
        (response(b"no", status=500), "answered 500"),
    ],
    ids=["metadata", "file", "decimal", "large", "bomb", "garbage", "500"],
)  # fmt: skip
async def test_servers_that_misbehave(web: Hostile, answer: Answer, message: str) -> None:
    with pytest.raises(ToolCallError, match=message) as raised:
        await web.page(answer)
    assert web.crawl.seconds < 40
    assert "169.254" not in str(raised.value)
    assert len(str(raised.value)) < 200


async def test_a_server_that_gives_a_byte_a_second(web: Hostile) -> None:
    with pytest.raises(ToolCallError, match="took longer than 30 s"):
        await web.slow


async def test_a_site_that_asks_to_wait_is_left_alone(web: Hostile) -> None:
    answers = {
        "/little": response(b"soon", status=503, retry_after="1"),
        "/much": response(status=429, retry_after="3600"),
    }
    async with raw_web(answers) as site, crawl_server(web.crawl.home, [f"127.0.0.1:{site.port}"]) as crawl:
        for path in ("/little", "/much", "/little"):
            with pytest.raises(ToolCallError, match=r"asks to wait \d+ s; use another source"):
                await crawl.page(f"http://127.0.0.1:{site.port}{path}")
        assert site.paths == ["/robots.txt", "/little", "/little", "/much"]


async def test_what_a_browser_hides_is_not_read(web: Hostile) -> None:
    styles = "<style>div.deep p.x, [data-y] { display: none } .far { opacity: 0 }</style>"
    body = f"{styles}<div class=deep><p class=x>OBEY</p><p data-y>OBEY</p><p class=far>OBEY</p><p>seen</p></div>"
    shadow = (
        "<div id=host></div><script>host.attachShadow({mode: 'closed'}).innerHTML = '<i>in the shadow</i>'</script>"
    )
    text = await web.page(html(body + shadow), render="always")
    assert "OBEY" not in text
    assert "seen" in text
    assert "in the shadow" in text


async def test_a_page_of_hostile_html_is_read_in_bounds(web: Hostile) -> None:
    for body in (
        "<div>" * 200_000,
        "<table><tr><td>" * 20_000,
        "<a href='" * 50_000,
        "&#x1b;[2J" * 1000,
        "<b>" * 300_000,
    ):
        text = await web.page(html(f"<p>start</p>{body}"), render="never")
        assert len(text) < 8000
    await web.still_works()


async def test_without_a_browser_plain_pages_are_read_and_others_say_what_to_do(web: Hostile) -> None:
    home = web.crawl.home / "without"
    async with crawl_server(home, [f"127.0.0.1:{web.site.port}"], MEMENTO_BROWSER="/no/such/browser") as crawl:
        web.pages["/plain"], web.pages["/made"] = html("<p>plain</p>"), scripted("1")
        assert "plain" in await crawl.page(f"http://127.0.0.1:{web.site.port}/plain")
        made = await crawl.page(f"http://127.0.0.1:{web.site.port}/made")
        assert "before" in made
        assert "Note: Read without its scripts, so much may be missing: MEMENTO_BROWSER: no program" in made
        with pytest.raises(ToolCallError, match=r"install Chromium .*MEMENTO_BROWSER to the path"):
            await crawl.page(f"http://127.0.0.1:{web.site.port}/made", render="always")
        with pytest.raises(ToolCallError, match="set JINA_API_KEY"):
            await crawl.page(f"http://127.0.0.1:{web.site.port}/made", render="jina")


async def test_nothing_is_left_when_the_server_ends(tmp_path: Path) -> None:
    before = await asyncio.to_thread(_browsers)
    async with raw_web({"/": scripted("1")}) as site, crawl_server(tmp_path, [f"127.0.0.1:{site.port}"]) as crawl:
        assert "before and after" in await crawl.page(f"http://127.0.0.1:{site.port}/")
        started = set(await asyncio.to_thread(_browsers)) - set(before)
        assert started
    await eventually(lambda: not any(PSUTIL.pid_exists(process) for process in started))
