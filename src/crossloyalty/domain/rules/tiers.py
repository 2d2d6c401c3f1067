"""Tiers (会员等级) and how they are reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from crossloyalty.domain.checks import walked
from crossloyalty.domain.numbers import exact
from crossloyalty.domain.rules._checks import LONGEST_DAYS, fen, named, rate_text, whole
from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = ["Level", "SpendTiers"]


@attrs.frozen
class Level:
    """
    One tier (会员等级).

    Args:
        name: As customers read it.
        from_fen: Least qualifying spend.
        points_multiplier: Exact text; multiplies the points of orders that come after the tier was reached (D17).
    """

    name: str = attrs.field(validator=named)
    from_fen: int = attrs.field(validator=fen)
    points_multiplier: str = attrs.field(default="1", converter=rate_text)

    @property
    def multiplier(self) -> tuple[int, int]:
        """The multiplier as numerator and denominator."""
        if self.points_multiplier == "1":
            return 1, 1
        return exact(self.points_multiplier, "points_multiplier").as_integer_ratio()


def _levels(value: Any) -> tuple[Level, ...]:
    if isinstance(value, Mapping):
        value = [Level(name, from_fen) for name, from_fen in value.items()]
    given = tuple(walked(value, "levels"))
    for level in given:
        if not isinstance(level, Level):
            raise WrongType(f"levels hold Level values, not {shown(level)}")
    levels = tuple(sorted(given, key=lambda level: level.from_fen))
    if not levels or levels[0].from_fen != 0:
        raise InvalidInput("the lowest tier begins at 0 fen")
    if len({level.from_fen for level in levels}) < len(levels) or len({level.name for level in levels}) < len(levels):
        raise InvalidInput("two tiers share a name or a line")
    for level in levels:
        if not level.name or len(level.name) > 40 or level.name != level.name.strip():
            raise InvalidInput(f"a tier's name has 1 to 40 characters: {shown(level.name)}")
    return levels


@attrs.frozen
class SpendTiers:
    """
    Tiers by cumulative spend (累计消费等级).

    Args:
        levels: Name → least qualifying spend in fen, or a sequence of `Level`; the lowest begins at 0.
        window_days: The rolling window: today and the days before; None: lifetime.
        period_days: How long a tier once reached lasts; default `window_days`. Lifetime tiers last for ever.
    """

    levels: tuple[Level, ...] = attrs.field(converter=_levels)
    window_days: int | None = attrs.field(default=None, validator=whole(1, LONGEST_DAYS, optional=True), kw_only=True)
    period_days: int | None = attrs.field(default=None, validator=whole(1, LONGEST_DAYS, optional=True), kw_only=True)

    @property
    def lasts_days(self) -> int | None:
        """How long a tier lasts, in days; None: for ever."""
        return None if self.window_days is None else self.period_days or self.window_days

    def level(self, name: str) -> Level:
        """Give the level of a name; an unknown one (a revision dropped it) is the lowest."""
        for level in self.levels:
            if level.name == name:
                return level
        return self.levels[0]

    def reached(self, spend_fen: int) -> Level:
        """Give the highest level whose line this spend reaches."""
        found = self.levels[0]
        for level in self.levels:
            if spend_fen >= level.from_fen:
                found = level
        return found
