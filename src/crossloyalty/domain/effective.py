"""
The effective order: one picture of an order after all messages, with what was refunded per line.

Amounts count on one basis, the buyer's: what the buyer paid, without shipping, without the part paid by our own points,
stored value or gift cards (D8, D26). Platform subsidies are not part of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from crossloyalty.domain.facts import UNKNOWN_TIME, Facts, Fields, stated
from crossloyalty.domain.numbers import largest_remainder

__all__ = ["EffectiveLine", "EffectiveOrder", "effective_order"]

_LOOSE = "\x00"  # no line is named so: what of a refund belongs to none
_CLOSED_LINES = ("CLOSED_UNPAID", "CLOSED_REFUNDED")


class EffectiveLine:
    """One sub-order: what was paid for it, what of that counts, what went back. All in fen."""

    __slots__ = (
        "category",
        "finished_at",
        "is_gift",
        "line_id",
        "own_fen",
        "paid_fen",
        "product_id",
        "refunded_fen",
        "status",
    )

    def __init__(self, fields: Mapping[str, Any], paid_fen: int) -> None:
        get = fields.get
        self.line_id: str = get("line_id", "")
        self.paid_fen = paid_fen
        self.own_fen = 0
        self.refunded_fen = 0
        self.status: str | None = get("status")
        self.finished_at: int | None = get("finished_at")
        self.is_gift: bool = bool(get("is_free_gift"))
        self.product_id: str | None = get("product_id")
        self.category: str | None = get("category")

    @property
    def gross_fen(self) -> int:
        """What would count if nothing had gone back."""
        return 0 if self.is_gift else self.paid_fen - self.own_fen

    @property
    def net_fen(self) -> int:
        """What counts now; a part paid with our own value goes back in proportion."""
        left = self.paid_fen - self.refunded_fen
        if not self.own_fen or not self.paid_fen:
            return 0 if self.is_gift else left
        return 0 if self.is_gift else left * (self.paid_fen - self.own_fen) // self.paid_fen


class EffectiveOrder:
    """An order as it stands after every message so far."""

    __slots__ = (
        "balanced",
        "beneficiary_id",
        "buyer_id",
        "buyer_scope",
        "created_at",
        "currency",
        "finished_at",
        "flags",
        "in_doubt",
        "kind",
        "lines",
        "milestones",
        "paid_at",
        "paid_fen",
        "phone_index",
        "platform",
        "refund_open",
        "refunds_by_kind",
        "shipping_fen",
        "shipping_left_fen",
        "shop_id",
        "status",
        "subsidy_fen",
        "tail_index",
    )

    def __init__(self, fields: Mapping[str, Any]) -> None:
        get = fields.get
        self.platform: str = fields["platform"]
        self.shop_id: str = get("shop_id", "")
        self.status: str = get("status", "UNPAID")
        self.kind: str = get("kind", "NORMAL")
        self.buyer_id: str = get("buyer_id", "")
        self.buyer_scope: str = get("buyer_scope", "")
        self.beneficiary_id: str = get("beneficiary_id", "")
        self.phone_index: str = get("receiver_phone_index", "")
        self.tail_index: str = get("receiver_tail_index", "")
        self.currency: str = get("currency", "CNY")
        self.created_at: int | None = get("created_at")
        self.paid_at: int | None = get("paid_at")
        self.finished_at: int | None = get("finished_at")
        self.paid_fen: int = 0
        self.balanced = True
        self.in_doubt = False
        self.refund_open: bool = bool(get("refund_open"))
        self.lines: list[EffectiveLine] = []
        self.milestones: Collection[str] = ()
        self.flags: Collection[str] = get("flags", ())
        self.shipping_fen: int = get("shipping_fen", 0)
        self.shipping_left_fen = self.shipping_fen
        self.subsidy_fen: int = get("subsidy_fen", 0)
        self.refunds_by_kind: dict[str, list[int]] = {}

    @property
    def effective_at(self) -> int:
        """When the order counts: finished, else paid, else created, else 0."""
        return self.finished_at or self.paid_at or self.created_at or 0

    def counts(self, line: EffectiveLine, claimable: Collection[str]) -> bool:
        """
        Say whether a line's amount may earn now.

        Args:
            line: A line of this order.
            claimable: The platform's claimable statuses. A claimable parent carries all lines that are not closed;
                before that a line counts by its own status (D11).
        """
        if line.status in _CLOSED_LINES or self.status == "CLOSED":
            return False
        return self.status in claimable or (line.status is not None and line.status in claimable)

    def lines_are_over(self, claimable: Collection[str]) -> bool:
        """Say whether every line is claimable or closed; a parent's status may lag behind its lines (D11)."""
        return all(line.status in claimable or line.status in _CLOSED_LINES for line in self.lines)


