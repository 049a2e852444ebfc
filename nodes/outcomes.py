"""What an executor's last words say about its subtask, and what is left of one that was stopped. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from graph.state import SubtaskStatus, ToolCallRecord
from nodes.prompts import shorten
from nodes.tool_choice import FIND

_VERDICT = re.compile(r"[*_\s]*(FAILED|PARTIAL)[*_]*[ \t]*:[*_]*\s*", re.IGNORECASE)
_MISSING = re.compile(r"[\s;,.(*_-]*\bmissing[*_]*[ \t]*:[*_]*\s*", re.IGNORECASE)
FINDINGS = 5
FINDING_CHARS = 400
LINE_CHARS = 200


class Verdict(NamedTuple):
    """How a subtask ended. `result` is empty where there is none."""

    status: SubtaskStatus
    result: str
    reason: str = ""


def read_result(text: str) -> Verdict:
    """The executor's own verdict: a result, `FAILED: why`, or `PARTIAL: what there is; missing: what`."""
    said = _VERDICT.match(text)
    if said is None:
        return Verdict("done", text)
    rest = text[said.end() :].strip()
    if said[1].upper() == "FAILED":
        return Verdict("failed", "", rest or "the executor gave up without a reason")
    splits = list(_MISSING.finditer(rest))
    there = rest[: splits[-1].start()] if splits else rest
    missing = rest[splits[-1].end() :].strip().rstrip(")") if splits else ""
    if not there.strip():
        return Verdict("failed", "", f"missing: {missing}" if missing else "the executor gave up without a reason")
    return Verdict("partial", there.strip(), f"missing: {missing or 'something; the executor did not say what'}")


def unfinished(calls: Sequence[ToolCallRecord], reason: str) -> Verdict:
    """A subtask that was stopped before its executor gave a result: with what its tools had found, if anything."""
    useful = {call_line(call, FINDING_CHARS): None for call in calls if is_useful(call)}
    if not useful:
        return Verdict("failed", "", reason)
    return Verdict("partial", "\n".join(list(useful)[-FINDINGS:]), reason)


def is_useful(call: ToolCallRecord) -> bool:
    """Whether a call gave something; a search for tools is about the means, not the matter."""
    return call["ok"] and bool(call["result"].strip()) and call["name"] != FIND


def call_line(call: ToolCallRecord, limit: int = LINE_CHARS) -> str:
    """A tool call and what it gave, on one line of about `limit` characters."""
    arguments = shorten_line(json.dumps(call["arguments"], ensure_ascii=False), limit // 2)
    return f"{call['name']} {arguments} -> {shorten_line(call['result'], limit)}"


def shorten_line(text: str, limit: int) -> str:
    """The text on one line; what is longer than `limit` characters loses its middle."""
    return " ".join(shorten(" ".join(text.split()), limit).split())
