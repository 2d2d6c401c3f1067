"""
One rule's grant for one claim, brought to its target: give the difference, or take it back.

`Grant` is the snapshot and the running sum of one (claim, holder, rule). `settle_grant` is the only road by which value
is given or taken for an order: grants, partial refunds, closed orders, failed refunds and replays are one function.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from crossloyalty.domain.calendar import Calendar, shift_day
from crossloyalty.domain.external import issue_outside, origin_body, revoke_outside
from crossloyalty.domain.ledger import AccountName, Ledger, Ref, event_noun
from crossloyalty.domain.records import NEVER, LotRecord
from crossloyalty.domain.rules import Coupon, Reward

__all__ = [
    "ELSEWHERE",
    "Grant",
    "IssueTerms",
    "activate",
    "announce",
    "block_lot",
    "issue_lot",
    "load_grants",
    "settle_given",
    "settle_grant",
]

_FIELDS: Final = (
    "granted",
    "allowance",
    "num",
    "den",
    "lot_no",
    "debt",
    "waived",
    "exempt",
    "blocked",
    "off",
    "rates",
    "campaigns",
    "gave",
    "caps",
    "of",
)
_DEFAULTS: Final = {
    "granted": 0,
    "allowance": None,
    "num": 1,
    "den": 1,
    "lot_no": 0,
    "debt": 0,
    "waived": 0,
    "exempt": 0,
}
# Stands for a grant that was given before the member's history here begins: nothing is given or taken for it.
ELSEWHERE: Final = "elsewhere"


class Grant:
    """
    What one rule gives for one claim.

    Args:
        rule_id: The rule in the claim's own revision.
        granted: What stands granted now; shortfalls count as taken back.
        allowance: What caps left room for at the first settlement; None: no cap.
        num, den: The multiplier in force at the first settlement, as a fraction.
        lot_no: The lot it opened; 0: none yet.
        debt, waived, exempt: Of what was taken back: owed, written off, expired before.
        blocked: A once-per-member reward waits for an open refund; the grants of a claim leave it False.
        off: The rule's scope did not take the order at the first settlement, so it gives nothing for it.
        rates: Which of the rule's rates the order could have at the first settlement, by their places.
        campaigns: Ids of the campaigns that ran for the order at the first settlement.
        caps: Which caps the allowance was counted by, each with its period: "daily@2026-11-11".
        gave: Of a once-per-member reward *granted* is 1 while the order earns it; this says that it was given for it.
        of: At whose ledger the lot began, "" at that of the member the row was written with; only while it is stored,
            because in a batch *lot_no* is the number the lot has at the holder.
        also: Of a once-per-member reward: the same one, given to a member that was merged in, and kept.
    """

    __slots__ = (
        "allowance",
        "also",
        "blocked",
        "campaigns",
        "caps",
        "debt",
        "den",
        "exempt",
        "gave",
        "granted",
        "lot_no",
        "num",
        "of",
        "off",
        "rates",
        "rule_id",
        "waived",
    )

    def __init__(
        self,
        rule_id: str,
        *,
        granted: int = 0,
        allowance: int | None = None,
        num: int = 1,
        den: int = 1,
        lot_no: int = 0,
        debt: int = 0,
        waived: int = 0,
        exempt: int = 0,
        blocked: bool = False,
        off: bool = False,
        rates: Sequence[int] = (),
        campaigns: Sequence[str] = (),
        gave: bool = False,
        caps: Sequence[str] = (),
        of: str = "",
        also: Sequence[Grant] = (),
    ) -> None:
        self.rule_id = rule_id
        self.granted = granted
        self.allowance = allowance
        self.num = num
        self.den = den
        self.lot_no = lot_no
        self.debt = debt
        self.waived = waived
        self.exempt = exempt
        self.blocked = blocked
        self.off = off
        self.rates = rates
        self.campaigns = campaigns
        self.gave = gave
        self.caps = caps
        self.of = of
        self.also = also

    def document(self) -> dict[str, Any]:
        """Give what is stored: the rule and every field that is not at its default."""
        document: dict[str, Any] = {"rule": self.rule_id, "granted": self.granted}
        if self.lot_no:
            document["lot_no"] = self.lot_no
        if self.den != 1 or self.num != 1:
            document["num"] = self.num
            document["den"] = self.den
        if self.debt or self.waived or self.exempt or self.allowance is not None:
            for name in ("debt", "waived", "exempt", "allowance"):
                value = getattr(self, name)
                if value != _DEFAULTS[name]:
                    document[name] = value
        if self.blocked:
            document["blocked"] = True
        if self.off:
            document["off"] = True
        if self.rates:
            document["rates"] = list(self.rates)
        if self.campaigns:
            document["campaigns"] = list(self.campaigns)
        if self.gave:
            document["gave"] = True
        if self.caps:
            document["caps"] = list(self.caps)
        if self.of:
            document["of"] = self.of
        if self.also:
            document["also"] = [each.document() for each in self.also]
        return document

    def text(self) -> str:
        """Give the stored text of a grant that stands alone."""
        return json.dumps(self.document(), separators=(",", ":"))

    @classmethod
    def from_text(cls, rule_id: str, text: str) -> Grant:
        """Read a grant that stands alone; the empty text is one that never was given here."""
        return cls.from_document(json.loads(text)) if text and text != ELSEWHERE else cls(rule_id)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Grant:
        """Read what was stored."""
        grant = cls(document["rule"], **{name: document[name] for name in _FIELDS if name in document})
        if "also" in document:
            grant.also = [cls.from_document(each) for each in document["also"]]
        return grant

    @property
    def total(self) -> int:
        """What stands granted now, what was given again to a member that was merged in included."""
        return self.granted + sum(each.granted for each in self.also)

    @property
    def says_something(self) -> bool:
        """Whether anything was ever given or taken by it."""
        return bool(self.granted or self.lot_no or self.debt or self.waived or self.exempt)

    def renumbered(self, ledger: Ledger, owner: str, *, stored: bool) -> Grant:
        """
        Turn the number of its lot from the stored form into the one its holder's ledger has, or back.

        Args:
            ledger: The holder's.
            owner: The member its row was written with.
            stored: Give the stored form.
        """
        if self.lot_no and stored:
            began, self.lot_no = ledger.origin_of(self.lot_no)
            self.of = "" if began == owner else began
        elif self.lot_no:
            self.lot_no, self.of = ledger.number_of(self.of or owner, self.lot_no), ""
        for each in self.also:
            each.renumbered(ledger, owner, stored=stored)
        return self


class IssueTerms(NamedTuple):
    """
    When what a claim gives becomes spendable.

    Args:
        finished_at: The order's effective time; delays count from its local day.
        calendar: The program's local days.
        blocked: An open refund, or an event that has not come, keeps what is not yet spendable pending.
    """

    finished_at: int
    calendar: Calendar
    blocked: bool


def load_grants(text: str) -> list[Grant]:
    """Read the grants a claim's row keeps; the empty text has none."""
    return [Grant.from_document(document) for document in json.loads(text)] if text else []


