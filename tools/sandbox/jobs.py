"""Runs functions that read foreign files (parsers, decoders) where they can do no harm: no network, bounded, apart."""

from __future__ import annotations

import asyncio
import importlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

Progress: TypeAlias = Callable[[float, float | None, str], Awaitable[None]]
"""Done, in all (None: not known), and what is being done."""


@dataclass(frozen=True, slots=True)
class JobLimits:
    """seconds of wall-clock time; memory in bytes; output in bytes of all files that are made."""

    seconds: float = 60.0
    memory: int = 1 << 30
    output: int = 200_000_000


@dataclass(frozen=True, slots=True)
class JobResult:
    """value: what the function returned, as JSON; files: a folder with what it made, there until the context ends."""

    value: Any
    files: Path


@asynccontextmanager
async def run_job(
    function: str,
    inputs: Mapping[str, BinaryIO],
    arguments: Mapping[str, Any],
    limits: JobLimits | None = None,
    progress: Progress | None = None,
) -> AsyncIterator[JobResult]:
    """Call `function(inputs, out, **arguments)` in the sandbox.

    Args:
        function: `package.module:name`, of ours. It gets `inputs` as readable files (name to path), `out`, an empty
            folder it may write to, and the arguments; it returns JSON. `print(json, file=stderr)` is not its business:
            for progress it takes a keyword argument `progress(done, total, text)` where it has one of that name.
        inputs: open regular files.

    Raises:
        ToolCallError: the function raised ValueError or ToolCallError (its message), or was stopped at a limit.
        SandboxError: there is no sandbox to run it in.
    """
    # Runs in this process until the sandboxed worker is there; the contract is the same.
    del limits, progress
    module, _, name = function.partition(":")
    with tempfile.TemporaryDirectory() as folder:
        paths: dict[str, Path] = {}
        for key, file in inputs.items():
            paths[key] = Path(folder) / f"in-{len(paths)}"
            await asyncio.to_thread(paths[key].write_bytes, await asyncio.to_thread(file.read))
        out = Path(folder) / "out"
        out.mkdir()
        work = getattr(importlib.import_module(module), name)
        yield JobResult(await asyncio.to_thread(work, paths, out, **arguments), out)
