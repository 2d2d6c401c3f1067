"""The effective order: what was paid, what counts, what went back, per line."""

import pytest
from builders import NOW, day, order, refund
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty.domain.effective import EffectiveOrder, effective_order
from crossloyalty.domain.facts import load_facts, merge_order, merge_refund
from crossloyalty.domain.orders import Line, LineStatus, Order, OrderStatus, Refund, RefundStatus, SourceKind


def _effective(*items: Order | Refund) -> EffectiveOrder | None:
    facts = load_facts("")
    for item in items:
        merge_order(facts, item) if isinstance(item, Order) else merge_refund(facts, item)
    return effective_order(facts)


def _nets(*items: Order | Refund) -> list[int]:
    effective = _effective(*items)
    assert effective is not None
    return [line.net_fen for line in effective.lines]


def _two(a: int, b: int, **stated: object) -> Order:
    return order(
        1,
        paid_fen=stated.pop("paid_fen", a + b),
        lines=(Line(line_id="a", paid_fen=a), Line(line_id="b", paid_fen=b)),
        **stated,
    )


def test_refunds_alone_are_no_order() -> None:
    """Until a source has described the order there is none."""
    assert _effective() is None
    assert _effective(refund(order(1), 100)) is None


def test_without_lines_the_order_is_one_line() -> None:
    """Unknown lines make one line of what was paid without shipping."""
    assert _nets(order(1, paid_fen=11_000, shipping_fen=1_000)) == [10_000]


def test_lines_without_amounts_are_one_line() -> None:
    """Where one line has no amount, nothing can be said per line."""
    lines = (Line(line_id="a", paid_fen=100), Line(line_id="b"))
    assert _nets(order(1, paid_fen=300, lines=lines)) == [300]


def test_what_was_paid_may_follow_from_the_lines() -> None:
    """An order that states only its lines and shipping was paid their sum."""
    effective = _effective(_two(300, 200, paid_fen=None, shipping_fen=50))
    assert effective is not None
    assert (effective.paid_fen, effective.balanced) == (550, True)


@pytest.mark.parametrize(
    ("paid_fen", "shipping_fen", "balanced"), [(550, 50, True), (549, 50, False), (551, 50, False), (500, 0, True)]
)
def test_sums_must_balance(paid_fen: int, shipping_fen: int, balanced: bool) -> None:
    """Lines and shipping are what was paid, to the fen."""
    effective = _effective(_two(300, 200, paid_fen=paid_fen, shipping_fen=shipping_fen))
    assert effective is not None
    assert effective.balanced is balanced


def test_more_shipping_than_paid_does_not_balance() -> None:
    """An order whose shipping is more than it cost counts nothing and is looked at."""
    effective = _effective(order(1, paid_fen=100, shipping_fen=101))
    assert effective is not None
    assert (effective.balanced, effective.lines[0].net_fen) == (False, 0)


def test_a_refund_of_a_line_is_that_lines() -> None:
    """A refund that names its line takes from it alone."""
    assert _nets(_two(300, 200), refund(_two(300, 200), 120, line_id="b")) == [300, 80]


def test_a_refund_of_an_unknown_line_is_the_orders() -> None:
    """A refund whose line nobody knows is spread over what is left."""
    assert _nets(_two(300, 300), refund(_two(300, 300), 100, line_id="zzz")) == [250, 250]


def test_order_level_refunds_are_spread_by_largest_remainder() -> None:
    """The spread goes by what is left of the lines, ties to the earlier line."""
    assert _nets(_two(100, 100), refund(_two(100, 100), 1)) == [99, 100]
    base = _two(300, 100)
    assert _nets(base, refund(base, 200, line_id="a"), refund(base, 50, refund_id="r2")) == [75, 75]


def test_stated_goods_of_a_refund_count() -> None:
    """Where a refund says which part is goods, that part counts and the rest does not."""
    base = order(1, paid_fen=11_000, shipping_fen=1_000)
    assert _nets(base, refund(base, 3_000, goods_fen=2_000, shipping_fen=1_000)) == [8_000]
    assert _nets(base, refund(base, 3_000, shipping_fen=1_000)) == [8_000]
    assert _nets(base, refund(base, 3_000, subsidy_fen=500)) == [7_500]


