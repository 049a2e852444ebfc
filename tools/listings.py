"""What servers listed earlier, so that a question that needs no tool starts none.

Of our own servers the list is part of the package, `tools/servers/listings.json`. Of a user's servers it is kept in
the home, one file a server, as long as the server's entry and the files it names stay the same, for a day.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from configs.private_folders import private_folder
from tools.listed_tool import ListedTool, read_definition
from tools.mcp_config import PACKAGES, ServerConfig, StdioServer

SHIPPED = Path(__file__).parent / "servers" / "listings.json"
MAX_BYTES = 10_000_000
MAX_AGE = 86_400.0
"""Seconds; a list that is older is asked for again."""
_logger = logging.getLogger(__name__)


class Listings:
    """The lists in one home. Blocking: to be called in a thread."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "listings"

    def known(self, config: ServerConfig) -> list[ListedTool] | None:
        """What the server listed, or None where that is not known, or may have changed."""
        if isinstance(config, StdioServer) and config.bundled:
            return _shipped(config)
        found = _read(self._path(config))
        at = found.get("at")
        fresh = isinstance(at, int | float) and 0 <= time.time() - at < MAX_AGE
        if not fresh or found.get("key") != key_of(config):
            return None
        return _tools(found.get("tools"))

    def keep(self, config: ServerConfig, tools: Sequence[ListedTool]) -> None:
        """Keep what a user's server listed just now. A list that cannot be written is done without."""
        if isinstance(config, StdioServer) and config.bundled:
            return
        written = {"key": key_of(config), "at": time.time(), "tools": [tool.definition() for tool in tools]}
        path = self._path(config)
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            private_folder(self._folder)
            with os.fdopen(
                os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
            ) as file:
                json.dump(written, file)
            beside.replace(path)
        except (OSError, ValueError) as error:
            _logger.info("the tools of %s are not kept: %s", config.name, error)

    def _path(self, config: ServerConfig) -> Path:
        return self._folder / f"{hashlib.sha256(config.name.encode('utf-8', 'replace')).hexdigest()[:16]}.json"


def key_of(config: ServerConfig) -> str:
    """A digest of a server's entry, and of the times and sizes of the files that it names."""
    files = [_state(path) for path in _named_files(config)]
    return hashlib.sha256(json.dumps([asdict(config), files], default=str, sort_keys=True).encode()).hexdigest()


def source_key(module: str) -> str:
    """A digest of the source of one of our servers; its list holds for that source alone."""
    try:
        return hashlib.sha256((PACKAGES / (module.replace(".", "/") + ".py")).read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def module_of(config: StdioServer) -> str:
    """The module that one of our servers runs."""
    return config.args[-1] if config.args else ""


def shipped_tools(server: str) -> list[str]:
    """The names of the tools that one of our servers lists, as the package says. Blocks."""
    entry = _read(SHIPPED).get(server)
    return [tool.name for tool in _tools(entry.get("tools")) or ()] if isinstance(entry, dict) else []


def _shipped(config: StdioServer) -> list[ListedTool] | None:
    entry = _read(SHIPPED).get(config.name)
    if not isinstance(entry, dict) or entry.get("source") != source_key(module_of(config)):
        return None
    return _tools(entry.get("tools"))


def _named_files(config: ServerConfig) -> Iterable[Path]:
    if isinstance(config, StdioServer):
        yield from (config.cwd / text for text in (config.command, *config.args) if 0 < len(text) < 1000)


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return (found.st_mtime_ns, found.st_size) if path.is_file() else None


def _tools(definitions: Any) -> list[ListedTool] | None:
    try:
        return [read_definition(each) for each in definitions]
    except (TypeError, ValueError, AttributeError):
        return None


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
