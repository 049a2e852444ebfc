"""A run that waits for a person: ask at the terminal, and go on with the answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from cli.approval_edit import edited, edited_action
from cli.approval_text import action_lines, actions_of
from cli.background import Background
from cli.output import say
from cli.printable import one_line
from configs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from cli.lines import Lines
    from cli.live import LiveView
    from configs.settings import Settings
    from graph.answers import Waiting
    from graph.api import OnEvent
    from graph.results import Result
    from graph.services import Services

    Start: TypeAlias = Callable[[OnEvent, Services | None], Coroutine[Any, Any, Result]]

Answers: TypeAlias = dict[str, Any]
CHOICES = "[a]pprove, [e]dit or [r]eject? "


def can_ask() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def carried_on(
    background: Background,
    view: LiveView | Lines,
    start: Start,
    settings: Settings,
    services: Services | None,
    *,
    asking: bool,
) -> Result:
    """Run until the end, or until something waits that nobody answers here.

    Args:
        background: where it runs.
        view: shows the events; stopped while a question is asked.
        start: begins the run.
        settings, services: to go on with; the services are opened anew where they are None.
        asking: whether to ask.

    Raises:
        Interrupted: after Ctrl-C, also at a question.
    """
    from graph.api import aresume

    with view:
        result = background.call(start(view.on_event, services))
    while asking and result.interrupts and (answers := ask_person(result.interrupts)):
        with view:
            going_on = aresume(
                result.thread_id, answers=answers, settings=settings, services=services, on_event=view.on_event
            )
            result = background.call(going_on)
    return result


@contextmanager
def held_services(background: Background, settings: Settings, *, resuming: bool) -> Iterator[Services | None]:
    """The services for a run that may stop for questions, so that its tools keep what they hold meanwhile."""
    if settings.approval == "none" and not resuming:
        yield None
        return
    from graph.services import open_services

    with background.hold(open_services(settings)) as services:
        yield services


def ask_person(waiting: Sequence[Waiting]) -> Answers | None:
    """Ask about one thing after the other; None once the input ends."""
    answers: Answers = {}
    try:
        for each in waiting:
            answers[each["id"]] = {"decisions": _decisions(each["value"])}
    except EOFError:
        sys.stderr.write("\n")
        return None
    return answers


def given_answers(
    waiting: Sequence[Waiting],
    approve: bool,
    reject: str | None,
    edit: str | None,
    nothing: str = "nothing waits for an answer",
) -> Answers | None:
    """The answers that options give: one decision for all that waits; None without an option.

    Args:
        waiting: what waits.
        approve, reject, edit: the options.
        nothing: what to say where nothing waits.

    Raises:
        InvalidInputError: nothing waits, several options are given, or an edit meets more than one action.
    """
    if (approve, reject is not None, edit is not None).count(True) > 1:
        raise InvalidInputError("--approve, --reject and --edit: takes one of them")
    if not approve and reject is None and edit is None:
        return None
    if not waiting:
        raise InvalidInputError(nothing)
    actions = [action for each in waiting for action in actions_of(each["value"])]
    if edit is not None:
        if len(actions) != 1:
            raise InvalidInputError(f"--edit: {len(actions)} actions wait; resume at a terminal, which asks for each")
        decision: dict[str, Any] = {"type": "edit", "edited_action": edited_action(actions[0], edit)}
    else:
        decision = {"type": "approve"} if reject is None else {"type": "reject", "message": reject}
    return {each["id"]: {"decisions": [decision] * len(actions_of(each["value"]))} for each in waiting}


def _decisions(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    if value.get("fault"):
        say(str(value["fault"]), "yellow")
    return [_decision(value, number) for number, _ in enumerate(actions_of(value))]


def _decision(value: Mapping[str, Any], number: int) -> dict[str, Any]:
    sys.stderr.write("\n" + "\n".join(action_lines(value, number)) + "\n")
    while True:
        choice = _read(CHOICES).strip().lower()
        if choice in ("a", "approve"):
            return {"type": "approve"}
        if choice in ("r", "reject"):
            return {"type": "reject", "message": _read("why (may be empty): ").strip()}
        if choice in ("e", "edit"):
            try:
                return {"type": "edit", "edited_action": edited(actions_of(value)[number], _read)}
            except InvalidInputError as error:
                say(one_line(str(error)), "yellow")


def _read(prompt: str) -> str:
    sys.stderr.flush()
    return input(prompt)
