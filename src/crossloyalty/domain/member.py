"""
One member during one batch: ledger, spend days, sources, tier, once-per-member rewards.

A claim's contribution to its member is a value (`Contribution`); settling replaces the old one by the new one, so spend
days, source tags and tier are re-derived the same way as grants are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from crossloyalty.domain import tiers as tier_rules
from crossloyalty.domain.calendar import shift_day
from crossloyalty.domain.gifts import mark_tier_gifts, settle_tier_gifts
from crossloyalty.domain.grants import ELSEWHERE, Grant, IssueTerms, block_lot, load_grants, settle_given
from crossloyalty.domain.inactivity import look_ahead
from crossloyalty.domain.jsontext import json_text
from crossloyalty.domain.ledger import FOREIGN_LOTS, NO_REF, OPENING_DAY, OPENING_SPEND, Ledger, Ref
from crossloyalty.domain.links import LINKS_ROW, NO_LINKS, Links
from crossloyalty.domain.needs import MoreDays
from crossloyalty.domain.program import Program
from crossloyalty.domain.records import (
    AccountRecord,
    MemberGrantRecord,
    MemberRecord,
    SpendDayRecord,
    TagRecord,
)
from crossloyalty.domain.rules import GrowthTiers, Reward, Tiers
from crossloyalty.domain.sources import Contribution, Sources

__all__ = ["Member"]


class Member:
    """
    The mutable member of one batch.

    Args:
        root: The member's row as locked.
        accounts, days, tags, grants: What was read of the member.
        days_from: The earliest local day whose spend was read; "" for all.
        program: The rules in force now; tiers and source tags are the member's, not a claim's.
        now: The moment of the batch, in microseconds.
        links: Whom it was merged with.
    """

    __slots__ = (
        "_day_new",
        "_days",
        "_days_from",
        "_grants",
        "_grants_changed",
        "_once",
        "_root",
        "_sources",
        "claims",
        "ledger",
        "links",
        "program",
        "qualifications",
        "tier",
        "tier_on",
        "today",
    )

    def __init__(
        self,
        root: MemberRecord,
        accounts: Iterable[AccountRecord],
        days: Iterable[SpendDayRecord],
        tags: Iterable[TagRecord],
        grants: Iterable[MemberGrantRecord],
        *,
        days_from: str,
        program: Program,
        now: int,
        links: Links = NO_LINKS,
    ) -> None:
        self._root = root
        self.program = program
        self.links = links
        self.ledger = Ledger(root, accounts, now=now, gateways=program.gateways, origins=links.origins)
        self.today = program.calendar.day(self.ledger.at)
        self._days = {row.day: row.spend_fen for row in days}
        self._days_from = days_from
        self._day_new: dict[str, bool] = {}
        self._sources = Sources(self.ledger, tags, None if program.source_tags is None else program.source_tags.prefix)
        self._grants = {row.rule_id: row for row in grants}
        self._grants_changed: dict[str, bool] = {}
        self._once: dict[str, Grant] = {}
        self.qualifications = tier_rules.load_qualifications(root.qualifications)
        self.tier = root.tier
        self.tier_on = root.tier_on
        self.claims: dict[tuple[str, str], Contribution] | None = None

    @property
    def member_id(self) -> str:
        """The member's id."""
        return self._root.member_id

    @property
    def root(self) -> MemberRecord:
        """The member's row as locked."""
        return self._root

    def blocked(self) -> bool:
        """Say whether the member is on the deny list now."""
        root = self._root
        return bool(root.blocked_reason) and (root.blocked_until is None or root.blocked_until > self.ledger.at)

    def tier_name(self) -> str:
        """Give the tier held now, the lowest for somebody without one, "" in a program without tiers."""
        tiers = self.program.tiers
        return "" if tiers is None else self.tier or tiers.levels[0].name

    def multiplier(self, net_fen: int, day: str) -> tuple[int, int]:
        """
        Give the points multiplier of an order as a fraction: that of the tier held before it (D17).

        Args:
            net_fen, day: What the order adds to the spend of which local day; matters where the program includes it.
        """
        tiers = self.program.tiers
        if tiers is None:
            return 1, 1
        if tiers.include_current:
            window = tiers.window_days
            counts = window is None or shift_day(self.today, 1 - window) <= day <= self.today
            reached = tiers.reached(self.window_spend(self.today) + (net_fen if counts else 0))
            return max(reached, tiers.level(self.tier), key=lambda level: level.line).multiplier
        return tiers.level(self.tier).multiplier if self.tier else (1, 1)

    # -- what a claim adds -------------------------------------------------------------------------------------------

    def contribute(self, claim: tuple[str, str], old: Contribution | None, new: Contribution) -> None:
        """
        Replace what a claim added before by what it adds now.

        Args:
            claim: Family and order number.
            old: What it added before, None at the first settlement.
            new: What it adds now.

        Raises:
            MoreDays, MoreClaims: More of the member has to be read first.
        """
        if old == new:
            self.growth_rose()  # the end of a refund may have made some spendable
            return
        if self.claims is not None:
            self.claims[claim] = new
        if old is not None and old.net_fen:
            self._add_spend(old.day, -old.net_fen)
        if new.net_fen:
            self._add_spend(new.day, new.net_fen)
        self._sources.replace(old, new, self.claims)
        if self.program.inactivity is not None:
            look_ahead(self, self.program.inactivity)
        tiers = self.program.tiers
        if tiers is not None:
            fell = old is not None and bool(old.net_fen) and (new.net_fen < old.net_fen or new.day != old.day)
            self.retier(fell=fell)

    def _add_spend(self, day: str, delta_fen: int) -> None:
        held = self._days.get(day)
        if held is None:
            if day < self._days_from:
                raise MoreDays(self.member_id, day)
            self._day_new[day] = True
            held = 0
        elif day not in self._day_new:
            self._day_new[day] = False
        self._days[day] = held + delta_fen

    def qualifying(self, day: str) -> int:
        """Give what counts for tiers: spend of the window that ends with a local day, or the growth value there is."""
        if isinstance(self.program.tiers, GrowthTiers):
            return self.ledger.balance("growth") - self.ledger.balance("growth", "debt")
        return self.window_spend(day)

    def window_spend(self, day: str) -> int:
        """Give the qualifying spend, in fen, of the tier window that ends with a local day."""
        tiers = self.program.tiers
        window = None if tiers is None else tiers.window_days
        if window is None:
            later = 0
            if day < self.today:
                if day < self._days_from:
                    raise MoreDays(self.member_id, day)
                later = sum(spend for each, spend in self._days.items() if each > day)
            return self.total_net_fen() - later
        first = shift_day(day, 1 - window)
        if first < self._days_from:
            raise MoreDays(self.member_id, first)
        return sum([spend for each, spend in self._days.items() if first <= each <= day])

    # -- tier --------------------------------------------------------------------------------------------------------

    def growth_rose(self) -> None:
        """Look at tiers by growth value after some was given that no order earned."""
        if isinstance(self.program.tiers, GrowthTiers):
            self.retier(fell=False)

    def growth_lapsed(self) -> None:
        """Look at tiers by growth value at once after some was lost by inactivity; gifts stay, as with any decay."""
        if isinstance(self.program.tiers, GrowthTiers):
            self.retier(fell=True, taken=False)

    def retier(self, *, fell: bool, taken: bool | None = None) -> None:
        """
        Find the tier after what counts for it has changed.

        Args:
            fell: Something that counted was taken back, which can take a tier at once.
            taken: The gifts of a tier that is lost go with it; default as *fell*.
        """
        tiers = self.program.tiers
        if tiers is not None:
            name, day = tier_rules.retier(
                tiers, self.qualifications, today=self.today, window_spend=self.qualifying, fell=fell
            )
            self._change_tier(name, day, taken=fell if taken is None else taken)

    def review_tier(self) -> None:
        """End the periods that are over: renew or fall; growth value that became spendable may lift."""
        tiers = self.program.tiers
        if isinstance(tiers, GrowthTiers):
            self.retier(fell=False)
            if tiers.deduct_growth:
                self._deduct(tiers)
        if tiers is not None:
            name, day = tier_rules.review(tiers, self.qualifications, today=self.today, window_spend=self.qualifying)
            self._change_tier(name, day)

    def _deduct(self, tiers: GrowthTiers) -> None:
        """Take growth value at the end of each period that is over, the tier looked at behind each."""
        while True:
            days = [day for q in self.qualifications if (day := tiers.review_on(str(q[1]))) is not None]
            first = min(days, default=self.today)
            if not days or first > self.today:
                return
            self.lose_growth(tiers.deduct_growth, "decay", first)
            tier_rules.review(tiers, self.qualifications, today=first, window_spend=self.qualifying)

    def lose_growth(self, most: int, kind: str, day: str) -> int:
        """
        Take growth value for a reason of time; never more than there is.

        Args:
            most: How much at most.
            kind: Of the entries: "decay" at a period's end, "lapse" by inactivity.
            day: The local day it is taken for.

        Returns:
            What was taken.
        """
        left = most
        for lot in self.ledger.live_lots("growth") if most > 0 and self.ledger.balance("growth") > 0 else ():
            part = min(left, lot.remaining - lot.held)
            if part:
                self.ledger.take_from_lot(lot, part, kind=kind, end_state="SPENT")
                left -= part
        if left < most:
            self.ledger.emit("growth.changed", {"asset": "growth", "amount": left - most, "on": day, "why": kind})
        return most - left

    def grant_tier(self, name: str) -> None:
        """Give a tier by hand: it is held to the end of its period whatever was spent; "" takes such tiers back."""
        tiers = self.program.tiers
        if tiers is None:
            return
        if name:
            self.qualifications.append([name, self.today, True, tier_rules.PINNED])
        else:
            self.qualifications[:] = [q for q in self.qualifications if tier_rules.PINNED not in q[3:]]
        tier_rules.retier(tiers, self.qualifications, today=self.today, window_spend=self.qualifying, fell=True)
        self._change_tier(*tier_rules.held(tiers, self.qualifications), taken=not name)

    def import_tier(self, name: str, day: str) -> None:
        """Take in a tier that was reached before, with its gifts as given; nobody is told."""
        tiers = self.program.tiers
        if tiers is None:
            return
        self.qualifications.append([name, day, True, tier_rules.PINNED])
        self.tier, self.tier_on = tier_rules.held(tiers, self.qualifications)
        mark_tier_gifts(self, name, day)
        due_day = tier_rules.next_due_day(tiers, self.qualifications, today=self.today)
        if due_day is not None:
            self.ledger.due(self.program.calendar.start(due_day))

    def import_spend(self, day: str, spend_fen: int, request_key: str) -> None:
        """Take in qualifying spend of a local day before; the tier looks at it with the next settlement."""
        if spend_fen:
            self._add_spend(day, spend_fen)
            self.ledger.post(OPENING_SPEND, "opening", spend_fen, "import", -1, NO_REF, OPENING_DAY + day, request_key)

    def _change_tier(self, name: str, day: str, *, taken: bool = False) -> None:
        tiers = self.program.tiers
        if tiers is None:
            return
        before, after = tiers.level(self.tier), tiers.level(name)
        if name != self.tier:
            if self.tier or after.line:
                kind = "tier.upgraded" if after.line > before.line else "tier.downgraded"
                self.ledger.emit(kind, {"from": self.tier or before.name, "to": name, "on": self.today})
            self.tier = name
        if self.program.gifts and (before != after or day != self.tier_on):
            settle_tier_gifts(self, before, after, self.tier_on, day, taken=taken)
        self.tier_on = day
        if self.qualifications:
            self._look_ahead(tiers)

    def _look_ahead(self, tiers: Tiers) -> None:
        """Warn of a tier that is about to be lost, and come back when there is something to do about it."""
        found = tier_rules.warn(tiers, self.qualifications, today=self.today, window_spend=self.qualifying)
        if found is not None:
            kind = "tier.retained" if found.saved else "tier.will_downgrade"
            unit = "missing_growth" if isinstance(tiers, GrowthTiers) else "missing_fen"
            self.ledger.emit(kind, {"tier": self.tier, "on": found.review_on, unit: found.missing})
        due_day = tier_rules.next_due_day(tiers, self.qualifications, today=self.today)
        if due_day is not None:
            self.ledger.due(self.program.calendar.start(due_day))

    # -- once per member ---------------------------------------------------------------------------------------------

    def settle_once(
        self, rule: Reward, qualifying: int, ref: Ref, *, finished_at: int, blocked: bool, shortfall: str
    ) -> int:
        """
        Bring a once-per-member reward to its target: given while any claim of the member qualifies (D55).

        Args:
            rule: The rule as the claim's revision has it.
            qualifying: By how much the number of qualifying claims changes.
            ref: The claim that made the difference.
            finished_at: That order's effective time.
            blocked: That order has an open refund.
            shortfall: What happens when it is taken back and spent already (D4).

        Returns:
            The difference posted.
        """
        row = self._grants.get(rule.id)
        if row is None:
            self._grants_changed[rule.id] = True
            row = MemberGrantRecord(self._root.program_id, self.member_id, rule.id, 0, "")
        else:
            self._grants_changed.setdefault(rule.id, False)
        claims = row.claims + qualifying
        if row.grant == ELSEWHERE:
            self._grants[rule.id] = row._replace(claims=claims)
            return 0
        if row.claims > 0 and claims > 0:
            # Given already, and still deserved: the usual case, which needs no look at the grant itself.
            self._grants[rule.id] = MemberGrantRecord(row.program_id, row.member_id, rule.id, claims, row.grant)
            return 0
        grant = self._once_grant(row)
        posted = settle_given(
            self.ledger,
            grant,
            rule,
            rule.each if claims > 0 else 0,
            ref=ref,
            issue=IssueTerms(finished_at, self.program.calendar, blocked),
            shortfall=shortfall,
        )
        if posted > 0:
            grant.blocked = blocked
        text = self.text_of(grant) if posted else row.grant
        self._grants[rule.id] = MemberGrantRecord(row.program_id, row.member_id, rule.id, claims, text)
        return posted

    def block_once(self, rule: Reward, qualifying: int, *, blocked: bool) -> None:
        """
        Open or lift the block on a once-per-member reward for a claim that qualifies for it.

        An open refund blocks it while that order is the only reason; any other order that qualifies frees it.

        Args:
            rule: The rule as the claim's revision has it.
            qualifying: By how much this settlement changes the number of qualifying claims.
            blocked: The claim's order has an open refund.
        """
        row = self._grants.get(rule.id)
        if row is None or not row.grant or row.grant == ELSEWHERE or (not blocked and '"blocked"' not in row.grant):
            return
        grant = self._once_grant(row)
        # One without a lot was given to nobody yet; its lot will open as the order then is.
        to_do = [each for each in (grant, *grant.also) if each.lot_no and each.blocked != blocked]
        if not to_do or (blocked and row.claims + qualifying > 1):
            return
        for each in to_do:
            block_lot(self.ledger, self.ledger.lot(each.lot_no), blocked, rule, self.program.calendar)
            each.blocked = blocked
        self._grants_changed.setdefault(rule.id, False)
        self._grants[rule.id] = row._replace(grant=self.text_of(grant))

    def _once_grant(self, row: MemberGrantRecord) -> Grant:
        grant = self._once.get(row.rule_id)
        if grant is None:
            grant = Grant.from_text(row.rule_id, row.grant)
            if grant.of or grant.also:
                grant.renumbered(self.ledger, self.member_id, stored=False)
            self._once[row.rule_id] = grant
        return grant

    # -- merging -----------------------------------------------------------------------------------------------------

    @property
    def days(self) -> Mapping[str, int]:
        """
        The qualifying spend by local day, all days.

        Raises:
            MoreDays: They were not all read.
        """
        if self._days_from:
            raise MoreDays(self.member_id, "")
        return self._days

    def set_day(self, day: str, spend_fen: int) -> None:
        """Set the qualifying spend of a local day to a sum that was made elsewhere, in fen."""
        self._add_spend(day, spend_fen - self._days.get(day, 0))

    def set_source(self, platform: str, claims: int, net_fen: int, first_at: int, last_at: int) -> None:
        """Set a source to sums that were made elsewhere."""
        self._sources.bring(platform, claims, net_fen, first_at, last_at)

    @property
    def counted_rows(self) -> Mapping[str, MemberGrantRecord]:
        """All that is counted or remembered at the member, by its name; what it was merged with is not among it."""
        return {name: row for name, row in self._grants.items() if name != LINKS_ROW}

    def put_once(self, name: str, claims: int, text: str) -> None:
        """Set what is counted or remembered under a name."""
        self._once.pop(name, None)
        self.put_gift(MemberGrantRecord(self._root.program_id, self.member_id, name, claims, text))

    def meet(self, floor: tier_rules.Qualification) -> None:
        """
        Find the tier of two members that became one: no lower than the higher of the two, until its period ends (D5).

        Args:
            floor: The higher of the tiers held before, as a qualification that no window takes away.
        """
        tiers = self.program.tiers
        if tiers is None:
            return
        kept = self.qualifications
        name, day = tier_rules.retier(tiers, kept, today=self.today, window_spend=self.qualifying, fell=True)
        if tiers.level(name).line < tiers.level(str(floor[0])).line:
            kept.append(floor)
            name, day = tier_rules.held(tiers, kept)
        self._change_tier(name, day)

    def set_links(self, links: Links) -> None:
        """Set whom the member was merged with."""
        self.links = links
        self.ledger.origins = links.origins
        self.put_once(LINKS_ROW, len(links.absorbed), links.text())

    # -- lots of members that were merged in --------------------------------------------------------------------------

    def text_of(self, grant: Grant) -> str:
        """Give the stored text of a grant that stands alone."""
        if grant.lot_no < FOREIGN_LOTS and not grant.also:
            return grant.text()
        text = grant.renumbered(self.ledger, self.member_id, stored=True).text()
        grant.renumbered(self.ledger, self.member_id, stored=False)
        return text

    def grants_of(self, owner: str, text: str) -> list[Grant]:
        """
        Read the grants of a claim this member holds.

        Args:
            owner: The member the claim was written with.
            text: As the claim's row keeps them.
        """
        grants = load_grants(text)
        if self.ledger.origins or owner != self.member_id:
            for grant in grants:
                grant.renumbered(self.ledger, owner, stored=False)
        return grants

    def text_of_grants(self, owner: str, grants: Sequence[Grant]) -> str:
        """Give what a claim's row keeps of its grants."""
        if self.ledger.origins or owner != self.member_id:
            documents = [grant.renumbered(self.ledger, owner, stored=True).document() for grant in grants]
            for grant in grants:
                grant.renumbered(self.ledger, owner, stored=False)
            return json_text(documents)
        return json_text([grant.document() for grant in grants])

    # -- gifts -------------------------------------------------------------------------------------------------------

    def gift_row(self, name: str) -> tuple[MemberGrantRecord, Grant]:
        """Give the row of a gift and what it says was given; a gift never given has an empty one."""
        row = self._grants.get(name)
        if row is None:
            row = MemberGrantRecord(self._root.program_id, self.member_id, name, 0, "")
        return row, self._once_grant(row)

    def grant_row(self, name: str) -> MemberGrantRecord | None:
        """Give what is counted or remembered at the member under a name, None for nothing yet."""
        return self._grants.get(name)

    def grant_names(self) -> list[str]:
        """Name everything that is counted or remembered at the member."""
        return list(self._grants)

    def put_gift(self, row: MemberGrantRecord) -> None:
        """Store the row of a gift."""
        self._grants_changed.setdefault(row.rule_id, row.rule_id not in self._grants)
        self._grants[row.rule_id] = row

    # -- counting ----------------------------------------------------------------------------------------------------

    def counted(self, name: str, period: str) -> int:
        """
        Say what was counted in a period so far.

        Args:
            name: Whose count; no id of a reward.
            period: Its present period: periods only go forward, so a row keeps one.
        """
        row = self._grants.get(name)
        return row.claims if row is not None and row.grant == period else 0

    def count(self, name: str, period: str, more: int) -> None:
        """Count on in a period; the first count of a new one forgets the one before."""
        self._grants_changed.setdefault(name, name not in self._grants)
        used = self.counted(name, period) + more
        self._grants[name] = MemberGrantRecord(self._root.program_id, self.member_id, name, used, period)

    # -- reading -----------------------------------------------------------------------------------------------------

    @property
    def tags(self) -> Mapping[str, TagRecord]:
        """The sources by platform, those without claims included."""
        return self._sources.rows

    def total_net_fen(self) -> int:
        """Give the eligible net of all claims and what was spent before, in fen."""
        return self._sources.net_fen() + self.ledger.balance(OPENING_SPEND, "opening")

    # -- writing -----------------------------------------------------------------------------------------------------

    def root_row(self) -> MemberRecord:
        """Give the member's row to store."""
        root, ledger = self._root, self.ledger
        return MemberRecord(
            root.program_id,
            root.member_id,
            root.version,
            ledger.next_due_at,
            ledger.at if root.created_at is None else root.created_at,
            ledger.at,
            ledger.entry_seq,
            ledger.entry_hash,
            ledger.event_seq,
            ledger.event_hash,
            self.tier,
            self.tier_on,
            tier_rules.dump_qualifications(self.qualifications),
            root.blocked_reason,
            root.blocked_until,
            root.attempts,
        )

    def set_root(self, root: MemberRecord) -> None:
        """Change what no ledger derives: the deny list."""
        self._root = root

    def day_rows(self) -> Sequence[tuple[bool, SpendDayRecord]]:
        """Give the touched spend days, each with whether it is new."""
        root = self._root
        return [
            (new, SpendDayRecord(root.program_id, root.member_id, day, self._days[day]))
            for day, new in self._day_new.items()
        ]

    def tag_rows(self) -> Sequence[tuple[bool, TagRecord]]:
        """Give the touched sources, each with whether it is new."""
        return self._sources.changes()

    def grant_rows(self) -> Sequence[tuple[bool, MemberGrantRecord]]:
        """Give the touched once-per-member rewards, each with whether it is new."""
        return [(new, self._grants[rule_id]) for rule_id, new in self._grants_changed.items()]
