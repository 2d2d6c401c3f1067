"""
MySQL's and MariaDB's wire protocol, as far as a COMMIT is recognised in it: a COM_QUERY whose text ends with one.

Statements prepared in the binary protocol are not looked into; the drivers used here send texts. Source: MySQL Server
internals documentation, "Client/Server Protocol", and MariaDB's "Client/Server Protocol" pages, read 2026-11-23.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, Literal

from wire import Piece, begins_readonly, ends_with_commit

__all__ = ["MysqlWire"]

_COM_QUERY: Final = 0x03
_LONGEST: Final = 0xFFFFFF
_MORE_RESULTS: Final = 0x0008

# COMPRESS, SSL; DEPRECATE_EOF, OPTIONAL_RESULTSET_METADATA, ZSTD and QUERY_ATTRIBUTES: each would change what is read.
_SWITCHED_OFF: Final = 0x20 | 0x800 | 1 << 24 | 1 << 25 | 1 << 26 | 1 << 27


class MysqlWire:
    """See `Wire`; encryption, compression and newer framings are struck from the server's greeting."""

    def __init__(self) -> None:
        self._client = _Packets()
        self._server = _Packets()
        self._is_greeted = False
        self._text = b""  # of a COM_QUERY that takes more than one packet
        self._is_readonly = False
        # Where the answer to a counted COMMIT stands: None is not awaited.
        self._answer: Literal["head", "columns", "rows"] | None = None

    def from_client(self, data: bytes) -> Iterator[Piece]:
        """See `Wire`; a long text's earlier packets have no mark, its last one has."""
        for packet, is_last in self._client.cut(data):
            if packet[3] == 0:  # begins a command
                self._text = packet[4:]
            elif self._text:
                self._text += packet[4:]
            if not is_last:
                yield Piece(packet)
                continue
            text, self._text = self._text, b""
            yield self._asks(text[1:], packet) if text[:1] == bytes([_COM_QUERY]) else Piece(packet)

    def _asks(self, text: bytes, packet: bytes) -> Piece:
        readonly = begins_readonly(text)
        if readonly is not None:
            self._is_readonly = readonly
        self._answer = None
        if not ends_with_commit(text):
            return Piece(packet)
        counts = not self._is_readonly
        self._is_readonly = False
        if counts:
            self._answer = "head"
        return Piece(packet, "commit" if counts else None)

    def from_server(self, data: bytes) -> Iterator[Piece]:
        """See `Wire`; "committed" is the last answer of a text, and only when none of its statements failed."""
        for packet, is_last in self._server.cut(data):
            if not self._is_greeted:
                self._is_greeted = True
                yield Piece(_plain_greeting(packet))
            elif self._answer is None or not is_last:
                yield Piece(packet)
            else:
                yield Piece(packet, "committed" if self._is_the_end(packet[4:]) else None)

    def _is_the_end(self, body: bytes) -> bool:
        """Follow the answer's results by one packet; say whether it is the OK of the last one, which is COMMIT's."""
        is_end_mark = body[0] == 0xFE and len(body) < 9
        if body[0] == 0xFF:
            self._answer = None
        elif self._answer == "columns":
            self._answer = "rows" if is_end_mark else "columns"
        elif self._answer == "rows":
            if is_end_mark:
                [status] = struct.unpack_from("<H", body, 3)
                self._answer = "head" if status & _MORE_RESULTS else None
        elif body[0] != 0x00:
            self._answer = "columns"
        elif not _status_of_ok(body) & _MORE_RESULTS:
            self._answer = None
            return True
        return False


class _Packets:
    """Cuts a stream into packets; says of each whether its message ends with it."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def cut(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        self._buffer += data
        at = 0
        while len(self._buffer) >= at + 4:
            length = int.from_bytes(self._buffer[at : at + 3], "little")
            end = at + 4 + length
            if len(self._buffer) < end:
                break
            yield bytes(self._buffer[at:end]), length < _LONGEST
            at = end
        del self._buffer[:at]


def _plain_greeting(packet: bytes) -> bytes:
    """Strike what the proxy cannot read from the capabilities in the server's first packet."""
    if packet[4] != 10:  # an error instead of a greeting, such as "too many connections"
        return packet
    changed = bytearray(packet)
    low = packet.index(b"\0", 5) + 1 + 4 + 8 + 1
    changed[low : low + 2] = _struck(packet[low : low + 2], _SWITCHED_OFF & 0xFFFF)
    high = low + 2 + 1 + 2
    changed[high : high + 2] = _struck(packet[high : high + 2], _SWITCHED_OFF >> 16)
    return bytes(changed)


def _struck(two: bytes, bits: int) -> bytes:
    return (int.from_bytes(two, "little") & ~bits).to_bytes(2, "little")


def _status_of_ok(body: bytes) -> int:
    """Read the status flags behind the counts of rows and the last id."""
    place = 1
    for _ in range(2):
        place += {0xFC: 3, 0xFD: 4, 0xFE: 9}.get(body[place], 1)
    [status] = struct.unpack_from("<H", body, place)
    return int(status)
