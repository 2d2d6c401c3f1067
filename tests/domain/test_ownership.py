"""Proofs and what each is worth."""

from datetime import date, datetime

import pytest
from builders import SHANGHAI, day, order

from crossloyalty.domain.calendar import Calendar
from crossloyalty.domain.effective import EffectiveOrder, effective_order
from crossloyalty.domain.facts import load_facts, merge_order
from crossloyalty.domain.ownership import Proof, Standing, standing
from crossloyalty.errors import InvalidInput, WrongType

RIGHT = Proof.amount_and_day(paid_fen=10_000, paid_on=date(2026, 11, 1))
NONE = Proof.none()
HOST = Proof.by_host("chat")


def _order(**stated: object) -> EffectiveOrder:
    facts = load_facts("")
    merge_order(facts, order(1, **stated))
    made = effective_order(facts)
    assert made is not None
    return made


def _stands(proof: Proof, *, bound_to: str = "", ownership: str = "proof", **stated: object) -> Standing:
    return standing(
        proof,
        _order(**stated),
        member_id="m1",
        bound_to=bound_to,
        ownership=ownership,
        calendar=Calendar("Asia/Shanghai"),
    )


@pytest.mark.parametrize(
    ("proof", "bound_to", "ownership", "stands"),
    [
        (NONE, "m1", "proof", "bound"),
        (RIGHT, "m1", "proof", "bound"),
        (NONE, "m2", "proof", "other_buyer"),
        (RIGHT, "m2", "proof", "other_buyer"),
        (HOST, "m2", "proof", "other_buyer"),
        (NONE, "m2", "order-no-only", "other_buyer"),
        (HOST, "", "proof", "by_host"),
        (RIGHT, "", "proof", "proof"),
        (NONE, "", "proof", "unproven"),
        (NONE, "", "order-no-only", "order_no_only"),
        (RIGHT, "", "order-no-only", "proof"),
    ],
)
def test_what_each_proof_is_worth(proof: Proof, bound_to: str, ownership: str, stands: Standing) -> None:
    """The bound buyer always, nobody else where one is bound, then the host, then amount and day."""
    assert _stands(proof, bound_to=bound_to, ownership=ownership) == stands


@pytest.mark.parametrize(
    ("paid_fen", "paid_on", "stands"),
    [
        (10_000, date(2026, 11, 1), "proof"),
        (9_999, date(2026, 11, 1), "wrong"),
        (10_001, date(2026, 11, 1), "wrong"),
        (10_000, date(2026, 10, 31), "wrong"),
        (10_000, date(2026, 11, 2), "wrong"),
    ],
)
def test_amount_and_day_have_to_be_exact(paid_fen: int, paid_on: date, stands: Standing) -> None:
    """One fen or one day off is wrong."""
    assert _stands(Proof.amount_and_day(paid_fen=paid_fen, paid_on=paid_on)) == stands


def test_the_amount_is_what_the_buyer_saw() -> None:
    """The amount is what was paid in all, with shipping."""
    proof = Proof.amount_and_day(paid_fen=11_000, paid_on=date(2026, 11, 1))
    assert _stands(proof, paid_fen=11_000, shipping_fen=1_000) == "proof"


def test_the_day_is_local() -> None:
    """The day is that of the program's clock: 00:30 in Shanghai is not the day before."""
    proof = Proof.amount_and_day(paid_fen=10_000, paid_on=date(2026, 11, 2))
    assert _stands(proof, paid_at=day(2, 0, 30)) == "proof"


def test_an_order_that_was_never_paid_cannot_be_proven() -> None:
    """Without a payment no day is right."""
    assert _stands(RIGHT, paid_at=None) == "wrong"


@pytest.mark.parametrize("proof", [NONE, RIGHT, HOST])
def test_tickets_keep_proofs(proof: Proof) -> None:
    """A proof survives being stored with a ticket."""
    assert Proof.from_json(proof.to_json()) == proof


@pytest.mark.parametrize(
    ("paid_fen", "paid_on"),
    [
        (1.0, date(2026, 11, 1)),
        (True, date(2026, 11, 1)),
        ("1", date(2026, 11, 1)),
        (1, "2026-11-01"),
        (1, None),
        (1, datetime(2026, 11, 1, tzinfo=SHANGHAI)),
    ],
)
def test_proofs_are_typed(paid_fen: object, paid_on: object) -> None:
    """A float amount, a text or a moment instead of a day is a TypeError."""
    with pytest.raises(WrongType):
        Proof.amount_and_day(paid_fen=paid_fen, paid_on=paid_on)  # type: ignore[arg-type]


@pytest.mark.parametrize("evidence", ["", " x", "x\x00", "x" * 129, "\ud800"])
def test_evidence_is_checked(evidence: str) -> None:
    """Evidence is kept, so it is a text a database keeps."""
    with pytest.raises(InvalidInput):
        Proof.by_host(evidence)
