"""How a command that ends with an exception is reported: one line on stderr, with `--json` an object on stdout."""

from __future__ import annotations

import time
import traceback
from pathlib import Path
from typing import Any

import typer.exceptions

from cli.exits import FAILED, USAGE, code_of
from cli.options import Given
from cli.output import print_json, print_text, say
from configs.errors import MementoError
from configs.private_folders import private_folder

LOG = Path("logs", "errors.log")


def report(error: Exception, given: Given, *, as_json: bool) -> int:
    """Tell what went wrong and return the exit code."""
    if type(error).__name__ == "NoArgsIsHelpError":  # typer has no public name for it
        print_text(str(error))
        return USAGE
    if isinstance(error, typer.Abort):
        say("nothing was done", "yellow")
        return FAILED
    code, kind, message = _explained(error, given)
    if as_json:
        print_json(failed(given, kind, message))
    say(message, "red")
    return code


def report_interrupt(given: Given, *, as_json: bool) -> None:
    """The same for Ctrl-C where no run was going on, or none that could be read back."""
    if as_json:
        print_json(interrupted(given))
    kept = f"; go on with: {given.resume_command()}" if given.thread_id else ""
    say(f"interrupted{kept}", "yellow")


def interrupted(given: Given) -> dict[str, Any]:
    """The object of a command that was stopped."""
    return {**failed(given, "", ""), "status": "interrupted", "error": None}


def failed(given: Given, kind: str, message: str) -> dict[str, Any]:
    """The object of a command that failed; a run's command prints all keys of a run's result."""
    error = {"type": kind, "message": message}
    if not given.prints_result:
        return {"status": "failed", "error": error}
    return {
        "thread_id": given.thread_id,
        "status": "failed",
        "answer": None,
        "reward": None,
        "reward_source": None,
        "case_id": None,
        "cases_used": [],
        "cycles": 0,
        "plan": [],
        "subtasks": [],
        "usage": {"input_tokens": 0, "output_tokens": 0, "llm_calls": 0, "cost_usd": None},
        "seconds": 0.0,
        "error": error,
        "interrupts": [],
    }


def _explained(error: Exception, given: Given) -> tuple[int, str, str]:
    if isinstance(error, MementoError):
        return code_of(error), type(error).__name__, str(error)
    if isinstance(error, typer.exceptions.TyperException):
        return error.exit_code, "UsageError", _usage(error)
    home, hidden = _settings(given)
    message = f"unexpected {type(error).__name__}: {_without(hidden, str(error))[:300]}"
    return FAILED, type(error).__name__, f"{message} ({_logged(error, home, hidden)})"


def _usage(error: typer.exceptions.TyperException) -> str:
    context = getattr(error, "ctx", None)
    message = error.format_message().strip().rstrip(".")
    return f"{message} (see {context.command_path} --help)" if context is not None else message


def _settings(given: Given) -> tuple[Path | None, list[str]]:
    """The home and every secret value, as far as the settings can be read."""
    from configs.settings import load_settings, secrets

    try:
        settings = given.settings or load_settings()
    except MementoError:
        return None, []
    return settings.home, secrets(settings)


def _without(secrets: list[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _logged(error: Exception, home: Path | None, secrets: list[str]) -> str:
    """Append the traceback to the error log; says where, or that it could not."""
    if home is None:
        return "no traceback was kept"
    path = home / LOG
    text = _without(secrets, "".join(traceback.format_exception(error)))
    try:
        private_folder(path.parent)
        path.touch(mode=0o600)
        with path.open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')}\n{text}\n")
    except OSError:
        return f"the traceback could not be written to {path}"
    return f"traceback in {path}"