def settle_grant(
    ledger: Ledger,
    grant: Grant,
    rule: Reward,
    target: int,
    *,
    ref: Ref,
    issue: IssueTerms,
    shortfall: str,
) -> int:
    """
    Post target − granted, nothing when that is zero.

    Args:
        ledger: The holder's ledger.
        grant: Snapshot and running sum; changed in place.
        rule: The rule as the claim's revision has it.
        target: What should be granted now, ≥ 0.
        ref: The claim and its holder number.
        issue: When what is given becomes spendable.
        shortfall: "debt", "waive" or "pending_only" (D4).

    Returns:
        The difference posted.
    """
    delta = target - grant.granted
    if delta > 0:
        _give(ledger, grant, rule, delta, ref, issue)
    elif delta < 0:
        _take(ledger, grant, rule, -delta, ref, shortfall)
    grant.granted = target
    return delta


def settle_given(
    ledger: Ledger, grant: Grant, rule: Reward, target: int, *, ref: Ref, issue: IssueTerms, shortfall: str
) -> int:
    """
    Post target − granted of what is given once per member; at 0 what merged members were given as well is taken too.

    Args:
        ledger, grant, rule, target, ref, issue, shortfall: As for `settle_grant`.

    Returns:
        The difference posted.
    """
    posted = settle_grant(ledger, grant, rule, target, ref=ref, issue=issue, shortfall=shortfall)
    if not target and grant.also:
        for each in grant.also:
            posted += settle_grant(ledger, each, rule, 0, ref=ref, issue=issue, shortfall=shortfall)
        grant.also = ()
    return posted


