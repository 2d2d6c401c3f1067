"""A member at a glance: balances by asset, tier and gap, sources, coupons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.holdings import COUPON, Coming, Holdings, holding_scans, holdings_of
from crossloyalty.application.loading import Loaded
from crossloyalty.application.pages import OrderView, order_views
from crossloyalty.application.ports import AsyncTransaction, Scan
from crossloyalty.application.programs import program_hint
from crossloyalty.application.world import World
from crossloyalty.domain.answers import when
from crossloyalty.domain.calendar import time_of
from crossloyalty.domain.coming import coming_net
from crossloyalty.domain.keys import OrderKey, clean_id
from crossloyalty.domain.ledger import Ledger
from crossloyalty.domain.privacy import masked
from crossloyalty.domain.records import BuyerRecord, ClaimRecord, Key, OrderRecord, TicketRecord
from crossloyalty.domain.rules import GrowthTiers

# So many of a member's identities are listed; of orders on their way and of requests the newest so many are added up.
_NEWEST: Final = 50
_SHOWN_ORDERS: Final = 20

__all__ = ["AssetBalance", "CouponPiece", "MaskedIdentity", "MemberSnapshot", "SourceTotals", "member_snapshot"]


@attrs.frozen
class AssetBalance:
    """
    One asset of a member, in its own unit (points, growth, fen of bonus money).

    Args:
        available: Spendable now; expired lots do not count, swept or not.
        pending: Granted and not yet spendable.
        debt: Owed (欠积分); later points repay it first.
        expires_next_at: When the soonest lot expires, None: none does.
        expires_next: How much of `available` that is.
        external: Of an asset that lives outside: what its gateway was asked to give and not to take back.
        expires_next_more: `expires_next` is the least that expires: the account has more than 200 entries and more
            than 20 lots expire at that instant, of which 20 are counted.
    """

    available: int = 0
    pending: int = 0
    debt: int = 0
    expires_next_at: datetime | None = None
    expires_next: int = 0
    external: int = 0
    expires_next_more: bool = False


@attrs.frozen
class CouponPiece:
    """
    A coupon the member was given.

    Args:
        code: The template's name at the gateway.
        lot_no: Names this one piece.
        state: PENDING, ACTIVE, SPENT, EXPIRED or CLAWED_BACK.
    """

    code: str
    lot_no: int
    state: str


@attrs.frozen
class SourceTotals:
    """
    What came from one platform.

    Args:
        claims: Claims with eligible net.
        net_fen: Their eligible net, in fen.
        first_at, last_at: Effective times of the earliest and the latest order.
    """

    claims: int
    net_fen: int
    first_at: datetime
    last_at: datetime


@attrs.frozen
class MaskedIdentity:
    """
    An identity of a member, as it may be shown.

    Args:
        family: The platform's family, or the kind of identity.
        scope: Where it is unique.
        shown: The id, masked.
    """

    family: str
    scope: str
    shown: str


@attrs.frozen
class MemberSnapshot:
    """
    A member at a glance.

    Args:
        member_id: Who.
        balances: By asset; assets never touched are absent, `points` is always there.
        tier: The tier held, "" in a program without tiers.
        tier_on: The local day it was reached on, "" for the lowest.
        window_spend_fen: Qualifying spend of the tier window, in fen.
        next_tier: The next level's name, None at the top.
        next_tier_gap_fen: What is missing to it, in fen, what is on its way counted as there.
        orders: Claims with eligible net.
        net_spend_fen: Their eligible net, in fen.
        first_order_at, last_order_at: Effective times, None without orders.
        sources: By platform.
        tags: Source tags (来源标签), sorted.
        first_source: The tag of the earliest effective order, None without orders.
        coupons: Those that are pending or active; of more than 100 those that are issued or expire soonest.
        blocked: On the deny list now.
        coming_spend_fen: What paid orders that are not finished yet are going to add, in fen: the newest 50 of a bound
            identity, and those of the newest 50 requests.
        next_tier_gap_growth: What is missing to the next level in growth value, what is pending counted as there.
        benefits: What the host offers the tier held (权益), as the rules name it.
        identities: Those bound now, masked; the first 50.
        newest_orders: The 20 of the latest effective time that they hold or, by a bound identity, bought.
        ids: All ids it stands for, its own first.
    """

    member_id: str
    balances: Mapping[str, AssetBalance]
    tier: str
    tier_on: str
    window_spend_fen: int
    next_tier: str | None
    next_tier_gap_fen: int
    orders: int
    net_spend_fen: int
    first_order_at: datetime | None
    last_order_at: datetime | None
    sources: Mapping[str, SourceTotals]
    tags: tuple[str, ...]
    first_source: str | None
    coupons: tuple[CouponPiece, ...]
    blocked: bool
    benefits: Mapping[str, str]
    next_tier_gap_growth: int
    coming_spend_fen: int
    identities: tuple[MaskedIdentity, ...] = ()
    newest_orders: tuple[OrderView, ...] = ()
    ids: tuple[str, ...] = ()

    @property
    def points(self) -> int:
        """Spendable points."""
        return self.balances["points"].available

    @property
    def pending_points(self) -> int:
        """Points granted and not yet spendable."""
        return self.balances["points"].pending


async def member_snapshot(world: World, program_id: str, member_id: str) -> MemberSnapshot:
    """
    Give a member at a glance; somebody never seen has zeros everywhere.

    Args:
        world: The ports.
        program_id: The program.
        member_id: Who.
    """
    asked = clean_id(member_id, "member_id")
    await program_hint(world, program_id)

    async def body(tx: AsyncTransaction) -> MemberSnapshot:
        loaded = Loaded(world, tx, program_id, world.now(), {})
        member_id = loaded.home(asked)
        await loaded.read((), [member_id])
        ids = loaded.members[member_id].ids
        prefixes = [(program_id, each) for each in ids]
        batch = Batch(loaded)
        accounts, at = loaded.members[member_id].accounts, batch.member(member_id).ledger.at
        tiers = loaded.program.tiers
        by_spend = tiers is not None and not isinstance(tiers, GrowthTiers)
        # All in one round trip; orders of each id, because rows keep the one they were written with.
        scans = [Scan(BuyerRecord, prefixes[0], by="by_member", limit=_NEWEST)]
        scans += [Scan(OrderRecord, each, by="by_owner", descending=True, limit=_SHOWN_ORDERS) for each in prefixes]
        if by_spend:
            scans += [Scan(OrderRecord, each, by="by_coming", descending=True, limit=_NEWEST) for each in prefixes]
            scans += [Scan(TicketRecord, each, by="by_member", descending=True, limit=_NEWEST) for each in prefixes]
        lots_from = len(scans)
        buyers, *parts = (await tx.read(scans=[*scans, *holding_scans(accounts, at)])).rows
        holdings = holdings_of(accounts, parts[lots_from - 1 :])
        many = len(ids)
        orders = cast("list[OrderRecord]", [row for part in parts[:many] for row in part])
        coming_fen = 0
        if by_spend:
            coming = cast("list[OrderRecord]", [row for part in parts[many : 2 * many] for row in part])
            tickets = cast("list[TicketRecord]", [row for part in parts[2 * many : 3 * many] for row in part])
            coming_fen = await _coming_spend(tx, loaded, ids, coming, tickets)
        if len(ids) > 1:
            orders.sort(key=lambda row: (row.effective_at, row.family, row.order_no), reverse=True)
        return attrs.evolve(
            _snapshot(batch, member_id, holdings, coming_fen),
            identities=tuple(
                MaskedIdentity(row.family, row.scope, masked(row.buyer_id))
                for row in cast("Sequence[BuyerRecord]", buyers)
            ),
            newest_orders=order_views(orders[:_SHOWN_ORDERS]),
            ids=ids,
        )

    return await world.run(body, readonly=True)


async def _coming_spend(
    tx: AsyncTransaction,
    loaded: Loaded,
    ids: Sequence[str],
    coming: Sequence[OrderRecord],
    tickets: Sequence[TicketRecord],
) -> int:
    """
    Add up what a member's orders on their way are going to count; at most one round trip whatever their number.

    Args:
        tx: The open transaction.
        loaded: The rules and the moment.
        ids: All ids of the member.
        coming: The newest orders of each that are on their way.
        tickets: The newest requests of each.
    """
    orders = {_key(row): row for row in coming}
    waiting = {
        _key(ticket)
        for ticket in tickets
        if ticket.state in ("PENDING_FINISH", "REFUND_OPEN") and ticket.expires_at > loaded.now
    }
    missing = [Key(OrderRecord, key) for key in waiting - orders.keys()]
    if not missing and not orders:
        return 0
    claims = [Key(ClaimRecord, key) for key in orders]
    found = (await tx.read([*missing, *claims])).records
    orders |= {_key(row): row for key in missing if (row := cast("OrderRecord | None", found.get(key))) is not None}
    coming_fen = 0
    for key, order in orders.items():
        claim = cast("ClaimRecord | None", found.get(Key(ClaimRecord, key)))
        if order.facts and (claim is None or claim.member_id in ids):
            counted_fen = 0 if claim is None else claim.net_fen
            coming_fen += coming_net(order.facts, loaded.program, counted_fen=counted_fen, now=loaded.now)
    return coming_fen


def _key(row: OrderRecord | TicketRecord) -> OrderKey:
    return OrderKey(row.program_id, row.family, row.order_no)


def _snapshot(batch: Batch, member_id: str, holdings: Holdings, coming_fen: int) -> MemberSnapshot:
    member, program = batch.member(member_id), batch.program
    ledger = member.ledger
    assets = [asset for asset in ledger.assets() if not asset.startswith(COUPON)]
    balances = {asset: _balance(ledger, asset, holdings) for asset in {*assets, "points"}}
    tiers = program.tiers
    by_growth = isinstance(tiers, GrowthTiers)
    spend = member.window_spend(member.today) if tiers is not None else 0
    tier = tiers.level(member.tier) if tiers is not None else None
    upper = [level for level in (tiers.levels if tiers else ()) if tier is not None and level.line > tier.line]
    live = [tag for tag in member.tags.values() if tag.claims]
    first = min(live, key=lambda tag: (tag.first_at, tag.tag), default=None)
    prefix = None if program.source_tags is None else program.source_tags.prefix
    return MemberSnapshot(
        member_id,
        dict(sorted(balances.items())),
        "" if tier is None else tier.name,
        member.tier_on,
        spend,
        upper[0].name if upper else None,
        max(0, upper[0].line - spend - coming_fen) if upper and not by_growth else 0,
        sum(tag.claims for tag in live),
        sum(tag.net_fen for tag in live),
        None if first is None else time_of(first.first_at),
        time_of(max(tag.last_at for tag in live)) if live else None,
        {
            tag.tag: SourceTotals(tag.claims, tag.net_fen, time_of(tag.first_at), time_of(tag.last_at))
            for tag in sorted(live)
        },
        () if prefix is None else tuple(sorted(prefix + tag.tag for tag in live)),
        None if prefix is None or first is None else prefix + first.tag,
        tuple(CouponPiece(lot.asset.removeprefix(COUPON), lot.lot_no, lot.state) for lot in holdings.coupons),
        member.blocked(),
        {} if tier is None else dict(tier.benefits),
        max(0, upper[0].line - _growth(ledger)) if upper and by_growth else 0,
        coming_fen,
    )


def _growth(ledger: Ledger) -> int:
    owed = ledger.balance("growth", "debt")
    return ledger.balance("growth") + ledger.balance("growth", "pending") - owed


def _balance(ledger: Ledger, asset: str, holdings: Holdings) -> AssetBalance:
    coming = holdings.coming.get(asset, Coming())
    return AssetBalance(
        max(0, ledger.balance(asset) - holdings.stale.get(asset, 0)),
        ledger.balance(asset, "pending"),
        ledger.balance(asset, "debt"),
        when(coming.at),
        coming.amount,
        ledger.balance(asset, "external"),
        coming.more,
    )
