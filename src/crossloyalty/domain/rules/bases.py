"""What of an order's money counts."""

from __future__ import annotations

from typing import Any

import attrs

from crossloyalty.domain.orders import RefundKind
from crossloyalty.domain.rules._checks import flag, texts
from crossloyalty.errors import InvalidInput, shown

__all__ = ["Basis"]


def _kinds(_: Any, attribute: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    for kind in value:
        if kind not in RefundKind.__members__:
            raise InvalidInput(f"{attribute.name} holds {', '.join(RefundKind.__members__)}: {shown(kind)}")


@attrs.frozen(kw_only=True)
class Basis:
    """
    What of an order's money counts (D8, D26, D31): by default what the buyer paid for goods, with money.

    Args:
        shipping: Whether shipping counts; it is shared out over the lines by what was paid for them.
        subsidy_platforms: Platforms whose subsidy (平台补贴) counts as if the buyer had paid it; it goes back in
            proportion to the goods.
        own_value: Whether the part paid with our own points, stored value or gift cards counts.
        refunds_ignored: Kinds of refunds that take nothing back, such as "COMPENSATION" (小额打款).
    """

    shipping: bool = attrs.field(default=False, validator=flag)
    subsidy_platforms: tuple[str, ...] = attrs.field(default=(), converter=texts)
    own_value: bool = attrs.field(default=False, validator=flag)
    refunds_ignored: tuple[str, ...] = attrs.field(default=(), converter=texts, validator=_kinds)
