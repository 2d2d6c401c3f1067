"""What the proxy reads in a wire protocol: pieces of the stream, and which of them asks for or answers a COMMIT."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, Protocol

__all__ = ["Piece", "Wire", "begins_readonly", "ends_with_commit"]


class Piece(NamedTuple):
    """
    One whole message of the stream.

    Args:
        data: What goes on to the other side, as the sender wrote it except for features the wire switches off.
        mark: "commit": asks for a COMMIT; "committed": the server's answer that it was done. Both only for transactions
            that may write.
        reply: What the proxy itself sends back to the sender.
    """

    data: bytes
    mark: Literal["commit", "committed"] | None = None
    reply: bytes = b""


class Wire(Protocol):
    """One connection's protocol, without any socket: bytes in, pieces out; keeps what is not whole yet."""

    def from_client(self, data: bytes) -> Iterator[Piece]:
        """Take what the client sent."""
        ...

    def from_server(self, data: bytes) -> Iterator[Piece]:
        """Take what the server sent."""
        ...


_COMMIT: Final = re.compile(rb"(?:\A|;)\s*(?:COMMIT|END)(?:\s+(?:WORK|TRANSACTION))?[\s;]*\Z", re.IGNORECASE)
_BEGIN: Final = re.compile(rb"(?:\A|;)\s*(?:BEGIN|START\s+TRANSACTION)\b([^;]*)", re.IGNORECASE)


def ends_with_commit(sql: bytes) -> bool:
    """Say whether a text of one or more statements ends with COMMIT."""
    return _COMMIT.search(sql) is not None


def begins_readonly(sql: bytes) -> bool | None:
    """Say whether a text begins a transaction as READ ONLY; None when it begins none."""
    begun = _BEGIN.findall(sql)
    return b"READ ONLY" in begun[-1].upper() if begun else None
