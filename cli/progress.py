"""Which view of a run suits where stderr goes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cli.lines import Lines
from cli.output import console

if TYPE_CHECKING:
    from cli.live import LiveView


def progress_view(*, quiet: bool) -> LiveView | Lines:
    """A live view on a terminal, lines elsewhere, warnings alone where quiet was asked for."""
    target = console(sys.stderr)
    if quiet or not target.is_terminal or target.is_dumb_terminal:
        return Lines(sys.stderr, only_warnings=quiet)
    from cli.live import LiveView

    return LiveView(target)
