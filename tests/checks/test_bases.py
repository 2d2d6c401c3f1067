"""D8, D26, D30, D31 and D51 on other bases: shipping, subsidy, own value, kinds of refunds; presale; flags."""

from __future__ import annotations

from typing import Any

import pytest
from builders import Clock, assert_sound, claim_of, convert, day, order, points_program, refund

from crossloyalty import Line, Loyalty, OrderKind, OrderStatus, Reason, RefundKind, RefundStatus, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import InvalidInput, WrongType

LINES = (Line(line_id="1", paid_fen=6_000), Line(line_id="2", paid_fen=3_000))


def door(storage: Storage, clock: Clock, **basis: Any) -> Loyalty:
    return Loyalty(points_program(basis=rules.Basis(**basis)), storage, clock=clock)


def test_d8_shipping_counts_where_the_merchant_says_so(storage: Storage, clock: Clock) -> None:
    """¥90 of goods and ¥10 of shipping are 100 points; goods sent back leave the shipping until it goes back too."""
    loyalty = door(storage, clock, shipping=True)
    bought = order(1, shipping_fen=1_000, lines=LINES)
    [result] = convert(loyalty, "m1", bought)
    assert result.points == 100
    assert "含运费10.00元" in result.explain("zh")
    loyalty.ingest([refund(bought, 3_000, line_id="2")])
    assert loyalty.member("m1").points == 70
    loyalty.ingest([refund(bought, 7_000, refund_id="r2")])
    assert loyalty.member("m1").points == 0
    assert loyalty.claims("m1").items[0].state == "REVERSED"
    assert_sound(loyalty)


def test_d8_a_figure_that_pays_all_back_leaves_no_shipping(storage: Storage, clock: Clock) -> None:
    """An order whose snapshot says that ¥100 of ¥100 went back counts nothing, shipping included."""
    loyalty = door(storage, clock, shipping=True)
    convert(loyalty, "m1", order(1, shipping_fen=1_000, lines=LINES))
    loyalty.ingest([order(1, shipping_fen=1_000, lines=LINES, refunded_fen=10_000, modified_at=day(6))])
    assert loyalty.member("m1").points == 0
    assert_sound(loyalty)


@pytest.mark.parametrize(("platform", "points"), [("kuaishou", 100), ("jd", 80)])
def test_d8_subsidy_counts_per_platform(storage: Storage, clock: Clock, platform: str, points: int) -> None:
    """¥80 paid and ¥20 of subsidy are 100 on Kuaishou, which is named, and 80 on JD; half back leaves half."""
    loyalty = door(storage, clock, subsidy_platforms=["kuaishou"])
    bought = order(1, platform=platform, paid_fen=8_000, subsidy_fen=2_000)
    [result] = convert(loyalty, "m1", bought)
    assert result.points == points
    assert ("平台补贴20.00元计入" in result.explain("zh")) is (platform == "kuaishou")
    loyalty.ingest([refund(bought, 5_000, subsidy_fen=1_000)])
    assert loyalty.member("m1").points == points // 2
    assert_sound(loyalty)


def test_d26_own_value_counts_where_the_merchant_says_so(storage: Storage, clock: Clock) -> None:
    """Of ¥100 of which ¥30 were paid with points 100 count, and the sentence does not say otherwise."""
    loyalty = door(storage, clock, own_value=True)
    [result] = convert(loyalty, "m1", order(1, own_value_fen=3_000))
    assert result.points == 100
    assert "不计" not in result.explain("zh")
    assert_sound(loyalty)


