"""`langgraph dev --host 0.0.0.0`: it does not start where it would serve everybody, and asks who they are otherwise."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.langgraph_server import langgraph_dev

NO_MODEL = "http://127.0.0.1:9"
FROM_ITS_OWN_ADDRESS = """
import json, socket, sys, httpx
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
    try:
        probe.connect(("192.0.2.1", 9))  # sends nothing; the route names the address
        own = probe.getsockname()[0]
    except OSError:
        own = "127.0.0.1"
url = sys.argv[1].replace("127.0.0.1", own)
each = [{}, {"x-auth-scheme": "langsmith"}, {"authorization": "Bearer alices-token"}]
print(json.dumps([httpx.post(f"{url}/threads", json={}, headers=h, trust_env=False).status_code for h in each]))
"""


def test_it_does_not_start_for_everybody(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="did not come up"), langgraph_dev(tmp_path, NO_MODEL, host="0.0.0.0"):  # noqa: S104  the point
        pass
    log = (tmp_path / "server.log").read_text()
    assert "--host 0.0.0.0: a server that others reach takes authentication" in log
    assert "MEMENTO_ALLOW_UNAUTHENTICATED=true" in log


def test_behind_authentication_it_serves_who_has_a_token(tmp_path: Path) -> None:
    auth = "tests/fakes/two_users.py:auth"
    with langgraph_dev(tmp_path, NO_MODEL, auth=auth, host="0.0.0.0") as server:  # noqa: S104  the point
        for headers, status in (({}, 401), ({"Authorization": "Bearer alices-token"}, 200)):
            assert server.http("POST", "/threads", json={}, headers=headers).status_code == status
        command = [sys.executable, "-c", FROM_ITS_OWN_ADDRESS, server.url]  # a process that may leave loopback
        told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    assert json.loads(told) == [401, 401, 200]
