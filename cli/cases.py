"""`memento cases`: the case bank. What only reads takes the journal and no lock, so it works while an agent runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli import case_changes, case_compact, case_files, case_lifecycle, case_stats
from cli.options import AsJson, Config, Overrides, settings_of
from cli.output import print_json, print_pretty, print_table, say
from cli.printable import one_line
from cli.times import when

if TYPE_CHECKING:
    from configs.settings import Settings
    from memory.case import Reward
    from memory.case_memory import ScoredCase
    from memory.entries import Entry
    from memory.ledger import Ledger

app = typer.Typer(help="The case bank: what was learned, and from where.", no_args_is_help=True)

Outcome = Literal["right", "wrong", "unknown"]
OUTCOMES: dict[Reward | None, Outcome] = {1: "right", 0: "wrong", None: "unknown"}
CaseId = Annotated[str, typer.Argument(metavar="CASE_ID", help="The case's id, or its first 4 characters or more.")]


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    outcome: Annotated[Outcome | None, typer.Option(help="Only these.")] = None,
    archived: Annotated[bool, typer.Option("--archived", metavar="", help="Archived ones too.")] = False,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """The cases, newest first."""
    settings = settings_of(context, config, overrides)
    rewards = [reward for reward, name in OUTCOMES.items() if outcome in (None, name)]
    entries, total = _ledger(settings).of(settings.namespace).newest(limit, archived=archived, rewards=rewards)
    if as_json:
        print_json({"cases": [_as_json(entry) for entry in entries], "total": total})
        return
    rows = [
        (e.case.id, _outcome(e), when(e.case.created_at), one_line(e.case.task), one_line(e.case.answer, 40))
        for e in entries
    ]
    print_table(["case", "outcome", "when", "task", "answer"], rows, widest=3)
    if total > len(entries):
        say(f"{len(entries)} of {total} cases; --limit shows more", "dim")


@app.command()
def show(
    context: typer.Context,
    case: CaseId,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """One case with its plan, its tool calls and where it comes from."""
    from cli.identifiers import find_case
    from cli.trees import case_tree

    settings = settings_of(context, config, overrides)
    ledger = _ledger(settings)
    entry = ledger.entries[find_case(ledger, case, settings.namespace)]
    if as_json:
        print_json({**_as_json(entry), "episode": entry.episode.model_dump() if entry.episode else None})
    else:
        print_pretty(case_tree(entry))


@app.command()
def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A task, or what it is about.")],
    limit: Annotated[int, typer.Option("--limit", "-k", min=1, max=1000, help="The nearest so many.")] = 10,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """The cases nearest in meaning, good and bad ones."""
    from cli.background import run
    from cli.case_search import nearest_cases

    found = run(nearest_cases(settings_of(context, config, overrides), text, limit))
    if as_json:
        print_json({"cases": [_scored(each) for each in found]})
        return
    rows = [
        (f"{each.score:.3f}", each.case.id, OUTCOMES[each.case.reward], one_line(each.case.task), each.case.answer[:40])
        for each in found
    ]
    print_table(["cosine", "case", "outcome", "task", "answer"], rows, widest=3)


app.command("stats")(case_stats.stats)
app.command("import")(case_files.import_)
app.command("export")(case_files.export)
app.command("archive")(case_changes.archive)
app.command("restore")(case_changes.restore)
app.command("delete")(case_changes.delete)
app.command("compact")(case_compact.compact)
app.command("purge")(case_lifecycle.purge)
app.command("forget")(case_lifecycle.forget)


def _ledger(settings: Settings) -> Ledger:
    from memory.journal import replay

    return replay(settings.home)


def _outcome(entry: Entry) -> str:
    return OUTCOMES[entry.case.reward] + (", archived" if entry.archived else "")


def _as_json(entry: Entry) -> dict[str, Any]:
    return {**entry.case.model_dump(mode="json"), "archived": entry.archived}


def _scored(each: ScoredCase) -> dict[str, Any]:
    return {**each.case.model_dump(mode="json"), "score": round(each.score, 4)}
