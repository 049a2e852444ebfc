"""A run of the real graph for each media server: its own process, real files, a scripted planner and executor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from graph.api import aask
from tests.conftest import SettingsFactory
from tests.fakes.media_files import slide_file, video, voice, whisper_folder
from tests.fakes.scripted_model import ScriptedModel, Step, calls, plan
from tests.fakes.services import scripted_services
from tests.fakes.tool_table import Row, note

RUNS: list[tuple[str, str, Callable[[], Path], str, str]] = [
    ("image", "ocr_image", lambda: slide_file("monty-truth.png"), "THE LAWYER'S CUT", "Which cut is it?"),
    ("audio", "transcribe_audio", lambda: voice("ss-noservice")[0], "not in service", "What is wrong?"),
    ("video", "video_info", lambda: video("bikes"), "6 scene", "How many scenes are there?"),
]


@pytest.mark.parametrize(("server", "tool", "file", "answer", "question"), RUNS, ids=[run[0] for run in RUNS])
async def test_a_task_is_solved_through_the_server(
    server: str, tool: str, file: Callable[[], Path], answer: str, question: str, settings: SettingsFactory
) -> None:
    source = await asyncio.to_thread(file)
    speech = f"local:{await asyncio.to_thread(whisper_folder)}"
    made = await asyncio.to_thread(settings, policy="none", judge_model="none", speech_model=speech)
    planner = ScriptedModel([plan(f"Use {tool} on {source.name}."), f'{{"final_answer": "{answer}"}}'])
    executor = ScriptedModel([calls((tool, {"path": source.name})), Step(answer, when=f"(?s)^tool: .*{answer}")])
    started = time.monotonic()
    async with scripted_services(made, planner, executor) as services:
        result = await aask(question, files=[source], services=services)
    planner.assert_done()
    executor.assert_done()
    assert (result.status, result.answer) == ("answered", answer)
    (call,) = result.subtasks[0]["tool_calls"]
    assert (call["name"], call["ok"]) == (tool, True)
    row = Row(server, tool, source.name, "a run of the graph", answer, "the answer", time.monotonic() - started)
    await asyncio.to_thread(note, row)
