"""Which texts of an mcp.json are secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SettingsFactory
from tools.server_secrets import server_secrets


@pytest.mark.parametrize(
    ("server", "found"),
    [
        ({"command": "x", "env": {"SERVICE_KEY": "a", "GH_TOKEN": "b", "DB_PASSWORD": "c", "MODE": "d"}}, "abc"),
        ({"command": "x", "args": ["--api-key", "a", "--port", "80", "--token=b", "key"]}, "ab"),
        ({"command": "x", "env": {"URL": "postgres://bob:a@host/x"}, "args": ["redis://:b@host"]}, "ab"),
        ({"url": "https://u:a@host/mcp?api_key=b&page=2", "headers": {"Authorization": "Bearer c"}}, "cba"),
        ({"url": "https://host", "headers": {"Accept": "text/html", "X-Service": "a"}}, "a"),
        ({"command": "x", "env": {"A_KEY": "${PLANTED}"}}, "p"),
        ({"command": "x", "env": {"A_KEY": "${NOT_SET}"}}, ""),
    ],
)
def test_secrets_of_servers(
    server: dict[str, Any], found: str, settings: SettingsFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED", "p")
    config = tmp_path / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"one": server}}))
    assert server_secrets(settings(mcp_config=config)) == list(found)
