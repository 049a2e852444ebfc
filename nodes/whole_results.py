"""Long tool results: shown shortened, kept whole, and read on where the model asks for it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Protocol

from langchain_core.tools import BaseTool, StructuredTool

from configs.errors import ToolCallError
from nodes.prompts import shorten

READ = "read_result"
RESULT_ID = re.compile(r"\br[0-9a-f]{10}\b")
SHOWN = re.compile(
    r'\n\[\.\.\. [\d,]+ characters left out; read_result\("(r[0-9a-f]{10})", (\d+)\) reads on \.\.\.\]\n'
)
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "offset": {"type": "integer"}},
    "required": ["id", "offset"],
}


class ResultStore(Protocol):
    """Where the long results of one task are kept. No other task's can be reached."""

    async def keep(self, thread_id: str, task_id: str, result_id: str, text: str) -> bool:
        """Keep a text; False where the disk does not take it. Keeping it twice is keeping it once."""
        ...

    async def read(self, thread_id: str, task_id: str, result_id: str) -> str | None:
        """The text, or None where none of that id is kept for the task."""
        ...


def result_id(text: str) -> str:
    """The id of a text: the same for the same text, so that keeping it again after a crash changes nothing."""
    return f"r{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:10]}"


def whole_id(shown: str) -> str | None:
    """The id under which the whole of a shortened result is kept; None of one that was not shortened."""
    found = SHOWN.search(shown)
    return found[1] if found is not None else None


@dataclass(slots=True)
class WholeResults:
    """The long results of one subtask's calls, and those of earlier subtasks it was shown.

    Attributes:
        store: keeps them.
        thread_id, task_id: whose they are; ids are looked up nowhere else.
        limit: what is shown of one at a time, in characters.
    """

    store: ResultStore
    thread_id: str
    task_id: str
    limit: int
    _offered: list[BaseTool] = field(default_factory=list)

    def tools(self) -> list[BaseTool]:
        """What reads on; nothing while the model was shown no result that was kept."""
        return self._offered

    async def shown(self, text: str) -> str:
        """What the model sees of a result: all of a short one; head and tail of a long one, and how to read on."""
        if len(text) <= self.limit:
            return text
        own = result_id(text)
        if not await self.store.keep(self.thread_id, self.task_id, own, text):
            return shorten(text, self.limit)
        self._offer()
        head, tail = self.limit * 2 // 3, self.limit // 3
        mark = f'[... {len(text) - head - tail:,} characters left out; {READ}("{own}", {head}) reads on ...]'
        return f"{text[:head]}\n{mark}\n{text[-tail:]}"

    async def keep(self, text: str) -> str | None:
        """Keep a text that will not be shown any more; its id, or None where it cannot be kept."""
        own = result_id(text)
        kept = await self.store.keep(self.thread_id, self.task_id, own, text)
        if kept:
            self._offer()
        return own if kept else None

    async def notice(self, text: str) -> None:
        """Offer to read on where a text names a result that is kept, such as an earlier subtask's."""
        for found in dict.fromkeys(RESULT_ID.findall(text)) if not self._offered else ():
            if await self.store.read(self.thread_id, self.task_id, found) is not None:
                self._offer()
                return

    async def read(self, **arguments: Any) -> str:
        """The result from an offset on, `limit` characters of it, and how to go on.

        Raises:
            ToolCallError: there is no such result, or the offset is outside it.
        """
        own, offset = arguments.get("id"), _whole_number(arguments.get("offset", 0))
        if not isinstance(own, str) or offset is None:
            raise ToolCallError(f'{READ} takes an id and an offset, such as {READ}("r1a2b3c4d5", {self.limit})')
        known = RESULT_ID.fullmatch(own) is not None
        text = await self.store.read(self.thread_id, self.task_id, own) if known else None
        if text is None:
            raise ToolCallError(f"no result {own[:40]!r} is kept; an id stands where a result was shortened")
        if not 0 <= offset < len(text):
            raise ToolCallError(f"offset {offset} is outside the result: it has {len(text):,} characters")
        end = offset + self.limit
        left = len(text) - end
        last = f'{left:,} characters follow; {READ}("{own}", {end}) reads on' if left > 0 else "the end of the result"
        return f"{text[offset:end]}\n[... {last} ...]"

    def _offer(self) -> None:
        if not self._offered:
            self._offered.append(
                StructuredTool(
                    name=READ,
                    description="Read on in a result that was shortened, from an offset in characters.",
                    args_schema=_SCHEMA,
                    coroutine=self.read,
                    metadata={"readOnlyHint": True},
                )
            )


def _whole_number(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,15}", value.strip()):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
