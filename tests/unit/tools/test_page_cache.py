"""The cache of pages and how long HTTP lets an answer be used."""

from __future__ import annotations

import os
import stat
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from tools.web.cache import MAX_ENTRY, Kept, PageCache
from tools.web.freshness import LONGEST, UNTOLD, conditions, freshness, retry_after

NOW = 1_700_000_000.0


def kept(data: bytes = b"page") -> Kept:
    return Kept("http://a.example/", "text/html", None, {"etag": '"1"'}, data, NOW)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, UNTOLD),
        ({"cache-control": "no-store"}, None),
        ({"cache-control": "private, NO-STORE"}, None),
        ({"vary": "*"}, None),
        ({"cache-control": "no-cache"}, 0),
        ({"cache-control": "public, max-age=300"}, 300),
        ({"cache-control": 'max-age="60"', "age": "20"}, 40),
        ({"cache-control": "max-age=60", "age": "100"}, 0),
        ({"cache-control": "max-age=99999999"}, LONGEST),
        ({"cache-control": "max-age=-5"}, UNTOLD),
        ({"cache-control": "max-age=9999999999999999999"}, UNTOLD),
        ({"expires": formatdate(NOW + 50, usegmt=True), "date": formatdate(NOW, usegmt=True)}, 50),
        ({"expires": "0"}, 0),
        ({"last-modified": formatdate(NOW - 100_000, usegmt=True)}, 10_000),
        ({"last-modified": "yesterday"}, UNTOLD),
    ],
)
def test_freshness(headers: dict[str, str], seconds: float | None) -> None:
    assert freshness(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (formatdate(NOW + 90, usegmt=True), 90),
        (formatdate(NOW - 90, usegmt=True), 0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, NOW) == seconds


def test_conditions_ask_by_tag_and_date() -> None:
    assert conditions({"etag": 'W/"a"', "last-modified": "D"}) == {"If-None-Match": 'W/"a"', "If-Modified-Since": "D"}
    assert conditions({}) == {}


def test_what_was_kept_comes_back_and_only_under_its_key(tmp_path: Path) -> None:
    cache = PageCache(tmp_path / "pages")
    assert cache.get("a") is None
    cache.put("a", kept(b"one\ntwo\x00"))
    assert PageCache(tmp_path / "pages").get("a") == kept(b"one\ntwo\x00")
    assert cache.get("b") is None
    (file,) = (tmp_path / "pages").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    cache.forget("a")
    assert cache.get("a") is None


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"[1]\npage", b"\xff\xfe\n", b'{"key": "a"}\npage', b"null\n"])
def test_a_damaged_file_is_no_page(tmp_path: Path, damage: bytes) -> None:
    cache = PageCache(tmp_path)
    cache.put("a", kept())
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    assert cache.get("a") is None
    file.write_bytes(b"")
    cache.put("a", kept())
    assert cache.get("a") == kept()


def test_it_is_bounded_in_size_and_age(tmp_path: Path) -> None:
    cache = PageCache(tmp_path, max_bytes=5000, max_age=100)
    for number in range(10):
        cache.put(str(number), kept(b"x" * 1000))
        for file in tmp_path.iterdir():
            os.utime(file, (file.stat().st_atime, file.stat().st_mtime - 1))
    assert [cache.get(str(number)) is not None for number in range(10)] == [False] * 6 + [True] * 4
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 5000
    for file in tmp_path.iterdir():
        os.utime(file, (time.time() - 101, time.time() - 101))
    assert cache.get("9") is None
    cache.put("big", kept(b"x" * (MAX_ENTRY + 1)))
    assert cache.get("big") is None


def test_a_place_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "pages").write_text("a file where the folder should be")
    cache = PageCache(tmp_path / "pages")
    cache.put("a", kept())
    assert cache.get("a") is None
