"""A trained Q(task, case) as a folder: `head.safetensors` with a JSON header, and a tuned encoder beside it."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from configs.errors import ConfigurationError, InvalidInputError
from configs.private_folders import private_folder
from memory.embedding import Vectors
from memory.private_files import write_private
from memory.training.encoders import EncoderSpec, open_encoder
from memory.training.head import Head
from memory.training.q_model import TrainedQ, fingerprint_of

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

FORMAT = "memento-q/1"
FILE = "head.safetensors"
HEADER = "memento"
NAME = "parametric"
"""The model's folder below HOME/models."""
TUNED = "encoder-"


class Header(BaseModel):
    """What a model is and where it comes from. `data` is the fingerprint of its rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["memento-q/1"] = "memento-q/1"
    fingerprint: str
    encoder: EncoderSpec
    dimension: int = Field(gt=0)
    hidden: int = Field(gt=0)
    data: str
    seed: int
    split: str
    results: list[dict[str, Any]]


def is_there(folder: Path) -> bool:
    """Whether a model has been saved there, whole or damaged."""
    return (folder / FILE).exists()


def check_writable(folder: Path) -> None:
    """Tell before a long training what would fail after it; makes nothing.

    Raises:
        InvalidInputError: the folder is a file, or it or what is above it cannot be written.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise InvalidInputError(f"cannot write {folder}: {there} is not a folder")
    if not os.access(there, os.W_OK):
        raise InvalidInputError(f"cannot write {folder}: {there} is read-only")


def save_model(folder: Path, head: Head, header: Header) -> None:
    """Write a model in place of what is there, the head as the last and at once; clears away what the old one left.

    Raises:
        InvalidInputError: the folder cannot be written.
    """
    from safetensors.numpy import save

    try:
        private_folder(folder)
        write_private(folder / FILE, save(head.tensors(), metadata={HEADER: header.model_dump_json()}))
        for old in folder.glob(f"{TUNED}*"):
            if old.name != header.encoder.folder:
                shutil.rmtree(old, ignore_errors=True)
        for kept in folder.glob("cases-*.safetensors"):
            kept.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidInputError(f"cannot write {folder}: {error.strerror}") from error


def save_encoder(folder: Path, model: SentenceTransformer) -> str:
    """Write a tuned encoder below the model's folder; the name of its own folder, by a hash of its weights.

    Raises:
        InvalidInputError: the folder cannot be written.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it untyped
    try:
        private_folder(folder)
        written = folder / f"{TUNED}new"
        shutil.rmtree(written, ignore_errors=True)
        model.save_pretrained(str(written), create_model_card=False, safe_serialization=True)
        with (written / "model.safetensors").open("rb") as file:
            name = f"{TUNED}{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"
        shutil.rmtree(folder / name, ignore_errors=True)
        written.rename(folder / name)
    except OSError as error:
        raise InvalidInputError(f"cannot write {folder}: {error.strerror}") from error
    return name


def load_model(folder: Path) -> TrainedQ:
    """The model of a folder.

    Raises:
        ConfigurationError: it is missing, damaged, or of another version of the format.
    """
    header, head = read_model(folder)
    encoder = open_encoder(header.encoder, folder)
    return TrainedQ(encoder, head, header.fingerprint)


def read_model(folder: Path) -> tuple[Header, Head]:
    """Header and head, checked against each other. Raises ConfigurationError as `load_model` does."""
    path = folder / FILE
    metadata, tensors = _read(path)
    try:
        header = Header.model_validate_json(metadata.get(HEADER, ""))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise _damaged(path, f"its header: {'.'.join(map(str, fault['loc']))} {fault['msg']}") from error
    if header.encoder.folder and not header.encoder.folder.removeprefix(TUNED).isalnum():
        raise _damaged(path, "it names an encoder outside its folder")
    return header, _head(path, header, tensors)


def _read(path: Path) -> tuple[dict[str, str], dict[str, Vectors]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise _damaged(path, str(error).partition("\n")[0]) from error


def _head(path: Path, header: Header, tensors: dict[str, Vectors]) -> Head:
    d, h = header.dimension, header.hidden
    shapes = {"task": (d, h), "case": (d, h), "outcome": (h,), "bias": (h,), "out": (h,), "out_bias": (1,)}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if found != shapes or any(tensor.dtype != "float32" for tensor in tensors.values()):
        raise _damaged(path, f"its tensors are not those of {d} inputs and {h} hidden units")
    head = Head(**tensors)
    if fingerprint_of(header.encoder, head) != header.fingerprint:
        raise _damaged(path, "its numbers are not those it was saved with")
    return head


def _damaged(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(f"{path} is no model that can be used ({reason}); run `memento train` again")
