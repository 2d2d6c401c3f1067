"""Which orders may be converted, judged at their boundaries."""

from datetime import datetime, timedelta

import pytest
from builders import FINISHED, NOW, day, order, points_program

from crossloyalty import Line, LineStatus, OrderKind, OrderStatus, Program, Reason, rules
from crossloyalty.domain.calendar import instant_of
from crossloyalty.domain.effective import EffectiveOrder, effective_order
from crossloyalty.domain.eligibility import Judgement, Verdict, judge, net_amounts
from crossloyalty.domain.facts import load_facts, merge_order


def _effective(**stated: object) -> EffectiveOrder:
    facts = load_facts("")
    merge_order(facts, order(1, **stated))
    made = effective_order(facts)
    assert made is not None
    return made


def _judge(
    program: Program | None = None, *, asked: datetime = NOW, now: datetime = NOW, **stated: object
) -> Judgement:
    return judge(_effective(**stated), program or points_program(), requested_at=instant_of(asked), now=instant_of(now))


def test_a_finished_order_is_converted() -> None:
    """Nothing against it: CLAIM without a reason."""
    assert _judge() == Judgement(Verdict.CLAIM, (), None)


@pytest.mark.parametrize(
    ("stated", "verdict", "reasons"),
    [
        ({"status": OrderStatus.SIGNED}, Verdict.WAIT, (Reason.NOT_FINISHED,)),
        ({"status": OrderStatus.UNPAID}, Verdict.WAIT, (Reason.NOT_FINISHED,)),
        ({"status": OrderStatus.PAID, "refund_open": True}, Verdict.WAIT, (Reason.NOT_FINISHED, Reason.REFUND_OPEN)),
        ({"refund_open": True}, Verdict.CLAIM, (Reason.REFUND_OPEN,)),
        ({"status": OrderStatus.CLOSED}, Verdict.CLAIM, (Reason.CLOSED,)),
        ({"status": OrderStatus.CLOSED, "paid_at": None}, Verdict.REJECT, (Reason.CLOSED,)),
        ({"status": OrderStatus.CLOSED, "paid_fen": 0}, Verdict.REJECT, (Reason.CLOSED,)),
        ({"kind": OrderKind.LOTTERY}, Verdict.REJECT, (Reason.KIND_EXCLUDED,)),
        ({"currency": "USD"}, Verdict.REVIEW, (Reason.CURRENCY,)),
        ({"shipping_fen": 10_001}, Verdict.REVIEW, (Reason.AMOUNT_MISMATCH,)),
        ({"currency": "USD", "kind": OrderKind.COD}, Verdict.REJECT, (Reason.KIND_EXCLUDED, Reason.CURRENCY)),
        ({"currency": "USD", "status": OrderStatus.PAID}, Verdict.REVIEW, (Reason.CURRENCY, Reason.NOT_FINISHED)),
    ],
)
def test_verdicts(stated: dict[str, object], verdict: Verdict, reasons: tuple[Reason, ...]) -> None:
    """A refusal beats a review, a review beats waiting; every reason is told in the order of precedence."""
    judgement = _judge(**stated)
    assert (judgement.verdict, judgement.reasons) == (verdict, reasons)


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        (day(8, 0) - timedelta(microseconds=1), Verdict.CLAIM),
        (day(8, 0), Verdict.REJECT),
        (FINISHED - timedelta(days=30), Verdict.CLAIM),
    ],
)
def test_window(asked: datetime, verdict: Verdict) -> None:
    """within_days=2 behind the 5th is open to the end of the 7th, and to requests from before the finish."""
    assert _judge(points_program(eligibility=rules.Finished(within_days=2)), asked=asked).verdict is verdict


def test_a_window_of_0_days_is_the_day_of_finishing() -> None:
    """within_days=0 ends with the day the order was finished on."""
    program = points_program(eligibility=rules.Finished(within_days=0))
    assert _judge(program, asked=day(5, 23, 59)).verdict is Verdict.CLAIM
    assert _judge(program, asked=day(6, 0)).reasons == (Reason.TOO_OLD,)


def test_no_window_never_ends() -> None:
    """within_days=None takes orders of any age."""
    program = points_program(eligibility=rules.Finished(within_days=None))
    assert _judge(program, finished_at=day(1, month=1, year=2001)).verdict is Verdict.CLAIM


@pytest.mark.parametrize(
    ("ahead", "tolerance", "verdict"),
    [
        (timedelta(minutes=10), 10, Verdict.CLAIM),
        (timedelta(minutes=10, microseconds=1), 10, Verdict.WAIT),
        (timedelta(microseconds=1), 0, Verdict.WAIT),
        (timedelta(0), 0, Verdict.CLAIM),
    ],
)
def test_future(ahead: timedelta, tolerance: int, verdict: Verdict) -> None:
    """More than the tolerance ahead is parked until its time."""
    program = points_program(eligibility=rules.Finished(future_tolerance_minutes=tolerance))
    judgement = _judge(program, finished_at=NOW + ahead)
    assert judgement.verdict is verdict
    assert judgement.claimable_from == (instant_of(NOW + ahead) if verdict is Verdict.WAIT else None)


@pytest.mark.parametrize(("shop_id", "verdict"), [("a", Verdict.CLAIM), ("b", Verdict.REJECT), (None, Verdict.REJECT)])
def test_shops(shop_id: str | None, verdict: Verdict) -> None:
    """Where the program names shops, orders of others and of unknown ones take no part."""
    assert _judge(points_program(eligibility=rules.Finished(shops=("a",))), shop_id=shop_id).verdict is verdict


def test_one_finished_line_is_enough() -> None:
    """An order on its way is ready as soon as one of its lines is."""
    lines = (
        Line(line_id="a", paid_fen=6_000, status=LineStatus.FINISHED, finished_at=FINISHED),
        Line(line_id="b", paid_fen=4_000, status=LineStatus.SHIPPED),
    )
    assert _judge(status=OrderStatus.SHIPPED, finished_at=None, lines=lines).verdict is Verdict.CLAIM


@pytest.mark.parametrize(("minimum_fen", "below"), [(0, False), (9_999, False), (10_000, False), (10_001, True)])
def test_minimum(minimum_fen: int, below: bool) -> None:
    """The minimum is reached on its fen."""
    nets = net_amounts(_effective(), points_program(eligibility=rules.Finished(minimum_fen=minimum_fen)))
    assert nets.below_minimum is below


def test_a_net_of_0_is_not_below_the_minimum() -> None:
    """Nothing left is a reversed order, not one below the minimum."""
    nets = net_amounts(_effective(status=OrderStatus.CLOSED), points_program(eligibility=rules.Finished(minimum_fen=1)))
    assert (nets.total, nets.gross, nets.below_minimum) == (0, 10_000, False)


def test_excluded_lines_count_neither_in_net_nor_in_gross() -> None:
    """An order of which a part is excluded is not "granted in part" for that."""
    program = points_program(eligibility=rules.Finished(exclude_products=("x",)))
    lines = (Line(line_id="a", paid_fen=6_000, product_id="x"), Line(line_id="b", paid_fen=4_000, product_id="y"))
    nets = net_amounts(_effective(lines=lines), program)
    assert (list(nets.per_line), nets.total, nets.gross) == ([0, 4_000], 4_000, 4_000)
