"""
Make two members one: what one has moves to the other by paired entries, what is counted is added up.

Nothing that was written is written again: entries, claims, requests and closed lots stay with the member they were
written with, and the survivor reads over all of them. What moves is what lives: open lots with their own expiry and
holds, debt, what was written off. What is cached, such as spend by day, caps and sources, is summed at the survivor,
so that a settlement reads no more than before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from crossloyalty.domain.actions import DONE_ROW
from crossloyalty.domain.attempts import load_tries
from crossloyalty.domain.caps import CAP_ROW
from crossloyalty.domain.gifts import ENROLLED_ROW, gift_of
from crossloyalty.domain.grants import ELSEWHERE, Grant, IssueTerms, block_lot, settle_grant
from crossloyalty.domain.inactivity import LAPSED_ROW, look_ahead
from crossloyalty.domain.ledger import MOVED, NO_REF, OPENING_SPEND, AccountName, Ledger, Ref
from crossloyalty.domain.member import Member
from crossloyalty.domain.needs import MoreLots
from crossloyalty.domain.records import LotRecord, MemberGrantRecord
from crossloyalty.domain.risks import RISK_ROW, add_risks
from crossloyalty.domain.rules import Reward
from crossloyalty.domain.shares import IN_NO_LOT, Shares
from crossloyalty.domain.tiers import PINNED, Qualification, came_with

__all__ = ["MERGE", "UNMERGE", "Moving", "absorb", "move_accounts", "move_lots"]

# Kinds of the paired entries, out of one member and into the other.
MERGE: Final = "merge"
UNMERGE: Final = "unmerge"


@attrs.frozen
class Moving:
    """
    One move of all that lives from a member to another.

    Args:
        key: Idempotency key of the call; the entries carry it.
        kind: MERGE or UNMERGE.
    """

    key: str
    kind: str


def move_lots(source: Ledger, target: Ledger, lots: Iterable[LotRecord], moving: Moving) -> None:
    """
    Move lots as they are: expiry, holds and state.

    Args:
        source, target: Of the two members; the target knows whose lots it may hold.
        lots: Of the source. A closed lot goes along without an entry, because nothing of it moves.
        moving: Why.
    """
    for lot in lots:
        number = target.number_of(*source.origin_of(lot.lot_no))
        ref = Ref(lot.family, lot.order_no, lot.holder_no)
        account: AccountName = "pending" if lot.state == "PENDING" else "balance"
        if lot.remaining:
            source.post(lot.asset, account, -lot.remaining, moving.kind, lot.lot_no, ref, lot.rule_id, moving.key)
            target.post(lot.asset, account, lot.remaining, moving.kind, number, ref, lot.rule_id, moving.key)
        source.put_lot(lot._replace(state=MOVED, remaining=0, held=0, due_at=None))
        target.put_lot(lot._replace(member_id=target.member_id, lot_no=number))


def move_accounts(
    source: Ledger, target: Ledger, amounts: Mapping[tuple[str, AccountName, str], int], moving: Moving
) -> None:
    """
    Move what stands in no lot: debt, what was written off or had expired, what lives outside, spend of before.

    Args:
        source, target: Of the two members.
        amounts: By asset, account and whose it is, > 0; what is spent of before by its rule id.
        moving: Why.
    """
    for (asset, account, rule_id), amount in amounts.items():
        source.post(asset, account, -amount, moving.kind, -1, NO_REF, rule_id, moving.key)
        target.post(asset, account, amount, moving.kind, -1, NO_REF, rule_id, moving.key)


def absorb(
    target: Member,
    source: Member,
    moving: Moving,
    *,
    opening: Mapping[str, int],
    shares: Shares,
    revived: bool,
    twice: str,
) -> list[str]:
    """
    Move everything of one member to another that stands for both from then on.

    Args:
        target: The survivor; its links name the source already.
        source: Who is merged away; all its live lots and spend days have been read.
        moving: Why.
        opening: The source's spend of before by rule id, in fen.
        shares: Whose it is what the source has in no lot; what is not named there is its own.
        revived: The survivor stood for nobody until now, and the source for it: its own sums are old.
        twice: "keep" or "claw_back": what becomes of a reward once per member that both were given.

    Returns:
        Ids of the rewards that both were given.

    Raises:
        MoreLots, MoreDays: They have not been read.
    """
    if not source.ledger.all_lots or not target.ledger.all_lots:
        raise MoreLots(target.member_id if source.ledger.all_lots else source.member_id)
    _add_sums(target, source, revived=revived)
    lots = sorted(source.ledger.lots.values(), key=lambda lot: lot.lot_no)
    move_lots(source.ledger, target.ledger, [lot for lot in lots if lot.state != MOVED], moving)
    amounts: dict[tuple[str, AccountName, str], int] = {
        (asset, account, owner): part
        for asset, account, amount in source.ledger.accounts()
        if account in IN_NO_LOT
        for owner, part in shares.get((asset, account), {source.member_id: amount}).items()
    }
    amounts |= {(OPENING_SPEND, "opening", rule_id): amount for rule_id, amount in opening.items() if amount}
    move_accounts(source.ledger, target.ledger, amounts, moving)
    both = _add_counted(target, source, revived=revived, twice=twice)
    _share_blocks(target, source)
    _net_debt(target.ledger)
    _meet_tiers(target, source, revived=revived)
    source.ledger.next_due_at = None
    return both


def _add_sums(target: Member, source: Member, *, revived: bool) -> None:
    """Add up spend by day and sources; the sums of a survivor that is brought back are made new."""
    before = {} if revived else dict(target.days)
    for day in {*target.days, *source.days} if revived else source.days:
        target.set_day(day, before.get(day, 0) + source.days.get(day, 0))
    for tag in {*target.tags, *source.tags} if revived else source.tags:
        one = None if revived else target.tags.get(tag)
        other = source.tags.get(tag)
        live = [row for row in (one, other) if row is not None and row.claims]
        target.set_source(
            tag,
            sum(row.claims for row in live),
            sum(row.net_fen for row in live),
            min((row.first_at for row in live), default=0),
            max((row.last_at for row in live), default=0),
        )


# -- what is counted and given once ----------------------------------------------------------------------------------


def _add_counted(target: Member, source: Member, *, revived: bool, twice: str) -> list[str]:
    both: list[str] = []
    if revived:
        for name in target.counted_rows:
            if name not in source.counted_rows:
                target.put_once(name, 0, "")
    for name, row in source.counted_rows.items():
        held = None if revived else target.counted_rows.get(name)
        if name.startswith((CAP_ROW, DONE_ROW)):
            _count_together(target, held, row)
        elif name == LAPSED_ROW:
            before, day = (0, "") if held is None else (held.claims, held.grant)
            target.put_once(name, before + row.claims, max(day, row.grant))
        elif name == RISK_ROW:
            add_risks(target, held, row)
        elif name == ENROLLED_ROW:
            target.put_once(name, max(row.claims, 0 if held is None else held.claims), row.grant)
        elif _give_together(target, source, held, row, twice=twice):
            both.append(name)
    return both


def _count_together(target: Member, held: MemberGrantRecord | None, row: MemberGrantRecord) -> None:
    """Usage of one period is summed (I-55); of two periods the later one is the present one."""
    if held is None or held.grant < row.grant:
        target.put_once(row.rule_id, row.claims, row.grant)
    elif held.grant == row.grant:
        target.put_once(row.rule_id, held.claims + row.claims, row.grant)


def _give_together(
    target: Member, source: Member, held: MemberGrantRecord | None, row: MemberGrantRecord, *, twice: str
) -> bool:
    """Put what was given once to either, or to both, under one name; say whether both had it."""
    gift = row.rule_id.startswith("#")
    claims = row.claims if held is None else max(held.claims, row.claims) if gift else held.claims + row.claims
    here = _given(target, row.rule_id, held)
    there = _given(source, row.rule_id, row)
    for grant in (there, *there.also):
        if grant.lot_no:
            grant.lot_no = target.ledger.number_of(*source.ledger.origin_of(grant.lot_no))
    marked = ELSEWHERE in (row.grant, "" if held is None else held.grant)
    given = [grant for grant in (here, *here.also, there, *there.also) if grant.says_something]
    both = bool(here.total and there.total)
    if both and twice == "claw_back":
        given = _take_later(target, row.rule_id, given)
    _free(target, row.rule_id, given)
    given.sort(key=lambda grant: not grant.granted)
    if not given or (marked and not any(grant.granted for grant in given)):
        target.put_once(row.rule_id, claims, ELSEWHERE if marked else "")
        return both
    first, *others = given
    first.also = others
    for each in others:
        each.also = ()
    target.put_once(row.rule_id, claims, target.text_of(first))
    return both


def _given(member: Member, name: str, row: MemberGrantRecord | None) -> Grant:
    text = "" if row is None else row.grant
    return Grant.from_text(name, text).renumbered(member.ledger, member.member_id, stored=False)


def _take_later(target: Member, name: str, given: list[Grant]) -> list[Grant]:
    """Take back all but the one that was issued first; what the rules no longer know is kept."""
    reward = _reward(target, name)
    if reward is None:
        return given
    ledger, program = target.ledger, target.program

    def issued(grant: Grant) -> tuple[bool, int, int]:
        # What waits for an open refund has not been issued, so it is later than any that has no such reason to wait.
        if not grant.lot_no:
            return False, 0, 0  # one that could not be taken back was deserved again: it is gone already
        lot = ledger.lot(grant.lot_no)
        return lot.state == "PENDING" and bool(lot.blocked), lot.issue_at, grant.lot_no

    standing = sorted([grant for grant in given if grant.granted], key=issued)
    for grant in standing[1:]:
        lot = ledger.lot(grant.lot_no) if grant.lot_no else None
        settle_grant(
            ledger,
            grant,
            reward,
            0,
            ref=NO_REF if lot is None else Ref(lot.family, lot.order_no, lot.holder_no),
            issue=IssueTerms(ledger.at, program.calendar, False),
            shortfall=program.on_refund.of(reward.asset),
        )
    return given


def _free(target: Member, name: str, given: Iterable[Grant]) -> None:
    """
    Issue what waited for an open refund where an order of the other member deserves it as well (D55).

    One that waits says that its member's orders all have a refund open; one that does not, that some order has none.
    The refund's own end would come too late: with success it leaves that order no reason to settle the reward again.
    """
    standing = [grant for grant in given if grant.granted and grant.lot_no]
    reward = _reward(target, name)
    if reward is None or all(grant.blocked for grant in standing):
        return
    for grant in standing:
        if grant.blocked:
            block_lot(target.ledger, target.ledger.lot(grant.lot_no), False, reward, target.program.calendar)
            grant.blocked = False


def _reward(member: Member, name: str) -> Reward | None:
    gift = gift_of(member.program.gifts, name)
    return member.program.rewards_by_id.get(name) if gift is None else gift.reward


# -- debt, deny list, tier -------------------------------------------------------------------------------------------


def _net_debt(ledger: Ledger) -> None:
    """Repay what either owed out of what both have now (D5)."""
    for asset, account, _ in ledger.accounts():
        if account == "debt" and asset not in ledger.gateways:
            for lot in ledger.live_lots(asset):
                ledger.repay(lot)


def _share_blocks(target: Member, source: Member) -> None:
    """Who is on the deny list stays on it under the other id; attempts count on from whoever is nearer to a lock."""
    root, other = target.root, source.root
    if source.blocked() and not target.blocked():
        root = root._replace(blocked_reason=other.blocked_reason, blocked_until=other.blocked_until)
        target.set_links(attrs.evolve(target.links, blocked_by=source.member_id))
    if load_tries(other.attempts)[::-1] > load_tries(root.attempts)[::-1]:
        root = root._replace(attempts=other.attempts)
    target.set_root(root)


def _meet_tiers(target: Member, source: Member, *, revived: bool) -> None:
    """Every line either of them crossed holds on from its own day; what both spent may cross further ones."""
    came: list[Qualification] = [came_with(each, source.member_id, target.member_id) for each in source.qualifications]
    tiers = target.program.tiers
    floor = came_with([source.tier, source.tier_on, True, PINNED], source.member_id, target.member_id)
    if revived:
        target.qualifications[:] = came
        target.tier, target.tier_on = source.tier, source.tier_on
    else:
        target.qualifications += came
        if tiers is not None and tiers.level(target.tier).line >= tiers.level(source.tier).line:
            floor = [target.tier, target.tier_on, True, PINNED]
    if target.program.inactivity is not None:
        look_ahead(target, target.program.inactivity)
    due_at = source.ledger.next_due_at
    if due_at is not None:
        target.ledger.due(due_at)
    target.meet(floor)
