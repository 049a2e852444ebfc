"""What the doctor says about tools, whatever is installed here."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cli import doctor_tools
from cli.doctor_tools import library_checks, probed, server_check, tool_checks, used_servers
from configs.errors import ConfigurationError, MementoError, SandboxError
from configs.settings import Settings
from tests.conftest import SettingsFactory
from tests.fakes.mcp_servers.running import configured, raw
from tools.web import browser_check, search_check


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, "ok"), (ConfigurationError("set SEARXNG_URL"), "missing"), (SandboxError("no namespaces"), "broken")],
)
async def test_a_probe_says_what_there_is_or_how_to_mend_it(
    settings: SettingsFactory, error: MementoError | None, status: str
) -> None:
    async def probe(_: Settings) -> str:
        if error is not None:
            raise error
        return "bubblewrap 1"

    check = await probed("sandbox", probe, settings())
    assert (check.status, check.detail) == (status, str(error or "bubblewrap 1"))
    assert not check.stops


async def test_a_probe_that_hangs_is_broken(settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_tools, "PROBE_SECONDS", 0.01)

    async def probe(_: Settings) -> str:
        await asyncio.sleep(60)
        return ""

    assert (await probed("browser", probe, settings())).status == "broken"


def test_a_missing_library_is_told_with_the_tools_and_the_fix() -> None:
    lacks = ["no-such-library>=1; extra == 'media'", "pytest; extra == 'math'", "no-such; extra == 'otel'", "nothing"]
    (check,) = library_checks({"audio", "video", "math"}, lacks)
    assert check.status == "missing"
    assert check.detail.startswith("no-such-library for transcribe_audio, ")
    assert check.fix == "pip install 'memento-agent[media]'"
    assert [each.status for each in library_checks({"math"}, lacks)] == ["ok"]


LOADED = (browser_check, search_check)
"""Their libraries look at the folder they are imported in; a running loop must not."""


async def test_without_servers_nothing_of_theirs_is_needed(settings: SettingsFactory) -> None:
    made = await asyncio.to_thread(settings, servers="text")
    waited: list[list[str]] = []
    lines = await tool_checks(made, lambda names: waited.append(list(names)))
    found = {check.name: check.status for check in lines}
    assert waited[0] == ["MCP servers", "sandbox", "browser", "search"] and waited[-1] == []
    assert found == {
        "MCP servers": "ok",
        "sandbox": "unused",
        "browser": "unused",
        "search": "unused",
        "libraries": "ok",
    }
    assert await asyncio.to_thread(used_servers, made) == {"text"}


async def test_the_doctor_starts_the_servers(home: Path) -> None:
    made = await configured(home, {"good": raw(), "bad": raw("exit")})
    check = await server_check(made)
    assert check.status == "broken"
    assert "bad: exited with code 3" in check.detail
    assert await asyncio.to_thread((home / "logs" / "mcp-good.log").exists)
