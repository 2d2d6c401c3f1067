"""Words and figures of explanations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty import Program, rules
from crossloyalty.domain.eligibility import Nets
from crossloyalty.domain.explanation import state_word
from crossloyalty.domain.grants import Grant
from crossloyalty.domain.rule_sentences import line_shares, yuan


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "0.00"), (1, "0.01"), (10, "0.10"), (12_345, "123.45"), (2**53 - 1, "90071992547409.91")]
)
def test_yuan(fen: int, text: str) -> None:
    """Amounts are written with two decimals, exactly."""
    assert yuan(fen) == text


STATES = "PENDING_ISSUE GRANTED PARTIAL REVERSED PENDING_SYNC PENDING_FINISH REFUND_OPEN HELD_REVIEW REJECTED EXPIRED"


@pytest.mark.parametrize("state", STATES.split())
def test_every_state_has_its_words(state: str) -> None:
    """Every state of claims and tickets has a Chinese and an English name."""
    assert state_word(state, "zh") != state
    assert state_word(state, "en") != state
    assert not state_word(state, "zh").isascii()


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8), st.integers(1, 5), st.integers(1, 5))
def test_line_shares_are_the_grant(per_line: list[int], num: int, den: int) -> None:
    """However lines divide, their shares are the grant of the order (D1)."""
    rule = rules.PointsPerYuan("1")
    nets = Nets(per_line, sum(per_line), sum(per_line), complete=True, below_minimum=False)
    shares = line_shares(rule, Grant(rule.id, num=num, den=den), nets, Program(program_id="p", rewards=[rule]))
    assert sum(shares) == sum(per_line) * num // (100 * den)
    assert all(share >= 0 for share in shares)
