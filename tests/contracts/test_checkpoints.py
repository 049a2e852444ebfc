"""What both checkpointers promise: LangGraph's contract, and what a run that must not repeat itself needs on top."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.memory import InMemorySaver

from configs.errors import CheckpointError, RunInUseError
from configs.settings import Settings
from graph import checkpoints
from graph.checkpoints import KeptRuns, open_checkpointer
from graph.postgres_checkpoints import PostgresCheckpoints
from graph.sqlite_checkpoints import SqliteCheckpoints
from tests.conftest import SettingsFactory

LOST = r"\(database or disk is full\)|\(the server went away\)"
Saver: TypeAlias = SqliteCheckpoints | PostgresCheckpoints
OpenSaver: TypeAlias = Callable[[], AbstractAsyncContextManager[Saver]]


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, settings: SettingsFactory) -> Settings:
    """Settings whose database is empty."""
    if request.param == "postgres":
        return settings(database_url=request.getfixturevalue("postgres").database())
    made = settings()
    made.home.mkdir(mode=0o700)
    return made


def config(thread_id: str, checkpoint_id: str = "1") -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": "", "checkpoint_id": checkpoint_id}}


def raw_writes(settings: Settings) -> list[tuple[str, str]]:
    """Thread and channel of each kept write, as another process reads them. Blocks."""
    if settings.database_url:
        with psycopg.connect(settings.database_url) as connection:
            return connection.execute("SELECT thread_id, channel FROM checkpoint_writes ORDER BY 1, 2").fetchall()
    lines = sqlite3.connect(settings.home / checkpoints.FILE_NAME)
    try:
        return lines.execute("SELECT thread_id, channel FROM writes ORDER BY 1, 2").fetchall()
    finally:
        lines.close()


async def test_langgraphs_own_conformance_suite(where: Settings, postgres: Any, tmp_path_factory: Any) -> None:
    async def fresh() -> AsyncIterator[Saver]:
        if where.database_url:
            settings = where.model_copy(update={"database_url": await asyncio.to_thread(postgres.database)})
        else:
            settings = where.model_copy(update={"home": await asyncio.to_thread(tmp_path_factory.mktemp, "fresh")})
        async with open_checkpointer(settings) as saver:
            yield saver

    report = await validate(checkpointer_test(name="ours")(fresh))
    failed = {name: each.failures for name, each in report.results.items() if each.detected and not each.passed}
    assert not failed
    assert report.passed_all_base()


async def test_settled_waits_for_what_was_handed_over(where: Settings) -> None:
    async with open_checkpointer(where) as saver:
        background = asyncio.ensure_future(saver.aput_writes(config("a"), [("x", 1), ("y", 2)], "task"))
        await saver.settled("a")
        assert await asyncio.to_thread(raw_writes, where) == [("a", "x"), ("a", "y")]
        await saver.settled("never heard of")
        await background


async def test_settled_does_not_need_the_background_to_run(where: Settings) -> None:
    """Under `max_concurrency` LangGraph awaits the write only when the node that waits for it has ended."""
    async with open_checkpointer(where) as saver:
        held_back = saver.aput_writes(config("a"), [("x", 1)], "task")
        async with asyncio.timeout(10):
            await saver.settled("a")
        await held_back


async def test_many_threads_at_once_are_all_kept(where: Settings) -> None:
    async with open_checkpointer(where) as saver:
        names = [f"t{number:02}" for number in range(64)]

        async def run(name: str) -> None:
            put = await saver.aput(config(name, "0"), {**empty_checkpoint(), "id": "1"}, {"step": 1}, {})
            for step in range(5):
                await saver.aput_writes(put, [("x", step)], f"task {step}")

        await asyncio.gather(*(run(name) for name in names))
        assert sorted(await saver.newest_threads(100)) == names
        assert len(await saver.newest_threads(10)) == 10
        found = [await saver.aget_tuple(config(name)) for name in names]
        assert all(each is not None and len(each.pending_writes or []) == 5 for each in found)


async def test_a_thread_has_one_run_at_a_time(where: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"graph.{'postgres_locks' if where.database_url else 'sqlite_checkpoints'}.IN_USE_SECONDS", 0.2)
    async with open_checkpointer(where) as saver, open_checkpointer(where) as of_another_process:
        async with saver.held("a"), saver.held("b"):
            with pytest.raises(RunInUseError, match="run a: another"):
                async with saver.held("a"):
                    pass
            with pytest.raises(RunInUseError, match="run a: another"):
                async with of_another_process.held("a"):
                    pass
            async with of_another_process.held("c"):
                pass
        async with of_another_process.held("a"), saver.held("b"):
            pass


async def test_a_run_that_ends_soon_is_waited_for(where: Settings) -> None:
    async with open_checkpointer(where) as saver, open_checkpointer(where) as of_another_process:
        entered = asyncio.Event()

        async def short() -> None:
            async with saver.held("a"):
                entered.set()
                await asyncio.sleep(0.3)

        task = asyncio.create_task(short())
        await entered.wait()
        async with of_another_process.held("a"):
            await task


async def test_two_processes_may_create_the_tables(where: Settings) -> None:
    @asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        async with open_checkpointer(where):
            yield

    async def once() -> None:
        async with opened():
            pass

    await asyncio.gather(*(once() for _ in range(6)))


async def test_a_lost_write_is_told_until_the_thread_is_read_again(
    where: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_checkpointer(where) as saver:

        async def full(*_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        async def gone(*_: object, **__: object) -> None:
            raise psycopg.OperationalError("the server\nwent away")

        with monkeypatch.context() as patch:
            if isinstance(saver, SqliteCheckpoints):
                patch.setattr(saver._writer, "write", full)
            else:
                patch.setattr(psycopg.AsyncCursor, "executemany", gone)
            with pytest.raises(CheckpointError, match=LOST):
                await saver.aput_writes(config("a"), [("x", 1)], "task")
        for _ in range(2):
            with pytest.raises(CheckpointError, match=LOST):
                await saver.settled("a")
        await saver.settled("b")
        await saver.aget_tuple(config("a"))
        await saver.aput_writes(config("a"), [("x", 1)], "task")
        await saver.settled("a")


async def test_a_servers_checkpointer_is_not_waited_for() -> None:
    own = InMemorySaver()
    assert not isinstance(own, KeptRuns)
    await checkpoints.settled(own, "a")
    await checkpoints.settled(None, "a")
    async with checkpoints.held(own, "a"), checkpoints.held(None, "a"):
        pass


async def test_what_a_step_wrote_is_one_transaction_in_postgres(postgres: Any, settings: SettingsFactory) -> None:
    """Half of a step's writes would be taken for all of them on resume."""
    where = settings(database_url=postgres.database())
    async with open_checkpointer(where) as saver:
        await saver.aput_writes(config("a"), [("x", 1), ("y", 2), ("z", 3)], "task")

    def transactions() -> list[Any]:
        with psycopg.connect(where.database_url or "") as connection:
            return connection.execute("SELECT DISTINCT xmin::text FROM checkpoint_writes").fetchall()

    assert len(await asyncio.to_thread(transactions)) == 1


async def test_no_lock_file_is_left(settings: SettingsFactory) -> None:
    where = settings()
    await asyncio.to_thread(where.home.mkdir)
    async with open_checkpointer(where) as saver, saver.held("../../a b"):
        assert len(await asyncio.to_thread(lambda: list(Path(where.home, "locks").iterdir()))) == 1
    assert not await asyncio.to_thread(lambda: list(Path(where.home, "locks").iterdir()))
