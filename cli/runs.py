"""`memento runs`: past runs, read from their checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import AsJson, Config, Overrides, settings_of
from cli.output import print_json, print_pretty, print_table
from cli.printable import one_line

if TYPE_CHECKING:
    from configs.settings import Settings
    from graph.runs import Run

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
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """One run with its trajectory: cases used, plan, tool calls and results, answer, reward."""
    from cli.background import run
    from cli.trees import run_tree

    found = run(_find(settings_of(context, config, overrides), thread))
    if as_json:
        cases = found.state.get("cases", [])
        shown = {"question": found.result.question, "updated_at": found.updated_at, "cases": cases}
        print_json({**found.result.as_json(), **shown})
    else:
        print_pretty(run_tree(found))


async def _find(settings: Settings, thread: str) -> Run:
    from cli.identifiers import find_thread
    from graph.runs import show_run

    return await show_run(settings, await find_thread(settings, thread))


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
