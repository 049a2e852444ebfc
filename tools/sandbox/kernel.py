"""The program inside the sandbox: a Python that keeps its variables and is talked to in JSON lines over pipes.

    python -c SOURCE FOLDER COMMANDS REPLIES OUTPUT [apart]

Standard library only, one file, nothing else of ours. It is given three descriptors, which it moves out of the way;
0, 1 and 2 become what code expects: nothing to read, and one pipe for all output, so that what C code and child
processes write counts too. Commands: `{"id", "code"}` and `{"interrupt": id}`. Replies:
`{"ready": version}` and, for each code, `{"id", "value", "error", "threads"}` (how many more there are than before).
Code that runs here can write replies of its own; whoever reads them believes nothing.

`apart` says that this is a process namespace of its own, where all that the code has left running may be killed.
"""

from __future__ import annotations

import ast
import ctypes
import fcntl
import json
import linecache
import os
import queue
import signal
import sys
import threading
import traceback
import types
import warnings
from contextlib import suppress
from typing import Any, TextIO

MAX_VALUE = 10_000
MAX_TRACEBACK = 10_000
MAX_ERROR = 1_000
NAMESPACE_PIDS = 50
"""Processes of a namespace that has just begun have small numbers; the last check before everything is killed."""


RUN = "<run "
"""The code's own frames in a traceback are of files named so; of ours, OWN."""
OWN = sys._getframe().f_code.co_filename


class Kernel:
    """Runs one piece of code after the other in the same module."""

    def __init__(self, folder: str, commands: int, replies: int, output: int, apart: bool) -> None:
        self._folder = folder
        self._commands = commands
        self._replies = replies
        self._output = output
        self._apart = apart and os.getpid() < NAMESPACE_PIDS
        self._process = os.getpid()
        self._waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._running: str | None = None
        self._count = 0
        self._main = types.ModuleType("__main__")
        self._streams: dict[str, TextIO] = {}
        self._c = ctypes.CDLL(None)

    def serve(self) -> None:
        """Run what comes until the commands end."""
        sys.modules["__main__"] = self._main
        sys.dont_write_bytecode = True  # no files beside the modules that code writes and imports
        sys.path.insert(0, self._folder)
        signal.signal(signal.SIGINT, self._interrupted)
        threading.Thread(target=self._read, daemon=True).start()
        self._reply({"ready": "{}.{}.{}".format(*sys.version_info)})
        while True:
            self._run(self._waiting.get())

    def _read(self) -> None:
        """Take commands beside the code that runs; the end of them is the end of this process."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        with os.fdopen(self._commands, "rb", closefd=False) as lines:
            for line in lines:
                command = json.loads(line)
                if "interrupt" in command:
                    if command["interrupt"] == self._running:
                        os.killpg(0, signal.SIGINT)  # the children in the foreground too
                else:
                    self._waiting.put(command)
        os._exit(0)

    def _interrupted(self, *_: object) -> None:
        if self._running is not None:
            raise KeyboardInterrupt

    def _run(self, command: dict[str, Any]) -> None:
        self._restore_streams()
        os.chdir(self._folder)
        signal.signal(signal.SIGINT, self._interrupted)
        self._count += 1
        value = error = ""
        threads = threading.active_count()
        self._running = command["id"]
        try:
            try:
                value = self._executed(command["code"])
                self._save_figures()
            finally:
                self._flush()
                self._running = None
        except BaseException as fault:  # noqa: BLE001  whatever the code does
            error = self._told(fault)
        if os.getpid() != self._process:  # a fork that ran to the end of the code
            os._exit(0)
        self._flush()
        self._end_others()
        more = threading.active_count() - threads
        self._reply({"id": command["id"], "value": value, "error": error, "threads": more})

    def _executed(self, code: str) -> str:
        """The repr of the last expression, or nothing."""
        name = f"{RUN}{self._count}>"
        linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
        tree = ast.parse(code, name)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, name, "exec"), self._main.__dict__)  # noqa: S102  what the sandbox is for
        if not isinstance(last, ast.Expr):
            return ""
        value = eval(compile(ast.Expression(last.value), name, "eval"), self._main.__dict__)  # noqa: S307  the same
        return "" if value is None else cut(repr(value), MAX_VALUE)

    def _told(self, fault: BaseException) -> str:
        """One line on what went wrong; the traceback, from the code's own first line on, goes to the output."""
        if isinstance(fault, SystemExit):
            return "" if fault.code in (None, 0) else cut(f"SystemExit: {fault.code}", MAX_ERROR)
        try:
            text = "".join(_traceback(fault).format())
        except BaseException:  # noqa: BLE001  of its own __str__, say
            text = f"{type(fault).__name__}\n"
        with suppress(OSError, ValueError):
            self._write(self._output, cut(text, MAX_TRACEBACK).encode("utf-8", "replace"))
        return cut(text.rstrip().rpartition("\n")[2], MAX_ERROR)

    def _save_figures(self) -> None:
        """Figures that the code left open become files in the workspace."""
        pyplot: Any = sys.modules.get("matplotlib.pyplot")
        for figure in map(pyplot.figure, pyplot.get_fignums()) if pyplot is not None else ():
            number = 1
            while os.path.lexists(path := f"{self._folder}/figure-{number}.png"):
                number += 1
            figure.savefig(path)
            pyplot.close(figure)

    def _restore_streams(self) -> None:
        """Undo what earlier code did to the standard streams."""
        if sys.stdin is None or sys.stdin.closed:
            sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  for good
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(self._output, number)
            stream = self._streams.get(name)
            if stream is None or stream.closed:
                stream = open(number, "w", 1, "utf-8", "replace", closefd=False)  # noqa: SIM115  for good
                self._streams[name] = stream
                setattr(sys, f"__{name}__", stream)
            setattr(sys, name, stream)

    def _flush(self) -> None:
        streams: list[Any] = [sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__]
        for stream in streams:
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        self._c.fflush(None)

    def _end_others(self) -> None:
        if self._apart:
            with suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)  # all in the namespace but its first process and this one
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass

    def _reply(self, reply: dict[str, Any]) -> None:
        self._write(self._replies, json.dumps(reply).encode() + b"\n")

    def _write(self, descriptor: int, data: bytes) -> None:
        while data:
            data = data[os.write(descriptor, data) :]


def _traceback(fault: BaseException) -> traceback.TracebackException:
    """From the code's own first line on, and without ours."""
    told = traceback.TracebackException(type(fault), fault, fault.__traceback__)
    frames = [frame for frame in told.stack if frame.filename != OWN]
    first = next((n for n, frame in enumerate(frames) if frame.filename.startswith(RUN)), len(frames))
    told.stack = traceback.StackSummary.from_list(frames[first:])
    return told


def cut(text: str, limit: int) -> str:
    """The text with its middle left out where it is longer."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}[... {len(text) - 2 * half:,} characters left out ...]{text[-half:]}"


def main(folder: str, descriptors: list[int], apart: bool) -> None:
    """Put the pipes aside and serve."""
    with suppress(PermissionError):  # it leads a session already
        os.setpgid(0, 0)
    commands, replies, output = map(_aside, descriptors)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number in (1, 2):
        os.dup2(output, number)
    for number in {nothing, *descriptors} - {0, 1, 2}:
        os.close(number)
    warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
    Kernel(folder, commands, replies, output, apart).serve()


def _aside(descriptor: int) -> int:
    """A copy of a descriptor with a high number, closed in programs that are started."""
    copy: int = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 100)
    return copy


if __name__ == "__main__":
    main(sys.argv[1], [int(number) for number in sys.argv[2:5]], "apart" in sys.argv[5:])
