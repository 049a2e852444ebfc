"""Secrets in cases and JSON values: by what a text looks like, and by the name that a value stands under.

The name may be a field's, stand beside the value (`{"name": "API_KEY", "value": ...}`, `["Cookie", ...]`), or be an
option of a command line (`["--password", ...]`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from memory.case import Case, Step, ToolUse
from memory.redaction import is_telling, mark, redact
from memory.secret_shapes import HEADER_NAME, MARK, SECRET_NAME

DEEPEST = 100
NAME_FIELDS = frozenset({"name", "key", "header", "field", "variable"})
SHORTEST_PIN = 4
SHORTEST_NUMBER = 8
"""Digits of a number that may be a secret: as a password, and under any other secret's name, where counts occur."""


def redact_case(case: Case, secrets: Collection[str] = ()) -> Case:
    """The case with every text in it redacted. Its id stays: it says which task, plan and run this was."""
    if not any(step.calls for step in case.plan):
        said = "\n\n".join(
            [case.task, case.answer, case.lesson, *(f"{s.description}\n\n{s.result}" for s in case.plan)]
        )
        if redact(said, secrets) == said:  # once over everything is much quicker than once a text
            return case
    changed = case.model_copy(
        update={
            "task": redact(case.task, secrets),
            "answer": redact(case.answer, secrets),
            "lesson": redact(case.lesson, secrets),
            "plan": tuple(_redacted_step(step, secrets) for step in case.plan),
        }
    )
    return case if changed == case else changed


def redact_json(value: Any, secrets: Collection[str] = (), depth: int = 0, under: str = "") -> Any:
    """A JSON value with every text and key in it redacted, and what stands under a name such as `password`.

    Args:
        value: what `json.loads` gives.
        secrets: as for `redact`.
        depth: of the value in what holds it; what is nested deeper than DEEPEST levels is not kept.
        under: the nearest secret's name that the value stands under, if it does.
    """
    if depth > DEEPEST:
        return None
    if isinstance(value, dict):
        return _object(value, secrets, depth, under)
    if isinstance(value, list | tuple):
        return _list(value, secrets, depth, under)
    return _named(under, value, secrets, inherited=True) if under else _plain(value, secrets)


def _redacted_step(step: Step, secrets: Collection[str]) -> Step:
    return step.model_copy(
        update={
            "description": redact(step.description, secrets),
            "result": redact(step.result, secrets),
            "calls": tuple(_redacted_call(call, secrets) for call in step.calls),
        }
    )


def _redacted_call(call: ToolUse, secrets: Collection[str]) -> ToolUse:
    arguments = redact_json(call.arguments, secrets)
    return call.model_copy(update={"arguments": arguments, "result": redact(call.result, secrets)})


def _plain(value: Any, secrets: Collection[str]) -> Any:
    return redact(value, secrets) if isinstance(value, str) else value


def _object(value: dict[Any, Any], secrets: Collection[str], depth: int, under: str) -> dict[str, Any]:
    beside = next((v for k, v in value.items() if str(k).lower() in NAME_FIELDS and _names_a_secret(v)), "")
    found: dict[str, Any] = {}
    for key, each in value.items():
        name = beside if beside and str(key).lower() == "value" else str(key)
        found[redact(str(key), secrets)] = _field(name, each, secrets, depth, under)
    return found


def _list(value: Sequence[Any], secrets: Collection[str], depth: int, under: str) -> list[Any]:
    found: list[Any] = []
    before: Any = None
    for each in value:
        name = _option(before) or (before if len(value) == 2 and _names_a_secret(before) else "")
        if name and isinstance(each, str) and not each.startswith("--") and (_option(before) or not each.isalpha()):
            found.append(_named(name, each, secrets))
        elif before in ("-u", "--user") and isinstance(each, str) and "curl" in value:
            found.append(redact(f"curl -u {each}", secrets).removeprefix("curl -u "))
        else:
            found.append(redact_json(each, secrets, depth + 1, under))
        before = each
    return found


def _field(name: str, value: Any, secrets: Collection[str], depth: int, under: str) -> Any:
    if not _names_a_secret(name):
        return redact_json(value, secrets, depth + 1, under)
    if isinstance(value, dict | list | tuple):
        return redact_json(value, secrets, depth + 1, name)
    return _named(name, value, secrets)


def _named(name: str, value: Any, secrets: Collection[str], *, inherited: bool = False) -> Any:
    """A value that stands under a secret's name; `inherited`: in a list or object that does."""
    if isinstance(value, str) and HEADER_NAME.fullmatch(name):
        return redact(f"{name}: {value}", secrets).removeprefix(f"{name}: ")
    named = SECRET_NAME.search(name)
    weak = named is not None and named["weak"] is not None
    label = mark("password" if weak else "secret")
    if isinstance(value, int | float) and not isinstance(value, bool):
        digits = sum(each.isdigit() for each in str(value))
        return label if digits >= (SHORTEST_PIN if weak and not inherited else SHORTEST_NUMBER) else value
    if not named or not isinstance(value, str) or MARK.fullmatch(value):
        return _plain(value, secrets)
    return label if is_telling(value, weak=weak, sign=":" if inherited else "=") else redact(value, secrets)


def _names_a_secret(name: Any) -> bool:
    return isinstance(name, str) and bool(SECRET_NAME.search(name) or HEADER_NAME.fullmatch(name))


def _option(word: Any) -> str:
    """The name in `--db-password`, if it is a secret's."""
    return word.lstrip("-") if isinstance(word, str) and word.startswith("--") and SECRET_NAME.search(word) else ""
