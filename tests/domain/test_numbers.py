"""Exact numbers: rates, one rounding, shares that add up."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty.domain.numbers import Rounding, exact, largest_remainder, rounded
from crossloyalty.errors import InvalidInput, WrongType

whole = st.integers(0, 10**12)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("1", Fraction(1)),
        ("1.5", Fraction(3, 2)),
        ("1/3", Fraction(1, 3)),
        ("0.000000001", Fraction(1, 10**9)),
        (7, Fraction(7)),
        (Fraction(2, 7), Fraction(2, 7)),
        (Decimal("1.25"), Fraction(5, 4)),
        (Decimal("1E+2"), Fraction(100)),
        (0, Fraction(0)),
    ],
)
def test_rates_are_read_exactly(value: object, number: Fraction) -> None:
    """Text, whole numbers, fractions and decimals are read without losing anything."""
    assert exact(value, "rate") == number


@pytest.mark.parametrize(
    "value",
    [
        "",
        "-1",
        "+1",
        "1.",
        ".5",
        "1e3",
        "1E+1000000",
        "NaN",
        "Infinity",
        "1_000",
        "１",
        " 1",
        "1\n",
        "1/0",
        "0x10",
        "1" * 13,
        "0." + "1" * 10,
        -1,
        10**12,
        10**16,
        Fraction(10**5000),
        Fraction(-1, 2),
        Fraction(1, 10**12),
        Fraction(1, 10**16),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("-1"),
        Decimal("1E+1000000"),
        Decimal("1E-1000000"),
        Decimal("1014221.803783"),
    ],
)
def test_what_is_no_rate_is_refused(value: object) -> None:
    """Signs, exponents, separators, full-width digits, infinities and monsters are InvalidInput, at once."""
    with pytest.raises(InvalidInput):
        exact(value, "rate")


@given(st.one_of(st.integers(0, 10**16), st.fractions(0, 10**13), st.decimals(0, 10**13, allow_nan=False)))
def test_a_number_that_is_read_has_a_text_that_is_read(value: object) -> None:
    """A rate given as a number is kept as text, and that text means the same number."""
    try:
        number = exact(value, "rate")
    except InvalidInput:
        return
    assert exact(str(number), "rate") == number == Fraction(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [1.0, float("nan"), True, None, b"1", [1], 1j])
def test_what_loses_money_is_a_type_error(value: object) -> None:
    """Floats, booleans and what is no number at all are WrongType."""
    with pytest.raises(WrongType):
        exact(value, "rate")


@pytest.mark.parametrize(
    ("numerator", "down", "half_up", "up"), [(0, 0, 0, 0), (1, 0, 0, 1), (5, 0, 1, 1), (10, 1, 1, 1), (25, 2, 3, 3)]
)
def test_rounding_modes(numerator: int, down: int, half_up: int, up: int) -> None:
    """Tenths are rounded down, half-up (2.5 is 3, never banker's) and up."""
    assert rounded(numerator, 10) == down
    assert rounded(numerator, 10, Rounding.HALF_UP) == half_up
    assert rounded(numerator, 10, Rounding.UP) == up


@given(whole, st.integers(1, 10**9))
def test_roundings_lie_around_the_exact_value(numerator: int, denominator: int) -> None:
    """Down ≤ half-up ≤ up, at most one apart, and all equal where the division comes out even."""
    down, half, up = (rounded(numerator, denominator, mode) for mode in (Rounding.DOWN, Rounding.HALF_UP, Rounding.UP))
    assert down <= Fraction(numerator, denominator) <= up
    assert down <= half <= up <= down + 1
    assert (down == up) == (numerator % denominator == 0)
    assert abs(half - Fraction(numerator, denominator)) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (2, [990, 990, 990], [1, 1, 0]),
        (0, [1, 2], [0, 0]),
        (10, [1, 1, 1], [4, 3, 3]),
        (1, [0, 1, 1], [0, 1, 0]),
        (7, [1, 2, 4], [1, 2, 4]),
        (5, [0, 0], [5, 0]),
        (5, [], []),
        (1, [1, 2], [0, 1]),
    ],
)
def test_largest_remainder(total: int, weights: list[int], shares: list[int]) -> None:
    """What flooring leaves goes to the largest remainders, ties to the earlier line."""
    assert largest_remainder(total, weights) == shares


@given(whole, st.lists(whole, min_size=1, max_size=12))
def test_shares_add_up(total: int, weights: list[int]) -> None:
    """Shares always add up to the whole, none is negative, and each is its exact part rounded down or up."""
    shares = largest_remainder(total, weights)
    assert sum(shares) == total
    assert len(shares) == len(weights)
    if sum(weights):
        for share, weight in zip(shares, weights, strict=True):
            part = Fraction(total * weight, sum(weights))
            assert part - 1 < share < part + 1


@given(st.lists(whole, min_size=1, max_size=12), st.data())
def test_no_share_exceeds_its_weight(weights: list[int], data: st.DataObject) -> None:
    """Sharing out at most the sum of the weights gives nobody more than their weight."""
    total = data.draw(st.integers(0, sum(weights)))
    assert all(share <= weight for share, weight in zip(largest_remainder(total, weights), weights, strict=True))


@given(whole, st.lists(st.integers(1, 10**9), min_size=1, max_size=8))
def test_equal_weights_differ_by_one_at_most(total: int, weights: list[int]) -> None:
    """Equal weights get equal shares up to one, the earlier the more."""
    same = [weights[0]] * len(weights)
    shares = largest_remainder(total, same)
    assert shares == sorted(shares, reverse=True)
    assert shares[0] - shares[-1] <= 1
