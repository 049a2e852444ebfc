"""The trace file: whole lines, bounded, whatever happens to the disk or to the process that wrote it."""

from __future__ import annotations

import errno
import json
import os
import stat
import time
from pathlib import Path
from typing import Any, cast

import pytest

from graph.events import Event
from graph.telling import RunName
from graph.traces import MAX_FILE_BYTES, TEXT_CHARS, TraceWriter, append, line_of, read_trace, trace_path

RUN = RunName("thread", "task")


def warned(message: str) -> Event:
    return {"type": "warned", "message": message, "at": 1.5}


def messages(home: Path) -> list[str]:
    return [each.event["message"] for each in read_trace(home, "thread")]


def test_events_come_back_in_order_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path)
    for number in range(5000):
        writer.heard(RUN, warned(str(number)))
    writer.close()
    assert messages(tmp_path) == [str(number) for number in range(5000)]
    path = trace_path(tmp_path, RUN)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)] == [0o600, 0o700]
    assert (read_trace(tmp_path, "thread")[0].run, read_trace(tmp_path, "nobody")) == ("task", [])


def test_a_torn_line_is_passed_over_and_harms_no_other(tmp_path: Path) -> None:
    path = trace_path(tmp_path, RUN)
    append(path, (line_of(RUN, warned("first")) + line_of(RUN, warned("torn"))[:30]).encode())
    append(path, line_of(RUN, warned("second")).encode())
    assert messages(tmp_path) == ["first", "second"]
    with path.open("ab") as file:
        file.write(b'\xff\xfe\n[1]\n"text"\n{"no": "type"}\n' + b"[" * 100_000 + b"\n")
    append(path, line_of(RUN, warned("third")).encode())
    assert messages(tmp_path) == ["first", "second", "third"]


def test_a_line_is_bounded_plain_json() -> None:
    arguments: dict[str, Any] = {
        "text": "x" * 100_000,
        "list": list(range(100_000)),
        "odd": float("nan"),
        "\ud800": {1},
    }
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    event = {"type": "tool_called", "subtask": 1, "id": "c", "name": "n", "arguments": {**arguments, "deep": deep}}
    line = line_of(RUN, cast(Event, {**event, "at": 1.0}))
    assert len(line) < 10_000
    kept = json.loads(line)["arguments"]
    assert kept["text"] == "x" * TEXT_CHARS + f"… [{100_000 - TEXT_CHARS} more characters]"
    assert (kept["list"][:2], kept["list"][-1], kept["odd"]) == ([0, 1], "… [99800 more]", None)


@pytest.mark.parametrize("thread_id", ["../../etc/passwd", ".", "..", "a/b", "x" * 300, "\0", "ü"])
def test_no_thread_id_names_a_path(thread_id: str, tmp_path: Path) -> None:
    path = trace_path(tmp_path, RunName(thread_id, "task"))
    assert path.parent == tmp_path / "traces"
    assert len(path.name) < 50


def test_a_link_in_the_place_of_a_trace_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "traces").mkdir()
    target = tmp_path / "precious"
    target.write_text("kept")
    trace_path(tmp_path, RUN).symlink_to(target)
    writer = TraceWriter(tmp_path)
    writer.heard(RUN, warned("x"))
    writer.close()
    assert target.read_text() == "kept"


def test_a_full_disk_is_one_fault_and_what_is_written_later_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) > 10:
            return write(descriptor, data[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    writer = TraceWriter(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        writer.heard(RUN, warned("lost" * 100))
        until_idle(writer)
    writer.heard(RUN, warned("kept"))
    until_idle(writer)
    fault = writer.fault()
    assert fault is not None and "No space left" in fault and "\n" not in fault
    assert writer.fault() is None
    writer.close()
    assert messages(tmp_path) == ["kept"]


def test_a_trace_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = trace_path(tmp_path, RUN)
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(OSError, match="no more is kept"):
        append(path, b"x\n")


def test_telling_waits_for_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = TraceWriter(tmp_path)
    monkeypatch.setattr("graph.traces.append", lambda *_: time.sleep(0.3))
    started = time.perf_counter()
    for _ in range(100):
        writer.heard(RUN, warned("x"))
    assert time.perf_counter() - started < 0.1
    writer.close()


def until_idle(writer: TraceWriter) -> None:
    """Wait until everything so far was tried."""
    import threading

    done = threading.Event()
    writer._jobs.put(done.set)
    writer._urgent.set()
    assert done.wait(5)
