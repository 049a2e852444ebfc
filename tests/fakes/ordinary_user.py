"""Runs a command as an ordinary user, from root: `python ordinary_user.py UID COMMAND ARGS...`.

The Python that runs the tests may lie under a home that only root enters. In a mount namespace of its own, such a
folder is covered by an empty one that shows nothing but what is needed, at the same paths.
"""

from __future__ import annotations

import ctypes
import os
import site
import sys
from pathlib import Path

CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x00020000, 0x1000, 0x4000, 0x40000


def main(uid: int, command: list[str]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.unshare(CLONE_NEWNS))
    _checked(libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None))
    root = Path(__file__).resolve().parents[2]
    needed = {root, *(Path(each) for each in (sys.base_prefix, sys.prefix, *site.getsitepackages()))}
    needed |= {each.resolve() for each in needed}
    closed = {_closed(path) for path in needed} - {None}
    opened = {path: os.open(path, os.O_PATH) for path in needed if _closed(path)}
    for folder in closed:
        _checked(libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", ctypes.c_ulong(0), b"mode=0755"))
    for path, descriptor in sorted(opened.items()):
        path.mkdir(parents=True, exist_ok=True)
        source = f"/proc/self/fd/{descriptor}".encode()
        _checked(libc.mount(source, str(path).encode(), None, ctypes.c_ulong(MS_BIND | MS_REC), None))
        os.close(descriptor)
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    os.chdir(root)
    os.execvp(command[0], command)  # noqa: S606  the tests' own


def _closed(path: Path) -> Path | None:
    """The first folder on the way to a path that others may not enter."""
    return next(
        (each for each in [*reversed(path.parents), path] if each.is_dir() and not each.stat().st_mode & 1), None
    )


def _checked(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), "cannot prepare the folders")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