@pytest.mark.parametrize("status", [RefundStatus.OPEN, RefundStatus.CLOSED, RefundStatus.PAYOUT_FAILED])
def test_only_success_moves_value(status: RefundStatus) -> None:
    """Open, closed and failed refunds leave the net; only an open one is open."""
    effective = _effective(order(1), refund(order(1), 4_000, status=status))
    assert effective is not None
    assert effective.lines[0].net_fen == 10_000
    assert effective.refund_open is (status is RefundStatus.OPEN)


def test_own_value_goes_back_in_proportion() -> None:
    """Of a line half paid with own value half of what is left counts, rounded down."""
    base = order(1, paid_fen=1_001, own_value_fen=500)
    assert _nets(base) == [501]
    assert _nets(base, refund(base, 1)) == [500]
    assert _nets(base, refund(base, 1_001)) == [0]


def test_own_value_is_spread_over_the_lines() -> None:
    """Own value reduces the lines in proportion to what they cost, together exactly by its amount."""
    assert _nets(_two(300, 100, own_value_fen=100)) == [225, 75]
    assert _nets(_two(100, 100, own_value_fen=500)) == [0, 0]


def test_gift_lines_count_nothing() -> None:
    """A free gift counts neither now nor in the gross."""
    effective = _effective(order(1, lines=(Line(line_id="a", paid_fen=10_000, is_free_gift=True),)))
    assert effective is not None
    assert (effective.lines[0].net_fen, effective.lines[0].gross_fen) == (0, 0)


def test_the_order_is_finished_with_its_last_line() -> None:
    """Without a finish date of its own an order has that of its last finished line."""
    lines = (
        Line(line_id="a", paid_fen=5_000, status=LineStatus.FINISHED, finished_at=day(4)),
        Line(line_id="b", paid_fen=5_000, status=LineStatus.FINISHED, finished_at=day(6)),
    )
    effective = _effective(order(1, lines=lines, finished_at=None))
    own = _effective(order(1, lines=lines, finished_at=day(5)))
    assert effective is not None
    assert own is not None
    assert effective.finished_at is not None
    assert own.finished_at is not None
    assert effective.finished_at - own.finished_at == 86_400_000_000


@pytest.mark.parametrize(
    ("stated", "names"),
    [
        ({}, "finished_at"),
        ({"finished_at": None}, "paid_at"),
        ({"finished_at": None, "paid_at": None}, "created_at"),
    ],
)
def test_effective_time(stated: dict[str, None], names: str) -> None:
    """An order counts when it was finished, else paid, else created."""
    effective = _effective(order(1, paid_at=day(2), **stated) if "paid_at" not in stated else order(1, **stated))
    assert effective is not None
    assert effective.effective_at == getattr(effective, names)
    assert effective.effective_at > 0


CLAIMABLE = ("FINISHED",)


@pytest.mark.parametrize(
    ("parent", "line", "counts"),
    [
        (OrderStatus.FINISHED, None, True),
        (OrderStatus.FINISHED, LineStatus.FINISHED, True),
        (OrderStatus.FINISHED, LineStatus.SHIPPED, True),
        (OrderStatus.FINISHED, LineStatus.CLOSED_REFUNDED, False),
        (OrderStatus.FINISHED, LineStatus.CLOSED_UNPAID, False),
        (OrderStatus.SHIPPED, None, False),
        (OrderStatus.SHIPPED, LineStatus.FINISHED, True),
        (OrderStatus.SHIPPED, LineStatus.SIGNED, False),
        (OrderStatus.CLOSED, LineStatus.FINISHED, False),
    ],
)
def test_which_lines_count(parent: OrderStatus, line: LineStatus | None, counts: bool) -> None:
    """A claimable parent carries its lines, closed ones excepted; before that each line has its own status."""
    effective = _effective(order(1, status=parent, lines=(Line(line_id="a", paid_fen=10_000, status=line),)))
    assert effective is not None
    assert effective.counts(effective.lines[0], CLAIMABLE) is counts


@pytest.mark.parametrize(
    ("lines", "over"),
    [
        ([LineStatus.FINISHED, LineStatus.CLOSED_REFUNDED], True),
        ([LineStatus.FINISHED, LineStatus.SHIPPED], False),
        ([LineStatus.FINISHED, None], False),
        ([LineStatus.CLOSED_REFUNDED, LineStatus.CLOSED_UNPAID], True),
    ],
)
def test_when_all_lines_are_over(lines: list[LineStatus | None], over: bool) -> None:
    """All lines are over when each is claimable or closed; an unstated one follows its order and is not."""
    made = tuple(Line(line_id=str(n), paid_fen=100, status=status) for n, status in enumerate(lines))
    effective = _effective(order(1, paid_fen=None, lines=made, status=OrderStatus.SHIPPED))
    assert effective is not None
    assert effective.lines_are_over(CLAIMABLE) is over


