"""Pages as they are after their scripts ran, by crawl4ai in a Chromium; each in a context of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from configs.errors import ToolCallError
from tools.egress import Egress
from tools.servers.extras import need
from tools.web.chromium import user
from tools.web.visible import MARK

SECONDS = 25.0
"""For one page, from the first request to its text; the browser is killed then."""
NAVIGATION_SECONDS = 15.0
SETTLE_SECONDS = 8.0
STEP = 0.2
QUIET = 3
"""Looks at the text, STEP seconds apart, that find the same."""
PAGE_BYTES = 60_000_000
MAX_HTML = 15_000_000
BEFORE_SCRIPTS = """
for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'RTCDataChannel', 'WebTransport']) {
  try { delete window[name]; Object.defineProperty(window, name, {value: undefined}); } catch (error) {}
}
window.print = () => {};
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (how) { return attach.call(this, {...how, mode: 'open'}); };
"""
SHOW = """(mark) => {
  let left = 30000;
  const walk = (root) => {
    for (const each of root.querySelectorAll('*')) {
      if (left-- <= 0) return;
      const style = getComputedStyle(each);
      const moves = parseFloat(style.transitionDuration) > 0 || style.animationName !== 'none';
      if (style.display === 'none' || (style.opacity === '0' && !moves) || parseFloat(style.fontSize) === 0 ||
          (style.visibility !== 'visible' && !each.querySelector('*'))) each.setAttribute(mark, '');
      if (!each.shadowRoot) continue;
      walk(each.shadowRoot);
      const inside = document.createElement('div');
      for (const child of each.shadowRoot.childNodes) inside.append(child.cloneNode(true));
      each.append(inside);
    }
  };
  if (document.body) walk(document.body);
}"""
"""Marks what is not shown, and puts what shadow roots show where the page's HTML has it."""
LENGTH = r"""() => {
  const text = document.body ? document.body.innerText.trim() : '';
  return /^\W*(?:loading|please wait|one moment)\b.{0,40}$/i.test(text) ? 0 : text.length;
}"""
"""Characters of the text; 0, too, where it only says that there will be one."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The page's final address, the status of its first answer, and its HTML with hidden elements marked."""

    url: str
    status: int
    html: str


@asynccontextmanager
async def connection(address: str) -> AsyncIterator[None]:
    """Holds the connection to a browser that `render` shares.

    Args:
        address: of the browser's debugging port.

    Raises:
        ToolCallError: it does not answer.
    """
    keeper = await asyncio.to_thread(_strategy, address)
    try:
        async with asyncio.timeout(SECONDS):
            await keeper.start()
    except Exception as error:  # noqa: BLE001  of three libraries below, which document none
        raise ToolCallError(f"the browser does not answer ({type(error).__name__})") from None
    try:
        yield
    finally:
        async with asyncio.timeout(5):
            await keeper.close()


async def render(address: str, egress: Egress, url: str) -> Rendered:
    """Load a page, run its scripts until it is quiet, and take what is shown. May hang with the browser.

    Raises:
        ToolCallError: it cannot be loaded.
    """
    users = [each for each in (user(),) if each is not None]
    async with egress.proxy(PAGE_BYTES, 2 * SECONDS, users) as proxy:
        strategy, configuration = await asyncio.to_thread(_prepared, address, proxy)
        await strategy.start()
        try:
            answer = await strategy.crawl(url, config=configuration)
        except Exception as error:  # noqa: BLE001  of three libraries below, which document none
            raise ToolCallError(f"{urlsplit(url).hostname} cannot be shown in a browser{_reason(error)}") from None
        finally:
            await strategy.close()
    final = str(answer.redirected_url or url)
    if urlsplit(final).scheme not in ("http", "https"):
        raise ToolCallError(f"{urlsplit(url).hostname} leads to something that is no page of the web")
    return Rendered(final, int(answer.status_code or 200), str(answer.html)[:MAX_HTML])


def _prepared(address: str, proxy: str) -> tuple[Any, Any]:
    crawl4ai = _library()
    configuration = crawl4ai.CrawlerRunConfig(
        proxy_config=crawl4ai.ProxyConfig(server=proxy),
        wait_until="domcontentloaded",
        page_timeout=int(NAVIGATION_SECONDS * 1000),
        body_visibility_timeout=1000,
        verbose=False,
    )
    strategy = _strategy(address)
    strategy.set_hook("on_page_context_created", _close_popups)
    strategy.set_hook("before_retrieve_html", _settle)
    return strategy, configuration


def _strategy(address: str) -> Any:
    """What crawls in the browser, in contexts of its own; no cookies or storage of other pages are in them."""
    crawl4ai = _library()
    strategies = need("crawl4ai.async_crawler_strategy", "crawl")
    logger = need("crawl4ai.async_logger", "crawl").AsyncLogger(log_file=None, verbose=False)
    configuration = crawl4ai.BrowserConfig(
        cdp_url=address,
        cache_cdp_connection=True,
        create_isolated_context=True,
        accept_downloads=False,
        ignore_https_errors=False,
        init_scripts=[BEFORE_SCRIPTS],
        user_agent="Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
        "Safari/537.36 (compatible; memento-agent)",
        verbose=False,
    )
    return strategies.AsyncPlaywrightCrawlerStrategy(configuration, logger)


def _library() -> Any:
    """crawl4ai, whose import makes folders: in the folder that CRAWL4_AI_BASE_DIRECTORY names."""
    os.environ.setdefault("CRAWL4AI_NO_CLOUD_NOTICE", "1")
    return need("crawl4ai", "crawl")


async def _close_popups(page: Any, context: Any, **_: Any) -> Any:
    """Windows that the page opens are closed; dialogs are dismissed by the library below where nobody listens."""
    closing: set[asyncio.Task[None]] = set()

    def close(opened: Any) -> None:
        if opened is not page:
            task = asyncio.ensure_future(_closed(opened))
            closing.add(task)
            task.add_done_callback(closing.discard)

    context.on("page", close)
    return page


async def _closed(page: Any) -> None:
    from playwright.async_api import Error

    with suppress(Error):
        await page.close()


async def _settle(page: Any, **_: Any) -> Any:
    """Wait until nothing is loaded any more, and there is a text that stays as long as it is; then mark what is hidden.

    Where there is none, the page may still be waiting for a clock or an answer: it has all of SETTLE_SECONDS.
    """
    from playwright.async_api import Error

    loop = asyncio.get_running_loop()
    deadline = loop.time() + SETTLE_SECONDS
    with suppress(Error):
        await page.wait_for_load_state("networkidle", timeout=SETTLE_SECONDS * 1000)
    lengths = [-1, -2]
    while loop.time() < deadline and (lengths[-1] == 0 or len(set(lengths[-QUIET:])) > 1):
        await asyncio.sleep(STEP)
        try:
            lengths.append(int(await page.evaluate(LENGTH)))
        except Error:  # it is on its way to another page
            lengths.append(-len(lengths))
    await page.evaluate(SHOW, MARK)
    return page


def _reason(error: Exception) -> str:
    text = str(error)
    for sign, reason in (
        ("ERR_TUNNEL_CONNECTION_FAILED", ": the connection was refused"),
        ("ERR_ABORTED", ": it is a download"),
        ("ERR_CERT", ": its certificate cannot be verified"),
        ("Timeout", ": it took too long"),
        ("closed", ": the browser was closed"),
    ):
        if sign in text:
            return reason
    return ""
