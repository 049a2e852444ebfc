"""The one way from tools to the network: public http and https servers only, bounded in bytes and time.

Every connection is made here: a name is looked up once, every answer must be a public address, and what is connected
is the checked address itself, so that a second answer of the name changes nothing. Redirects are checked like the
first URL. Proxies of the environment (HTTP_PROXY and the like) are not used: whoever is behind one would look names up
in our place, and no check would hold. An operator whose machines reach the web through a proxy only lets this machine
through, or names an own search engine and own hosts (`MEMENTO_PRIVATE_HOSTS`), which are reached directly.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Literal, Protocol

import httpcore
import httpx
from httpcore import AsyncNetworkStream

from configs.errors import ToolCallError
from configs.settings import Settings
from tools.egress_addresses import Target, address_in, checked_host, is_local_name, is_public, target_of
from tools.egress_exchange import Fetched as Fetched
from tools.egress_exchange import exchange
from tools.egress_proxy import ForwardProxy

LIMIT = 15_000_000
SECONDS = 30.0
REDIRECTS = 5
CONNECT_SECONDS = 10.0
ADDRESSES = 4
"""Of one name, tried one after the other."""
PROXY_BYTES = 100_000_000
PROXY_SECONDS = 300.0
CROSS_HOST_HEADERS = frozenset({"accept", "accept-language", "user-agent"})
"""What is sent on to another host after a redirect; everything else, credentials and cookies, stays behind."""


class Network(Protocol):
    """What looks names up and connects; tests put another one in its place."""

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a name.

        Raises:
            OSError: there are none.
        """
        ...

    async def dial(self, address: str, port: int, seconds: float) -> AsyncNetworkStream:
        """Connect to an address.

        Raises:
            httpcore.NetworkError, httpcore.TimeoutException: it does not answer.
        """
        ...


class SystemNetwork:
    """The machine's own resolver and sockets."""

    async def resolve(self, host: str, port: int) -> list[str]:
        answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [str(answer[4][0]) for answer in answers]

    async def dial(self, address: str, port: int, seconds: float) -> AsyncNetworkStream:
        return await httpcore.AnyIOBackend().connect_tcp(address, port, timeout=seconds)


class Egress:
    """Fetches URLs and lends proxies, under one set of rules.

    Args:
        private_hosts: hosts with ports that are reached although they are not public, as the operator wrote them.
        certificates: whom TLS connections trust; without it the bundle of the Python package certifi, or SSL_CERT_FILE.
    """

    def __init__(
        self,
        private_hosts: Iterable[tuple[str, int]] = (),
        network: Network | None = None,
        certificates: ssl.SSLContext | None = None,
    ) -> None:
        self._private = frozenset(private_hosts)
        self._network = network or SystemNetwork()
        self._certificates = certificates

    @classmethod
    def of(cls, settings: Settings) -> Egress:
        """With the exceptions of `MEMENTO_PRIVATE_HOSTS`."""
        return cls(private_hosts(settings.private_hosts))

    async def fetch(
        self,
        url: str,
        limit: int = LIMIT,
        seconds: float = SECONDS,
        headers: Mapping[str, str] | None = None,
        method: Literal["GET", "HEAD"] = "GET",
    ) -> Fetched:
        """Fetch a URL. No cookies, no Referer; an answer with an error's status is an answer.

        Args:
            limit: bytes of the body, after decompression.
            seconds: for everything together, redirects included.
            headers: to send to this host; to others only CROSS_HOST_HEADERS of them.

        Raises:
            ToolCallError: refused, unreachable, too large or too slow; a line that names no address.
        """
        target = target_of(url)
        try:
            async with asyncio.timeout(seconds):
                return await self._followed(target, method, dict(headers or {}), limit)
        except TimeoutError:
            raise ToolCallError(f"{target.host} took longer than {seconds:g} s") from None

    async def connect(self, host: str, port: int) -> AsyncNetworkStream:
        """A connection to a host that may be reached; TLS is the caller's.

        Raises:
            ToolCallError: it may not, or does not answer.
        """
        host = checked_host(host)
        for address in (await self._addresses(host, port))[:ADDRESSES]:
            try:
                return await self._network.dial(address, port, CONNECT_SECONDS)
            except (httpcore.NetworkError, httpcore.TimeoutException, OSError):
                continue
        raise ToolCallError(f"{host} does not answer")

    @asynccontextmanager
    async def proxy(
        self, limit: int = PROXY_BYTES, seconds: float = PROXY_SECONDS, users: Iterable[int] = ()
    ) -> AsyncIterator[str]:
        """A forward proxy on loopback for a program that makes its own connections, under the same rules.

        A browser must be told to send loopback addresses through it too: Chromium's
        `--proxy-bypass-list=<-loopback>`; and to make no connections beside it (QUIC, WebRTC).

        Args:
            limit: bytes that may come through it, all connections together.
            seconds: after which it ends all connections and takes no more.
            users: ids of users, beside this process's, whose programs it serves.

        Yields:
            Its address, such as http://127.0.0.1:43117.
        """
        async with ForwardProxy(self.connect, limit, seconds, users) as proxy:
            yield proxy.address

    async def _followed(self, target: Target, method: str, headers: dict[str, str], limit: int) -> Fetched:
        context = await asyncio.to_thread(trusted) if self._certificates is None else self._certificates
        for _ in range(REDIRECTS + 1):
            fetched, location = await exchange(self.connect, context, target, method, headers, limit)
            if location is None:
                return fetched
            following = target_of(location, target)
            if following.origin != target.origin:
                headers = {name: value for name, value in headers.items() if name.lower() in CROSS_HOST_HEADERS}
            target = following
        raise ToolCallError(f"{target.host} redirects more than {REDIRECTS} times")

    async def _addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host, every one of them allowed."""
        allowed = (host, port) in self._private
        if not allowed and is_local_name(host):
            raise _refused(host)
        literal = address_in(host)
        try:
            addresses = [literal] if literal else await self._network.resolve(host, port)
        except (OSError, UnicodeError):
            raise _refused(host) from None
        if not addresses or not (allowed or all(map(is_public, addresses))):
            raise _refused(host)
        return list(dict.fromkeys(addresses))


def private_hosts(listed: str) -> frozenset[tuple[str, int]]:
    """The pairs of a setting such as `wiki.example:8080, [::1]:9000`."""
    pairs = [pair.strip().rpartition(":") for pair in listed.split(",") if pair.strip()]
    return frozenset((checked_host(host.strip("[]")), int(port)) for host, _, port in pairs)


@cache
def trusted() -> ssl.SSLContext:
    """The certificates of the Python package certifi, or of SSL_CERT_FILE where it is set. Reads files."""
    return httpx.create_ssl_context()


def _refused(host: str) -> ToolCallError:
    """The same for a name that does not exist and one that is not public: tools are no map of the local network."""
    shown = "the URL's host" if address_in(host) else host
    return ToolCallError(f"refused: {shown} cannot be found, or is not a public host")
