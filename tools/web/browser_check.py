"""Whether pages that need JavaScript can be read here; for `memento doctor`."""

from __future__ import annotations

import asyncio

from configs.errors import ConfigurationError, ToolCallError
from configs.settings import Settings
from tools.egress import Egress
from tools.web.browser import Browser

SEEN = "6 times 7 is 42"
PAGE = "<title>check</title><body><script>document.write('6 times 7 is ' + 6 * 7)</script>"


async def check(settings: Settings) -> str:
    """One line on the browser, after the script of a page ran in it, such as `Chrome/140.0.1 in its own sandbox`.

    Raises:
        ConfigurationError: there is none, or it does not work; the message says what to do.
    """
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    browser = Browser(settings, Egress([("127.0.0.1", port)]))
    try:
        shown = await browser.render(f"http://127.0.0.1:{port}/")
        if SEEN not in shown.html:
            raise ConfigurationError("the browser runs no scripts; set MEMENTO_BROWSER to another one")
        return await _told(browser)
    except ToolCallError as error:
        raise ConfigurationError(f"the browser does not work: {error}") from None
    finally:
        await browser.close()
        server.close()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}\r\nConnection: close\r\n\r\n"
    writer.write(f"{head}{PAGE}".encode("ascii"))
    writer.close()


async def _told(browser: Browser) -> str:
    import httpx

    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        version = (await client.get(f"{browser.address}/json/version")).json().get("Browser", "a browser")
    if browser.process is None:
        return f"{version} at the address in MEMENTO_BROWSER"
    return f"{version} {'in its own sandbox' if browser.process.sandboxed else 'as nobody, without its own sandbox'}"
