"""Worked checks D10, D11, D13 and D25: gifts, split orders, order numbers, and what finished means."""

import pytest
from builders import (
    NOW,
    Clock,
    assert_sound,
    claim_of,
    convert,
    day,
    event_kinds,
    number,
    order,
    points_program,
    refund,
)

from crossloyalty import Line, LineStatus, Loyalty, Order, OrderKind, OrderStatus, Proof, Reason, rules
from crossloyalty.application.ports import Storage

GIFTS = rules.Finished(kinds=("NORMAL", "GIFT"))


def test_d10_the_receiver_of_a_gift_is_refused_and_the_payer_earns(storage: Storage, clock: Clock) -> None:
    """A gift claimed by its receiver first is refused with the reason; the payer's auto conversion works."""
    loyalty = Loyalty(points_program(eligibility=GIFTS), storage, clock=clock)
    loyalty.bind("receiver", platform="taobao", buyer_id="donee")
    gift = order(1, kind=OrderKind.GIFT, buyer_id="payer-id", beneficiary_id="donee")
    loyalty.ingest([gift])
    result = claim_of(loyalty, "receiver", gift, Proof.by_host("chat"))
    assert (result.created, result.reason, result.state) == (False, Reason.NOT_BENEFICIARY, "REJECTED")
    assert loyalty.member("receiver").points == 0
    assert loyalty.bind("payer", platform="taobao", buyer_id="payer-id").converted == (gift.order_no,)
    assert loyalty.member("payer").points == 100
    assert_sound(loyalty)


def test_d10_the_receivers_waiting_request_is_refused_when_the_gift_comes(storage: Storage, clock: Clock) -> None:
    """A receiver who asked before the order was known is refused when it turns out to be a gift to them."""
    loyalty = Loyalty(points_program(eligibility=GIFTS), storage, clock=clock)
    loyalty.bind("receiver", platform="taobao", buyer_id="donee")
    loyalty.bind("payer", platform="taobao", buyer_id="payer-id")
    gift = order(1, kind=OrderKind.GIFT, buyer_id="payer-id", beneficiary_id="donee")
    assert claim_of(loyalty, "receiver", gift, Proof.by_host("chat")).reason is Reason.PENDING_SYNC
    assert loyalty.ingest([gift]).claims_created == 1
    assert (loyalty.member("receiver").points, loyalty.member("payer").points) == (0, 100)
    [ticket] = loyalty.tickets("receiver").items
    assert ticket.state == "REJECTED"
    assert_sound(loyalty)


def test_d10_gift_lines_stay_and_earn_nothing(storage: Storage, clock: Clock) -> None:
    """Free gift lines and lines of price 0 earn 0 and take nothing from the others."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(
        1,
        paid_fen=10_500,
        lines=(
            Line(line_id="a", paid_fen=10_000),
            Line(line_id="b", paid_fen=500, is_free_gift=True),
            Line(line_id="c", paid_fen=0),
        ),
    )
    [result] = convert(loyalty, "m1", bought)
    assert (result.points, result.state) == (100, "GRANTED")


@pytest.mark.parametrize("kind", [kind for kind in OrderKind if kind is not OrderKind.NORMAL])
def test_d10_odd_kinds_take_no_part(storage: Storage, clock: Clock, kind: OrderKind) -> None:
    """Orders that are not normal sales are refused unless the program names their kind."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    odd = order(1, kind=kind)
    loyalty.ingest([odd])
    result = claim_of(loyalty, "m1", odd)
    assert (result.created, result.reason, result.state) == (False, Reason.KIND_EXCLUDED, "REJECTED")
    loyalty.publish(points_program(eligibility=rules.Finished(kinds=("NORMAL", kind.value))), expected_revision=1)
    assert claim_of(loyalty, "m1", odd).created


