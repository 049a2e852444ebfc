"""Secrets are replaced before anything is kept: known values by their value, others by what they look like.

A replacement reads `[redacted:openai-key]`. Pure and idempotent; the time is linear in the length of the text.
Catches what leaks by accident; whoever hides a secret on purpose (encoded, spelled out) gets it through.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from urllib.parse import quote, unquote

from memory.secret_shapes import (
    ANYWHERE,
    AWS_SECRET,
    MARK,
    PEM_BODY,
    PEM_END,
    PLAIN_VALUES,
    RIGHT_HERE,
    SHAPES,
)

PLACEHOLDERS = frozenset({"not-needed", "no-key-required", "sk-no-key-required", "lm-studio", "placeholder"})
"""What people enter as the key of an endpoint that wants none."""

SENTENCE_GOES_ON = re.compile(r"[ \t]+\w")
CALL = re.compile(r"[({]")
PEM_CHARS = 20_000
MOST_ROUNDS = 10
"""What stands beside a secret can read as another one once that is gone; round two mostly finds nothing."""

GROUPS = ("url", "credential", "stated", "flagged", "login", "short", "signed", "cookie", "inner", "bare")
TRIMMED = ("bare", "stated", "flagged", "short")
PASSWORDS = ("url", "stated", "login", "short")
COMMAND_CHARS = 300
"""How far before `-u name:password` the `curl` may stand."""


def redact(text: str, secrets: Collection[str] = ()) -> str:
    """The text without the secrets in it; the same text where there is none.

    Args:
        text: anything.
        secrets: known values, see `configs.settings.secrets`. Those too short to be told from a word are left.
    """
    known = _known_values(secrets)
    for _ in range(MOST_ROUNDS):
        before = text
        if known is not None:
            text = "".join(_between_marks(text, known))
        text = _without_shapes(text)
        if text == before:
            break
    return text


def redact_known(text: str, secrets: Collection[str]) -> str:
    """The text without the known values in it; what only looks like a secret stays."""
    known = _known_values(secrets)
    return text if known is None else "".join(_between_marks(text, known))


def known_forms(secrets: Collection[str]) -> tuple[str, ...]:
    """Every form in which `redact` finds the known values, the longest first."""
    values = {form for secret in secrets if _is_recognisable(secret) for form in _forms(secret)}
    return tuple(sorted(values, key=lambda value: (-len(value), value)))


def _known_values(secrets: Collection[str]) -> re.Pattern[str] | None:
    longest_first = known_forms(secrets)
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def _is_recognisable(secret: str) -> bool:
    if secret.lower() in PLACEHOLDERS:
        return False
    return len(secret) >= 8 or (len(secret) >= 6 and not secret.isalpha() and not secret.isdigit())


def _forms(secret: str) -> Iterator[str]:
    """The secret as it is, as in JSON, and as in an address."""
    yield from (
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe="", errors="replace"),
    )
    if _is_recognisable(unquote(secret)):
        yield unquote(secret)


def _between_marks(text: str, known: re.Pattern[str]) -> Iterator[str]:
    """Replace known values, but not in marks: a key named `openai-key` must not be found in them."""
    position = 0
    for there in MARK.finditer(text):
        yield known.sub(mark("known-secret"), text[position : there.start()])
        yield there[0]
        position = there.end()
    yield known.sub(mark("known-secret"), text[position:])


def _without_shapes(text: str) -> str:
    kept: list[str] = []
    position, saw_access_key = 0, False
    while (found := ANYWHERE.search(text, position)) is not None:
        kept.append(text[position : found.start()])
        head, label, position = _judged(found, text)
        kept.append(head)
        while label:
            kept.append(mark(label))
            saw_access_key |= label == "aws-access-key"
            following = _key_at(text, position)
            label = _shape_label(following) if following is not None else ""
            position = following.end() if following is not None else position
    kept.append(text[position:])
    result = "".join(kept)
    return AWS_SECRET.sub(_aws_secret, result) if saw_access_key else result


def _judged(found: re.Match[str], text: str) -> tuple[str, str, int]:
    """What of a match stays, the label of what is replaced (or none), and where the search goes on."""
    kind = found.lastgroup or ""
    if kind.startswith("shape"):
        label = _shape_label(found)
        return ("", label, found.end()) if label else (found[0], "", found.end())
    if found["pem"] is not None:
        return "", "private-key", _end_of_private_key(text, found.end())
    group = next(name for name in GROUPS if found[name] is not None)
    head = found[0][: found.start(group) - found.start()]
    value = _trimmed(found[group]) if group in TRIMMED else found[group]
    of_itself = MARK.match(text, found.start(group)) or _key_at(text, found.start(group))
    if of_itself or not _is_secret(found, group, value):
        return head, "", found.start(group)
    weak = group in PASSWORDS or found["weak"] is not None or found["option"] is not None
    return head, "password" if weak else "secret", found.start(group) + len(value)


def _is_secret(found: re.Match[str], group: str, value: str) -> bool:
    if group in ("url", "signed", "cookie"):
        return True
    if group == "login":
        return "curl" in found.string[max(0, found.start() - COMMAND_CHARS) : found.start()]
    if group == "short":
        return len(value) >= 6 and _has_letter_and_digit(value)
    if group == "flagged":
        weak = found["option"] is not None
        return _has_letter_and_digit(value) and is_telling(value, weak=weak, sign="=")
    if group == "credential":
        in_a_header = len(found["scheme"]) > len("bearer")
        bearer = found["scheme"].lower() == "bearer"
        return (in_a_header and len(value) >= 8) or (bearer and len(value) >= 16 and _has_letter_and_digit(value))
    goes_on = SENTENCE_GOES_ON.match(found.string, found.end()) is not None
    if group == "stated":
        return len(value) >= 6 and _has_letter_and_digit(value) and not goes_on
    if group == "bare" and (CALL.match(found.string, found.end()) or (value.isalpha() and goes_on)):
        return False
    return is_telling(value, weak=found["weak"] is not None, sign=found["sign"])


def is_telling(value: str, *, weak: bool, sign: str) -> bool:
    """Whether what is assigned looks like a secret, not like a word or code.

    Args:
        value: without quotes.
        weak: a password, which people choose, so that a plain word may be one.
        sign: between name and value; after a colon prose is more likely.
    """
    if value.lower() in PLAIN_VALUES or value.startswith(("$", "%", "*")) or len(set(value)) == 1:
        return False
    if not weak:
        spaced = any(character.isspace() for character in value)
        return not spaced and ((len(value) >= 8 and _has_letter_and_digit(value)) or len(value) >= 32)
    if sign == ":" and any(character.isspace() for character in value):
        return False
    if value.startswith(("/", "~")):
        return False  # a working directory
    return (len(value) >= 4 and "." not in value[1:-1]) or _has_letter_and_digit(value)


def _trimmed(value: str) -> str:
    """Without the full stop or bracket that ends the sentence around it."""
    return value.rstrip(".!?:)]}") or value


def _has_letter_and_digit(value: str) -> bool:
    return any(each.isdigit() for each in value) and any(each.isalpha() for each in value)


def _key_at(text: str, position: int) -> re.Match[str] | None:
    """The key of a known format that begins here, whatever stands before it."""
    found = RIGHT_HERE.match(text, position)
    return found if found is not None and _shape_label(found) else None


def _shape_label(found: re.Match[str]) -> str:
    """The label of a key format, or none where the match is hyphenated prose."""
    shape = SHAPES[int((found.lastgroup or "").removeprefix("shape"))]
    return "" if shape.needs_digit and not any(each.isdigit() for each in found[0]) else shape.label


def _end_of_private_key(text: str, start: int) -> int:
    end = PEM_END.search(text, start, start + PEM_CHARS)
    if end is not None:
        return end.end()
    body = PEM_BODY.match(text, start)
    return body.end() if body is not None else start


def _aws_secret(found: re.Match[str]) -> str:
    value = found[0]
    mixed = _has_letter_and_digit(value) and not value.islower() and not value.isupper()
    return mark("aws-secret-key") if mixed else value


def mark(label: str) -> str:
    """What stands in the place of a secret."""
    return f"[redacted:{label}]"
