"""Runs jobs, one at a time, each in a child of its own; itself the first process of a jail, or a plain process.

`python -P job_server.py FOLDER PROJECT`, told in JSON lines: {"job", "function", "inputs", "arguments", "memory",
"output", "seconds"}, {"cancel": job}, {"clean": true}. It answers {"ended": job, "status", "said"} when no process of
the job is left; `said` is why the job's process failed beside the function. FOLDER/in holds the inputs, FOLDER/out what
the job makes, FOLDER/result/result.json what came of it.
A job reads foreign files: nothing it leaves behind is trusted, and it cannot reach this process, which imports once
what jobs import again and again, and never looks at a file of theirs.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import select
import signal
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

PR_SET_DUMPABLE = 4
TEMPORARY = ("/tmp", "/dev/shm")  # noqa: S108  of the jail
CANCELLED = -1
USED = 1 << 16
SAID = 300


class JobServer:
    """The loop over orders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._alone = os.getpid() == 1
        self._pending = b""
        self._imported: dict[str, set[str]] = {}
        """What the source of each module of ours imports, wherever it does."""
        self._used: set[str] = set()
        folders = [folder / "out", folder / "result", *map(Path, TEMPORARY if self._alone else ())]
        self._folders = {each: stat.S_IMODE(each.stat().st_mode) for each in folders}

    def run(self) -> None:
        """Until standard input ends."""
        if self._alone:
            _set_dumpable(False)  # so that no child can look into this process, though it is the same user
        _say(ready=True)
        for order in self._orders():
            if "job" in order:
                status, said = self._job(order)
                _say(ended=order["job"], status=status, said=said)
                self._keep(self._used)
            elif "clean" in order:
                self._clean()

    def _orders(self) -> Iterator[dict[str, Any]]:
        while data := os.read(0, 1 << 16):
            yield from self._parsed(data)

    def _parsed(self, data: bytes) -> list[dict[str, Any]]:
        *lines, self._pending = (self._pending + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def _job(self, order: Mapping[str, Any]) -> tuple[int, str]:
        """Run a job to its end and return its wait status, and what its process said of a failure of its own."""
        module = str(order["function"]).partition(":")[0]
        self._keep({module})
        self._keep(getattr(sys.modules.get(module), "PRELOAD", ()))
        names, used = os.pipe()
        child = os.fork()
        if child == 0:
            _work(self._folder, order, used)
        os.close(used)
        handle = os.pidfd_open(child)
        cancelled = self._waited_for(handle)
        self._kill(child)
        _, status = os.waitpid(child, 0)
        os.close(handle)
        self._reap()
        came = _what_came(names)
        self._used = self._known(came) if status == 0 else set()
        return CANCELLED if cancelled else status, "" if status == 0 else came[:SAID].decode(errors="replace")

    def _waited_for(self, handle: int) -> bool:
        """Wait for a child; whether it is to be ended before."""
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.register(0, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if handle in ready:
                return False
            data = os.read(0, 1 << 16)
            if not data or any("cancel" in order for order in self._parsed(data)):
                return True

    def _kill(self, child: int) -> None:
        with suppress(ProcessLookupError):
            if self._alone:
                os.kill(-1, signal.SIGKILL)  # everything but process 1, which we are
            else:
                os.killpg(child, signal.SIGKILL)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while self._alone:
                os.waitpid(-1, 0)

    def _keep(self, modules: Iterable[str]) -> None:
        """Import modules, so that jobs need not; what cannot be imported is the business of the job that needs it."""
        for module in modules:
            if module not in sys.modules:
                with suppress(Exception):
                    importlib.import_module(module)

    def _known(self, used: bytes) -> set[str]:
        """Of the modules that a job says it used, those that our own source imports: the job may say anything."""
        for name, module in list(sys.modules.items()):
            if name.startswith("tools.") and name not in self._imported:
                self._imported[name] = _imports(Path(str(module.__file__)))
        known = set().union(*self._imported.values())
        return {name for name in used.decode(errors="replace").split("\n") if name in known} - set(sys.modules)

    def _clean(self) -> None:
        """Take away what a job has left, or end: no later job sees it."""
        # Programs, since they take any depth and any names, which Python's rmtree does not.
        for command in (["/bin/rm", "-rf", "--one-file-system"], ["/bin/chmod", "-R", "u+rwx"], ["/bin/rm", "-rf"]):
            if left := self._left():
                subprocess.run([*command, "--", *left], stderr=subprocess.DEVNULL, check=False)  # noqa: S603
        if self._left():
            raise SystemExit("what a job has left cannot be removed")

    def _left(self) -> list[str]:
        """What is in the folders that jobs may write to, but for mounts, such as of an environment under /tmp."""
        for folder, mode in self._folders.items():
            with suppress(OSError):  # of those that are not this user's, which no job can close either
                folder.chmod(mode)
        left = [str(path) for folder in self._folders for path in folder.iterdir()]
        return [path for path in left if not os.path.ismount(path)]


def _imports(source: Path) -> set[str]:
    import ast

    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return names


def _work(folder: Path, order: Mapping[str, Any], used: int) -> NoReturn:
    """The child: do the job, write what came of it, tell which modules it loaded, or why it failed, and end."""
    status = 1
    before = set(sys.modules)
    try:
        from tools.sandbox.job_child import do

        _set_dumpable(True)
        do(folder, order)
        said = "\n".join(set(sys.modules) - before)
        status = 0
    except BaseException as error:  # noqa: BLE001  this process ends here, whatever it is
        said = f"{type(error).__name__}: {error}"
    with suppress(BaseException):
        os.set_blocking(used, False)
        os.write(used, said.encode(errors="replace")[:USED])
    os._exit(status)


def _what_came(pipe: int) -> bytes:
    """What was written to a pipe so far; closes it."""
    os.set_blocking(pipe, False)
    with suppress(BlockingIOError):
        came = os.read(pipe, USED)
        os.close(pipe)
        return came
    os.close(pipe)
    return b""


def _set_dumpable(dumpable: bool) -> None:
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, int(dumpable), 0, 0, 0)


def _say(**what: Any) -> None:
    data = json.dumps(what).encode() + b"\n"
    while data:
        data = data[os.write(1, data) :]


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[2])
    JobServer(Path(sys.argv[1])).run()
