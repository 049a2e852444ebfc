"""The original's encoder, for its way of retrieval: BERT-base, of which only the time matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from memory.minilm import bundled_folder

if TYPE_CHECKING:
    from torch import Tensor

BATCH = 32
MAX_TOKENS = 256
"""The original's default."""


class OriginalEncoder:
    """BERT-base of the published size with weights drawn by seed; the original's cannot be fetched offline."""

    def __init__(self) -> None:
        import torch
        from transformers import AutoTokenizer, BertConfig, BertModel

        torch.manual_seed(0)
        self._model: Any = BertModel(BertConfig())
        self._model.train(False)
        self._tokenizer = AutoTokenizer.from_pretrained(str(bundled_folder()))

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors, shape (len(texts), 768), in batches padded to their longest text."""
        import torch

        rows = []
        with torch.inference_mode():
            for start in range(0, len(texts), BATCH):
                given = self._tokenizer(
                    list(texts[start : start + BATCH]),
                    padding=True,
                    truncation=True,
                    max_length=MAX_TOKENS,
                    return_tensors="pt",
                )
                rows.append(self._model(**given).pooler_output)
            return torch.nn.functional.normalize(torch.cat(rows))