def _split(*statuses: LineStatus | None, status: OrderStatus = OrderStatus.SHIPPED, **stated: object) -> Order:
    lines = tuple(
        Line(
            line_id=number(100 + place),
            paid_fen=10_000,
            status=each,
            finished_at=day(5) if each is LineStatus.FINISHED else None,
        )
        for place, each in enumerate(statuses)
    )
    fields: dict[str, object] = {"finished_at": day(5) if status is OrderStatus.FINISHED else None}
    fields.update(stated)
    return order(1, paid_fen=10_000 * len(lines), lines=lines, status=status, **fields)


def test_d11_value_accrues_line_by_line(storage: Storage, clock: Clock) -> None:
    """Finished, refunded, shipped: a third is granted, 部分发放; the third finishes later and adds its part."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    now = _split(LineStatus.FINISHED, LineStatus.CLOSED_REFUNDED, LineStatus.SHIPPED)
    [result] = convert(loyalty, "m1", now)
    assert (result.points, result.state) == (100, "PARTIAL")
    assert "部分发放" in result.explain("zh")
    later = _split(
        LineStatus.FINISHED,
        LineStatus.CLOSED_REFUNDED,
        LineStatus.FINISHED,
        status=OrderStatus.FINISHED,
        modified_at=NOW,
    )
    loyalty.ingest([later])
    assert loyalty.member("m1").points == 200
    assert [e.amount for e in loyalty.entries("m1").items] == [100, 100]
    assert_sound(loyalty)


def test_d11_a_bonus_per_order_waits_for_the_whole_and_comes_once(storage: Storage, clock: Clock) -> None:
    """A fixed bonus is not granted while a sub-order is on its way, and then exactly once."""
    program = points_program(rules.PointsPerYuan("1"), rules.PointsFixed(points=50))
    loyalty = Loyalty(program, storage, clock=clock)
    [result] = convert(loyalty, "m1", _split(LineStatus.FINISHED, LineStatus.SHIPPED))
    assert {g.rule_id: g.amount for g in result.granted} == {"points": 100}
    done = _split(LineStatus.FINISHED, LineStatus.FINISHED, status=OrderStatus.FINISHED, modified_at=day(6))
    loyalty.ingest([done])
    assert loyalty.member("m1").points == 250
    loyalty.ingest([refund(done, 10_000, line_id=number(100))])
    assert loyalty.member("m1").points == 150
    assert_sound(loyalty)


def test_d11_all_lines_terminal_are_a_whole_order_though_the_parent_lags(storage: Storage, clock: Clock) -> None:
    """When every sub-order is finished or closed, rules for the whole order grant, whatever the parent still says."""
    loyalty = Loyalty(points_program(rules.PerStep(every_fen=10_000, points=10)), storage, clock=clock)
    [result] = convert(loyalty, "m1", _split(LineStatus.FINISHED, LineStatus.CLOSED_REFUNDED, LineStatus.SHIPPED))
    assert result.points == 0
    done = _split(LineStatus.FINISHED, LineStatus.CLOSED_REFUNDED, LineStatus.FINISHED, modified_at=day(6))
    loyalty.ingest([done])
    assert loyalty.member("m1").points == 20
    assert_sound(loyalty)


def test_d11_rules_may_wait_for_the_whole_order(storage: Storage, clock: Clock) -> None:
    """settle="all" holds points back until the order is complete, settle="per_line" does not."""
    program = points_program(
        rules.PointsPerYuan("1", id="whole", settle="all"), rules.PointsPerYuan("1", id="lines", settle="per_line")
    )
    loyalty = Loyalty(program, storage, clock=clock)
    [result] = convert(loyalty, "m1", _split(LineStatus.FINISHED, LineStatus.SHIPPED))
    assert {g.rule_id: g.amount for g in result.granted} == {"lines": 100}


def test_d11_nothing_is_claimable_while_no_line_is_finished(storage: Storage, clock: Clock) -> None:
    """An order on its way with all its lines on their way waits."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = _split(LineStatus.SHIPPED, LineStatus.PAID)
    loyalty.ingest([bought])
    result = claim_of(loyalty, "m1", bought)
    assert (result.created, result.reason, result.state) == (False, Reason.NOT_FINISHED, "PENDING_FINISH")
    assert loyalty.ingest([_split(LineStatus.FINISHED, LineStatus.SHIPPED, modified_at=NOW)]).claims_created == 1
    assert loyalty.member("m1").points == 100


