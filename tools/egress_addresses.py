"""Which URLs and addresses tools may go to: pure decisions, made before anything is connected.

The networks are those of the IANA special-purpose registries (RFC 6890 and its successors); forms of IPv4 inside IPv6
are those of RFC 4291, 6052, 8215, 3056, 4380 and 5214.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import httpx

from configs.errors import ToolCallError

MAX_URL = 8_000
PORTS = {"http": 80, "https": 443}
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_NUMERIC = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)")
"""What ends in a number is an IPv4 address to browsers and C libraries, however it is written."""
_LOCAL = re.compile(r"(?:.*\.)?(?:localhost|localdomain|local|internal|intranet|lan|home\.arpa)|ip6-\w+")
_REFUSED_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "168.63.129.16/32",  # Azure's host, public in form only
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/3",
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")
_REFUSED_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = {0x00005EFE, 0x02005EFE}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads: host in ASCII, small letters, without brackets or final dot; path with its query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        return (self.scheme, self.host, self.port)

    @property
    def authority(self) -> str:
        """As in a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def target_of(url: str, base: Target | None = None) -> Target:
    """Read a URL, once and for all; what connects later goes by the result and not by the text.

    Args:
        url: absolute, or relative to `base`.

    Raises:
        ToolCallError: it is no http or https URL, carries a user or password, or its host is written in a way that
            programs read differently.
    """
    text = url.strip().replace(" ", "%20")
    if len(text) > MAX_URL or _FORBIDDEN.search(text):
        raise ToolCallError("refused: that is no URL")
    try:
        read = httpx.URL(base.url).join(text) if base is not None else httpx.URL(text)
        port = read.port
    except (httpx.InvalidURL, ValueError, UnicodeError):
        raise ToolCallError("refused: that is no URL") from None
    if read.scheme not in PORTS:
        raise ToolCallError("refused: only http and https URLs are fetched")
    if read.userinfo:
        raise ToolCallError("refused: the URL carries a user or password")
    port = PORTS[read.scheme] if port is None else port
    if not 0 < port < 65_536:
        raise ToolCallError("refused: that is no URL")
    return Target(read.scheme, checked_host(read.raw_host.decode("ascii")), port, read.raw_path.decode("ascii"))


def checked_host(host: str) -> str:
    """A host's name or address in its one form.

    Raises:
        ToolCallError: it is neither, or an address in a form other than the usual.
    """
    plain = host.lower().removesuffix(".")
    try:
        if "%" not in plain:
            return str(ipaddress.ip_address(plain))
    except ValueError:
        if _NAME.fullmatch(plain) and not _NUMERIC.fullmatch(plain):
            return plain
    raise ToolCallError("refused: the host is neither a name nor an address as it is usually written")


def address_in(host: str) -> str | None:
    """The host, where it is an address and no name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def is_local_name(host: str) -> bool:
    """Names that never mean a machine on the internet."""
    return _LOCAL.fullmatch(host) is not None


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet: global, unicast, and no other address in disguise."""
    if "%" in address:
        return False
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return _is_public_4(parsed) if isinstance(parsed, IPv4Address) else _is_public_6(parsed)


def _is_public_4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in network for network in _REFUSED_4)


def _is_public_6(address: IPv6Address) -> bool:
    last = IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _MAPPED or address in _NAT64:
        return _is_public_4(last)
    if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return False
    inside = address in _GLOBAL_6 and address.is_global
    return inside and not any(address in network for network in _REFUSED_6)
