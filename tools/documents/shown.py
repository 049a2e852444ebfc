"""What a model is given of a document; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_FACTS = 4000


def shown(name: str, told: Mapping[str, Any], pages: str = "", query: str = "") -> str:
    """A head line, facts, the parts, and how to go on.

    Args:
        told: what `tools.documents.parse.read` returned.
    """
    unit, total = told["unit"], told["total"]
    facts = "\n".join(told["facts"])[:MAX_FACTS]
    head = [f"{name}: {told['kind']}, {counted(total, unit)}", *([facts] if facts else [])]
    parts = [_part(unit, each, total) for each in told["shown"]]
    return "\n\n".join(["\n".join(head), *parts, *told["notes"], *_further(told, pages, query)])


def counted(count: int, unit: str) -> str:
    """`1 page`, `12 pages`."""
    return f"{count:,} {unit}{'' if count == 1 else 's'}"


def _part(unit: str, each: Mapping[str, Any], total: int) -> str:
    label = f": {each['label']}" if each["label"] else ""
    cut = f"\n[cut here: {each['cut']:,} more characters in this {unit}; a query finds passages in them]"
    text = each["text"] or "[nothing in it]"
    mark = f"--- {unit} {each['number']}{label} ---\n" if total > 1 or label else ""
    return f"{mark}{text}{cut if each['cut'] else ''}"


def _further(told: Mapping[str, Any], pages: str, query: str) -> list[str]:
    unit, following, searched = told["unit"], told["next"], told["searched"]
    if searched:
        where = f"{counted(searched, unit)} searched"
        if following:
            where += f"; not searched for lack of time: from {unit} {following} on (pages={_from(following)!r})"
        found = "the best passages are above" if told["shown"] else f"no word of {query[:100]!r} is in them"
        return [f"[{where}; {found}. Whole {unit}s: pages='1-3'.]"]
    if not following:
        return []
    rest = f"{unit} {following} of {told['total']}" + (f", of the {unit}s {pages} asked for" if pages else "")
    return [f"[Goes on with {rest}: pages={_from(following)!r}, or query='words' for the passages that match best.]"]


def _from(number: int) -> str:
    return f"{number}-"
