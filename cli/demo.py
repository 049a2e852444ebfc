"""`memento demo`: a frozen small model without memory, then with it, on tasks with exact answers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self, TextIO

import typer

from cli.options import AsJson, Config, Overrides, given_of, settings_of
from cli.output import console, print_json, print_text, reserved_stdout
from cli.printable import clean

if TYPE_CHECKING:
    from rich.progress import TaskID

STEPS_TOLD = 10


def demo(
    context: typer.Context,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where picture and report go.")] = Path("demo-report"),
    quick: Annotated[bool, typer.Option("--quick", metavar="", help="Fewer tasks, for a first look.")] = False,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Show the main job for real: tasks fail without memory and succeed with it, same model, same prompts."""
    from cli.background import run
    from evaluation.demo import run_demo

    settings = settings_of(context, config or given_of(context).config or "local", overrides)
    with reserved_stdout(), DemoProgress(sys.stderr) as progress:
        summary = run(run_demo(out.expanduser(), settings, quick=quick, tell=progress.tell, step=progress.step))
    told = summary.as_json()
    if as_json:
        print_json(told)
    else:
        print_text(f"picture: {told['picture']}\nreport: {told['report']}")


class DemoProgress:
    """A bar a phase on a terminal, a line every tenth elsewhere; what is told appears above the bars."""

    def __init__(self, stream: TextIO) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._stream = stream
        self._console = console(stream)
        self._bars: Progress | None = None
        self._phases: dict[str, TaskID] = {}
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            name = TextColumn("{task.description}", markup=False)
            self._bars = Progress(name, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=self._console)

    def tell(self, text: str) -> None:
        """A paragraph: a task before and after, the learning curve, where the report lies."""
        from rich.text import Text

        self._console.print(Text(clean(text)), soft_wrap=self._bars is None)

    def step(self, phase: str, done: int, total: int) -> None:
        """`done` of `total` tasks of a phase are finished; called from any thread."""
        if self._bars is not None:
            if phase not in self._phases:
                self._phases[phase] = self._bars.add_task(clean(phase), total=total)
            self._bars.update(self._phases[phase], completed=done, total=total)
        elif done == total or done % max(total // STEPS_TOLD, 1) == 0:
            self._stream.write(f"{clean(phase)}: {done} of {total}\n")
            self._stream.flush()

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._bars is not None:
            self._bars.stop()
