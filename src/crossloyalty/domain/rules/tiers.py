"""Tiers (会员等级) and how they are reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar

import attrs

from crossloyalty.domain.calendar import shift_day
from crossloyalty.domain.checks import clean_text, walked
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.numbers import exact
from crossloyalty.domain.rules._checks import LONGEST_DAYS, NEW_IN_2, fen, flag, named, one_of, rate_text, whole
from crossloyalty.errors import ConfigError, InvalidInput, WrongType, shown

__all__ = ["AnyLevel", "GrowthLevel", "GrowthTiers", "Level", "SpendTiers", "Tiers"]


def _multiplier(text: str) -> tuple[int, int]:
    return (1, 1) if text == "1" else exact(text, "points_multiplier").as_integer_ratio()


def _benefits(value: Any) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise WrongType(f"benefits map names to texts, not {shown(value)}")
    return {clean_id(name, "the name of a benefit"): clean_text(text, "a benefit") for name, text in value.items()}


@attrs.frozen
class Level:
    """
    One tier (会员等级).

    Args:
        name: As customers read it.
        from_fen: Least qualifying spend.
        points_multiplier: Exact text; multiplies the points of orders that come after the tier was reached (D17).
        benefits: What the host offers this tier (权益), name to text, such as {"生日礼": "双倍积分"}; kept and handed
            out, never looked at (S0-16).
    """

    name: str = attrs.field(validator=named)
    from_fen: int = attrs.field(validator=fen)
    points_multiplier: str = attrs.field(default="1", converter=rate_text)
    benefits: Mapping[str, str] = attrs.field(factory=dict, converter=_benefits, metadata=NEW_IN_2)

    @property
    def line(self) -> int:
        """What has to be reached, in fen."""
        return self.from_fen

    @property
    def multiplier(self) -> tuple[int, int]:
        """The multiplier as numerator and denominator."""
        return _multiplier(self.points_multiplier)


@attrs.frozen
class GrowthLevel:
    """
    One tier by growth value (成长值等级).

    Args:
        name: As customers read it.
        from_growth: Least growth value.
        points_multiplier, benefits: As for `Level`.
    """

    name: str = attrs.field(validator=named)
    from_growth: int = attrs.field(validator=whole(0, 10**12))
    points_multiplier: str = attrs.field(default="1", converter=rate_text)
    benefits: Mapping[str, str] = attrs.field(factory=dict, converter=_benefits, metadata=NEW_IN_2)

    @property
    def line(self) -> int:
        """What has to be reached, in growth value."""
        return self.from_growth

    @property
    def multiplier(self) -> tuple[int, int]:
        """The multiplier as numerator and denominator."""
        return _multiplier(self.points_multiplier)


_L = TypeVar("_L", Level, GrowthLevel)


def _sorted_levels(value: Any, kind: type[_L]) -> tuple[_L, ...]:
    if isinstance(value, Mapping):
        value = [kind(name, line) for name, line in value.items()]
    given = tuple(walked(value, "levels"))
    for level in given:
        if not isinstance(level, kind):
            raise WrongType(f"levels hold {kind.__name__} values, not {shown(level)}")
    levels = tuple(sorted(given, key=lambda level: level.line))
    if not levels or levels[0].line != 0:
        raise InvalidInput("the lowest tier begins at 0")
    if len({level.line for level in levels}) < len(levels) or len({level.name for level in levels}) < len(levels):
        raise InvalidInput("two tiers share a name or a line")
    for level in levels:
        if not level.name or len(level.name) > 40 or level.name != level.name.strip():
            raise InvalidInput(f"a tier's name has 1 to 40 characters: {shown(level.name)}")
    return levels


def _spend_levels(value: Any) -> tuple[Level, ...]:
    return _sorted_levels(value, Level)


def _growth_levels(value: Any) -> tuple[GrowthLevel, ...]:
    return _sorted_levels(value, GrowthLevel)


class _HasLevels(Protocol):
    @property
    def levels(self) -> Any: ...
    @property
    def lasts_days(self) -> int | None: ...
    @property
    def period(self) -> str: ...
    @property
    def grace_days(self) -> int: ...
    @property
    def downgrade(self) -> str: ...


class _Tiers:
    """What tiers by spend and by growth value have in common; the classes below say what a value is."""

    __slots__ = ()

    def level(self: _HasLevels, name: str) -> Level | GrowthLevel:
        """Give the level of a name; an unknown one (a revision dropped it) is the lowest."""
        levels: Sequence[Level | GrowthLevel] = self.levels
        for level in levels:
            if level.name == name:
                return level
        return levels[0]

    def reached(self: _HasLevels, value: int) -> Level | GrowthLevel:
        """Give the highest level whose line a value reaches."""
        levels: Sequence[Level | GrowthLevel] = self.levels
        found = levels[0]
        for level in levels:
            if value >= level.line:
                found = level
        return found

    def below(self: _HasLevels, level: Level | GrowthLevel) -> Level | GrowthLevel:
        """Give the level under another one, the lowest for itself."""
        levels: Sequence[Level | GrowthLevel] = self.levels
        return levels[max(0, levels.index(level) - 1)]

    def review_on(self: _HasLevels, day: str) -> str | None:
        """Give the local day a tier reached on a day is looked at again; None: never."""
        lasts = self.lasts_days
        if lasts is None or self.downgrade == "keep":
            return None
        end = f"{int(day[:4]) + 1}-01-01" if self.period == "calendar_year" else shift_day(day, lasts)
        return shift_day(end, self.grace_days)


@attrs.frozen
class SpendTiers(_Tiers):
    """
    Tiers by cumulative spend (累计消费等级).

    Args:
        levels: Name → least qualifying spend in fen, or a sequence of `Level`; the lowest begins at 0.
        window_days: The rolling window: today and the days before; None: lifetime.
        period_days: How long a tier once reached lasts; default `window_days`. Lifetime tiers last for ever.
        period: "days", or "calendar_year": to 31 December of the year it was reached in.
        grace_days: The review waits so long behind the period's end (宽限期), and looks at the window as of that day.
        downgrade: What a review does below the line: "recompute" falls to what the window reaches, "one_level" by one
            tier at most, "keep" never (保级): only refunds take a tier then.
        warn_days: So long before a review that would take the tier, `tier.will_downgrade` is sent; None: never (D35).
        include_current: The multiplier of an order is that of the tier it leads to, not of the tier before (D17).
    """

    levels: tuple[Level, ...] = attrs.field(converter=_spend_levels)
    window_days: int | None = attrs.field(default=None, validator=whole(1, LONGEST_DAYS, optional=True), kw_only=True)
    period_days: int | None = attrs.field(default=None, validator=whole(1, LONGEST_DAYS, optional=True), kw_only=True)
    period: Literal["days", "calendar_year"] = attrs.field(
        default="days", validator=one_of("days", "calendar_year"), kw_only=True, metadata=NEW_IN_2
    )
    grace_days: int = attrs.field(default=0, validator=whole(0, 3660), kw_only=True, metadata=NEW_IN_2)
    downgrade: Literal["recompute", "one_level", "keep"] = attrs.field(
        default="recompute", validator=one_of("recompute", "one_level", "keep"), kw_only=True, metadata=NEW_IN_2
    )
    warn_days: int | None = attrs.field(
        default=None, validator=whole(1, 3660, optional=True), kw_only=True, metadata=NEW_IN_2
    )
    include_current: bool = attrs.field(default=False, validator=flag, kw_only=True, metadata=NEW_IN_2)

    def __attrs_post_init__(self) -> None:
        if self.period == "calendar_year" and (self.window_days is None or self.period_days is not None):
            raise ConfigError("a calendar year needs window_days, and has no period_days")

    @property
    def lasts_days(self) -> int | None:
        """How long a tier lasts, in days; None: for ever."""
        return None if self.window_days is None else self.period_days or self.window_days


@attrs.frozen
class GrowthTiers(_Tiers):
    """
    Tiers by growth value (成长值等级): by what a member has now, so value that expires cannot carry them (S3-10).

    Args:
        levels: Name → least growth value, or a sequence of `GrowthLevel`; the lowest begins at 0.
        period_days: How long a tier once reached lasts before it is looked at again; None: for ever.
        period, grace_days, downgrade, warn_days: As for `SpendTiers`; a calendar year needs no other setting.
        deduct_growth: What is taken from members above the lowest tier at the end of each period, before the tier is
            looked at; never more than there is (S3-14).
    """

    levels: tuple[GrowthLevel, ...] = attrs.field(converter=_growth_levels)
    period_days: int | None = attrs.field(default=None, validator=whole(1, LONGEST_DAYS, optional=True), kw_only=True)
    period: Literal["days", "calendar_year"] = attrs.field(
        default="days", validator=one_of("days", "calendar_year"), kw_only=True
    )
    grace_days: int = attrs.field(default=0, validator=whole(0, 3660), kw_only=True)
    downgrade: Literal["recompute", "one_level", "keep"] = attrs.field(
        default="recompute", validator=one_of("recompute", "one_level", "keep"), kw_only=True
    )
    warn_days: int | None = attrs.field(default=None, validator=whole(1, 3660, optional=True), kw_only=True)

    deduct_growth: int = attrs.field(default=0, validator=whole(0, 10**12), kw_only=True)

    window_days: ClassVar[int | None] = None
    include_current: ClassVar[bool] = False

    def __attrs_post_init__(self) -> None:
        if self.period == "calendar_year" and self.period_days is not None:
            raise ConfigError("a calendar year has no period_days")
        if self.deduct_growth and (self.lasts_days is None or self.downgrade == "keep"):
            raise ConfigError("growth value is deducted at the end of a period, and these tiers have none")

    @property
    def lasts_days(self) -> int | None:
        """How long a tier lasts, in days; None: for ever."""
        return 366 if self.period == "calendar_year" else self.period_days


AnyLevel: TypeAlias = Level | GrowthLevel
Tiers: TypeAlias = SpendTiers | GrowthTiers