def _give(ledger: Ledger, grant: Grant, rule: Reward, amount: int, ref: Ref, issue: IssueTerms) -> None:
    """Cancel what a claw-back left on record, then issue the rest, under its original expiry where a lot exists."""
    asset, rule_id = rule.asset, grant.rule_id
    if grant.exempt or grant.waived or grant.debt:
        amount -= _cancel(ledger, grant, asset, rule_id, amount, ref)
        if not amount:
            return
    if grant.lot_no:
        lot = ledger.add_to_lot(ledger.lot(grant.lot_no), amount, kind="grant", ref=ref, rule_id=rule_id)
        announce(ledger, lot, amount, rule)
    else:
        grant.lot_no = issue_lot(ledger, rule, amount, ref=ref, issue=issue, rule_id=rule_id)


def issue_lot(
    ledger: Ledger, rule: Reward, amount: int, *, ref: Ref, issue: IssueTerms, rule_id: str, request_key: str = ""
) -> int:
    """
    Open the lot of what a rule gives, under the rule's own times.

    Args:
        ledger: Whose.
        rule: What is given.
        amount: How much, > 0.
        ref: The claim behind it, `NO_REF` for none.
        issue: When it becomes spendable.
        rule_id: What it is remembered under.
        request_key: The idempotency key of the call behind it.

    Returns:
        The lot's number.
    """
    calendar = issue.calendar
    issue_at = ledger.at
    if rule.issue_after_days:
        issue_at = max(issue_at, calendar.after_days(issue.finished_at, rule.issue_after_days))
    elif rule.issue_on is not None:
        issue_at = max(issue_at, calendar.start(rule.issue_on))
    lot = ledger.open_lot(
        rule.asset,
        amount,
        kind="grant",
        issue_at=issue_at,
        expires_at=_end(rule, issue_at, calendar),
        blocked=issue.blocked,
        ref=ref,
        rule_id=rule_id,
        request_key=request_key,
    )
    announce(ledger, lot, amount, rule)
    return lot.lot_no


def _end(rule: Reward, issue_at: int, calendar: Calendar) -> int | None:
    """Give the moment what is issued at some time stops being spendable; None: never."""
    if rule.expires_on is not None:
        return calendar.start(shift_day(rule.expires_on, 1))
    return None if rule.expires_months is None else calendar.end_after_months(issue_at, rule.expires_months)


def announce(ledger: Ledger, lot: LotRecord, amount: int, rule: Reward | None) -> None:
    """Say that an amount of a lot is pending or spendable, ask the gateway where one answers for it, repay debt."""
    asset = lot.asset
    body = {"asset": asset, "amount": amount, "lot_no": lot.lot_no, "family": lot.family, "order_no": lot.order_no}
    if lot.state == "PENDING":
        body["issue_at"] = lot.issue_at
        ledger.emit(f"{event_noun(asset)}.pending", body)
        return
    ledger.emit("growth.changed" if asset == "growth" else f"{event_noun(asset)}.issued", body)
    if lot.state == "SENT":
        issue_outside(ledger, lot, amount)
    elif asset.startswith("coupon:"):
        ledger.deliver(ledger.entry_seq, gateway_of(rule), "coupon.issue", {"code": asset[7:], **ledger.lot_body(lot)})
    elif ledger.balance(asset, "debt") > 0:
        ledger.repay(lot)


def _cancel(ledger: Ledger, grant: Grant, asset: str, rule_id: str, amount: int, ref: Ref) -> int:
    """Take back shortfall records: waived, then debt as far as it is still open; what has expired is issued no more."""
    cancelled = 0
    accounts: tuple[AccountName, ...] = ("waived", "debt", "exempt")
    for account in accounts:
        recorded: int = getattr(grant, account)
        part = min(amount - cancelled, recorded)
        if account == "debt":
            part = min(part, ledger.balance(asset, "debt"))
        if part > 0:
            ledger.post(asset, account, -part, "cancel", grant.lot_no or -1, ref, rule_id)
            setattr(grant, account, recorded - part)
            cancelled += part
    return cancelled


