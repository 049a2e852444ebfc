"""`memento cases forget` and `purge`: fewer cases by what they are worth, or none of a source."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import MAY_BE_SECRET, AsJson, Config, Given, Overrides, given_of, settings_of
from cli.output import print_json, print_table, print_text, say
from cli.printable import one_line

if TYPE_CHECKING:
    from configs.settings import Settings
    from memory.clusters import Clusters
    from memory.ledger import Ledger
    from memory.lifecycle import Prospect

SHOWN = 20
NAMED = 10
"""Ids up to which the command that undoes names them; more go into a file."""
Yes = Annotated[bool, typer.Option("--yes", "-y", metavar="", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", metavar="", help="Only say what would go.")]


def forget(
    context: typer.Context,
    keep: Annotated[int, typer.Option("--keep", min=0, metavar="N", help="How many may still be retrieved.")],
    dry_run: DryRun = False,
    yes: Yes = False,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Archive the cases of least expected use, at least one of each kind stays; restore brings them back."""
    from cli.background import run
    from memory.journal import replay
    from memory.ledger_stats import with_copies

    settings = settings_of(context, config, overrides)
    ledger = replay(settings.home)
    size = ledger.size(settings.namespace)
    going, clusters = _going(ledger, settings, keep, wait=not dry_run) if size > keep else ([], None)
    ids = with_copies(ledger, [one.case_id for one in going])
    if not as_json:
        _tell_going(ledger, going, clusters, size)
    restore = None
    if ids and not dry_run:
        if not yes:
            _confirm("forget", f"Archive {_counted(ids)}?")
        restore = _restore_command(given_of(context), settings, ids)
        run(_archive(settings, ids))
    if as_json:
        print_json(_forgotten_json(going, ids, clusters, size, restore))
    elif restore:
        say(f"archived {_counted(ids)}; to bring them back: {restore}", "green")


