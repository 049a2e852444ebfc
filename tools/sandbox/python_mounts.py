"""What of this machine's Python a jail must see, so that it runs the same Python with the same libraries."""

from __future__ import annotations

import site
import sys
from functools import cache
from pathlib import Path

from tools.sandbox.jail_command import SYSTEM_FOLDERS, Mount

SHOWN_ANYWAY = ("/usr", *SYSTEM_FOLDERS)


@cache
def python_mounts() -> tuple[str, tuple[Mount, ...]]:
    """The path of this Python, and its folders, each shown where it is: its prefix, the virtual environment.

    A virtual environment or a Python that lies under a home is shown without the rest of the home.
    """
    folders = [sys.base_prefix, sys.prefix, sys.base_exec_prefix, sys.exec_prefix]
    if site.ENABLE_USER_SITE and site.getusersitepackages() in sys.path:
        folders.append(site.getusersitepackages())
    wanted: list[Path] = []
    for folder in folders:
        # As it is named, since a virtual environment names its Python so, and as it is, since links lead there.
        wanted += [Path(folder), Path(folder).resolve()]
    shown = sorted({each for each in wanted if each.is_dir() and not _is_shown(each)})
    return sys.executable, tuple(Mount(each.resolve(), str(each)) for each in shown if not _inside(each, shown))


def _is_shown(folder: Path) -> bool:
    return any(folder == Path(each) or Path(each) in folder.parents for each in SHOWN_ANYWAY) or folder == Path("/")


def _inside(folder: Path, others: list[Path]) -> bool:
    return any(other in folder.parents for other in others)
