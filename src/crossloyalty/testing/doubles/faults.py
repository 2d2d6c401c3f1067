"""What goes wrong at a double, and when: counted by calls, so that a run can be repeated."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import attrs

__all__ = ["FaultKind", "Faults"]


class FaultKind(enum.Enum):
    """One thing that goes wrong with one call."""

    THROTTLE = "THROTTLE"
    """The platform's own words for "too fast", with the pause of `Faults.advised_s`."""
    EXPIRE = "EXPIRE"
    """The access token is over, before its time."""
    DROP = "DROP"
    """The connection is closed without an answer."""
    DELAY = "DELAY"
    """The answer comes after `Faults.delay_s`."""
    ERROR = "ERROR"
    """HTTP 502 with an HTML page, as a proxy in between gives it."""
    HTML = "HTML"
    """HTTP 200 with an HTML page."""
    EMPTY = "EMPTY"
    """HTTP 200 with nothing."""
    CUT = "CUT"
    """The answer breaks off in the middle."""
    WRONG = "WRONG"
    """JSON, but of another shape than the page describes."""
    DEEP = "DEEP"
    """JSON with 100,000 brackets."""
    HUGE = "HUGE"
    """More bytes than an answer may have."""
    BOMB = "BOMB"
    """A few kilobytes of gzip that unpack to 64 MB."""
    DRIP = "DRIP"
    """One byte now and then, for ever."""
    HEADER_DRIP = "HEADER_DRIP"
    """One byte of the header lines now and then, for ever."""
    REDIRECT = "REDIRECT"
    """HTTP 302 to somewhere else."""


@attrs.define(kw_only=True)
class Faults:
    """
    The script of a double.

    Args:
        every: A kind of fault and how many calls lie between two of it; never at two calls in a row, so that retries
            get through.
        at: A fault at the n-th call of all, counted from 1, whatever stands around it.
        always: At every call.
        expire_every: An access token is over after this many calls; 0: never.
        drift_every: After this many pages some orders change; 0: never.
        drift_orders: How many change then.
        advised_s: The pause a throttled call is advised, in seconds.
        delay_s: How late a delayed answer is, in seconds.
        drip_s: The pause between two bytes, in seconds.
    """

    every: Mapping[FaultKind, int] = attrs.field(factory=dict)
    at: Mapping[int, FaultKind] = attrs.field(factory=dict)
    always: FaultKind | None = None
    expire_every: int = 0
    drift_every: int = 0
    drift_orders: int = 3
    advised_s: float = 0.01
    delay_s: float = 0.05
    drip_s: float = 0.05

    _calls: int = attrs.field(default=0, init=False)
    _last: int = attrs.field(default=-1, init=False)

    def next(self) -> FaultKind | None:
        """Count a call, and say what goes wrong with it."""
        self._calls += 1
        if self.always is not None:
            return self.always
        if self._calls in self.at:
            return self.at[self._calls]
        if self._last == self._calls - 1:
            return None
        for kind, every in self.every.items():
            if self._calls % every == 0:
                self._last = self._calls
                return kind
        return None
