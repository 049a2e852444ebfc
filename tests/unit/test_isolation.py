"""What tests/conftest.py promises every test."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from pathlib import Path

import pytest
from blockbuster import BlockingError
from langgraph.checkpoint.serde import _msgpack

from configs.settings import load_settings
from tests.conftest import NetworkUseError, SettingsFactory
from tests.project_files import ROOT


def test_nothing_beyond_loopback_is_reached() -> None:
    with socket.socket() as probe, pytest.raises(NetworkUseError):
        probe.connect(("192.0.2.1", 80))
    with pytest.raises(NetworkUseError):
        socket.getaddrinfo("example.org", 443)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


async def test_asyncio_is_held_to_it_too() -> None:
    with pytest.raises(NetworkUseError):
        await asyncio.open_connection("192.0.2.1", 80)
    with pytest.raises(NetworkUseError):
        await asyncio.open_connection("example.org", 80)


async def test_a_blocked_event_loop_is_an_error() -> None:
    with pytest.raises(BlockingError):
        time.sleep(0)  # noqa: ASYNC251  what is tested
    await asyncio.to_thread(time.sleep, 0)


def test_the_environment_of_the_person_who_runs_the_tests_is_not_seen() -> None:
    assert not [name for name in os.environ if name.startswith(("OPENAI_", "AZURE_", "LANGSMITH_"))]
    assert {name for name in os.environ if name.startswith("MEMENTO_")} == {"MEMENTO_HOME"}
    assert not list(Path.cwd().iterdir())
    assert load_settings().openai_api_key is None


def test_every_test_has_an_empty_home_of_its_own(home: Path, settings: SettingsFactory) -> None:
    assert settings().home == home
    assert not home.exists()
    assert not home.is_relative_to(ROOT)


def test_settings_take_overrides_and_a_file(settings: SettingsFactory) -> None:
    made = settings(config="local", top_k=9)
    assert (made.top_k, made.judge_model) == (9, "none")


def test_checkpoints_are_read_strictly() -> None:
    assert _msgpack.STRICT_MSGPACK_ENABLED
