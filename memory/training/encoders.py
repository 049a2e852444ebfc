"""What turns texts into vectors for Q(task, case): the bundled MiniLM, any sentence-transformers model, a tuned one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from configs.errors import ConfigurationError
from memory.embedding import BATCH, BUNDLED, Embedder, Vectors, normalised

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SHORT_NAMES = {"simcse": "princeton-nlp/sup-simcse-bert-base-uncased"}
"""The encoder of the paper's published model by a name one can type."""


class EncoderSpec(BaseModel):
    """Which encoder a model was trained with.

    `name` is the model it started from; `folder`, beside the head, holds its weights where they were fine-tuned.
    The runtime `minilm` needs no torch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    runtime: Literal["minilm", "sentence-transformers"] = "minilm"
    name: str = BUNDLED
    folder: str = ""

    @property
    def identity(self) -> str:
        """What tells one vector space from another; a tuned encoder's folder is named by a hash of its weights."""
        return f"{self.runtime}:{self.name}:{self.folder}"


def spec_of(name: str | None) -> EncoderSpec:
    """The encoder a person names; None is the bundled one."""
    if name is None or name == BUNDLED:
        return EncoderSpec()
    return EncoderSpec(runtime="sentence-transformers", name=SHORT_NAMES.get(name, name))


def open_encoder(spec: EncoderSpec, beside: Path | None = None) -> Embedder:
    """The encoder, ready to use; `beside` is the folder of the trained model.

    Raises:
        ConfigurationError: it cannot be loaded.
    """
    folder = beside / spec.folder if beside is not None and spec.folder else None
    if folder is not None and not (folder / "model.safetensors").is_file():
        raise ConfigurationError(f"{folder}: the tuned encoder is missing; run `memento train` again")
    if spec.runtime == "minilm":
        from memory.minilm import MiniLM

        return MiniLM(folder)
    return LibraryEncoder(load_library_model(str(folder or spec.name)), spec.identity)


def load_library_model(name: str, device: str = "cpu") -> SentenceTransformer:
    """A sentence-transformers model by name or folder; weights from safetensors only.

    Raises:
        ConfigurationError: there is no such model, or it cannot be fetched.
    """
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it untyped
    try:
        return SentenceTransformer(name, device=device, trust_remote_code=False, model_kwargs={"use_safetensors": True})
    except (OSError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ConfigurationError(f"encoder {name!r} cannot be loaded: {reason}") from error


class LibraryEncoder:
    """A loaded sentence-transformers model as an embedder."""

    def __init__(self, model: SentenceTransformer, name: str) -> None:
        self.name = name
        self._model = model

    @property
    def dimension(self) -> int:
        return int(self.embed([""]).shape[1])

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        encoded = self._model.encode(list(texts), batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True)
        return normalised(encoded)
