"""Exact numbers: rates as fractions, one rounding at the end, shares that add up."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = ["Rounding", "exact", "largest_remainder", "rounded"]

_RATIONAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9}|/[1-9][0-9]{0,11})?", re.ASCII)


class Rounding(enum.Enum):
    """How a fraction of a point becomes a whole one; earning rounds down unless the rule says otherwise (D1)."""

    DOWN = "down"
    UP = "up"
    HALF_UP = "half_up"


def exact(value: object, what: str) -> Fraction:
    """
    Read a rate, multiplier or percentage without losing anything.

    Args:
        value: Text such as "1.5" or "1/3", an int, a Fraction or a finite Decimal; never a float.
        what: The field, for the message.

    Raises:
        WrongType: It is a float, a bool or nothing numeric.
        InvalidInput: It is negative, not finite, or has more digits than a rate can need.
    """
    if isinstance(value, Fraction):
        number = value
    elif isinstance(value, Decimal):
        # Its text form may be 10^1000000 written short, so the pattern below decides before any arithmetic.
        text = format(value, "f") if value.is_finite() and abs(value.adjusted()) <= 12 else str(value)
        return exact(exact(text, what), what)
    elif type(value) is int:
        number = Fraction(value)
    elif isinstance(value, str):
        if not _RATIONAL.fullmatch(value):
            raise InvalidInput(f'{what} is written like "1", "1.5" or "1/3": {shown(value)}')
        number = Fraction(value)
    else:
        raise WrongType(f"{what} is text or an exact number, not {type(value).__name__}: {shown(value)}")
    if number < 0 or number.numerator > 10**15 or number.denominator > 10**15:
        raise InvalidInput(f"{what} is out of range: {shown(value)}")
    if not isinstance(value, str) and not _RATIONAL.fullmatch(str(number)):
        # It would be kept as text that is refused when it is read again.
        raise InvalidInput(f"{what} has more digits than can be written: {shown(value)}")
    return number


def rounded(numerator: int, denominator: int, rounding: Rounding = Rounding.DOWN) -> int:
    """
    Turn numerator/denominator (both ≥ 0) into a whole number; the only rounding on the way to a grant.

    Returns:
        Floor, ceiling, or half-up, as *rounding* says.
    """
    if rounding is Rounding.DOWN:
        return numerator // denominator
    if rounding is Rounding.UP:
        return -(-numerator // denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """
    Split a whole number in proportion to weights so that the shares add up to it again.

    Args:
        total: What is shared out, ≥ 0.
        weights: One per share, ≥ 0; with all weights 0 the first share takes everything.

    Returns:
        Shares in the order of the weights; what is left after flooring goes to the largest remainders,
        ties to the earlier one. No share exceeds its weight while total ≤ sum of weights.
    """
    if not weights:
        return []
    whole = sum(weights)
    if whole == 0:
        return [total] + [0] * (len(weights) - 1)
    shares = [total * weight // whole for weight in weights]
    left = total - sum(shares)
    if left:
        remainders = [total * weight % whole for weight in weights]
        # Reversing keeps the order of those that are equal.
        for i in sorted(range(len(weights)), key=remainders.__getitem__, reverse=True)[:left]:
            shares[i] += 1
    return shares
