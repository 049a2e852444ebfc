"""The folders that a job server and its jobs see, and what crosses them: inputs go in, results come out as hostile."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from configs.errors import ToolCallError
from configs.private_folders import private_folder
from tools.sandbox.job_child import MAX_RESULT, too_much
from tools.sandbox.unprivileged import jail_uid
from tools.workspace_walk import opened

MAX_INPUT = 2_000_000_000
"""Bytes of one input; it may grow while it is copied."""
MAX_FILES = 10_000
MAX_DEPTH = 16
COPIED_AT_ONCE = 1 << 20
PREFIX = "memento-jobs-"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class JobFolder:
    """`inputs` is shown read-only to jobs, `out` and `result` are theirs. Blocking: call it in a thread."""

    root: Path

    @property
    def inputs(self) -> Path:
        return self.root / "in"

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def result(self) -> Path:
        return self.root / "result"

    def is_there(self) -> bool:
        return all(path.is_dir() for path in (self.inputs, self.out, self.result))

    def place(self, files: Mapping[str, BinaryIO]) -> dict[str, str]:
        """Put inputs where jobs can read them; the file's name there for each key.

        Raises:
            ToolCallError: an input is no regular file.
        """
        self.clear_inputs()
        names = {}
        for index, (key, file) in enumerate(files.items()):
            names[key] = f"{index}"
            _place(file, self.inputs / names[key])
        return names

    def clear_inputs(self) -> None:
        for path in self.inputs.iterdir():
            path.unlink()

    def outcome(self) -> dict[str, Any]:
        """What the job wrote about itself; empty where that is nothing to read."""
        with suppress(OSError, ValueError, RecursionError):
            folder = opened(self.result)
            try:
                data = _read(folder, "result.json", MAX_RESULT)
            finally:
                os.close(folder)
            told = None if too_much(data) else _parsed(data.decode())
            if isinstance(told, dict):
                return told
        return {}

    def collect(self, target: Path, limit: int) -> None:
        """Copy every regular file of `out` to a folder of ours; nothing is followed.

        Raises:
            ToolCallError: they are more than `limit` bytes or MAX_FILES, or nested deeper than MAX_DEPTH.
        """
        left = [limit, MAX_FILES]
        _collect(opened(self.out), target, left, MAX_DEPTH)

    def remove(self) -> None:
        """Take everything away, whatever a job has made of it."""
        for command in (["/bin/chmod", "-R", "u+rwx"], ["/bin/rm", "-rf"]):
            subprocess.run([*command, "--", str(self.root)], stderr=subprocess.DEVNULL, check=False)  # noqa: S603


def job_folder(parent: Path) -> JobFolder:
    """A new one under a folder of ours, which is created; what killed processes left there is taken away."""
    private_folder(parent)
    _sweep(parent)
    folder = JobFolder(Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent)))
    for path in (folder.inputs, folder.out, folder.result):
        path.mkdir(mode=0o755 if path == folder.inputs else 0o700)
        if os.geteuid() == 0 and path != folder.inputs:
            os.chown(path, jail_uid(), jail_uid())
    return folder


def _sweep(parent: Path) -> None:
    for path in parent.glob(f"{PREFIX}*"):
        owner = path.name.removeprefix(PREFIX).partition("-")[0]
        if not Path(f"/proc/{owner}").exists():
            JobFolder(path).remove()


def _place(file: BinaryIO, target: Path) -> None:
    """Make a file's content readable there, as a copy: a file of a workspace with a second name would be refused."""
    try:
        descriptor = file.fileno()
    except (io.UnsupportedOperation, AttributeError):
        descriptor = None
    if descriptor is None:
        with target.open("wb") as copy:
            _copy(file, copy, MAX_INPUT)
    else:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ToolCallError("a file to be read is no regular file")
        with os.fdopen(os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY), "rb") as source, target.open("wb") as copy:
            _copy(source, copy, MAX_INPUT)
    target.chmod(0o400)
    if os.geteuid() == 0:
        os.chown(target, jail_uid(), jail_uid())


def _collect(descriptor: int, target: Path, left: list[int], depth: int) -> None:
    try:
        with os.scandir(descriptor) as entries:
            for name in [entry.name for entry in entries]:
                left[1] -= 1
                if min(left) < 0:
                    raise ToolCallError("it made more files than are taken")
                kind = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
                if stat.S_ISREG(kind):
                    _take(descriptor, name, target / name, left)
                elif stat.S_ISDIR(kind):
                    if depth == 0:
                        raise ToolCallError("it made more folders than are taken")
                    os.chmod(name, 0o700, dir_fd=descriptor)
                    (target / name).mkdir(mode=0o700)
                    _collect(os.open(name, _FOLDER, dir_fd=descriptor), target / name, left, depth - 1)
    finally:
        os.close(descriptor)


def _take(folder: int, name: str, target: Path, left: list[int]) -> None:
    os.chmod(name, 0o600, dir_fd=folder)
    with os.fdopen(os.open(name, _FILE, dir_fd=folder), "rb") as source, target.open("wb") as copy:
        left[0] -= os.fstat(source.fileno()).st_size
        if left[0] < 0:
            raise ToolCallError("it made more files than are taken")
        shutil.copyfileobj(source, copy)


def _copy(source: BinaryIO, target: BinaryIO, most: int) -> None:
    """Copy to the end, or refuse a file that has more bytes; it may grow meanwhile."""
    while data := source.read(min(COPIED_AT_ONCE, most + 1)):
        most -= len(data)
        if most < 0:
            raise ToolCallError(f"a file to be read is larger than {MAX_INPUT:,} bytes")
        target.write(data)


def _parsed(text: str) -> Any:
    """JSON, of which every text can be written as UTF-8: a lone surrogate, which cannot, becomes a question mark."""
    told = json.loads(text)
    if "\\ud" in text.lower():
        told = json.loads(json.dumps(told, ensure_ascii=False).encode("utf-8", "replace"))
    return told


def _read(folder: int, name: str, limit: int) -> bytes:
    with os.fdopen(os.open(name, _FILE, dir_fd=folder), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError(name)
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(name)
    return data
