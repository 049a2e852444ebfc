"""Runs plain functions as an MCP server, over standard input and output or over HTTP on loopback."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from configs.errors import ConfigurationError, MementoError, SandboxError, ToolCallError
from tools.servers.over_http import address_of, serve_over_http
from tools.servers.requests import SECONDS_KEY

if TYPE_CHECKING:
    from mcp.server.fastmcp import FastMCP

Function: TypeAlias = Callable[..., Any]
FOR_THE_MODEL = (ValueError, ToolCallError, ConfigurationError, SandboxError)
"""Errors whose message is written for the caller; of any other only the kind is told."""
USUAL_SECONDS = 60.0
"""What a call takes at most; a tool that may take longer says so in its definition."""
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServedTool:
    """A function and what an MCP client is told about it.

    Attributes:
        function: plain or async; its docstring describes it, its annotations are the arguments. An argument annotated
            `mcp.server.fastmcp.Context` is the request: progress, and whose workspace, see `tools.servers.requests`.
        seconds: after which a call is ended with an error.
        changes: whether it changes something, such as files of the workspace.
        destroys: whether it may replace or remove what is there.
        repeatable: whether a second call with the same arguments changes nothing more.
        open_world: whether it reaches the network.
        structured: whether it returns a model or dict that goes out as structured content too.
    """

    function: Function
    seconds: float = USUAL_SECONDS
    changes: bool = False
    destroys: bool = False
    repeatable: bool = True
    open_world: bool = False
    structured: bool = False

    @property
    def name(self) -> str:
        return self.function.__name__


Tools: TypeAlias = Iterable[ServedTool | Function] | Mapping[str, Function]


def serve(name: str, tools: Tools, instructions: str | None = None) -> None:
    """Serve tools until standard input ends, or over HTTP where the command line says so; see `over_http`.

    Args:
        name: the server's name.
        tools: functions that change nothing anywhere, or ServedTool; by another name in a mapping. ValueError and
            ToolCallError are the tool's error, for the model; of other errors it learns only their kind.
        instructions: what a client's model should know about all of them.
    """
    gc.disable()  # nothing that a start loads and builds is garbage
    served = server(name, tools, instructions)
    gc.freeze()
    gc.enable()
    try:
        address = address_of(sys.argv[1:])
        if address is not None:
            serve_over_http(served, *address)
            return
    except ConfigurationError as error:
        raise SystemExit(f"{name}: {error}") from None
    served.run("stdio")


def server(name: str, tools: Tools, instructions: str | None = None) -> FastMCP:
    """The server that `serve` runs."""
    from importlib.metadata import version

    from tools.servers.answers import CleanServer

    made = CleanServer(
        name, instructions=instructions, tools=[_tool(*each) for each in _named(tools)], log_level="WARNING"
    )
    made._mcp_server.version = version("memento-agent")  # FastMCP takes none, and would tell the library's
    return made


def _named(tools: Tools) -> list[tuple[str, ServedTool]]:
    if isinstance(tools, Mapping):
        return [(name, ServedTool(function)) for name, function in tools.items()]
    served = [each if isinstance(each, ServedTool) else ServedTool(each) for each in tools]
    return [(each.name, each) for each in served]


def _tool(name: str, served: ServedTool) -> Any:
    from mcp.types import ToolAnnotations

    from tools.servers.answers import StrictTool

    hints = ToolAnnotations(
        readOnlyHint=not served.changes,
        destructiveHint=served.destroys,
        idempotentHint=served.repeatable,
        openWorldHint=served.open_world,
    )
    tool = StrictTool.from_function(
        _bounded(name, served),
        name=name,
        annotations=hints,
        structured_output=served.structured,
        meta={SECONDS_KEY: served.seconds} if served.seconds > USUAL_SECONDS else None,
    )
    tool.parameters = {**without_titles(tool.parameters), "additionalProperties": False}
    tool.description = " ".join(tool.description.split())
    return tool


def _bounded(name: str, served: ServedTool) -> Function:
    """The function off the event loop, ended in time, and silent about what went wrong inside."""

    @functools.wraps(served.function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        try:
            async with asyncio.timeout(served.seconds):
                if inspect.iscoroutinefunction(served.function):
                    return await served.function(*args, **kwargs)
                return await asyncio.to_thread(served.function, *args, **kwargs)
        except TimeoutError:
            raise ToolCallError(f"{name} was ended after {served.seconds:g} s") from None
        except FOR_THE_MODEL:
            raise
        except MementoError as error:
            raise ToolCallError(str(error)) from error
        except Exception as error:  # boundary of a tool call
            _logger.exception("%s failed", name)
            raise ToolCallError(f"{name} failed: {type(error).__name__}") from None

    return call


def without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema without the titles that pydantic derives from the names: tokens that tell a model nothing."""
    plain = {key: value for key, value in schema.items() if key != "title"}
    if "properties" in plain:
        plain["properties"] = {name: without_titles(value) for name, value in plain["properties"].items()}
    return plain
