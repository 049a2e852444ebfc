"""Our side of what the stack does silently: each test is named for the line of the list it answers."""

from __future__ import annotations

import ast
import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from graph.api import aask
from graph.builder import RECURSION_LIMIT, build_graph
from graph.server import make_graph
from graph.services import closed_services
from tests.conftest import SettingsFactory
from tests.fakes.scripted_model import ScriptedModel
from tests.fakes.services import scripted_services
from tests.project_files import ROOT


@dataclass
class Reading:
    """What a server hands the factory for a drawing, a schema or a state read."""

    execution_runtime: None = None


def test_line_3_the_loop_is_bounded_by_our_own_limit(settings: SettingsFactory) -> None:
    graph = build_graph(closed_services(settings()))
    assert graph.config is not None
    assert graph.config["recursion_limit"] == RECURSION_LIMIT


async def test_line_6_the_event_loop_goes_on_while_the_case_bank_works(settings: SettingsFactory) -> None:
    model = ScriptedModel(['{"final_answer": "4"}'])
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.01)
            longest = max(longest, time.perf_counter() - before)

    async with scripted_services(settings(judge_model="none"), model, ScriptedModel()) as services:
        await services.memory.retrieve("warm up", policy="cosine", k=1, namespace="default")
        ticking = asyncio.create_task(tick())
        await aask("2 + 2?", services=services)
        ticking.cancel()
    assert 0 < longest < 1.0


def test_line_9_a_servers_graph_has_no_checkpointer(settings: SettingsFactory) -> None:
    assert build_graph(closed_services(settings())).checkpointer is None


async def test_line_10_a_drawing_opens_nothing_and_is_quick(home: Path) -> None:
    async with make_graph(Reading()):  # type: ignore[arg-type]  # the one attribute the factory reads
        pass
    started = time.perf_counter()
    async with make_graph(Reading()) as graph:  # type: ignore[arg-type]
        assert set(graph.nodes) >= {"retrieve_cases", "plan", "execute", "reflect", "write_memory"}
    assert time.perf_counter() - started < 0.25
    assert not await asyncio.to_thread(home.exists)


def test_line_13_the_file_a_server_loads_holds_the_factory_alone() -> None:
    tree = ast.parse((ROOT / "graph" / "server.py").read_text(encoding="utf-8"))
    defined = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom | ast.Expr)]
    assert [getattr(node, "name", None) for node in defined] == ["make_graph"]


async def test_line_16_an_answer_without_tools_starts_no_server(settings: SettingsFactory) -> None:
    model = ScriptedModel(['{"final_answer": "4"}'])
    async with scripted_services(settings(judge_model="none"), model, ScriptedModel()) as services:
        await aask("2 + 2?", services=services)
        logs = services.settings.home / "logs"
        assert not await asyncio.to_thread(lambda: list(logs.glob("mcp-*")))
