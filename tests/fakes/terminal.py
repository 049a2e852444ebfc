"""A program in a real terminal: tmux, driven by keys and read by its screen."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Terminal:
    """One window of a tmux server of its own."""

    server: str

    def type(self, text: str) -> None:
        """Text as typed, and Enter."""
        self._tmux("send-keys", "-t", "0", "-l", text)
        self._tmux("send-keys", "-t", "0", "Enter")

    def press(self, key: str) -> None:
        """A key by tmux's name for it, such as C-c."""
        self._tmux("send-keys", "-t", "0", key)

    def screen(self) -> str:
        """What was shown so far, scrolled lines too."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-", "-t", "0")

    def wait_for(self, text: str, times: int = 1, seconds: float = 60) -> str:
        """Until a text has been shown so often; the screen then."""
        deadline = time.monotonic() + seconds
        while (screen := self.screen()).count(text) < times:
            assert time.monotonic() < deadline, f"{text!r} was not shown:\n{screen}"
            time.sleep(0.1)
        return screen

    def process(self) -> int:
        """The id of the program."""
        return int(self._tmux("display-message", "-p", "-t", "0", "#{pane_pid}"))

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", self.server, "-f", "/dev/null", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def terminal(command: list[str], environment: Mapping[str, str]) -> Iterator[Terminal]:
    """Run a command in a window of 110 by 50; the window outlives it, and says its exit code at the end."""
    server = f"memento-{uuid.uuid4().hex[:8]}"
    start = ["tmux", "-L", server, "-f", "/dev/null", "new-session", "-d", "-x", "110", "-y", "50"]
    script = 'trap "" INT; (trap - INT; exec "$@"); echo "exit code $?"; sleep 600'
    subprocess.run([*start, "bash", "-c", script, "bash", *command], check=True, env=dict(environment))
    try:
        yield Terminal(server)
    finally:
        subprocess.run(["tmux", "-L", server, "kill-server"], check=False, capture_output=True)
