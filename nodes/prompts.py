"""The prompt templates, and the fence around everything that is data."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Literal, get_args

from nodes.neutral import neutralise, without_control_tokens

Label = Literal[
    "case", "failed_case", "subtask", "files", "conversation", "question", "reference", "answer", "user_notes",
    "report", "tool_memory",
]  # fmt: skip
LABELS = frozenset(get_args(Label))
TAG = re.compile(r"([<＜﹤‹〈⟨])\s*+([/／]?)\s*+(\w+)")
NAMES = (
    "planner", "planner_notes", "planner_repair", "planner_rejected", "planner_last_call", "executor_native",
    "executor_json", "judge", "reflect",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prompts:
    """The texts of configs/prompts. `fingerprint` changes with any of them and is kept with every case."""

    templates: dict[str, Template]
    fingerprint: str

    @classmethod
    def load(cls) -> Prompts:
        """Read every template. A missing file is a fault of the installation and raises FileNotFoundError."""
        folder = files("configs").joinpath("prompts")
        texts = {name: folder.joinpath(f"{name}.md").read_text(encoding="utf-8").strip() for name in NAMES}
        joined = "\0".join(f"{name}\0{text}" for name, text in sorted(texts.items()))
        fingerprint = hashlib.sha256(joined.encode()).hexdigest()[:12]
        return cls({name: Template(text) for name, text in texts.items()}, fingerprint)

    def render(self, name: str, **values: str) -> str:
        """Fill a template; a placeholder without a value raises KeyError."""
        return self.templates[name].substitute(values)


def fence(label: Label, text: str) -> str:
    """Mark a text as data: between tags, with what could pass for more than data made harmless. Empty stays empty.

    In a conversation the lines that begin with a speaker are ours: what was said is made harmless turn by turn.
    """
    if not text.strip():
        return ""
    inside = _untagged(without_control_tokens(text)) if label == "conversation" else harmless(text)
    return f"<{label}>\n{inside}\n</{label}>"


def harmless(text: str) -> str:
    """The text without a control token, a speaker's line or one of our own tags; see `nodes.neutral`."""
    return _untagged(neutralise(text))


def _untagged(text: str) -> str:
    return TAG.sub(_spaced, text)


def _spaced(tag: re.Match[str]) -> str:
    """`< case` for `<case`, also where brackets or letters are full-width; other tags stay."""
    opening, slash, word = tag.groups()
    return f"{opening} {slash}{word}" if unicodedata.normalize("NFKC", word).casefold() in LABELS else tag[0]


def sections(*parts: str) -> str:
    """Join the parts that say something, an empty line between them."""
    return "\n\n".join(part for part in parts if part.strip())


def shorten(text: str, limit: int) -> str:
    """Keep the head and the tail of a text longer than `limit` characters, and say what was left out between."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    return f"{text[:head]}\n[... {len(text) - head - tail} characters left out ...]\n{text[-tail:]}"