def purge(
    context: typer.Context,
    origin: Annotated[
        str, typer.Argument(metavar="ORIGIN", help="import:NAME, or import for every import; stats lists them.")
    ],
    descendants: Annotated[
        bool, typer.Option("--descendants", metavar="", help="Also cases that were built on these.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Delete every case of an origin for good; policies are then as if these had never taught.

    What they said stays in the journal until cases compact.
    """
    from cli.background import run
    from memory.journal import replay
    from memory.lifecycle import from_source

    settings = settings_of(context, config, overrides)
    own, built_on = from_source(replay(settings.home), settings.namespace, origin, descendants=descendants)
    what = f"{_counted(own)} from {one_line(origin)}" + (f" and {len(built_on)} built on them" if built_on else "")
    if not dry_run:
        if not yes:
            _confirm("purge", f"Delete {what} for good?")
        run(_delete(settings, [*own, *built_on]))
    if as_json:
        print_json({"origin": origin, "deleted": not dry_run, "cases": own, "descendants": built_on})
    else:
        say(f"{'would delete' if dry_run else 'deleted'} {what}", "yellow" if dry_run else "green")


def _going(ledger: Ledger, settings: Settings, keep: int, *, wait: bool) -> tuple[list[Prospect], Clusters]:
    """What would be archived; `wait` makes a bank that another process holds an error."""
    from cli.case_stats import task_vectors, vectors_if_free
    from memory.clusters import MOST_COMPARED, find_clusters, sketches
    from memory.estimates import estimates
    from memory.lifecycle import prospects, to_forget
    from memory.open_memories import MODELS
    from memory.policies.base import PolicyOptions

    namespace = settings.namespace
    vectors = None
    if ledger.size(namespace) <= MOST_COMPARED:
        vectors = task_vectors(settings) if wait else vectors_if_free(settings)
    known = estimates(ledger, namespace, PolicyOptions(settings.seed, settings.home / MODELS))
    sketch = {one.case_id: one for one in sketches(ledger, namespace)}
    ordered = [one for one in prospects(ledger, namespace, known) if one.case_id in sketch]
    clusters = find_clusters([sketch[one.case_id] for one in ordered], vectors)
    return to_forget(ordered, clusters.representative, keep), clusters


def _tell_going(ledger: Ledger, going: Sequence[Prospect], clusters: Clusters | None, size: int) -> None:
    if clusters is None or not going:
        say(f"nothing to forget: {size:,} cases may be retrieved", "green")
        return
    ids = [one.case_id for one in going[:SHOWN]]
    tasks = {entry.case.id: entry.case.task for entry in ledger.read(ledger.entry_rows(ids))}
    headings = ["expected use", "wanted", "value", "trust", "case", "stays", "task"]
    rows = [
        (f"{one.expected_use:.3f}", f"{one.wanted:.2f}", _value(one), f"{one.record.trust:.2f}", one.case_id,
         _stays(one, clusters), one_line(tasks[one.case_id], 100))
        for one in going[:SHOWN]
    ]  # fmt: skip
    print_table(headings, rows, widest=len(headings) - 1)
    kinds = len(set(clusters.representative.values()))
    alike = "by meaning" if clusters.method == "vectors" else "by the same task"
    gone = sum(clusters.representative[one.case_id] == one.case_id for one in going)
    kept = "one of each stays" if not gone else f"{gone:,} of which would have no case left"
    more = f" The {SHOWN} lowest of {len(going):,} are shown." if len(going) > SHOWN else ""
    print_text(f"{len(going):,} of {size:,} cases would go. Clusters {alike}: {kinds:,}, {kept}.{more}")


def _stays(one: Prospect, clusters: Clusters) -> str:
    first = clusters.representative[one.case_id]
    return first if first != one.case_id else "none alike"


def _value(one: Prospect) -> str:
    return "unknown" if one.estimate is None else f"{one.estimate.value:+.2f} ± {one.estimate.sd:.2f}"


def _forgotten_json(
    going: Sequence[Prospect], ids: Sequence[str], clusters: Clusters | None, size: int, restore: str | None
) -> dict[str, Any]:
    return {
        "archived": restore is not None,
        "retrievable": size - (len(going) if restore is not None else 0),
        "clusters": None
        if clusters is None
        else {"method": clusters.method, "count": len(set(clusters.representative.values()))},
        "cases": [
            {
                "id": one.case_id,
                "expected_use": one.expected_use,
                "wanted": one.wanted,
                "trust": one.record.trust,
                "value": one.estimate.value if one.estimate else None,
                "sd": one.estimate.sd if one.estimate else None,
            }
            for one in going
        ],
        "ids": list(ids),
        "restore": restore,
    }


def _restore_command(given: Given, settings: Settings, ids: Sequence[str]) -> str:
    """The command that undoes; many ids go into a file of the home."""
    from memory.private_files import write_private

    words = ["memento", "cases", "restore"]
    words += ["--config", given.config] if given.config else []
    for text in given.overrides:
        if not any(word in text.partition("=")[0] for word in MAY_BE_SECRET):
            words += ["--set", text]
    if len(ids) <= NAMED:
        return shlex.join([*words, *ids])
    path = settings.home / f"forgotten-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    write_private(path, "".join(f"{id_}\n" for id_ in ids).encode())
    return f"xargs {shlex.join(words)} < {shlex.quote(str(path))}"


def _confirm(command: str, question: str) -> None:
    from configs.errors import InvalidInputError

    if not sys.stdin.isatty():
        raise InvalidInputError(f"cases {command}: nobody is there to ask; --yes does it without asking")
    typer.confirm(question, abort=True, err=True)


def _counted(ids: Sequence[str]) -> str:
    return "1 case" if len(ids) == 1 else f"{len(ids):,} cases"


async def _archive(settings: Settings, ids: Sequence[str]) -> None:
    from memory.open_memories import open_case_memory

    async with open_case_memory(settings) as memory:
        await memory.set_archived(ids, True, namespace=settings.namespace)


async def _delete(settings: Settings, ids: Sequence[str]) -> None:
    from memory.open_memories import open_case_memory

    async with open_case_memory(settings) as memory:
        await memory.delete(ids, namespace=settings.namespace)
