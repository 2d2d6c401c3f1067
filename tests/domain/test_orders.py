"""Orders, lines and refunds: what a source may state, and what it may not."""

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from builders import FINISHED, order, refund
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.orders import LARGEST_FEN, Line, Order, OrderKind, OrderStatus, RefundStatus, SourceKind
from crossloyalty.errors import CrossloyaltyError, InvalidInput, WrongType

FEN_FIELDS = ("paid_fen", "shipping_fen", "subsidy_fen", "own_value_fen", "refunded_fen")


@pytest.mark.parametrize("field", FEN_FIELDS)
@pytest.mark.parametrize("amount", [0, 1, LARGEST_FEN])
def test_amounts_are_whole_fen(field: str, amount: int) -> None:
    """Every amount takes 0 to 2^53 − 1 fen."""
    assert getattr(order(1, **{field: amount}), field) == amount


@pytest.mark.parametrize("field", FEN_FIELDS)
@pytest.mark.parametrize("amount", [-1, LARGEST_FEN + 1, 2**63, pytest.param(10**5000, id="monster")])
def test_amounts_have_bounds(field: str, amount: int) -> None:
    """Negative and monstrous amounts are refused, without writing out a number of thousands of digits."""
    with pytest.raises(InvalidInput) as caught:
        order(1, **{field: amount})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("amount", [1.0, True, "1", float("nan"), b"1"])
def test_amounts_are_integers(amount: object) -> None:
    """Floats, booleans and text are type errors, on orders, lines and refunds alike."""
    for make in (
        lambda: order(1, paid_fen=amount),  # type: ignore[arg-type]
        lambda: Line(line_id="a", paid_fen=amount),  # type: ignore[arg-type]
        lambda: refund(order(1), amount),  # type: ignore[arg-type]
    ):
        with pytest.raises(WrongType):
            make()


@pytest.mark.parametrize("field", ["created_at", "paid_at", "finished_at", "modified_at"])
@pytest.mark.parametrize("moment", [datetime(1999, 12, 31, tzinfo=UTC), datetime(9001, 1, 1, tzinfo=UTC)])
def test_times_have_bounds(field: str, moment: datetime) -> None:
    """No order was placed before 2000 or behind the year 9000."""
    with pytest.raises(InvalidInput):
        order(1, **{field: moment})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "FINISHED"),
        ("kind", "NORMAL"),
        ("source", "API"),
        ("source", None),
        ("platform", 1),
        ("shop_id", 7),
        ("refund_open", 1),
        ("lines", [1]),
        ("lines", "ab"),
        ("finished_at", "2026-11-05"),
    ],
)
def test_types_are_checked(field: str, value: object) -> None:
    """A value of another type is an error of our tree when the order is made, not at the first claim."""
    with pytest.raises(CrossloyaltyError):
        order(1, **{field: value})


@pytest.mark.parametrize("text", ["", " x", "x\x00", "x\ud800", "x" * 129])
@pytest.mark.parametrize("field", ["platform", "shop_id", "buyer_id", "buyer_scope", "beneficiary_id", "currency"])
def test_texts_are_checked(field: str, text: str) -> None:
    """What no database keeps is refused in every text."""
    with pytest.raises(InvalidInput):
        order(1, **{field: text})


def test_line_numbers_are_unique_inside_an_order() -> None:
    """Two lines of one number cannot be told apart and are refused."""
    with pytest.raises(InvalidInput):
        order(1, lines=(Line(line_id="a", paid_fen=1), Line(line_id="a", paid_fen=1)))


def test_lines_may_come_as_any_list() -> None:
    """A list of lines is kept as a tuple or refused, so that an order stays one value."""
    made = order(1, lines=(Line(line_id="a"),))
    assert made.lines == (Line(line_id="a"),)
    assert hash(made) == hash(attrs.evolve(made))


def test_the_parts_of_a_refund_are_no_more_than_it() -> None:
    """Stated parts that pass the amount are refused, equal ones are not."""
    assert refund(order(1), 100, goods_fen=60, shipping_fen=30, subsidy_fen=10).goods_fen == 60
    with pytest.raises(InvalidInput):
        refund(order(1), 100, goods_fen=60, shipping_fen=30, subsidy_fen=11)


def test_status_ranks() -> None:
    """UNPAID < PAID < SHIPPED < SIGNED < FINISHED < CLOSED."""
    names = ["UNPAID", "PAID", "SHIPPED", "SIGNED", "FINISHED", "CLOSED"]
    assert [status.name for status in sorted(OrderStatus, key=lambda status: status.rank)] == names


@pytest.mark.parametrize("enumeration", [OrderStatus, OrderKind, RefundStatus, SourceKind])
def test_stored_values_are_their_names(enumeration: type) -> None:
    """What is stored of an enumeration is its name, so it reads the same for ever."""
    assert all(member.name == member.value for member in enumeration)  # type: ignore[attr-defined]


def test_orders_are_frozen() -> None:
    """An order is a value; nothing changes it."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        order(1).paid_fen = 1  # type: ignore[misc]
    assert order(1) == order(1, finished_at=FINISHED)


TEXTS = st.sampled_from(
    [None, "a", "a" * 100, "a" * 128, "a" * 129, "", " ", "a b", " a", "a\0", "\ud800", "订单", 5, b"a"]
)


@given(texts=st.fixed_dictionaries(dict.fromkeys(("shop_id", "buyer_id", "buyer_scope", "currency"), TEXTS)))
def test_an_orders_texts_are_checked_together_as_they_are_one_by_one(texts: dict[str, Any]) -> None:
    def is_fine(value: object) -> bool:
        try:
            clean_id(value, "a text")  # type: ignore[arg-type]
        except InvalidInput:
            return False
        return True

    try:
        Order(platform="tmall", order_no="1", **texts)
        accepted = True
    except InvalidInput:
        accepted = False
    assert accepted == all(value is None or is_fine(value) for value in texts.values())


@given(texts=st.fixed_dictionaries(dict.fromkeys(("line_id", "product_id", "category"), TEXTS)))
def test_a_line_needs_its_number(texts: dict[str, Any]) -> None:
    try:
        Line(**texts)
        accepted = True
    except InvalidInput:
        accepted = False
    fine = ("a", "a" * 100, "a" * 128, "a b", "订单")
    assert accepted == (texts["line_id"] in fine and {texts["product_id"], texts["category"]} <= {None, *fine})
