"""The project's own files, for the tests that hold its shape."""

from __future__ import annotations

import ast
import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("configs", "memory", "tools", "nodes", "graph", "evaluation", "cli", "benchmarks")


@functools.cache
def committed_files() -> tuple[Path, ...]:
    """Every file git tracks or would track, as a path from the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return tuple(path for path in sorted(map(Path, filter(None, listed))) if (ROOT / path).is_file())


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), str(path))


def python_files() -> list[Path]:
    return [path for path in committed_files() if path.suffix == ".py"]


def package_files() -> list[Path]:
    return [path for path in python_files() if path.parts[0] in PACKAGES]


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
