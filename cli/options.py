"""The options that many commands share, and the settings they add up to."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from configs.settings import Settings

Config = Annotated[
    str | None,
    typer.Option("--config", metavar="NAME_OR_PATH", help="Settings from configs/NAME.yaml (such as local) or a file."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="One setting, such as top_k=2; may be given several times."),
]
AsJson = Annotated[bool, typer.Option("--json", metavar="", help="Print exactly one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", metavar="", help="No progress on stderr.")]

MAY_BE_SECRET = ("key", "url", "endpoint")


@dataclass(slots=True)
class Given:
    """What came before the command, and what the report of an error needs to know of the command."""

    config: str | None = None
    overrides: list[str] = field(default_factory=list)
    settings: Settings | None = None
    thread_id: str | None = None
    prints_result: bool = False

    def resume_command(self) -> str:
        """The command that goes on with the run; settings that may hold a secret are left to the person."""
        words = ["memento", "resume", self.thread_id or "THREAD"]
        words += ["--config", self.config] if self.config else []
        for text in self.overrides:
            if not any(word in text.partition("=")[0] for word in MAY_BE_SECRET):
                words += ["--set", text]
        return shlex.join(words)


def given_of(context: typer.Context) -> Given:
    """The process's `Given`, shared by the whole chain of contexts."""
    return context.ensure_object(Given)


def settings_of(context: typer.Context, config: str | None, overrides: list[str] | None) -> Settings:
    """The settings, from options before and after the command's name; the later ones win.

    Raises:
        ConfigurationError: as `load_settings`.
    """
    from configs.settings import load_settings

    given = given_of(context)
    given.config = config or given.config
    given.overrides += overrides or []
    given.settings = load_settings(given.config, given.overrides)
    return given.settings
