"""I-16 and I-50 name what somebody changed: an identity of two members, a claim that shows nothing."""

from __future__ import annotations

import pytest
from builders import Clock, convert, order, points_program

from crossloyalty import Loyalty
from crossloyalty.application.ports import Replace
from crossloyalty.domain.invariants import check_buyer
from crossloyalty.domain.records import BindingRecord, BuyerRecord, ClaimRecord, Key, OrderRecord
from crossloyalty.storage.memory import MemoryStorage

BOUND = BuyerRecord("p", "jd", "", "b1", 3, "m1", 5, "login", binding_no=2)
HISTORY = [
    BindingRecord("p", "jd", "", "b1", 1, "m0", "UNBOUND", "host", "", 1, 2, "moved"),
    BindingRecord("p", "jd", "", "b1", 2, "m1", "ACTIVE", "host", "login", 5, None, ""),
]


def test_a_sound_identity_has_no_finding() -> None:
    """Bound with a history, bound to nobody, never bound: nothing is wrong with these."""
    assert check_buyer(BOUND, HISTORY, {"m1"}) == []
    assert check_buyer(BuyerRecord("p", "jd", "", "b2"), (), set()) == []
    free = BOUND._replace(member_id="", last_member_id="m1", free_at=9)
    assert check_buyer(free, [HISTORY[0], HISTORY[1]._replace(state="UNBOUND")], set()) == []


@pytest.mark.parametrize(
    ("buyer", "history", "known"),
    [
        (BOUND._replace(buyer_id="t**3"), HISTORY, {"m1"}),
        (BOUND._replace(member_id="m2"), HISTORY, {"m1", "m2"}),
        (BOUND._replace(member_id=""), HISTORY, {"m1"}),
        (BOUND, HISTORY, set()),
        (BOUND, HISTORY[:1], {"m1"}),
        (BOUND, [HISTORY[0]._replace(state="ACTIVE"), HISTORY[1]], {"m1", "m0"}),
        (BOUND._replace(binding_no=3), HISTORY, {"m1"}),
        (BOUND._replace(free_at=9), HISTORY, {"m1"}),
    ],
)
def test_an_identity_that_is_not_one_is_named(
    buyer: BuyerRecord, history: list[BindingRecord], known: set[str]
) -> None:
    """Masked, of another, of nobody, of somebody not there, of two at once, miscounted, bound and cooling."""
    assert {violation.invariant for violation in check_buyer(buyer, history, known)} == {"I-50"}


def test_a_claim_without_a_proof_is_found() -> None:
    """I-16: a claim whose road shows nothing is named where the program asks for a proof."""
    storage = MemoryStorage()
    loyalty = Loyalty(points_program(), storage, clock=Clock())
    convert(loyalty, "m1", order())
    root = Key(OrderRecord, ("brand-a", "taobao", order().order_no))
    with storage.transaction() as tx:
        versions = tx.lock([root])
        key = Key(ClaimRecord, root.values)
        claim = tx.read([key]).records[key]
        assert isinstance(claim, ClaimRecord)
        tx.write([Replace(claim._replace(via="order_no_only"))], roots=versions)
    assert [violation.invariant for violation in loyalty.verify().violations] == ["I-16"]
