"""`memento cases stats`: reads the ledger and takes no lock, so it works while an agent runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import AsJson, Config, Overrides, settings_of
from cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from configs.settings import Settings
    from memory.bank_stats import BankStats, Useful
    from memory.embedding import Vectors
    from memory.ledger import Ledger


def stats(
    context: typer.Context,
    picture: Annotated[Path | None, typer.Option(metavar="PATH.png", help="Also draw it.")] = None,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough", metavar="", help="Compare tasks by meaning, which needs the bank's lock; leave nothing out."
        ),
    ] = False,
    all_namespaces: Annotated[
        bool, typer.Option("--all-namespaces", metavar="", help="Only the counts, of every namespace.")
    ] = False,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """What the bank holds, from whom, which cases are worth most and least, and success over time."""
    from configs.errors import InvalidInputError
    from memory.journal import replay

    settings = settings_of(context, config, overrides)
    if all_namespaces and (picture is not None or thorough):
        raise InvalidInputError("cases stats --all-namespaces: gives counts only, no --picture and no --thorough")
    if picture is not None and picture.suffix.lower() != ".png":
        raise InvalidInputError(f"--picture {picture}: takes a path that ends in .png")
    ledger = replay(settings.home)
    if all_namespaces:
        _tell_namespaces(ledger, as_json=as_json)
        return
    found = _gather(ledger, settings, thorough=thorough)
    if picture is not None:
        _draw(found, picture.expanduser())
    if as_json:
        print_json({**stats_json(found), "picture": None if picture is None else str(picture)})
        return
    from cli.case_stats_view import print_stats

    print_stats(found)
    if picture is not None:
        say(f"picture: {picture}", "green")


def stats_json(found: BankStats) -> dict[str, Any]:
    """Everything that was found, as plain values."""
    counted, clusters, worth = found.totals, found.clusters, found.worth
    sizes = {} if clusters is None else {first: size for first, size in clusters.sizes().items() if size > 1}
    return {
        "namespace": found.namespace,
        "cases": counted.cases,
        "retrievable": counted.retrievable,
        "archived": counted.archived,
        "copies": counted.copies,
        "outcomes": {"right": counted.right, "wrong": counted.wrong, "unknown": counted.unknown},
        "reward_sources": dict(found.reward_sources),
        "origins": [asdict(origin) for origin in found.origins],
        "learning": [{**asdict(stretch), "share": stretch.share} for stretch in found.learning],
        "clusters": None
        if clusters is None
        else {
            "method": clusters.method,
            "count": len(set(clusters.representative.values())),
            "near_duplicates": [{"case_id": first, "cases": size} for first, size in sizes.items()],
            "contrast_pairs": clusters.contrasts,
        },
        "worth": {
            "shown": worth.shown,
            "estimated": worth.estimated,
            "episodes_not_learned": worth.waiting,
            "most_useful": [_useful_json(each) for each in worth.most],
            "least_useful": [_useful_json(each) for each in worth.least],
        },
        "most_shown": [{"id": id_, "times": times, "task": task} for id_, times, task in found.most_shown],
        "concentration": {**asdict(found.concentration), "warning": found.concentration.warning},
        "recent": asdict(found.recent),
    }


def _useful_json(useful: Useful) -> dict[str, Any]:
    record, estimate = asdict(useful.record), asdict(useful.estimate)
    return {"id": record.pop("case_id"), "task": useful.task, **estimate, **record}


def _gather(ledger: Ledger, settings: Settings, *, thorough: bool) -> BankStats:
    from memory.bank_stats import bank_stats
    from memory.open_memories import MODELS
    from memory.policies.base import PolicyOptions

    options = PolicyOptions(settings.seed, settings.home / MODELS)
    if not thorough or not ledger.namespaces():
        return bank_stats(ledger, settings.namespace, options)
    return bank_stats(ledger, settings.namespace, options, thorough=True, vectors=lambda: vectors_if_free(settings))


def vectors_if_free(settings: Settings) -> Mapping[str, Vectors] | None:
    """The tasks' vectors; None, with a word about it, while another process holds the bank."""
    from configs.errors import CaseBankError

    try:
        return task_vectors(settings)
    except CaseBankError as error:
        say(f"tasks are compared by their words: {error}", "yellow")
        return None


def task_vectors(settings: Settings) -> dict[str, Vectors]:
    """The unit vectors of the tasks of every case that may be retrieved, by id, shape (d,).

    Raises:
        CaseBankError: another process holds the bank.
    """
    from cli.background import run

    return run(_vectors(settings))


async def _vectors(settings: Settings) -> dict[str, Vectors]:
    from memory.open_memories import open_case_memory

    async with open_case_memory(settings) as memory:
        return await memory.vectors(settings.namespace)


def _draw(found: BankStats, path: Path) -> None:
    from cli.case_stats_picture import draw_stats
    from configs.errors import InvalidInputError

    try:
        draw_stats(found, path)
    except OSError as error:
        raise InvalidInputError(f"--picture {path}: cannot be written ({error.strerror})") from error


def _tell_namespaces(ledger: Ledger, *, as_json: bool) -> None:
    from memory.ledger_stats import totals_by_namespace

    found = totals_by_namespace(ledger)
    if as_json:
        print_json({"namespaces": {name: asdict(counted) for name, counted in found.items()}})
        return
    columns = ["cases", "retrievable", "archived", "copies", "right", "wrong", "unknown"]
    rows = [[name, *(f"{getattr(counted, column):,}" for column in columns)] for name, counted in found.items()]
    print_table(["namespace", *columns], rows)
