"""`memento notes`: what the user asked to be kept in mind. The notes of one namespace, shown to the planner."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import AsJson, Config, Overrides, settings_of
from cli.output import print_json, print_table, say
from cli.printable import one_line
from cli.times import when

if TYPE_CHECKING:
    from configs.settings import Settings
    from memory.user_memory import UserMemory, UserNote

app = typer.Typer(help="Your standing wishes and facts, shown to the planner in every task.", no_args_is_help=True)

NoteId = Annotated[str, typer.Argument(metavar="ID", help="The note's id, or its first 4 characters or more.")]
NoteText = Annotated[
    str, typer.Argument(metavar="TEXT", help="At most 500 characters, such as: answer in metric units")
]


@app.command("list")
def list_(context: typer.Context, config: Config = None, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """The notes, oldest first."""
    settings = settings_of(context, config, overrides)
    notes = memory_of(settings).notes()
    if as_json:
        print_json({"namespace": settings.namespace, "notes": [note.model_dump(mode="json") for note in notes]})
        return
    rows = [(note.id, when(note.created_at), note.source, one_line(note.text, 500)) for note in notes]
    print_table(["note", "when", "source", "text"], rows, widest=3)
    if not settings.user_memory:
        say("user_memory is false: the notes are kept and not shown to the planner", "yellow")


@app.command()
def add(
    context: typer.Context,
    text: NoteText,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Keep a wish or a fact; the planner sees it from the next task on."""
    kept = memory_of(settings_of(context, config, overrides)).add(text, "command")
    _tell("noted" if kept.new else "known already", kept.note, as_json=as_json, new=kept.new)


@app.command()
def edit(
    context: typer.Context,
    note: NoteId,
    text: NoteText,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Give a note another text."""
    memory = memory_of(settings_of(context, config, overrides))
    _tell("changed", memory.edit(find_note(memory, note), text), as_json=as_json)


@app.command()
def delete(
    context: typer.Context,
    notes: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Ids of notes, or their first 4 characters or more.")
    ],
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Delete notes."""
    memory = memory_of(settings_of(context, config, overrides))
    ids = list(dict.fromkeys(find_note(memory, note) for note in notes))
    memory.delete(ids)
    _tell_deleted(ids, as_json=as_json)


@app.command()
def clear(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", metavar="", help="Do not ask.")] = False,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Delete every note of the namespace."""
    from configs.errors import InvalidInputError

    memory = memory_of(settings_of(context, config, overrides))
    if not yes and not sys.stdin.isatty():
        raise InvalidInputError("notes clear: nobody is there to ask; --yes deletes without asking")
    if not yes:
        typer.confirm("Delete every note for good?", abort=True, err=True)
    _tell_deleted(memory.clear(), as_json=as_json)


def memory_of(settings: Settings) -> UserMemory:
    """The notes of whoever these settings work for."""
    from memory.user_memory import UserMemory

    return UserMemory.of(settings)


def find_note(memory: UserMemory, given: str) -> str:
    """A note's id. Raises InvalidInputError as `cli.identifiers.find`."""
    from cli.identifiers import find

    return find(given, [note.id for note in memory.notes()], "note")


def _tell(what: str, note: UserNote, *, as_json: bool, **more: Any) -> None:
    if as_json:
        print_json({"note": note.model_dump(mode="json"), **more})
    else:
        say(f"{what}: {note.text} ({note.id})", "green")


def _tell_deleted(ids: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"deleted": ids})
    else:
        say(f"deleted {', '.join(ids)}" if ids else "there are no notes", "green")
