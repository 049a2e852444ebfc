"""Reading mcp.json: the user's file over the bundled one, and a line for everything that is wrong with it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from configs.errors import ConfigurationError
from tests.conftest import SettingsFactory
from tools.mcp_config import PACKAGES, RemoteServer, StdioServer, load_servers, read_servers
from tools.references import with_references


def written(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mcp.json"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_bundled_servers_run_in_this_interpreter_from_any_folder(settings: SettingsFactory) -> None:
    servers = {server.name: server for server in load_servers(settings())}
    assert {"math", "datetime", "text"} <= set(servers)
    math = servers["math"]
    assert isinstance(math, StdioServer)
    assert (math.command, math.args) == (sys.executable, ("-P", "-m", "tools.servers.math"))
    assert math.env == {"PYTHONPATH": str(PACKAGES)}
    assert math.cwd.name == "configs"


def test_the_setting_servers_chooses_among_the_bundled_ones(settings: SettingsFactory, home: Path) -> None:
    written(home, '{"mcpServers": {"mine": {"command": "x"}}}')
    assert [server.name for server in load_servers(settings(servers="text, math"))] == ["math", "text", "mine"]
    assert [server.name for server in load_servers(settings(servers="none"))] == ["mine"]
    assert {server.name for server in load_servers(settings(config="local"))} == {"math", "datetime", "text", "mine"}
    with pytest.raises(ConfigurationError, match=r"\Aservers: there is no bundled server 'maths'; there are math, "):
        load_servers(settings(servers="maths"))


def test_the_users_file_wins_by_name(settings: SettingsFactory, home: Path) -> None:
    own = """{"mcpServers": {
        "math": {"command": "python", "args": ["mine.py"], "env": {"A": "b"}, "cwd": "sub"},
        "text": {"disabled": true},
        "later": {"command": "x", "disabled": true},
        "web": {"url": "https://example.org/mcp", "headers": {"X": "y"}},
        "old": {"url": "http://127.0.0.1:1/sse", "type": "sse"}
    }}"""
    written(home, own)
    servers = {server.name: server for server in load_servers(settings())}
    assert "text" not in servers
    assert "later" not in servers
    assert {"math", "datetime", "web", "old"} <= set(servers)
    assert servers["math"] == StdioServer("math", "python", ("mine.py",), {"A": "b"}, home / "sub")
    assert servers["web"] == RemoteServer("web", "https://example.org/mcp", {"X": "y"}, "streamable_http")
    assert servers["old"] == RemoteServer("old", "http://127.0.0.1:1/sse", {}, "sse")


def test_a_named_file_is_read_instead_of_the_one_in_the_home(
    settings: SettingsFactory, home: Path, tmp_path: Path
) -> None:
    written(home, "not read")
    path = written(tmp_path, '{"mcpServers": {"a": {"command": "x", "cwd": "/"}}}')
    servers = {server.name: server for server in load_servers(settings(mcp_config=path))}
    assert servers["a"] == StdioServer("a", "x", (), {}, Path("/"))
    with pytest.raises(ConfigurationError, match=r"missing\.json: cannot be read: No such file"):
        load_servers(settings(mcp_config=tmp_path / "missing.json"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: not JSON: Expecting value"),
        ('{\n "mcpServers": {\n  "a": {"command": "x",}\n }\n}', "line 3: not JSON: "),
        ("[]", 'line 1: takes {"mcpServers": '),
        ('{"servers": {}}', 'line 1: takes {"mcpServers": '),
        ('{"mcpServers": []}', 'line 1: takes {"mcpServers": '),
        ('{"mcpServers": {},\n\n "inputs": []}', "line 3: unknown key 'inputs'; "),
        ('{"mcpServers": {\n "a": []}}', "line 2: server 'a' takes an object, got a list"),
        ('{"mcpServers": {\n "a": {}}}', "line 2: server 'a' takes either 'command' or 'url'"),
        (
            '{"mcpServers": {\n "a": {"command": "x", "url": "http://y"}}}',
            "line 2: server 'a' takes either 'command' or 'url'",
        ),
        (
            '{"mcpServers": {\n "a": {"command": "x",\n\t"agrs": []}}}',
            "line 3: server 'a': unknown key 'agrs'; known are disabled, command, args, env, cwd, type, transport",
        ),
        (
            '{"mcpServers": {"a": {"command": "x",\n"args": ["1",\n 2]}}}',
            "line 3: server 'a': args.1: input should be a valid string, got a number",
        ),
        (
            '{"mcpServers": {"a": {"command": "x", "env": {\n\n"K": null}}}}',
            "line 3: server 'a': env.K: input should be a valid string, got null",
        ),
        (
            '{"mcpServers": {"a": {"url": "ftp://x"}}}',
            "line 1: server 'a': url: string should match pattern",
        ),
        (
            '{"mcpServers": {"a": {"url": "http://x", "type": "websocket"}}}',
            "line 1: server 'a': type: input should be 'http',",
        ),
        ('{"mcpServers": {"a": {"command": "x",\n "disabled": "yes"}}}', "line 2: server 'a': disabled: input should"),
        ('{"mcpServers": {"a": {"command": "x"},\n"a": {"command": "y"}}}', "line 2: 'a' is there twice"),
        ('{"mcpServers": {\n"": {"command": "x"}}}', "line 2: a server's name takes 1 to 64 printable characters"),
        ("[" * 100_000, "line 1: nested too deeply"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as raised:
        read_servers(path)
    assert str(raised.value).startswith(f"{path}, {message}")
    assert "\n" not in str(raised.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="cannot be read: not UTF-8"):
        read_servers(path)
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        read_servers(tmp_path)


def test_references_take_values_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWN", "Köln")
    monkeypatch.delenv("COUNTRY", raising=False)
    server = StdioServer("a", "x", ("--town=${TOWN}",), {"T": "${TOWN}!", "PLAIN": "$TOWN"}, Path("/"))
    resolved = with_references(server)
    assert isinstance(resolved, StdioServer)
    assert resolved.args == ("--town=Köln",)
    assert resolved.env == {"T": "Köln!", "PLAIN": "$TOWN"}
    optional = replace(server, args=("${COUNTRY:-}", "${COUNTRY:-none}"), env={"A": "${COUNTRY:-}", "B": "", "C": "x"})
    found = with_references(optional)
    assert isinstance(found, StdioServer)
    assert (found.args, found.env) == (("", "none"), {"B": "", "C": "x"})
    remote = RemoteServer("b", "https://${TOWN}.example", {"Authorization": "Bearer ${COUNTRY}"}, "sse")
    with pytest.raises(ConfigurationError, match="needs the environment variable COUNTRY, which is not set"):
        with_references(remote)
