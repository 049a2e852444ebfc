"""Training from rows to a saved model: split, encode, fit, measure beside the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory.training.baselines import baselines
from memory.training.encoded import Encoded, Step, encode, text_rows
from memory.training.encoders import EncoderSpec, load_library_model, open_encoder, spec_of
from memory.training.examples import Examples
from memory.training.fine_tune import EPOCHS as TUNING_EPOCHS
from memory.training.fine_tune import fine_tune
from memory.training.fit_head import EPOCHS, fit_head, predict
from memory.training.head import Head
from memory.training.metrics import Score, score
from memory.training.q_model import fingerprint_of
from memory.training.splits import Parts, Split, split_rows
from memory.training.store import Header, save_encoder, save_model

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MODEL = "Q(task, case)"


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What to train and how.

    `encoder` None is the bundled MiniLM; `epochs` are those of the head, or of the encoder where it is fine-tuned;
    `max_seconds` bounds the fine-tuning, and `untuned_may_win` keeps the encoder as it was where tuning makes the
    validation no better.
    """

    encoder: str | None = None
    fine_tune: bool = False
    split: Split = "by-task"
    epochs: int | None = None
    seed: int = 0
    max_seconds: float | None = None
    untuned_may_win: bool = True


@dataclass(frozen=True, slots=True)
class Trained:
    """A fitted head, the tuned encoder if there is one, and the scores on the test rows: the model's comes first."""

    head: Head
    spec: EncoderSpec
    tuned: SentenceTransformer | None
    parts: Parts
    scores: tuple[Score, ...]
    best_epoch: int
    epochs: int
    data: str
    options: TrainOptions


def encode_examples(examples: Examples, encoder: str | None, step: Step) -> Encoded:
    """Every text of the rows through an encoder as it comes. ConfigurationError if it cannot be loaded."""
    return encode(text_rows(examples.rows), open_encoder(spec_of(encoder)), step)


def train(examples: Examples, options: TrainOptions, step: Step, encoded: Encoded | None = None) -> Trained:
    """Fit Q on the training rows and measure it on the test rows.

    Args:
        examples: the rows.
        options: what to train and how.
        step: told of the progress.
        encoded: what `encode_examples` gave for these rows and this encoder, where several models share it.

    Raises:
        InvalidInputError: there is too little to learn from, see `split_rows`.
        ConfigurationError: the encoder cannot be loaded.
    """
    parts = split_rows(examples.rows, options.split, options.seed)
    spec = spec_of(options.encoder)
    fixed = encoded or encode_examples(examples, options.encoder, step)
    head_epochs = EPOCHS if options.fine_tune or options.epochs is None else options.epochs
    fitted = fit_head(fixed, parts, epochs=head_epochs, seed=options.seed, step=step)
    if not options.fine_tune:
        scores = _scores(fitted.head, fixed, fixed, parts, options)
        return Trained(
            fitted.head, spec, None, parts, scores, fitted.best_epoch, fitted.epochs, examples.fingerprint, options
        )
    model = library_model(spec)
    tuned = fine_tune(
        model,
        fitted.head,
        fixed.rows,
        parts,
        epochs=options.epochs or TUNING_EPOCHS,
        seed=options.seed,
        step=step,
        max_seconds=options.max_seconds,
        untuned_may_win=options.untuned_may_win,
    )
    scores = _scores(tuned.head, tuned.encoded, fixed, parts, options)
    return Trained(
        tuned.head, spec, model, parts, scores, tuned.best_epoch, tuned.epochs, examples.fingerprint, options
    )


def save(trained: Trained, folder: Path) -> Header:
    """Write the model as a folder, see `memory.training.store`; what it is.

    Raises:
        InvalidInputError: the folder cannot be written.
    """
    spec = trained.spec
    if trained.tuned is not None and trained.best_epoch > 0:
        spec = spec.model_copy(update={"folder": save_encoder(folder, trained.tuned)})
    header = Header(
        fingerprint=fingerprint_of(spec, trained.head),
        encoder=spec,
        dimension=trained.head.dimension,
        hidden=trained.head.hidden,
        data=trained.data,
        seed=trained.options.seed,
        split=trained.options.split,
        results=as_json(trained.scores),
    )
    save_model(folder, trained.head, header)
    return header


def as_json(scores: Sequence[Score]) -> list[dict[str, Any]]:
    """The scores as plain values, bins included."""
    return [asdict(each) for each in scores]


def library_model(spec: EncoderSpec) -> SentenceTransformer:
    """The encoder as torch can train it, on a GPU where there is one."""
    import torch

    from memory.minilm import bundled_folder

    name = str(bundled_folder()) if spec.runtime == "minilm" else spec.name
    return load_library_model(name, "cuda" if torch.cuda.is_available() else "cpu")


def _scores(head: Head, encoded: Encoded, fixed: Encoded, parts: Parts, options: TrainOptions) -> tuple[Score, ...]:
    """The model over its own vectors, the baselines over those of the encoder as it came."""
    labels = fixed.rows.labels[parts.test]
    groups = [fixed.rows.groups[row] for row in parts.test]
    model = score(MODEL, predict(head, encoded, parts.test), labels, groups, seed=options.seed)
    others = [
        score(g.name, g.predicted, labels, groups, seed=options.seed, probabilities=g.probabilities)
        for g in baselines(fixed, parts, options.split)
    ]
    return (model, *others)
