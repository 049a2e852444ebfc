"""The server `audio` on recordings that nobody here wrote, by three kinds of engine, and on hostile files."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from configs.errors import ConfigurationError, ModelUnavailableError
from tests.conftest import SettingsFactory
from tests.fakes.media_files import call, kept, make, put, slide_file, video, voice, whisper_folder, words, write
from tests.fakes.tool_table import Row, note
from tools.media import speech, speech_services
from tools.media.checks import check
from tools.media.speech_services import AssemblyAISpeech, speech_service
from tools.media.transcript import Line

SILENCE = bytes(32_000)


@pytest.fixture(autouse=True)
def _speech_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_SPEECH_MODEL", f"local:{whisper_folder()}")


@pytest.mark.parametrize("name", ["demo-echotest"])
def test_a_published_recording_is_written_down_word_for_word(name: str, home: Path) -> None:
    recording, said = voice(name)
    started = time.monotonic()
    fine, text = call("audio", "transcribe_audio", path=put(home, recording), timestamps=False)
    seconds = time.monotonic() - started
    assert fine, text
    facts, transcript = text.split("\n\n")
    assert facts.startswith(f"{name}.wav: wav, 0:")
    assert "8000 Hz" in facts
    assert words(transcript.splitlines()[0]) == words(said)
    assert f"kept in {name}.transcript.txt" in transcript
    whole = kept(home, f"{name}.transcript.txt").read_text()
    assert whole.startswith("[0:0")
    assert words("".join(line.partition("]")[2] for line in whole.splitlines())) == words(said)
    origin = "Debian asterisk-core-sounds-en-wav"
    verdict = f"all {len(words(said))} words as published"
    note(Row("audio", "transcribe_audio", f"{name}.wav", origin, transcript[:80], verdict, seconds))


def test_another_voice_in_a_video_and_where_to_go_on(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "The quick brown fox jumps over the lazy dog. Memory makes the difference between two attempts."
    sound, clip = str(tmp_path / "fox.wav"), str(tmp_path / "fox.mp4")
    make("espeak-ng", "-s", "140", "-w", sound, said)
    black = ("-f", "lavfi", "-i", "color=c=black:s=320x240:r=5")
    make("ffmpeg", *black, "-i", sound, "-shortest", "-c:v", "mpeg4", clip)
    put(home, Path(clip))
    monkeypatch.setattr("tools.servers.audio.SHOWN", 30)
    fine, text = call("audio", "transcribe_audio", path="fox.mp4", language="en")
    assert fine, text
    heard = words(kept(home, "fox.transcript.txt").read_text())
    assert len(set(words(said)) & set(heard)) >= 0.8 * len(set(words(said)))
    assert "characters are shown; read on in fox.transcript.txt)" in text
    fine, text = call("audio", "transcribe_audio", path="fox.mp4", language="de")
    assert not fine
    assert text.endswith("does not know the language 'de'")


def test_ten_hours_of_silence_and_a_limit_of_time(tmp_path: Path, settings: SettingsFactory) -> None:
    path = tmp_path / "still.flac"
    make("ffmpeg", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "36000", "-c:a", "flac", str(path))
    engine = asyncio.run(speech.speech_engine(settings(speech_model=f"local:{whisper_folder()}")))
    reported: list[tuple[float, float | None]] = []

    async def progress(done: float, total: float | None, text: str) -> None:
        reported.append((done, total))

    started = time.monotonic()
    with path.open("rb") as file:
        told = asyncio.run(speech.transcribe(file, engine, length=36000, seconds=2, progress=progress))
    assert time.monotonic() - started < 30
    assert told.lines == ()
    assert told.complete or (told.until >= 600 and told.until % 1 < 1)
    assert reported[0][0] > 0
    assert reported[0][1] == 36000


def test_a_recording_longer_than_the_time_is_gone_on_with(tmp_path: Path) -> None:
    recording, _ = voice("demo-echotest")
    path = tmp_path / "long.flac"
    make("ffmpeg", "-stream_loop", "9", "-i", str(recording), "-c:a", "flac", str(path))

    class Slow:
        name = "slow"

        async def hear(self, samples: bytes, language: str | None) -> tuple[list[Line], str]:
            return [Line(0, 1, f"{len(samples) / 32000:.0f}")], "en"

    pieces: list[Line] = []
    at = 0.0
    with path.open("rb") as file:
        for _ in range(10):
            told = asyncio.run(speech.transcribe(file, Slow(), length=200, start=at, seconds=0))
            assert told.start == at < told.until
            pieces += told.lines
            at = told.until
            if told.complete:
                break
    assert told.complete
    assert len(pieces) > 1
    assert abs(sum(int(line.text) for line in pieces) - at) < len(pieces)


def lying_wav(recording: Path) -> bytes:
    data = bytearray(recording.read_bytes())
    struct.pack_into("<I", data, 4, 0xFFFFFFFF)
    struct.pack_into("<I", data, data.index(b"data") + 4, 0xFFFFFFF0)
    return bytes(data)


def test_sizes_that_lie_are_not_believed(home: Path) -> None:
    recording, said = voice("ss-noservice")
    path = write(home, "lies.wav", lying_wav(recording))
    fine, text = call("audio", "transcribe_audio", path=path, timestamps=False)
    assert fine, text
    assert words(text.split("\n\n")[1].splitlines()[0]) == words(said)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.mp3", b""),
        ("page.mp3", b"<html><body>no sound</body></html>"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
        ("list.wav", b"ffconcat version 1.0\nfile /etc/passwd\n"),
        ("call.sdp", b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n"),
    ],
)
def test_what_is_no_recording(name: str, data: bytes, home: Path) -> None:
    fine, text = call("audio", "transcribe_audio", path=write(home, name, data))
    assert not fine
    assert text == "Error executing tool transcribe_audio: it cannot be read as audio or video: " + (
        "no media file, a playlist, or cut off"
    )


def test_the_file_is_judged_before_the_model(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_SPEECH_MODEL", "none")
    picture = put(home, slide_file("monty-truth.png"))
    playlist = write(home, "list.m3u8", b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n")
    for path in (picture, playlist):
        assert "cannot be read as audio or video" in call("audio", "transcribe_audio", path=path)[1]
    recording = put(home, voice("ss-noservice")[0])
    assert "set MEMENTO_SPEECH_MODEL" in call("audio", "transcribe_audio", path=recording)[1]


def test_a_video_without_sound_and_paths_that_lead_out(home: Path) -> None:
    fine, text = call("audio", "transcribe_audio", path=put(home, video("bikes")))
    assert (fine, text.endswith("bikes.mp4 has no sound")) == (False, True)
    for path in ("/etc/passwd", "../x.wav", "file:///etc/passwd", "concat:a.wav|b.wav", "no.wav"):
        fine, text = call("audio", "transcribe_audio", path=path)
        assert not fine
        assert "workspace" in text


@pytest.mark.parametrize("model", ["local:small", "local:/no/such/folder", "local:no-such-model"])
async def test_a_model_that_is_nowhere(
    model: str, home: Path, monkeypatch: pytest.MonkeyPatch, settings: SettingsFactory
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(home / "hf"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(home / "hf"))
    with pytest.raises(ConfigurationError, match=r"is not on this machine.*set MEMENTO_SPEECH_MODEL to local:FOLDER"):
        await speech.speech_engine(settings(speech_model=model))
    line = next(each for each in await check(settings(speech_model=model)) if each.name == "speech model")
    assert not line.ok


@pytest.mark.parametrize(
    ("model", "line"),
    [
        ("none", "speech recognition is off: set MEMENTO_SPEECH_MODEL"),
        ("openai:whisper-1", "set OPENAI_API_KEY, which MEMENTO_SPEECH_MODEL=openai:whisper-1 needs"),
        ("assemblyai", "set ASSEMBLYAI_API_KEY, which"),
        ("what", "MEMENTO_SPEECH_MODEL takes local:"),
    ],
)
async def test_an_engine_without_its_key(model: str, line: str, settings: SettingsFactory) -> None:
    with pytest.raises(ConfigurationError) as raised:
        await speech.speech_engine(settings(speech_model=model))
    assert str(raised.value).startswith(line)


class Service(BaseHTTPRequestHandler):
    """Both services' paths; `/v2/transcript/ID` is asked twice before it is done."""

    asked: ClassVar[list[tuple[str, str, bytes]]] = []
    faults: ClassVar[list[int]] = []

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        self.asked.append((self.path, self.headers["Authorization"], body))
        if self.faults:
            self._send(self.faults.pop(0), {"error": "sk-secret"})
            return
        asked = [path for path, _, _ in self.asked].count(self.path)
        segments = [{"start": 0.5, "end": 2, "text": " Hi. "}]
        replies: dict[str, dict[str, Any]] = {
            "/v1/audio/transcriptions": {"language": "english", "segments": segments},
            "/v2/upload": {"upload_url": "https://cdn.example/1"},
            "/v2/transcript": {"id": "t1", "status": "queued"},
            "/v2/transcript/t1": {"id": "t1", "status": "completed" if asked > 2 else "queued", "language_code": "en"},
            "/v2/transcript/t1/sentences": {"sentences": [{"start": 500, "end": 2000, "text": "Hi."}]},
        }
        self._send(200, replies[self.path])

    def _send(self, status: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def address() -> Iterator[str]:
    Service.asked.clear()
    Service.faults.clear()
    web = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{web.server_port}"
    web.shutdown()
    thread.join()
    web.server_close()


async def test_openai_gets_a_wav_and_gives_lines(address: str, settings: SettingsFactory) -> None:
    chosen = settings(openai_api_key="sk-1", openai_base_url=f"{address}/v1")
    engine = speech_service("openai:whisper-1", chosen)
    lines, language = await engine.hear(SILENCE, "en")
    assert lines == [Line(0.5, 2.0, "Hi.")]
    assert language == "english"
    ((path, key, body),) = Service.asked
    assert (path, key) == ("/v1/audio/transcriptions", "Bearer sk-1")
    assert b"whisper-1" in body
    assert b"verbose_json" in body
    assert body.count(b"RIFF") == 1


async def test_assemblyai_uploads_submits_and_waits(address: str) -> None:
    engine = AssemblyAISpeech(SecretStr("key-1"), 10, address, pause=0.01)
    assert await engine.hear(SILENCE, None) == ([Line(0.5, 2.0, "Hi.")], "en")
    assert [path for path, _, _ in Service.asked] == [
        "/v2/upload", "/v2/transcript", *["/v2/transcript/t1"] * 3, "/v2/transcript/t1/sentences",
    ]  # fmt: skip
    assert {key for _, key, _ in Service.asked} == {"key-1"}
    assert Service.asked[0][2].startswith(b"RIFF")
    assert json.loads(Service.asked[1][2]) == {"audio_url": "https://cdn.example/1", "language_detection": True}


async def test_faults_of_a_service(address: str) -> None:
    engine = AssemblyAISpeech(SecretStr("key-1"), 10, address, pause=0.01)
    Service.faults[:] = [429, 500]
    await engine.hear(SILENCE, "en")
    Service.faults[:] = [401]
    with pytest.raises(ConfigurationError, match=r"^assemblyai: the service refused the key$"):
        await engine.hear(SILENCE, "en")
    Service.faults[:] = [500] * speech_services.RETRIES
    with pytest.raises(ModelUnavailableError, match=r"^assemblyai answers 500, also after retries$"):
        await engine.hear(SILENCE, "en")


def test_without_ffmpeg_the_line_says_what_to_install(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(home, voice("ss-noservice")[0])
    monkeypatch.setenv("PATH", os.fspath(home))
    fine, text = call("audio", "transcribe_audio", path=path)
    assert not fine
    assert text.endswith("ffmpeg is not installed: apt-get install ffmpeg, or brew install ffmpeg")
