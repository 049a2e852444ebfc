"""Libraries that only the sandboxed jobs import: here they are looked for, which costs nothing."""

from __future__ import annotations

import importlib.util

from configs.errors import ConfigurationError


def require(module: str, extra: str) -> None:
    """Raises ConfigurationError, with the line that installs it, where a module is not installed."""
    if importlib.util.find_spec(module) is None:
        raise ConfigurationError(missing(module, extra))


def missing(module: str, extra: str) -> str:
    """The line for a module that is not installed."""
    return f"{module} is not installed: pip install 'memento-agent[{extra}]'"
