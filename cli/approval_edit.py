"""A person changes the arguments of what waits for approval: in their editor, or on one line."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from configs.errors import InvalidInputError
from configs.settings import environment_values


def edited(action: Mapping[str, Any], read: Callable[[str], str]) -> dict[str, Any]:
    """The action with the arguments as edited.

    Args:
        action: what waits.
        read: reads a line after a prompt, where no editor is set.

    Raises:
        InvalidInputError: what was written cannot be used, or the editor failed.
    """
    set_ones = environment_values(["VISUAL", "EDITOR"])
    editor = set_ones.get("VISUAL") or set_ones.get("EDITOR")
    before = json.dumps(action["args"], ensure_ascii=False, indent=2)
    text = _in_editor(editor, before) if editor else read("the arguments, as JSON: ")
    return edited_action(action, text)


def edited_action(action: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The action with the arguments that a JSON text holds; for a plan the list of its subtasks will do.

    Raises:
        InvalidInputError: it is no JSON object.
    """
    try:
        given = json.loads(text)
    except ValueError as error:
        raise InvalidInputError(f"that is not JSON: {error}") from None
    if action["name"] == "plan" and isinstance(given, list):
        given = {"plan": given}
    if not isinstance(given, dict):
        raise InvalidInputError("the arguments must be a JSON object")
    return {"name": action["name"], "args": given}


def _in_editor(editor: str, text: str) -> str:
    with TemporaryDirectory(prefix="memento-") as folder:
        path = Path(folder, "arguments.json")
        path.write_text(f"{text}\n", encoding="utf-8")
        try:
            subprocess.run([*shlex.split(editor), str(path)], check=True)  # noqa: S603  the person's own editor
            return path.read_text(encoding="utf-8")
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            raise InvalidInputError(f"the editor failed: {error}") from error
