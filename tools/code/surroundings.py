"""What a model should know before it writes code: Python, packages, limits. Asked of the sandbox itself."""

from __future__ import annotations

import ast
import json
from contextlib import suppress
from typing import Any

from tools.result_text import size_text
from tools.sandbox.contract import Limits, Session
from tools.workspace import Workspace
from tools.workspace_walk import MAX_ENTRIES

HINTED = (
    "numpy",
    "pandas",
    "scipy",
    "sklearn",
    "matplotlib",
    "sympy",
    "pint",
    "networkx",
    "PIL",
    "openpyxl",
    "docx",
    "pptx",
    "pypdf",
    "pdfplumber",
    "bs4",
    "lxml",
    "duckdb",
    "yaml",
    "requests",
    "torch",
)
"""Packages worth telling a model of where they are there. A hint and nothing else: whatever is installed can be
imported, and what keeps code from doing harm is the sandbox."""
ASKED = (
    "__import__('json').dumps([__import__('platform').python_version(), "
    "[name for name in {names!r} if __import__('importlib.util').util.find_spec(name)]])"
)


async def surroundings(session: Session, workspace: Workspace, used: int, entries: int, limits: Limits) -> str:
    """Lines on the workspace and on what code finds there.

    Raises:
        SandboxError: the sandbox does not work.
    """
    asked = await session.run_python(ASKED.format(names=HINTED), limits)
    version, packages = _read(asked.value)
    return "\n".join(
        [
            f"workspace: {entries} of at most {MAX_ENTRIES:,} files, {size_text(used)} of "
            f"{workspace.quota // 1_000_000:,} MB; it is the current folder of Python and the shell, and the only "
            "place that lasts",
            f"Python {version}; among its packages: {', '.join(packages) or 'only the standard library'}",
            f"a run may take {limits.memory >> 20:,} MiB of memory and {limits.processes} processes; there is no "
            "network, nothing can be installed, and no process goes on after a run (a few threads of Python may)",
        ]
    )


def _read(value: str) -> tuple[str, list[str]]:
    """The version and the packages, out of what the sandbox says, which may be anything."""
    with suppress(ValueError, SyntaxError, TypeError):
        told: Any = json.loads(ast.literal_eval(value))
        version, packages = told
        return str(version)[:20], [name for name in packages if name in HINTED]
    return "(unknown)", []
