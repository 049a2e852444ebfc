"""The program: runs one command and turns whatever happens into an exit code and at most one line on stderr."""

from __future__ import annotations

import gc
import os
import sys
import threading
import warnings
from collections.abc import Sequence
from itertools import takewhile

from cli.exits import DONE, INTERRUPTED
from cli.interrupts import INTERRUPTS, Interrupted
from cli.options import Given

LEAVING_SECONDS = 10.0
COLLECT_AFTER = (20_000, 50, 100)
"""New objects, and younger collections, until garbage is collected: a command mostly loads libraries, and Python's own
numbers make it look through all of them some hundred times, a tenth of the time of `memento ask`."""


def main() -> None:
    """The `memento` of pyproject.toml."""
    gc.set_threshold(*COLLECT_AFTER)
    _mend_streams()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    INTERRUPTS.install()
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
    INTERRUPTS.ignore()
    _end_within(LEAVING_SECONDS, code)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    given = Given()
    try:
        return _invoke(arguments, given)
    except Interrupted:
        from cli.failures import report_interrupt

        report_interrupt(given, as_json=wants_json(arguments))
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):  # whoever read has read enough; typer exits then
        _silence_stdout()
        return DONE
    except Exception as error:  # noqa: BLE001  the boundary: the traceback goes to the error log
        from cli.failures import report

        return report(error, given, as_json=wants_json(arguments))


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether `--json` is among the options, also where a mistake kept the command from being parsed."""
    return "--json" in takewhile(lambda argument: argument != "--", arguments)


def _invoke(arguments: Sequence[str], given: Given) -> int:
    from cli.app import build_app

    _refuse_broken_text(arguments)
    code = build_app()(list(arguments), prog_name="memento", standalone_mode=False, obj=given)
    return code if isinstance(code, int) else DONE


def _refuse_broken_text(arguments: Sequence[str]) -> None:
    """Bytes that are not UTF-8 come in as surrogates, which neither the journal nor a model takes."""
    from configs.errors import InvalidInputError

    for place, argument in enumerate(arguments, 1):
        if any("\ud800" <= character <= "\udfff" for character in argument):
            raise InvalidInputError(f"argument {place} of the command line is not UTF-8 text")


def _end_within(seconds: float, code: int) -> None:
    """A thread that a library left running must not keep a finished command from ending."""
    timer = threading.Timer(seconds, os._exit, [code])
    timer.daemon = True
    timer.start()


def _mend_streams() -> None:
    """A closed stream becomes a silent one; a character the terminal cannot show is escaped, not an error."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123  kept until the end
        else:
            stream.reconfigure(errors="backslashreplace")


def _silence_stdout() -> None:
    """Nothing more is written where nobody reads, also not when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
