"""Pictures, sounds and other files in a tool's result: kept in the caller's workspace, and named in the text."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import anyio.to_thread

from configs.errors import ToolCallError
from tools.result_text import result_text
from tools.workspace import Workspace

if TYPE_CHECKING:
    from mcp.types import CallToolResult

Folders: TypeAlias = Callable[[str], Workspace]
"""The workspace of a name."""
MAX_FILES = 20
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,80}")
_OFTEN = {"audio/wav": ".wav", "audio/x-wav": ".wav", "image/jpeg": ".jpg", "text/plain": ".txt"}
_one_at_a_time = threading.Lock()
"""Calls side by side look for a free name and take it, one after the other."""


async def told(result: CallToolResult, workspace: Workspace) -> str:
    """The text of a result, its files saved."""
    if all(block.type in ("text", "resource_link") for block in result.content):
        return result_text(result)
    return await anyio.to_thread.run_sync(result_text, result, FileSaver(workspace))


class FileSaver:
    """Saves what one result holds, at most MAX_FILES; called as `tools.result_text.Save`. Blocks."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._saved = 0

    def __call__(self, name: str, media_type: str, data: str) -> str:
        if self._saved >= MAX_FILES:
            return f"not saved: more than {MAX_FILES} files"
        try:
            content = base64.b64decode(data, validate=True)
            with _one_at_a_time:
                path = self._workspace.free_name(file_name(name, media_type))
                self._workspace.write(path, content)
        except binascii.Error:
            return "not saved: it is no base64"
        except ToolCallError as error:
            return f"not saved: {error}"
        except OSError:
            return "not saved"
        self._saved += 1
        return f"saved as {path}"


def file_name(name: str, media_type: str) -> str:
    """A plain name with the ending of its media type."""
    plain = name if _NAME.fullmatch(name) else "file"
    if "." in plain:
        return plain
    kind = media_type.partition(";")[0].strip().lower()
    return plain + (_OFTEN.get(kind) or mimetypes.guess_extension(kind) or "")
