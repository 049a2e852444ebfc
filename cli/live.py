"""The live view of a run on a terminal: cases, the plan ticked off line by line, tool calls, what goes on right now."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cli.lines import remembered_text
from cli.printable import call_text, clean, one_line
from cli.run_view import Call, Item, RunView
from cli.symbols import symbols_of

CALLS_SHOWN = 4
SPARE = 4
"""Columns left free: the terminal's echo of ^C must not wrap, or the next frame begins a line too low."""
STYLES = {"done": "green", "partial": "yellow", "failed": "red", "pending": "dim", "running": "cyan"}


class LiveView:
    """Draws a `RunView` again and again. A context manager, to be entered again after a pause; what it drew last stays
    on the screen.
    """

    def __init__(self, console: Console) -> None:
        self.view = RunView(stage_since=time.monotonic())
        self._lock = threading.Lock()
        self._symbols = symbols_of(console)
        self._spinner = Spinner(self._symbols.spinner, style="cyan")
        self._console = console
        self._live = Live(self, console=console, refresh_per_second=12.5, vertical_overflow="ellipsis")
        self._over = False

    def on_event(self, event: object) -> None:
        """Fold an event in; may be called from any thread."""
        with self._lock:
            self.view.apply(event, time.monotonic())  # type: ignore[arg-type]  # graph.events is too heavy to import

    def __enter__(self) -> LiveView:
        self._over, self._live.vertical_overflow = False, "ellipsis"
        self._live.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over = True
        self._live.vertical_overflow = "visible"
        self._live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        with self._lock:
            yield from self._rows(time.monotonic())

    def _rows(self, now: float) -> Iterator[Table | Text]:
        for message in self.view.warnings:
            yield _line(Text(f"! {one_line(message, 500)}", style="yellow"))
        if self.view.policy is not None:
            yield self._cases()
        for note_id, text in self.view.remembered.items():
            yield Text(remembered_text(note_id, text), style="cyan")
        if self.view.items:
            yield self._plan(now)
        for note in self.view.notes:
            yield _line(Text(f"! {one_line(note, 500)}", style="yellow"))
        if self.view.stage and not self._over:
            yield self._columns([(self._turning(now), Text(f"{self.view.stage} …", style="dim"), self._since(now))])

    def _cases(self) -> Table:
        cases, policy = self.view.cases, self.view.policy
        count = f"{len(cases)} earlier {'case' if len(cases) == 1 else 'cases'}" if cases else "no earlier case"
        rows = [(Text(""), Text.assemble((count, "bold"), (f"  {policy}", "dim")), Text(""))]
        for case in cases:
            good = case["reward"] == 1
            sign = Text(self._symbols.done if good else self._symbols.failed, style="green" if good else "red")
            answer = f" {self._symbols.arrow} {one_line(case['answer'], 60)}" if case["answer"] else ""
            body = Text.assemble((f"{case['score']:.2f} ", "dim"), one_line(case["task"]), (answer, "dim"))
            rows.append((sign, body, Text(clean(case["id"][:8]), style="dim")))
        return self._columns(rows)

    def _plan(self, now: float) -> Table:
        title = "plan" if self.view.cycle < 2 else f"plan, round {self.view.cycle}"
        rows = [(Text(""), Text.assemble((title, "bold"), (f"  {self._spent()}", "dim")), Text(""))]
        for item in self.view.items.values():
            rows.extend(self._item(item, now))
        return self._columns(rows)

    def _spent(self) -> str:
        spent = self.view.spent
        if not spent.calls:
            return ""
        cost = "" if spent.cost_usd is None else f", ${spent.cost_usd:.4f}"
        return f"{spent.tokens:,} tokens{cost}"

    def _item(self, item: Item, now: float) -> Iterator[tuple[Text, Text, Text]]:
        running = item.status == "running" and not self._over
        sign = self._turning(now) if running else Text(self._sign(item), style=STYLES[item.status])
        seconds = (now if item.status == "running" else item.ended) - item.started
        spent = Text("" if item.status == "pending" else f"{seconds:.1f} s", style="dim")
        body = Text(f"{item.id} {one_line(item.description)}", style="dim" if item.status == "pending" else "")
        yield sign, body, spent
        hidden = len(item.calls) - CALLS_SHOWN
        if hidden > 0:
            yield Text(""), Text(f"  … {hidden} earlier tool calls", style="dim"), Text("")
        for call in item.calls[-CALLS_SHOWN:]:
            yield Text(""), self._call(call), Text("")
        if item.status == "failed" or (item.result and not any(item.result == call.result for call in item.calls)):
            style = "red" if item.status == "failed" else "dim"
            yield Text(""), Text(f"  {self._symbols.arrow} {one_line(item.result)}", style=style), Text("")

    def _call(self, call: Call) -> Text:
        text = Text.assemble("  ", (call_text(call.name, call.arguments), "cyan"))
        if call.result is None and call.progress:
            text.append(f"  {call.progress}", style="dim")
        if call.result is not None:
            text.append(f" {self._symbols.arrow} {one_line(call.result)}", style="" if call.ok else "red")
        return text

    def _sign(self, item: Item) -> str:
        signs = {"done": self._symbols.done, "failed": self._symbols.failed, "partial": self._symbols.unknown}
        return signs.get(item.status, self._symbols.pending)

    def _turning(self, now: float) -> Text:
        frame = self._spinner.render(now)
        return frame if isinstance(frame, Text) else Text("")

    def _since(self, now: float) -> Text:
        return Text(f"{now - self.view.stage_since:.1f} s", style="dim")

    def _columns(self, rows: list[tuple[Text, Text, Text]]) -> Table:
        grid = Table.grid(padding=(0, 1))
        grid.width = max(self._console.width - SPARE, 20)
        grid.add_column(width=1)
        grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        grid.add_column(justify="right", no_wrap=True)
        for row in rows:
            grid.add_row(*row)
        return grid


def _line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
