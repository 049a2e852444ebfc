"""`memento chat`: one conversation, task after task, with everything opened once."""

from __future__ import annotations

import signal
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.approval import can_ask, carried_on
from cli.background import Background
from cli.carry_out import how_to_go_on, print_answer, print_footer
from cli.exits import DONE, INTERRUPTED, code_of_name
from cli.failures import report
from cli.interrupts import INTERRUPTS, Interrupted
from cli.notes import find_note, memory_of
from cli.options import Config, Given, Overrides, given_of, settings_of
from cli.output import reserved_stdout, say
from cli.printable import one_line
from cli.progress import progress_view

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from graph.api import OnEvent
    from graph.results import Result
    from graph.services import Services
    from memory.case import Reward

PROMPT = "\n› "
HELP = """\
/file PATH  hand a file over with the next question
/good /bad  the last answer was right, or wrong; the memory learns from it
/remember TEXT  keep a wish or a fact for every task, such as: answer in metric units
/notes      what is kept; /forget ID deletes one
/help       this list
/exit       leave, as does Ctrl-D; Ctrl-C stops a running task
anything else is a question; the conversation so far is known"""


def chat(
    context: typer.Context,
    thread: Annotated[
        str | None, typer.Option(metavar="ID", help="Go on with this conversation, or name a new one.")
    ] = None,
    config: Config = None,
    overrides: Overrides = None,
) -> None:
    """Ask task after task in one conversation; /help lists what else can be typed."""
    settings = settings_of(context, config, overrides)

    from graph.api import check_thread_id
    from graph.services import open_services

    given = given_of(context)
    given.thread_id = check_thread_id(thread or uuid.uuid4().hex[:12])
    with Background() as background, background.hold(open_services(settings)) as services:
        conversation = Conversation(background, services, given)
        if conversation.interactive:
            say(f"conversation {given.thread_id}; /help lists the commands, /exit leaves", "dim")
        for line in conversation.lines():
            conversation.take(line)
    if conversation.code != DONE:
        raise typer.Exit(conversation.code)


@dataclass
class Conversation:
    """What is said in one chat. `code` is that of the last task that failed, for scripts that pipe questions in."""

    background: Background
    services: Services
    given: Given
    code: int = DONE
    files: list[Path] = field(default_factory=list)
    last_case: str | None = None

    def __post_init__(self) -> None:
        self.interactive = sys.stdin.isatty() and sys.stdout.isatty()

    def lines(self) -> Iterator[str]:
        """What is typed, until /exit, the end of input or SIGTERM."""
        while True:
            try:
                line = self._read()
            except EOFError:
                return
            except Interrupted as interrupt:
                if interrupt.number == signal.SIGTERM:
                    self.code = INTERRUPTED
                    return
                INTERRUPTS.settle()
                say("/exit or Ctrl-D leaves", "dim")
                continue
            if line.strip() == "/exit":
                return
            if line.strip():
                yield line.strip()

    def take(self, line: str) -> None:
        """Do what a line says; whatever goes wrong, the conversation goes on."""
        command, _, rest = line.partition(" ")
        try:
            match command:
                case "/help":
                    sys.stderr.write(f"{HELP}\n")
                case "/file":
                    self._add_file(rest.strip())
                case "/remember":
                    self._remember(rest)
                case "/notes":
                    self._list_notes()
                case "/forget":
                    self._forget(rest.strip())
                case "/good":
                    self._reward(1)
                case "/bad":
                    self._reward(0)
                case _ if command.startswith("/"):
                    say(f"unknown command {command[:40]}; /help lists the commands", "yellow")
                case _:
                    self._ask(line)
        except Exception as error:  # noqa: BLE001  the boundary: the traceback goes to the error log
            self.code = report(error, self.given, as_json=False)

    def _read(self) -> str:
        if self.interactive:
            import readline  # noqa: F401  gives input() its line editing and history

            return input(PROMPT)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line

    def _add_file(self, given: str) -> None:
        from graph.workspaces import check_file

        path = Path(given).expanduser()
        check_file(path)
        self.files.append(path)
        say(f"{path.name} goes with the next question", "dim")

    def _remember(self, text: str) -> None:
        kept = memory_of(self.services.settings).add(text, "command")
        say(f"{'noted' if kept.new else 'known already'}: {kept.note.text} ({kept.note.id[:8]})", "green")

    def _list_notes(self) -> None:
        for note in memory_of(self.services.settings).notes():
            sys.stderr.write(f"{note.id[:8]}  {one_line(note.text, 500)}\n")

    def _forget(self, given: str) -> None:
        memory = memory_of(self.services.settings)
        note_id = find_note(memory, given)
        memory.delete([note_id])
        say(f"deleted {note_id[:8]}", "green")

    def _reward(self, reward: Reward) -> None:
        if self.last_case is None:
            say("there is no answer to judge yet", "yellow")
            return
        self.background.call(
            self.services.memory.feedback(self.last_case, reward, namespace=self.services.settings.namespace)
        )
        say(f"case {self.last_case} is {'correct' if reward else 'incorrect'}", "green" if reward else "yellow")

    def _ask(self, question: str) -> None:
        from graph.api import aask

        def start(on_event: OnEvent, services: Services | None) -> Coroutine[Any, Any, Result]:
            files, thread_id = self.files, self.given.thread_id
            return aask(question, files=files, thread_id=thread_id, on_event=on_event, services=services)

        with reserved_stdout():
            try:
                result = carried_on(
                    self.background,
                    progress_view(quiet=False),
                    start,
                    self.services.settings,
                    self.services,
                    asking=can_ask(),
                )
            except Interrupted as interrupt:
                if interrupt.number == signal.SIGTERM:
                    raise
                INTERRUPTS.settle()
                say(f"stopped; ask on, or later: {self.given.resume_command()}", "yellow")
                return
        self.files = []
        if result.interrupts:
            say(how_to_go_on(result, self.given), "yellow")
            self.code = INTERRUPTED
        elif result.status == "answered":
            self.last_case = result.case_id
            print_answer(result.answer or "")
            print_footer(result)
        else:
            reason = result.error.message if result.error is not None else "the run did not end"
            say(reason, "red")
            self.code = code_of_name(result.error.type if result.error is not None else "")
