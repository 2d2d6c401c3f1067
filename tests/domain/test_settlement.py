"""Targets, states and reasons of a claim."""

import pytest

from crossloyalty import Program, Reason, rules
from crossloyalty.domain import arithmetic
from crossloyalty.domain.eligibility import Nets
from crossloyalty.domain.grants import Grant
from crossloyalty.domain.records import ClaimRecord
from crossloyalty.domain.settlement import Claim


def _nets(total: int, gross: int | None = None, *, complete: bool = True, below: bool = False) -> Nets:
    return Nets([total], total, total if gross is None else gross, complete=complete, below_minimum=below)


def target_of(rule: rules.Reward, grant: Grant, nets: Nets) -> int:
    return arithmetic.target_of(rule, grant, nets, Program(program_id="p", rewards=[rule]))


@pytest.mark.parametrize(
    ("grant", "nets", "target"),
    [
        (Grant("points"), _nets(10_050), 100),
        (Grant("points", num=3, den=2), _nets(10_050), 150),
        (Grant("points", allowance=30), _nets(10_000), 30),
        (Grant("points", allowance=30), _nets(2_000), 20),
        (Grant("points", allowance=0), _nets(10_000), 0),
        (Grant("points"), _nets(50, below=True), 0),
        (Grant("points"), _nets(0, 10_000), 0),
        (Grant("points"), _nets(10_000, complete=False), 100),
    ],
)
def test_the_target_is_a_function_of_net_and_snapshot(grant: Grant, nets: Nets, target: int) -> None:
    """Rate and multiplier of the snapshot, capped by the allowance; nothing below the minimum."""
    assert target_of(rules.PointsPerYuan("1"), grant, nets) == target


def test_d50_the_allowance_is_of_the_first_settlement() -> None:
    """1,000 earned with room for 300: 300; half refunded: f = 500, still 300; 80 % refunded: 200."""
    grant = Grant("points", allowance=300)
    rule = rules.PointsPerYuan("1")
    assert [target_of(rule, grant, _nets(fen, 100_000)) for fen in (100_000, 50_000, 20_000)] == [300, 300, 200]


def test_rules_for_the_whole_order_wait() -> None:
    """settle="all" targets 0 until the order is complete."""
    rule = rules.PointsFixed(points=50)
    assert target_of(rule, Grant(rule.id), _nets(10_000, complete=False)) == 0
    assert target_of(rule, Grant(rule.id), _nets(10_000)) == 50


RECORD = ClaimRecord("brand-a", "taobao", "3816000000000000001", "m1", 1, "GRANTED", *([""] * 13))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("nets", "granted", "reasons"),
    [
        (_nets(10_000), 100, ()),
        (_nets(50), 0, (Reason.NOTHING_TO_GRANT,)),
        (_nets(0), 0, (Reason.NOTHING_TO_GRANT,)),
        (_nets(50, below=True), 0, (Reason.BELOW_MINIMUM,)),
        (_nets(0, 10_000), 0, (Reason.NOTHING_TO_GRANT,)),
    ],
)
def test_what_kept_a_claim_from_granting(nets: Nets, granted: int, reasons: tuple[Reason, ...]) -> None:
    """Below the minimum is told as such; nothing that counts, or too little for any rule, is nothing to grant."""
    claim = Claim(RECORD, [Grant("points", granted=granted)], nets, {})
    assert claim.reasons == reasons
