"""Jobs of `tests.fakes.job_functions`, in a pool of a test's own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tools.sandbox import job_process, jobs
from tools.sandbox.job_pool import JobPool
from tools.sandbox.jobs import JobLimits, run_job

FUNCTIONS = "tests.fakes.job_functions"
MODES = [pytest.param(True, id="jailed"), pytest.param(False, id="plain")]


def job_pool(folder: Path, jailed: bool, patch: pytest.MonkeyPatch) -> JobPool:
    """A pool whose jobs may import the tests, in force while the patch is; to be closed."""
    patch.setattr(job_process, "PACKAGES", ("tools", "configs", "tests"))
    made = JobPool(folder, jailed=jailed)
    patch.setattr(jobs, "_pool", lambda: made)
    return made


async def result_of(name: str, path: Path, limits: JobLimits | None = None, **arguments: Any) -> tuple[Any, list[str]]:
    """What a job returned for a file, and the names of the files it made."""
    source = await asyncio.to_thread(path.open, "rb")
    try:
        async with run_job(f"{FUNCTIONS}:{name}", {"file": source}, arguments, limits) as result:
            made = await asyncio.to_thread(
                lambda: sorted(str(p.relative_to(result.files)) for p in result.files.rglob("*"))
            )
            return result.value, made
    finally:
        await asyncio.to_thread(source.close)


async def works(path: Path) -> bool:
    """Whether an ordinary job does what it should."""
    return await result_of("sizes", path) == ({"sizes": {"file": 7}}, ["nested", "nested/copy.bin"])
