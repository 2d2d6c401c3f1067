"""
PostgreSQL's wire protocol 3.0, as far as a COMMIT is recognised in it.

A COMMIT is a simple Query that ends with one, or an Execute of a portal bound to a statement whose text is one, however
long ago it was parsed. Source: PostgreSQL 17 documentation, 53.7 "Message Formats", read 2026-11-23.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator
from typing import Final

from wire import Piece, begins_readonly, ends_with_commit

__all__ = ["PostgresqlWire"]

_WISHES: Final = frozenset({80877103, 80877104})  # SSLRequest, GSSENCRequest


class PostgresqlWire:
    """See `Wire`; encryption is refused, so that the stream can be read."""

    def __init__(self) -> None:
        self._client = _Messages()
        self._server = _Messages()
        self._is_started = False
        self._statements: dict[bytes, bytes] = {}  # name -> text
        self._portals: dict[bytes, bytes] = {}  # name -> text
        self._is_readonly = False
        # A ReadyForQuery answers each Query and each Sync, and one stands at the end of the start.
        self._asked = 1
        self._ready = 0
        self._commits: deque[tuple[int, bool]] = deque()  # which ReadyForQuery follows, and whether it counts

    def from_client(self, data: bytes) -> Iterator[Piece]:
        """See `Wire`."""
        self._client.add(data)
        # What starts a connection has no letter.
        while not self._is_started and (message := self._client.take(0)):
            yield self._starts(message)
        while self._is_started and (message := self._client.take(1)):
            yield self._asks(message[:1], message[5:], message)

    def _starts(self, message: bytes) -> Piece:
        [code] = struct.unpack_from("!I", message, 4)
        if code in _WISHES:
            return Piece(b"", reply=b"N")
        self._is_started = True
        return Piece(message)

    def _asks(self, kind: bytes, body: bytes, message: bytes) -> Piece:
        if kind == b"P":
            name, text = body.split(b"\0", 2)[:2]
            self._statements[name] = text
        elif kind == b"B":
            portal, name = body.split(b"\0", 2)[:2]
            self._portals[portal] = self._statements.get(name, b"")
        elif kind == b"E":
            return self._runs(self._portals.get(body.split(b"\0", 1)[0], b""), message)
        elif kind == b"Q":
            piece = self._runs(body.rstrip(b"\0"), message)
            self._asked += 1
            return piece
        elif kind == b"S":
            self._asked += 1
        return Piece(message)

    def _runs(self, text: bytes, message: bytes) -> Piece:
        readonly = begins_readonly(text)
        if readonly is not None:
            self._is_readonly = readonly
        if not ends_with_commit(text):
            return Piece(message)
        counts = not self._is_readonly
        self._is_readonly = False
        self._commits.append((self._asked + 1, counts))
        return Piece(message, "commit" if counts else None)

    def from_server(self, data: bytes) -> Iterator[Piece]:
        """See `Wire`."""
        self._server.add(data)
        while message := self._server.take(1):
            yield self._answers(message[:1], message[5:], message)

    def _answers(self, kind: bytes, body: bytes, message: bytes) -> Piece:
        if kind == b"C" and body == b"COMMIT\0" and self._commits:
            _, counts = self._commits.popleft()
            return Piece(message, "committed" if counts else None)
        if kind == b"Z":
            # Whatever was asked before it and is not answered by now was skipped after an error.
            self._ready += 1
            while self._commits and self._commits[0][0] <= self._ready:
                self._commits.popleft()
        return Piece(message)


class _Messages:
    """Cuts a stream into messages, each with its own length in front."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0

    def add(self, data: bytes) -> None:
        del self._buffer[: self._at]
        self._at = 0
        self._buffer += data

    def take(self, letters: int) -> bytes:
        """Give the next whole message, its length standing behind so many letters; nothing while there is none."""
        start = self._at + letters
        if len(self._buffer) < start + 4:
            return b""
        end = start + int.from_bytes(self._buffer[start : start + 4], "big")
        if len(self._buffer) < end:
            return b""
        message = bytes(self._buffer[self._at : end])
        self._at = end
        return message
