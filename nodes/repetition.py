"""Notice a subtask that goes round in a circle: the same tool call again, with the same result, and nothing new since.

The first turn that brings nothing new is told to the model; the second ends the subtask. A call whose result changes
is new, and so is one made again after something new was learned: a poll, or a test run after each change, is no circle.
Rebuilt from the outcomes when a subtask is taken up again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from graph.state import ToolCallRecord
from nodes.outcomes import shorten_line

ENDS_AT = 2
CALL_CHARS = 200


@dataclass(slots=True)
class Repetition:
    """The calls of one subtask. `stuck` says what went round, once it is clear that nothing new will come of it."""

    stuck: str | None = None
    _turn: int = 0
    _newest: int = 0
    _barren: int = 0
    _seen: dict[str, tuple[str, int]] = field(default_factory=dict)

    def note(self, outcomes: Sequence[ToolCallRecord]) -> str | None:
        """Look at the outcomes of one reply; what to tell the model about them, if anything."""
        self._turn += 1
        barren = bool(outcomes)
        for outcome in outcomes:
            result, turn = self._seen.get(call_key(outcome), ("", 0))
            barren &= turn > 0 and result == result_key(outcome) and turn >= self._newest
        for outcome in outcomes:
            self._remember(outcome)
        if not barren:
            return None
        self._barren += 1
        repeated = shorten_line(
            f"{outcomes[0]['name']} {json.dumps(outcomes[0]['arguments'], ensure_ascii=False)}", CALL_CHARS
        )
        if self._barren >= ENDS_AT:
            self.stuck = f"went in a circle: {repeated} was called again and again and gave the same each time"
            return None
        return (
            f"You have made this call before ({repeated}), with the same result. Calling it again will bring nothing "
            "new: try something else, or give the result."
        )

    def _remember(self, outcome: ToolCallRecord) -> None:
        call, result = call_key(outcome), result_key(outcome)
        if self._seen.get(call, ("", 0))[0] != result:
            self._newest = self._turn
        self._seen[call] = (result, self._turn)


def call_key(call: ToolCallRecord) -> str:
    """What makes two calls the same: the tool and its arguments, in whatever order they were written."""
    return f"{call['name']} {_digest(json.dumps(call['arguments'], sort_keys=True, ensure_ascii=False))}"


def result_key(call: ToolCallRecord) -> str:
    """What makes two results the same."""
    return _digest(f"{call['ok']} {' '.join(call['result'].split())}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
