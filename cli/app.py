"""The command line put together."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import ask, cases, chat, demo, doctor, feedback, notes, resume, runs, tools, train
from cli.options import Config, Overrides, given_of
from cli.output import print_text

HELP = (
    "An agent whose language model stays frozen and which still learns: every finished task becomes a case it can use."
)


def build_app() -> typer.Typer:
    """Every command in the order of the help page."""
    app = typer.Typer(
        name="memento",
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    app.command("ask")(ask.ask)
    app.command("chat")(chat.chat)
    app.command("resume")(resume.resume)
    app.add_typer(runs.app, name="runs")
    app.command("feedback")(feedback.feedback)
    app.add_typer(cases.app, name="cases")
    app.add_typer(notes.app, name="notes")
    app.command("train")(train.train)
    app.add_typer(tools.app, name="tools")
    app.command("doctor")(doctor.doctor)
    app.command("demo")(demo.demo)
    return app


def print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print_text(f"memento {version('memento-agent')}")
        raise typer.Exit


def root(
    context: typer.Context,
    config: Config = None,
    overrides: Overrides = None,
    version: Annotated[
        bool, typer.Option("--version", metavar="", help="Print the version.", is_eager=True, callback=print_version)
    ] = False,
) -> None:
    """Options before the command hold for every command."""
    given = given_of(context)
    given.config = config
    given.overrides = list(overrides or [])
