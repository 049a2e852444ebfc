"""The database of the checkpoints fails in the middle of a run: one typed line; once it is mended, the run goes on."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from configs.errors import CheckpointError
from graph.checkpoints import FILE_NAME, open_checkpointer
from graph.runs import list_runs
from graph.sqlite_checkpoints import open_sqlite
from memory.journal import replay
from tests.conftest import RunMemento, SettingsFactory
from tests.fakes.forked import forked_context
from tests.fakes.openai_rules import RecordedRequest
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.postgres import Postgres
from tests.fakes.twelve_steps import ANSWER, QUESTION, carry_out, noted, prepare, rules

TOO_LATE = 5
"""The request for a model's reply at which the database fails: both subtasks are on their way."""
DISK = 12 * 1024 * 1024


class FailingServer(OpenAIServer):
    """Does something before it answers the request number TOO_LATE."""

    def __init__(self, fault: Callable[[], None]) -> None:
        super().__init__(rules())
        self._fault = fault

    def record(self, request: RecordedRequest) -> None:
        super().record(request)
        if len(self.chats) == TOO_LATE:
            self._fault()


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    return forked_context()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MiB of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0700", "tmpfs", folder],
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> None:
    """Write a file that takes what is left of a disk."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue


def attempt(
    context: ForkServerContext, home: Path, url: str, database_url: str | None = None, **options: Any
) -> dict[str, Any]:
    """What came of the run, in a process of its own."""
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=carry_out, args=(home, url, database_url, sender), kwargs=options)
    process.start()
    sender.close()
    told: list[Any] = []
    while receiver.poll(60):
        try:
            told.append(json.loads(receiver.recv_bytes()))
        except EOFError:
            break
    process.join(10)
    assert process.exitcode == 0
    outcome: dict[str, Any] = told[-1]["outcome"]
    return outcome


def assert_whole(home: Path, result: dict[str, Any]) -> None:
    assert (result["status"], result["answer"], result["error"]) == ("answered", ANSWER, None)
    assert list(replay(home).entries) == [result["case_id"]]
    assert sum(" book " in line for line in noted(home).read_text(encoding="utf-8").splitlines()) == 1


def test_a_full_disk(small_disk: Path, run_memento: RunMemento) -> None:
    home = small_disk / "home"
    prepare(home)
    with FailingServer(lambda: fill(small_disk)) as server:
        environment = {"MEMENTO_HOME": str(home), "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-test"}
        chosen = ("--set", "judge_model=none")
        asked = run_memento(
            "ask", QUESTION, "--expected", ANSWER, "--thread", "full", "--json", "--quiet", *chosen, env=environment
        )
        assert asked.returncode == 1, asked.stderr
        error = json.loads(asked.stdout)["error"]
        assert error["type"] == "CheckpointError" and "database or disk is full" in error["message"]
        assert asked.stderr.count("\n") == 1 and "memento resume full" in asked.stderr
        (small_disk / "filler").unlink()
        resumed = run_memento("resume", "full", "--json", "--quiet", env=environment)
    assert resumed.returncode == 0, resumed.stderr
    assert_whole(home, json.loads(resumed.stdout))


def test_a_file_that_must_not_grow(processes: ForkServerContext, tmp_path: Path) -> None:
    prepare(tmp_path / "home")
    with OpenAIServer(rules()) as server:
        failed = attempt(processes, tmp_path / "home", server.url, at_call=no_more_growth)
        assert failed["status"] == "failed" and failed["error"]["type"] == "CheckpointError", failed["error"]
        assert "\n" not in failed["error"]["message"]
        assert_whole(tmp_path / "home", attempt(processes, tmp_path / "home", server.url))


def no_more_growth() -> None:
    """From now on no file of this process grows beyond what the checkpoints' log has."""
    settled = Path(os.environ["MEMENTO_HOME"], f"{FILE_NAME}-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (settled, resource.RLIM_INFINITY))


def test_a_postgres_that_is_gone(processes: ForkServerContext, tmp_path: Path, postgres: Postgres) -> None:
    prepare(tmp_path / "home")
    database = postgres.database()
    try:
        with FailingServer(postgres.stop) as server:
            failed = attempt(processes, tmp_path / "home", server.url, database, wait_seconds=1.0)
            assert failed["status"] == "failed" and failed["error"]["type"] == "CheckpointError", failed["error"]
            assert failed["error"]["message"].startswith("PostgreSQL: ") and "\n" not in failed["error"]["message"]
            postgres.start()
            assert_whole(tmp_path / "home", attempt(processes, tmp_path / "home", server.url, database))
    finally:
        postgres.stop()
        postgres.start()


def test_a_postgres_that_is_restarted(processes: ForkServerContext, tmp_path: Path, postgres: Postgres) -> None:
    prepare(tmp_path / "home")
    database = postgres.database()

    def restart() -> None:
        postgres.stop()
        postgres.start()

    with FailingServer(restart) as server:
        assert_whole(tmp_path / "home", attempt(processes, tmp_path / "home", server.url, database))


async def test_a_postgres_that_is_not_there(settings: SettingsFactory) -> None:
    nowhere = settings(database_url="postgresql://someone:secret@127.0.0.1:1/none")
    with pytest.raises(CheckpointError, match="MEMENTO_DATABASE_URL: PostgreSQL cannot be used") as told:
        async with open_checkpointer(nowhere):
            pass
    assert "secret" not in str(told.value) and "\n" not in str(told.value)


async def test_a_locked_file_is_told_in_time(settings: SettingsFactory) -> None:
    home = settings().home
    await asyncio.to_thread(home.mkdir)
    async with open_sqlite(home / FILE_NAME, locked_seconds=0.2) as saver:
        other = await asyncio.to_thread(sqlite3.connect, home / FILE_NAME, check_same_thread=False)
        await asyncio.to_thread(other.execute, "BEGIN EXCLUSIVE")
        with pytest.raises(CheckpointError, match="database is locked"):
            await saver.aput_writes(at("a"), [("x", 1)], "task")
        await asyncio.to_thread(other.close)
        await saver.aget_tuple(at("a"))
        await saver.aput_writes(at("a"), [("x", 1)], "task")


async def test_damage_is_told_by_who_meets_it_and_not_looked_for_at_each_start(settings: SettingsFactory) -> None:
    where = settings()
    await asyncio.to_thread(where.home.mkdir)
    path = where.home / FILE_NAME
    names = [f"t{number:03}" for number in range(200)]
    async with open_checkpointer(where) as saver:
        for name in names:
            put = await saver.aput(at(name), {**empty_checkpoint(), "id": "1"}, {}, {})
            await saver.aput_writes(put, [("x", "y" * 20_000)], "task")
    assert await asyncio.to_thread(damage, path) > 4_000_000
    async with open_checkpointer(where) as saver:
        with pytest.raises(CheckpointError, match="malformed"):
            for name in names:
                await saver.aget_tuple(at(name))
    await asyncio.to_thread(path.write_bytes, b"no database at all" * 1000)
    with pytest.raises(CheckpointError, match="file is not a database"):
        await list_runs(where)


def damage(path: Path) -> int:
    """Write noise over the middle of a file; its size."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 4)
        file.write(os.urandom(size // 2))
    return size


def at(thread_id: str) -> Any:
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": "", "checkpoint_id": "1"}}
