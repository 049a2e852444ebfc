"""Jobs on hostile files: bounded, apart from each other, and the next one works."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import sys
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

import pytest

from configs.errors import ConfigurationError, SandboxError, ToolCallError
from tests.conftest import SettingsFactory
from tools.sandbox import job_process, jobs
from tools.sandbox.job_pool import JobPool
from tools.sandbox.jobs import JobLimits, is_jailed, run_job
from tools.sandbox.unprivileged import jail_uid

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux")
FUNCTIONS = "tests.fakes.job_functions"
MODES = [pytest.param(True, id="jailed"), pytest.param(False, id="plain")]


@pytest.fixture(scope="module", params=MODES)
def pool(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobPool]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job_process, "PACKAGES", ("tools", "configs", "tests"))
        made = JobPool(tmp_path_factory.mktemp("jobs"), jailed=request.param)
        patch.setattr(jobs, "_pool", lambda: made)
        yield made
        made.close()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "input"
    path.write_bytes(b"content")
    yield path
    assert path.read_bytes() == b"content"


async def result_of(name: str, path: Path, limits: JobLimits | None = None, **arguments: Any) -> tuple[Any, list[str]]:
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
    return await result_of("sizes", path) == ({"sizes": {"file": 7}}, ["nested", "nested/copy.bin"])


def jailed(pool: JobPool) -> bool:
    return pool._jailed


async def test_a_job_gets_files_and_arguments_and_gives_json_and_files(pool: JobPool, file: Path) -> None:
    value, made = await result_of("sizes", file, pages="1-3")
    assert value == {"sizes": {"file": 7}, "pages": "1-3"}
    assert made == ["nested", "nested/copy.bin"]
    async with run_job(f"{FUNCTIONS}:sizes", {"file": io.BytesIO(b"in memory")}, {}) as result:
        assert result.value == {"sizes": {"file": 9}}
        folder = result.files
    assert not await asyncio.to_thread(folder.exists)


async def test_the_file_is_read_from_its_beginning_whoever_owns_it(pool: JobPool, file: Path) -> None:
    if os.geteuid() == 0:
        os.chown(file, jail_uid(), jail_uid())
    source = await asyncio.to_thread(file.open, "rb")
    await asyncio.to_thread(source.read)
    async with run_job(f"{FUNCTIONS}:sizes", {"file": source}, {}) as result:
        assert await asyncio.to_thread((result.files / "nested" / "copy.bin").read_bytes) == b"content"
    await asyncio.to_thread(source.close)


async def test_progress_comes_while_it_works(pool: JobPool, file: Path) -> None:
    seen: list[tuple[float, float | None, str]] = []

    async def progress(done: float, total: float | None, text: str) -> None:
        seen.append((done, total, text))

    async with run_job(f"{FUNCTIONS}:steps", {}, {}, progress=progress) as result:
        assert result.value == 3
    assert (0.0, 3.0, "step 0") in seen
    assert seen == sorted(seen)


async def test_what_a_job_says_of_its_progress_can_be_sent_on(pool: JobPool) -> None:
    seen: list[str] = []

    async def progress(done: float, total: float | None, text: str) -> None:
        seen.append(text)

    async with run_job(f"{FUNCTIONS}:tell_garbage", {}, {}, progress=progress):
        assert seen == ["bad  step"]


@pytest.mark.parametrize(
    ("kind", "error", "said"),
    [
        ("value", ToolCallError, "line one line two"),
        ("tool", ToolCallError, "line one line two"),
        ("configuration", ConfigurationError, "line one line two"),
        ("other", ToolCallError, "processing failed: KeyError"),
    ],
)
async def test_errors_come_back_on_one_line(
    kind: str, error: type[Exception], said: str, pool: JobPool, file: Path
) -> None:
    with pytest.raises(error) as caught:
        await result_of("fail", file, kind=kind)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("segfault", r"processing crashed \(SIGSEGV\)"),
        ("eat_memory", "processing needs more than 256 MB of memory"),
        ("big_result", "the result is longer than 20,000,000 characters"),
        ("exit_at_once", "processing failed: nothing came back"),
    ],
)
async def test_a_job_that_dies_is_one_line_and_the_next_one_works(
    name: str, said: str, pool: JobPool, file: Path
) -> None:
    with pytest.raises(ToolCallError, match=said):
        await result_of(name, file, JobLimits(memory=256 << 20))
    assert await works(file)


@pytest.mark.parametrize(
    ("name", "said"), [("eat_shared_memory", "more than 128 MB of memory"), ("fill_disk", "more than 20,000,000 bytes")]
)
async def test_what_many_processes_or_files_use_is_counted_together(
    name: str, said: str, pool: JobPool, file: Path
) -> None:
    if not jailed(pool):
        pytest.skip("only a jail counts it")
    with pytest.raises(ToolCallError, match=said):
        await result_of(name, file, JobLimits(memory=128 << 20, output=20_000_000, seconds=30))
    assert await works(file)


async def test_a_job_that_hangs_in_c_is_ended_in_time(pool: JobPool, file: Path) -> None:
    assert await works(file)
    began = time.monotonic()
    with pytest.raises(ToolCallError, match="processing was stopped after 1 s"):
        await result_of("hang", file, JobLimits(seconds=1))
    assert time.monotonic() - began < 10
    if jailed(pool):
        assert len((await result_of("processes", file))[0]) == 2


async def test_a_cancelled_job_is_ended_and_the_next_one_works(pool: JobPool, file: Path) -> None:
    assert await works(file)
    task = asyncio.create_task(result_of("hang", file))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await works(file)
    if jailed(pool):
        assert len((await result_of("processes", file))[0]) == 2


async def test_a_job_sees_nothing_of_the_server_other_jobs_or_the_machine(pool: JobPool, file: Path) -> None:
    if not jailed(pool):
        pytest.skip("only a jail hides it")
    assert (await result_of("leave_daemon", file))[0] > 1
    with pytest.raises(ToolCallError, match="nothing came back"):
        await result_of("leave_traps", file)
    seen, made = await result_of("look_around", file)
    assert seen.pop("tmp") in ([], ["scratch"])[: 1 + sys.prefix.startswith("/tmp/")]
    assert seen == {
        "out": [],
        "server's memory": "PermissionError",
        "server's streams": "PermissionError",
        "write input": "OSError",
        "network": "OSError",
        "project": ["configs", "tests", "tools"],
        "kill server": True,
        "loaded": True,
    }
    assert made == []
    assert len((await result_of("processes", file))[0]) == 2


async def test_folders_that_a_job_closes_are_open_to_the_next(pool: JobPool, file: Path) -> None:
    if not jailed(pool):
        pytest.skip("it would close /tmp")
    with pytest.raises(ToolCallError, match="nothing came back"):
        await result_of("close_folders", file)
    assert await works(file)
    assert (await result_of("look_around", file))[0]["out"] == []


async def test_folders_that_are_nested_too_deep_are_not_taken(pool: JobPool, file: Path) -> None:
    with pytest.raises(ToolCallError, match="more folders than are taken"):
        await result_of("nest", file)
    assert await works(file)


async def test_many_jobs_wait_for_each_other_and_all_come_back(pool: JobPool, file: Path) -> None:
    assert await asyncio.gather(*(works(file) for _ in range(8))) == [True] * 8


async def test_the_start_is_paid_once(pool: JobPool, file: Path) -> None:
    assert await works(file)
    jobs_took, starts_took = [1.0], [0.0]
    for _ in range(40):  # the best of some: other work takes the machine now and then
        jobs_took.append(await timed(works(file)))
        starts_took.append(await timed(started_python()))
        if min(jobs_took) < 0.05:
            break
    assert min(jobs_took) < max(0.05, 2 * min(starts_took[1:]))


async def timed(work: Awaitable[object]) -> float:
    began = time.monotonic()
    await work
    return time.monotonic() - began


async def started_python() -> None:
    await (await asyncio.create_subprocess_exec(sys.executable, "-I", "-S", "-c", "")).wait()


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
    if not jailed(pool) or os.geteuid() != 0:
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
    made = await asyncio.to_thread(JobPool, tmp_path / "jobs", jailed=mode)
    monkeypatch.setattr(jobs, "_pool", lambda: made)
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
    monkeypatch.setattr(job_process, "PACKAGES", ("tools", "configs", "tests"))
    made = await asyncio.to_thread(JobPool, tmp_path / "jobs", jailed=mode)
    monkeypatch.setattr(jobs, "_pool", lambda: made)
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


async def test_an_input_that_is_no_regular_file_is_refused(pool: JobPool) -> None:
    reader, writer = os.pipe()
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe, pytest.raises(ToolCallError, match="no regular file"):
        async with run_job(f"{FUNCTIONS}:sizes", {"file": pipe}, {}):
            pass


def test_without_a_jail_somebody_must_have_allowed_it(
    settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SandboxError, match="MEMENTO_ALLOW_UNSAFE_CODE=1"):
        is_jailed(settings(sandbox="subprocess"))
    assert not is_jailed(settings(sandbox="subprocess", allow_unsafe_code=True))
    assert is_jailed(settings(allow_unsafe_code=True))
    monkeypatch.setattr(jobs, "bubblewrap", lambda: None)
    assert is_jailed(settings(sandbox="docker"))
    assert not is_jailed(settings(sandbox="docker", allow_unsafe_code=True))
