"""The sandbox `e2b`: a virtual machine at E2B or a host that speaks its API. Code leaves this machine."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from configs.errors import SandboxError
from configs.settings import Settings
from tools.sandbox.contract import Session
from tools.sandbox.remote_session import Ran, RemoteSession
from tools.workspace import Workspace

if TYPE_CHECKING:
    from e2b_code_interpreter import AsyncSandbox  # type: ignore[import-untyped]  # it ships no types

FOLDER = str(PurePosixPath("/home", "user", "workspace"))
"""In the home that E2B's template gives its user."""
LIFETIME = 3600
"""Seconds after which the service ends a sandbox by itself, whatever became of us."""
REQUEST_SECONDS = 30.0
_logger = logging.getLogger(__name__)


class E2BSandbox:
    """Implements `Sandbox`.

    Args:
        key: E2B_API_KEY.
        options: of the SDK's ApiParams, such as `api_url`.
    """

    name = "e2b"

    def __init__(self, key: str | None, options: Mapping[str, Any] | None = None) -> None:
        self._key = key
        self._options = {"request_timeout": REQUEST_SECONDS, **(options or {})}

    async def check(self) -> str:
        """See `Sandbox`."""
        sandbox = await self._create(60)
        try:
            async with _faults():
                execution = await sandbox.run_code("print(6 * 7)", timeout=REQUEST_SECONDS)
        finally:
            await _kill(sandbox)
        if "".join(execution.logs.stdout).strip() != "42":
            raise SandboxError("E2B: the sandbox ran nothing; try again, or set MEMENTO_SANDBOX to another one")
        return "E2B, code runs at the service"

    async def open(self, workspace: Workspace) -> Session:
        """See `Sandbox`."""
        return RemoteSession(workspace, _Machine(await self._create(LIFETIME), self._create))

    async def _create(self, lifetime: int) -> AsyncSandbox:
        if not self._key:
            raise SandboxError("E2B needs a key: set E2B_API_KEY, or MEMENTO_SANDBOX to another sandbox")
        try:
            library = await asyncio.to_thread(importlib.import_module, "e2b_code_interpreter")
        except ImportError:
            raise SandboxError("E2B needs its library: pip install 'memento-agent[code]'") from None
        async with _faults():
            return await library.AsyncSandbox.create(
                api_key=self._key, timeout=lifetime, allow_internet_access=False, **self._options
            )


class _Machine:
    """Implements `Interpreter`."""

    folder = FOLDER

    def __init__(self, sandbox: AsyncSandbox, create: Callable[[int], Any]) -> None:
        self._sandbox = sandbox
        self._create = create

    async def run(self, code: str, seconds: float, write: Callable[[str], None]) -> Ran:
        from e2b import TimeoutException
        from e2b.exceptions import SandboxNotRunningException, SandboxUnreachableException

        async with _faults():
            try:
                execution = await self._sandbox.run_code(
                    code,
                    timeout=seconds,
                    on_stdout=lambda message: write(message.line),
                    on_stderr=lambda message: write(message.line),
                )
            except (SandboxNotRunningException, SandboxUnreachableException):
                raise
            except TimeoutException:
                return Ran(timed_out=True, state_kept=False)
        error = f"{execution.error.name}: {execution.error.value}" if execution.error is not None else ""
        return Ran(execution.text or "", error)

    async def get(self, path: str) -> bytes:
        async with _faults():
            return bytes(await self._sandbox.files.read(f"{FOLDER}/{path}", format="bytes"))

    async def put(self, path: str, data: bytes) -> None:
        async with _faults():
            await self._sandbox.files.write(f"{FOLDER}/{path}", data, use_octet_stream=True)

    async def restart(self) -> None:
        """The default context ends with what it runs; files stay."""
        async with _faults():
            for context in await self._sandbox.list_code_contexts():
                await self._sandbox.restart_code_context(context)

    async def close(self) -> None:
        await _kill(self._sandbox)


async def _kill(sandbox: AsyncSandbox) -> None:
    """The service ends it after its lifetime where this fails."""
    with suppress(SandboxError):
        async with _faults():
            await sandbox.kill()


@asynccontextmanager
async def _faults() -> AsyncIterator[None]:
    """The SDK's faults as ours, in a line that says who can do what."""
    import httpx
    from e2b.exceptions import AuthenticationException, RateLimitException, SandboxException, ServiceBusyException

    try:
        yield
    except AuthenticationException:
        raise SandboxError("E2B refuses the key: set E2B_API_KEY to a valid one") from None
    except (RateLimitException, ServiceBusyException):
        raise SandboxError("E2B takes no more requests now: try again later, or with fewer runs at once") from None
    except (SandboxException, httpx.HTTPError, OSError, ValueError, KeyError) as error:
        _logger.info("E2B failed", exc_info=True)
        raise SandboxError(f"E2B cannot be used now ({type(error).__name__}): see its status, or try again") from None


def make(settings: Settings) -> E2BSandbox:
    """The backend that the settings describe."""
    return E2BSandbox(settings.e2b_api_key.get_secret_value() if settings.e2b_api_key is not None else None)
