"""`memento cases compact`: deleted cases leave the journal too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from cli.options import AsJson, Config, Overrides, settings_of
from cli.output import print_json, say

if TYPE_CHECKING:
    from configs.settings import Settings
    from memory.compaction import Compacted


def compact(
    context: typer.Context,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Take what deleted cases said out of the journal, in every namespace of the home.

    The other lines stay as they are. Runs, backups and exports keep their own copies.
    """
    from cli.background import run

    done = run(_compact(settings_of(context, config, overrides)))
    if as_json:
        print_json(
            {
                "bytes_before": done.bytes_before,
                "bytes_after": done.bytes_after,
                "cases_erased": done.cases_erased,
            }
        )
        return
    cases = "1 deleted case" if done.cases_erased == 1 else f"{done.cases_erased:,} deleted cases"
    say(f"the journal has no more of {cases}: {done.bytes_before:,} bytes before, {done.bytes_after:,} now", "green")


async def _compact(settings: Settings) -> Compacted:
    from memory.open_memories import open_case_memory

    async with open_case_memory(settings) as memory:
        return await memory.compact()
