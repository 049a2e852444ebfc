"""What `memento doctor` says about tools: servers, sandbox, browser, search, media, and the libraries of each extra."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from importlib import metadata
from typing import TypeAlias

from cli.doctor_checks import Check, WaitingFor
from configs.errors import ConfigurationError, MementoError
from configs.settings import Settings

DISTRIBUTION = "memento-agent"
PROBE_SECONDS = 90.0
SERVERS_OF = {"media": ("audio", "video")}
"""Where an extra is not called like the server that needs it."""
_EXTRA = re.compile(r"extra == ['\"]([\w-]+)['\"]")
Probe: TypeAlias = Callable[[Settings], Awaitable[str]]
"""Says what there is; raises ConfigurationError with the line that mends it, or another error of ours."""


async def tool_checks(settings: Settings, waiting_for: WaitingFor = lambda names: None) -> list[Check]:
    """Every line about tools, in order; all are looked at side by side."""
    used = await asyncio.to_thread(used_servers, settings)
    parts: dict[str, Awaitable[Check]] = {"MCP servers": server_check(settings)}
    if used is not None:
        parts |= probes(used, settings)
    found = await together(parts, waiting_for)
    if used is None:
        return found
    if used & {"image", "audio", "video"}:
        found += await media_checks(settings)
    return found + await asyncio.to_thread(library_checks, used)


async def together(parts: Mapping[str, Awaitable[Check]], waiting_for: WaitingFor) -> list[Check]:
    """The lines of all parts, in order."""
    left = list(parts)

    async def found(name: str, part: Awaitable[Check]) -> Check:
        try:
            return await part
        finally:
            left.remove(name)
            waiting_for(left)

    waiting_for(left)
    return await asyncio.gather(*(found(name, part) for name, part in parts.items()))


def probes(used: Collection[str], settings: Settings) -> dict[str, Awaitable[Check]]:
    """What the servers in use need on this machine, by the name of its line."""
    from tools.sandbox.backends import check as check_sandbox
    from tools.web.browser_check import check as check_browser
    from tools.web.search_check import check as check_search

    return {
        name: probed(name, probe, settings) if server in used else unused(name, act)
        for name, probe, server, act in (
            ("sandbox", check_sandbox, "code", "runs code"),
            ("browser", check_browser, "crawl", "opens web pages"),
            ("search", check_search, "search", "searches the web"),
        )
    }


async def unused(name: str, act: str) -> Check:
    """The line of what no tool needs."""
    return Check(name, "unused", f"not needed: no tool {act}", needed=False)


async def media_checks(settings: Settings) -> list[Check]:
    """A line on each thing that pictures, sounds and videos need."""
    from tools.media.checks import check as check_media

    return [
        Check(found.name, "ok" if found.ok else "missing", found.line, needed=False)
        for found in await check_media(settings)
    ]


async def server_check(settings: Settings) -> Check:
    """Whether the MCP servers start. A question can be answered without one, but not with a broken mcp.json."""
    from tools.client import open_tools

    try:
        async with open_tools(settings) as box:
            await box.start()
            tools, failures = await box.tools(), box.failures()
    except ConfigurationError as error:
        return Check("MCP servers", "broken", str(error), "mend the file, or move it away")
    except MementoError as error:
        return Check("MCP servers", "broken", str(error), "see the message", needed=False)
    if failures:
        told = "; ".join(f"{server}: {reason}" for server, reason in failures.items())
        fix = 'mend the command or address in mcp.json, or switch the server off with "disabled": true'
        return Check("MCP servers", "broken", f"{len(tools)} tools are there, but {told}", fix, needed=False)
    return Check("MCP servers", "ok", f"{len(tools)} tools")


def used_servers(settings: Settings) -> set[str] | None:
    """The bundled servers that are in use; None where an mcp.json cannot be read. Blocks."""
    from tools.mcp_config import StdioServer, load_servers

    try:
        servers = load_servers(settings)
    except ConfigurationError:
        return None
    return {server.name for server in servers if isinstance(server, StdioServer) and server.bundled}


async def probed(name: str, probe: Probe, settings: Settings) -> Check:
    """The line of one probe, however it ends."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return Check(name, "ok", await probe(settings), needed=False)
    except ConfigurationError as error:
        return Check(name, "missing", str(error), needed=False)
    except MementoError as error:
        return Check(name, "broken", str(error), needed=False)
    except TimeoutError:
        return Check(name, "broken", f"no answer within {PROBE_SECONDS:g} s", needed=False)


def library_checks(used: Iterable[str], requirements: Sequence[str] | None = None) -> list[Check]:
    """One line where every extra is whole, else one for each that lacks a library: the tools that need it, the fix.

    Args:
        used: the bundled servers in use.
        requirements: as the metadata of this distribution says them; by default its own.
    """
    missing = missing_libraries(_requirements() if requirements is None else requirements)
    lacking = {extra: names for extra, names in missing.items() if _servers(extra) & {*used}}
    if not lacking:
        return [Check("libraries", "ok", "every tool has what it needs", needed=False)]
    return [
        Check(
            "libraries",
            "missing",
            f"{', '.join(names)} for {', '.join(_tools(_servers(extra)))}",
            f"pip install '{DISTRIBUTION}[{extra}]'",
            needed=False,
        )
        for extra, names in lacking.items()
    ]


def missing_libraries(requirements: Sequence[str]) -> dict[str, list[str]]:
    """For each extra that lacks some: the distributions that are not installed."""
    from packaging.requirements import Requirement

    found: dict[str, list[str]] = {}
    for text in requirements:
        needed = Requirement(text)
        for extra in _EXTRA.findall(str(needed.marker or "")):
            applies = needed.marker is not None and needed.marker.evaluate({"extra": extra})
            if applies and needed.name != DISTRIBUTION and not _is_installed(needed.name):
                found.setdefault(extra, []).append(needed.name)
    return found


def _requirements() -> Sequence[str]:
    try:
        return metadata.requires(DISTRIBUTION) or ()
    except metadata.PackageNotFoundError:
        return ()


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _servers(extra: str) -> set[str]:
    return {*SERVERS_OF.get(extra, (extra,))}


def _tools(servers: set[str]) -> list[str]:
    from tools.listings import shipped_tools

    return [tool for server in sorted(servers) for tool in shipped_tools(server)]
