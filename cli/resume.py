"""`memento resume`: go on with a run that was interrupted, crashed or failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AsJson, Config, Given, Overrides, Quiet, given_of, settings_of

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from configs.settings import Settings
    from graph.api import OnEvent
    from graph.context import Context
    from graph.results import Result
    from graph.services import Services


def resume(
    context: typer.Context,
    thread: Annotated[str, typer.Argument(metavar="THREAD", help="The run's id, or the first 4 characters or more.")],
    approve: Annotated[
        bool, typer.Option("--approve", metavar="", help="Let what waits for approval go ahead.")
    ] = False,
    reject: Annotated[str | None, typer.Option(metavar="REASON", help="Refuse it; the agent is told why.")] = None,
    edit: Annotated[
        str | None, typer.Option(metavar="JSON", help="Let it go ahead with these arguments, or this plan.")
    ] = None,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Go on with a run from its last checkpoint; what was finished does not run again.

    The run keeps the configuration it was started with; --config and --set change it.
    """
    given = given_of(context)
    given.prints_result = True
    settings = settings_of(context, config, overrides)

    from cli.approval import given_answers
    from cli.background import run
    from cli.carry_out import carry_out, kept_result
    from cli.identifiers import find_thread
    from graph.api import aresume

    given.thread_id = thread_id = run(find_thread(settings, thread))

    kept = run(kept_result(settings, thread_id)) if approve or reject is not None or edit is not None else None
    waiting = kept.interrupts if kept is not None else []
    answers = given_answers(waiting, approve, reject, edit, nothing_waits(thread_id, kept))

    def start(on_event: OnEvent, services: Services | None) -> Coroutine[Any, Any, Result]:
        context = asked_for(given, settings)
        return aresume(
            thread_id, answers=answers, settings=settings, context=context, on_event=on_event, services=services
        )

    carry_out(start, given, settings, as_json=as_json, quiet=quiet, resuming=True)


def nothing_waits(thread_id: str, kept: Result | None) -> str:
    """Why there is nothing to answer, and the command that helps."""
    if kept is not None and kept.status == "answered":
        return f"nothing waits for an answer, the run is finished; see it with: memento runs show {thread_id}"
    return f"nothing waits for an answer; go on with the run: memento resume {thread_id}"


def asked_for(given: Given, settings: Settings) -> Context:
    """The knobs that the command line names, which go before those the run was started with."""
    from configs.settings import named_settings
    from graph.context import Context

    named = named_settings(given.config, given.overrides) & set(Context.model_fields)
    return Context(**{name: getattr(settings, name) for name in named})
