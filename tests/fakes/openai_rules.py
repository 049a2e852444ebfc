"""The script of the loopback OpenAI server: which rule answers a request, and what was asked."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from dataclasses import dataclass, field

from tests.fakes import openai_replies as replies
from tests.fakes.openai_replies import FAULTS, JsonObject


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request as it came over the wire. `rule` is the rule that answered it, None where none fitted."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    rule: int | None = None

    @property
    def json(self) -> JsonObject:
        value: JsonObject = json.loads(self.body)
        return value

    @property
    def text(self) -> str:
        """The messages as rules see them."""
        return replies.request_text(self.json)


@dataclass
class Rules:
    """The script and how often each rule was used."""

    rules: list[JsonObject]
    lock: threading.Lock = field(default_factory=threading.Lock)
    used: list[int] = field(default_factory=list)
    used_by: Counter[tuple[int, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.used = [0] * len(self.rules)
        for rule in self.rules:
            unknown = set(rule) - {"when", "model", "path", "reply", "times", "each", "delay"}
            fault = rule["reply"].get("fault")
            if unknown or (fault is not None and fault not in FAULTS):
                raise ValueError(f"rule {rule!r}: unknown {sorted(unknown) or fault}; faults are {list(FAULTS)}")

    def left(self) -> list[JsonObject]:
        """The rules with `times` that were used less often."""
        pairs = zip(self.rules, self.used, strict=True)
        return [rule for rule, used in pairs if "times" in rule and used < rule["times"]]

    def take(self, path: str, body: JsonObject) -> tuple[int, JsonObject] | None:
        """The index of the first rule that fits and is not used up, and its reply."""
        text, model = replies.request_text(body), str(body.get("model", ""))
        with self.lock:
            for index, rule in enumerate(self.rules):
                found = re.search(rule.get("when", ""), text, re.MULTILINE)
                if found is None or rule.get("path", "chat/completions") not in path:
                    continue
                if not re.search(rule.get("model", ""), model):
                    continue
                groups = {name: value or "" for name, value in found.groupdict().items()}
                who = groups.get(rule.get("each", ""), "")
                if self.used_by[index, who] < rule.get("times", float("inf")):
                    self.used[index] += 1
                    self.used_by[index, who] += 1
                    return index, _filled(rule["reply"], groups)
        return None


def _filled(reply: JsonObject, groups: dict[str, str]) -> JsonObject:
    """The reply with each `<<name>>` replaced by what the group of that name matched."""
    if not groups:
        return reply
    text = json.dumps(reply)
    for name, value in groups.items():
        text = text.replace(f"<<{name}>>", json.dumps(value)[1:-1])
    filled: JsonObject = json.loads(text)
    return filled
