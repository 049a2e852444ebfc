"""Servers of jobs that fail, end or are not waited for: the next job works, and nothing is left behind."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from configs.errors import ToolCallError
from tests.fakes.one_job import FUNCTIONS, MODES, job_pool, result_of, works
from tools.sandbox import job_process
from tools.sandbox.job_pool import JobPool
from tools.sandbox.jobs import run_job

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux")


@pytest.fixture(scope="module", params=MODES)
def pool(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobPool]:
    with pytest.MonkeyPatch.context() as patch:
        made = job_pool(tmp_path_factory.mktemp("jobs"), request.param, patch)
        yield made
        made.close()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "input"
    path.write_bytes(b"content")
    yield path
    assert path.read_bytes() == b"content"


@pytest.mark.parametrize("broken", ["result", "in", "out"])
async def test_a_server_whose_folder_is_gone_takes_no_job(
    broken: str, pool: JobPool, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert await works(file)
    for server in pool._idle:
        await asyncio.to_thread(shutil.rmtree, server.folder.root / broken)
    assert await works(file)
    assert "its folder is gone" in caplog.text


async def test_a_server_whose_jobs_bring_nothing_back_is_replaced_and_the_cause_logged(
    pool: JobPool, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if not pool._jailed or os.geteuid() != 0:
        pytest.skip("needs a folder that its user may not write")
    assert await works(file)
    broken = pool._idle[-1]
    await asyncio.to_thread(os.chown, broken.folder.result, 0, 0)
    with pytest.raises(ToolCallError, match=r"nothing came back|crashed"):
        await result_of("sizes", file)
    assert await works(file)
    assert broken not in pool._idle
    assert [line.partition("replaced: ")[2][:24] for line in caplog.messages] == ["PermissionError: [Errno "]


async def test_a_server_that_ended_meanwhile_takes_no_job(
    pool: JobPool, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert await works(file)
    for server in pool._idle:
        ending = asyncio.run_coroutine_threadsafe(_killed(server), pool.loop)
        await asyncio.wrap_future(ending)
    assert await works(file)
    assert "it has ended" in caplog.text


async def _killed(server: job_process.JobServerProcess) -> None:
    await server.process.kill()


@pytest.mark.parametrize("mode", MODES)
async def test_a_job_that_is_cancelled_while_its_server_starts_leaves_nothing(
    mode: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await asyncio.to_thread(children)
    made = await asyncio.to_thread(job_pool, tmp_path / "jobs", mode, monkeypatch)
    starts = job_process.JobServerProcess.ready

    async def slowly(server: job_process.JobServerProcess) -> None:
        await asyncio.sleep(0.5)
        await starts(server)

    monkeypatch.setattr(job_process.JobServerProcess, "ready", slowly)
    for delay in (0.0, 0.05, 0.4, 0.6):
        task = asyncio.create_task(in_memory())
        await asyncio.sleep(delay)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.to_thread(made.close)
    assert await asyncio.to_thread(children) <= before
    assert await asyncio.to_thread(lambda: list((tmp_path / "jobs").iterdir())) == []


@pytest.mark.parametrize("mode", MODES)
async def test_what_reads_files_has_no_key_in_its_environment(
    mode: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    made = await asyncio.to_thread(job_pool, tmp_path / "jobs", mode, monkeypatch)
    try:
        values, _ = await result_of("environment", file)
    finally:
        await asyncio.to_thread(made.close)
    assert values
    assert "sk-planted" not in values


async def in_memory() -> None:
    async with run_job(f"{FUNCTIONS}:sizes", {"file": io.BytesIO(b"content")}, {}):
        pass


def children() -> set[str]:
    return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}
