"""What a rule is limited to: shops, tiers and platforms of an order, products and categories of its lines."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import attrs

from crossloyalty.domain.checks import walked
from crossloyalty.domain.numbers import exact
from crossloyalty.domain.rules._checks import fen, local_day, rate_text, texts
from crossloyalty.errors import ConfigError, InvalidInput, WrongType, shown

__all__ = ["Days", "Rate", "Scope", "optional_scope"]

_WEEKDAYS = range(1, 8)
_MONTH_DAYS = range(1, 32)


def _numbers(value: Any, allowed: range, what: str) -> tuple[int, ...]:
    numbers = tuple(walked(value, what))
    for number in numbers:
        if type(number) is not int or number not in allowed:
            raise InvalidInput(f"{what} lie between {allowed[0]} and {allowed[-1]}: {shown(number)}")
    return tuple(sorted(set(numbers)))


def _weekdays(value: Any) -> tuple[int, ...]:
    return _numbers(value, _WEEKDAYS, "weekdays")


def _month_days(value: Any) -> tuple[int, ...]:
    return _numbers(value, _MONTH_DAYS, "month_days")


def _dates(value: Any) -> tuple[str, ...]:
    return tuple(sorted({day for given in walked(value, "dates") if (day := local_day(given)) is not None}))


@attrs.frozen(kw_only=True)
class Days:
    """
    Local days a campaign runs on (会员日); a day that any of the three names is one of them.

    Args:
        weekdays: 1 (Monday) to 7 (Sunday).
        month_days: 1 to 31; a month without that day has none.
        dates: Single days, as dates or texts such as "2026-11-11".
    """

    weekdays: tuple[int, ...] = attrs.field(default=(), converter=_weekdays)
    month_days: tuple[int, ...] = attrs.field(default=(), converter=_month_days)
    dates: tuple[str, ...] = attrs.field(default=(), converter=_dates)

    def __attrs_post_init__(self) -> None:
        if not (self.weekdays or self.month_days or self.dates):
            raise ConfigError("Days name at least one weekday, day of the month or date")

    def holds(self, day: str) -> bool:
        """Say whether a local day is one of them."""
        when = date.fromisoformat(day)
        return when.isoweekday() in self.weekdays or when.day in self.month_days or day in self.dates


@attrs.frozen(kw_only=True)
class Scope:
    """
    What a rule is limited to; what is left empty limits nothing.

    Platforms, shops and tiers are looked at once, when the order is first settled. Products, categories and the least
    amount are looked at again at every settlement, line by line (D48, D49).

    Args:
        platforms: Names of platforms.
        shops: Shop ids.
        tiers: Names of the tier the member held before the order (D17).
        products, categories: Lines that take part: those of one of the products or of one of the categories.
        exclude_products, exclude_categories: Lines that take no part, whatever else is said of them.
        minimum_fen: Least eligible net of the lines that take part, in fen.
    """

    platforms: tuple[str, ...] = attrs.field(default=(), converter=texts)
    shops: tuple[str, ...] = attrs.field(default=(), converter=texts)
    tiers: tuple[str, ...] = attrs.field(default=(), converter=texts)
    products: tuple[str, ...] = attrs.field(default=(), converter=texts)
    categories: tuple[str, ...] = attrs.field(default=(), converter=texts)
    exclude_products: tuple[str, ...] = attrs.field(default=(), converter=texts)
    exclude_categories: tuple[str, ...] = attrs.field(default=(), converter=texts)
    minimum_fen: int = attrs.field(default=0, validator=fen)

    def takes_order(self, platform: str, shop_id: str, tier: str) -> bool:
        """Say whether an order takes part, by what is fixed at its first settlement."""
        return (
            (not self.platforms or platform in self.platforms)
            and (not self.shops or shop_id in self.shops)
            and (not self.tiers or tier in self.tiers)
        )

    def takes_line(self, product_id: str | None, category: str | None) -> bool:
        """Say whether a line takes part."""
        if product_id in self.exclude_products or category in self.exclude_categories:
            return False
        if not self.products and not self.categories:
            return True
        return product_id in self.products or category in self.categories

    @property
    def names_lines(self) -> bool:
        """Whether it tells one line of an order from another."""
        return bool(self.products or self.categories or self.exclude_products or self.exclude_categories)


def optional_scope(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check a scope that may be absent."""
    if not (value is None or isinstance(value, Scope)):
        raise WrongType(f"{attribute.name} is a Scope, not {shown(value)}")


@attrs.frozen
class Rate:
    """
    Another rate for what a scope takes: per platform, shop, tier, product or category (S3-5).

    Args:
        rate: Exact text, in the unit of the reward it belongs to.
        scope: What it is for. Of the rates of one reward the first that takes a line decides.
    """

    rate: str = attrs.field(converter=rate_text)
    scope: Scope = attrs.field()
    number: Fraction = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "number", exact(self.rate, "rate"))
        if not isinstance(self.scope, Scope):
            raise WrongType(f"scope is a Scope, not {shown(self.scope)}")
        if self.scope.minimum_fen:
            raise ConfigError("a rate has no least amount of its own; a threshold multiplies from an amount on")