def test_failed_payout_of_a_line_disbelieves_its_own_figure_only() -> None:
    """An older figure of the line whose payout failed is not believed; that of the other line is."""
    told = order(
        1,
        paid_fen=500,
        modified_at=day(10),
        lines=(Line(line_id="a", paid_fen=300, refunded_fen=100), Line(line_id="b", paid_fen=200, refunded_fen=50)),
    )
    failed = refund(told, 100, line_id="a", status=RefundStatus.PAYOUT_FAILED, modified_at=day(11))
    assert _nets(told, failed) == [300, 150]
    loose = refund(told, 100, status=RefundStatus.PAYOUT_FAILED, modified_at=day(11))
    assert _nets(told, loose) == [300, 200]


fen = st.integers(0, 5_000)
line_lists = st.lists(
    st.tuples(fen, st.one_of(st.none(), st.integers(0, 9_000)), st.sampled_from([None, *LineStatus]), st.booleans()),
    max_size=4,
)
refund_lists = st.lists(
    st.tuples(
        st.integers(0, 9_000),
        st.sampled_from(RefundStatus),
        st.sampled_from([None, "L0", "L1", "zzz"]),
        st.sampled_from(["", "goods_fen", "shipping_fen", "subsidy_fen"]),
        st.integers(0, 9_000),
        st.sampled_from([None, day(1), day(3)]),
    ),
    max_size=4,
)


@given(
    line_lists,
    refund_lists,
    st.one_of(st.none(), st.integers(0, 20_000)),
    st.integers(0, 500),
    st.integers(0, 3_000),
    st.one_of(st.none(), st.integers(0, 30_000)),
)
def test_net_lies_between_0_and_gross(
    lines: list[tuple[int, int | None, LineStatus | None, bool]],
    refunds: list[tuple[int, RefundStatus, str | None, str, int, object]],
    paid: int | None,
    shipping: int,
    own: int,
    figure: int | None,
) -> None:
    """Whatever sources say, every line's net lies between 0 and its gross, and no more goes back than was paid."""
    bought = order(
        1,
        paid_fen=paid,
        shipping_fen=shipping,
        own_value_fen=own,
        refunded_fen=figure,
        source=SourceKind.EXPORT,
        modified_at=day(2),
        lines=tuple(
            Line(line_id=f"L{n}", paid_fen=amount, refunded_fen=back, status=status, is_free_gift=gift)
            for n, (amount, back, status, gift) in enumerate(lines)
        )
        or None,
    )
    back = []
    for n, (amount, status, line_id, part, part_fen, modified_at) in enumerate(refunds):
        parts = {part: min(part_fen, amount)} if part else {}
        back.append(
            refund(
                bought,
                amount,
                refund_id=f"r{n}",
                status=status,
                line_id=line_id,
                modified_at=modified_at,
                **parts,
            )
        )
    effective = _effective(bought, *back)
    assert effective is not None
    for line in effective.lines:
        assert 0 <= line.refunded_fen <= line.paid_fen
        assert 0 <= line.net_fen <= line.gross_fen <= line.paid_fen
    successes = sum(each.amount_fen for each in back if each.status is RefundStatus.SUCCESS)
    figures = (figure or 0) + sum(each[1] or 0 for each in lines)
    assert sum(line.refunded_fen for line in effective.lines) <= successes + figures


@given(st.lists(st.integers(1, 3_000), min_size=1, max_size=5))
def test_more_refunds_never_raise_the_net(amounts: list[int]) -> None:
    """Each further successful refund leaves the net or lowers it, and exactly by its amount while there is any left."""
    bought = order(1, paid_fen=5_000)
    expected = 5_000
    items: list[Order | Refund] = [bought]
    for n, amount in enumerate(amounts):
        items.append(refund(bought, amount, refund_id=f"r{n}", modified_at=NOW))
        expected = max(0, expected - amount)
        assert _nets(*items) == [expected]
