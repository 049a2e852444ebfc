"""`memento demo`: a frozen small model without memory, then with it, on tasks with exact answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import AsJson, Config, Overrides, settings_of
from cli.output import print_json


def demo(
    context: typer.Context,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where picture and report go.")] = Path("demo-report"),
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Show the main job for real: tasks fail without memory and succeed with it, same model, same prompts."""
    settings_of(context, config, overrides)
    print_json({"out": str(out), "as_json": as_json})
