"""
Undo a merge: each side gets back what it brought, as it stands now.

Nothing was noted for this when the members became one, because every row still says where it is from: claims and
entries by the member they were written with, lots by the member they began at and the order behind them. What was
spent meanwhile is spent; debt that was repaid out of what both had stays repaid.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

import attrs

from crossloyalty.domain.actions import ACTION_RULE, DONE_ROW
from crossloyalty.domain.calendar import Calendar
from crossloyalty.domain.caps import CAP_ROW
from crossloyalty.domain.effective import EffectiveOrder
from crossloyalty.domain.gifts import ENROLLED_ROW
from crossloyalty.domain.grants import ELSEWHERE, Grant, IssueTerms, block_lot, load_grants, settle_given
from crossloyalty.domain.inactivity import LAPSED_ROW, look_ahead
from crossloyalty.domain.ledger import MOVED, NO_REF, OPENING_DAY, AccountName, Ledger, Ref
from crossloyalty.domain.member import Member
from crossloyalty.domain.merging import MERGE, UNMERGE, Moving, move_accounts, move_lots
from crossloyalty.domain.records import ClaimRecord, EntryRecord, LotRecord, MemberGrantRecord
from crossloyalty.domain.risks import RISK_ROW, Tally, tally_of
from crossloyalty.domain.rules import Reward
from crossloyalty.domain.settlement import has_to_wait
from crossloyalty.domain.shares import Shares, shares_of
from crossloyalty.domain.tiers import began_at, came_with

__all__ = ["History", "part"]

# Kinds of entries by which what a lot holds goes outside.
_SENT: Final = frozenset({"grant", "activate"})
_WITH_LOTS: Final = frozenset({"waived", "exempt"})


@attrs.frozen
class History:
    """
    All that was written for the members that are one, whoever it was written with.

    Args:
        survivor_id: Who stands for all of them.
        claims, entries: Every one of them.
        moved: Claims of earlier holders, as `Links` has them.
        rewards: By rule id, from every revision those claims were settled under.
        orders: By family and number, those of `behind_waiting`.
    """

    survivor_id: str
    claims: Sequence[ClaimRecord]
    entries: Sequence[EntryRecord]
    moved: Sequence[tuple[str, str, int, str]]
    rewards: Mapping[str, Reward]
    orders: Mapping[tuple[str, str], EffectiveOrder] = attrs.field(factory=dict)

    def behind_waiting(self, lots: Iterable[LotRecord]) -> list[ClaimRecord]:
        """
        Name the claims that deserve something once per member that is not issued yet.

        Args:
            lots: Those of whoever stands for all.
        """
        once = {name for name, rule in self.rewards.items() if rule.once_per_member}
        waiting = {lot.rule_id for lot in lots if lot.state == "PENDING" and lot.rule_id in once}
        return [claim for claim in self.claims if waiting and waiting & _deserved(claim)]

    def holders(self) -> dict[tuple[str, str, int], str]:
        """
        Say with whom each claim was made, by family, order number and number of the holder.

        A claim's row names its present holder alone. Who it was before was kept where others were settled at the same
        member; elsewhere it is who was granted first.
        """
        granted = [entry for entry in self.entries if entry.kind == "grant" and entry.order_no]
        granted.sort(key=lambda entry: (entry.at, entry.member_id == self.survivor_id))
        holders: dict[tuple[str, str, int], str] = {}
        for entry in granted:
            holders.setdefault((entry.family, entry.order_no, entry.holder_no), entry.member_id)
        holders |= {(family, order_no, number): who for family, order_no, number, who in self.moved}
        return holders | {(each.family, each.order_no, each.holder_no): each.member_id for each in self.claims}

    def shares(self, ledger: Ledger) -> Shares:
        """Say whose it is what the ledger of one of them has in no lot."""
        holders = self.holders()

        def owner_of(entry: EntryRecord) -> str:
            # What a lot became when it went outside goes with the lot, also what it was given again for another claim;
            # so does what of it was written off or had expired, of which its grant keeps record. A lot without an
            # order is of whom it began at.
            goes_along = entry.account in _WITH_LOTS or (entry.account == "external" and entry.kind in _SENT)
            lot = ledger.lots.get(entry.lot_no) if goes_along else None
            began = ledger.origin_of(entry.lot_no)[0] if lot or entry.kind == "activate" else entry.member_id
            row = lot or entry
            return holders.get((row.family, row.order_no, row.holder_no), began)

        return shares_of(ledger.member_id, self.entries, owner_of, (MERGE, UNMERGE))


def _deserved(claim: ClaimRecord) -> set[str]:
    return {grant.rule_id for grant in load_grants(claim.grants) if grant.granted}


class _Side:
    """What one of the two sides brought."""

    def __init__(self, member: Member, history: History, ids: frozenset[str], *, inside: bool) -> None:
        self.member = member
        self._ids = ids
        self._inside = inside
        self._owners = history.holders()
        self.claims = [claim for claim in history.claims if self.owns(claim.member_id)]
        self.entries = [entry for entry in history.entries if self.owns(entry.member_id)]
        self.grants = [grant for claim in self.claims for grant in load_grants(claim.grants)]

    def owns(self, member_id: str) -> bool:
        """Say whether what was written with a member is this side's."""
        return (member_id in self._ids) is self._inside

    def caused(self, row: LotRecord | EntryRecord, began: str) -> bool:
        """
        Say whether a row is this side's: by the claim behind it, else by the member it began at.

        What an earlier holder was given stays that holder's, whoever the claim has moved to since.
        """
        return self.owns(self._owners.get((row.family, row.order_no, row.holder_no), began))


