"""The log of a server's standard error."""

from __future__ import annotations

from pathlib import Path

from tools.server_log import MAX_BYTES, ServerLog


def test_a_log_is_private_bounded_and_kept_once(tmp_path: Path) -> None:
    for text in (b"first", b"second", b"third"):
        log = ServerLog(tmp_path / "logs", "my ../server")
        log.open()
        log.write(text)
        log.close()
        log.open()  # a restart goes on in the same file
        log.write(b" again\n")
        log.close()
    assert log.path.name == "mcp-my____server.log"
    assert log.path.read_bytes() == b"third again\n"
    assert Path(f"{log.path}.1").read_bytes() == b"second again\n"
    assert log.path.stat().st_mode & 0o777 == 0o600
    assert log.path.parent.stat().st_mode & 0o777 == 0o700


def test_what_is_over_the_bound_is_dropped_but_the_last_line_is_known(tmp_path: Path) -> None:
    log = ServerLog(tmp_path, "a")
    log.open()
    log.write(b"x" * (MAX_BYTES - 1))
    log.write(b"yz\n")
    log.write("\x1b[31mKeyError: 'größe'\n\n".encode())
    log.close()
    assert log.path.read_bytes() == b"x" * (MAX_BYTES - 1) + b"y"
    assert log.last_line == "KeyError: 'größe'"


def test_a_log_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    log = ServerLog(tmp_path / "file", "a")
    log.open()
    log.write(b"why it ended")
    log.close()
    assert log.last_line == "why it ended"
