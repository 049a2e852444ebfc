"""gzip as it comes over the network, unpacked in small parts: one member or several (RFC 1952, section 2.2)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

PIECE = 65_536
MEMBERS = 10_000
"""What is packed in blocks has one for 64 kB or so; empty ones cost time and give nothing."""
_MAGIC = b"\x1f\x8b"


class Gunzip:
    """Unpacks pieces in their order. What follows the last member and is none is passed over, as browsers do."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        self._members = 1
        self._started = self._over = False
        self._after = b""
        """What came after a member's end, while it is too short to tell whether another one begins."""

    def parts(self, piece: bytes) -> Iterator[bytes]:
        """What the piece unpacks to, at most PIECE bytes at once, so that a bomb can be stopped in between.

        Raises:
            zlib.error: it is damaged.
        """
        self._started = self._started or bool(piece)
        while piece and not self._over:
            if self._decoder.eof:
                piece = self._next_member(piece)
                continue
            yield self._decoder.decompress(piece, PIECE)
            piece = self._decoder.unused_data if self._decoder.eof else self._decoder.unconsumed_tail

    def close(self) -> None:
        """At the end of all pieces.

        Raises:
            zlib.error: something is missing.
        """
        if self._started and not self._decoder.eof:
            raise zlib.error("cut off")

    def _next_member(self, piece: bytes) -> bytes:
        """Begin another member where there is one; what is to be unpacked now."""
        found = self._after + piece
        if len(found) < len(_MAGIC):
            self._after = found
            return b""
        self._over = not found.startswith(_MAGIC)
        if self._over:
            return b""
        self._members += 1
        if self._members > MEMBERS:
            raise zlib.error("too many members")
        self._decoder, self._after = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16), b""
        return found