def part(survivor: Member, leaving: Member, ids: frozenset[str], moving_key: str, history: History) -> None:
    """
    Take a member, and whoever came through it, out of the one it was merged into.

    Args:
        survivor: Whom it was merged into; everything of it has been read, every lot too.
        leaving: Who leaves; its links let it hold lots of everybody the survivor could.
        ids: The member that leaves and whom it stands for.
        moving_key: Idempotency key of the call.
        history: What was written for all of them.
    """
    moving = Moving(moving_key, UNMERGE)
    stays = _Side(survivor, history, ids, inside=False)
    goes = _Side(leaving, history, ids, inside=True)
    ledger = survivor.ledger
    given = {name: _grants_by_side(survivor, goes, row) for name, row in survivor.counted_rows.items()}
    lots = sorted(ledger.lots.values(), key=lambda lot: lot.lot_no)
    with_it = [lot for lot in lots if lot.state != MOVED and goes.caused(lot, ledger.origin_of(lot.lot_no)[0])]
    move_lots(ledger, leaving.ledger, with_it, moving)
    move_accounts(ledger, leaving.ledger, _brought(survivor, goes, history), moving)
    for side, place in ((stays, 0), (goes, 1)):
        _set_sums(side)
        for name, row in survivor.counted_rows.items():
            _set_counted(side, row, given[name][place])
    _share_qualifications(survivor, leaving, ids)
    if survivor.links.blocked_by in ids:
        survivor.set_links(attrs.evolve(survivor.links, blocked_by=""))
        survivor.set_root(survivor.root._replace(blocked_reason="", blocked_until=None))
    for side in (stays, goes):
        _deserve(side, history.rewards)
        _wait(side, history)
        member = side.member
        if member.program.inactivity is not None:
            look_ahead(member, member.program.inactivity)
        member.retier(fell=True, taken=False)


def _brought(survivor: Member, goes: _Side, history: History) -> dict[tuple[str, AccountName, str], int]:
    """Sum what a side has in no lot, by whose it is."""
    brought: dict[tuple[str, AccountName, str], int] = {
        (asset, cast("AccountName", account), owner): amount
        for (asset, account), parts in history.shares(survivor.ledger).items()
        for owner, amount in parts.items()
        if goes.owns(owner)
    }
    opening: Counter[tuple[str, AccountName, str]] = Counter()
    for entry in history.entries:
        if entry.kind not in (MERGE, UNMERGE) and entry.account == "opening" and goes.owns(entry.member_id):
            opening[entry.asset, "opening", entry.rule_id] += entry.amount
    return brought | +opening


def _set_sums(side: _Side) -> None:
    """Make spend by day and sources of a side new."""
    member = side.member
    days: Counter[str] = Counter()
    sources: dict[str, list[ClaimRecord]] = defaultdict(list)
    for entry in side.entries:
        if entry.account == "opening" and entry.kind not in (MERGE, UNMERGE):
            days[entry.rule_id.removeprefix(OPENING_DAY)] += entry.amount
    for claim in side.claims:
        if claim.net_fen:
            days[claim.spend_day] += claim.net_fen
            sources[claim.platform].append(claim)
    for day in {*days, *member.days}:
        member.set_day(day, days[day])
    for tag in {*sources, *member.tags}:
        behind = sources.get(tag, [])
        times = [claim.effective_at for claim in behind]
        member.set_source(
            tag, len(behind), sum(claim.net_fen for claim in behind), min(times, default=0), max(times, default=0)
        )


# -- what is counted and given once ----------------------------------------------------------------------------------


