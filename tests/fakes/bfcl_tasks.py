"""The tasks of BFCL `multi_turn_base` with their published gold calls, and the package's own judge."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.fakes.mcp_servers.running import FAKES
from tests.fakes.real_files import wheel

NAME = "BFCL_v4_multi_turn_base.json"


@dataclass(frozen=True, slots=True)
class GoldCall:
    """A call: the class that has it, its name and arguments by name."""

    server: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class GoldTask:
    """entry: as published; turns: the published calls of each turn, as text and read."""

    entry: dict[str, Any]
    texts: list[list[str]]
    turns: list[list[GoldCall]]


def package() -> Path:
    return wheel("bfcl-eval", "2026.3.23")


@cache
def tasks() -> list[GoldTask]:
    """All 200."""
    data = package() / "bfcl_eval" / "data"
    found = []
    for line, answer in zip(_lines(data / NAME), _lines(data / "possible_answer" / NAME), strict=True):
        entry, texts = json.loads(line), json.loads(answer)["ground_truth"]
        turns = [[_read(each, entry["involved_classes"]) for each in turn] for turn in texts]
        found.append(GoldTask(entry, texts, turns))
    return found


def classes() -> list[str]:
    """Every class that a task needs."""
    return sorted({name for task in tasks() for name in task.entry["involved_classes"]})


def entry_of(server: str, log: Path, *scenario: str) -> dict[str, Any]:
    """The entry of one class in an mcp.json."""
    script = str(FAKES / "bfcl.py")
    return {"command": sys.executable, "args": [script, str(package()), server, str(log), *scenario]}


def judged(task: GoldTask, turns: list[list[str]], run: str) -> bool:
    """Whether the package's checker accepts the calls of each turn; `run` is a name not used before."""
    checker = _module("bfcl_eval.eval_checker.multi_turn_eval.multi_turn_checker")
    steps = [[[call] for call in turn] for turn in turns]
    return bool(checker.multi_turn_checker(steps, task.texts, task.entry, "multi_turn_base", run)["valid"])


def executed(task: GoldTask, run: str) -> list[str]:
    """What the package's own executor answers to the gold calls."""
    utils = _module("bfcl_eval.eval_checker.multi_turn_eval.multi_turn_utils")
    flat = [call for turn in task.texts for call in turn]
    entry = task.entry
    answers, _ = utils.execute_multi_turn_func_call(
        flat, entry["initial_config"], entry["involved_classes"], run, entry["id"]
    )
    return list(answers)


def _read(text: str, servers: list[str]) -> GoldCall:
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Name)
    backend = _module("bfcl_eval.constants.executable_backend_config")
    for server in servers:
        method = getattr(getattr(_module(backend.CLASS_FILE_PATH_MAPPING[server]), server), call.func.id, None)
        if method is not None:
            names = list(inspect.signature(method).parameters)[1:]
            given = dict(zip(names, map(ast.literal_eval, call.args), strict=False))
            named = {each.arg or "": ast.literal_eval(each.value) for each in call.keywords}
            return GoldCall(server, call.func.id, {**given, **named})
    raise AssertionError(f"{text} is of none of {servers}")


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


@cache
def _module(name: str) -> Any:
    if str(package()) not in sys.path:
        sys.path.append(str(package()))
    return importlib.import_module(name)
