"""A program that asks 64 questions at once, in rounds, 16 of each round with faults: `many_threads.py URL HOME ROUNDS`.

Prints one JSON object: what each thread gave in each round, what of other threads was seen in it, and what the process
held after each round (resident bytes, open files, tasks, threads of the operating system).
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import re
import sys
import threading
from pathlib import Path
from typing import Any

from configs.settings import Settings, load_settings
from graph.api import aask
from graph.builder import build_graph
from graph.services import Services, open_services
from tests.fakes.mcp_servers.running import raw
from tests.fakes.openai_replies import JsonObject

THREADS = range(100, 164)
MARKER = re.compile(r"W\d+")
SETTINGS = (
    "model_retries=2", "model_timeout=20", "tool_timeout=4", "judge_model=none", "top_k=0", "max_tools=128",
    "max_steps=3",
)  # fmt: skip
FAULTS: dict[int, str] = {
    number: fault
    for first, fault in zip(
        range(100, 116, 2),
        ("busy", "broken", "cut", "empty", "unreadable", "hanging", "dying", "refusing"),
        strict=True,
    )
    for number in (first, first + 1)
}


def rules() -> list[JsonObject]:
    """The endpoint's script: a plan of two subtasks with a tool call each, an answer made of both results."""
    task = r"(?s)^system: You plan.*^Task: (?P<w>W\d"
    question = r"(?s)^developer: You carry.*^user: Question: (?P<w>W\d"
    plan: list[JsonObject] = [
        {"id": number, "description": f"Add <<n>> and {number} for <<w>>.", "depends_on": []} for number in (1, 2)
    ]
    arguments = '{"a": <<n>>, "b": <<b>>}'
    return [
        *_fault_rules(task, question),
        {"when": task + r".*?)\b.*Result 1: (?P<x>[^\n]*)\n.*Result 2: (?P<y>[^\n]*)",
         "reply": {"content": '{"final_answer": "<<x>>; <<y>>"}'}},
        {"when": task + r".*?)\b.*(Result|Failed) \d: ", "reply": {"content": '{"final_answer": "<<w>> failed"}'}},
        {"when": task + r"(?P<n>\d{3}))\b", "reply": {"content": json.dumps({"plan": plan})}},
        {"when": question + r".*?)\b.*^tool: (?P<r>\d+)$", "reply": {"content": "<<w>> makes <<r>>"}},
        {"when": question + r".*?)\b.*^tool: ", "reply": {"content": "FAILED: the tool is no use to <<w>>"}},
        {"when": question + r"(?P<n>\d{3}))\b.*^Subtask: Add \d+ and (?P<b>\d)",
         "reply": {"tool_calls": [{"name": "add", "arguments": arguments}]}},
    ]  # fmt: skip


def _fault_rules(task: str, question: str) -> list[JsonObject]:
    once = {"times": 1, "each": "w"}
    faults: dict[str, tuple[str, JsonObject, JsonObject]] = {
        "busy": (task, {"fault": "rate_limited", "retry_after": 0.2}, once),
        "broken": (question, {"fault": "server_error"}, {}),
        "cut": (task, {"fault": "cut"}, once),
        "empty": (question, {"content": ""}, {}),
        "unreadable": (task, {"content": '{"plan": [{"id": '}, {}),
        "hanging": (question, {"tool_calls": [{"name": "wait"}]}, once),
        "dying": (question, {"tool_calls": [{"name": "die"}]}, once),
        "refusing": (task, {"message": {"refusal": "not for <<w>>"}}, {}),
    }
    numbers = {name: "|".join(str(each) for each, fault in FAULTS.items() if fault == name) for name in faults}
    return [
        {"when": f"{start}(?:{numbers[name]}))\\b", "reply": reply, **more}
        for name, (start, reply, more) in faults.items()
    ]


def right_answer(marker: str) -> str:
    """What a thread without faults answers."""
    number = int(marker[2:])
    return f"{marker} makes {number + 1}; {marker} makes {number + 2}"


async def one(services: Services, folder: Path, marker: str) -> JsonObject:
    """Ask one question and gather everything that is kept of it."""
    events: list[Any] = []
    path = folder / f"{marker}.txt"
    await asyncio.to_thread(path.write_text, f"The secret of {marker}.", "utf-8")
    result = await aask(
        f"{marker} asks for two sums.",
        files=[path],
        expected=right_answer(marker),
        thread_id=f"t-{marker}",
        services=services,
        on_event=events.append,
    )
    state = await build_graph(services).aget_state({"configurable": {"thread_id": f"t-{marker}"}})
    seen = json.dumps([result.as_json(), events, state.values, state.tasks], default=repr)
    return {
        "status": result.status,
        "answer": result.answer,
        "error": result.error.type if result.error else None,
        "calls": result.usage.llm_calls,
        "reward": result.reward,
        "case_id": result.case_id,
        "subtasks": [[each["status"], [call["ok"] for call in each["tool_calls"]]] for each in result.subtasks],
        "foreign": sorted(set(MARKER.findall(seen)) - {marker}),
    }


def held() -> JsonObject:
    """What the process holds. Memory that malloc keeps for later is given back first."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    files = [os.readlink(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd") if _open(each)]  # noqa: PTH115, PTH208
    return {
        "resident": pages * os.sysconf("SC_PAGE_SIZE"),
        "files": len(files),
        "sockets": sum(each.startswith("socket:") for each in files),
        "threads": len(os.listdir("/proc/self/task")),  # noqa: PTH208
        "python_threads": sorted(each.name for each in threading.enumerate()),
    }


def _open(descriptor: str) -> bool:
    return Path(f"/proc/self/fd/{descriptor}").is_symlink()


async def rounds(settings: Settings, number: int) -> JsonObject:
    """The rounds, one after the other."""
    report: JsonObject = {"rounds": [], "held": [], "before": await _held_now()}
    async with open_services(settings) as services:
        for this in range(number):
            markers = [f"W{this}{each}" for each in THREADS]
            results = await asyncio.gather(*(one(services, settings.home, marker) for marker in markers))
            report["rounds"].append(dict(zip(markers, results, strict=True)))
            report["held"].append(await _held_now())
        report["foreign_cases"] = await _foreign_cases(services, report["rounds"])
    return {**report, "closed": await _held_now()}


async def _held_now() -> JsonObject:
    """What is held once what ends by itself has ended."""
    await asyncio.sleep(1)
    return {**await asyncio.to_thread(held), "tasks": len(asyncio.all_tasks())}


async def _foreign_cases(services: Services, asked: list[dict[str, JsonObject]]) -> list[str]:
    """The markers whose case is missing, or holds a marker that is not theirs."""
    wanted = {each["case_id"]: marker for results in asked for marker, each in results.items() if each["case_id"]}
    found = await services.memory.search("sums", k=1000, namespace="default")
    kept = {each.case.id: set(MARKER.findall(repr(each.case))) for each in found}
    return sorted(marker for case_id, marker in wanted.items() if kept.get(case_id) != {marker})


def main(url: str, home: Path, number: int) -> None:
    home.mkdir(parents=True)
    (home / "mcp.json").write_text(json.dumps({"mcpServers": {"fragile": raw()}}), encoding="utf-8")
    settings = load_settings(overrides=[f"home={home}", f"openai_base_url={url}", "openai_api_key=sk-test", *SETTINGS])
    print(json.dumps(asyncio.run(rounds(settings, number))))  # noqa: T201  a program's output


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
