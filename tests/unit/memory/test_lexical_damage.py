"""The word index lost or damaged, before it is opened or while it is open: it is made again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from configs.errors import CaseBankError
from configs.settings import Settings
from tests.conftest import SettingsFactory
from tests.fakes.quick_bank import QuickEmbedder, assert_agreement, entries, names, opened, quick_case

ALL = "abcDF"


@pytest.fixture
def filled(settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("memory.bank_files.make_embedder", lambda _: QuickEmbedder())
    with opened(settings()) as bank:
        bank.add(entries(ALL))
    return settings()


def remove_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def spoil_files(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            path.write_bytes(b"\xff" * 100)


def cut_files(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            os.truncate(path, path.stat().st_size // 2)


def remove_files(folder: Path) -> None:
    for path in folder.rglob("*.*"):
        path.unlink()


def remove_meta(folder: Path) -> None:
    for path in folder.rglob("meta.json"):
        path.unlink()


def remove_segments(folder: Path) -> None:
    for path in folder.rglob("*.*"):
        if path.is_file() and path.name != "meta.json" and not path.name.startswith("."):
            path.unlink()


WORDS = [remove_folder, spoil_files, cut_files, remove_files, remove_meta, remove_segments]


@pytest.mark.parametrize("damage", WORDS)
def test_a_lost_or_damaged_word_index_is_made_again(
    filled: Settings, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    damage(filled.home / "lexical")
    assert names(filled, tmp_path / "replay") == ALL


@pytest.mark.parametrize("damage", [remove_folder, remove_meta, remove_segments])
def test_a_word_index_lost_while_it_is_open_is_made_again(
    filled: Settings, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    with opened(filled) as bank:
        damage(filled.home / "lexical")
        for name in "qr":
            try:
                bank.add(entries(name))
            except CaseBankError as error:
                assert "\n" not in str(error)
        assert_agreement(bank, filled.home, tmp_path / "open")
    assert names(filled, tmp_path / "replay") == f"{ALL}qr"


def test_indexing_that_was_cut_short_and_done_again_doubles_nothing(filled: Settings, tmp_path: Path) -> None:
    """As when a process sharing the home dies between the index and the note that it is done: others do it again."""
    with opened(filled) as bank:
        with bank.ledger.store.writing() as db:
            db.executemany("INSERT INTO pending VALUES (?, 0)", [(quick_case(f"n{name}").id,) for name in "aDF"])
        bank.add(entries("Q"))
        assert_agreement(bank, filled.home, tmp_path / "replay")


def test_what_a_killed_writer_left_in_the_way_of_the_next_one_is_cleared(filled: Settings, tmp_path: Path) -> None:
    """tantivy names a list of deletions after its moment; killed before its commit, the next writer names it alike."""
    words = filled.home / "lexical"
    segments = [path for path in words.rglob("*.term") if path.is_file()]
    assert segments
    for segment in segments:
        for stamp in range(100):
            segment.with_suffix(f".{stamp}.del").touch()
    with opened(filled) as bank:
        bank.delete("default", [quick_case("na").id])
        bank.add(entries("Q"))
        assert_agreement(bank, filled.home, tmp_path / "open")
        assert not bank._files.lexical.search("default", "na", 9)
    assert names(filled, tmp_path / "replay") == ALL.replace("a", "") + "Q"
