"""The folders of a demo: two fresh homes below its output folder, and the user's own home, which keeps the cases."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from configs.errors import CaseBankError, InvalidInputError
from configs.settings import Settings
from graph.local_weights import ensure_weights, weights_path
from memory.case import Case, normalise_task
from memory.journal import replay
from memory.open_memories import open_case_memory

LOCAL = "local:"
KEPT_IDS = "kept-cases.txt"


@dataclass(frozen=True, slots=True)
class DemoHomes:
    """The same settings twice, for two homes that nothing was learned in."""

    none: Settings
    memory: Settings


def prepare_homes(out: Path, settings: Settings) -> DemoHomes:
    """Make the output folder and both homes anew, with the weights of the embedded model if it is used. Blocks.

    Chroma and checkpoints are always the homes' own: on a server the demo would meet cases of earlier runs.

    Raises:
        InvalidInputError: the folder cannot be written, or one of the homes is the user's own.
        ModelUnavailableError: the weights cannot be fetched.
    """
    paths = [out / "home-none", out / "home-memory"]
    if settings.home.resolve() in [path.resolve() for path in paths]:
        raise InvalidInputError(f"--out {out}: the demo starts with an empty {settings.home}, and that is your home")
    weights = ensure_weights(settings.home) if _uses_local_model(settings) else None
    try:
        for path in paths:
            _make_anew(path)
            if weights is not None:
                _share(weights, weights_path(path))
    except OSError as error:
        raise InvalidInputError(f"--out {out}: cannot be used ({error.strerror or type(error).__name__})") from error
    none, memory = (
        settings.model_copy(update={"home": path, "chroma_url": None, "database_url": None}) for path in paths
    )
    return DemoHomes(none, memory)


async def keep_cases(learned: Settings, settings: Settings, out: Path) -> str:
    """Take the successes of a home over into the user's, but for tasks it holds a case of; one line that says so."""
    try:
        cases = await asyncio.to_thread(_new_cases, learned, settings)
        if not cases:
            return f"Your case bank in {settings.home} has a case of each of these tasks already; nothing was added."
        async with open_case_memory(settings) as memory:
            await memory.import_cases(cases, origin="import:demo", vouched=True)
    except CaseBankError as error:
        return f"The demo's cases were not added to your case bank: {error}"
    path = await asyncio.to_thread(_note_ids, out, settings.home, cases)
    remove = f"memento cases delete --yes $(cat {shlex.quote(str(path))})"
    return f"{len(cases)} cases were added to your case bank in {settings.home}; to remove them: {remove}"


def _new_cases(learned: Settings, settings: Settings) -> list[Case]:
    """Successes whose task the user's bank has no case of."""
    known = {normalise_task(entry.case.task) for entry in replay(settings.home).entries.values()}
    cases = [entry.case for entry in replay(learned.home).entries.values() if entry.case.reward == 1]
    return [case for case in cases if normalise_task(case.task) not in known]


def _note_ids(out: Path, home: Path, cases: list[Case]) -> Path:
    """Write down which of the user's cases come from demos: those of earlier ones that are still there, and these."""
    path = out / KEPT_IDS
    there = replay(home).entries
    earlier = path.read_text(encoding="ascii").split() if path.exists() else []
    ids = dict.fromkeys([*earlier, *(case.id for case in cases)])
    path.write_text("".join(f"{id_}\n" for id_ in ids if id_ in there), encoding="ascii")
    return path


def _uses_local_model(settings: Settings) -> bool:
    return any(model.startswith(LOCAL) for model in (settings.planner_model, settings.executor_model))


def _make_anew(path: Path) -> None:
    if path.exists() or path.is_symlink():
        shutil.rmtree(path)
    path.mkdir(mode=0o700, parents=True)


def _share(weights: Path, target: Path) -> None:
    """One file under both names; a copy where the file system has no such links."""
    target.parent.mkdir(mode=0o700)
    try:
        os.link(weights, target)
    except OSError:
        shutil.copyfile(weights, target)
