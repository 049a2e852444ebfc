"""What came of a run, as text for the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tools.result_text import clean, clean_lines, size_text
from tools.sandbox.contract import Execution

MAX_FILES = 30
LOST = "the variables of earlier runs are lost, files are kept"


def told(execution: Execution, sizes: Mapping[str, int], lost: bool = False, python: bool = True) -> str:
    """The output, then in brackets what else there is to know.

    Args:
        sizes: of the files in the workspace, in bytes.
        lost: variables were lost before this run.
    """
    parts = [clean_lines(execution.output)]
    if execution.value:
        between = "\n" if "\n" in execution.value else " "  # a table's head stays above its columns
        parts.append(clean(f"=>{between}{execution.value}"))
    notes = []
    if execution.error and not _is_in(execution.error, execution.output):
        notes.append(execution.error)
    if python and not execution.state_kept:
        notes.append(LOST)
    elif lost:
        notes.append(f"before this run: {LOST}")
    if execution.files:
        notes.append(f"files made or changed: {_named(execution.files, sizes)}")
    parts += [f"[{clean(note)}]" for note in notes]
    return "\n".join(part for part in parts if part) or "(no output)"


def _is_in(error: str, output: str) -> bool:
    """Whether the output ends with it anyway, as a traceback does."""
    return output.rstrip().endswith(error)


def _named(files: Iterable[str], sizes: Mapping[str, int]) -> str:
    names = list(files)
    shown = [f"{name} ({size_text(sizes[name])})" if name in sizes else name for name in names[:MAX_FILES]]
    more = [f"and {len(names) - MAX_FILES} more"] if len(names) > MAX_FILES else []
    return ", ".join([*shown, *more])
