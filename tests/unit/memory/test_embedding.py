"""The embedders: the bundled model against its reference, and one behind a loopback endpoint."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import numpy as np
import pytest

from configs.errors import ConfigurationError, ModelUnavailableError
from memory.embedding import fingerprint, make_embedder
from memory.minilm import MiniLM, bundled_folder
from tests.conftest import SettingsFactory

TEXTS = [
    "What is the capital of France?",
    "",
    " ",
    "ünïcödé 中文 🙂 text",
    "word " * 900,
    "a",
    "Add 2 and 3, then halve.",
]


def test_bundled_model_equals_sentence_transformers(settings: SettingsFactory) -> None:
    """Also the reference of `SentenceTransformerEmbedder`, whose vectors come from the library itself."""
    reference = make_embedder(settings(embedding_model=bundled_folder()))
    ours = MiniLM().embed(TEXTS)
    assert np.abs(ours - reference.embed(TEXTS)).max() < 1e-5
    assert reference.dimension == MiniLM.dimension == ours.shape[1]


def test_vectors_are_unit_float32_and_do_not_depend_on_the_batch() -> None:
    together = MiniLM().embed(TEXTS * 2)
    assert together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(1.0, abs=1e-5)
    alone = np.concatenate([MiniLM().embed([text]) for text in TEXTS])
    assert np.abs(together[: len(TEXTS)] - alone).max() < 1e-5
    assert MiniLM().embed([]).shape == (0, 384)


def test_bundled_model_loads_without_torch() -> None:
    code = (
        "import sys; from memory.minilm import MiniLM; MiniLM().embed(['x']);"
        "print([name for name in ('torch', 'transformers', 'sentence_transformers') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_unknown_model_is_the_callers_mistake(settings: SettingsFactory) -> None:
    with pytest.raises(ConfigurationError, match=r"MEMENTO_EMBEDDING_MODEL: cannot load './nowhere'") as caught:
        make_embedder(settings(embedding_model="./nowhere")).embed(["x"])
    assert "\n" not in str(caught.value)


class Endpoint(BaseHTTPRequestHandler):
    """Answers `/v1/embeddings`: the vector is (length of the text, 3); a text of "401" is refused."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = request["input"]
        data = [{"index": row, "embedding": [float(len(text)), 3.0]} for row, text in enumerate(texts)]
        body = json.dumps({"object": "list", "data": data, "model": request["model"], "usage": {}}).encode()
        self.send_response(401 if texts == ["401"] else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Endpoint) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def test_endpoint_vectors_are_normalised(settings: SettingsFactory, endpoint: str) -> None:
    embedder = make_embedder(settings(embedding_model="openai:tiny", openai_base_url=endpoint, openai_api_key="k"))
    assert embedder.embed(["abcd", ""]) == pytest.approx(np.array([[0.8, 0.6], [1, 3] / np.sqrt(10)]), abs=1e-6)
    assert (embedder.name, embedder.dimension) == ("openai:tiny", 2)
    assert fingerprint(embedder) != fingerprint(MiniLM())


def test_endpoint_faults_say_who_can_fix_them(settings: SettingsFactory, endpoint: str) -> None:
    secret: dict[str, Any] = {"embedding_model": "openai:tiny", "openai_api_key": "sk-canary", "model_retries": 0}
    with pytest.raises(ConfigurationError, match="refused") as refused:
        make_embedder(settings(openai_base_url=endpoint, **secret)).embed(["401"])
    with pytest.raises(ModelUnavailableError, match="openai:tiny: APIConnectionError") as gone:
        make_embedder(settings(openai_base_url="http://127.0.0.1:9/v1", **secret)).embed(["x"])
    assert "sk-canary" not in f"{refused.value}{gone.value}"
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        make_embedder(settings(embedding_model="openai:tiny")).embed(["x"])
