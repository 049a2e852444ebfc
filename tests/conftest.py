"""What every test gets: a home of its own, a clean environment, no network but loopback, no blocked event loop."""

from __future__ import annotations

import os

# Read when the libraries are imported, so before any other import.
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["ANONYMIZED_TELEMETRY"] = "False"

import ipaddress
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from configs.settings import Settings, load_settings
from tests.fakes import tool_table
from tests.project_files import ROOT as ROOT

if TYPE_CHECKING:
    from tests.fakes.postgres import Postgres

FOREIGN_PREFIXES = ("AZURE_", "LANGCHAIN_", "LANGSMITH_", "MEMENTO_", "OPENAI_", "OTEL_")
LOOPBACK = "127.0.0.1,localhost,::1"


class NetworkUseError(RuntimeError):
    """A test tried to reach something beyond loopback."""


class SettingsFactory(Protocol):
    """`settings(top_k=2, config="local")`."""

    def __call__(self, *, config: str | None = None, **overrides: object) -> Settings: ...


class RunMemento(Protocol):
    """`run_memento("ask", "What is 2 + 2?", "--json", env={"OPENAI_API_KEY": "sk-test"})`."""

    def __call__(
        self, *arguments: str, env: Mapping[str, str] | None = None, stdin: str = "", timeout: float = 100
    ) -> subprocess.CompletedProcess[str]: ...


class StartMemento(Protocol):
    """The same, not waited for; what is left of it at the test's end is killed."""

    def __call__(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]: ...


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No key, setting or tracing of the person who runs the tests, and no .env of theirs in the working directory."""
    for name in list(os.environ):
        if name.upper().startswith(FOREIGN_PREFIXES):
            monkeypatch.delenv(name)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, ",".join(filter(None, [os.environ.get(name), LOOPBACK])))
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))


@pytest.fixture(autouse=True)
def home(_clean_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MEMENTO_HOME; in force for every test, so that none writes to the real one."""
    folder = tmp_path_factory.mktemp("home") / "memento"
    monkeypatch.setenv("MEMENTO_HOME", str(folder))
    return folder


@pytest.fixture
def settings(home: Path) -> SettingsFactory:
    """Makes settings from the defaults, `config` and keyword overrides; the home is the test's own."""

    def make(*, config: str | None = None, **overrides: object) -> Settings:
        return load_settings(config, [f"{name}={value}" for name, value in overrides.items()])

    return make


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """Names and addresses beyond loopback are refused in this process (subprocesses are not held)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _checked(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", _checked(socket.socket.connect_ex))
        patch.setattr(socket, "getaddrinfo", _checked_name(socket.getaddrinfo))
        yield


@pytest.fixture(autouse=True, scope="session")
def blockbuster() -> Iterator[BlockBuster]:
    """A call that blocks a running event loop raises `blockbuster.BlockingError`, in all code, ours and others'."""
    with blockbuster_ctx() as active:
        for function in active.functions.values():
            function.can_block_in("tests/conftest.py", "make")  # settings are made by the test, not by the code tested
        # The loopback server's threads end within milliseconds, and async tests use it in a plain `with`.
        active.functions["threading.Lock.acquire"].can_block_in("tests/fakes/openai_server.py", {"close"})
        yield active


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for the session; a test that stops it starts it again."""
    from tests.fakes.postgres import Postgres, installed_binaries

    try:
        installed_binaries()
    except RuntimeError as error:
        pytest.skip(str(error))
    with Postgres() as server:
        yield server


@pytest.fixture
def run_memento() -> RunMemento:
    """Runs `python -m cli ARGUMENTS` to its end, with the test's environment and home."""

    def run(
        *arguments: str, env: Mapping[str, str] | None = None, stdin: str = "", timeout: float = 100
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            env=_process_environment(env),
            input=stdin,
            timeout=timeout,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def start_memento() -> Iterator[StartMemento]:
    """Starts `python -m cli ARGUMENTS` with pipes for all three streams."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", *arguments],
            env=_process_environment(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with process:  # closes the pipes and waits
            process.kill()


def _process_environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """The test's environment, which is clean already; ours is importable, and output is not wrapped or coloured."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1", **(extra or {})}


def _checked(connect: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
    def checked(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            raise NetworkUseError(f"tests reach nothing but loopback, not {address!r}")
        return connect(self, address)

    return checked


def _checked_name(getaddrinfo: Callable[..., Any]) -> Callable[..., Any]:
    def checked(host: str | bytes | None, *arguments: Any, **options: Any) -> Any:
        if host and not _is_loopback(host.decode() if isinstance(host, bytes) else host):
            raise NetworkUseError(f"tests look up nothing but loopback, not {host!r}")
        return getaddrinfo(host, *arguments, **options)

    return checked


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def pytest_sessionfinish() -> None:
    """Keep what the tests saw of tools."""
    tool_table.write()
