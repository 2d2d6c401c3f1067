"""
Which tier a member holds: qualifications, each with its own day.

Crossing a line stores the level with the local day it happened on. A refund recomputes the window **as of that day**
from today's facts, so a refund can take a tier at once and a payout that fails gives it back, while natural decay waits
for the period's end (D57). At the end of a period the window as of that day renews the level or lets it fall.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias

from crossloyalty.domain.calendar import shift_day
from crossloyalty.domain.rules import Level, SpendTiers

__all__ = ["Qualification", "dump_qualifications", "load_qualifications", "next_review_day", "retier", "review"]

# [level name, local day it was reached on, whether that day still holds]
Qualification: TypeAlias = list[str | bool]
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


def _held(tiers: SpendTiers, kept: list[Qualification]) -> Level:
    best = tiers.levels[0]
    for name, _, holds in kept:
        if holds:
            level = tiers.level(str(name))
            if level.from_fen > best.from_fen:
                best = level
    return best


def _held_on(tiers: SpendTiers, kept: list[Qualification], name: str) -> str:
    days = [str(day) for level, day, holds in kept if level == name and holds]
    return max(days, default="")


def _qualify(tiers: SpendTiers, kept: list[Qualification], above: Level, reached: Level, day: str) -> None:
    """Every line that is crossed is kept with its day, so that losing the upper one leaves the lower ones."""
    for level in tiers.levels:
        if above.from_fen < level.from_fen <= reached.from_fen:
            kept.append([level.name, day, True])


def retier(
    tiers: SpendTiers, kept: list[Qualification], *, today: str, window_spend: WindowSpend, fell: bool
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
    if not kept and not reached.from_fen:
        return reached.name, ""
    held = _held(tiers, kept)
    lost_before = any(not holds and tiers.level(str(name)).from_fen > held.from_fen for name, _, holds in kept)
    if fell or lost_before:
        for qualification in kept:
            line = tiers.level(str(qualification[0])).from_fen
            qualification[2] = line > 0 and window_spend(str(qualification[1])) >= line
        held = _held(tiers, kept)
    if reached.from_fen > held.from_fen:
        _qualify(tiers, kept, held, reached, today)
        held = reached
    return held.name, _held_on(tiers, kept, held.name)


def review(tiers: SpendTiers, kept: list[Qualification], *, today: str, window_spend: WindowSpend) -> tuple[str, str]:
    """
    Look again at every qualification whose period has ended, in the order of their ends.

    Args:
        tiers, kept, today, window_spend: As for `retier`.

    Returns:
        The level's name and the day it was reached on ("" for the lowest).
    """
    lasts = tiers.lasts_days
    while lasts is not None:
        ended = [q for q in kept if shift_day(str(q[1]), lasts) <= today]
        if not ended:
            break
        first = min(ended, key=lambda q: str(q[1]))
        day = shift_day(str(first[1]), lasts)
        kept.remove(first)
        reached = tiers.reached(window_spend(day))
        if first[2] and tiers.level(str(first[0])).from_fen <= reached.from_fen:
            if tiers.level(str(first[0])).from_fen > 0:
                kept.append([first[0], day, True])
        else:
            _qualify(tiers, kept, _held(tiers, kept), reached, day)
    held = _held(tiers, kept)
    return held.name, _held_on(tiers, kept, held.name)


def next_review_day(tiers: SpendTiers, kept: list[Qualification]) -> str | None:
    """Give the local day the earliest period ends on; None when nothing ends."""
    lasts = tiers.lasts_days
    if lasts is None or not kept:
        return None
    return shift_day(min(str(day) for _, day, _ in kept), lasts)
