"""What a person is shown before something runs, and how their answer is read. Pure.

The request is that of LangChain 1.x (`HITLRequest` of its HumanInTheLoopMiddleware), which Studio and chat interfaces
know, answered by `{"decisions": [...]}`. It also carries the keys of the form before it (`HumanInterrupt`), which the
chat interface of npm's `create-agent-chat-app` reads, answered by `[{"type": "accept", "args": ...}]`. Both say the
same, and either answer is taken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypeAlias

from typing_extensions import TypedDict

from configs.errors import InvalidInputError

Verdict: TypeAlias = Literal["approve", "edit", "reject"]
VERDICTS: tuple[Verdict, ...] = ("approve", "edit", "reject")
OLDER: dict[str, Verdict] = {"accept": "approve", "edit": "edit", "ignore": "reject", "response": "reject"}
FORM = (
    'answer with {"decisions": [...]}, one for each action and in their order: {"type": "approve"}, '
    '{"type": "edit", "edited_action": {"name": ..., "args": {...}}} or {"type": "reject", "message": ...}'
)


class Action(TypedDict):
    """One thing that would happen: a tool with its arguments, or `plan` with its subtasks."""

    name: str
    args: dict[str, Any]
    description: str


class ReviewConfig(TypedDict):
    """What may be decided about an action."""

    action_name: str
    allowed_decisions: list[Verdict]


class ApprovalRequest(TypedDict):
    """The value of an interrupt. `fault`: why the answer before could not be used."""

    action_requests: list[Action]
    review_configs: list[ReviewConfig]
    action_request: dict[str, Any]  # this and the next two: the older form, all actions as one
    config: dict[str, bool]
    description: str
    fault: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about one action. `arguments` with an edit, `reason` with a rejection, maybe empty."""

    verdict: Verdict
    arguments: dict[str, Any] | None = None
    reason: str = ""


def approval_request(actions: Sequence[Action], fault: str = "") -> ApprovalRequest:
    """The request for one or more actions that are decided together."""
    names = list(dict.fromkeys(action["name"] for action in actions))
    description = "\n\n".join(action["description"] for action in actions)
    request: ApprovalRequest = {
        "action_requests": list(actions),
        "review_configs": [{"action_name": name, "allowed_decisions": list(VERDICTS)} for name in names],
        "action_request": {"action": ", ".join(names), "args": _as_one(actions)},
        "config": {"allow_accept": True, "allow_edit": True, "allow_respond": True, "allow_ignore": True},
        "description": f"{fault}\n\n{description}" if fault else description,
    }
    return {**request, "fault": fault} if fault else request


def read_answer(actions: Sequence[Action], answer: object) -> list[Decision]:
    """What was decided about each action, in their order.

    Raises:
        InvalidInputError: the answer is in neither form, or does not fit the actions.
    """
    if isinstance(answer, Mapping) and set(answer) == {"decisions"} and isinstance(answer["decisions"], list):
        decisions = answer["decisions"]
        if len(decisions) != len(actions):
            raise InvalidInputError(f"{len(actions)} decisions are needed, {len(decisions)} were given; {FORM}")
        return [_decision(action, each) for action, each in zip(actions, decisions, strict=True)]
    if isinstance(answer, list) and len(answer) == 1 and isinstance(answer[0], Mapping):
        return _older(actions, answer[0])
    raise InvalidInputError(f"the answer is no decision; {FORM}")


def _decision(action: Action, given: object) -> Decision:
    if not isinstance(given, Mapping) or given.get("type") not in VERDICTS:
        raise InvalidInputError(f"the decision on {action['name']} is none of {', '.join(VERDICTS)}; {FORM}")
    if given["type"] == "edit":
        edited = given.get("edited_action")
        if not isinstance(edited, Mapping) or not isinstance(edited.get("args"), dict):
            raise InvalidInputError(f"the edit of {action['name']} has no edited_action with args; {FORM}")
        if edited.get("name") != action["name"]:
            raise InvalidInputError(f"an edit changes the arguments of {action['name']}, not what is called")
        return Decision("edit", edited["args"])
    message = given.get("message", "")
    if not isinstance(message, str):
        raise InvalidInputError(f"the message that rejects {action['name']} is no text")
    return Decision(given["type"], reason=message.strip() if given["type"] == "reject" else "")


def _older(actions: Sequence[Action], given: Mapping[str, Any]) -> list[Decision]:
    kind, args = given.get("type"), given.get("args")
    if kind not in OLDER:
        raise InvalidInputError(f"the answer's type is none of {', '.join(OLDER)}; {FORM}")
    if kind == "edit":
        values = args.get("args") if isinstance(args, Mapping) else None
        if not isinstance(values, dict):
            raise InvalidInputError("the edit has no args")
        return _edits(actions, values)
    return [Decision(OLDER[kind], reason=args.strip() if isinstance(args, str) else "")] * len(actions)


def _as_one(actions: Sequence[Action]) -> dict[str, Any]:
    """The arguments of one action; of several, each one's under its number and name."""
    if len(actions) == 1:
        return actions[0]["args"]
    return {f"{number} {action['name']}": action["args"] for number, action in enumerate(actions, 1)}


def _edits(actions: Sequence[Action], values: dict[str, Any]) -> list[Decision]:
    shown = _as_one(actions)
    typed = {key: _typed(shown.get(key), key, value) for key, value in values.items()}
    if len(actions) == 1:
        return [Decision("edit", typed)]
    if set(typed) != set(shown) or not all(isinstance(value, dict) for value in typed.values()):
        raise InvalidInputError(f"an edit of several actions has an object for each of {', '.join(shown)}")
    pairs = ((shown[key], typed[key]) for key in shown)
    return [Decision("approve") if before == after else Decision("edit", after) for before, after in pairs]


def _typed(before: Any, key: str, value: Any) -> Any:
    """A form gives back what was typed as text: where the value before was none, the text is JSON."""
    if before is None or isinstance(before, str) or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise InvalidInputError(f"{key}: not JSON") from None
