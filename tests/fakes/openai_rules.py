"""The script of the loopback OpenAI server: which rule answers a request, and what was asked."""

from __future__ import annotations

import json
import re
import threading
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

    def __post_init__(self) -> None:
        self.used = [0] * len(self.rules)
        for rule in self.rules:
            unknown = set(rule) - {"when", "model", "path", "reply", "times", "delay"}
            fault = rule["reply"].get("fault")
            if unknown or (fault is not None and fault not in FAULTS):
                raise ValueError(f"rule {rule!r}: unknown {sorted(unknown) or fault}; faults are {list(FAULTS)}")

    def left(self) -> list[JsonObject]:
        """The rules with `times` that were used less often."""
        pairs = zip(self.rules, self.used, strict=True)
        return [rule for rule, used in pairs if "times" in rule and used < rule["times"]]

    def take(self, path: str, body: JsonObject) -> int | None:
        """The index of the first rule that fits and is not used up."""
        text, model = replies.request_text(body), str(body.get("model", ""))
        with self.lock:
            for index, rule in enumerate(self.rules):
                fits = (
                    rule.get("path", "chat/completions") in path
                    and re.search(rule.get("when", ""), text, re.MULTILINE)
                    and re.search(rule.get("model", ""), model)
                    and self.used[index] < rule.get("times", float("inf"))
                )
                if fits:
                    self.used[index] += 1
                    return index
        return None
