"""Fine-tuning for real, on a few short tasks: it learns, the best epoch is kept, and torch is not needed afterwards."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from memory.minilm import MiniLM
from memory.training.encoded import encode, text_rows
from memory.training.encoders import LibraryEncoder
from memory.training.examples import Example, Examples
from memory.training.fine_tune import fine_tune
from memory.training.store import load_model
from memory.training.train import TrainOptions, save, train

CASES = ["boil an egg", "paint a wall"]
ROWS = Examples(
    tuple(
        Example(f"{kind} number {number}", case, case, True, int(kind == "cooking"))
        for kind in ("cooking", "driving")
        for number in range(8)
        for case in CASES
    )
)


def test_a_tuned_encoder_is_saved_and_runs_without_torch(tmp_path: Path) -> None:
    told: list[str] = []
    options = TrainOptions(fine_tune=True, epochs=2)
    trained = train(ROWS, options, lambda phase, _done, _total: told.append(phase))
    assert trained.best_epoch > 0 and trained.tuned is not None
    assert "fine-tuning the encoder" in told
    header = save(trained, tmp_path)
    model = load_model(tmp_path)
    assert isinstance(model.encoder, MiniLM)
    assert header.encoder.folder and (tmp_path / header.encoder.folder / "model.safetensors").is_file()
    assert not [path for path in tmp_path.rglob("*") if path.suffix in {".bin", ".pt", ".pkl"}]

    table = text_rows(ROWS.rows)
    in_torch = encode(table, LibraryEncoder(trained.tuned, "tuned"), lambda *_: None).vectors
    np.testing.assert_allclose(model.encoder.embed(table.texts), in_torch, atol=1e-5)
    assert np.abs(MiniLM().embed(table.texts) - in_torch).max() > 1e-3, "nothing was tuned"
    scored = [model.scores(text, model.case_rows(CASES), np.array([True, True])).mean() for text in table.texts[:1]]
    assert scored[0] > 0.5

    before = {name: tensor.clone() for name, tensor in trained.tuned.state_dict().items()}
    again = fine_tune(
        trained.tuned, trained.head, table, trained.parts, epochs=2, seed=0, step=lambda *_: None, max_seconds=0.0
    )
    assert again.best_epoch == 0, "no time means the encoder as it was"
    assert all(bool((tensor == before[name]).all()) for name, tensor in trained.tuned.state_dict().items())
