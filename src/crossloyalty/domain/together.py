"""
What always holds over members that are, or once were, one: claims, spend, sources, caps, gifts, and the merges.

A claim keeps the member it was written with while its entries go on at the survivor, so what a claim stands at is
summed over all who were ever merged; what is cached is compared for each set that is one now.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from crossloyalty.domain.actions import ACTION_RULE, DONE_ROW
from crossloyalty.domain.caps import CAP_ROW
from crossloyalty.domain.gifts import ENROLLED_ROW
from crossloyalty.domain.grants import ELSEWHERE, Grant
from crossloyalty.domain.inactivity import LAPSED_ROW
from crossloyalty.domain.ledger import OPENING_DAY
from crossloyalty.domain.links import LINKS_ROW
from crossloyalty.domain.merging import MERGE, UNMERGE
from crossloyalty.domain.records import ClaimRecord, EntryRecord, MemberGrantRecord
from crossloyalty.domain.risks import RISK_ROW, Tally, tally_of
from crossloyalty.domain.settlement import grants_of
from crossloyalty.domain.violations import MemberRows, Violation

__all__ = ["check_together"]

_GRANT_KINDS = ("grant", "claw_back", "cancel", "shortfall", "exempt")
_NEGATIVE = ("debt", "waived", "exempt")


def check_together(members: Sequence[MemberRows]) -> list[Violation]:
    """
    Check the rows of members against each other.

    Args:
        members: Everybody who was ever merged with one of them; a single one that never was.
    """
    found: list[Violation] = []
    entries = [entry for rows in members for entry in rows.entries]
    found += _check_pointers(members)
    found += _check_erased(members)
    found += _check_transfers(members, entries)
    found += _check_debt(members, entries)
    found += _check_claims(members, entries)
    found += _check_given(members, entries)
    for head in members:
        if not head.links.into:
            every = [head, *(rows for rows in members if rows.root.member_id in head.links.absorbed)]
            found += _check_sums(head, every)
            found += _check_counted(head, every)
    return found


def _check_pointers(members: Sequence[MemberRows]) -> Iterable[Violation]:
    """I-52: merge pointers form a forest, and who was merged away has nothing."""
    links = {rows.root.member_id: rows.links for rows in members}
    under: dict[str, set[str]] = defaultdict(set)
    for who in links:
        way = [who]
        while (into := links[way[-1]].into) and into in links and into not in way:
            way.append(into)
        if links[way[-1]].into:
            yield Violation("I-52", f"{who}: the way up from it ends nowhere")
        for above in way[1:]:
            under[above].add(who)
    for rows in members:
        who = rows.root.member_id
        if {*rows.links.absorbed} != under[who]:
            yield Violation(
                "I-52", f"{who}: stands for {rows.links.absorbed}, {sorted(under[who])} were merged into it"
            )
        if not rows.links.into:
            continue
        if any(row.balance for row in rows.accounts) or rows.root.next_due_at is not None:
            yield Violation("I-52", f"{who}: was merged away and still holds something")
        if any(entry.at > rows.links.merged_at for entry in rows.entries):
            yield Violation("I-52", f"{who}: was merged away and got an entry since")


def _check_erased(members: Sequence[MemberRows]) -> Iterable[Violation]:
    """I-54: nothing personal is left of somebody who was erased."""
    for rows in members:
        who = rows.root.member_id
        if any(claim.touch and claim.claimed_at < rows.links.erased_at for claim in rows.claims):
            yield Violation("I-54", f"{who}: was erased, and a claim still says where it was typed")


def _check_transfers(members: Sequence[MemberRows], entries: Iterable[EntryRecord]) -> Iterable[Violation]:
    """I-51: what leaves one member comes to the other, lot by lot."""
    moved: Counter[tuple[str, str, str, str, str]] = Counter()
    for entry in entries:
        if entry.kind in (MERGE, UNMERGE):
            moved[entry.request_key, entry.kind, entry.asset, entry.account, entry.rule_id] += entry.amount
    for (key, kind, asset, account, _), amount in moved.items():
        if amount:
            who = members[0].root.member_id
            yield Violation("I-51", f"{who}: {kind} {key} made {amount} {asset}/{account} out of nothing")


def _check_debt(members: Sequence[MemberRows], entries: Iterable[EntryRecord]) -> Iterable[Violation]:
    """I-05: nobody owes more than was ever taken back."""
    owed: Counter[str] = Counter()
    reversed_: Counter[str] = Counter()
    for entry in entries:
        if entry.account == "debt" and entry.kind not in (MERGE, UNMERGE):
            owed[entry.asset] += entry.amount
        if entry.kind in ("shortfall", "claw_back", "exempt") or (entry.kind == "import" and entry.account == "debt"):
            reversed_[entry.asset] += abs(entry.amount)
    for asset, debt in owed.items():
        if debt > reversed_[asset]:
            yield Violation("I-05", f"{members[0].root.member_id}: owes {debt} {asset}, more than was ever taken back")


def _check_claims(members: Sequence[MemberRows], entries: Iterable[EntryRecord]) -> Iterable[Violation]:
    """I-20, I-72: what each claim has granted is the sum of its entries, and every entry has its claim."""
    granted: Counter[tuple[str, str, int, str]] = Counter()
    for entry in entries:
        if entry.kind in _GRANT_KINDS:
            sign = -1 if entry.account in _NEGATIVE else 1
            granted[entry.family, entry.order_no, entry.holder_no, entry.rule_id] += sign * entry.amount
    once = {row.rule_id for rows in members for row in rows.grants}
    for rows in members:
        who = rows.root.member_id
        for claim in rows.claims:
            for grant in grants_of(claim):
                if grant.rule_id in once:
                    continue
                posted = granted.pop((claim.family, claim.order_no, claim.holder_no, grant.rule_id), 0)
                if posted != grant.granted:
                    yield Violation(
                        "I-20",
                        f"{who}: {claim.order_no} has {grant.granted} by {grant.rule_id}, its entries say {posted}",
                    )
    who = members[0].root.member_id
    for (_, order_no, _, rule_id), amount in granted.items():
        if amount and rule_id not in once and (order_no or not rule_id.startswith(ACTION_RULE)):
            yield Violation("I-72", f"{who}: {amount} by {rule_id} for {order_no}, which is no claim of theirs")


def _check_given(members: Sequence[MemberRows], entries: Iterable[EntryRecord]) -> Iterable[Violation]:
    """I-20: what was given once per member is the sum of its entries."""
    given: Counter[str] = Counter()
    for rows in members:
        for row in () if rows.links.into else rows.grants:
            if _is_given(row):
                given[row.rule_id] += Grant.from_text(row.rule_id, row.grant).total
    posted: Counter[str] = Counter()
    for entry in entries:
        if entry.rule_id in given and entry.kind in _GRANT_KINDS:
            posted[entry.rule_id] += -entry.amount if entry.account in _NEGATIVE else entry.amount
    for name, amount in given.items():
        if posted[name] != amount:
            who = members[0].root.member_id
            yield Violation("I-20", f"{who}: {name} gave {amount}, its entries say {posted[name]}")


def _is_given(row: MemberGrantRecord) -> bool:
    return not row.rule_id.startswith((CAP_ROW, DONE_ROW)) and row.rule_id not in (
        LAPSED_ROW,
        ENROLLED_ROW,
        LINKS_ROW,
        RISK_ROW,
    )


# -- what is cached at whoever stands for the others ------------------------------------------------------------------


def _check_sums(head: MemberRows, every: Sequence[MemberRows]) -> Iterable[Violation]:
    """I-41, I-71: spend by day and sources are the sums of the claims."""
    who = head.root.member_id
    days: Counter[str] = Counter()
    sources: dict[str, list[ClaimRecord]] = defaultdict(list)
    for rows in every:
        for entry in rows.entries:
            if entry.account == "opening" and entry.kind not in (MERGE, UNMERGE):
                days[entry.rule_id.removeprefix(OPENING_DAY)] += entry.amount
        for claim in rows.claims:
            if claim.net_fen:
                days[claim.spend_day] += claim.net_fen
                sources[claim.platform].append(claim)
    stored_days = {row.day: row.spend_fen for row in head.days if row.spend_fen}
    if stored_days != dict(days):
        yield Violation("I-41", f"{who}: spend by day is stored as {stored_days}, claims say {dict(days)}")
    stored = {row.tag: row[3:] for row in head.tags if row.claims}
    expected = {
        platform: (
            len(claims),
            sum(claim.net_fen for claim in claims),
            min(claim.effective_at for claim in claims),
            max(claim.effective_at for claim in claims),
        )
        for platform, claims in sources.items()
    }
    if stored != expected:
        yield Violation("I-71", f"{who}: sources are stored as {stored}, claims say {expected}")


def _check_counted(head: MemberRows, every: Sequence[MemberRows]) -> Iterable[Violation]:
    """I-33, I-55, I-61: caps, actions and once-per-member rewards count what all of them did."""
    who = head.root.member_id
    grants = [grant for rows in every for claim in rows.claims for grant in grants_of(claim)]
    entries = [entry for rows in every for entry in rows.entries]
    for row in head.grants:
        if row.rule_id.startswith(CAP_ROW):
            name = f"{row.rule_id.removeprefix(CAP_ROW)}@{row.grant}"
            allowed = sum(grant.allowance or 0 for grant in grants if name in grant.caps)
            if row.claims != allowed:
                number = "I-61" if len(every) == 1 else "I-55"
                yield Violation(number, f"{who}: cap {name} has let {row.claims} through, the claims say {allowed}")
        elif row.rule_id.startswith(DONE_ROW):
            action = ACTION_RULE + row.rule_id.removeprefix(DONE_ROW).rpartition("/")[0]
            times = sum(entry.kind == "grant" and entry.rule_id == action for entry in entries)
            if row.claims > times or (not row.grant and row.claims < times):
                yield Violation("I-61", f"{who}: {row.rule_id} counts {row.claims}, the ledger shows {times}")
        elif row.rule_id == LAPSED_ROW:
            taken = -sum(entry.amount for entry in entries if entry.kind == "lapse")
            if row.claims != taken:
                yield Violation("I-72", f"{who}: {row.claims} growth was lost by inactivity, the ledger shows {taken}")
        elif row.rule_id == RISK_ROW:
            tally = Tally.of_row(row)
            refunded = tally_of(*(claim for rows in every for claim in rows.claims))
            if (tally.refunded, tally.quick) != refunded:
                yield Violation("I-71", f"{who}: refunded claims are counted as {tally}, the claims say {refunded}")
        elif not row.rule_id.startswith("#"):
            given = Grant.from_text(row.rule_id, row.grant).total
            qualifying = sum(grant.granted for grant in grants if grant.rule_id == row.rule_id)
            if row.claims != qualifying or (row.grant != ELSEWHERE and bool(given) != bool(qualifying)):
                yield Violation(
                    "I-33",
                    f"{who}: {row.rule_id} counts {row.claims} claims and gave {given}; {qualifying} qualify",
                )
