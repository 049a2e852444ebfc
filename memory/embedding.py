"""Text to unit vectors: the bundled MiniLM, any sentence-transformers model, or an OpenAI-compatible endpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import SecretStr

from configs.errors import ConfigurationError, ModelUnavailableError
from configs.settings import Settings

if TYPE_CHECKING:
    from langchain_openai import OpenAIEmbeddings
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]
BUNDLED = "all-MiniLM-L6-v2"
BATCH = 32


class Embedder(Protocol):
    """Maps texts to unit vectors, so that a dot product is the cosine. Blocking; safe to call from several threads."""

    @property
    def name(self) -> str:
        """What tells one vector space from another; part of the index's identity."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts.

        Args:
            texts: any texts, also none or empty ones; each is cut to the length the model takes.

        Returns:
            float32 of shape (len(texts), dimension), rows of length 1, in the order of `texts`.

        Raises:
            ConfigurationError: the model does not exist or its key is wrong.
            ModelUnavailableError: the endpoint cannot be reached.
        """
        ...


def make_embedder(settings: Settings) -> Embedder:
    """The embedder that `MEMENTO_EMBEDDING_MODEL` names. Loads nothing yet."""
    name = settings.embedding_model
    if name is None:
        from memory.minilm import MiniLM

        return MiniLM()
    if name.startswith("openai:"):
        return EndpointEmbedder(name.removeprefix("openai:"), settings)
    return SentenceTransformerEmbedder(name)


def fingerprint(embedder: Embedder) -> str:
    """Eight hexadecimal digits that name the vector space, for collection names."""
    return hashlib.sha256(embedder.name.encode()).hexdigest()[:8]


def normalised(vectors: Any) -> Vectors:
    """Rows scaled to length 1; a zero row stays zero."""
    rows: Vectors = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Vectors = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return unit


class SentenceTransformerEmbedder:
    """A model of the sentence-transformers library, by name or folder; weights from safetensors only."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._model: SentenceTransformer | None = None

    @property
    def dimension(self) -> int:
        return int(self.embed([""]).shape[1])

    def embed(self, texts: Sequence[str]) -> Vectors:
        model = self._model = self._model or self._load()
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        return normalised(model.encode(list(texts), batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True))

    def _load(self) -> SentenceTransformer:
        from sentence_transformers import SentenceTransformer

        try:
            return SentenceTransformer(
                self.name, device="cpu", trust_remote_code=False, model_kwargs={"use_safetensors": True}
            )
        except (OSError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise ConfigurationError(f"MEMENTO_EMBEDDING_MODEL: cannot load {self.name!r}: {reason}") from error


class EndpointEmbedder:
    """An embedding model behind an OpenAI-compatible endpoint."""

    def __init__(self, model: str, settings: Settings) -> None:
        self.name = f"openai:{model}"
        self._model = model
        self._settings = settings
        self._client: OpenAIEmbeddings | None = None
        self._dimension: int | None = None

    @property
    def dimension(self) -> int:
        return self._dimension if self._dimension is not None else int(self.embed([" "]).shape[1])

    def embed(self, texts: Sequence[str]) -> Vectors:
        import openai

        client = self._client = self._client or self._connect()
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        try:
            vectors = normalised(client.embed_documents([text or " " for text in texts]))
        except (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError) as error:
            reason = f"{self.name} was refused ({error.status_code})"
            raise ConfigurationError(f"MEMENTO_EMBEDDING_MODEL: {reason}") from None
        except openai.OpenAIError as error:
            raise ModelUnavailableError(f"embedding endpoint for {self.name}: {type(error).__name__}") from None
        self._dimension = int(vectors.shape[1])
        return vectors

    def _connect(self) -> OpenAIEmbeddings:
        from langchain_openai import OpenAIEmbeddings

        key = self._settings.openai_api_key
        if key is None and self._settings.openai_base_url is None:
            raise ConfigurationError("OPENAI_API_KEY: not set; MEMENTO_EMBEDDING_MODEL=openai:... needs it")
        return OpenAIEmbeddings(
            model=self._model,
            openai_api_key=key or SecretStr("none"),
            openai_api_base=self._settings.openai_base_url,
            request_timeout=self._settings.model_timeout,
            max_retries=self._settings.model_retries,
            check_embedding_ctx_length=False,  # other endpoints take texts, not OpenAI's token numbers
        )
