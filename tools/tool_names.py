"""Names that every model provider takes: unique, 1 to 64 of letters, digits, '_' and '-'."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Sequence

MAX_LENGTH = 64


def unique_names(tools: Sequence[tuple[str, str]], given: Collection[str] = ()) -> list[str]:
    """A name for each (server, tool), in order: the tool's own, or `server_tool` for all that would share one.

    `given`: names that are taken already.
    """
    plain = [_valid(tool) for _, tool in tools]
    count = Counter(plain)
    wanted = [
        name if count[name] == 1 and name not in given else _valid(f"{server}_{tool}")
        for name, (server, tool) in zip(plain, tools, strict=True)
    ]
    taken = set(given)
    for index, name in enumerate(wanted):
        wanted[index] = name if name not in taken else _free(name, taken)
        taken.add(wanted[index])
    return wanted


def _valid(name: str) -> str:
    valid = re.sub(r"[^a-zA-Z0-9_-]", "_", name) or "tool"
    if len(valid) <= MAX_LENGTH:
        return valid
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{valid[: MAX_LENGTH - 9]}_{digest}"


def _free(name: str, taken: set[str]) -> str:
    number = 2
    while (candidate := f"{name[: MAX_LENGTH - 4]}_{number}") in taken:
        number += 1
    return candidate
