"""Decide, read what was missing, decide again: the loop around every batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from crossloyalty.application.batch import Batch
from crossloyalty.application.converting import MoreTickets
from crossloyalty.application.loading import Loaded
from crossloyalty.domain.needs import Need
from crossloyalty.errors import StorageCorrupt

__all__ = ["StartAgain", "decide"]

_T = TypeVar("_T")
_ROUNDS: Final = 64


class StartAgain(Exception):
    """A number resolved to other roots than those locked; the use case starts again with the larger set."""


async def decide(loaded: Loaded, decision: Callable[[Batch], _T]) -> tuple[Batch, _T]:
    """
    Run a pure decision until it needs nothing more.

    Args:
        loaded: What was read so far; grows.
        decision: Works on a fresh batch each time.

    Returns:
        The batch of the last, complete run, and what the decision gave.
    """
    for _ in range(_ROUNDS):
        batch = Batch(loaded)
        try:
            outcome = decision(batch)
            if not batch.needs:
                return batch, outcome
        except Need as need:
            batch.needs.append(need)
        tickets = [need for need in batch.needs if isinstance(need, MoreTickets)]
        await loaded.read_tickets(
            dict.fromkeys(need.key for need in tickets),
            dict.fromkeys(asker for need in tickets for asker in need.askers),
        )
        await loaded.satisfy([need for need in batch.needs if not isinstance(need, MoreTickets)])
    raise StorageCorrupt("a decision kept asking for rows that are not there; run verify()")
