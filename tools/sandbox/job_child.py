"""One job, in a process of its own: limits, the call, and what came of it as JSON."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import resource
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

MAX_RESULT = 20_000_000
MAX_PARTS = 500_000
"""Of a result as JSON, about: values, of which each costs its reader far more memory than it has characters."""
MESSAGE = 1000
TRACE = 4000
PAUSE = 0.1
"""Seconds between reports of progress."""


def do(folder: Path, order: Mapping[str, Any]) -> None:
    """Run the job of an order and write FOLDER/result/result.json. Ends nothing; the caller does."""
    reports = _let_go_of_streams()
    _limit(order)
    try:
        outcome = {"value": _call(folder, order, reports)}
        text = json.dumps(outcome)
        if reason := too_much(text.encode()):
            text = json.dumps({"error": reason})
    except MemoryError:
        text = json.dumps({"memory": True})
    except Exception as error:  # noqa: BLE001  boundary: whatever the function raises is its outcome
        text = json.dumps(_failure(error))
    (folder / "result" / "result.json").write_text(text, encoding="utf-8")


def too_much(data: bytes) -> str:
    """Why a result as JSON is not taken, told before it is parsed; empty where it is."""
    if len(data) > MAX_RESULT:
        return f"the result is longer than {MAX_RESULT:,} characters"
    if sum(data.count(mark) for mark in (b",", b"[", b"{")) > MAX_PARTS:
        return f"the result has more than {MAX_PARTS:,} parts"
    return ""


def _call(folder: Path, order: Mapping[str, Any], reports: int) -> Any:
    module, _, name = order["function"].partition(":")
    function = getattr(importlib.import_module(module), name)
    inputs = {key: folder / "in" / name for key, name in order["inputs"].items()}
    arguments = dict(order["arguments"])
    if "progress" in inspect.signature(function).parameters:
        arguments["progress"] = _reporter(reports, order["job"])
    return function(inputs, folder / "out", **arguments)


def _reporter(descriptor: int, job: int) -> Callable[..., None]:
    told_at = [0.0]

    def progress(done: float, total: float | None = None, text: str = "") -> None:
        if time.monotonic() - told_at[0] < PAUSE and done != total:
            return
        told_at[0] = time.monotonic()
        line = json.dumps({"job": job, "done": done, "total": total, "text": text[:200]})
        with suppress(OSError):
            os.write(descriptor, line.encode() + b"\n")

    return progress


def _failure(error: Exception) -> dict[str, Any]:
    """A failure in words: `error` is meant for the model, `configuration` for the operator, `failed` for the log."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    message = " ".join(str(error).split())[:MESSAGE]
    if "ConfigurationError" in kinds:
        return {"configuration": message}
    if kinds & {"ValueError", "ToolCallError"}:
        return {"error": message}
    trace = "".join(traceback.format_exception(error, limit=-8))[-TRACE:]
    return {"failed": type(error).__name__, "trace": trace}


def _limit(order: Mapping[str, Any]) -> None:
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    already = _data_bytes()
    for limit, value in (
        (resource.RLIMIT_DATA, already + order["memory"]),
        (resource.RLIMIT_FSIZE, max(order["output"], MAX_RESULT)),
        (resource.RLIMIT_CPU, int(order["seconds"] * (os.cpu_count() or 1)) + 5),
        (resource.RLIMIT_CORE, 0),
    ):
        _, most = resource.getrlimit(limit)
        lowered = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(limit, (lowered, lowered))


def _data_bytes() -> int:
    """What counts for RLIMIT_DATA already, by the imports before the job."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def _let_go_of_streams() -> int:
    """A session of its own and no streams of the server's; the descriptor to report progress on."""
    os.setsid()
    reports = os.dup(2)
    empty = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(empty, stream)
    os.close(empty)
    return reports
