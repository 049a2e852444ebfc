"""The home folder: only its owner may read it."""

from __future__ import annotations

from pathlib import Path

from configs.errors import ConfigurationError
from configs.private_folders import private_folder


def prepare_home(home: Path) -> None:
    """Create the folder (0700) and see that it can be written.

    Raises:
        ConfigurationError: it is not a folder or cannot be created or written.
    """
    try:
        private_folder(home)
        probe = home / ".writable"
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(
            f"MEMENTO_HOME: {home} cannot be used ({reason}); takes a folder you can write"
        ) from error
