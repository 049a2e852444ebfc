"""The sandbox `jupyter`: a kernel of a Jupyter server. How far it is shut in is that server's affair, not ours."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from configs.errors import SandboxError
from configs.settings import Settings
from tools.sandbox import remote_code
from tools.sandbox.contract import Session
from tools.sandbox.kept_output import KeptOutput
from tools.sandbox.remote_session import Ran, RemoteSession
from tools.workspace import Workspace

if TYPE_CHECKING:
    from jupyter_kernel_client import JupyterKernelClient  # type: ignore[import-untyped]  # it ships no types

START_SECONDS = 30.0
INTERRUPT_SECONDS = 2.0
CLOSE_SECONDS = 5.0
"""The library waits so long for its connection to end, mostly in vain."""
PIECE = 500_000
"""Bytes of a file moved in one message."""
_logger = logging.getLogger(__name__)


class JupyterSandbox:
    """Implements `Sandbox`.

    Args:
        url: of the server, without a token.
        token: its token.
    """

    name = "jupyter"

    def __init__(self, url: str | None, token: str | None) -> None:
        self._url = url
        self._token = token

    async def check(self) -> str:
        """See `Sandbox`."""
        kernel = await self._kernel()
        printed = KeptOutput(100)
        try:
            await kernel.run("print(6 * 7)", START_SECONDS, printed.add)
        finally:
            await kernel.close()
        if printed.text().strip() != "42":
            raise SandboxError("the Jupyter server ran nothing; see its log, or set MEMENTO_SANDBOX to another sandbox")
        return "Jupyter server; what its kernels may do is up to that server"

    async def open(self, workspace: Workspace) -> Session:
        """See `Sandbox`."""
        return RemoteSession(workspace, await self._kernel())

    async def _kernel(self) -> _Kernel:
        if self._url is None:
            raise SandboxError("no Jupyter server is named: set MEMENTO_JUPYTER_URL and MEMENTO_JUPYTER_TOKEN")
        return _Kernel(await asyncio.to_thread(self._started, self._url.rstrip("/")))

    def _started(self, url: str) -> JupyterKernelClient:
        try:
            from jupyter_kernel_client import JupyterKernelClient
        except ImportError:
            raise SandboxError("Jupyter needs its library: pip install 'memento-agent[code]'") from None
        with _faults():
            client = JupyterKernelClient(server_url=url, token=self._token, client_kwargs={"timeout": CLOSE_SECONDS})
            client.start(timeout=START_SECONDS)
            return client


class _Kernel:
    """Implements `Interpreter`. The library blocks: each call has a thread of its own."""

    def __init__(self, client: JupyterKernelClient) -> None:
        self._client = client
        self._count = 0
        self.folder = f"/tmp/memento-{secrets.token_hex(8)}"  # noqa: S108  on the server, not guessable

    async def run(self, code: str, seconds: float, write: Callable[[str], None]) -> Ran:
        with _faults():
            return await asyncio.to_thread(self._run, code, seconds, write)

    async def get(self, path: str) -> bytes:
        found, mark = bytearray(), f"--{secrets.token_hex(16)}--"
        while True:
            printed = KeptOutput(4 * PIECE)
            code = remote_code.reading(f"{self.folder}/{path}", len(found), PIECE, mark)
            await self.run(code, START_SECONDS, printed.add)
            piece = remote_code.piece(printed.text(), mark)
            if piece is None:
                raise SandboxError("the Jupyter kernel does not give a file that it listed")
            found += piece
            if len(piece) < PIECE:
                return bytes(found)

    async def put(self, path: str, data: bytes) -> None:
        for start in range(0, max(len(data), 1), PIECE):
            code = remote_code.writing(f"{self.folder}/{path}", data[start : start + PIECE], append=start > 0)
            await self.run(code, START_SECONDS, lambda _: None)

    async def restart(self) -> None:
        with _faults():
            await asyncio.to_thread(self._client.restart, timeout=START_SECONDS)

    async def close(self) -> None:
        with suppress(SandboxError), _faults():
            await self.run(f"import shutil\nshutil.rmtree({self.folder!r}, ignore_errors=True)", 5.0, lambda _: None)
            await asyncio.to_thread(self._client.stop, shutdown_kernel=True, timeout=START_SECONDS)

    def _run(self, code: str, seconds: float, write: Callable[[str], None]) -> Ran:
        deadline = time.monotonic() + seconds
        found = _Outputs(write, deadline)
        try:
            kept = self._execute(code, seconds, found.take)
        except TimeoutError:
            return Ran(timed_out=True, state_kept=self._interrupted())
        except _DiedError:
            return Ran(died=True, state_kept=False)
        return Ran(found.value, found.error, state_kept=kept)

    def _execute(self, code: str, seconds: float, take: Callable[[dict[str, Any]], None]) -> bool:
        """Run code; whether it is the kernel of before, whose count of runs goes on."""
        reply = self._client.execute_interactive(code, output_hook=take, allow_stdin=False, timeout=seconds)
        count = reply["content"].get("execution_count")
        if not isinstance(count, int):  # a kernel that was interrupted drops what came meanwhile
            return True
        kept, self._count = count > self._count, count
        return kept

    def _interrupted(self) -> bool:
        """Whether the kernel can be used again after an interrupt."""
        self._client.interrupt(timeout=INTERRUPT_SECONDS)
        try:
            return self._execute("pass", INTERRUPT_SECONDS, lambda _: None)
        except TimeoutError:
            return False


class _DiedError(Exception):
    pass


class _Outputs:
    """Takes a kernel's messages: text to `write`, the value and the error kept.

    Raises from `take`:
        TimeoutError: the deadline has passed.
        _DiedError: the kernel is gone.
    """

    def __init__(self, write: Callable[[str], None], deadline: float) -> None:
        self.value = ""
        self.error = ""
        self._write = write
        self._deadline = deadline

    def take(self, message: dict[str, Any]) -> None:
        if time.monotonic() > self._deadline:  # a kernel that never stops printing never lets the library look
            raise TimeoutError
        kind, content = message["header"]["msg_type"], message["content"]
        if kind == "status" and content.get("execution_state") in ("restarting", "autorestarting", "dead"):
            raise _DiedError
        if kind == "stream":
            self._write(str(content.get("text", "")))
        elif kind == "execute_result":
            self.value = str(content.get("data", {}).get("text/plain", ""))
        elif kind == "error":
            self.error = f"{content.get('ename', '')}: {content.get('evalue', '')}"


@contextmanager
def _faults() -> Iterator[None]:
    """The library's faults as ours, in a line that says who can do what."""
    import requests

    try:
        yield
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        fix = "set MEMENTO_JUPYTER_TOKEN" if status in (401, 403) else "see the server's log"
        raise SandboxError(f"the Jupyter server answered {status}: {fix}") from None
    except (requests.RequestException, OSError, RuntimeError, ValueError, KeyError) as error:
        if isinstance(error, SandboxError):
            raise
        _logger.info("the Jupyter server failed", exc_info=True)
        raise SandboxError(
            f"the Jupyter server cannot be used ({type(error).__name__}): is MEMENTO_JUPYTER_URL right, does it run?"
        ) from None


def make(settings: Settings) -> JupyterSandbox:
    """The backend that the settings describe."""
    token = settings.jupyter_token
    return JupyterSandbox(settings.jupyter_url, token.get_secret_value() if token is not None else None)
