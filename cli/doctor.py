"""`memento doctor`: is everything there that answering a question needs, and if not, how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from cli.exits import FAILED
from cli.options import AsJson, Config, Overrides, settings_of
from cli.output import console, print_json, print_pretty, reserved_stdout, say

if TYPE_CHECKING:
    from rich.text import Text

    from cli.doctor_checks import Check, Status
    from configs.settings import Settings

STYLES: dict[Status, str] = {"ok": "green", "missing": "yellow", "broken": "red", "unused": "dim"}


def doctor(context: typer.Context, config: Config = None, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Check configuration, keys, models, embedding, case bank, checkpoints and tools; one line each."""
    from cli.background import run
    from cli.doctor_checks import Check
    from configs.errors import ConfigurationError

    found: list[Check] = []
    try:
        settings = settings_of(context, config, overrides)
    except ConfigurationError as error:
        found.append(Check("configuration", "broken", str(error), "correct that value"))
    else:
        models = f"planner {settings.planner_model}, executor {settings.executor_model}, judge {settings.judge_model}"
        found.append(Check("configuration", "ok", f"{models}; policy {settings.policy}, K {settings.top_k}"))
        with reserved_stdout():
            found += run(_collect(settings, as_json=as_json))
    able = not any(check.stops for check in found)
    if as_json:
        print_json({"able": able, "checks": [asdict(check) for check in found]})
    else:
        print_pretty(*(line_of(check) for check in found))
        say("a question can be answered" if able else "no question can be answered yet", "green" if able else "red")
    if not able:
        raise typer.Exit(FAILED)


def line_of(check: Check) -> Text:
    """`ok  case bank  12 cases`, and how to mend what is not ok."""
    from rich.text import Text

    from cli.printable import one_line

    text = Text.assemble((f"{check.status:8}", STYLES[check.status]), f"{check.name:17}", one_line(check.detail, 400))
    if check.fix and check.status != "ok":
        text.append(f" → {one_line(check.fix, 300)}", style="bold")
    return text


async def _collect(settings: Settings, *, as_json: bool) -> Sequence[Check]:
    import sys

    from cli.doctor_checks import checks

    target = console(sys.stderr)
    if as_json or not target.is_terminal:
        return await checks(settings)
    with target.status("looking …") as shown:
        return await checks(settings, lambda names: shown.update(f"looking at {', '.join(names)} …"))
