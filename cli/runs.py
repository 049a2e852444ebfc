"""`memento runs`: past runs, read from their checkpoints and traces."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import AsJson, Config, Overrides, settings_of
from cli.output import console, print_json, print_pretty, print_table, print_text
from cli.printable import escaped_json, one_line

if TYPE_CHECKING:
    from configs.settings import Settings
    from graph.masking import Mask
    from graph.results import Result
    from graph.runs import Run
    from graph.traces import Traced

STORY_KEYS = ("task", "cases", "plan", "subtasks", "model_calls", "report", "loops")
app = typer.Typer(help="Past runs and their trajectories.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The latest so many.")] = 20,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """The latest runs: status, question, answer, tokens, cost, time."""
    from cli.background import run
    from graph.runs import list_runs

    runs = run(list_runs(settings_of(context, config, overrides), limit))
    if as_json:
        print_json({"runs": [_summary(each) for each in runs]})
        return
    headings = ["thread", "status", "when (UTC)", "question", "answer", "tokens", "cost", "time"]
    print_table(headings, [_row(each) for each in runs], widest=3)


@app.command()
def show(
    context: typer.Context,
    thread: Annotated[str, typer.Argument(metavar="THREAD", help="The run's id, or its first 4 characters or more.")],
    events: Annotated[
        bool, typer.Option("--events", help="Print the thread's trace instead: its events, one JSON line each.")
    ] = False,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """One run as a tree with times, tokens and cost: cases used, rounds, subtasks, model and tool calls, answer."""
    from cli.background import run

    settings = settings_of(context, config, overrides)
    found, traced = run(_find(settings, thread))
    if events:
        _print_events(traced, as_json)
        return
    from cli.run_story import story_of
    from graph.masking import mask_of

    mask = mask_of(settings)
    task_id = (found.state.get("task") or {}).get("id")
    state = mask.values({name: found.state.get(name) for name in STORY_KEYS})
    story = story_of(state, [each.event for each in traced if each.run == task_id])
    if as_json:
        shown = {"question": found.result.question, "updated_at": found.updated_at, "cases": state["cases"] or []}
        print_json(mask.values({**found.result.as_json(), **shown, **story.as_json()}))
    else:
        from cli.run_tree import run_tree
        from cli.symbols import symbols_of

        signs = symbols_of(console(sys.stdout))
        print_pretty(run_tree(_masked(found.result, mask), state["cases"] or [], story, found.updated_at, signs))


def _masked(result: Result, mask: Mask) -> Result:
    """The result with what a person reads of it masked."""
    error = replace(result.error, message=mask.text(result.error.message)) if result.error is not None else None
    answer = mask.text(result.answer) if result.answer is not None else None
    return replace(result, question=mask.text(result.question), answer=answer, error=error)


def _print_events(traced: list[Traced], as_json: bool) -> None:
    if not traced:
        from configs.errors import InvalidInputError

        raise InvalidInputError("this thread has no trace: an older version ran it, or `traces: false` was set")
    events = [{"run": each.run, **each.event} for each in traced]
    if as_json:
        print_json({"events": events})
        return
    for event in events:
        print_text(escaped_json(json.dumps(event, ensure_ascii=False)))


async def _find(settings: Settings, thread: str) -> tuple[Run, list[Traced]]:
    from cli.identifiers import find_thread
    from graph.runs import show_run
    from graph.traces import read_trace

    thread_id = await find_thread(settings, thread)
    return await show_run(settings, thread_id), await asyncio.to_thread(read_trace, settings.home, thread_id)


def _summary(run: Run) -> dict[str, Any]:
    result = run.result.as_json()
    kept = ("thread_id", "status", "answer", "reward", "reward_source", "case_id", "usage", "seconds", "error")
    return {
        **{name: result[name] for name in kept},
        "question": run.result.question,
        "updated_at": run.updated_at,
    }


def _row(run: Run) -> tuple[str, ...]:
    result, usage = run.result, run.result.usage
    return (
        result.thread_id,
        result.status,
        run.updated_at[:16].replace("T", " "),
        one_line(result.question),
        one_line(result.answer or "", 30),
        f"{usage.input_tokens + usage.output_tokens:,}",
        "" if usage.cost_usd is None else f"${usage.cost_usd:.4f}",
        f"{result.seconds:.1f} s",
    )
