"""Which bubblewrap, and with what."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.sandbox.jail_command import Mount, bubblewrap, jail_command
from tools.sandbox.python_mounts import python_mounts

FDS = {name: number for number, name in enumerate(("seccomp", "status", "block", "passwd", "group", "hosts"), 10)}


def command(*mounts: Mount, init: bool = False) -> list[str]:
    return jail_command("/usr/bin/bwrap", mounts, {"LANG": "C"}, "/workspace", FDS, init=init)


def test_a_bubblewrap_that_others_may_change_is_not_taken(tmp_path: Path) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\n")
    assert bubblewrap([str(tmp_path / "none")]) is None
    program.chmod(0o777)
    assert bubblewrap([str(program)]) is None
    program.chmod(0o755)
    assert bubblewrap([str(program)]) == (str(program) if os.geteuid() == 0 else None)


def test_everything_is_taken_away_and_sealed_last() -> None:
    made = command(Mount(Path("/a"), "/workspace", writable=True), Mount(Path("/b"), "/data"))
    options = {"--unshare-all", "--disable-userns", "--die-with-parent", "--new-session", "--clearenv", "--seccomp"}
    assert options <= set(made)
    text = " ".join(made)
    assert "--cap-drop ALL" in text
    assert "--bind /a /workspace" in text
    assert "--ro-bind /b /data" in text
    assert text.index("--remount-ro /dev --remount-ro / ") > text.index("--ro-bind /b /data")
    assert made[-1] == "--"
    assert "--as-pid-1" not in made
    assert "--as-pid-1" in command(init=True)


@pytest.mark.parametrize(("target", "sealed"), [("/tmp/a/b/venv", "/tmp/a"), ("/dev/shm/x/y", "/dev/shm/x")])
def test_a_way_to_a_mount_cannot_be_renamed(target: str, sealed: str) -> None:
    text = " ".join(command(Mount(Path("/venv"), target)))
    way = [text.index(part) for part in (f"--tmpfs {sealed} ", f"/venv {target}", f"--remount-ro {sealed} ")]
    assert way == sorted(way)


def test_nothing_is_sealed_where_a_mount_is_directly_there_or_elsewhere() -> None:
    assert " ".join(command(Mount(Path("/a"), "/tmp/a"), Mount(Path("/b"), "/opt/b/c"))).count("--tmpfs") == 2


def test_python_is_shown_without_the_rest_of_a_home() -> None:
    program, mounts = python_mounts()
    homes = {Path("/"), Path.home(), Path("/home"), Path("/root"), Path("/tmp")}
    assert Path(program).is_file()
    assert not homes & {Path(mount.target) for mount in mounts}
    assert not any(mount.writable for mount in mounts)
