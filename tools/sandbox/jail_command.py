"""The command line of bubblewrap that makes the jail. Looks at nothing but the system folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PLACES = ("/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap", "/run/current-system/sw/bin/bwrap")
"""Where bubblewrap may be; PATH and the current folder are never asked."""
SYSTEM_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES = (
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/timezone",
)
TEMPORARY = {"/tmp": 256 << 20, "/dev/shm": 64 << 20}  # noqa: S108  inside the jail
"""Small file systems in memory, and their bytes."""
LAUNCHER = "/run/launcher.py"
"""Where the jail shows `inside.py`."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder of this machine, and where the jail shows it; all paths are absolute."""

    source: Path
    target: str
    writable: bool = False


def bubblewrap(places: Iterable[str] = PLACES) -> str | None:
    """The path of the bubblewrap to use: of the system's folders, root's, writable by nobody else."""
    for place in places:
        try:
            status = Path(place).stat()
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and status.st_uid == 0 and not status.st_mode & 0o022:
            return place
    return None


def jail_command(
    program: str,
    mounts: Sequence[Mount],
    env: Mapping[str, str],
    cwd: str,
    fds: Mapping[str, int],
    *,
    init: bool = False,
) -> list[str]:
    """The arguments up to `--`; the command follows.

    Args:
        program: the path of bubblewrap.
        fds: `seccomp`, `status` (JSON about the process) and `block` (waited for), and `passwd`, `group` and `hosts`
            with the text of these files.
        init: the command is process 1 of the jail, which nobody inside can kill.
    """
    command = [program, "--unshare-user", "--unshare-all", "--disable-userns", "--die-with-parent", "--new-session"]
    command += ["--cap-drop", "ALL", "--hostname", "sandbox", "--clearenv"]
    command += ["--as-pid-1"] if init else []
    command += _system()
    command += ["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev"]
    command += ["--ro-bind", "/dev/null", "/proc/cmdline"]  # how this machine was started; cannot be opened so
    for target, size in TEMPORARY.items():
        command += ["--perms", "0700", "--size", str(size), "--tmpfs", target]
    for name in ("passwd", "group", "hosts"):
        command += ["--ro-bind-data", str(fds[name]), f"/etc/{name}"]
    sealed = _sealed(mounts)
    for folder in sealed:
        command += ["--tmpfs", folder]
    for mount in sorted(mounts, key=lambda each: each.target.count("/")):
        command += ["--bind" if mount.writable else "--ro-bind", str(mount.source), mount.target]
    for folder in (*sealed, "/dev", "/"):
        command += ["--remount-ro", folder]
    command += ["--chdir", cwd]
    for name, value in env.items():
        command += ["--setenv", name, value]
    for name in ("seccomp", "json-status-fd", "block-fd"):
        command += [f"--{name}", str(fds[name.removeprefix("json-").removesuffix("-fd")])]
    return [*command, "--"]


def identity(uid: int, gid: int) -> dict[str, str]:
    """The text of the jail's own passwd, group and hosts."""
    return {
        "passwd": f"root:x:0:0::/:/usr/sbin/nologin\nuser:x:{uid}:{gid}::/tmp:/bin/sh\n",
        "group": f"root:x:0:\nuser:x:{gid}:\n",
        "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    }


def _sealed(mounts: Sequence[Mount]) -> list[str]:
    """The folders in temporary ones that lead to mounts: sealed, or code could rename them and put others there."""
    ways = set()
    for mount in mounts:
        for place in TEMPORARY:
            first, deeper, _ = mount.target.removeprefix(f"{place}/").partition("/")
            if mount.target.startswith(f"{place}/") and deeper:
                ways.add(f"{place}/{first}")
    return sorted(ways)


def _system() -> list[str]:
    command = ["--ro-bind", "/usr", "/usr"]
    for folder in map(Path, SYSTEM_FOLDERS):
        if folder.is_symlink():
            command += ["--symlink", os.readlink(folder), str(folder)]  # noqa: PTH115  as written
        elif folder.is_dir():
            command += ["--ro-bind", str(folder), str(folder)]
    for file in SYSTEM_FILES:
        command += ["--ro-bind-try", file, file]
    return command
