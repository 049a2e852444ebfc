"""Exit codes, and which error means which."""

from __future__ import annotations

from configs import errors

DONE = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130


def code_of(error: BaseException) -> int:
    """2 where the caller can mend it, else 1."""
    return USAGE if isinstance(error, errors.UserError) else FAILED


def code_of_name(type_name: str) -> int:
    """The same for the name of an exception, which is what a failed run's result holds."""
    found = getattr(errors, type_name, None)
    return USAGE if isinstance(found, type) and issubclass(found, errors.UserError) else FAILED
