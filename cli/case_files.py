"""`memento cases import` and `export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import USAGE
from cli.options import AsJson, Config, Overrides, settings_of
from cli.output import print_json, print_text, say
from cli.printable import escaped_json

if TYPE_CHECKING:
    from configs.settings import Settings
    from memory.exchange import ImportReport

BAD_LINES_SHOWN = 20


def import_(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A JSONL file.")],
    trusted: Annotated[
        bool, typer.Option("--trusted", metavar="", help="You stand for what the file says; your own export, say.")
    ] = False,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Import cases: lines with question/plan/reward, with case/plan/case_label, or of our own export.

    They start untrusted: they take few slots where your own cases are as near, until what they are shown for succeeds.
    """
    from cli.background import run

    report = run(_import(settings_of(context, config, overrides), path.expanduser(), vouched=trusted))
    if as_json:
        bad = [{"line": each.line, "reason": each.reason} for each in report.rejected]
        print_json({"new": report.added, "known": report.known, "duplicates": report.duplicates, "bad": bad})
    else:
        known = f", {report.known} there already" if report.known else ""
        twice = f", {report.duplicates} given twice" if report.duplicates else ""
        print_text(f"{report.added} new cases{known}{twice}, {len(report.rejected)} bad lines")
    for each in report.rejected[:BAD_LINES_SHOWN]:
        say(f"{path} line {each.line}: {each.reason}", "yellow")
    if len(report.rejected) > BAD_LINES_SHOWN:
        say(f"... and {len(report.rejected) - BAD_LINES_SHOWN} more bad lines", "yellow")
    if report.added + report.known == 0:
        say(f"{path}: no case in it could be imported", "red")
        raise typer.Exit(USAGE)


def export(
    context: typer.Context,
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="Where to write; - is stdout. The file is replaced.")
    ] = "-",
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Export every case of the namespace as JSONL, from which import restores exactly the same cases."""
    from configs.errors import InvalidInputError
    from memory.exchange import export_file, export_lines
    from memory.journal import replay

    settings = settings_of(context, config, overrides)
    entries = replay(settings.home).of(settings.namespace)
    if path != "-":
        count = export_file(entries, Path(path).expanduser())
        if as_json:
            print_json({"cases": count, "path": path})
        else:
            say(f"{count} cases written to {path}", "green")
        return
    if as_json:
        raise InvalidInputError("cases export --json: takes a PATH, because the cases themselves would go to stdout")
    for line in export_lines(entries):
        sys.stdout.write(f"{escaped_json(line)}\n")


async def _import(settings: Settings, path: Path, *, vouched: bool) -> ImportReport:
    from memory.open_memories import open_case_memory

    async with open_case_memory(settings) as memory:
        return await memory.import_file(path, namespace=settings.namespace, vouched=vouched)
