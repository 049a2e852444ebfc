"""A jail that runs, as the program that wanted it sees it; jail.py starts one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tools.sandbox.contract import Ended, Limits

REASONS: dict[str, Ended] = {"memory": "memory", "processes": "processes", "disk": "disk", "timeout": "timeout"}
GRACE = 8.0


@dataclass(frozen=True, slots=True)
class Exit:
    """How a jail ended.

    Attributes:
        code: the command's exit status, as a shell tells it (128 + signal); None where nobody could tell.
        ended: `done`, `error` (another status than 0), the limit that it was stopped at, or `died` (killed by us).
        gone: that no process of it is left was seen.
    """

    code: int | None
    ended: Ended
    gone: bool


class StartError(Exception):
    """A jail did not start; says why."""


class JailedProcess:
    """A command in a jail: its streams, and what can be done to it. `async with` kills it at the end."""

    def __init__(
        self, supervisor: asyncio.subprocess.Process, answers: asyncio.StreamReader, orders: asyncio.StreamWriter
    ) -> None:
        assert supervisor.stdin and supervisor.stdout and supervisor.stderr  # noqa: S101  opened with pipes
        self.stdin = supervisor.stdin
        self.stdout = supervisor.stdout
        self.stderr = supervisor.stderr
        self.pid = 0
        """Process 1 of the jail, as this machine numbers it."""
        self._supervisor = supervisor
        self._answers = answers
        self._orders = orders
        self._exit: asyncio.Task[Exit] | None = None
        self._settled: asyncio.Future[bool] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    @property
    def ended(self) -> Ended | None:
        """Why it has ended; None while it runs."""
        return self._exit.result().ended if self._exit is not None and self._exit.done() else None

    async def wait(self) -> Exit:
        """Until no process of the jail is left. Read `stdout` and `stderr` meanwhile, or a full pipe holds it up."""
        assert self._exit is not None  # noqa: S101  set before `spawn` hands it out
        return await asyncio.shield(self._exit)

    async def interrupt(self) -> None:
        """SIGINT to the command and its process group, as Ctrl-C would; it may ignore it."""
        await self._order({"do": "interrupt"})

    async def limit(self, limits: Limits, seconds: float | None = None) -> None:
        """Other limits from now on, of memory, processes and disk; those of a single process stay.

        A command that was held goes on. `seconds`: after which everything is killed, also where we are stopped or busy
        by then; None: not.
        """
        await self._order({"do": "limits", "limits": limits_told(limits), "seconds": seconds})

    async def settle(self, *, threads: int, idle: bool) -> bool:
        """End all processes but the command and hold that still until `limit`; its time does not count meanwhile.

        It is ended when something moves nevertheless. All of it is done from outside, whatever is inside.

        Args:
            threads: that it may have more than at the last `limit`.
            idle: whether these must be at rest by themselves.

        Returns:
            Whether that was done; if not, it is best killed.
        """
        assert self._exit is not None  # noqa: S101  set before `spawn` hands it out
        self._settled = settled = asyncio.get_running_loop().create_future()
        await self._order({"do": "settle", "threads": threads, "idle": idle})
        await asyncio.wait({settled, self._exit}, timeout=GRACE, return_when=asyncio.FIRST_COMPLETED)
        return settled.done() and settled.result()

    async def kill(self) -> Exit:
        """End every process of the jail and wait until they are gone; idempotent."""
        await self._order({"do": "kill"})
        try:
            async with asyncio.timeout(GRACE):
                return await self.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._supervisor.kill()  # bubblewrap dies with it
            return await self.wait()
        finally:
            await self._let_go()

    async def _order(self, order: Mapping[str, Any]) -> None:
        with suppress(ConnectionError, RuntimeError):
            self._orders.write(json.dumps(order).encode() + b"\n")
            await self._orders.drain()

    async def begin(self, order: Mapping[str, Any]) -> None:
        """Send the first message and wait until the command runs; `spawn` does it.

        Raises:
            StartError: it does not start.
        """
        await self._order(order)
        answer = await self._answer()
        if "started" not in answer:
            said = (await self.stderr.read()).decode(errors="replace").strip().splitlines()
            await self.abandon()
            raise StartError(answer.get("failed") or (said[-1] if said else "its supervisor died"))
        self.pid = answer["started"]
        self._exit = asyncio.create_task(self._ending())

    async def abandon(self) -> None:
        """Let the supervisor end, and with it a jail that may be about to start."""
        self._orders.close()
        await self._let_go()

    async def _ending(self) -> Exit:
        while "settled" in (answer := await self._answer()):
            if self._settled is not None and not self._settled.done():
                self._settled.set_result(answer["settled"])
        told = answer.get("ended")
        with suppress(ConnectionError):
            await self._answers.read()  # to the end, which comes when the supervisor has cleared up
        self._orders.close()
        if told is None:
            return Exit(None, "died", False)
        ended: Ended = REASONS.get(told["reason"], "died") if told["reason"] else "error" if told["code"] else "done"
        return Exit(told["code"], ended, told["gone"])

    async def _let_go(self) -> None:
        """Wait for the supervisor, then close its pipes: asyncio's own `wait` needs somebody who reads them empty."""
        for look in range(1500):
            if self._supervisor.returncode is not None:
                break
            if look == 500:
                with suppress(ProcessLookupError):
                    self._supervisor.kill()
            await asyncio.sleep(0.01)
        self._supervisor._transport.close()  # type: ignore[attr-defined]

    async def _answer(self) -> dict[str, Any]:
        with suppress(ConnectionError, ValueError):
            answer: dict[str, Any] = json.loads(await self._answers.readline() or b"{}")
            return answer
        return {}


def limits_told(limits: Limits) -> dict[str, int]:
    """Limits, for a message to the supervisor."""
    return {"memory": limits.memory, "processes": limits.processes, "disk": limits.disk}
