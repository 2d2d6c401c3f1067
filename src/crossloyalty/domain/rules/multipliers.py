"""What multiplies points for a while or from an amount on: campaigns and thresholds."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any, Literal

import attrs

from crossloyalty.domain.calendar import Calendar, instant_of
from crossloyalty.domain.numbers import exact
from crossloyalty.domain.rules._checks import fen, one_of, optional_time, rate_text, rule_id, texts
from crossloyalty.domain.rules.scope import Days, Scope, optional_scope
from crossloyalty.errors import ConfigError, InvalidInput, WrongType, shown

__all__ = ["Campaign", "Threshold"]

CampaignTime = Literal["paid", "created", "finished", "claimed"]


def _optional_days(_: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    if not (value is None or isinstance(value, Days)):
        raise WrongType(f"{attribute.name} is a Days, not {shown(value)}")


@attrs.frozen
class Campaign:
    """
    A multiplier for some time (活动倍数, 会员日).

    Whether an order is in it is decided once, at its first settlement; which of its lines are, every time.

    Args:
        id: Remembered by claims.
        multiplier: Exact text.
        from_at, until_at: The window, half-open; None: open at that end.
        by: By which time of the order it is looked at (D42); an order without that time is not in it.
        days: Only on these local days; None: on all.
        scope: What else it is limited to.
        group: Of the campaigns of one group the best counts; those of different groups multiply each other.
        rewards: Ids of the rewards it multiplies; empty: all that a tier multiplies.
    """

    id: str = attrs.field(validator=rule_id)
    multiplier: str = attrs.field(converter=rate_text)
    from_at: datetime | None = attrs.field(default=None, validator=optional_time, kw_only=True)
    until_at: datetime | None = attrs.field(default=None, validator=optional_time, kw_only=True)
    by: CampaignTime = attrs.field(
        default="paid", validator=one_of("paid", "created", "finished", "claimed"), kw_only=True
    )
    days: Days | None = attrs.field(default=None, validator=_optional_days, kw_only=True)
    scope: Scope | None = attrs.field(default=None, validator=optional_scope, kw_only=True)
    group: str = attrs.field(default="default", validator=rule_id, kw_only=True)
    rewards: tuple[str, ...] = attrs.field(default=(), converter=texts, kw_only=True)
    times: Fraction = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "times", exact(self.multiplier, "multiplier"))
        if self.from_at is not None and self.until_at is not None and self.from_at >= self.until_at:
            raise InvalidInput(f"campaign {shown(self.id)} ends before it begins")
        if self.scope is not None and self.scope.minimum_fen:
            raise ConfigError(f"campaign {shown(self.id)} has a least amount; use a Threshold")

    def runs(self, instant: int | None, calendar: Calendar) -> bool:
        """
        Say whether it runs at an instant.

        Args:
            instant: In microseconds; None: unknown, and then it does not.
            calendar: The program's local days.
        """
        if instant is None:
            return False
        if self.from_at is not None and instant < instant_of(self.from_at):
            return False
        if self.until_at is not None and instant >= instant_of(self.until_at):
            return False
        return self.days is None or self.days.holds(calendar.day(instant))


@attrs.frozen
class Threshold:
    """
    A multiplier for orders from an amount on (满额双倍); of several the one with the highest amount reached counts.

    Args:
        from_fen: Least eligible net of the order, in fen.
        multiplier: Exact text.
        after_refund: "rederive" looks at what is left, so a refund below the amount takes the multiplier away;
            "prorata" looks at the order before refunds, so what is left keeps it (D2b).
        rewards: Ids of the rewards it multiplies; empty: all that a tier multiplies.
    """

    from_fen: int = attrs.field(validator=fen)
    multiplier: str = attrs.field(converter=rate_text)
    after_refund: Literal["rederive", "prorata"] = attrs.field(
        default="rederive", validator=one_of("rederive", "prorata"), kw_only=True
    )
    rewards: tuple[str, ...] = attrs.field(default=(), converter=texts, kw_only=True)
    times: Fraction = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "times", exact(self.multiplier, "multiplier"))
        if not self.from_fen:
            raise InvalidInput("a threshold begins above 0 fen")
