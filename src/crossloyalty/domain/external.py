"""Assets that live outside: issue and claw-back are deliveries, and the answer to one may leave a shortfall."""

from __future__ import annotations

from typing import Any, Protocol

from crossloyalty.domain.ledger import AccountName, Ledger, Ref
from crossloyalty.domain.records import LotRecord

__all__ = ["issue_outside", "note_shortfall", "origin_body", "revoke_outside"]


class _Owing(Protocol):
    debt: int
    waived: int


def issue_outside(ledger: Ledger, lot: LotRecord, amount: int) -> None:
    """
    Ask the gateway to give what has just been issued; debt is repaid out of it first, as with points kept here (D4).

    Args:
        ledger: Whose.
        lot: What was issued; the entry posted last says so.
        amount: How much of it is new.
    """
    seq, asset = ledger.entry_seq, lot.asset
    owed = min(ledger.balance(asset, "debt"), amount)
    if owed:
        ledger.post(asset, "external", -owed, "repay", lot.lot_no)
        ledger.post(asset, "debt", -owed, "repay", lot.lot_no)
        ledger.emit("debt.settled", {"asset": asset, "amount": owed, "left": ledger.balance(asset, "debt")})
    if amount > owed:
        _deliver(ledger, seq, lot, "issue", amount - owed)


def revoke_outside(ledger: Ledger, lot: LotRecord, amount: int, ref: Ref, rule_id: str) -> int:
    """
    Ask the gateway to take back.

    Args:
        ledger: Whose.
        lot: What it was issued as.
        amount: How much should be taken.
        ref, rule_id: The claim and the rule it was given by.

    Returns:
        How much was asked back: no more than what the gateway was asked to give and not to take back so far.
    """
    part = min(amount, ledger.balance(lot.asset, "external"))
    if part > 0:
        seq = ledger.post(lot.asset, "external", -part, "claw_back", lot.lot_no, ref, rule_id)
        _deliver(ledger, seq, lot, "revoke", part)
    return part


def origin_body(ledger: Ledger, lot: LotRecord) -> dict[str, Any]:
    """Name what a lot was given for, which the answer to a claw-back is booked by."""
    return {
        **ledger.lot_body(lot),
        "family": lot.family,
        "order_no": lot.order_no,
        "holder_no": lot.holder_no,
        "rule_id": lot.rule_id,
    }


def _deliver(ledger: Ledger, seq: int, lot: LotRecord, what: str, amount: int) -> None:
    body: dict[str, Any] = {"asset": lot.asset, "amount": amount, **origin_body(ledger, lot)}
    if lot.expires_at is not None:
        body["expires_at"] = lot.expires_at
    ledger.deliver(seq, ledger.gateways.get(lot.asset, "default"), f"{lot.asset}.{what}", body)


def note_shortfall(ledger: Ledger, grant: _Owing, body: dict[str, Any], missing: int, policy: str) -> None:
    """
    Record what a gateway could not take back: it holds that much again, and it is owed or written off.

    A coupon is always written off.

    Args:
        ledger: Whose.
        grant: The rule's grant, told of the shortfall; changed in place.
        body: The delivery's payload.
        missing: How much was not taken, > 0.
        policy: "debt"; anything else writes it off.
    """
    account: AccountName = "debt" if policy == "debt" else "waived"
    ref = Ref(body["family"], body["order_no"], body["holder_no"])
    asset, rule_id = body["asset"], body["rule_id"]
    if asset.startswith("coupon:"):
        # A piece that cannot be taken back was used before the gateway was asked: it comes back and goes (D28).
        ledger.post(asset, "balance", missing, "shortfall", body["lot_no"], ref, rule_id)
        ledger.post(asset, "balance", -missing, "use", body["lot_no"])
    else:
        ledger.post(asset, "external", missing, "shortfall", body["lot_no"], ref, rule_id)
    ledger.post(asset, account, missing, "shortfall", body["lot_no"], ref, rule_id)
    setattr(grant, account, getattr(grant, account) + missing)
    kind = "debt.opened" if account == "debt" else "debt.waived"
    ledger.emit(kind, {"asset": asset, "amount": missing, **ref._asdict()})
