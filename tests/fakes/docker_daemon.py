"""A Docker daemon of the tests' own, and an image made from this machine's packages: no registry is asked."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IMAGE = "memento-tests/python:1"
PACKAGES = (
    "bash coreutils dash libacl1 libattr1 libbz2-1.0 libc-bin libc6 libexpat1 libffi8 libgmp10 liblzma5 libpcre2-8-0 "
    "libpython3.11-minimal libpython3.11-stdlib libselinux1 libsqlite3-0 libssl3 libtinfo6 libuuid1 python3-minimal "
    "python3.11-minimal zlib1g"
)
"""Of Debian 12: a shell, Python and what they are linked against."""
LINKS = ("bin", "lib", "lib64", "sbin")
FILES = ("etc/passwd", "etc/group", "etc/ld.so.cache", "usr/bin/sh")


def why_not() -> str | None:
    """Why no daemon can be started here; None where it can."""
    if _dockerd() is None or shutil.which("docker") is None:
        return "needs Debian's package docker.io"
    if os.geteuid() != 0:
        return "only root starts a Docker daemon"
    if not Path("/usr/bin/python3.11").exists() or shutil.which("dpkg") is None:
        return "the image is made from Debian 12's Python"
    return None


@contextmanager
def docker_daemon(folder: Path) -> Iterator[str]:
    """The address of a daemon that has IMAGE and no network."""
    address = f"unix://{folder}/socket"
    command = [str(_dockerd()), "--iptables=false", "--bridge=none", f"--data-root={folder}/data", "-H", address]
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [*command, f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"],
            stdout=log,
            stderr=log,
            env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"},
        )
        try:
            _wait(address)
            subprocess.run(
                ["docker", "-H", address, "import", "-", IMAGE],
                input=_image(),
                check=True,
                capture_output=True,
                timeout=120,
            )
            yield address
        finally:
            daemon.terminate()
            daemon.wait(60)


def _dockerd() -> str | None:
    """The daemon's program, which lies where an ordinary PATH does not look."""
    return shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _wait(address: str) -> None:
    for _ in range(240):
        asked = subprocess.run(["docker", "-H", address, "version"], check=False, capture_output=True, timeout=30)
        if asked.returncode == 0:
            return
        time.sleep(0.25)
    raise TimeoutError("the Docker daemon does not answer")


def _image() -> bytes:
    """A root file system as a tar archive."""
    listed = subprocess.run(["dpkg", "-L", *PACKAGES.split()], capture_output=True, text=True, check=True).stdout
    kept = {path for path in listed.split("\n") if path and not path.startswith("/usr/share")}
    names = {str(Path(path).parent.resolve() / Path(path).name)[1:] for path in kept}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=False) as archive:
        for name in dict.fromkeys([*LINKS, *sorted(names | set(FILES))]):
            path = Path("/", name)
            if path.is_symlink() or path.is_file():
                archive.add(path, arcname=name, recursive=False)
        for folder in ("proc", "sys", "dev", "tmp", "workspace"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            archive.addfile(entry)
    return buffer.getvalue()
