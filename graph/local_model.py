"""The embedded model: SmolLM2-135M served by llama.cpp inside this process, on a loopback port of its own."""

from __future__ import annotations

import json
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.errors import ConfigurationError, ModelUnavailableError
from configs.settings import Settings
from graph.chat_options import chat_options
from graph.local_weights import ensure_weights
from graph.model_faults import provider_faults, translator
from nodes.language_model import LanguageModel

if TYPE_CHECKING:
    from graph.model_client import ModelClient

NAME = "smollm2-135m"
CONTEXT_TOKENS = 8192
SLOTS = 2
MAX_REPLY_TOKENS = 96
MAX_THREADS = 8
SPINS = "10000"
"""How long an OpenMP thread waits awake: libgomp's own time is 20 times slower on a busy machine, 0 halves speed."""
TEMPLATE = (
    "{% for message in messages %}{{ message['content'] }}\n"
    "{% if message['role'] == 'system' %}\n{% endif %}{% endfor %}"
)
"""Plain text without role marks: a model this small follows examples only where its reply continues the same text."""


COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""No free white space: replies look like `json.dumps`, as the examples in the prompts do, and are half as long."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A running server. It ends with the process; `handle` keeps it alive."""

    address: str
    key: str
    handle: Any


_servers: dict[Path, LocalServer] = {}
_starting = threading.Lock()


def open_local_model(name: str, settings: Settings, client: ModelClient) -> LanguageModel:
    """The embedded model, its weights fetched and its server started if need be. Blocks.

    Raises:
        ConfigurationError: there is no embedded model of that name.
        ModelUnavailableError: the weights cannot be fetched or the server does not start.
    """
    if name != NAME:
        raise ConfigurationError(f"local:{name}: no such embedded model; there is local:{NAME}")
    server = running_server(ensure_weights(settings.home))
    from langchain_openai import ChatOpenAI

    chat = ChatOpenAI(
        model=NAME,
        api_key=lambda: server.key,
        base_url=f"{server.address}/v1",
        temperature=0,
        max_tokens=MAX_REPLY_TOKENS,
        **chat_options(settings, client),
    )
    spec = f"local:{NAME}"
    translate = translator(spec, "the embedded server's own key", [server.key])
    return LanguageModel(
        chat,
        spec,
        translate,
        native_tools=False,
        constrain=constrain,
        faults=provider_faults(),
        max_output=MAX_REPLY_TOKENS,
    )


def constrain(schema: dict[str, Any]) -> dict[str, Any]:
    """An llguidance grammar for compact JSON of a schema; xllamacpp's response_format leaves white space free."""
    return {
        "extra_body": {"grammar": f"%llguidance {{}}\nstart: %json {json.dumps({**schema, 'x-guidance': COMPACT})}"}
    }


def running_server(weights: Path) -> LocalServer:
    """The server of these weights, one a process.

    Raises:
        ModelUnavailableError: it does not start.
    """
    with _starting:
        if weights not in _servers:
            _servers[weights] = _start(weights)
        return _servers[weights]


def _start(weights: Path) -> LocalServer:
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    try:
        import xllamacpp

        key = secrets.token_urlsafe(32)
        server = xllamacpp.Server(_parameters(weights, key))
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ModelUnavailableError(f"embedded model: its server does not start ({reason[:300]})") from error
    return LocalServer(server.listening_address, key, server)


def _parameters(weights: Path, key: str) -> Any:
    """One shared context for all slots, prompt cache within it, no web pages, nobody let in without the key."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_parallel = SLOTS
    parameters.kv_unified = True
    parameters.cache_prompt = True
    parameters.cache_ram_mib = 0  # 20 MB for every prompt that was ever replaced
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads()
    parameters.chat_template = TEMPLATE
    parameters.use_jinja = True
    parameters.verbosity = -1
    parameters.api_keys = [key]
    parameters.cors_origins = "null"
    parameters.cors_credentials = False
    parameters.ui = False
    parameters.endpoint_slots = False
    return parameters


def threads() -> int:
    """One for each processor this process may use; more than a few do not help so small a model."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, MAX_THREADS)
