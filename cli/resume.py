"""`memento resume`: go on with a run that was interrupted, crashed or failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AsJson, Config, Overrides, Quiet, given_of, settings_of

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from graph.api import OnEvent
    from graph.results import Result


def resume(
    context: typer.Context,
    thread: Annotated[str, typer.Argument(metavar="THREAD", help="The run's id, or the first 4 characters or more.")],
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Go on with a run from its last checkpoint; what was finished does not run again."""
    given = given_of(context)
    given.prints_result = True
    settings = settings_of(context, config, overrides)

    from cli.background import run
    from cli.carry_out import carry_out
    from cli.identifiers import find_thread
    from graph.api import aresume

    given.thread_id = thread_id = run(find_thread(settings, thread))

    def start(on_event: OnEvent) -> Coroutine[Any, Any, Result]:
        return aresume(thread_id, settings=settings, on_event=on_event)

    carry_out(start, given, settings, as_json=as_json, quiet=quiet)
