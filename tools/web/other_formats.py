"""Files of the web that are no pages (PDF, office, pictures ...): given to the reader of documents."""

from __future__ import annotations

from configs.settings import Settings

MORE = "This is a file; for other pages of it use read_document with its address."


async def document_text(name: str, media_type: str, data: bytes, settings: Settings, query: str) -> str:
    """The text of a file: its first parts, or the passages that match the query.

    Raises:
        ToolCallError: it cannot be read.
        ConfigurationError, SandboxError: a library is missing, or there is no sandbox to parse in.
    """
    from tools.documents.reader import read_bytes

    return await read_bytes(name, media_type, data, settings, query=query)
