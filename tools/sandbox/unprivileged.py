"""Getting rid of root: bubblewrap started by the real root is no sandbox, since the kernel still sees user 0.

An ordinary user cannot reach what lies under a home of root's (0700). So root first makes a mount namespace of its own,
shows the folders of the jail in a place that everybody may enter, and then starts bubblewrap as an ordinary user.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tools.sandbox.jail_command import Mount

JAIL_UID = 61_000
"""Who code runs as when root started us: in the range that neither distributions nor systemd give to anybody."""
STAGE = "/tmp"  # noqa: S108  covered in the private namespace, nothing is created in the real one
CLONE_NEWNS = 0x00020000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 0x2, 0x4, 0x1000, 0x4000, 0x40000


def jail_uid() -> int:
    """The user id that code runs as when this process starts it."""
    return JAIL_UID if os.geteuid() == 0 else os.geteuid()


def stage(mounts: Sequence[Mount]) -> list[Mount]:
    """The mounts with sources that any user can reach, in a mount namespace that this process enters.

    Raises:
        OSError: this root may not mount (a container without CAP_SYS_ADMIN), or a source is not there.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.unshare(CLONE_NEWNS))
    _mount(libc, "none", "/", None, MS_REC | MS_PRIVATE)
    opened = [os.open(each.source, os.O_PATH | os.O_CLOEXEC) for each in mounts]
    _mount(libc, "tmpfs", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0755")
    staged = []
    for index, (mount, descriptor) in enumerate(zip(mounts, opened, strict=True)):
        place = Path(STAGE) / str(index)
        _make_place(place, Path(f"/proc/self/fd/{descriptor}").is_dir())
        _mount(libc, f"/proc/self/fd/{descriptor}", str(place), None, MS_BIND | MS_REC)
        os.close(descriptor)
        staged.append(replace(mount, source=place))
    return staged


def _make_place(place: Path, folder: bool) -> None:
    if folder:
        place.mkdir(mode=0o755)
    else:
        place.touch(mode=0o644)


def _mount(libc: ctypes.CDLL, source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    encoded = [None if text is None else text.encode() for text in (source, target, kind)]
    _checked(libc.mount(*encoded, ctypes.c_ulong(flags), options.encode() or None))


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
