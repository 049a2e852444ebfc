"""Which sandbox the settings ask for. A new backend is one file with `make(settings)` and one entry here."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Mapping

from configs.errors import ConfigurationError
from configs.settings import Settings
from tools.sandbox.contract import Sandbox

BACKENDS: Mapping[str, str] = {
    "bubblewrap": "tools.sandbox.bubblewrap",
    "docker": "tools.sandbox.docker",
    "e2b": "tools.sandbox.e2b",
    "jupyter": "tools.sandbox.jupyter",
    "subprocess": "tools.sandbox.subprocess_sandbox",
}
"""The module of each; its `make(settings)` starts nothing and raises ConfigurationError for a missing setting."""
UNSAFE = "subprocess"


def make_sandbox(settings: Settings) -> Sandbox:
    """The sandbox that the settings name, and never another one in its place. Imports its module: blocks.

    Raises:
        ConfigurationError: it needs a setting, a key or a library that is not there.
    """
    module = BACKENDS.get(settings.sandbox)
    if module is None:
        raise ConfigurationError(f"MEMENTO_SANDBOX: got {settings.sandbox!r}; takes {', '.join(BACKENDS)}")
    make: Callable[[Settings], Sandbox] = importlib.import_module(module).make
    return make(settings)


async def check(settings: Settings) -> str:
    """One line on the sandbox, after something ran in it.

    Raises:
        ConfigurationError: as `make_sandbox`.
        SandboxError: it does not work here; the message names the cause and the choices.
    """
    return await (await asyncio.to_thread(make_sandbox, settings)).check()


def refuse_in_server(settings: Settings) -> None:
    """See that code of whoever reaches this server runs in a sandbox.

    Raises:
        ConfigurationError: the settings ask for none.
    """
    if settings.sandbox == UNSAFE:
        raise ConfigurationError(
            f"MEMENTO_SANDBOX: got {UNSAFE!r}, which runs code with this server's rights; a server takes "
            f"{', '.join(name for name in BACKENDS if name != UNSAFE)}"
        )