def _take(ledger: Ledger, grant: Grant, rule: Reward, amount: int, ref: Ref, shortfall: str) -> None:
    """Claw back from the grant's own lot, then other lots in spending order, then leave a shortfall record."""
    asset, rule_id = rule.asset, grant.rule_id
    left = amount
    if grant.lot_no:
        own = ledger.lot(grant.lot_no)
        if own.state == "ACTIVE" and own.expires_at is not None and own.expires_at <= ledger.at:
            own = ledger.expire_lot(own)
        if own.state == "PENDING" or (own.state == "ACTIVE" and shortfall != "pending_only"):
            left -= _take_part(ledger, own, left, ref, rule, rule_id)
        if left and own.book == "external" and shortfall != "pending_only":
            left -= revoke_outside(ledger, own, left, ref, rule_id)
        exempt = min(left, own.expired - grant.exempt)
        if exempt > 0:
            # What has expired is gone already; taking it again would take it twice (D3).
            ledger.post(asset, "exempt", exempt, "exempt", own.lot_no, ref, rule_id)
            grant.exempt += exempt
            left -= exempt
    if left and shortfall != "pending_only" and not asset.startswith("coupon:") and ledger.balance(asset) > 0:
        for lot in ledger.live_lots(asset):
            left -= _take_part(ledger, lot, left, ref, rule, rule_id)
            if not left:
                break
    if left:
        # A used coupon is waived: never fail the refund (D28).
        account: AccountName = "debt" if shortfall == "debt" and not asset.startswith("coupon:") else "waived"
        ledger.post(asset, account, left, "shortfall", grant.lot_no or -1, ref, rule_id)
        setattr(grant, account, getattr(grant, account) + left)
        ledger.emit(
            "debt.opened" if account == "debt" else "debt.waived", {"asset": asset, "amount": left, **ref._asdict()}
        )
    taken = amount - left
    if taken:
        name = "growth.changed" if asset == "growth" else f"{event_noun(asset)}.clawed_back"
        if asset.startswith("coupon:"):
            name = "coupon.revoked"
        body: dict[str, Any] = {"asset": asset, "amount": -taken, **ref._asdict()}
        ledger.emit(name, body)


def gateway_of(rule: Reward | None) -> str:
    """Name who answers for a reward outside."""
    return rule.gateway if isinstance(rule, Coupon) else "default"


def _take_part(ledger: Ledger, lot: LotRecord, wanted: int, ref: Ref, rule: Reward, rule_id: str) -> int:
    """Take what a lot can give; a revoked coupon that was sent is asked back from its gateway."""
    part = min(wanted, lot.remaining - lot.held)
    if part <= 0:
        return 0
    was_active = lot.state == "ACTIVE"
    lot = ledger.take_from_lot(lot, part, kind="claw_back", end_state="CLAWED_BACK", ref=ref, rule_id=rule_id)
    if was_active and lot.asset.startswith("coupon:"):
        body = {"code": lot.asset[7:], "asset": lot.asset, **origin_body(ledger, lot)}
        ledger.deliver(ledger.entry_seq, gateway_of(rule), "coupon.revoke", body)
    return part


def activate(ledger: Ledger, lot: LotRecord, rule: Reward | None) -> LotRecord:
    """Make a pending lot spendable: out of `pending`, into `balance`, debt repaid first."""
    ref = Ref(lot.family, lot.order_no, lot.holder_no)
    ledger.post(lot.asset, "pending", -lot.remaining, "activate", lot.lot_no, ref, lot.rule_id)
    if lot.book == "external":
        ledger.post(lot.asset, "external", lot.remaining, "activate", lot.lot_no, ref, lot.rule_id)
        amount, lot = lot.remaining, lot._replace(state="SENT", remaining=0, due_at=None, activated=1)
        ledger.put_lot(lot)
        announce(ledger, lot, amount, rule)
        return lot
    ledger.post(lot.asset, "balance", lot.remaining, "activate", lot.lot_no, ref, lot.rule_id)
    lot = lot._replace(state="ACTIVE", due_at=NEVER if lot.expires_at is None else lot.expires_at, activated=1)
    ledger.put_lot(lot)
    announce(ledger, lot, lot.remaining, rule)
    return ledger.lots[lot.lot_no]


def block_lot(ledger: Ledger, lot: LotRecord, blocked: bool, rule: Reward, calendar: Calendar) -> None:
    """Open or lift the block of an open refund on a lot that is not spendable yet; lifting never shortens its life."""
    if bool(lot.blocked) == blocked:
        return
    if lot.state != "PENDING":
        ledger.put_lot(lot._replace(blocked=int(blocked)))
        return
    if blocked:
        ledger.put_lot(lot._replace(blocked=1, due_at=NEVER))
        return
    issue_at = max(lot.issue_at, ledger.at)
    expires_at = lot.expires_at
    if issue_at != lot.issue_at and rule.expires_months is not None and not lot.activated:
        expires_at = _end(rule, issue_at, calendar)
    lot = lot._replace(blocked=0, issue_at=issue_at, expires_at=expires_at, due_at=issue_at)
    ledger.put_lot(lot)
    if issue_at <= ledger.at:
        activate(ledger, lot, rule)
