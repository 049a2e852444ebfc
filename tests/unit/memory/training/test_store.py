"""A model as a folder: what comes back is what was saved, and damage is one line, never a wrong model."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from configs.errors import ConfigurationError, InvalidInputError
from memory.minilm import MiniLM
from memory.training.encoders import EncoderSpec, open_encoder, spec_of
from memory.training.head import Head
from memory.training.q_model import fingerprint_of
from memory.training.store import FILE, HEADER, Header, is_there, load_model, read_model, save_model

WIDTH = MiniLM.dimension


def head(seed: int = 0, hidden: int = 4) -> Head:
    draw = np.random.default_rng(seed)
    shapes = ((WIDTH, hidden), (WIDTH, hidden), (hidden,), (hidden,), (hidden,), (1,))
    return Head(*(draw.normal(size=shape).astype(np.float32) for shape in shapes))


def header(made: Head, spec: EncoderSpec | None = None) -> Header:
    spec = spec or EncoderSpec()
    return Header(
        fingerprint=fingerprint_of(spec, made),
        encoder=spec,
        dimension=made.dimension,
        hidden=made.hidden,
        data="d",
        seed=1,
        split="by-task",
        results=[{"name": "x", "auc": 0.5}],
    )


def test_what_is_loaded_is_what_was_saved_readable_by_the_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "parametric"
    assert not is_there(folder)
    save_model(folder, head(), header(head()))
    model = load_model(folder)
    for name, array in model.head.tensors().items():
        np.testing.assert_array_equal(array, head().tensors()[name])
    assert read_model(folder)[0] == header(head()) and model.fingerprint == header(head()).fingerprint
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_a_new_model_clears_away_what_the_old_one_left(tmp_path: Path) -> None:
    for name in ("encoder-0123/model.safetensors", "encoder-4567/model.safetensors"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    (tmp_path / "cases-0123.safetensors").touch()
    (tmp_path / "notes.txt").touch()
    save_model(tmp_path, head(), header(head(), EncoderSpec(folder="encoder-4567")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["encoder-4567", FILE, "notes.txt"]


def test_fingerprints_tell_heads_and_encoders_apart() -> None:
    prints = {
        fingerprint_of(EncoderSpec(), head()),
        fingerprint_of(EncoderSpec(), head(1)),
        fingerprint_of(EncoderSpec(folder="encoder-1"), head()),
        fingerprint_of(spec_of("simcse"), head()),
    }
    assert len(prints) == 4


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-3] ^= 0xFF
    path.write_bytes(bytes(data))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def pickled(path: Path) -> None:
    path.write_bytes(b"\x80\x04\x95" + b"x" * 200)


def rewrite(path: Path, **changes: object) -> None:
    written = {**header(head()).model_dump(), **changes}
    save_file(load_file(path), path, metadata={HEADER: json.dumps(written)})


def version(path: Path) -> None:
    rewrite(path, format="memento-q/2")


def shapes(path: Path) -> None:
    rewrite(path, hidden=5)


def outside(path: Path) -> None:
    rewrite(path, encoder={"folder": "../elsewhere"})


def unknown(path: Path) -> None:
    rewrite(path, surprise=1)


def headerless(path: Path) -> None:
    save_file(load_file(path), path)


def fewer(path: Path) -> None:
    tensors = load_file(path)
    del tensors["out"]
    save_file(tensors, path, metadata={HEADER: header(head()).model_dump_json()})


DAMAGES = [cut, flip, empty, pickled, version, shapes, outside, unknown, headerless, fewer, Path.unlink]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_model_is_refused_in_one_line(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    save_model(tmp_path, head(), header(head()))
    damage(tmp_path / FILE)
    with pytest.raises(ConfigurationError, match="run `memento train` again") as error:
        load_model(tmp_path)
    assert "\n" not in str(error.value) and FILE in str(error.value)


def test_a_lost_tuned_encoder_is_an_error_not_the_untuned_one(tmp_path: Path) -> None:
    save_model(tmp_path, head(), header(head(), EncoderSpec(folder="encoder-4567")))
    with pytest.raises(ConfigurationError, match="the tuned encoder is missing"):
        load_model(tmp_path)


def test_a_folder_that_cannot_be_written_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError, match="cannot write"):
        save_model(tmp_path / "file" / "model", head(), header(head()))


def test_encoders_have_names_and_an_unknown_one_is_one_line() -> None:
    assert spec_of(None) == spec_of("all-MiniLM-L6-v2") == EncoderSpec()
    assert spec_of("simcse").name == "princeton-nlp/sup-simcse-bert-base-uncased"
    with pytest.raises(ConfigurationError, match="encoder 'no/such-model' cannot be loaded") as error:
        open_encoder(spec_of("no/such-model"))
    assert "\n" not in str(error.value)
