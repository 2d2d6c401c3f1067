"""
Which tier a member holds: qualifications, each with its own day.

Crossing a line stores the level with the local day it happened on. A refund recomputes the window **as of that day**
from today's facts, so a refund can take a tier at once and a payout that fails gives it back, while natural decay waits
for the period's end (D57). At the end of a period the window as of that day renews the level or lets it fall.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from crossloyalty.domain.calendar import shift_day
from crossloyalty.domain.rules import AnyLevel, Tiers

__all__ = [
    "PINNED",
    "Notice",
    "Qualification",
    "began_at",
    "came_with",
    "dump_qualifications",
    "held",
    "load_qualifications",
    "next_due_day",
    "retier",
    "review",
    "warn",
]

# [level name, local day it was reached on, whether that day still holds, marks …]
Qualification: TypeAlias = list[str | bool]
# Given by a person, an import or the policy of a review: the window of its day says nothing about it.
PINNED: Final = "pinned"
# The member was told that it is about to be lost.
_WARNED: Final = "warned"
# Came along from a member that was merged in, whose id stands behind it.
_FROM: Final = "from:"
WindowSpend: TypeAlias = Callable[[str], int]


def load_qualifications(text: str) -> list[Qualification]:
    """Read what the member's row keeps."""
    if not text:
        return []
    kept: list[Qualification] = json.loads(text)
    return kept


def dump_qualifications(kept: list[Qualification]) -> str:
    """Give what the member's row keeps; the empty text for none."""
    return json.dumps(kept, ensure_ascii=True, separators=(",", ":")) if kept else ""


def came_with(qualification: Qualification, source: str, target: str) -> Qualification:
    """
    Give a qualification as it stands at the member its own was merged into.

    Args:
        qualification: The source's; left as it is.
        source, target: The ids of both members. What had come from the target is its own again.
    """
    began = began_at(qualification, source)
    kept = [mark for mark in qualification[3:] if not str(mark).startswith(_FROM)]
    return [*qualification[:3], *kept, *([] if began == target else [_FROM + began])]


def began_at(qualification: Qualification, member_id: str) -> str:
    """Name the member a qualification began at, *member_id* where no other is noted."""
    notes = (str(mark) for mark in qualification[3:])
    return next((note.removeprefix(_FROM) for note in notes if note.startswith(_FROM)), member_id)


def _held(tiers: Tiers, kept: list[Qualification]) -> AnyLevel:
    best = tiers.levels[0]
    for name, _, holds, *_ in kept:
        if holds:
            level = tiers.level(str(name))
            if level.line > best.line:
                best = level
    return best


def _held_on(tiers: Tiers, kept: list[Qualification], name: str) -> str:
    days = [str(day) for level, day, holds, *_ in kept if level == name and holds]
    return max(days, default="")


def _qualify(tiers: Tiers, kept: list[Qualification], above: AnyLevel, reached: AnyLevel, day: str) -> None:
    """Every line that is crossed is kept with its day, so that losing the upper one leaves the lower ones."""
    for level in tiers.levels:
        if above.line < level.line <= reached.line:
            kept.append([level.name, day, True])


def held(tiers: Tiers, kept: list[Qualification]) -> tuple[str, str]:
    """Give the level held by its qualifications and the day it was reached on ("" for the lowest)."""
    level = _held(tiers, kept)
    return level.name, _held_on(tiers, kept, level.name)


def retier(
    tiers: Tiers, kept: list[Qualification], *, today: str, window_spend: WindowSpend, fell: bool
) -> tuple[str, str]:
    """
    Find the tier after spend has changed.

    Args:
        tiers: The rules in force.
        kept: The member's qualifications; changed in place.
        today: The local day of the settlement.
        window_spend: Qualifying spend, in fen, of the window that ends with a given day.
        fell: Whether some day's spend went down.

    Returns:
        The level's name and the day it was reached on ("" for the lowest).
    """
    reached = tiers.reached(window_spend(today))
    if not kept and not reached.line:
        return reached.name, ""
    best = _held(tiers, kept)
    lost_before = any(not holds and tiers.level(str(name)).line > best.line for name, _, holds, *_ in kept)
    if fell or lost_before:
        for qualification in kept:
            if PINNED not in qualification[3:]:
                line = tiers.level(str(qualification[0])).line
                qualification[2] = line > 0 and window_spend(str(qualification[1])) >= line
        best = _held(tiers, kept)
    if reached.line > best.line:
        _qualify(tiers, kept, best, reached, today)
    return held(tiers, kept)


def review(tiers: Tiers, kept: list[Qualification], *, today: str, window_spend: WindowSpend) -> tuple[str, str]:
    """
    Look again at every qualification whose time is over, in the order of their ends.

    Args:
        tiers, kept, today, window_spend: As for `retier`.

    Returns:
        The level's name and the day it was reached on ("" for the lowest).
    """
    while True:
        first = min(kept, key=lambda q: str(q[1]), default=None)
        day = None if first is None else tiers.review_on(str(first[1]))
        if first is None or day is None or day > today:
            return held(tiers, kept)
        kept.remove(first)
        level, reached = tiers.level(str(first[0])), tiers.reached(window_spend(day))
        if first[2] and level.line <= reached.line:
            if level.line > 0:
                kept.append([level.name, day, True, *_came_from(first)])
            continue
        lower = tiers.below(level)
        if first[2] and tiers.downgrade == "one_level" and lower.line > reached.line:
            kept.append([lower.name, day, True, PINNED, *_came_from(first)])
        _qualify(tiers, kept, _held(tiers, kept), reached, day)


def _came_from(qualification: Qualification) -> list[str | bool]:
    return [mark for mark in qualification[3:] if str(mark).startswith(_FROM)]


class Notice(NamedTuple):
    """
    What a member is to be told about the end of a tier.

    Args:
        saved: It was about to be lost and is not any more.
        review_on: The local day it is looked at.
        missing: What is missing by then, in fen or growth value; 0 where it is saved.
    """

    saved: bool
    review_on: str
    missing: int


def warn(tiers: Tiers, kept: list[Qualification], *, today: str, window_spend: WindowSpend) -> Notice | None:
    """
    Say that the tier held is about to be lost, once; or that it is saved after all (D35).

    Args:
        tiers, kept, today, window_spend: As for `retier`.
    """
    if tiers.warn_days is None:
        return None
    level = _held(tiers, kept)
    mine = [q for q in kept if q[0] == level.name and q[2]]
    last = max(mine, key=lambda q: str(q[1]), default=None)
    day = None if last is None else tiers.review_on(str(last[1]))
    if last is None or day is None or not shift_day(day, -tiers.warn_days) <= today < day:
        return None
    missing = level.line - window_spend(day)
    warned = _WARNED in last[3:]
    if (missing > 0) == warned:
        return None
    if warned:
        last.remove(_WARNED)
    else:
        last.append(_WARNED)
    return Notice(warned, day, max(0, missing))


def next_due_day(tiers: Tiers, kept: list[Qualification], *, today: str) -> str | None:
    """Give the local day something is next to be done about a tier; None when nothing ends."""
    days = [day for q in kept if (day := tiers.review_on(str(q[1]))) is not None]
    if not days:
        return None
    if tiers.warn_days is not None:
        days += [soon for day in days if (soon := shift_day(day, -tiers.warn_days)) > today]
    return min(days)
