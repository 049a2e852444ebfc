"""The embedded model for real: weights from the package index, the server on loopback, replies kept to a schema."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from configs.errors import AgentError
from configs.settings import Settings
from graph.local_model import LocalServer, running_server
from graph.local_weights import ensure_weights
from graph.models import ModelPool
from nodes.planner_reply import REPLY_SCHEMA
from tests.conftest import SettingsFactory

pytestmark = pytest.mark.timeout(600)  # the first test may fetch the weights

SPEC = "local:smollm2-135m"
EXAMPLE = 'Task: What is 12 times 34?\nReply:\n{"plan": [{"id": 1, "description": "Multiply 12 by 34."}]}\n'


@pytest.fixture(scope="module")
def weights_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the real weights, for all tests here; there is one server for it."""
    home = tmp_path_factory.mktemp("embedded") / "memento"
    ensure_weights(home)
    return home


@pytest.fixture
def local(weights_home: Path, settings: SettingsFactory) -> Settings:
    return settings(config="local", home=weights_home)


@pytest.fixture
def server(weights_home: Path) -> LocalServer:
    return running_server(ensure_weights(weights_home))


async def test_it_imitates_an_example_and_keeps_to_the_schema(
    local: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    pool = ModelPool(local)
    model = await pool.get(SPEC)
    request = [SystemMessage("You plan tasks."), HumanMessage(EXAMPLE + "Task: What is 48 times 37?\nReply:")]
    reply = await model.reply(request, schema=REPLY_SCHEMA)
    text = str(reply.text)
    assert json.loads(text) == {"plan": [{"id": 1, "description": "Multiply 48 by 37."}]}
    assert text == json.dumps(json.loads(text)), "compact, on one line"
    assert reply.usage_metadata is not None and reply.usage_metadata["output_tokens"] > 0
    assert not model.native_tools and model.name == SPEC
    assert capfd.readouterr() == ("", "")
    await pool.aclose()


async def test_a_request_longer_than_the_context_is_the_requests_fault(local: Settings) -> None:
    pool = ModelPool(local)
    model = await pool.get(SPEC)
    with pytest.raises(AgentError, match=SPEC):
        await model.reply([HumanMessage("word " * 20_000)])
    await pool.aclose()


def test_there_is_one_server_a_process(server: LocalServer, weights_home: Path) -> None:
    assert running_server(ensure_weights(weights_home)) is server
    assert server.address.startswith("http://127.0.0.1:")


def test_nobody_gets_in_without_the_key_and_no_page_may_read(server: LocalServer) -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    foreign = {"Origin": "https://example.org"}
    with httpx.Client(base_url=server.address, trust_env=False, timeout=60) as client:
        assert client.post("/v1/chat/completions", json=body, headers=foreign).status_code == 401
        answer = client.options("/v1/chat/completions", headers={**foreign, "Access-Control-Request-Method": "POST"})
        assert answer.headers.get("access-control-allow-origin") not in ("*", "https://example.org")
        assert answer.headers.get("access-control-allow-credentials") != "true"
        assert client.get("/slots").status_code in (401, 404, 501)
