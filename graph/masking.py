"""Where secrets are taken out of what a run tells, and of what its tools give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from configs.errors import ConfigurationError
from configs.settings import Settings, secrets
from memory.case_redaction import redact_json
from memory.redaction import known_forms, redact, redact_known
from memory.secret_hints import joined, may_hold_a_secret


@dataclass(frozen=True, slots=True)
class Mask:
    """Knows this process's secrets. A text without a hint of one costs a few microseconds a kilobyte of it."""

    secrets: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()

    @classmethod
    def of(cls, known: Iterable[str]) -> Mask:
        """A mask for these values, and for whatever looks like a secret."""
        values = tuple(dict.fromkeys(known))
        return cls(values, known_forms(values))

    def text(self, text: str) -> str:
        """The text without known secrets and without what looks like one."""
        return redact(text, self.secrets) if may_hold_a_secret(text, self.forms) else text

    def values(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """A JSON object whose values hold no secrets; its keys stay."""
        if not may_hold_a_secret(joined(list(fields.values())), self.forms):  # one look at all of them
            return dict(fields)
        return {name: self.value(each) for name, each in fields.items()}

    def value(self, value: Any) -> Any:
        """A JSON value without secrets."""
        if value is None or isinstance(value, bool | int | float):
            return value
        return redact_json(value, self.secrets) if may_hold_a_secret(joined(value), self.forms) else value

    def known(self, text: str) -> str:
        """The text without known secrets; what only looks like one stays, since a task may be about it."""
        return redact_known(text, self.secrets) if any(form in text for form in self.forms) else text

    def known_in(self, value: Any) -> Any:
        """A JSON value without known secrets."""
        if isinstance(value, str):
            return self.known(value)
        if isinstance(value, dict):
            return {key: self.known_in(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.known_in(each) for each in value]
        return value


def mask_of(settings: Settings) -> Mask:
    """The mask of a process: its own keys, and those that its mcp.json gives to servers. Reads files."""
    from tools.server_secrets import server_secrets

    try:
        servers = server_secrets(settings)
    except ConfigurationError:  # whoever starts the servers tells what is wrong
        servers = []
    return Mask.of([*secrets(settings), *servers])