def test_d11_a_sub_orders_number_leads_to_its_order(storage: Storage, clock: Clock) -> None:
    """Typing a sub-order's number claims the whole order, and it is the same claim under either number."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = _split(LineStatus.FINISHED, LineStatus.FINISHED, status=OrderStatus.FINISHED)
    loyalty.ingest([bought])
    proof = Proof.amount_and_day(paid_fen=20_000, paid_on=day(1).date())
    result = loyalty.claim("m1", platform="tmall", order_no=number(101), proof=proof)
    assert (result.created, result.points, result.order_no) == (True, 200, bought.order_no)
    again = loyalty.claim("m2", platform="taobao", order_no=number(100), proof=proof)
    assert (again.created, again.reason) == (False, Reason.ALREADY_CLAIMED)
    assert loyalty.explain(platform="taobao", order_no=number(100)).member_id == "m1"
    assert_sound(loyalty)


def test_d11_a_sub_orders_number_typed_before_the_order_is_known(storage: Storage, clock: Clock) -> None:
    """A request under a sub-order's number moves to the parent when that comes, and converts it."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    proof = Proof.amount_and_day(paid_fen=20_000, paid_on=day(1).date())
    assert loyalty.claim("m1", platform="taobao", order_no=number(101), proof=proof).reason is Reason.RECEIVED
    [ticket] = loyalty.tickets("m1").items
    assert (ticket.order_no, ticket.state) == (number(101), "PENDING_SYNC")
    bought = _split(LineStatus.FINISHED, LineStatus.FINISHED, status=OrderStatus.FINISHED)
    assert loyalty.ingest([bought]).claims_created == 1
    assert loyalty.member("m1").points == 200
    assert loyalty.tickets("m1").items == ()
    again = loyalty.claim("m1", platform="taobao", order_no=number(101), proof=proof)
    assert (again.created, again.reason, again.order_no) == (False, Reason.ALREADY_CLAIMED_BY_YOU, bought.order_no)
    assert_sound(loyalty)


def test_d11_requests_under_parent_and_sub_order_meet(storage: Storage, clock: Clock) -> None:
    """Two members who typed the parent's and a sub-order's number compete for one order; the earlier one gets it."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    proof = Proof.amount_and_day(paid_fen=20_000, paid_on=day(1).date())
    loyalty.claim("late-name-early-time", platform="taobao", order_no=number(101), proof=proof)
    clock.move(minutes=1)
    loyalty.claim("a-late", platform="taobao", order_no=number(1), proof=proof)
    bought = _split(LineStatus.FINISHED, LineStatus.FINISHED, status=OrderStatus.FINISHED)
    assert loyalty.ingest([bought]).claims_created == 1
    assert loyalty.member("late-name-early-time").points == 200
    assert [t.state for t in loyalty.tickets("a-late").items] == ["REJECTED"]
    assert_sound(loyalty)


def test_d11_shipping_is_not_doubled_by_lines(storage: Storage, clock: Clock) -> None:
    """Shipping of a split order is left out once, not per sub-order."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    lines = (Line(line_id="a", paid_fen=5_000), Line(line_id="b", paid_fen=5_000))
    [result] = convert(loyalty, "m1", order(1, paid_fen=11_000, shipping_fen=1_000, lines=lines))
    assert result.points == 100


def test_d13_same_digits_on_two_platforms_are_two_claims(storage: Storage, clock: Clock) -> None:
    """JD and Douyin orders of one number are two orders."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    digits = number(1)
    results = convert(loyalty, "m1", order(digits, "jd"), order(digits, "douyin"))
    assert [result.created for result in results] == [True, True]
    assert loyalty.member("m1").points == 200


def test_d13_tmall_and_taobao_are_one_family(storage: Storage, clock: Clock) -> None:
    """The same number on Tmall and on Taobao is one order."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1, "tmall"))
    assert claim_of(loyalty, "m2", order(1, "taobao")).reason is Reason.ALREADY_CLAIMED


