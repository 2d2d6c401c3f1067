"""Attempts of one member, order or device: how many in the present window, and the lock they led to."""

from __future__ import annotations

from typing import NamedTuple

from crossloyalty.domain.rules import Attempts

__all__ = ["Limit", "Tries", "load_tries"]

_MINUTE_US = 60_000_000
_DAY_MINUTES = 1440


class Limit(NamedTuple):
    """
    How many attempts lead to which lock.

    Args:
        most: Attempts in a window.
        window_minutes: How long they count together.
        lock_minutes: How long the first lock lasts.
        longest_minutes: How long the longest one lasts.
    """

    most: int
    window_minutes: int
    lock_minutes: int
    longest_minutes: int

    @classmethod
    def of_member(cls, rule: Attempts) -> Limit:
        """Give that of one member."""
        return cls(rule.per_member, rule.window_minutes, rule.lock_minutes, rule.longest_lock_minutes)

    @classmethod
    def of_device(cls, rule: Attempts) -> Limit:
        """Give that of one device key."""
        return cls(rule.per_device, rule.window_minutes, rule.lock_minutes, rule.longest_lock_minutes)

    @classmethod
    def of_order(cls, rule: Attempts) -> Limit:
        """Give that of one order number."""
        return cls(rule.per_order, _DAY_MINUTES, _DAY_MINUTES, _DAY_MINUTES)


class Tries(NamedTuple):
    """
    What is remembered of attempts; times in microseconds.

    Args:
        made: In the present window.
        since: When the window began.
        locks: How many locks there were; forgotten after a day without any.
        until: When the present lock ends; 0: none.
    """

    made: int = 0
    since: int = 0
    locks: int = 0
    until: int = 0

    def locked(self, now: int) -> bool:
        """Say whether nothing more is looked up."""
        return now < self.until

    def counted(self, limit: Limit, now: int) -> Tries:
        """Count one more attempt; the one that fills the window begins the lock."""
        fresh = now >= self.since + limit.window_minutes * _MINUTE_US
        made = 1 if fresh else self.made + 1
        since = now if fresh else self.since
        if made < limit.most:
            return Tries(made, since, self.locks, self.until)
        forgotten = now >= self.until + _DAY_MINUTES * _MINUTE_US
        locks = 1 if forgotten else self.locks + 1
        minutes = min(limit.longest_minutes, limit.lock_minutes * 2 ** min(locks - 1, 32))
        return Tries(0, now, locks, now + minutes * _MINUTE_US)

    def returned(self, limit: Limit, now: int) -> Tries:
        """Take one attempt back, with the lock where it was the one that began it."""
        if self.made:
            return Tries(self.made - 1, self.since if self.made > 1 else 0, self.locks, self.until)
        if self.locked(now):
            return Tries(limit.most - 1, self.since if limit.most > 1 else 0, self.locks - 1, 0)
        return self

    def text(self) -> str:
        """Give what is stored; nothing while there is nothing to remember."""
        return "" if self == Tries() else " ".join(map(str, self))


def load_tries(text: str) -> Tries:
    """Read what was stored."""
    return Tries(*map(int, text.split())) if text else Tries()
