"""Which requests come behind a lock, from the rule's text; shares no code with `src`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from crossloyalty import rules

LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


class Tried(NamedTuple):
    made: int = 0
    since: datetime = LONG_AGO
    locks: int = 0
    until: datetime = LONG_AGO


def one_more(tried: Tried, rule: rules.Attempts, kind: str, now: datetime) -> Tried:
    """A member's window is short and locks grow; a number's is a day, and so is its lock."""
    day = timedelta(days=1)
    if kind == "order":
        most, window, first, longest = rule.per_order, day, day, day
    else:
        most, window = rule.per_member, timedelta(minutes=rule.window_minutes)
        first, longest = timedelta(minutes=rule.lock_minutes), timedelta(minutes=rule.longest_lock_minutes)
    made, since = (1, now) if now >= tried.since + window else (tried.made + 1, tried.since)
    if made < most:
        return tried._replace(made=made, since=since)
    locks = 1 if now >= tried.until + day else tried.locks + 1
    return Tried(0, now, locks, now + min(longest, first * 2 ** (locks - 1)))


def count(
    rule: rules.Attempts | None,
    tried: dict[Any, Tried],
    guesses: list[tuple[str, Any, bool]],
    now: datetime,
) -> tuple[set[tuple[str, Any]], dict[Any, Tried]]:
    """
    Go through requests of (member, order, whether it was answered RECEIVED); those who do not guess are left out.

    Returns:
        Those that come behind a lock, and what is remembered when there are none.
    """
    held, stop = dict(tried), set()
    for name, key, missed in guesses if rule else ():
        kinds = {("member", name): "member", ("order", key): "order"}
        if any(held.get(what, Tried()).until > now for what in kinds):
            stop.add((name, key))
        elif missed and rule:
            held |= {what: one_more(held.get(what, Tried()), rule, kind, now) for what, kind in kinds.items()}
    return stop, held