@pytest.mark.parametrize(
    "typed",
    [
        "３８１６００００００００００００００１",
        " 3816 0000 0000 0000 001 ",
        "3816000000\u200b000000001\ufeff",
        '="3816000000000000001"',
        "'3816000000000000001",
        "\u30003816000000000000001\r\n",
    ],
)
def test_d13_every_spelling_is_one_number(storage: Storage, clock: Clock, typed: str) -> None:
    """Full-width digits, blanks, zero-width characters and spreadsheet guards spell the same order."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    loyalty.ingest([bought])
    proof = Proof.amount_and_day(paid_fen=10_000, paid_on=day(1).date())
    result = loyalty.claim("m1", platform="taobao", order_no=typed, proof=proof)
    assert (result.created, result.order_no) == (True, "3816000000000000001")
    assert claim_of(loyalty, "m2", bought).reason is Reason.ALREADY_CLAIMED


def test_d13_ingest_reads_the_same_spellings(storage: Storage, clock: Clock) -> None:
    """A message with a full-width number is about the same order."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.ingest([order(1)])
    assert loyalty.ingest([order("３８１６００００００００００００００１")]).unchanged == 1


@pytest.mark.parametrize("typed", ["3.81612E+18", "3.81612e+18", "3816123456789012300.0", "３．８１６１２Ｅ＋１８"])
def test_d13_mangled_numbers_are_told(storage: Storage, clock: Clock, typed: str) -> None:
    """Scientific and decimal notation is ORDER_NO_MANGLED with a helpful sentence, and nothing is kept of it."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    result = loyalty.claim("m1", platform="taobao", order_no=typed)
    assert (result.created, result.reason, result.state) == (False, Reason.ORDER_NO_MANGLED, "")
    assert "表格" in result.explain("zh")
    assert "spreadsheet" in result.explain("en")
    assert loyalty.tickets("m1").items == ()
    report = loyalty.ingest([order(typed), order(2)])
    assert [(rejected.index, rejected.code) for rejected in report.rejected] == [(0, "ORDER_NO_MANGLED")]
    assert report.orders_new == 1


def test_d13_a_number_of_another_platform_gets_a_hint(storage: Storage, clock: Clock) -> None:
    """A Pinduoduo number typed under Taobao is WRONG_PLATFORM_HINT: a hint, with nothing kept."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    result = loyalty.claim("m1", platform="taobao", order_no="261101-123456789012345")
    assert result.reason is Reason.WRONG_PLATFORM_HINT
    assert loyalty.tickets("m1").items == ()


def test_d13_pinduoduo_keeps_its_hyphen(storage: Storage, clock: Clock) -> None:
    """The hyphen is part of a Pinduoduo number, in whichever form it is typed."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1, "pinduoduo")
    loyalty.ingest([bought])
    proof = Proof.amount_and_day(paid_fen=10_000, paid_on=day(1).date())
    result = loyalty.claim("m1", platform="pinduoduo", order_no="２６１１０１－000000000000001", proof=proof)
    assert (result.created, result.order_no) == (True, "261101-000000000000001")


def test_d25_claimable_statuses_are_per_platform(storage: Storage, clock: Clock) -> None:
    """Signed is enough on a platform that has no finished status, and not elsewhere."""
    program = points_program(eligibility=rules.Finished(statuses={"pinduoduo": ("SIGNED", "FINISHED")}))
    loyalty = Loyalty(program, storage, clock=clock)
    signed = [order(1, platform, status=OrderStatus.SIGNED) for platform in ("pinduoduo", "jd")]
    loyalty.ingest(signed)
    assert [claim_of(loyalty, "m1", each).created for each in signed] == [True, False]


def test_d25_cash_on_delivery_is_no_normal_order(storage: Storage, clock: Clock) -> None:
    """A COD order reported as signed earns nothing until somebody says that such orders take part."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.ingest([order(1, kind=OrderKind.COD)])
    assert claim_of(loyalty, "m1", order(1)).reason is Reason.KIND_EXCLUDED
    assert event_kinds(loyalty, "claim.granted") == []
