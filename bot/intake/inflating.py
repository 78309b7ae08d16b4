"""Compressed bytes made whole again, never more of them than asked for: a bomb costs what its first megabytes cost."""

from __future__ import annotations

import zlib

from bot.intake.found import NotTaken

_EITHER = 47  # gzip or zlib, whichever header comes
_BARE = -15


class Inflating:
    """Takes chunks of a body in one content encoding; at most `most` bytes come out."""

    def __init__(self, encoding: str, most: int) -> None:
        self._encoding, self._most = encoding.strip().lower(), most
        self._parts: list[bytes] = []
        self._size = 0
        self._stream = zlib.decompressobj(_EITHER) if self._encoding in ("gzip", "x-gzip", "deflate") else None
        self._broken = self._encoding not in ("", "identity") and self._stream is None

    def takes(self, chunk: bytes) -> bool:
        """Whether there was room for all of it."""
        if self._broken or not chunk:
            return True
        out = chunk if self._stream is None else self._inflate(chunk)
        self._parts.append(out)
        self._size += len(out)
        return self._size <= self._most

    def whole(self, name: str) -> bytes:
        """Everything.

        :raises NotTaken: where the body is cut off, or in an encoding that nobody asked for.
        """
        if self._broken or (self._size and self._stream is not None and not self._stream.eof):
            raise NotTaken(f"{name}: its compressed answer cannot be read", "try again later, or open it in a browser")
        return b"".join(self._parts)

    def _inflate(self, chunk: bytes) -> bytes:
        assert self._stream is not None
        room = self._most - self._size + 1
        try:
            return self._stream.decompress(chunk, room)
        except zlib.error:
            if self._size == 0 and self._encoding == "deflate":
                self._stream = zlib.decompressobj(_BARE)  # Some servers leave the header out.
                try:
                    return self._stream.decompress(chunk, room)
                except zlib.error:
                    pass
            self._broken = True
            return b""
