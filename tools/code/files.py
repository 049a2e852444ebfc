"""Text files of a workspace, as a model reads and changes them. Blocking."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, islice

from configs.errors import ToolCallError
from tools.result_text import size_text
from tools.sandbox.changes import HIDDEN
from tools.workspace import Workspace, parts, shown

MAX_LINES = 2000
MAX_LINE = 2000
MAX_READ = 20_000
"""Characters of one reading."""
MAX_TEXT = 5_000_000
"""Bytes of a file that is edited, and of one that is written."""
MAX_LISTED = 200


def listing(workspace: Workspace, folder: str) -> str:
    """The files below a folder, newest last."""
    prefix = "" if folder.strip() in ("", ".", "/", "/workspace", "/workspace/") else "/".join(parts(folder)) + "/"
    found = [each for each in workspace.entries() if each.path.startswith(prefix) and not each.path.startswith(HIDDEN)]
    found.sort(key=lambda each: each.modified)
    if not found:
        return f"no files in {shown(folder)}" if prefix else "the workspace is empty"
    lines = [
        f"{each.path}  {size_text(each.size)}  {time.strftime('%Y-%m-%d %H:%M', time.gmtime(each.modified))}"
        for each in found[-MAX_LISTED:]
    ]
    left_out = len(found) - len(lines)
    return "\n".join([*([f"[{left_out} older files left out; name a folder]"] if left_out else []), *lines])


def lines_of(workspace: Workspace, path: str, start: int, count: int) -> str:
    """So many lines of a text file from line `start` (1 is the first), with a line that says how to go on.

    Raises:
        ToolCallError: there is no such file, or it is no text.
    """
    with workspace.open(path) as file:
        if b"\0" in file.read(8192):
            raise ToolCallError(f"{shown(path)} is no text file; read_document or run_python may read it")
        file.seek(0)
        for _ in range(start - 1):
            if not file.readline(MAX_LINE * 1000):
                raise ToolCallError(f"{shown(path)} has fewer than {start} lines")
        taken: list[str] = []
        size = 0
        for line in islice(iter(lambda: file.readline(MAX_LINE * 1000), b""), min(count, MAX_LINES)):
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            text = text if len(text) <= MAX_LINE else f"{text[:MAX_LINE]}[... {len(text) - MAX_LINE} more characters]"
            size += len(text) + 1
            if size > MAX_READ and taken:
                break
            taken.append(text)
        more = file.read(1) or size > MAX_READ
    last = start + len(taken) - 1
    end = f"\n[lines {start} to {last}; go on with start={last + 1}]" if more else ""
    return "\n".join(taken) + end if taken else "(an empty file)"


def write_text(workspace: Workspace, path: str, text: str) -> str:
    """Write a text file; a line on it.

    Raises:
        ToolCallError: as `Workspace.write`, or it is too long.
    """
    data = text.encode("utf-8", "replace")
    if len(data) > MAX_TEXT:
        raise ToolCallError(f"the text has {len(data):,} bytes; at most {MAX_TEXT:,} are written at once")
    workspace.write(path, data)
    return f"wrote {'/'.join(parts(path))} ({size_text(len(data))})"


def edit(workspace: Workspace, path: str, old: str, new: str) -> str:
    """Replace a text that is in the file exactly once; a line on it.

    Raises:
        ToolCallError: it is not there, or more than once; or as `Workspace.read` and `write`.
    """
    try:
        text = workspace.read(path, MAX_TEXT).decode("utf-8")
    except UnicodeDecodeError:
        raise ToolCallError(f"{shown(path)} is no text file in UTF-8") from None
    changed, line = edited(text, old, new)
    write_text(workspace, path, changed)
    return f"changed {'/'.join(parts(path))} at line {line}"


def edited(text: str, old: str, new: str) -> tuple[str, int]:
    """The text with `old` replaced, and the line it began at.

    Raises:
        ToolCallError: `old` is empty, not in the text, or there more than once.
    """
    if not old:
        raise ToolCallError("old is empty; to make or replace a whole file use write_file")
    if old == new:
        raise ToolCallError("old and new are the same")
    count = text.count(old)
    if count > 1:
        where = ", ".join(str(number) for number in islice(_lines_with(text, old), 10))
        raise ToolCallError(f"old is there {count} times, at lines {where}; give more of the lines around it")
    if count == 0:
        raise ToolCallError(f"old is not in the file{_nearly(text, old)}")
    return text.replace(old, new), _line(text, text.index(old))


def _lines_with(text: str, old: str) -> Iterator[int]:
    line, counted, at = 1, 0, text.find(old)
    while at >= 0:
        line += text.count("\n", counted, at)
        yield line
        counted, at = at, text.find(old, at + len(old))


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _nearly(text: str, old: str) -> str:
    """Where the same words are with other white space, which is the usual mistake."""
    lines = [f"{' '.join(line.split())} ".lstrip() for line in text.split("\n")]
    wanted = " ".join(old.split())
    at = f" {''.join(lines)}".find(f" {wanted} ") if wanted else -1
    if at < 0:
        return "; read it again and copy the lines exactly"
    number = bisect_right(list(accumulate(map(len, lines))), at) + 1
    return f"; at line {number} is the same with other spaces or line ends, copy it exactly"
