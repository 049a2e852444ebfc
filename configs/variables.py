"""The settings of this process as the environment variables that would set them, for programs that are given some."""

from __future__ import annotations

from pydantic import SecretStr

from configs.settings import Settings, variable_name


def variables(settings: Settings) -> dict[str, str]:
    """Each setting that has a value, by the name of its variable, as text; keys in the clear."""
    values = {variable_name(field): getattr(settings, field) for field in Settings.model_fields}
    return {name: _text(value) for name, value in values.items() if value is not None}


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value).lower() if isinstance(value, bool) else str(value)