@pytest.mark.parametrize("kind", RefundKind)
def test_d31_every_kind_reduces_unless_it_is_ignored(storage: Storage, clock: Clock, kind: RefundKind) -> None:
    """¥20 of price protection, cash-back, compensation or difference leave 80 points, and 100 where ignored."""
    for ignored, points in (((), 80), ((kind.value,), 100)):
        program = points_program(program_id=f"p{points}", basis=rules.Basis(refunds_ignored=ignored))
        loyalty = Loyalty(program, storage, clock=clock)
        bought = order(1)
        convert(loyalty, "m1", bought)
        loyalty.ingest([refund(bought, 2_000, kind=kind)])
        assert loyalty.member("m1").points == points
        assert_sound(loyalty)


def test_d31_compensation_beside_a_return(storage: Storage, clock: Clock) -> None:
    """Line 2 returned and ¥10 of compensation for line 1: the return counts, the compensation does not."""
    loyalty = door(storage, clock, refunds_ignored=["COMPENSATION"])
    bought = order(1, paid_fen=9_000, lines=LINES)
    convert(loyalty, "m1", bought)
    loyalty.ingest(
        [
            refund(bought, 1_000, line_id="1", kind=RefundKind.COMPENSATION),
            refund(bought, 3_000, refund_id="r2", line_id="2", kind=RefundKind.RETURN),
        ]
    )
    assert loyalty.member("m1").points == 60
    assert "其中10.00元不影响权益" in loyalty.explain(platform="taobao", order_no=bought.order_no).text("zh")
    assert_sound(loyalty)


def test_d31_an_exchange_of_equal_value_changes_nothing(storage: Storage, clock: Clock) -> None:
    """While it is open the issue waits; it ends without money and everything is as before."""
    rule = rules.PointsPerYuan("1", issue_after_days=30)
    loyalty = Loyalty(points_program(rule), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, 0, kind=RefundKind.EXCHANGE, status=RefundStatus.OPEN)])
    clock.set(day(10, month=12))
    loyalty.run_due()
    assert loyalty.member("m1").points == 0
    loyalty.ingest([refund(bought, 0, kind=RefundKind.EXCHANGE, modified_at=clock.at)])
    assert loyalty.member("m1").points == 100
    assert_sound(loyalty)


def test_d30_presale_counts_deposit_and_tail(storage: Storage, clock: Clock) -> None:
    """Deposit ¥20 and tail ¥80, finished: 100 points. A forfeited deposit earns nothing and takes the number."""
    program = points_program(eligibility=rules.Finished(kinds=("NORMAL", "PRESALE")))
    loyalty = Loyalty(program, storage, clock=clock)
    [result] = convert(loyalty, "m1", order(1, kind=OrderKind.PRESALE))
    assert result.points == 100
    lost = order(2, paid_fen=2_000, kind=OrderKind.PRESALE, status=OrderStatus.CLOSED, finished_at=None)
    [forfeited] = convert(loyalty, "m1", lost)
    assert (forfeited.points, forfeited.reason) == (0, Reason.CLOSED)
    assert_sound(loyalty)


@pytest.mark.parametrize(("flags", "reason"), [(("staff", "vip"), Reason.KIND_EXCLUDED), (("vip",), None), ((), None)])
def test_d51_flagged_orders_take_no_part(storage: Storage, clock: Clock, flags: Any, reason: Reason | None) -> None:
    """Orders of staff and brushing are known by a flag the host sets (S4-14)."""
    program = points_program(eligibility=rules.Finished(exclude_flags=["staff", "brushing"]))
    loyalty = Loyalty(program, storage, clock=clock)
    bought = order(1, flags=flags)
    loyalty.ingest([bought])
    assert claim_of(loyalty, "m1", bought).reason is reason
    assert_sound(loyalty)


def test_bad_bases_and_flags_are_refused() -> None:
    """Kinds of refunds are the library's; flags are names in a tuple."""
    with pytest.raises(InvalidInput, match="refunds_ignored"):
        rules.Basis(refunds_ignored=["GIFT"])
    with pytest.raises(WrongType, match="flags"):
        order(1, flags=["staff"])
    with pytest.raises(TypeError):
        rules.Basis(shipping="yes")  # type: ignore[arg-type]
