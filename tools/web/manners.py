"""How a polite visitor behaves: robots.txt is obeyed (RFC 9309), and no host is asked too often or too soon."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from configs.errors import ToolCallError
from tools.egress import Egress
from tools.servers.extras import need

AGENT = "memento-agent"
PAUSE = 0.3
"""Seconds between two requests to a host, without a Crawl-delay of its own."""
LONGEST_PAUSE = 5.0
LONGEST_WAIT = 10.0
"""Seconds; a host that asks for more is left alone, and the model is told."""
ROBOTS_BYTES = 512_000
ROBOTS_SECONDS = 3600.0
MAX_RULE, MAX_RULES = 500, 5000
MAX_HOSTS = 500


@dataclass(slots=True)
class Host:
    """What is known of a host: its rules, when it may be asked again, and who is next."""

    rules: Any = None
    rules_until: float = 0.0
    next_at: float = 0.0
    closed_until: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Manners:
    """For one process; what it knows is bounded."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._hosts: OrderedDict[str, Host] = OrderedDict()

    async def check(self, url: str) -> None:
        """See that the site allows the visit.

        Raises:
            ToolCallError: its robots.txt forbids it, or cannot be read for the time being.
        """
        host = self._host(url)
        if time.monotonic() > host.rules_until:
            host.rules = await self._rules(origin(url))
            host.rules_until = time.monotonic() + (ROBOTS_SECONDS if host.rules is not None else PAUSE)
        if host.rules is None:
            raise ToolCallError(f"{urlsplit(url).hostname} does not tell at present what its robots.txt allows")
        if not await asyncio.to_thread(host.rules.can_fetch, url, AGENT):
            raise ToolCallError(
                f"the robots.txt of {urlsplit(url).hostname} does not allow this page; use another source"
            )

    @asynccontextmanager
    async def turn(self, url: str) -> AsyncIterator[None]:
        """Wait until the host may be asked; one request at a time.

        Raises:
            ToolCallError: it has asked for more time than is waited.
        """
        host = self._host(url)
        async with host.turn:
            now = time.monotonic()
            if host.closed_until - now > LONGEST_WAIT:
                raise asks_to_wait(url, host.closed_until - now)
            await asyncio.sleep(max(host.next_at, host.closed_until) - now)
            try:
                yield
            finally:
                host.next_at = time.monotonic() + _pause(host.rules)

    def wait(self, url: str, seconds: float) -> None:
        """The host has asked to be left alone for so long."""
        host = self._host(url)
        host.closed_until = max(host.closed_until, time.monotonic() + min(seconds, 86_400))

    async def _rules(self, site: str) -> Any:
        """The parsed robots.txt; everything is allowed where there is none; None where the server fails."""
        protego = need("protego", "crawl")
        fetched = await self._egress.fetch(f"{site}/robots.txt", limit=15_000_000, seconds=15)
        if fetched.status >= 500 or fetched.status == 429:
            return None
        text = fetched.data[:ROBOTS_BYTES].decode("utf-8", "replace") if fetched.status == 200 else ""
        return await asyncio.to_thread(protego.Protego.parse, harmless(text))

    def _host(self, url: str) -> Host:
        site = origin(url)
        host = self._hosts.setdefault(site, Host())
        self._hosts.move_to_end(site)
        if len(self._hosts) > MAX_HOSTS:
            self._hosts.popitem(last=False)
        return host


def origin(url: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()


def asks_to_wait(url: str, seconds: float) -> ToolCallError:
    """What the model is told of a host that wants to be left alone."""
    return ToolCallError(f"{urlsplit(url).hostname} asks to wait {seconds:.0f} s; use another source meanwhile")


def harmless(robots: str) -> str:
    """As many of the rules as are quickly gone through."""
    return "\n".join([line for line in robots.splitlines() if len(line) <= MAX_RULE][:MAX_RULES])


def _pause(rules: Any) -> float:
    told = rules.crawl_delay(AGENT) if rules is not None else None
    return min(max(float(told or 0), PAUSE), LONGEST_PAUSE)
