"""`memento feedback`: a person's or a verifier's reward for a finished task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.options import AsJson, Config, Overrides, settings_of
from cli.output import print_json, say

if TYPE_CHECKING:
    from configs.settings import Settings
    from memory.case import Case, Reward

Verdict = Literal["correct", "incorrect"]
Source = Literal["person", "verifier"]
REWARD_OF: dict[Verdict, Reward] = {"correct": 1, "incorrect": 0}


def feedback(
    context: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE_ID", help="The case's id, or its first 4 characters or more.")],
    verdict: Annotated[Verdict, typer.Argument(help="Was the answer right?")],
    note: Annotated[str, typer.Option(help="Why, in a few words; kept in the journal.")] = "",
    source: Annotated[Source, typer.Option(help="Who says so.")] = "person",
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Say whether an answer was right; it replaces any earlier reward and counts from the next task on."""
    from cli.background import run
    from cli.identifiers import find_case
    from memory.journal import replay

    settings = settings_of(context, config, overrides)
    case_id = find_case(replay(settings.home), case, settings.namespace)
    changed = run(_give(settings, case_id, REWARD_OF[verdict], note, source))
    if as_json:
        print_json({"case_id": changed.id, "reward": changed.reward, "reward_source": changed.reward_source})
    else:
        say(f"case {changed.id} is {verdict}", "green" if changed.reward else "yellow")


async def _give(settings: Settings, case_id: str, reward: Reward, note: str, source: Source) -> Case:
    from configs.errors import CaseBankInUseError
    from memory.open_memories import open_case_memory

    try:
        async with open_case_memory(settings) as memory:
            return await memory.feedback(case_id, reward, note, namespace=settings.namespace, source=source)
    except CaseBankInUseError as error:
        route = f"POST /cases/{case_id}/feedback"
        raise CaseBankInUseError(f"{error}; if that is a LangGraph server, its {route} takes feedback") from error
