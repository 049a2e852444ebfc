"""What servers listed: of ours as the package says, of others as it was kept, and never when it may be wrong."""

from __future__ import annotations

import json
import os
import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import SettingsFactory
from tools.listed_tool import ListedTool
from tools.listings import MAX_AGE, SHIPPED, Listings
from tools.mcp_config import RemoteServer, StdioServer, load_servers
from tools.servers.write_listings import shipped_listings, written

TOOL = ListedTool("look", "Look.", {"type": "object"}, {"readOnlyHint": True}, 90.0)


@pytest.fixture
def server(tmp_path: Path) -> StdioServer:
    (tmp_path / "server.py").write_text("one")
    return StdioServer("a", "python", ("server.py",), {"KEY": "secret-value"}, tmp_path)


def test_the_shipped_listing_is_what_the_bundled_servers_list() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert text == written(shipped_listings()), "run `python -m tools.servers.write_listings`"


def test_every_bundled_server_is_known_without_starting_it(settings: SettingsFactory, home: Path) -> None:
    found = {server.name: Listings(home).known(server) for server in load_servers(settings())}
    assert all(found.values())
    assert "multiply" in {tool.name for tool in found["math"] or ()}
    (math,) = [server for server in load_servers(settings()) if server.name == "math"]
    assert isinstance(math, StdioServer)
    assert Listings(home).known(replace(math, args=("-m", "tools.servers.text"))) is None, "of another source"


def test_what_a_users_server_listed_is_kept_in_private(home: Path, server: StdioServer) -> None:
    assert Listings(home).known(server) is None
    Listings(home).keep(server, [TOOL])
    assert Listings(home).known(server) == [TOOL]
    (path,) = (home / "listings").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "secret-value" not in path.read_text()


@pytest.mark.parametrize("change", ["args", "env", "file", "age", "torn", "types"])
def test_a_listing_that_may_be_wrong_is_not_used(home: Path, server: StdioServer, change: str) -> None:
    Listings(home).keep(server, [TOOL])
    (path,) = (home / "listings").iterdir()
    document = json.loads(path.read_text())
    now = server
    if change == "args":
        now = replace(server, args=("server.py", "--more"))
    elif change == "env":
        now = replace(server, env={"KEY": "another"})
    elif change == "file":
        (server.cwd / "server.py").write_text("another")
    elif change == "age":
        path.write_text(json.dumps(document | {"at": time.time() - MAX_AGE}))
    elif change == "torn":
        path.write_bytes(path.read_bytes()[:-5])
    else:
        path.write_text(json.dumps(document | {"tools": [{"name": 5}]}))
    assert Listings(home).known(now) is None


def test_servers_do_not_share_a_listing_and_a_full_disk_is_no_fault(home: Path, server: StdioServer) -> None:
    remote = RemoteServer("a b", "https://example.org/mcp", {"Authorization": "x"}, "sse")
    Listings(home).keep(server, [TOOL])
    assert Listings(home).known(remote) is None
    Listings(home).keep(remote, [])
    assert Listings(home).known(remote) == []
    Listings(Path(os.devnull)).keep(server, [TOOL])
