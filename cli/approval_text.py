"""What waits for approval as lines for a terminal: whole, and nothing in it can pass for something else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cli.printable import call_text, one_line

LINES_SHOWN = 200
LINE_CHARS = 1000


def request_lines(value: Mapping[str, Any]) -> list[str]:
    """Every action of a request: its description, its name, and each argument whole."""
    return [line for number, _ in enumerate(actions_of(value)) for line in action_lines(value, number)]


def action_lines(value: Mapping[str, Any], number: int) -> list[str]:
    """One action of a request."""
    action = actions_of(value)[number]
    lines = [one_line(str(action.get("description", "")), 500), one_line(str(action["name"]))]
    lines += [f"  {line}" for line in _arguments(action)]
    if len(lines) > LINES_SHOWN:
        hidden = len(lines) - LINES_SHOWN
        lines = [*lines[:LINES_SHOWN], f"  ... {hidden} more lines, which are not shown here; edit shows them all"]
    return lines


def summary(value: Mapping[str, Any]) -> str:
    """All actions of a request on one line, shortened."""
    return "; ".join(call_text(str(action["name"]), action.get("args", {})) for action in actions_of(value))


def actions_of(value: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The actions of an interrupt's value; empty where it is none of ours."""
    actions: Sequence[Mapping[str, Any]] = value.get("action_requests", [])
    return actions


def _arguments(action: Mapping[str, Any]) -> Iterator[str]:
    for key, value in action.get("args", {}).items():
        if action["name"] == "plan" and key == "plan" and isinstance(value, list):
            for each in value:
                after = ", ".join(str(id_) for id_ in each["depends_on"])
                yield from _text(f"{each['id']} {each['description']}" + (f" (after {after})" if after else ""))
        elif isinstance(value, str) and "\n" in value:
            yield f"{one_line(key)}:"
            for line in value.split("\n"):
                yield from (f"  {part}" for part in _text(line))
        else:
            yield from _text(f"{key}: {json.dumps(value, ensure_ascii=False)}")


def _text(line: str) -> Iterator[str]:
    """A line in pieces that a terminal takes; with a character in it that does not print, all of it escaped."""
    line = line.replace("\t", "    ")
    plain = line if line.isprintable() else json.dumps(line)
    for start in range(0, max(len(plain), 1), LINE_CHARS):
        yield plain[start : start + LINE_CHARS]
