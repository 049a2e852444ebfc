"""`${NAME}` in an mcp.json: the value of a variable; `${NAME:-text}` is the text where it is not set or empty."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from configs.errors import ConfigurationError
from configs.settings import environment_values
from tools.mcp_config import RemoteServer, ServerConfig, StdioServer

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def with_references(server: ServerConfig) -> ServerConfig:
    """The server with each reference replaced, and without the variables of its environment that come out empty.

    Bundled servers take the settings of this process first, then the environment; a user's servers the environment.

    Raises:
        ConfigurationError: a variable is not set; the message goes on after the server's name.
    """
    if isinstance(server, RemoteServer):
        known = _environment([server.url, *server.headers.values()])
        headers = {name: resolved(value, known) for name, value in server.headers.items()}
        return replace(server, url=resolved(server.url, known), headers=headers)
    known = {**_environment([*server.args, *server.env.values()]), **server.settings}
    return replace(
        server, args=tuple(resolved(value, known) for value in server.args), env=_without_empty(server, known)
    )


def resolved(text: str, known: Mapping[str, str]) -> str:
    """The text with its references replaced.

    Raises:
        ConfigurationError: as `with_references`.
    """

    def value(match: re.Match[str]) -> str:
        name, otherwise = match.groups()
        if otherwise is not None:
            return known.get(name) or otherwise
        if name not in known:
            raise ConfigurationError(f"needs the environment variable {name}, which is not set")
        return known[name]

    return REFERENCE.sub(value, text)


def _without_empty(server: StdioServer, known: Mapping[str, str]) -> dict[str, str]:
    values = {name: (text, resolved(text, known)) for name, text in server.env.items()}
    return {name: value for name, (text, value) in values.items() if value or not text}


def _environment(texts: list[str]) -> dict[str, str]:
    return environment_values({match[1] for text in texts for match in REFERENCE.finditer(text)})
