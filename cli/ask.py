"""`memento ask`: one task from question to case."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AsJson, Config, Overrides, Quiet, given_of, settings_of

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from graph.api import OnEvent
    from graph.results import Result
    from graph.services import Services

MAX_STDIN_CHARS = 10_000_000


def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The task; - reads it from stdin.")],
    file: Annotated[
        list[Path] | None, typer.Option("--file", metavar="PATH", help="A file the task is about; may be repeated.")
    ] = None,
    expected: Annotated[
        str | None, typer.Option(metavar="ANSWER", help="The right answer, for the reward; the agent never sees it.")
    ] = None,
    thread: Annotated[
        str | None, typer.Option(metavar="ID", help="Go on with this conversation, or name a new one.")
    ] = None,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run one task: plan, subtasks, tool calls, the answer. The finished task becomes a case."""
    given = given_of(context)
    given.prints_result = True
    settings = settings_of(context, config, overrides)
    text = read_question(question)

    from cli.carry_out import carry_out
    from graph.api import aask, check_thread_id

    given.thread_id = thread_id = check_thread_id(thread or uuid.uuid4().hex[:12])

    def start(on_event: OnEvent, services: Services | None) -> Coroutine[Any, Any, Result]:
        return aask(
            text,
            files=file or [],
            expected=expected,
            thread_id=thread_id,
            settings=settings,
            on_event=on_event,
            services=services,
        )

    carry_out(start, given, settings, as_json=as_json, quiet=quiet)


def read_question(argument: str) -> str:
    """The argument, or stdin for `-`.

    Raises:
        InvalidInputError: it is no text.
    """
    from configs.errors import InvalidInputError

    text = argument
    if argument == "-":
        try:
            text = sys.stdin.read(MAX_STDIN_CHARS)
        except UnicodeDecodeError:
            raise InvalidInputError("the question is not UTF-8 text") from None
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInputError("the question is not UTF-8 text")
    return text
