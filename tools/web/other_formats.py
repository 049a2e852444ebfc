"""Files of the web that are no pages (PDF, office, pictures ...): given to the reader of documents."""

from __future__ import annotations

from configs.errors import ToolCallError


async def document_text(name: str, media_type: str, data: bytes) -> str:
    """The text of a file.

    Raises:
        ToolCallError: no reader knows the format.
    """
    raise ToolCallError(f"this is no page but a file ({media_type}); read it with read_document")
