"""The secrets that an mcp.json gives to its servers, so that they can be taken out of what tools return."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from configs.errors import ConfigurationError
from configs.settings import Settings
from tools.mcp_config import ServerConfig, StdioServer, load_servers
from tools.references import with_references

SECRET_NAME = re.compile(r"(?i)(?:key|token|secret|password|passwd|passphrase|passcode|pwd|pat|credentials?|auth)$")
PLAIN_HEADERS = frozenset({"accept", "content-type", "host", "origin", "user-agent"})
PASSWORD_IN_ADDRESS = re.compile(r"://[^/\s:]*:([^/\s@]+)@")


def server_secrets(settings: Settings) -> list[str]:
    """Every secret of the configured servers: variables and options with a secret's name, headers, passwords in
    addresses. A server whose references cannot be resolved does not start, and has none.

    Raises:
        ConfigurationError: an mcp.json cannot be read.
    """
    return list(dict.fromkeys(found for server in load_servers(settings) for found in _secrets(server) if found))


def _secrets(server: ServerConfig) -> Iterator[str]:
    try:
        server = with_references(server)
    except ConfigurationError:
        return
    if isinstance(server, StdioServer):
        yield from (value for name, value in server.env.items() if SECRET_NAME.search(name))
        yield from _options(server.args)
        texts = [*server.env.values(), *server.args]
    else:
        for name, value in server.headers.items():
            if name.lower() not in PLAIN_HEADERS:
                yield value.split()[-1] if value.split() else ""
        yield from (value for name, value in parse_qsl(urlsplit(server.url).query) if SECRET_NAME.search(name))
        texts = [server.url]
    for text in texts:
        yield from PASSWORD_IN_ADDRESS.findall(text)


def _options(arguments: tuple[str, ...]) -> Iterator[str]:
    """`--api-key VALUE` and `--api-key=VALUE`."""
    for position, argument in enumerate(arguments):
        name, sign, value = argument.partition("=")
        if name.startswith("-") and SECRET_NAME.search(name):
            yield value if sign else "".join(arguments[position + 1 : position + 2])
