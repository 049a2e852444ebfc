"""Whether an address that a request names is this machine's own; nothing is looked up."""

from __future__ import annotations

import ipaddress
import re

_HOST = re.compile(r"(?:([\w.-]+)|\[([0-9a-f:.]+)\])(?::\d{1,5})?", re.ASCII | re.IGNORECASE)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own, without looking it up."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def host_name(header: str) -> str:
    """The host of a Host header, without port, brackets and final dot; empty where it is not written as one.

    A header is no URL: a URL's parser would find a host in `evil.example@127.0.0.1` and in `127.0.0.1#.evil.example`.
    """
    found = _HOST.fullmatch(header)
    return (found[1] or found[2]).lower().removesuffix(".") if found else ""


def origin_host(header: str) -> str:
    """The same for the page that an Origin header names; empty for what is no page of the web, such as `null`."""
    scheme, separator, rest = header.partition("://")
    return host_name(rest) if separator and scheme.lower() in ("http", "https") else ""
