"""RTF as plain text."""

from __future__ import annotations

from tools.documents.document import EXTRA, Document, Source, UnreadableError, of_text
from tools.servers.extras import need

MAX_RTF = 30_000_000


def read(source: Source) -> Document:
    """The whole text.

    Raises:
        UnreadableError: it is damaged.
    """
    with source.path.open("rb") as file:
        data = file.read(MAX_RTF)
    try:
        text = need("striprtf.striprtf", EXTRA).rtf_to_text(data.decode("latin-1"), errors="replace")
    except (ValueError, LookupError, IndexError) as error:
        raise UnreadableError(f"this RTF file is damaged: {type(error).__name__}") from None
    return of_text("RTF document", text.replace("\r\n", "\n"))