def effective_order(facts: Facts) -> EffectiveOrder | None:
    """
    Derive the order from its facts.

    Args:
        facts: The stored document (see `facts`).

    Returns:
        The picture, or None while no source has described the order (refunds may be there already, D32).
    """
    if not facts["snapshots"]:
        return None
    fields, stated_at = stated(facts)
    order = EffectiveOrder(fields)
    order.milestones = facts.get("milestones", ())
    doubts = facts.get("doubts")
    if doubts is not None:
        order.in_doubt = True
        # What is told of a refund and not believed may be money on its way back, so it holds an issue like an open one.
        order.refund_open = order.refund_open or any(doubts)
    shipping = fields.get("shipping_fen", 0)
    paid = fields.get("paid_fen")
    stated_lines: list[Fields] = fields.get("lines") or []
    lines = order.lines
    for about in stated_lines:
        amount = about.get("paid_fen")
        if amount is None:
            # Without amounts per line nothing can be said per line, so the order is one line.
            lines.clear()
            break
        lines.append(EffectiveLine(about, amount))
    if lines:
        goods = sum([line.paid_fen for line in lines])
        if paid is None:
            paid = goods + shipping
        elif paid != goods + shipping:
            order.balanced = False
    else:
        paid = paid or 0
        if shipping > paid:
            order.balanced = False
        lines.append(EffectiveLine({}, max(0, paid - shipping)))
    order.paid_fen = paid
    own = fields.get("own_value_fen", 0)
    if own:
        room = sum(line.paid_fen for line in lines)
        for line, share in zip(
            lines, largest_remainder(min(own, room), [each.paid_fen for each in lines]), strict=True
        ):
            line.own_fen = share
    if order.finished_at is None:
        order.finished_at = max([line.finished_at for line in lines if line.finished_at], default=None)
    if facts["refunds"] or fields.get("refunded_fen") or True in ["refunded_fen" in line for line in stated_lines]:
        _apply_refunds(order, fields, stated_lines, stated_at, facts["refunds"])
    return order


def _apply_refunds(
    order: EffectiveOrder,
    fields: Fields,
    stated_lines: list[Fields],
    stated_at: Mapping[str, int],
    refunds: Mapping[str, Any],
) -> None:
    """
    Set what was refunded per line: the larger of the refunds by id and the figure of the winning snapshot (D56).

    A payout that failed counts nothing, and a figure older than that failure is not believed: the order's figure, and
    that of the line it belongs to, or of every line where it belongs to none.
    """
    lines = order.lines
    by_line = {line.line_id: line for line in lines}
    known: dict[str, int] = dict.fromkeys(by_line, 0)
    loose_goods = 0
    shipping_back = 0
    kinds: dict[str, dict[str, int]] = {}
    never = UNKNOWN_TIME - 1
    failed_at = failed_loose_at = never
    line_failed_at: dict[str, int] = {}
    for refund in refunds.values():
        about = refund["fields"]
        status = about["status"]
        if status == "OPEN":
            order.refund_open = True
        elif status == "PAYOUT_FAILED":
            at = refund["version"][0]
            failed_at = max(failed_at, at)
            line_id = about.get("line_id", "")
            if line_id in by_line:
                line_failed_at[line_id] = max(line_failed_at.get(line_id, never), at)
            else:
                failed_loose_at = max(failed_loose_at, at)
        elif status == "SUCCESS":
            owner = by_line.get(about.get("line_id", ""))
            room = sum([each.paid_fen for each in lines]) if owner is None else owner.paid_fen
            goods = _goods_part(about, room)
            shipping_back += about["amount_fen"] - goods - about.get("subsidy_fen", 0)
            if "kind" in about:
                of_kind = kinds.setdefault(about["kind"], {})
                name = _LOOSE if owner is None else owner.line_id
                of_kind[name] = of_kind.get(name, 0) + goods
            if owner is None:
                loose_goods += goods
            else:
                known[owner.line_id] += goods
    by_id_goods = loose_goods + sum(min(known[line.line_id], line.paid_fen) for line in lines)

    lines_at = stated_at.get("lines", UNKNOWN_TIME)
    figures = {
        line["line_id"]: line.get("refunded_fen", 0)
        for line in stated_lines
        if lines_at > max(failed_loose_at, line_failed_at.get(line["line_id"], never))
    }
    for line in lines:
        line.refunded_fen = min(line.paid_fen, max(known[line.line_id], figures.get(line.line_id, 0)))
    figure = fields.get("refunded_fen", 0) if stated_at.get("refunded_fen", UNKNOWN_TIME) > failed_at else 0
    _spread(lines, max(by_id_goods, figure - shipping_back) - sum(line.refunded_fen for line in lines))
    goods_back = sum(line.refunded_fen for line in lines)
    back = max(shipping_back + max(0, by_id_goods - goods_back), figure - goods_back)
    order.shipping_left_fen = max(0, order.shipping_fen - max(0, back))
    for kind, of_kind in kinds.items():
        # What belongs to no line is shared out as it was taken: by what went back.
        shares = largest_remainder(of_kind.get(_LOOSE, 0), [line.refunded_fen for line in lines])
        order.refunds_by_kind[kind] = [
            of_kind.get(line.line_id, 0) + share for line, share in zip(lines, shares, strict=True)
        ]


def _goods_part(about: Mapping[str, Any], room: int) -> int:
    """Say how much of a refund is for goods: as stated, else goods first and the rest shipping."""
    if "goods_fen" in about:
        stated_goods: int = about["goods_fen"]
        return stated_goods
    unstated: int = about["amount_fen"] - about.get("subsidy_fen", 0) - about.get("shipping_fen", 0)
    return max(0, min(unstated, room))


def _spread(lines: list[EffectiveLine], excess: int) -> None:
    """Spread an order-level refund over what is left of the lines, by largest remainder."""
    left = [line.paid_fen - line.refunded_fen for line in lines]
    excess = min(excess, sum(left))
    if excess > 0:
        for line, share in zip(lines, largest_remainder(excess, left), strict=True):
            line.refunded_fen += share
