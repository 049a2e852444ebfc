"""A run goes on with the knobs it was started with: they are kept beside each of its checkpoints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from configs.errors import ConfigurationError
from graph.context import Context, Knobs

KEY = "memento_knobs"
"""In the metadata of the checkpoints; LangGraph keeps texts there, so it is JSON."""


def metadata_of(knobs: Knobs) -> dict[str, str]:
    """What the run's checkpoints carry."""
    return {KEY: knobs.model_dump_json(exclude_none=True)}


def kept_context(metadata: Mapping[str, Any] | None, given: Context | None) -> Context:
    """The knobs in the metadata of a checkpoint, changed where the caller says so.

    Raises:
        ConfigurationError: this version no longer takes a value the run was started with.
    """
    kept = json.loads((metadata or {}).get(KEY, "{}"))
    known = {name: value for name, value in kept.items() if name in Context.model_fields}
    changed = given.model_dump(exclude_none=True) if given is not None else {}
    try:
        return Context(**{**known, **changed})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = str(fault["loc"][0]) if fault["loc"] else "a knob"
        raise ConfigurationError(
            f"the run was started with {name}={known.get(name)!r}, which is not taken any more; give another value"
        ) from None
