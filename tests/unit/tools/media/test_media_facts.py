"""What a file is by its first bytes, how times are written, and where frames are taken."""

from __future__ import annotations

import asyncio
import io

import pytest

from configs.errors import ToolCallError
from tests.conftest import SettingsFactory
from tests.fakes.media_files import voice
from tools.media.checks import check
from tools.media.facts import describe_media, kind_of
from tools.media.probe import clock
from tools.media.sources import is_url, name_of, plain_name
from tools.media.transcript import beginning
from tools.media.videos import middles, spread


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image"),
        (b"\0\0\0\x1cftypavif", "image"),
        (b"RIFF\0\0\0\0WAVEfmt ", "media"),
        (b"\0\0\0\x18ftypmp42", "media"),
        (b"\x1aE\xdf\xa3", "media"),
        (b"\xff\xfb\x90\x64", "media"),
        (b"\xff\xd8\xff\xe0", "image"),
        (b"#EXTM3U\nhttp://x", None),
        (b"%PDF-1.4", None),
        (b"", None),
    ],
)
def test_kinds(head: bytes, kind: str | None) -> None:
    assert kind_of(head) == kind


def test_times_are_written_as_players_do() -> None:
    assert [clock(7.9), clock(750), clock(3725)] == ["0:07", "12:30", "1:02:05"]


def test_frames_are_taken_in_the_middle() -> None:
    assert spread(2, 10) == [2.5, 7.5]
    assert middles([0.0, 4.0], 10, 8) == [2.0, 7.0]
    assert middles([float(n) for n in range(100)], 100, 3) == [0.5, 50.5, 99.5]
    assert middles([0.0], 10, 8) == [5.0]


def test_a_beginning_ends_with_a_line() -> None:
    assert beginning("one\ntwo\nthree", 9) == "one\ntwo"
    assert beginning("one", 9) == "one"
    assert beginning("a" * 500, 300) == "a" * 300


def test_urls_and_the_names_of_their_files() -> None:
    assert is_url(" HTTPS://x/y")
    assert not any(map(is_url, ("file:///etc/passwd", "ftp://x", "concat:a|b", "pipe:0", "data.mp4")))
    assert name_of("https://x/a/My%20clip.mp4?x=1") == "My_clip.mp4"
    assert name_of("https://x/..%2f..%2fetc%2fpasswd") == "etc_passwd"
    assert name_of("https://x/") == "download"
    assert plain_name("A/B test: über (1)?", "video") == "A_B_test_über_1"
    assert plain_name("../" * 100, "video") == "video"


async def test_the_doctor_is_told_what_there_is_and_what_is_missing(settings: SettingsFactory) -> None:
    made = await asyncio.to_thread(settings, speech_model="assemblyai", vision_model="none")
    found = {each.name: each for each in await check(made)}
    assert [name for name, each in found.items() if each.ok] == [
        "ffmpeg", "text recognition", "video scenes", "video downloads",
    ]  # fmt: skip
    assert found["vision model"].line.endswith("set MEMENTO_VISION_MODEL to openai:NAME or azure:NAME")
    assert found["speech model"].line.startswith("set ASSEMBLYAI_API_KEY")
    made = await asyncio.to_thread(settings, speech_model="none", openai_api_key="sk-1")
    found = {each.name: each for each in await check(made)}
    assert (found["vision model"].ok, found["vision model"].line) == (True, "openai:gpt-4o-mini")
    assert found["speech model"].ok


def test_a_recording_among_documents_is_told_with_its_facts(settings: SettingsFactory) -> None:
    recording, _ = voice("ss-noservice")
    with recording.open("rb") as file:
        told = asyncio.run(describe_media("call.wav", file, settings(speech_model="none")))
    assert told.startswith("call.wav: wav, 0:0")
    assert "Speech:\n(not transcribed: speech recognition is off" in told
    with pytest.raises(ToolCallError, match="it cannot be read as audio or video"):
        asyncio.run(describe_media("x.mp4", io.BytesIO(b"#EXTM3U\nfile:///etc/passwd\n"), settings()))
