"""Which MCP servers there are: the bundled configs/mcp.json merged with the user's own file, theirs win by name."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import configs
from configs.errors import ConfigurationError
from configs.settings import Settings
from configs.variables import variables

SHAPE = (
    'takes {"mcpServers": {"name": {"command": ..., "args": [...], "env": {...}} or {"url": ..., "headers": {...}}}}'
)
PACKAGES = Path(__file__).resolve().parent.parent
"""The folder that holds our packages; the bundled servers are run from there, installed or not."""
RemoteTransport = Literal["streamable_http", "sse"]


@dataclass(frozen=True, slots=True)
class StdioServer:
    """A server that is a program of this machine.

    Attributes:
        env: on top of an environment without secrets.
        settings: what references may name beside the environment; of bundled servers alone.
        bundled: one of ours, which is told whose call it is.
    """

    name: str
    command: str
    args: tuple[str, ...]
    env: dict[str, str]
    cwd: Path
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    bundled: bool = False


@dataclass(frozen=True, slots=True)
class RemoteServer:
    """A server at an address."""

    name: str
    url: str
    headers: dict[str, str]
    transport: RemoteTransport


ServerConfig: TypeAlias = StdioServer | RemoteServer


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    disabled: bool = False


class _StdioEntry(_Entry):
    command: str = Field(min_length=1)
    args: list[str] = []
    env: dict[str, str] = {}
    cwd: str | None = None
    type: Literal["stdio"] | None = None
    transport: Literal["stdio"] | None = None


_RemoteKind: TypeAlias = Literal["http", "streamable_http", "streamable-http", "sse"]


class _RemoteEntry(_Entry):
    url: Annotated[str, Field(pattern=r"^https?://\S+$")]
    headers: dict[str, str] = {}
    type: _RemoteKind | None = None
    transport: _RemoteKind | None = None


def load_servers(settings: Settings) -> list[ServerConfig]:
    """Every enabled server, the bundled ones first.

    Raises:
        ConfigurationError: a file cannot be read or does not have the shape; the message names file and line.
    """
    servers: dict[str, ServerConfig | None] = {}
    bundled = Path(configs.__file__).parent / "mcp.json"
    known = variables(settings)
    ours = _used(read_servers(bundled), settings.servers)
    servers.update({name: _bundled(server, known) for name, server in ours.items()})
    own = settings.mcp_config or settings.home / "mcp.json"
    if settings.mcp_config is not None or own.is_file():
        servers.update(read_servers(own))
    return [server for server in servers.values() if server is not None]


def read_servers(path: Path) -> dict[str, ServerConfig | None]:
    """The servers of one file by name; None stands for one that is switched off.

    Raises:
        ConfigurationError: as for `load_servers`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigurationError(f"{path}: cannot be read: {reason}") from error
    document = _parsed(text, path)
    if not isinstance(document, dict) or not isinstance(document.get("mcpServers"), dict):
        raise ConfigurationError(f"{path}, line 1: {SHAPE}")
    for key in document:
        if key != "mcpServers":
            raise _fault(path, text, (key,), f"unknown key {key!r}; {SHAPE}")
    return {name: _server(name, entry, path, text) for name, entry in document["mcpServers"].items()}


def _parsed(text: str, path: Path) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{path}, line {error.lineno}: not JSON: {error.msg}") from None
    except _DuplicateKeyError as error:
        line = text[: text.rfind(json.dumps(error.key))].count("\n") + 1
        raise ConfigurationError(f"{path}, line {line}: {error.key!r} is there twice") from None
    except RecursionError:
        raise ConfigurationError(f"{path}, line 1: nested too deeply") from None


class _DuplicateKeyError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _DuplicateKeyError(key)
        found[key] = value
    return found


def _server(name: str, entry: Any, path: Path, text: str) -> ServerConfig | None:
    where = ("mcpServers", name)
    if not name.strip() or len(name) > 64 or not name.isprintable():
        raise _fault(path, text, where, "a server's name takes 1 to 64 printable characters")
    if not isinstance(entry, dict):
        raise _fault(path, text, where, f"server {name!r} takes an object, got {_kind(entry)}")
    if entry == {"disabled": True}:
        return None
    if ("command" in entry) == ("url" in entry):
        raise _fault(path, text, where, f"server {name!r} takes either 'command' or 'url'")
    model = _StdioEntry if "command" in entry else _RemoteEntry
    try:
        found = model.model_validate(entry)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise _fault(path, text, (*where, *fault["loc"]), _explained(name, model, dict(fault))) from None
    return None if found.disabled else _config(name, found, path.parent)


def _config(name: str, entry: _StdioEntry | _RemoteEntry, folder: Path) -> ServerConfig:
    if isinstance(entry, _RemoteEntry):
        kind = entry.transport or entry.type
        return RemoteServer(name, entry.url, entry.headers, "sse" if kind == "sse" else "streamable_http")
    cwd = folder / Path(entry.cwd).expanduser() if entry.cwd else folder
    return StdioServer(name, entry.command, tuple(entry.args), entry.env, cwd)


def _used(ours: dict[str, ServerConfig | None], names: str) -> dict[str, ServerConfig | None]:
    """The bundled servers that the setting `servers` names."""
    wanted = [name.strip() for name in names.split(",")]
    if wanted in (["all"], ["none"]):
        return ours if wanted == ["all"] else {}
    if unknown := [name for name in wanted if name not in ours]:
        raise ConfigurationError(f"servers: there is no bundled server {unknown[0]!r}; there are {', '.join(ours)}")
    return {name: server for name, server in ours.items() if name in wanted}


def _bundled(server: ServerConfig | None, known: Mapping[str, str]) -> ServerConfig | None:
    """In the bundled file `python` is this very interpreter, and our packages are found wherever they lie."""
    if not isinstance(server, StdioServer) or server.command != "python":
        return server
    env = {"PYTHONPATH": str(PACKAGES), **server.env}
    return replace(server, command=sys.executable, env=env, settings=known, bundled=True)


def _explained(name: str, model: type[_Entry], fault: dict[str, Any]) -> str:
    place = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        return f"server {name!r}: unknown key {place!r}; known are {', '.join(model.model_fields)}"
    message = str(fault["msg"])
    return f"server {name!r}: {place}: {message[:1].lower()}{message[1:]}, got {_kind(fault['input'])}"


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _fault(path: Path, text: str, where: tuple[str | int, ...], message: str) -> ConfigurationError:
    return ConfigurationError(f"{path}, line {_line_of(text, where)}: {message}")


def _line_of(text: str, where: tuple[str | int, ...]) -> int:
    """The line of a key or item in a JSON text; JSON read as YAML, because YAML's nodes know their lines."""
    import yaml

    line = 1
    try:
        node = yaml.compose(text.replace("\t", " "), Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return line
    for part in where:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
        elif isinstance(node, yaml.MappingNode):
            pairs = [(key, value) for key, value in node.value if key.value == str(part)]
            if not pairs:
                break
            line, node = pairs[0][0].start_mark.line + 1, pairs[0][1]
            continue
        else:
            break
        line = node.start_mark.line + 1
    return line
