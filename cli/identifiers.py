"""Ids as people give them: whole, or the first characters, as with git."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from configs.errors import InvalidInputError

if TYPE_CHECKING:
    from configs.settings import Settings
    from memory.ledger import Ledger

SHORTEST = 4


def find(given: str, known: Collection[str], kind: str) -> str:
    """The one known id that is `given` or begins with it.

    Raises:
        InvalidInputError: none or several do, or it is too short.
    """
    return _only(given, sorted(each for each in known if given and each.startswith(given)), kind)


def _only(given: str, found: list[str], kind: str) -> str:
    if given in found:
        return given
    if found and len(given) < SHORTEST:
        raise InvalidInputError(f"{kind} {given!r}: takes at least the first {SHORTEST} characters of the id")
    if not found:
        raise InvalidInputError(f"there is no {kind} {given[:100]!r}")
    if len(found) > 1:
        shown = ", ".join(found[:4]) + (", ..." if len(found) > 4 else "")
        raise InvalidInputError(f"{kind} {given!r} is not unique: {shown}")
    return found[0]


def find_case(ledger: Ledger, given: str, namespace: str) -> str:
    """The id of a case of a namespace. Raises InvalidInputError as `find`."""
    return _only(given, ledger.of(namespace).starting(given) if given else [], "case")


async def find_thread(settings: Settings, given: str) -> str:
    """A run's thread id. Raises InvalidInputError as `find`."""
    from graph.api import check_thread_id
    from graph.runs import thread_ids

    check_thread_id(given)
    return find(given, await thread_ids(settings), "run")