def _grants_by_side(survivor: Member, goes: _Side, row: MemberGrantRecord) -> tuple[list[Grant], list[Grant]]:
    """Say what of a reward once per member was given to whom: to those who stay, to those who go."""
    if row.rule_id.startswith((CAP_ROW, DONE_ROW)) or row.rule_id in (LAPSED_ROW, ENROLLED_ROW, RISK_ROW):
        return [], []
    first = Grant.from_text(row.rule_id, row.grant).renumbered(survivor.ledger, survivor.member_id, stored=False)
    both: tuple[list[Grant], list[Grant]] = ([], [])
    every, first.also = [first, *first.also], ()
    for grant in every:
        if not grant.says_something:
            continue  # counted here, and given to nobody
        began = survivor.ledger.origin_of(grant.lot_no)[0]
        lot = survivor.ledger.lots.get(grant.lot_no)
        going = goes.owns(began) if lot is None else goes.caused(lot, began)
        if going:
            grant.lot_no = goes.member.ledger.number_of(*survivor.ledger.origin_of(grant.lot_no))
        both[going].append(grant)
    return both


def _set_counted(side: _Side, row: MemberGrantRecord, given: list[Grant]) -> None:
    member, name = side.member, row.rule_id
    calendar = member.program.calendar
    if name == ENROLLED_ROW:
        return  # who has enrolled under either id keeps it under both
    if name == RISK_ROW:
        Tally(*tally_of(*side.claims), up=Tally.of_row(row).up).put(member)
    elif name.startswith(CAP_ROW):
        cap = f"{name.removeprefix(CAP_ROW)}@{row.grant}"
        member.put_once(name, sum(grant.allowance or 0 for grant in side.grants if cap in grant.caps), row.grant)
    elif name.startswith(DONE_ROW):
        member.put_once(name, _times_done(side.entries, name, row.grant, calendar), row.grant)
    elif name == LAPSED_ROW:
        taken = -sum(entry.amount for entry in side.entries if entry.kind == "lapse")
        member.put_once(name, taken, row.grant)
    else:
        given = sorted(given, key=lambda grant: not grant.granted)
        if given:
            given[0].also = given[1:]
        text = member.text_of(given[0]) if given else ""
        qualifying = sum(grant.granted for grant in side.grants if grant.rule_id == name)
        claims = int(any(grant.granted for grant in given)) if name.startswith("#") else qualifying
        member.put_once(name, claims, ELSEWHERE if row.grant == ELSEWHERE else text)


def _times_done(entries: Iterable[EntryRecord], name: str, period: str, calendar: Calendar) -> int:
    """Count how often an action was rewarded in a period; a local day begins with the month it lies in."""
    action = ACTION_RULE + name.removeprefix(DONE_ROW).rpartition("/")[0]
    return sum(
        entry.kind == "grant" and entry.rule_id == action and calendar.day(entry.at).startswith(period)
        for entry in entries
    )


def _deserve(side: _Side, rewards: Mapping[str, Reward]) -> None:
    """Give what is given once to a side that deserves it and was not given it; take it where nothing does (D55)."""
    member = side.member
    for name in member.counted_rows:
        rule = rewards.get(name)
        if rule is None:  # gifts and counts are no rules of claims
            continue
        row, grant = member.gift_row(name)
        if row.grant == ELSEWHERE:
            continue
        if bool(grant.total) == bool(row.claims):
            continue
        behind = [claim for claim in side.claims if name in _deserved(claim)]
        first = min(behind, key=lambda claim: (claim.effective_at, claim.order_no), default=None)
        settle_given(
            member.ledger,
            grant,
            rule,
            rule.each if row.claims else 0,
            ref=NO_REF if first is None else Ref(first.family, first.order_no, first.holder_no),
            issue=IssueTerms(member.ledger.at if first is None else first.effective_at, member.program.calendar, False),
            shortfall=member.program.on_refund.of(rule.asset),
        )
        member.put_gift(row._replace(grant=member.text_of(grant)))


def _wait(side: _Side, history: History) -> None:
    """Let what is not issued yet wait where every order of a side that deserves it has a refund open (D15)."""
    member = side.member
    for name in member.counted_rows:
        rule = history.rewards.get(name)
        if rule is None or not rule.once_per_member:
            continue
        row, grant = member.gift_row(name)
        behind = [
            order
            for claim in side.claims
            if (order := history.orders.get((claim.family, claim.order_no))) is not None and name in _deserved(claim)
        ]
        blocked = bool(behind) and all(has_to_wait(rule, order) for order in behind)
        for each in (grant, *grant.also):
            if not blocked or each.blocked or not each.granted or not each.lot_no:
                continue
            lot = member.ledger.lot(each.lot_no)
            if lot.state == "PENDING":
                block_lot(member.ledger, lot, True, rule, member.program.calendar)
                each.blocked = True
                member.put_gift(row._replace(grant=member.text_of(grant)))


def _share_qualifications(survivor: Member, leaving: Member, ids: frozenset[str]) -> None:
    every = survivor.qualifications
    went = [each for each in every if began_at(each, survivor.member_id) in ids]
    leaving.qualifications[:] = [came_with(each, survivor.member_id, leaving.member_id) for each in went]
    survivor.qualifications[:] = [each for each in every if began_at(each, survivor.member_id) not in ids]
