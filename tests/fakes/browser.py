"""Headless Chromium over its DevTools protocol: go to a page, type, click, wait, take a picture."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CLICK = """(text) => {
  const named = [...document.querySelectorAll('button')].filter(each => each.innerText.trim() === text);
  const last = named.filter(each => !each.disabled).pop();
  if (last) last.click();
  return !!last;
}"""


class Page:
    """One tab."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0

    def go(self, url: str) -> None:
        self._send("Page.navigate", url=url)

    def text(self) -> str:
        """What a person sees."""
        return str(self.evaluate("document.body.innerText"))

    def type_into(self, selector: str, text: str) -> None:
        """Replace what a field holds, as typing does."""
        fields = f"[...document.querySelectorAll({json.dumps(selector)})]"
        self.wait(f"{fields}.length > 0")
        self.evaluate(f"(field => {{ field.focus(); field.select(); }})({fields}.pop())")
        self._send("Input.insertText", text=text)

    def press_enter(self) -> None:
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        for kind in ("keyDown", "keyUp"):
            self._send("Input.dispatchKeyEvent", type=kind, **key)

    def click(self, text: str) -> None:
        """The last button of that text."""
        self.wait(f"({CLICK})({json.dumps(text)})")

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Until a text is seen."""
        self.wait(f"document.body.innerText.includes({json.dumps(text)})", seconds)

    def wait(self, condition: str, seconds: float = 60) -> None:
        """Until a JavaScript expression is true."""
        deadline = time.monotonic() + seconds
        while not self.evaluate(condition):
            assert time.monotonic() < deadline, f"{condition} did not come true; the page says:\n{self.text()}"
            time.sleep(0.1)

    def evaluate(self, expression: str) -> Any:
        answer = self._send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._send("Page.captureScreenshot", format="png")["data"]))

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(timeout=60))
            if message.get("id") == self._number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result


@contextmanager
def browser(folder: Path, width: int = 1100, height: int = 1400) -> Iterator[Page]:
    """A browser with a profile of its own in `folder`."""
    assert CHROMIUM is not None
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"]
    options += [f"--user-data-dir={folder}", f"--window-size={width},{height}", "about:blank"]
    with subprocess.Popen([CHROMIUM, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            with connect(_page_address(folder / "DevToolsActivePort"), max_size=None, proxy=None) as connection:
                yield Page(connection)
        finally:
            process.terminate()


def _page_address(told: Path) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if told.exists() and told.read_text().count("\n"):
            port = told.read_text().split("\n")[0]
            pages = httpx.get(f"http://127.0.0.1:{port}/json/list", trust_env=False).json()
            address = next((each["webSocketDebuggerUrl"] for each in pages if each["type"] == "page"), None)
            if address is not None:
                return str(address)
        time.sleep(0.1)
    raise AssertionError("the browser did not come up")
