"""The tiny executor under a transaction: one connection that runs statements, in one round trip where it can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

from crossloyalty.domain.records import Record

__all__ = ["ANSWER_SLACK_S", "RESTS_S", "Answer", "Call", "Link", "is_refused"]

# A server ends a statement at its own time-out; this much later its word of that should have come, or the link is lost.
ANSWER_SLACK_S: Final = 5
# Firewalls and servers drop what says nothing for minutes; an older connection is not worth the doubt.
RESTS_S: Final = 240.0


class Call(NamedTuple):
    """
    One statement to send.

    Args:
        sql: In the words and placeholders of the dialect.
        row: Its parameters: text, integers, None.
        kind: The record class its rows are made into; None leaves them as the driver gives them.
        expected: How many rows it has to touch; None where that decides nothing.
    """

    sql: str
    row: Sequence[Any] = ()
    kind: type[Record] | None = None
    expected: int | None = None


class Answer(NamedTuple):
    """How many rows a statement touched, and the rows it gave."""

    touched: int
    rows: Sequence[Any]


def is_refused(calls: Sequence[Call], answers: Sequence[Answer]) -> bool:
    """Say whether a change did not find its rows."""
    return any(call.expected not in (None, answer.touched) for call, answer in zip(calls, answers, strict=False))


class Link(Protocol):
    """One connection to a server; spelled async, and never really waiting over a plain driver."""

    @property
    def rests_s(self) -> float:
        """For how many seconds it may say nothing between two transactions and still be trusted."""
        ...

    async def send(self, calls: Sequence[Call]) -> list[Answer]:
        """
        Run statements in order; the first that fails raises, and those behind it do not run.

        Returns:
            One answer a call.

        Raises:
            Exception: The driver's own; the caller translates it.
        """
        ...

    @property
    def is_open(self) -> bool:
        """Say whether it can be used again: not closed, not lost, not interrupted in the middle of a statement."""
        ...

    def close(self) -> None:
        """Close it for good; never raises."""
        ...
