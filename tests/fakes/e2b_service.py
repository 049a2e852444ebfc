"""A service that speaks E2B's API on loopback: it makes and kills sandboxes, a real IPython kernel runs their code.

Written against what the SDK (e2b 2.63, e2b-code-interpreter 2.11) sends: the control plane (`/v2/sandboxes`),
`/execute` and `/contexts` of the code interpreter, `/files` and `/health` of envd. One address stands for all.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from jupyter_client.manager import AsyncKernelManager
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.project_files import ROOT
from tools.sandbox.e2b import FOLDER

KEY = "e2b_" + "0" * 40


class E2BService:
    """`refuse` is a status that the control plane answers with; `killed` are the ids of sandboxes that were killed."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.refuse: int | None = None
        self.killed: list[str] = []
        self.created: list[dict[str, Any]] = []
        self._kernels: dict[str, AsyncKernelManager] = {}

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v2/sandboxes", self.create, methods=["POST"]),
                Route("/sandboxes/{id}", self.kill, methods=["DELETE"]),
                Route("/execute", self.execute, methods=["POST"]),
                Route("/contexts", self.contexts, methods=["GET"]),
                Route("/contexts/{id}/restart", self.restart, methods=["POST"]),
                Route("/files", self.read, methods=["GET"]),
                Route("/files", self.write, methods=["POST"]),
                Route("/health", lambda _: Response(status_code=204)),
                Route("/told", lambda _: JSONResponse({"created": self.created, "killed": self.killed})),
                Route("/refuse", self.set_refuse, methods=["POST"]),
            ]
        )

    async def create(self, request: Request) -> Response:
        if self.refuse is not None:
            return JSONResponse({"code": self.refuse, "message": "refused"}, self.refuse)
        if request.headers.get("x-api-key") != KEY:
            return JSONResponse({"code": 401, "message": "no such key"}, 401)
        self.created.append(await request.json())
        own = f"sandbox{len(self.created)}"
        told = {"sandboxID": own, "templateID": "t", "clientID": "c", "envdVersion": "0.6.7", "envdAccessToken": "x"}
        return JSONResponse(told, 201)

    async def set_refuse(self, request: Request) -> Response:
        self.refuse = (await request.json())["status"]
        return Response(status_code=204)

    async def kill(self, request: Request) -> Response:
        self.killed.append(request.path_params["id"])
        for kernel in self._kernels.values():
            await kernel.shutdown_kernel(now=True)
        self._kernels.clear()
        return Response(status_code=204)

    async def execute(self, request: Request) -> Response:
        code = (await request.json())["code"].replace(FOLDER, str(self.root / "workspace"))
        kernel = await self._kernel()

        async def lines() -> AsyncIterator[str]:
            client = kernel.client()
            client.start_channels()
            try:
                await client.wait_for_ready(timeout=30)
                own = client.execute(code)
                async for line in _lines(client, own):
                    yield json.dumps(line) + "\n"
            finally:
                client.stop_channels()

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    async def contexts(self, _: Request) -> Response:
        return JSONResponse([{"id": "default", "language": "python", "cwd": "/home/user"}])

    async def restart(self, _: Request) -> Response:
        kernel = await self._kernel()
        await kernel.restart_kernel(now=True)
        return Response(status_code=200)

    async def read(self, request: Request) -> Response:
        path = self._path(request)
        return Response(path.read_bytes()) if path.is_file() else JSONResponse({"message": "no file"}, 404)

    async def write(self, request: Request) -> Response:
        path = self._path(request)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(await request.body())
        return JSONResponse([{"name": path.name, "type": "file", "path": request.query_params["path"]}])

    def _path(self, request: Request) -> Path:
        return self.root / "workspace" / request.query_params["path"].removeprefix(f"{FOLDER}/")

    async def _kernel(self) -> AsyncKernelManager:
        if "default" not in self._kernels:
            kernel = AsyncKernelManager()
            await kernel.start_kernel(cwd=str(self.root))
            self._kernels["default"] = kernel
        return self._kernels["default"]


async def _lines(client: Any, own: str) -> AsyncIterator[dict[str, Any]]:
    """A kernel's messages as the lines of `/execute`."""
    while True:
        message = await client.get_iopub_msg()
        if message["parent_header"].get("msg_id") != own:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            yield {"type": content["name"], "text": content["text"], "timestamp": "0"}
        elif kind == "execute_result":
            yield {"type": "result", "text": content["data"]["text/plain"], "is_main_result": True}
        elif kind == "error":
            yield {"type": "error", "name": content["ename"], "value": content["evalue"], "traceback": ""}
        elif kind == "status" and content["execution_state"] == "idle":
            yield {"type": "end_of_execution"}
            return


@dataclass(frozen=True, slots=True)
class RunningService:
    """The service in a process of its own, since what drives its kernels blocks."""

    address: str

    @property
    def options(self) -> dict[str, Any]:
        """What leads the SDK there."""
        return {"api_url": self.address, "sandbox_url": self.address}

    def told(self) -> dict[str, Any]:
        """`created`: the requests for sandboxes, `killed`: ids."""
        told: dict[str, Any] = httpx.get(f"{self.address}/told", timeout=10).json()
        return told

    def refuse(self, status: int | None) -> None:
        """Answer requests for sandboxes with a status."""
        httpx.post(f"{self.address}/refuse", json={"status": status}, timeout=10)


@contextmanager
def e2b_service() -> Iterator[RunningService]:
    """Start the service, and end it with its kernels on leaving."""
    command = [sys.executable, "-m", "tests.fakes.e2b_service"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        yield RunningService(process.stdout.readline().strip())
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def main() -> None:
    service = E2BService()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)  # noqa: T201  for who started it
        config = uvicorn.Config(service.app(), log_level="warning", lifespan="off")
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
