"""`memento cases archive`, `restore` and `delete`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AsJson, Config, Overrides, settings_of
from cli.output import print_json, say

if TYPE_CHECKING:
    from configs.settings import Settings

CaseIds = Annotated[
    list[str], typer.Argument(metavar="CASE_ID...", help="Ids of cases, or their first 4 characters or more.")
]


def archive(
    context: typer.Context,
    cases: CaseIds,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Take cases out of retrieval; they stay in the bank and can be restored."""
    _move(settings_of(context, config, overrides), cases, archived=True, as_json=as_json)


def restore(
    context: typer.Context,
    cases: CaseIds,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Put archived cases back into retrieval."""
    _move(settings_of(context, config, overrides), cases, archived=False, as_json=as_json)


def delete(
    context: typer.Context,
    cases: CaseIds,
    yes: Annotated[bool, typer.Option("--yes", "-y", metavar="", help="Do not ask.")] = False,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Delete cases for good; archive is the way that can be undone.

    What they said stays in the journal until cases compact.
    """
    from cli.background import run

    settings = settings_of(context, config, overrides)
    ids = _ids(settings, cases)
    if not yes:
        _confirm(ids)
    run(_delete(settings, ids))
    _tell("deleted", ids, as_json=as_json)


def _confirm(ids: Sequence[str]) -> None:
    from configs.errors import InvalidInputError

    if not sys.stdin.isatty():
        raise InvalidInputError("cases delete: nobody is there to ask; --yes deletes without asking")
    count = "1 case" if len(ids) == 1 else f"{len(ids)} cases"
    typer.confirm(f"Delete {count} for good?", abort=True, err=True)


def _move(settings: Settings, cases: Sequence[str], *, archived: bool, as_json: bool) -> None:
    from cli.background import run

    ids = _ids(settings, cases)
    run(_set_archived(settings, ids, archived))
    _tell("archived" if archived else "restored", ids, as_json=as_json)


def _ids(settings: Settings, cases: Sequence[str]) -> list[str]:
    from cli.identifiers import find_case
    from memory.journal import replay

    ledger = replay(settings.home)
    return list(dict.fromkeys(find_case(ledger, case, settings.namespace) for case in cases))


def _tell(what: str, ids: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        print_json({what: list(ids)})
    else:
        say(f"{what} {', '.join(ids)}", "green")


async def _set_archived(settings: Settings, ids: Sequence[str], archived: bool) -> None:
    from memory.open_memories import open_case_memory

    async with open_case_memory(settings) as memory:
        await memory.set_archived(ids, archived, namespace=settings.namespace)


async def _delete(settings: Settings, ids: Sequence[str]) -> None:
    from memory.open_memories import open_case_memory

    async with open_case_memory(settings) as memory:
        await memory.delete(ids, namespace=settings.namespace)
