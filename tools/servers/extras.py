"""Libraries that a tool needs and an installation may lack."""

from __future__ import annotations

import importlib
from typing import Any

from configs.errors import ConfigurationError


def need(module: str, extra: str) -> Any:
    """The module, imported.

    Args:
        module: its dotted name.
        extra: the extra of this project that installs it.

    Raises:
        ConfigurationError: it is not installed; the message is the line that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = (error.name or module).partition(".")[0]
        raise ConfigurationError(f"{missing} is not installed: pip install 'memento-agent[{extra}]'") from None
