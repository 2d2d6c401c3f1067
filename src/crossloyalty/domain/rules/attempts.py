"""How often a member may guess before nothing is looked up any more."""

from __future__ import annotations

import attrs

from crossloyalty.domain.rules._checks import whole

__all__ = ["Attempts"]

_MOST = 10**6
_MINUTES = 60 * 24 * 365


@attrs.frozen(kw_only=True)
class Attempts:
    """
    The most requests without an accepted proof before TOO_MANY_ATTEMPTS is the only answer (D14).

    A request counts when it is answered RECEIVED: the number is unknown, somebody else's, claimed already, or the proof
    is wrong. The same request again is no new guess. A bound buyer and what the host vouches for are never held up.

    Args:
        per_member: The most in *window_minutes* of one member.
        per_device: The most in *window_minutes* with one device key of the host.
        window_minutes: How long attempts of a member or a device count together.
        lock_minutes: How long the first lock of a member or a device lasts; each further one lasts twice as long.
        longest_lock_minutes: The longest such lock.
        per_order: The most for one order number, by all members together, in a day; then it is locked for a day.

    Source: OWASP API Security Top 10 (2023), API6: limit how often a sensitive step can be tried.
    """

    per_member: int = attrs.field(default=20, validator=whole(1, _MOST))
    per_device: int = attrs.field(default=20, validator=whole(1, _MOST))
    window_minutes: int = attrs.field(default=10, validator=whole(1, _MINUTES))
    lock_minutes: int = attrs.field(default=10, validator=whole(1, _MINUTES))
    longest_lock_minutes: int = attrs.field(default=1440, validator=whole(1, _MINUTES))
    per_order: int = attrs.field(default=5, validator=whole(1, _MOST))
