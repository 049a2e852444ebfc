"""Run one task for `ask` and `resume`: progress while it goes, the result at its end, the state kept on Ctrl-C."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import typer

from cli.approval import can_ask, carried_on, held_services
from cli.approval_text import summary
from cli.background import Background
from cli.budget_text import counted
from cli.exits import DONE, INTERRUPTED, code_of_name
from cli.failures import interrupted
from cli.interrupts import INTERRUPTS, Interrupted
from cli.options import Given
from cli.output import console, print_json, print_pretty, print_text, reserved_stdout, say
from cli.printable import json_text
from cli.progress import progress_view
from cli.run_view import ENDINGS, reward_text
from cli.symbols import symbols_of

if TYPE_CHECKING:
    from cli.approval import Start
    from cli.lines import Lines
    from cli.live import LiveView
    from configs.settings import Settings
    from graph.results import Result


ANSWERS = "one of --approve, --reject REASON, --edit JSON"


def carry_out(
    start: Start, given: Given, settings: Settings, *, as_json: bool, quiet: bool, resuming: bool = False
) -> None:
    """Run it and print what came of it.

    Raises:
        typer.Exit: the run failed or was interrupted.
    """
    with reserved_stdout() as stdout:
        INTERRUPTS.last_words = lambda: _last_words(given, stdout if as_json else None)
        view = progress_view(quiet=quiet)
        result = _run(start, given, settings, view, asking=can_ask() and not as_json, resuming=resuming)
        INTERRUPTS.last_words = None
    if result is None:
        given.thread_id = None  # there is nothing to go on with
        raise Interrupted
    code = show(result, given, as_json=as_json, quiet=quiet)
    if code != DONE:
        raise typer.Exit(code)


def _run(
    start: Start, given: Given, settings: Settings, view: LiveView | Lines, *, asking: bool, resuming: bool
) -> Result | None:
    """The result; None where the interrupt came before anything was kept."""
    with Background() as background:
        try:
            with held_services(background, settings, resuming=resuming) as services:
                return carried_on(background, view, start, settings, services, asking=asking)
        except Interrupted:
            return background.call(kept_result(settings, given.thread_id))


async def kept_result(settings: Settings, thread_id: str | None) -> Result | None:
    """What the checkpoints say of a run that was stopped; None where there is nothing yet."""
    from configs.errors import MementoError
    from graph.runs import show_run

    try:
        return (await show_run(settings, thread_id)).result if thread_id else None
    except MementoError:
        return None


def show(result: Result, given: Given, *, as_json: bool, quiet: bool) -> int:
    """Print a result in the form that was asked for, and return the exit code."""
    if as_json:
        print_json(result.as_json())
    elif result.status == "answered":
        print_answer(result.answer or "")
    if result.status == "interrupted":
        say(how_to_go_on(result, given), "yellow")
        return INTERRUPTED
    if result.status == "failed":
        reason = result.error.message if result.error is not None else "no reason is known"
        say(f"{reason} (the run is kept, go on with: {given.resume_command()})", "red")
        return code_of_name(result.error.type if result.error is not None else "")
    if not quiet:
        print_footer(result)
    return DONE


def how_to_go_on(result: Result, given: Given) -> str:
    """What an interrupted run waits for, if for anything, and the command that goes on with it."""
    if not result.interrupts:
        return f"interrupted; the run is kept, go on with: {given.resume_command()}"
    faults = [str(each["value"]["fault"]) for each in result.interrupts if each["value"].get("fault")]
    waits = "; ".join(summary(each["value"]) for each in result.interrupts)
    return "; ".join([*faults, f"waits for approval: {waits}", f"go on with: {given.resume_command()} and {ANSWERS}"])


def print_answer(answer: str) -> None:
    """The answer on stdout; on a terminal it stands out."""
    from rich.text import Text

    from cli.printable import clean

    if sys.stdout.isatty():
        print_pretty(Text(clean(answer), style="bold"))
    else:
        print_text(answer)


def print_footer(result: Result) -> None:
    """Reward, case, tokens and time in one line on stderr."""
    from rich.text import Text

    target = console(sys.stderr)
    signs = symbols_of(target)
    sign, style = {1: (signs.done, "green"), 0: (signs.failed, "red")}.get(
        -1 if result.reward is None else result.reward, (signs.unknown, "yellow")
    )
    usage = result.usage
    parts = [
        f"case {result.case_id}",
        f"{usage.input_tokens:,} + {usage.output_tokens:,} tokens in {counted(usage.llm_calls, 'call')}",
        f"{result.seconds:.1f} s",
        *([f"ended by {ENDINGS[result.ended_by]}"] if result.ended_by is not None else []),
    ]
    reward = f"{sign} {reward_text(result.reward, result.reward_source)}"
    line = Text.assemble((reward, style), *((f" {signs.dot} {part}", "dim") for part in parts))
    target.print(line)


def _last_words(given: Given, stdout: int | None) -> None:
    """Said where the run could not be stopped in order; unbuffered, since a signal may have come amid a write."""
    if stdout is not None:
        os.write(stdout, f"{json_text(interrupted(given), ascii_only=True)}\n".encode())
    os.write(2, f"memento: interrupted; go on with: {given.resume_command()}\n".encode())
