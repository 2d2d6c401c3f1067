"""Which orders may be converted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.orders import OrderKind, OrderStatus
from crossloyalty.domain.rules._checks import LONGEST_DAYS, NEW_IN_2, fen, named, texts, whole
from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = ["Finished"]


def _statuses(value: Any) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise WrongType(f"statuses are a mapping of platform to statuses, not {shown(value)}")
    statuses = {clean_id(platform, "a platform"): texts(names) for platform, names in value.items()}
    for names in statuses.values():
        for name in names:
            if name not in OrderStatus.__members__ or name in ("UNPAID", "CLOSED"):
                raise InvalidInput(f"a claimable status is PAID, SHIPPED, SIGNED or FINISHED: {shown(name)}")
    return statuses


@attrs.frozen(kw_only=True)
class Finished:
    """
    Which orders may be converted (可转换订单).

    Args:
        within_days: The claim window in local days behind the finish date, to the end of that day; None: no end.
        minimum_fen: Least eligible net amount, after exclusions and refunds (D49).
        statuses: Claimable statuses (可转换订单状态) by platform name; "*" stands for the others.
        kinds: Order kinds that take part (D10).
        shops: Shop ids that take part; empty: all.
        exclude_products, exclude_categories: Lines that earn nothing (D48).
        exclude_flags: Orders that bear one of these flags take no part: staff, merchants, brushing (刷单) (D51).
        currency: Other currencies go to review (D52).
        future_tolerance_minutes: An order finished later than this from now is parked (D7).
    """

    within_days: int | None = attrs.field(default=90, validator=whole(0, LONGEST_DAYS, optional=True))
    minimum_fen: int = attrs.field(default=0, validator=fen)
    statuses: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict, converter=_statuses)
    kinds: tuple[str, ...] = attrs.field(default=("NORMAL",), converter=texts)
    shops: tuple[str, ...] = attrs.field(default=(), converter=texts)
    exclude_products: tuple[str, ...] = attrs.field(default=(), converter=texts)
    exclude_categories: tuple[str, ...] = attrs.field(default=(), converter=texts)
    currency: str = attrs.field(default="CNY", validator=named)
    exclude_flags: tuple[str, ...] = attrs.field(default=(), converter=texts, metadata=NEW_IN_2)
    future_tolerance_minutes: int = attrs.field(default=10, validator=whole(0, 1440))

    def __attrs_post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in OrderKind.__members__:
                raise InvalidInput(f"unknown order kind {shown(kind)}")

    def claimable(self, platform: str) -> tuple[str, ...]:
        """Give the statuses in which this platform's orders may be converted."""
        statuses = self.statuses
        return statuses.get(platform) or statuses.get("*") or ("FINISHED",)
